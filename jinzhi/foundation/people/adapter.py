"""How signing in behaves here: closed sign-up, no password by mail, encrypted secrets of second factors."""

import base64
import hashlib
import time

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings

from .models import Account


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened by an administrator, or by an enterprise's own registration page."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "用户名或者密码不对，请核对后再试；连续 5 次不对会暂时锁定。",
        "incorrect_code": "动态口令不对，请输入手机上现在显示的 6 位数字。",
        "incorrect_password": "密码不对。",
        "enter_current_password": "现在的密码不对。",
        "too_many_login_attempts": "尝试次数过多，请 5 分钟后再试。",
        "rate_limited": "操作太频繁，请稍后再试。",
        "account_inactive": "这个账号已经停用。",
    }

    def is_reauthentication_required(self, *, app, **kwargs):
        """Not within minutes of signing in: the password has only just been given."""
        request = self.request or context.request
        records = get_authentication_records(request, request.user)
        fresh = any(time.time() - r["at"] < app_settings.REAUTHENTICATION_TIMEOUT for r in records)
        return not fresh and super().is_reauthentication_required(app=app, **kwargs)

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request):
        return request.META.get("REMOTE_ADDR", "")

    def set_password(self, user, password):
        user.must_change_password = False
        super().set_password(user, password)

    def send_mail(self, template_prefix, email, context):
        """No mail is sent: notices reach people on the workbench."""


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps TOTP secrets and recovery seeds encrypted with a key derived from the installation's secret."""

    PREFIX = "fernet1:"  # names the algorithm, so that another can follow
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "动态口令不对，请输入手机上现在显示的 6 位数字，并核对手机的时间。",
        "cannot_delete_authenticator": "工作人员必须使用动态口令，不能停用。",
        "cannot_generate_recovery_codes": "请先设置动态口令。",
    }

    def encrypt(self, text):
        return self.PREFIX + _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        return _cipher().decrypt(encrypted_text.removeprefix(self.PREFIX).encode()).decode()

    def can_delete_authenticator(self, authenticator):
        return authenticator.user.kind != Account.Kind.STAFF

    def get_totp_label(self, user):
        return user.username

    def send_notification_mail(self, *args, **kwargs):
        """No mail is sent; the sign-in log and the operation log carry the fact."""


def _cipher() -> Fernet:
    key = hashlib.sha256(b"jinzhi second factor:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
