"""A partner's batch, whatever way it came: checked as a whole, handed to exchange in slices, answered R1 to R4.

A batch is known by its number and the hash of its content: the same again gets the first answer, another content
under a used number is refused. A worker that was killed goes on where it stopped, because the position in the
stream is kept with the rows.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared, receiving, sending
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners.models import Batch, Partner

SLICE = 1000
MOST_LISTED = 1000  # refused rows named in R4
NUMBER = 60
STREAMS = {"http": "HTTP", "file": "FILE", "database": "FRONT"}
MODES = ("increment", "full")


class Refused(Exception):
    """The batch as a whole is refused: `code` is one of E01 to E10."""

    def __init__(self, code: str, message: str):
        self.code, self.message = code, message
        super().__init__(f"{code} {message}")


@dataclass(frozen=True)
class Header:
    """What a batch says of itself. `digest`: hash of its content, by which it is known again."""

    number: str
    dataset: str
    schema: int
    digest: str
    rows: int
    mode: str = "increment"


@dataclass
class Row:
    """One record: `key` may be left out where the declared key items are in the body; `version` where we count it."""

    body: dict[str, Any]
    op: str = "u"
    key: str = ""
    version: int | None = None
    place: int | None = None
    at: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def granted(partner: Partner, dataset: str) -> tuple[Dataset, Grant]:
    """The dataset and the grant by which this partner may deliver it. Raises Refused."""
    try:
        one = declared.get(dataset)
    except declared.Undeclared as fault:
        raise Refused("E03", str(fault)) from None
    today = calendar.today()
    grant = Grant.objects.filter(
        kind="partner", consumer=partner.code, dataset=dataset, inward=True, state=Grant.State.ACTIVE,
        since__lte=today, until__gte=today,
    ).first()  # fmt: skip
    if grant is None or one.in_table:
        raise Refused("E09", f"没有授权{partner.name}提供{one.title}")
    return one, grant


def check(partner: Partner, header: Header) -> tuple[Dataset, Grant]:
    """Whether a batch with this header may come at all. Raises Refused."""
    if not header.number or len(header.number) > NUMBER or not header.number.isprintable():
        raise Refused("E01", f"批次号应为 1 至 {NUMBER} 个可见字符")
    one, grant = granted(partner, header.dataset)
    if not one.compatible_from <= header.schema <= one.schema:
        raise Refused(
            "E03", f"{one.title}没有登记结构版本 {header.schema}，可用 {one.compatible_from} 至 {one.schema}"
        )
    if header.mode not in MODES:
        raise Refused("E01", "方式应为 increment（增量）或者 full（全量）")
    if header.mode == "full" and not header.rows:
        raise Refused("E01", "全量批次没有记录：会删除已有的全部记录，不接收")
    return one, grant


def columns(one: Dataset, grant: Grant, names: Iterable[str]) -> None:
    """Whether these items may be sent. Raises Refused (E03 unknown, E09 not granted or not shared)."""
    names = set(names)
    if unknown := sorted(names - one.by_key.keys()):
        raise Refused("E03", f"没有登记的信息项：{'、'.join(unknown)[:160]}")
    closed = [name for name in sorted(names) if name not in grant.fields or one.by_key[name].share == "no"]
    if closed:
        words = "、".join(one.by_key[name].title for name in closed)
        raise Refused("E09", f"没有授权提供这些信息项：{words[:160]}")


def open_batch(partner: Partner, gateway: str, header: Header) -> tuple[Batch, bool]:
    """(the batch, whether it was finished before). Raises Refused when its number has another content.

    Until the transaction ends nobody else opens one: one batch at a time takes its place in the stream.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"partner {partner.code}"])
    held = Batch.objects.filter(partner=partner, outward=False, number=header.number).first()
    if held is not None:
        if held.digest != header.digest:
            raise Refused("E06", f"批次号 {header.number} 已用于内容不同的批次，请换新的批次号")
        return held, held.state in (Batch.State.DONE, Batch.State.REFUSED)
    base = receiving.position(stream_of(partner, gateway))
    made = Batch.objects.create(
        place=partner.place, partner=partner, gateway=gateway, number=header.number, dataset=header.dataset,
        schema=header.schema, digest=header.digest, rows=header.rows, base=base,
        receipts={"R1": {"at": _now(), "ok": True, "digest": header.digest}},
    )  # fmt: skip
    return made, False


def refuse_batch(
    partner: Partner, gateway: str, header: Header, refused: Refused, *, kept: bool = True
) -> Batch:
    """Keep that a batch was refused as a whole, so that it is visible on both sides."""
    receipt = "R1" if refused.code in ("E01", "E02", "E06", "E10") else "R2"
    number = "".join(c for c in header.number if c.isprintable())[:NUMBER]
    said = {"at": _now(), "ok": False, "code": refused.code, "reason": refused.message}
    fields = {
        "place": partner.place, "gateway": gateway, "dataset": header.dataset[:60], "schema": max(0, min(header.schema, 32000)),
        "digest": header.digest[:64], "rows": header.rows, "state": Batch.State.REFUSED, "reason": str(refused)[:300],
        "receipts": {receipt: said}, "finished_at": timezone.now(),
    }  # fmt: skip
    shown = Batch(partner=partner, number=number, **fields)
    if (
        kept
        and header.number
        and not Batch.objects.filter(partner=partner, outward=False, number=shown.number).exists()
    ):
        # a refused number may be used again: it took nothing
        shown.number = f"{number[: NUMBER - 18]} 拒收 {timezone.now():%d%H%M%S%f}"[:NUMBER]
        shown.save()
    return shown


def stream_of(partner: Partner, gateway: str) -> str:
    return f"{STREAMS[gateway]}_{partner.code}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def sender(partner: Partner) -> receiving.Sender:
    """The partner as the border knows it: what it may send, which items of it, and for which places."""
    today = calendar.today()
    granted = Grant.objects.filter(
        kind="partner", consumer=partner.code, inward=True, state=Grant.State.ACTIVE, since__lte=today, until__gte=today,
    ).values_list("dataset", "fields")  # fmt: skip
    items = {dataset: _open_items(dataset, fields) for dataset, fields in granted}
    return receiving.Sender(
        partner.code, "partner", partner.lo, partner.hi, frozenset(items), partner.max_payload, items=items
    )


def _open_items(dataset: str, fields: list[str]) -> frozenset[str]:
    """The granted items that are shared at all."""
    known = declared.all()[dataset].by_key if dataset in declared.all() else {}
    return frozenset(name for name in fields if name in known and known[name].share != "no")


def record_key(partner: Partner, one: Dataset, row: Row, fallback: str) -> str:
    """The partner's own number of a record: two partners may use the same."""
    key = row.key or "/".join(str(row.body.get(name, "")) for name in one.key_fields)
    return f"{partner.code}/{key or fallback}"[:200]


def run(
    partner: Partner, batch: Batch, one: Dataset, rows: Iterable[Row], *, mode: str = "increment"
) -> Batch:
    """Apply a batch's rows from where they stopped, close it, and write its receipts.

    Each slice is a transaction of its own (inside one of the caller's: a part of it).
    """
    who, stream = sender(partner), stream_of(partner, batch.gateway)
    done = receiving.position(stream)
    seen: list[str] = []
    count = 0
    for lot in _slices(rows):
        first = batch.base + count + 1
        count += len(lot)
        keys = [record_key(partner, one, row, f"?{batch.number}/{first + n}") for n, row in enumerate(lot)]
        seen += keys if mode == "full" else []
        if batch.base + count <= done:
            continue  # a run before this one took them
        _take(partner, batch, one, who, stream, first, lot, keys)
    if mode == "full":
        count += _remove_absent(partner, batch, one, who, stream, seen, count)
    _finish(partner, batch, one, who, stream, count)
    return batch


def _slices(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while lot := list(islice(rows, SLICE)):
        yield lot


def _take(
    partner: Partner,
    batch: Batch,
    one: Dataset,
    who: receiving.Sender,
    stream: str,
    first: int,
    lot: list[Row],
    keys: list[str],
) -> None:
    with transaction.atomic():
        ids = [str(sending.key_of(one.key, key)) for key in keys]
        versions = _versions(one, ids, lot)
        messages = [
            (first + n, _message(partner, batch, one, row, ids[n], versions[n])) for n, row in enumerate(lot)
        ]
        receiving.receive(who, stream, messages)


def _message(partner: Partner, batch: Batch, one: Dataset, row: Row, record: str, version: Any) -> bytes:
    place = row.place if row.place is not None else _usual_place(partner)
    said = {
        "id": record, "dataset": one.key, "schema": batch.schema, "op": row.op, "version": version,
        "owner": partner.code, "place": place, "at": row.at or _now(), "body": row.body,
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _usual_place(partner: Partner) -> int:
    """Where a record lies that does not say so: the partner's own place, the province for partners of the state."""
    return partner.lo if partner.lo else partner.place


def _versions(one: Dataset, ids: list[str], lot: list[Row]) -> list[Any]:
    """Given versions, else one more than what is held where the content differs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, version, body FROM exchange_document WHERE id = ANY(%s::uuid[])", [ids]
        )
        held = {
            key: (version, json.loads(body) if isinstance(body, str) else body)
            for key, version, body in cursor.fetchall()
        }
        cursor.execute(
            "SELECT record::text, version FROM exchange_tombstone WHERE dataset = %s AND record = ANY(%s::uuid[])",
            [one.key, ids],
        )
        dead = dict(cursor.fetchall())
    found = []
    for key, row in zip(ids, lot, strict=True):
        if row.version is not None:
            found.append(row.version)
            continue
        version, body = held.get(key, (dead.get(key, 0), None))
        fresh = row.op == "d" or body != row.body
        version += fresh
        found.append(max(version, 1))
        if row.op != "d":
            held[key] = (version, row.body)  # twice in one slice: the later counts
    return found


def _remove_absent(
    partner: Partner,
    batch: Batch,
    one: Dataset,
    who: receiving.Sender,
    stream: str,
    seen: list[str],
    count: int,
) -> int:
    """A full batch is the whole set: what this partner sent before and left out now is deleted."""
    ids = [str(sending.key_of(one.key, key)) for key in seen]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, version, place FROM exchange_document WHERE dataset = %s AND owner_node = %s"
            " AND NOT id = ANY(%s::uuid[]) ORDER BY id",
            [one.key, partner.code, ids],
        )
        gone = cursor.fetchall()
    after = max(receiving.position(stream), batch.base + count)
    for start in range(0, len(gone), SLICE):
        lot = gone[start : start + SLICE]
        messages = [
            (
                after + start + n + 1,
                _message(partner, batch, one, Row({}, "d", place=place), key, version + 1),
            )
            for n, (key, version, place) in enumerate(lot)
        ]
        receiving.receive(who, stream, messages)
    return len(gone)


@transaction.atomic
def _finish(
    partner: Partner, batch: Batch, one: Dataset, who: receiving.Sender, stream: str, count: int
) -> None:
    batch.last = max(receiving.position(stream), batch.base + count) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT last, rows, digest, applied FROM exchange_position WHERE stream = %s", [stream]
        )
        row = cursor.fetchone()
        _, rows, digest, applied = row or (0, 0, 0, 0)
        if row:
            trailer = {
                "batch": batch.number, "channel": stream, "sender": partner.code, "first": batch.base + 1,
                "last": batch.last, "rows": rows, "digest": f"{int(digest):032x}", "counts": {one.key: rows},
                "at": _now(), "incarnation": "", "signature": "",
            }  # fmt: skip
            receiving.receive(who, stream, [(batch.last, json.dumps(trailer, ensure_ascii=False).encode())])
        cursor.execute(
            "SELECT seq, record::text, code, reason, payload FROM exchange_quarantine"
            " WHERE stream = %s AND seq > %s AND seq <= %s ORDER BY seq",
            [stream, batch.base, batch.last],
        )
        refused = cursor.fetchall()
    batch.rejected, batch.accepted = len(refused), count - len(refused)
    batch.rows = count if not batch.rows else batch.rows
    listed = [
        {"row": seq - batch.base, "key": _said_key(one, payload), "code": code, "reason": reason}
        for seq, _, code, reason, payload in refused[:MOST_LISTED]
    ]
    batch.receipts |= {
        "R2": {
            "at": _now(),
            "ok": True,
            "rows": count,
            "accepted": batch.accepted,
            "rejected": batch.rejected,
        },
        "R3": {"at": _now(), "ok": True, "applied": applied},
        "R4": {"at": _now(), "rejected": listed, "more": max(0, len(refused) - MOST_LISTED)},
    }
    batch.state, batch.finished_at = Batch.State.DONE, timezone.now()
    batch.save()


def _said_key(one: Dataset, payload: str) -> str:
    try:
        body = json.loads(payload)["body"]
        return "/".join(str(body.get(name, "")) for name in one.key_fields)[:200]
    except (ValueError, KeyError, AttributeError, TypeError):
        return ""
