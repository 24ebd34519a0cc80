"""How an operation of the interface asks who is there: `auth=signed_in`, `auth=Bearer()`.

The middleware has already looked the token up and entered its scope; here is only the question.
"""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from .models import Account


def bearer_of(request: HttpRequest) -> str | None:
    """The token in the Authorization header, or None where there is none."""
    kind, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


class Bearer(HttpBearer):
    """A token; see `tokens`."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return request.user if getattr(request, "token", None) is not None else None


class Session(SessionAuth):
    """A page of ours that asks the interface: the signed-in session, with the CSRF token for changes."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        account = super().authenticate(request, key)
        if account is None or (account.kind == Account.Kind.STAFF and request.post is None):  # type: ignore[attr-defined]
            return None
        return account


bearer, session = Bearer(), Session()
signed_in = [bearer, session]
