"""Gives every request its post, powers and database scope, and ends sessions that idle too long."""

import time
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import FileResponse, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone

from jinzhi.foundation.places import scope

from . import identity, keys, tokens
from .bearer import bearer_of
from .models import Account

SEEN_EVERY = 60  # seconds between two writes of the session's last activity
_ALWAYS_OPEN = (
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/login/",
    "/healthz",
)


class PostMiddleware:
    """Sets `request.identity`, `.post`, `.powers`, `.roles`, `.scope` and enters that scope for the view."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.token = request.api_key = None
        text = bearer_of(request) if request.path.startswith("/api/") else None
        answer = self._by_session(request) if text is None else self._by_token(request, text)
        if answer is not None:
            return answer
        with scope.acting(request.scope):
            response = self.get_response(request)
        if response.streaming and not isinstance(response, FileResponse):
            # The body is produced after this method returns; it must be read with the same eyes.
            response.streaming_content = _streamed(response.streaming_content, request.scope)
        return response

    def _by_session(self, request) -> HttpResponse | None:
        """A page: the signed-in session, and what it must do first."""
        if answer := _idle(request):
            return answer
        user = request.user
        found = identity.Identity()
        if user.is_authenticated and user.kind == Account.Kind.STAFF:
            found = identity.load(user, timezone.localdate(), request.session.get("post"))
        self._enter(request, found)
        if path := _must_do_first(request):
            return redirect_whole_page(request, path)
        return None

    def _by_token(self, request, text: str) -> HttpResponse | None:
        """The interface: whoever holds the token or key; a session beside it does not count."""
        try:
            if text.startswith(keys.PREFIX):
                request.user, request.api_key = AnonymousUser(), keys.find(text)
                self._enter(request, identity.Identity())
                return None
            issued = tokens.find(text)
        except tokens.NotReady as refusal:
            return _refuse(403, refusal.message)
        except tokens.NotSignedIn as refusal:
            return _refuse(401, refusal.message)
        request.token, request.user = issued.token, issued.account
        self._enter(request, issued.identity)
        return None

    def _enter(self, request, found: identity.Identity) -> None:
        """What a view may rely on, and the scope of its queries."""
        request.identity, request.scope = found, scope.PUBLIC
        user = request.user
        if found.post:
            request.scope = scope.staff(found.post.agency.place)
        elif user.is_authenticated and user.kind == Account.Kind.ENTERPRISE and user.enterprise_id:
            request.scope = scope.enterprise(user.enterprise_id)
        request.post = request.identity.post
        request.powers = request.identity.powers
        request.roles = request.identity.roles
        if user.is_authenticated and user.kind == Account.Kind.ENTERPRISE:
            request.roles = {"applicant"}


def _refuse(status: int, message: str) -> JsonResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    answer = {"message": message, "problems": []}
    return JsonResponse(answer, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})


def _idle(request) -> HttpResponse | None:
    """Ends a session without activity (GB/T 22239 IA-2) and sends to sign-in, keeping the way back."""
    if "_auth_user_id" not in request.session:
        return None
    now = int(time.time())
    seen = request.session.get("seen", now)
    if now - seen > settings.SESSION_IDLE_SECONDS:
        logout(request)
        return to_sign_in(request, reason="idle")
    if now - seen >= SEEN_EVERY or "seen" not in request.session:
        request.session["seen"] = now
    return None


def _must_do_first(request) -> str:
    """Where this account has to go before anything else: a new password, a second factor."""
    user = request.user
    if not user.is_authenticated or request.path.startswith(_ALWAYS_OPEN):
        return ""
    if settings.DEMO and user.is_demo:
        return ""
    if user.must_change_password:
        path = reverse("account_change_password")
        return "" if request.path == path else path
    if user.kind == Account.Kind.STAFF and not request.identity.has_totp:
        path = reverse("account_change_password")
        return "" if request.path == path else reverse("mfa_activate_totp")
    return ""


def _streamed(content, wanted: scope.Scope):
    with scope.acting(wanted):
        yield from content


def redirect_whole_page(request, path: str) -> HttpResponse:
    """A redirect that an htmx request follows with the whole page instead of a fragment."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": path})
    return HttpResponseRedirect(path)


def to_sign_in(request, reason: str = "") -> HttpResponse:
    """To the sign-in page; afterwards back to the page the person was on."""
    is_page = request.method in ("GET", "HEAD") and request.headers.get("HX-Request") != "true"
    back = request.get_full_path() if is_page else _page_of(request)
    query = {"next": back} | ({"reason": reason} if reason else {})
    return redirect_whole_page(request, f"{reverse('account_login')}?{urlencode(query)}")


def _page_of(request) -> str:
    """Path of the page a fragment or a form was sent from, if it is one of ours."""
    source = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    prefix = f"{request.scheme}://{request.get_host()}"
    return source[len(prefix) :] if source.startswith(f"{prefix}/") else settings.LOGIN_REDIRECT_URL
