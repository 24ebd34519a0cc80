"""What was refused at the border: kept with its reason, told to the sender, tried again or sent again."""

from collections.abc import Iterable

from django.db import connection, transaction

from jinzhi.foundation.exchange import applying, border, declared, replaying
from jinzhi.foundation.exchange.border import Message, Sender


def locality(message: Message, sender: Sender) -> int:
    """The place a line about a message belongs to; its sender's home when it says none that can be one."""
    if type(message.place) is int and 0 < message.place <= border.LAST_PLACE:
        return message.place
    return sender.lo if sender.kind == "city" else 0


def put(sender: Sender, stream: str, refused: Iterable[Message]) -> None:
    """Keep refused messages. What lies here of the same record in this version or an older one gives way."""
    refused = list(refused)
    rows = [
        [
            sender.node, sender.kind, stream, m.seq, m.dataset, m.record, m.version if isinstance(m.version, int) else None,
            m.code, m.reason, m.waits_for, m.raw[: border.LARGEST].decode("utf-8", "replace").replace("\x00", "\ufffd"),
            locality(m, sender),
        ]
        for m in refused
    ]  # fmt: skip
    if rows:
        again = [m for m in refused if m.record and type(m.version) is int and m.version < 2**31]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE exchange_quarantine AS q SET state = 'replaced', settled_at = now(), settled_by = '系统'"
                " FROM unnest(%s::uuid[], %s::integer[], %s::text[]) AS n(record, version, dataset)"
                " WHERE q.state = 'open' AND q.peer = %s AND q.record = n.record AND q.dataset = n.dataset"
                " AND q.version <= n.version",
                [
                    [m.record for m in again], [m.version for m in again], [m.dataset for m in again], sender.node,
                ],
            )  # fmt: skip
            cursor.executemany(
                "INSERT INTO exchange_quarantine (peer, kind, stream, seq, dataset, record, version, code, reason,"
                " waits_for, payload, locality) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                rows,
            )


def follow_up(applied: list[Message]) -> int:
    """What was applied may settle what lies here: an older version of it is repaired, and what waited for it is tried.

    Whoever sent what waited: it passed the border then, so only the rows decide now. Answers how many were applied.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM exchange_quarantine WHERE state = 'open')")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            "UPDATE exchange_quarantine AS q SET state = 'repaired', settled_at = now(), settled_by = '系统'"
            " FROM unnest(%s::uuid[], %s::integer[], %s::text[]) AS n(record, version, dataset)"
            " WHERE q.state = 'open' AND q.record = n.record AND q.dataset = n.dataset AND q.version <= n.version",
            [[m.record for m in applied], [m.version for m in applied], [m.dataset for m in applied]],
        )
    done = 0
    here = [m.record for m in applied]
    while here:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, seq, peer, kind, payload FROM exchange_quarantine WHERE state = 'open'"
                " AND waits_for = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED",
                [here],
            )
            rows = cursor.fetchall()
        here = []
        for key, seq, peer, kind, payload in rows:
            sender = Sender(peer, kind)
            message = border.read(seq, payload.encode(), sender)
            if not message.code:
                applying.apply([message], sender)
            if not message.code:
                done += settle([key], "applied", "系统")
                here.append(message.record)
    return done


def settle(keys: list[int], state: str, who: str) -> int:
    """Close entries: applied, repaired (a newer version came), replaced (refused once more), discarded (by a
    person)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_quarantine SET state = %s, settled_at = now(), settled_by = %s"
            " WHERE id = ANY(%s) AND state = 'open'",
            [state, who[:80], keys],
        )
        return cursor.rowcount


def listed(
    *, state: str = "open", peer: str = "", dataset: str = "", before: int = 0, limit: int = 100
) -> list[dict]:
    """What lies in quarantine here, newest first: received from peers and refused by this node."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, received_at, peer, stream, seq, dataset, record, version, code, reason, state, settled_at,"
            " settled_by, payload FROM exchange_quarantine WHERE (%(state)s = '' OR state = %(state)s)"
            " AND (%(peer)s = '' OR peer = %(peer)s) AND (%(dataset)s = '' OR dataset = %(dataset)s)"
            " AND (%(before)s = 0 OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
            {"state": state, "peer": peer, "dataset": dataset, "before": before, "limit": limit},
        )
        return _dicts(cursor)


def refusals(*, state: str = "open", channel: str = "", dataset: str = "", limit: int = 100) -> list[dict]:
    """What peers refused of ours, as their receipts said."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, channel, seq, dataset, record, version, code, reason, told_at, state FROM exchange_refusal"
            " WHERE (%(state)s = '' OR state = %(state)s) AND (%(channel)s = '' OR channel = %(channel)s)"
            " AND (%(dataset)s = '' OR dataset = %(dataset)s) ORDER BY id DESC LIMIT %(limit)s",
            {"state": state, "channel": channel, "dataset": dataset, "limit": limit},
        )
        return _dicts(cursor)


def _dicts(cursor) -> list[dict]:
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@transaction.atomic
def resend(*, ids: list[int] | None = None, dataset: str = "") -> int:
    """Send the present state of refused records of ours once more, after repair; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_refusal SET state = 'resent', settled_at = now() WHERE state = 'open'"
            " AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)) AND (%(dataset)s = '' OR dataset = %(dataset)s)"
            " RETURNING channel, dataset, record",
            {"ids": ids, "dataset": dataset},
        )
        rows = cursor.fetchall()
    groups: dict[tuple[str, str], list] = {}
    for channel, key, record in rows:
        if record is not None and key in declared.all():
            groups.setdefault((channel, key), []).append(record)
    return sum(
        replaying.replay(key, records=records, channel=channel) for (channel, key), records in groups.items()
    )
