"""One's own account: posts, delegations, safety; and the sign-ins of a demonstration."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from . import roles
from .middleware import redirect_whole_page, to_sign_in
from .models import Account

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def account(request):
    if not request.user.is_authenticated:
        return to_sign_in(request)
    return render(request, "account/account.html", {"posts": request.identity.posts})


@require_POST
def switch_post(request, key: int):
    """Act in another of one's own posts from the next request on."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    post = next((p for p in request.identity.posts if p.pk == key), None)
    if post is None:
        raise Http404
    request.session["post"] = post.pk
    messages.success(request, f"现在以“{post.agency.short_name} {post.title}”的身份办理。")
    return redirect_whole_page(request, _safe_next(request))


def _safe_next(request) -> str:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return settings.LOGIN_REDIRECT_URL


def delegations(request):
    raise Http404


def revoke_delegation(request, key: int):
    raise Http404


def demo(request):
    """The sign-ins of a demonstration and what each can do."""
    if not settings.DEMO:
        raise Http404
    accounts = (
        Account.objects.filter(is_demo=True, is_active=True)
        .prefetch_related("posts__agency", "posts__powers")
        .order_by("id")
    )
    return render(request, "account/demo.html", {"people": [_described(a) for a in accounts]})


def _described(account: Account) -> dict:
    posts = list(account.posts.all())
    held = {power.role for post in posts for power in post.powers.all()}
    tasks = [roles.TASKS[role] for role in roles.ROLES if role in held and role in roles.TASKS]
    if account.kind == Account.Kind.ENTERPRISE:
        tasks = ["网上申请许可，补正材料，查看进度，领取证书"]
    return {
        "account": account,
        "posts": posts,
        "tasks": tasks,
        "roles": [roles.name(role) for role in roles.ROLES if role in held],
    }


@require_POST
def demo_enter(request, username: str):
    if not settings.DEMO:
        raise Http404
    person = get_object_or_404(Account, username=username, is_demo=True, is_active=True)
    request.session.flush()
    login(request, person, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)
