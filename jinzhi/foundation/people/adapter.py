"""How signing in behaves here: closed sign-up, no password by mail, secrets of the second factor encrypted."""

import base64
import hashlib

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened by an administrator, or by an enterprise's own registration page."""

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

    def encrypt(self, text):
        return self.PREFIX + _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        return _cipher().decrypt(encrypted_text.removeprefix(self.PREFIX).encode()).decode()

    def get_totp_label(self, user):
        return user.username

    def send_notification_mail(self, *args, **kwargs):
        """No mail is sent; the sign-in log and the operation log carry the fact."""


def _cipher() -> Fernet:
    key = hashlib.sha256(b"jinzhi second factor:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
