"""Appends to the audit trail: canonical form, SM3, one writer per chain at a time."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from gmssl_pyx import sm3_hash

if TYPE_CHECKING:
    from jinzhi.foundation.history.models import AuditEntry

FIRST = "0" * 64  # `prev` of a chain's first entry
FIELDS = (
    "chain", "seq", "at", "kind", "actor_id", "actor", "post", "on_behalf", "subject", "data", "address",
    "place", "prev",
)  # fmt: skip


def sm3(content: bytes) -> str:
    """SM3 (GB/T 32905) of `content`, 64 hex digits."""
    return sm3_hash(content).hex()


def fingerprint(value: Any) -> str:
    """SM3 of `value` as canonical JSON: the same content has the same fingerprint, whatever its key order."""
    return sm3(json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def plain(value: Any) -> Any:
    """`value` as JSON that PostgreSQL gives back unchanged: no floats, no NUL, keys are text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [
            plain(one) for one in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)
        ]
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, (date, time, Decimal, float, UUID)):
        return str(value)
    return plain(str(value))


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed: every field but `hash`, keys sorted, no spaces, UTF-8."""
    fields = {name: entry[name] for name in FIELDS}
    fields["at"] = fields["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def append(
    chain: str,
    kind: str,
    *,
    actor: object = None,
    post: object = None,
    on_behalf: object = None,
    subject: object = "",
    data: Mapping[str, Any] | None = None,
    address: str | None = None,
    place: int | None = None,
) -> "AuditEntry":
    """Record one act in `chain` and answer its entry.

    `actor` is an account (its key and name are kept) or a name; `post` and `on_behalf` are kept as labels;
    `place` (12 digits) decides whose log shows it, by default that of the post's agency, else this node's.
    The chain stays locked until the transaction ends, so append last.
    """
    from jinzhi.foundation.history.models import AuditEntry

    entry = {
        "chain": chain,
        "kind": kind,
        "actor_id": getattr(actor, "pk", None),
        "actor": _label(getattr(actor, "name", "") or actor, 80),
        "post": _label(post, 120),
        "on_behalf": _label(on_behalf, 120),
        "subject": _label(subject, 200),
        "data": plain(data or {}),
        "address": _label(address, 64),
        "place": place if place is not None else _place_of(post),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM history_lock(%s)", [chain])
        seq, prev, at = cursor.fetchone()
        entry |= {"seq": seq + 1, "prev": prev or FIRST, "at": at}
        entry["hash"] = sm3(canonical(entry))
        values = {**entry, "data": json.dumps(entry["data"], ensure_ascii=False)}
        cursor.execute(_WRITE, values)
        entry["id"] = cursor.fetchone()[0]
    return AuditEntry(**entry)


_WRITE = """
SELECT history_write(%(chain)s, %(seq)s, %(at)s, %(kind)s, %(actor_id)s, %(actor)s, %(post)s, %(on_behalf)s,
  %(subject)s, %(data)s::jsonb, %(address)s, %(place)s, %(prev)s, %(hash)s)
"""


def _label(value: object, longest: int) -> str:
    return plain("" if value is None else str(value))[:longest]


def _place_of(post: object) -> int:
    """The place of the agency the post is in, when it is a post and not just its label; else this node's."""
    place = getattr(getattr(post, "agency", None), "place", None)
    return place if place is not None else int(f"{settings.NODE:0<12}")
