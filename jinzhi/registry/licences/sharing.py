"""Links by which a holder shows a licence to somebody without sign-in: dated, countable, to be taken back.

The link's secret part is a MAC of its number under the server's key: it stands in no table, yet the holder can
look at the link again.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from jinzhi.foundation import history, rules
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.places import scope
from jinzhi.registry.licences.models import Share
from jinzhi.registry.models import Certificate

MOST_OPEN = 50  # links of one licence that are open at a time
_signer = signing.Signer(salt="jinzhi.licences.share", sep=".")


class Refused(ValueError):
    """Why no link was made, for the holder."""


def longest() -> int:
    return int(rules.value("licences.share_longest", on=timezone.localdate()).value)


def create(certificate: Certificate, account, *, purpose: str, days: str | int) -> Share:
    """A link to this licence that ends after so many days; the caller has checked whose licence it is."""
    try:
        wanted = int(days)
    except (TypeError, ValueError):
        raise Refused("请填写有效天数，例如 7。") from None
    if not 1 <= wanted <= longest():
        raise Refused(f"有效天数应在 1 到 {longest()} 之间。")
    if len(purpose.strip()) > 100:
        raise Refused("用途请写在 100 字以内。")
    now = timezone.now()
    held = Share.objects.filter(certificate=certificate, revoked_at=None, expires_at__gt=now).count()
    if held >= MOST_OPEN:
        raise Refused(f"这张证照已有 {held} 个未到期的分享链接，请先收回不用的。")
    share = Share.objects.create(
        certificate=certificate, enterprise_id=certificate.holder_id, purpose=purpose.strip(),
        created_by=account.name[:60], expires_at=now + timedelta(days=wanted),
    )  # fmt: skip
    _log("licences.shared", share, account)
    return share


def revoke(share: Share, account) -> None:
    """Take a link back; what has been looked at or downloaded through it stays where it is."""
    if share.revoked_at is None:
        share.revoked_at = timezone.now()
        share.save(update_fields=["revoked_at"])
        _log("licences.share_revoked", share, account)


def _log(kind: str, share: Share, account) -> None:
    data = {
        "number": share.certificate.number,
        "purpose": share.purpose,
        "until": share.expires_at.isoformat(),
    }
    history.append("registry", kind, actor=account, subject=f"share:{share.pk}", data=data)


def path(share: Share) -> str:
    return reverse("licences-shared", args=[_signer.sign(share.pk.hex)])


def link(share: Share) -> str:
    """The whole address, to be copied."""
    return settings.PUBLIC_URL + path(share)


def find(text: str) -> Share | None:
    """The share a link names, open or not; None for a link that was not made here. Acts in system scope."""
    try:
        key = uuid.UUID(_signer.unsign(text))
    except (signing.BadSignature, ValueError):
        return None
    return Share.objects.select_related("certificate__holder").filter(pk=key).first()


def count(share: Share) -> None:
    Share.objects.filter(pk=share.pk).update(opened=F("opened") + 1, opened_at=timezone.now())


def papers(certificate: Certificate) -> list[GeneratedDocument]:
    """The newest printed faces of a licence, one of each kind: documents that carry its number and its QR."""
    found = GeneratedDocument.objects.filter(
        enterprise_id=certificate.holder_id, data__licence_number=certificate.number, data__has_key="qr_text"
    ).order_by("created_at")
    return list({d.kind: d for d in found}.values())


def paper_of(share: Share, key) -> GeneratedDocument | None:
    with scope.acting(scope.SYSTEM):
        return next((d for d in papers(share.certificate) if d.pk == key), None)
