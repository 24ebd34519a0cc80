"""One's own account: posts, delegations, safety; and the sign-ins of a demonstration."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from . import delegation, roles
from .access import staff_required
from .acting import Actor, Refused
from .forms import DelegationForm
from .middleware import redirect_whole_page, to_sign_in
from .models import Account, Delegation, SignIn

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def account(request):
    if not request.user.is_authenticated:
        return to_sign_in(request)
    context = {
        "posts": request.identity.posts,
        "has_totp": request.identity.has_totp,
        "signins": SignIn.objects.filter(account=request.user).order_by("-id")[:5],
    }
    return render(request, "account/account.html", context)


def forgotten(request, **kwargs):
    """Passwords are not reset by mail; the page says who does it."""
    return render(request, "account/forgotten.html")


def not_here(request, **kwargs):
    """Pages of allauth that have no meaning here."""
    return redirect("people-account")


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


@staff_required
def delegations(request):
    """Delegations given and held by the post acted in; a form for a new one."""
    form = DelegationForm(request.POST or None, post=request.post)
    if request.method == "POST" and form.is_valid():
        try:
            given = delegation.delegate(Actor.of(request), **form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, f"已委托{given.to_post.account}，{given.starts} 至 {given.ends} 有效。")
            return redirect("people-delegations")
    people = Delegation.objects.select_related("from_post__account", "to_post__account")
    context = {
        "form": form,
        "today": timezone.localdate(),
        "given": people.filter(from_post=request.post).order_by("-starts", "-id")[:50],
        "held": people.filter(to_post=request.post).order_by("-starts", "-id")[:50],
    }
    return render(request, "account/delegations.html", context)


@require_POST
@staff_required
def revoke_delegation(request, key: int):
    given = get_object_or_404(Delegation, pk=key, from_post__account=request.user)
    delegation.revoke(Actor.of(request), given)
    messages.success(request, "委托已经撤销。")
    return redirect("people-delegations")


def demo(request):
    """The sign-ins of a demonstration and what each can do."""
    if not settings.DEMO:
        raise Http404
    accounts = (
        Account.objects.filter(is_demo=True, is_active=True)
        .prefetch_related("posts__agency", "posts__powers")
        .order_by("id")
    )
    people = sorted((_described(a) for a in accounts), key=lambda p: (p["order"], p["account"].pk))
    return render(request, "account/demo.html", {"people": people})


def _described(person: Account) -> dict:
    """Who a demonstration account is: title, first role in the order of a matter's way, tasks."""
    posts = list(person.posts.all())
    held = {power.role for post in posts for power in post.powers.all()}
    title = posts[0].title if posts else "企业用户"
    if person.kind == Account.Kind.ENTERPRISE:
        held, title = {"applicant"}, "企业"
    mine = [role for role in roles.ROLES if role in held]
    return {
        "account": person,
        "posts": posts,
        "title": title,
        "role": mine[0] if mine else "",
        "order": list(roles.ROLES).index(mine[0]) if mine else len(roles.ROLES),
        "tasks": [roles.TASKS[role] for role in mine],
    }


@require_POST
def demo_enter(request, username: str):
    if not settings.DEMO:
        raise Http404
    person = get_object_or_404(Account, username=username, is_demo=True, is_active=True)
    request.session.flush()
    login(request, person, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)
