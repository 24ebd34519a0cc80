"""The sign-in log and lock-out: listens to Django's, axes' and allauth's signals."""

from allauth.mfa.signals import authentication_failed
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from .models import Account, SignIn


def username_of(request, credentials) -> str:
    """What axes counts by: one spelling of the name, so that changing its case gives no further tries."""
    if credentials and credentials.get("username"):
        return credentials["username"].strip().lower()
    posted = request.POST if request is not None else {}
    return (posted.get("login") or posted.get("username") or "").strip().lower()


def _write(result: str, request, *, account=None, username: str = "") -> None:
    meta = request.META if request is not None else {}
    SignIn.objects.create(
        username=(username or (account.username if account else ""))[:150],
        account=account,
        result=result,
        address=meta.get("REMOTE_ADDR") or None,
        agent=meta.get("HTTP_USER_AGENT", "")[:200],
    )


@receiver(user_logged_in, dispatch_uid="people.signed_in")
def _signed_in(sender, request, user, **kwargs):
    _write(SignIn.Result.SIGNED_IN, request, account=user)


@receiver(user_logged_out, dispatch_uid="people.signed_out")
def _signed_out(sender, request, user, **kwargs):
    if user is not None:
        _write(SignIn.Result.SIGNED_OUT, request, account=user)


@receiver(user_login_failed, dispatch_uid="people.failed")
def _failed(sender, credentials, request=None, **kwargs):
    name = username_of(request, credentials)
    if getattr(request, "axes_locked_out", False):
        return  # told apart below
    account = Account.objects.filter(username__iexact=name).first() if name else None
    _write(SignIn.Result.FAILED, request, account=account, username=name)


@receiver(user_locked_out, dispatch_uid="people.locked")
def _locked(sender, request, username, **kwargs):
    account = Account.objects.filter(username__iexact=username).first() if username else None
    _write(SignIn.Result.LOCKED, request, account=account, username=username or "")


@receiver(authentication_failed, dispatch_uid="people.second_factor_failed")
def _second_factor_failed(sender, request, user, **kwargs):
    _write(SignIn.Result.FAILED, request, account=user)
