"""What a licence's QR says: a compact, signed list of what stands on the face, to be checked without this server.

    <base64url of the text>.<base64url of the DER signature>

The text is a JSON list in UTF-8 without spaces, in the order of `Face`; its first member is the version of this
format, its second the number of the key. The bytes as transmitted are what was signed (SM2 with SM3).
docs/decisions/0012 says why it looks so; static/licences/judge.js reads it on the phone.
"""

import base64
import json
from dataclasses import asdict, dataclass, fields
from datetime import date
from urllib.parse import quote

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.foundation.places import scope
from jinzhi.registry import kinds
from jinzhi.registry.licences import keys
from jinzhi.registry.licences.models import SignedFace, SigningKey
from jinzhi.registry.models import Certificate

VERSION = 1
LONGEST = 4000  # characters of a text that is looked at at all
_SCOPE, _ADDRESS = 60, 60  # characters of the longer members: a QR has its limits


@dataclass(frozen=True)
class Face:
    """Members of the text in their order; dates as YYYYMMDD, 0 for none."""

    version: int
    key: str
    number: str
    face_version: int
    kind: str
    holder: str
    holder_code: str
    scope: str
    address: str
    valid_from: int
    valid_to: int
    issued_on: int
    agency: str
    signed_on: int
    demo: int


TYPES = [f.type for f in fields(Face)]


class Malformed(ValueError):
    """Not a licence's text at all."""


@dataclass(frozen=True)
class Reading:
    """What a text is worth: genuine, forged, malformed, unknown_key or bad_key."""

    state: str
    face: Face | None = None
    key: SigningKey | None = None

    @property
    def genuine(self) -> bool:
        return self.state == "genuine"


def number_of(day: date | None) -> int:
    """
    >>> number_of(date(2026, 3, 2))
    20260302
    """
    return day.year * 10000 + day.month * 100 + day.day if day else 0


def day_of(number: int) -> date | None:
    try:
        return date(number // 10000, number // 100 % 100, number % 100) if number else None
    except ValueError:
        raise Malformed(f"{number} is no day") from None


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def face(certificate: Certificate, key: str, signed_on: date) -> Face:
    categories = dict.fromkeys(i.category for i in certificate.items.all())
    return Face(
        version=VERSION,
        key=key,
        number=certificate.number,
        face_version=certificate.face_version,
        kind=kinds.kind_name(certificate.kind),
        holder=certificate.holder_name,
        holder_code=certificate.holder_code,
        scope=_short("、".join(categories), _SCOPE),
        address=_short(certificate.premises or certificate.address, _ADDRESS),
        valid_from=number_of(certificate.valid_from),
        valid_to=number_of(certificate.valid_to),
        issued_on=number_of(certificate.issued_on),
        agency=certificate.agency_name,
        signed_on=number_of(signed_on),
        demo=int(certificate.is_demo),
    )


def text_of(stated: Face) -> bytes:
    """The one way to write a face down."""
    return json.dumps(list(asdict(stated).values()), ensure_ascii=False, separators=(",", ":")).encode()


def coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Malformed("not base64url") from None
    if coded(raw) != text:  # one writing only: a changed character is never overlooked
        raise Malformed("not canonical")
    return raw


def join(message: bytes, signature: bytes) -> str:
    return f"{coded(message)}.{coded(signature)}"


def token(certificate: Certificate) -> str:
    """The signed text of the certificate's present face, signed once and kept."""
    key, private = keys.signing_key()
    held = _held(certificate, key)
    if held is None:
        message = text_of(face(certificate, key.pk, timezone.localdate()))
        made = join(message, keys.sign_with(key, private, message))
        held = _keep(certificate, key, made)
    return held.token


def _held(certificate: Certificate, key: SigningKey) -> SignedFace | None:
    """The text of this face by the key in use or by one before it that is still believed."""
    found = SignedFace.objects.filter(certificate=certificate, face_version=certificate.face_version)
    good = found.exclude(key__state=SigningKey.State.COMPROMISED).select_related("key")
    return good.order_by("signed_at").last()


def _keep(certificate: Certificate, key: SigningKey, made: str) -> SignedFace:
    with scope.acting(scope.SYSTEM):  # the public may be the first to ask for it
        try:
            with transaction.atomic():
                return SignedFace.objects.create(
                    certificate=certificate, place=certificate.place,
                    face_version=certificate.face_version, key=key, token=made,
                )  # fmt: skip
        except IntegrityError:
            return SignedFace.objects.get(
                certificate=certificate, face_version=certificate.face_version, key=key
            )


def split(text: str) -> tuple[bytes, bytes, Face]:
    """Message, signature and what they say; raises Malformed. Says nothing about being genuine."""
    if len(text) > LONGEST or text.count(".") != 1 or not text.isascii():
        raise Malformed("not message.signature")
    message, signature = (_decoded(part) for part in text.split("."))
    try:
        members = json.loads(message)
    except ValueError:
        raise Malformed("not JSON") from None
    if not isinstance(members, list) or len(members) != len(TYPES) or members[0] != VERSION:
        raise Malformed("another format")
    if any(type(member) is not wanted for member, wanted in zip(members, TYPES, strict=True)):
        raise Malformed("wrong types")
    stated = Face(*members)
    for number in (stated.valid_from, stated.valid_to, stated.issued_on, stated.signed_on):
        day_of(number)
    return message, signature, stated


def read(text: str) -> Reading:
    """Check a text that came with a QR against the published keys."""
    try:
        message, signature, stated = split(text.strip())
    except (Malformed, RecursionError):
        return Reading("malformed")
    key = SigningKey.objects.filter(pk=stated.key).first() if stated.key.isalnum() else None
    if key is None:
        return Reading("unknown_key", stated)
    if not keys.genuine(key, message, signature):
        return Reading("forged", stated, key)
    signed_on = day_of(stated.signed_on)
    if signed_on is None or not keys.believed(key, signed_on):
        return Reading("bad_key", stated, key)
    return Reading("genuine", stated, key)


def verification_path(certificate: Certificate) -> str:
    """Path of the verification page with the signed text, as the QR carries it."""
    return f"/verify/{quote(certificate.number, safe='')}?t={token(certificate)}"


def qr_text(certificate: Certificate) -> str:
    """What the QR on a printed face says: an address that opens the verification, with and without network."""
    return settings.PUBLIC_URL + verification_path(certificate)
