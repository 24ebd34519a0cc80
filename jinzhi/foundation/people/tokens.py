"""Access tokens of the interface: issued after the same sign-in as on the pages, known again by their hash.

A token stands for one account in one post (or for one enterprise). What it may do is read anew on every
request, as for a page; it ends with its time, its post, a new password, or when it is handed back.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from allauth.mfa.base.forms import AuthenticateForm
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from jinzhi.foundation import rules
from jinzhi.foundation.places import scope

from .acting import Refused
from .identity import Identity, load
from .models import AccessToken, Account

LENGTH = 32  # bytes; nobody guesses one, so a plain hash keeps it


class NotSignedIn(Refused):
    """Name, password or code is wrong, or the token is no longer good."""


class Locked(Refused):
    """Too many wrong tries."""


class NotReady(Refused):
    """The person is known but may not work yet: a password to change, a second factor to set up, no post."""


@dataclass(frozen=True)
class Issued:
    """A new token; `text` is shown once and kept nowhere."""

    text: str
    token: AccessToken
    account: Account
    identity: Identity = field(default_factory=Identity)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def issue(request, username: str, password: str, code: str = "", post: int | None = None) -> Issued:
    """Sign in for the interface. Raises NotSignedIn, Locked, NotReady, Refused."""
    account = _known(request, username, password)
    found = load(account, timezone.localdate(), post)
    _may_work(account, found)
    _second_factor(account, found, code)
    if account.kind == Account.Kind.STAFF:
        if found.post is None:
            raise NotReady("您目前没有有效的任职，请联系本机构的系统管理员。")
        if post is not None and found.post.pk != post:
            raise Refused("您没有这个任职，或者任职不在有效期内。", "post")
    elif post is not None:
        raise Refused("企业账号没有任职。", "post")
    elif account.enterprise_id is None:
        raise NotReady("这个账号还没有关联企业。")
    user_logged_in.send(sender=Account, request=request, user=account)
    return _write(account, found)


def _known(request, username: str, password: str) -> Account:
    """The account that the page, too, would let in with this password; in a demonstration its people need none."""
    if settings.DEMO and not password:
        person = Account.objects.filter(username=username, is_demo=True, is_active=True).first()
        if person is not None:
            return person
    account = authenticate(request, username=username, password=password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # else its middleware answers with the page
        raise Locked("失败次数过多，账号暂时锁定，请 15 分钟后再试。")
    if not isinstance(account, Account):
        raise NotSignedIn("用户名或者密码不对，请核对后再试；连续 5 次不对会暂时锁定。", "password")
    return account


def _exempt(account: Account) -> bool:
    return settings.DEMO and account.is_demo


def _may_work(account: Account, found: Identity) -> None:
    """What the pages demand before anything else."""
    if _exempt(account):
        return
    if account.must_change_password:
        raise NotReady("须先在网页上更改密码。", "password")
    if account.kind == Account.Kind.STAFF and not found.has_totp:
        raise NotReady("工作人员须先在网页上设置动态口令。", "code")


def _second_factor(account: Account, found: Identity, code: str) -> None:
    """The time-based code or a recovery code, counted and logged like those typed on the page."""
    if not found.has_totp or _exempt(account):
        return
    if not code:
        raise NotSignedIn("还需要动态口令，请在 code 中填写手机上现在显示的 6 位数字。", "code")
    form = AuthenticateForm(user=account, data={"code": code})
    if not form.is_valid():
        raise NotSignedIn("；".join(m for many in form.errors.values() for m in many), "code")
    form.authenticator.record_usage()


def _write(account: Account, found: Identity) -> Issued:
    text = secrets.token_urlsafe(LENGTH)
    hours = int(rules.value("people.token_validity", on=timezone.localdate()).value)
    with scope.acting(scope.SYSTEM):
        token = AccessToken.objects.create(
            digest=digest(text), account=account, post=found.post, secret=account.get_session_auth_hash(),
            expires_at=timezone.now() + timedelta(hours=hours),
        )  # fmt: skip
    return Issued(text, token, account, found)


def find(text: str) -> Issued:
    """Whose token this is, with the post and powers of this moment. Raises NotSignedIn, NotReady."""
    token = AccessToken.objects.select_related("account").filter(digest=digest(text)).first()
    if token is None or token.revoked_at or token.expires_at <= timezone.now():
        raise NotSignedIn("令牌无效或者已经到期，请重新登录。")
    account = token.account
    if not account.is_active or not constant_time_compare(token.secret, account.get_session_auth_hash()):
        raise NotSignedIn("账号已经停用或者更改了密码，请重新登录。")
    found = Identity()
    if account.kind == Account.Kind.STAFF:
        found = load(account, timezone.localdate(), token.post_id)
        if found.post is None or found.post.pk != token.post_id:
            raise NotSignedIn("令牌所用的任职已经结束，请重新登录。")
    _may_work(account, found)
    return Issued("", token, account, found)


def revoke(request, token: AccessToken) -> None:
    """Sign out."""
    with scope.acting(scope.SYSTEM):
        AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    user_logged_out.send(sender=Account, request=request, user=token.account)


def clean_up() -> int:
    """Remove the tokens that have run out or were handed back; how many. The log of sign-ins keeps who had one."""
    ended = Q(expires_at__lte=timezone.now()) | Q(revoked_at__isnull=False)
    return AccessToken.objects.filter(ended).delete()[0]
