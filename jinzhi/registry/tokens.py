"""The mark a certificate's QR carries: a MAC of number and face version under this installation's key.

It proves that the face was printed here; whether the certificate still holds only the register says.
"""

import base64
import hmac
import os
from dataclasses import dataclass
from urllib.parse import quote

from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "jinzhi.registry.certificate"
_LENGTH = 20  # characters of base32: 100 bits


@dataclass(frozen=True)
class Reading:
    """What a token says. `genuine` is false for a token that was not made here for this number."""

    genuine: bool
    face_version: int = 0


def _keys() -> list[str]:
    own = os.environ.get("JINZHI_CERTIFICATE_KEY")
    return [str(k) for k in (own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if k]


def _mac(number: str, face_version: int, key: str) -> str:
    digest = salted_hmac(_SALT, f"{face_version}|{number}", secret=key, algorithm="sha256").digest()
    return base64.b32encode(digest).decode()[:_LENGTH]


def token(number: str, face_version: int) -> str:
    """The token for a printed face, e.g. `1.MFRGGZDFMZTWQ2LK…`."""
    return f"{face_version}.{_mac(number, face_version, _keys()[0])}"


def read(number: str, text: str) -> Reading:
    """Check a token that came with a number."""
    version, _, mac = text.strip().upper().partition(".")
    if not (version.isascii() and version.isdigit() and len(version) < 6):
        return Reading(False)
    if not (mac.isascii() and len(mac) == _LENGTH):
        return Reading(False)
    genuine = any(hmac.compare_digest(_mac(number, int(version), key), mac) for key in _keys())
    return Reading(genuine, int(version) if genuine else 0)


def verification_path(number: str, face_version: int) -> str:
    """Path of the verification page as printed in the QR; the caller puts the portal's address before it."""
    return f"/verify/{quote(number, safe='')}?t={token(number, face_version)}"
