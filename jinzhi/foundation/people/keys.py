"""Keys of other agencies' systems: what a program of a department may ask of the interface, how often, how long.

A key belongs to an agency and sees what that agency's place covers, and only what its scopes name; without a
scope that fits, it sees what the public sees. Only its hash is kept.
"""

import secrets
from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.places import scope

from .acting import Actor, Refused
from .models import Agency, ApiKey, Post
from .tokens import NotSignedIn, digest

PREFIX = "jzk_"
SHOWN = len(PREFIX) + 6  # characters by which people tell keys apart
BYTES = 32
MOST_RATE = 100_000
SCOPES = {
    "archive": "企业内部档案（不含联系人）",
    "export": "批量导出",
}
_SEEN_EVERY = timedelta(minutes=1)


def issue(
    by: Actor, *, agency: Agency, name: str, scopes: list[str], rate: int, expires_on: date
) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once. Raises Refused."""
    by.needs("security_administrator")
    by.reaches(agency)
    today = timezone.localdate()
    longest = int(rules.value("people.api_key_validity", on=today).value)
    if not today < expires_on <= today + timedelta(days=longest):
        raise Refused(f"有效期至应在今天之后、{longest} 日以内。", "expires_on")
    if unknown := set(scopes) - set(SCOPES):
        raise Refused(f"没有这种权限：{'、'.join(sorted(unknown))}。", "scopes")
    if not 1 <= rate <= MOST_RATE:
        raise Refused(f"每分钟次数应在 1 与 {MOST_RATE} 之间。", "rate")
    text = PREFIX + secrets.token_urlsafe(BYTES)
    with transaction.atomic():
        key = ApiKey.objects.create(
            digest=digest(text), shown=text[:SHOWN], agency=agency, name=name, scopes=sorted(scopes), rate=rate,
            expires_on=expires_on, issued_by=by.account,
        )  # fmt: skip
        facts = {
            "机构": agency.name,
            "权限": [SCOPES[s] for s in key.scopes],
            "每分钟": rate,
            "有效期至": str(expires_on),
        }
        by.record("people.key.issued", f"{name}（{key.shown}…）", facts, agency)
    return key, text


def revoke(by: Actor, key: ApiKey) -> None:
    """The key ends with the next request. Raises Refused."""
    by.needs("security_administrator")
    by.reaches(key.agency)
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            raise Refused("这个密钥已经停用。")
        by.record("people.key.revoked", f"{key.name}（{key.shown}…）", {}, key.agency)


def of(post: Post) -> QuerySet[ApiKey]:
    """Keys of agencies within the range of this post's agency."""
    low, high = scope.jurisdiction(post.agency.place)
    return ApiKey.objects.filter(agency__place__range=(low, high)).select_related("agency", "issued_by")


def find(text: str) -> ApiKey:
    """The key in force with this text. Raises NotSignedIn."""
    key = ApiKey.objects.select_related("agency").filter(digest=digest(text)).first()
    now, today = timezone.now(), timezone.localdate()
    if key is None or key.revoked_at or key.expires_on < today:
        raise NotSignedIn("密钥无效、已经停用或者到期，请向发放的机构申请新的密钥。")
    if key.agency.valid_to and key.agency.valid_to <= today:
        raise NotSignedIn("密钥所属的机构已经撤销。")
    if key.last_used_at is None or now - key.last_used_at > _SEEN_EVERY:
        with scope.acting(scope.SYSTEM):
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def allowed(request, wanted: str) -> scope.Scope | None:
    """The scope a request with a key may read with for this purpose; None: no key, or none for it."""
    key = getattr(request, "api_key", None)
    return scope.staff(key.agency.place) if key is not None and wanted in key.scopes else None
