"""Who is calling: a partner's signed request is checked before anything is read of it.

Forged, replayed, late and oversized requests end here; what is refused is kept in the partner's log.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import HttpError
from ninja.security import APIKeyHeader

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.places import scope
from jinzhi.network.partners import signatures
from jinzhi.network.partners.models import CODE, Call, Key, Nonce, Partner

PROTOCOL = "JINZHI-1"
NONCE = re.compile(r"[A-Za-z0-9_.-]{16,64}")
MINUTE = timedelta(minutes=1)
SLOT_CLASS = 0x4A5B  # advisory locks: one for each connection a partner may have at a time
UNKNOWN = "伙伴、密钥或者签名不符"
MOST_UNKNOWN = 30  # refusals of unknown callers kept per minute


@dataclass(frozen=True)
class Caller:
    """A partner whose request was signed with this key."""

    partner: Partner
    key: Key

    @property
    def pk(self) -> str:
        return f"partner:{self.partner.code}"  # what the request limit counts by


def to_sign(
    method: str, path: str, query: str, timestamp: str, nonce: str, partner: str, body_digest: str
) -> bytes:
    """The text a request signs: eight lines, UTF-8, no line end after the last.

    >>> to_sign("GET", "/api/v1/partner/me", "", "2026-11-23T02:00:00Z", "n" * 16, "cnca", "e3b0").count(b"\\n")
    7
    """
    return "\n".join((PROTOCOL, method, path, query, timestamp, nonce, partner, body_digest)).encode()


class Denied(HttpError):
    """A request that is not let in."""


def _moment(text: str) -> datetime | None:
    try:
        if text.isdigit() and len(text) <= 11:
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else None


class Signed(APIKeyHeader):
    """Signed request of a partner: X-Jinzhi-Partner, -Key, -Timestamp, -Nonce, -Signature; see docs/partners.md."""

    param_name = "X-Jinzhi-Signature"

    def __call__(self, request: HttpRequest) -> Any:
        with scope.acting(scope.SYSTEM):
            claimed = request.headers.get("X-Jinzhi-Partner", "")[:40]
            try:
                return admit(request, claimed)
            except Denied as denied:
                _keep_refusal(request, claimed, denied)
                raise

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:  # pragma: no cover  (see __call__)
        return None


def admit(request: HttpRequest, claimed: str) -> Caller:
    """The caller. Raises Denied: 401 unsigned, forged or late; 403 not allowed; 409 replayed; 413, 429."""
    said = {
        name: request.headers.get(f"X-Jinzhi-{name}", "")
        for name in ("Timestamp", "Nonce", "Signature", "Key")
    }
    if not (claimed and said["Timestamp"] and said["Nonce"] and said["Signature"]):
        raise Denied(401, "请求没有签名：需要首部 X-Jinzhi-Partner、Timestamp、Nonce、Signature")
    partner = Partner.objects.filter(code=claimed).first() if re.fullmatch(CODE, claimed) else None
    if partner is None:
        raise Denied(401, UNKNOWN)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > partner.max_payload:
        raise Denied(413, f"请求 {length[:12]} 字节，超过约定的 {partner.max_payload} 字节（E10）")
    key = _verified(request, partner, said)
    _fresh(said["Timestamp"])
    _once(partner, said["Nonce"])
    if not partner.is_open:
        raise Denied(403, f"{partner.name}{partner.get_state_display()}，不能交换")
    _from_where(request, partner)
    _in_rate(partner)
    _seen(partner, key)
    return Caller(partner, key)


def _seen(partner: Partner, key: Key) -> None:
    """Once a minute; not while a batch of the partner is being set up."""
    now = timezone.now()
    if partner.last_seen is None or partner.last_seen < now - MINUTE:
        Partner.objects.filter(pk=partner.pk).update(last_seen=now)
    if key.last_used_at is None or key.last_used_at < now - MINUTE:
        Key.objects.filter(pk=key.pk).update(last_used_at=now)


def _verified(request: HttpRequest, partner: Partner, said: dict[str, str]) -> Key:
    today = calendar.today()
    keys = partner.keys.filter(revoked_at=None, valid_from__lte=today).exclude(algorithm=Key.Algorithm.NKEY)
    if said["Key"]:
        keys = keys.filter(key_id=said["Key"][:16])
    for key in keys.order_by("-valid_from")[:8]:
        if _signed_by(key, request, partner.code, said):
            if key.valid_to < today:
                raise Denied(401, f"密钥 {key.key_id} 已于 {key.valid_to} 到期，请登记新的公钥")
            return key
    raise Denied(401, UNKNOWN)


def _signed_by(key: Key, request: HttpRequest, code: str, said: dict[str, str]) -> bool:
    """Whether the signature is this key's; the path may have been signed percent-encoded or plain."""
    body = signatures.digest(key.algorithm, request.body)
    query = request.META.get("QUERY_STRING", "")
    for path in dict.fromkeys(
        (request.path, quote(request.path, safe="/~"), quote(request.path, safe="/~:@!$&'()*+,;="))
    ):
        message = to_sign(request.method or "", path, query, said["Timestamp"], said["Nonce"], code, body)
        if signatures.verify(key.algorithm, key.public, message, said["Signature"]):
            return True
    return False


def _fresh(text: str) -> None:
    moment = _moment(text)
    if moment is None:
        raise Denied(401, "X-Jinzhi-Timestamp 应为带时区的时间，如 2026-11-23T02:00:00Z，或者 Unix 秒")
    skew = int(rules.value("partners.clock_skew", on=calendar.today()).value)
    apart = abs((timezone.now() - moment).total_seconds())
    if apart > skew:
        now = timezone.now().astimezone(UTC).isoformat(timespec="seconds")
        raise Denied(401, f"请求时间与本机相差 {round(apart)} 秒，超过 {skew} 秒；本机时间 {now}，请校准时钟")


def _once(partner: Partner, nonce: str) -> None:
    if not NONCE.fullmatch(nonce):
        raise Denied(401, "X-Jinzhi-Nonce 应为 16 至 64 个字母、数字或 _.-，每个请求不同")
    try:
        with transaction.atomic():
            Nonce.objects.create(place=partner.place, partner=partner, nonce=nonce, at=timezone.now())
    except IntegrityError:
        raise Denied(409, "这个请求已经收到过（X-Jinzhi-Nonce 重复），按重放拒绝") from None


def _from_where(request: HttpRequest, partner: Partner) -> None:
    if not partner.addresses:
        return
    try:
        here = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        raise Denied(403, "来源地址不在登记的范围内") from None
    if not any(here in ipaddress.ip_network(one, strict=False) for one in partner.addresses):
        raise Denied(403, f"来源地址 {here} 不在登记的范围内")


def _in_rate(partner: Partner) -> None:
    minute = timezone.now() - MINUTE
    if Nonce.objects.filter(partner=partner, at__gt=minute).count() > partner.rate:
        raise Denied(429, f"一分钟内超过约定的 {partner.rate} 个请求，请稍后再试")


def _keep_refusal(request: HttpRequest, claimed: str, denied: Denied) -> None:
    partner = Partner.objects.filter(code=claimed).first() if re.fullmatch(CODE, claimed) else None
    if partner is None:
        recent = Call.objects.filter(partner=None, at__gt=timezone.now() - MINUTE).count()
        if recent >= MOST_UNKNOWN:
            return
    from django.conf import settings

    Call.objects.create(
        place=partner.place if partner else int(settings.NODE) * 10**6, partner=partner, claimed="" if partner else claimed,
        gateway="http", what=f"{request.method} {request.path}"[:120], status=denied.status_code,
        reason=str(denied)[:200], address=(request.META.get("REMOTE_ADDR") or "")[:64],
    )  # fmt: skip


def first_slot(partner: Partner) -> int:
    """The advisory lock of the partner's first connection; the others follow it."""
    return int.from_bytes(partner.pk.bytes[-3:], "big") << 7


@contextmanager
def slot(partner: Partner) -> Iterator[None]:
    """One of the partner's connections while the block runs; 429 when all are taken (in whatever process)."""
    base = first_slot(partner)
    held = None
    with connection.cursor() as cursor:
        for number in range(partner.connections):
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [SLOT_CLASS, base + number])
            if cursor.fetchone()[0]:
                held = base + number
                break
    if held is None:
        raise Denied(429, f"同时连接超过约定的 {partner.connections} 个，请等前面的请求结束")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [SLOT_CLASS, held])
        except DatabaseError:
            connection.close()  # the lock ends with it


def recorded(what: str) -> Callable[[Callable], Callable]:
    """An operation of a partner: within its connections, in the system's face, with a line in the log.

    The operation may set `request.moved = (rows, bytes)`.
    """

    def decorate(operation):
        @wraps(operation)
        def run(request, *args, **kwargs):
            partner = request.auth.partner
            status, reason = 200, ""
            with scope.acting(scope.SYSTEM):
                try:
                    with slot(partner):
                        return operation(request, *args, **kwargs)
                except HttpError as fault:
                    status, reason = fault.status_code, str(fault)
                    raise
                finally:
                    rows, size = getattr(request, "moved", (0, 0))
                    Call.objects.create(
                        place=partner.place, partner=partner, gateway="http", what=what[:120], status=status,
                        reason=reason[:200], rows=rows, bytes=size or len(request.body),
                        address=(request.META.get("REMOTE_ADDR") or "")[:64],
                    )  # fmt: skip

        return run

    return decorate
