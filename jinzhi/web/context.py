"""What every page of the shell needs: names of the site, menu, posts, reminders, remembered settings."""

from functools import cache, cached_property

import yaml
from django.conf import settings

from jinzhi.foundation.people import roles
from jinzhi.foundation.people.models import Account

from . import navigation

DENSITIES = ("normal", "compact", "roomy")


@cache
def site() -> dict:
    """Names of this province's site from its pack (`site.yaml`)."""
    names = {
        "public_name": "质量监督公共服务",
        "workbench_name": "金质 质量监督工作台",
        "organiser": "",
        "hotline": "12315",
    }
    path = settings.PROVINCE_DIR / "site.yaml"
    if path.is_file():
        names |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return names


class Shell:
    """Read by the templates; everything is worked out only when a template asks for it."""

    def __init__(self, request):
        self.request = request
        self.demo = settings.DEMO
        self.idle_seconds = settings.SESSION_IDLE_SECONDS

    @property
    def site(self):
        return site()

    @cached_property
    def menu(self):
        return navigation.menu(self.request)

    @cached_property
    def reminders(self):
        return navigation.reminders(self.request)

    @cached_property
    def reminder_count(self):
        return sum(r.count or 1 for r in self.reminders)

    @property
    def identity(self):
        return getattr(self.request, "identity", None)

    @cached_property
    def post(self):
        return getattr(self.request, "post", None)

    @cached_property
    def other_posts(self):
        posts = self.identity.posts if self.identity else []
        return [p for p in posts if p != self.post]

    @cached_property
    def role_names(self):
        return [roles.name(role) for role in roles.ROLES if role in getattr(self.request, "roles", ())]

    @cached_property
    def delegators(self):
        """Names of those this post acts for today."""
        powers = self.identity.powers if self.identity else []
        return list(dict.fromkeys(p.on_behalf.account.name for p in powers if p.on_behalf))

    @cached_property
    def is_enterprise(self):
        user = getattr(self.request, "user", None)
        return bool(user and user.is_authenticated and user.kind == Account.Kind.ENTERPRISE)

    # Remembered in cookies, so that the first paint is already right.
    @cached_property
    def theme(self):
        return "dark" if self.request.COOKIES.get("jz-theme") == "dark" else "light"

    @cached_property
    def density(self):
        wanted = self.request.COOKIES.get("jz-density")
        return wanted if wanted in DENSITIES else "normal"

    @cached_property
    def folded(self):
        return self.request.COOKIES.get("jz-menu") == "folded"

    @cached_property
    def large(self):
        return self.request.COOKIES.get("jz-large") == "1"


def shell(request) -> dict:
    return {"shell": Shell(request)}
