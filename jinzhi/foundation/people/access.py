"""Who may open a page: decorators for views and the questions a view asks about the post acted in."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied

from . import roles
from .middleware import to_sign_in
from .models import Account, Post, Power


class NotThisPost(PermissionDenied):
    """The page exists, but the post acted in may not open it; the 403 page names which post may."""

    def __init__(self, *wanted: str, text: str = ""):
        self.roles = [roles.name(role) for role in wanted]
        self.text = text
        super().__init__(text or f"需要{'、'.join(self.roles)}岗位")


def staff_required(view: Callable) -> Callable:
    """For anyone of the staff who acts in a valid post."""
    return role_required()(view)


def reader_required(view: Callable) -> Callable:
    """For posts that do business or audit it: what enterprises handed in is not for administrators."""
    return role_required(*sorted(roles.READERS))(view)


def role_required(*wanted: str) -> Callable[[Callable], Callable]:
    """For staff whose post holds at least one of these roles, itself or by delegation."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if request.user.kind != Account.Kind.STAFF:
                raise NotThisPost(text="这里是工作人员的页面，企业账号不能打开。")
            if request.post is None:
                raise NotThisPost(text="您目前没有有效的任职，请联系本机构的系统管理员。")
            if wanted and not request.roles & set(wanted):
                raise NotThisPost(*wanted)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def enterprise_required(view: Callable) -> Callable:
    """For the account of an enterprise."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return to_sign_in(request)
        if request.user.kind != Account.Kind.ENTERPRISE or not request.user.enterprise_id:
            raise NotThisPost(text="这里是企业办事的页面，请用企业账号登录。")
        return view(request, *args, **kwargs)

    return guarded


def may(request, role: str, procedure: str = "", step: str = "") -> bool:
    """Whether the post acted in holds `role` at this step of this procedure."""
    return power_for(request, role, procedure, step) is not None


def power_for(request, role: str, procedure: str = "", step: str = "") -> Power | None:
    return request.identity.power_for(role, procedure, step)


def on_behalf(request, role: str, procedure: str = "", step: str = "") -> Post | None:
    """The post that delegated this power to the one acting; None when the power is its own.

    The log then says 「A 代 B」.
    """
    power = power_for(request, role, procedure, step)
    return power.on_behalf if power else None
