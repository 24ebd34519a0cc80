"""How exchange stands: figures per dataset and peer, the message log, the way of one record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from jinzhi.foundation.exchange import declared, node
from jinzhi.foundation.places import scope

MOST = 200  # lines of one record's way, of each kind
FIGURES = ("sent", "acknowledged", "refused_there", "received", "applied", "refused", "bytes_out", "bytes_in")


def status() -> list[dict[str, Any]]:
    """One entry per dataset and peer: sent, acknowledged, received, applied, refused (by either end), unsent,
    oldest_unsent_seconds (None when nothing waits)."""
    with scope.acting(scope.SYSTEM):
        found: dict[tuple[str, str], dict] = {}
        for peer, dataset, *figures in _rows(
            f"SELECT peer, dataset, {', '.join(f'sum({f})::bigint' for f in FIGURES)} FROM exchange_tally GROUP BY 1, 2"
        ):
            found[peer, dataset] = dict(zip(FIGURES, figures, strict=True))
        now = timezone.now()
        waiting = _unsent()
        for peer, dataset in {*found, *waiting}:
            entry = found.setdefault((peer, dataset), dict.fromkeys(FIGURES, 0))
            count, oldest = waiting.get((peer, dataset), (0, None))
            entry["unsent"] = count
            entry["oldest_unsent_seconds"] = (
                max(0, round((now - oldest).total_seconds(), 1)) if oldest else None
            )
    titles = declared.all()
    return [
        {"peer": peer, "dataset": dataset, "title": titles[dataset].title if dataset in titles else dataset}
        | entry
        for (peer, dataset), entry in sorted(found.items())
    ]


def _unsent() -> dict[tuple[str, str], tuple[int, datetime]]:
    """(peer, dataset) -> rows not yet in the receiving stream, and the oldest of them."""
    waiting: dict[tuple[str, str], tuple[int, datetime]] = {}
    # Batches are few (one for up to a thousand rows), so a long outage is counted as quickly as a short one.
    numbered = _rows(
        """SELECT c.peer, k.key, sum(k.value::bigint)::bigint, min(b.made_at) FROM exchange_channel AS c
        JOIN exchange_batch AS b ON b.channel = c.name AND b.acknowledged_at IS NULL AND b.last > c.stored,
        jsonb_each_text(b.counts) AS k WHERE left(k.key, 1) <> '_' GROUP BY 1, 2"""
    )
    pending = _rows(
        """SELECT c.peer, p.dataset, p.n, p.oldest FROM (
          SELECT dataset, count(*) AS n, min(made_at) AS oldest FROM exchange_pending
          WHERE left(dataset, 1) <> '_' GROUP BY dataset) AS p
        JOIN exchange_subscription AS s ON s.dataset = p.dataset AND NOT s.ended
        JOIN exchange_channel AS c ON c.name = s.channel"""
    )
    for peer, dataset, count, oldest in [*numbered, *pending]:
        held = waiting.get((peer, dataset))
        waiting[peer, dataset] = (held[0] + count, min(held[1], oldest)) if held else (count, oldest)
    return waiting


def _rows(statement: str, parameters: Any = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def summary() -> dict[str, Any]:
    """In one look: queued rows, oldest unsent, unacknowledged batches, open quarantine and refusals, by channel."""
    with scope.acting(scope.SYSTEM):
        waiting = _unsent().values()
        oldest = min((since for _, since in waiting), default=None)
        ((quarantined, refusals, pending),) = _rows(
            "SELECT (SELECT count(*) FROM exchange_quarantine WHERE state = 'open'),"
            " (SELECT count(*) FROM exchange_refusal WHERE state = 'open'), (SELECT count(*) FROM exchange_pending)"
        )
        channels = node.channels()
    return {
        "queued": sum(count for count, _ in waiting),
        "pending": pending,
        "oldest_unsent_seconds": round((timezone.now() - oldest).total_seconds(), 1) if oldest else None,
        "quarantined": quarantined,
        "refusals": refusals,
        "channels": channels,
    }


def peers(side: str) -> set[str]:
    """Codes of those who send to this node (`in`) or are sent to (`out`)."""
    statement = {
        "in": "SELECT DISTINCT peer FROM exchange_position",
        "out": "SELECT DISTINCT peer FROM exchange_channel",
    }
    with scope.acting(scope.SYSTEM):
        return {peer for (peer,) in _rows(statement[side])}


def log(
    *,
    direction: str = "in",
    peer: str = "",
    dataset: str = "",
    record: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    within: tuple[int, int] = node.EVERYWHERE,
    before: str = "",
    limit: int = 50,
) -> tuple[list[dict], str]:
    """Lines of the message log, newest first, and where the next page begins ("" at the end).

    `in`: what arrived; `out`: what was numbered for a channel, with whether it was stored and acknowledged. `within`: first
    and last place of the records. Reads as many lines as it shows, however long the log is.
    """
    if record:
        UUID(record)
    at = "received_at" if direction == "in" else "made_at"
    wanted = {
        "peer": peer, "dataset": dataset, "record": record or None, "outcome": outcome, "since": since, "until": until,
        "limit": limit + 1, "lo": within[0], "hi": within[1],
    }  # fmt: skip
    if before:
        wanted["at"], wanted["id"] = before.split(" ")
    statement = (_IN if direction == "in" else _OUT).format(
        record="AND record = %(record)s::uuid" if record else "",
        since=f"AND {at} >= %(since)s" if since else "",
        until=f"AND {at} < %(until)s" if until else "",
        within="" if within == node.EVERYWHERE else "AND locality BETWEEN %(lo)s AND %(hi)s",
        before=f"AND ({at}, id) < (%(at)s::timestamptz, %(id)s::bigint)" if before else "",
    )
    with scope.acting(scope.SYSTEM):
        rows = _dicts(statement, wanted)
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last['at'].isoformat()} {last['id']}" if last else ""


_IN = """
SELECT id, received_at AS at, stream, seq, peer, dataset, record, version, op, locality, bytes, outcome, code
FROM exchange_inbound WHERE (%(peer)s = '' OR peer = %(peer)s) AND (%(dataset)s = '' OR dataset = %(dataset)s)
  AND (%(outcome)s = '' OR outcome = %(outcome)s) {record} {since} {until} {within} {before}
ORDER BY received_at DESC, id DESC LIMIT %(limit)s"""

_OUT = """
SELECT id, made_at AS at, channel AS stream, seq, peer, dataset, record, version, op, locality, outcome, code, batch
FROM exchange_sent WHERE (%(peer)s = '' OR peer = %(peer)s) AND (%(dataset)s = '' OR dataset = %(dataset)s)
  AND (%(outcome)s = '' OR outcome = %(outcome)s) {record} {since} {until} {within} {before}
ORDER BY made_at DESC, id DESC, channel LIMIT %(limit)s"""


def _dicts(statement: str, parameters: dict) -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def way(record: str, within: tuple[int, int] = node.EVERYWHERE) -> list[dict]:
    """Where a record has been: made here, sent to whom, acknowledged when; received from whom. Oldest first.

    Only while it lay `within` (first and last place): a record that moved shows each county its own part.
    """
    out, _ = log(direction="out", record=record, within=within, limit=MOST)
    came, _ = log(direction="in", record=record, within=within, limit=MOST)
    with scope.acting(scope.SYSTEM):
        made = _dicts(
            "SELECT made_at AS at, dataset, version, op, owner_node FROM exchange_outbox"
            " WHERE record = %(record)s::uuid AND locality BETWEEN %(lo)s AND %(hi)s"
            " ORDER BY made_at DESC, id DESC LIMIT %(most)s",
            {"record": record, "lo": within[0], "hi": within[1], "most": MOST},
        )
    lines = [{"step": "made"} | one for one in made]
    lines += [{"step": "sent"} | one for one in out] + [{"step": "received"} | one for one in came]
    return sorted(lines, key=lambda line: line["at"])
