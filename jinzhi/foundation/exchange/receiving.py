"""What arrives: one transaction for each lot of messages of a stream, so a killed inbox repeats nothing.

The position in the stream is kept with the rows it brought; whoever reads goes on behind `position`, whatever
the broker believes was acknowledged.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, DataError, IntegrityError, ProgrammingError, connection, transaction

from jinzhi.foundation.exchange import applying, border, quarantine, sending
from jinzhi.foundation.exchange.border import Message, Sender

__all__ = ["Outcome", "Sender", "position", "read", "receive"]

log = logging.getLogger(__name__)

SKEW = timedelta(minutes=5)  # how far a sender's clock may be ahead before it is said


@dataclass
class Outcome:
    """Counts of one lot; `control` are messages between nodes, for the caller to act on; `alarms` (kind, detail)."""

    applied: int = 0
    ignored: int = 0  # older than what is here, or this node's own
    refused: int = 0
    repeated: int = 0  # at or before the position
    control: list[tuple[str, dict]] = field(default_factory=list)
    alarms: list[tuple[str, str]] = field(default_factory=list)
    last: int = 0


def position(stream: str) -> int:
    """Sequence of the last message of `stream` that was taken in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last FROM exchange_position WHERE stream = %s", [stream])
        row = cursor.fetchone()
    return row[0] if row else 0


def set_position(stream: str, seq: int) -> None:
    """Go on behind `seq` (healing: the stream began anew)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_position SET last = %s, rows = 0, digest = 0, applied = 0, refused = '[]', counts = '{}'"
            " WHERE stream = %s",
            [seq, stream],
        )


@dataclass
class _Open:
    """The batch of a stream whose trailer has not come yet."""

    last: int
    incarnation: str
    rows: int
    digest: int
    applied: int
    refused: list
    counts: Counter


def read(sender: Sender, messages: Iterable[tuple[int, bytes]]) -> list[Message]:
    """Messages (sequence, payload) read and checked as far as that goes without this node's rows.

    A receiver does so with the next lot while the present one is being written.
    """
    return [_read(sender, seq, raw) for seq, raw in messages]


def _read(sender: Sender, seq: int, raw: bytes) -> Message:
    if raw.startswith(b'{"batch"'):
        return Message(seq, len(raw), raw, trailer=True)
    if control := _control(raw):
        return Message(seq, len(raw), raw, control=control)
    try:
        message = border.read(seq, raw, sender)
    except DatabaseError:
        raise  # it is away: the lot is tried again
    except Exception as error:
        log.exception("%s: message %s cannot be read", sender.node, seq)
        message = _indigestible(seq, raw, error)
    message.part = sending.part(raw)
    return message


def _indigestible(seq: int, raw: bytes, error: Exception) -> Message:
    words = f"不能处理：{type(error).__name__} {str(error)[:150]}"
    return Message(seq, len(raw), raw).refuse("E01", words)


def receive(sender: Sender, stream: str, messages: Sequence[tuple[int, bytes] | Message]) -> Outcome:
    """Take in messages of `stream` in order, read already or not: check, apply, log, answer finished batches.

    All or nothing; what is at or before the position is passed over. A refused message goes to quarantine and
    into the receipt of its batch, the others are applied. What was handed in is not changed: it may be tried again.
    """
    outcome = Outcome()
    with transaction.atomic(), connection.cursor() as cursor:
        state = _take_position(cursor, sender, stream)
        lot: list[Message] = []
        logged: list[Message] = []
        for one in messages:
            message = copy(one) if isinstance(one, Message) else _read(sender, *one)
            if message.seq <= state.last:
                outcome.repeated += 1
                continue
            state.last = message.seq
            if message.trailer:
                _settle(sender, stream, lot, state, outcome)
                logged += lot
                lot = []
                _close_batch(sender, stream, message.raw, state, outcome)
            elif message.control is None:
                lot.append(message)
            elif message.control[0] == "_receipt":
                _take_receipt(sender, message.control[1], outcome)
            else:
                outcome.control.append(message.control)
        _settle(sender, stream, lot, state, outcome)
        logged += lot
        _write_log(cursor, sender, stream, logged)
        cursor.execute(
            "UPDATE exchange_position SET last = %s, incarnation = %s, rows = %s, digest = %s, applied = %s,"
            " refused = %s, counts = %s, at = now() WHERE stream = %s",
            [
                state.last, state.incarnation, state.rows, state.digest, state.applied,
                json.dumps(state.refused, ensure_ascii=False), json.dumps(state.counts), stream,
            ],
        )  # fmt: skip
        outcome.last = state.last
    return outcome


def set_aside(sender: Sender, stream: str, seq: int, raw: bytes, error: Exception) -> None:
    """Put a message that nothing here can digest into quarantine and go on behind it."""
    with transaction.atomic(), connection.cursor() as cursor:
        state = _take_position(cursor, sender, stream)
        if seq <= state.last:
            return
        message = _indigestible(seq, raw, error)
        quarantine.put(sender, stream, [message])
        _write_log(cursor, sender, stream, [message])
        cursor.execute("UPDATE exchange_position SET last = %s, at = now() WHERE stream = %s", [seq, stream])


def _take_receipt(sender: Sender, body: dict, outcome: Outcome) -> None:
    try:
        with transaction.atomic():
            sending.receipt(sender.node if sender.kind != "hub" else "hub", body)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        DataError,
        IntegrityError,
        ProgrammingError,
    ) as error:
        outcome.alarms.append(("batch", f"{sender.node} 的回执不能读取：{type(error).__name__}"))


def _take_position(cursor, sender: Sender, stream: str) -> _Open:
    cursor.execute(
        "INSERT INTO exchange_position (stream, peer) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [stream, sender.node],
    )
    cursor.execute(
        "SELECT last, incarnation, rows, digest, applied, refused, counts FROM exchange_position"
        " WHERE stream = %s FOR UPDATE",
        [stream],
    )
    last, incarnation, rows, digest, applied, refused, counts = cursor.fetchone()
    refused = json.loads(refused) if isinstance(refused, str) else refused
    counts = json.loads(counts) if isinstance(counts, str) else counts
    return _Open(last, incarnation, rows, int(digest), applied, refused, Counter(counts))


def _control(raw: bytes) -> tuple[str, dict] | None:
    """(kind, body) of a message between nodes; None for a record's."""
    if b'"dataset":"_' not in raw[:120]:
        return None
    try:
        said = json.loads(raw)
        kind, body = said["dataset"], said["body"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (kind, body) if isinstance(kind, str) and isinstance(body, dict) else None


def _settle(sender: Sender, stream: str, lot: list[Message], state: _Open, outcome: Outcome) -> None:
    """Apply what may be applied, put the rest into quarantine, and count both for the batch."""
    if not lot:
        return
    applied, ignored = applying.apply([m for m in lot if not m.code], sender)
    refused = [m for m in lot if m.code]
    quarantine.put(sender, stream, refused)
    quarantine.follow_up([m for m in lot if not m.code])
    for message in lot:
        state.rows += 1
        state.digest = (state.digest + message.part) % sending.MODULUS
        state.counts[message.dataset] += 1
    state.applied += applied + ignored
    state.refused += [[m.seq, m.dataset, m.record, m.version, m.code, m.reason] for m in refused]
    ahead = datetime.now(UTC) + SKEW
    late = next((m for m in lot if _later(m.at, ahead)), None)
    if late:
        outcome.alarms.append(
            ("clock_skew", f"{sender.node} 的消息时间 {border.clean(late.at)[:40]} 晚于本节点时间")
        )
    outcome.applied += applied
    outcome.ignored += ignored
    outcome.refused += len(refused)


def _later(text: str, than: datetime) -> bool:
    try:
        return datetime.fromisoformat(text) > than
    except (ValueError, TypeError):
        return False


def _close_batch(sender: Sender, stream: str, raw: bytes, state: _Open, outcome: Outcome) -> None:
    """A trailer came: does it agree with what arrived, is it the sender's? Say so in a receipt."""
    problem = ""
    try:
        trailer = json.loads(raw)
        claimed = (trailer["rows"], trailer["digest"])
        signature, number, last = trailer["signature"], trailer["batch"], trailer["last"]
        incarnation = str(trailer.get("incarnation", ""))[:36]
        if not (isinstance(number, (int, str)) and type(last) is int):
            raise TypeError("batch")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        outcome.alarms.append(("trailer", f"{sender.node} 的批次尾不能读取"))
        _fresh(state)
        return
    found = (state.rows, f"{state.digest:032x}")
    if sender.verify and not sender.verify(sending.canonical(trailer), signature):
        problem = "E02 签名不符"
    elif trailer.get("sender") != sender.node and sender.kind != "hub":
        problem = "E09 批次尾的发送方与通道不符"
    elif claimed != found:
        problem = f"E01 批次声明 {claimed[0]} 条，收到 {found[0]} 条，或摘要不同"
    if problem:
        outcome.alarms.append(("batch", f"{sender.node} 批次 {number}：{problem}"))
    if state.incarnation and incarnation and incarnation != state.incarnation:
        outcome.alarms.append(("incarnation", f"{sender.node} 的数据库是恢复或重建的，编号重新开始"))
    state.incarnation = incarnation or state.incarnation
    channel = sending.channel_to(sender.node)
    body = {
        "batch": number, "last": last, "rows": found[0], "digest": found[1], "ok": not problem, "problem": problem,
        "applied": state.applied, "refused": state.refused, "at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    sending.send("_receipt", channel, body)
    _tally(sender, state)
    _fresh(state)


def _fresh(state: _Open) -> None:
    state.rows, state.digest, state.applied = 0, 0, 0
    state.refused, state.counts = [], Counter()


def _tally(sender: Sender, state: _Open) -> None:
    peer = (
        "hub" if sender.kind == "hub" else sender.node
    )  # by the channel's name for it, as what is sent to it
    refused = Counter(one[1] for one in state.refused)
    with connection.cursor() as cursor:
        for dataset, n in state.counts.items():
            cursor.execute(
                "INSERT INTO exchange_tally AS t (day, peer, dataset, received, applied, refused)"
                " VALUES (current_date, %s, %s, %s, %s, %s) ON CONFLICT (day, peer, dataset) DO UPDATE"
                " SET received = t.received + excluded.received, applied = t.applied + excluded.applied,"
                " refused = t.refused + excluded.refused",
                [peer, dataset, n, n - refused[dataset], refused[dataset]],
            )


def _write_log(cursor, sender: Sender, stream: str, lines: list[Message]) -> None:
    if not lines:
        return
    with cursor.copy(
        "COPY exchange_inbound (stream, peer, seq, dataset, record, version, op, locality, bytes, outcome, code) FROM STDIN"
    ) as copy:
        for m in lines:
            outcome = "refused" if m.code else "applied"
            version = m.version if type(m.version) is int and m.version < 2**31 else None
            copy.write_row(
                (
                    stream,
                    sender.node,
                    m.seq,
                    m.dataset,
                    m.record,
                    version,
                    str(m.op)[:1],
                    quarantine.locality(m, sender),
                    m.size,
                    outcome,
                    m.code,
                )
            )
