"""Reconciliation (对账): both ends count and hash the same rows; where they differ, they look closer.

A tree of sums: dataset, then place, then the day the record was made (UUIDv7), then single rows. `answer` is what the
other end calls over whatever transport; `compare` walks down, explains each difference, and is kept as a
report; `heal` repairs by sending again or by fetching back.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from jinzhi.foundation.exchange import applying, border, capture, declared, node, replaying, sending
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.exchange.declared import Dataset

MOST_KEYS = 5000  # of one place and day in one answer; the next question goes on behind the last
PART = "get_byte(uuid_send(n.id), 15)"  # one of 256, by the last byte of the key
MOST_SHOWN = 10_000  # differences kept in a report

Question = dict[str, Any]
Ask = Callable[[Question], dict]

KINDS = {
    "late": "已发出，对方尚未确认",
    "refused": "对方拒收",
    "missing": "对方缺少",
    "older": "对方版本较旧",
    "newer": "对方版本较新",
    "changed": "版本相同，内容不同",
    "extra": "对方多出",
}


@dataclass
class Report:
    """One comparison. `differences`: [{record, place, ours, theirs, kind}], ours and theirs being versions or None."""

    id: str
    peer: str
    dataset: str
    owner: str
    ours: int = 0
    theirs: int = 0
    differing: int = 0
    our_digest: str = ""
    their_digest: str = ""
    differences: list[dict] = field(default_factory=list)

    @property
    def agreed(self) -> bool:
        return not self.differing and (self.ours, self.our_digest) == (self.theirs, self.their_digest)

    def as_dict(self) -> dict:
        return {
            "id": self.id, "peer": self.peer, "dataset": self.dataset, "owner": self.owner, "ours": self.ours,
            "theirs": self.theirs, "our_digest": self.our_digest, "their_digest": self.their_digest,
            "differing": self.differing, "agreed": self.agreed, "differences": self.differences,
        }  # fmt: skip


def _source(dataset: Dataset, owner: str) -> tuple[str, str, str, str]:
    """(table, condition, SQL of the body, SQL of a row's hash) where this node holds what `owner` owns of a dataset.

    Where both ends have the rows in the same table, the row's own text is hashed, which costs half of making it JSON.
    """
    if dataset.table and dataset.in_table:
        columns = ", ".join(f"n.{column}" for column in ("version", *dataset.columns))
        return dataset.table, f"({dataset.rows})", capture.body(dataset), f"exchange_sum(({columns})::text)"
    if dataset.table and owner == node.this().node:
        body = capture.body(dataset)
        return dataset.table, f"({dataset.rows})", body, f"exchange_hash(n.version, {body})"
    return capture.DOCUMENTS, f"n.dataset = '{dataset.key}'", "n.body", "exchange_hash(n.version, n.body)"


def digests(
    dataset: str,
    owner: str,
    level: str,
    *,
    place: int | None = None,
    day: int | None = None,
    part: int | None = None,
    after: str = "",
) -> list[list]:
    """Count and sum of hashes of the rows `owner` owns, at a level.

    dataset: [[count, sum]] · place: [[place, count, sum]] · day: [[day, count, sum]] of a place · part: [[part, count,
    sum]] of a place and day, which a large import fills with millions · keys: [[record, version, hash]] of a place and
    day (of a part of it), up to MOST_KEYS of them behind the record `after`.
    """
    one = declared.get(dataset)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'")
        table, condition, _, hashed = _source(one, owner)
        where = f"{condition} AND n.owner_node = %(owner)s"
        if place is not None:
            where += " AND n.place = %(place)s"
        if day is not None:
            where += _of_day(day)
        if part is not None:
            where += f" AND {PART} = %(part)s"
        parameters = {
            "owner": owner, "place": place, "day": day, "part": part, "most": MOST_KEYS, "after": after,
        }  # fmt: skip
        if level == "keys":
            if after:
                where += " AND n.id > %(after)s::uuid"
            cursor.execute(  # the page is cut before its rows are hashed
                f"SELECT n.id::text, n.version, {hashed} FROM (SELECT * FROM {table} AS n WHERE {where}"
                " ORDER BY n.id LIMIT %(most)s) AS n ORDER BY n.id",
                parameters,
            )
            return [list(row) for row in cursor.fetchall()]
        cursor.execute("SET LOCAL enable_sort = off")  # few groups: whole rows are not sorted for them
        group = {"dataset": "", "place": "n.place", "day": "exchange_day(n.id)", "part": PART}[level]
        select = f"{group}, " if group else ""
        tail = f" GROUP BY {group} ORDER BY {group}" if group else ""
        cursor.execute(
            f"SELECT {select}count(*), coalesce(sum({hashed}), 0)::text FROM {table} AS n WHERE {where}{tail}",
            parameters,
        )
        return [list(row) for row in cursor.fetchall()]


def owners(dataset: str) -> list[str]:
    """The nodes that own rows which this node holds of a dataset."""
    one = declared.get(dataset)
    table, condition = _source(one, "")[:2]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT n.owner_node FROM {table} AS n WHERE {condition} ORDER BY 1")
        return [owner for (owner,) in cursor.fetchall()]


def _of_day(day: int) -> str:
    """A day of UUIDv7s as a range of the primary key; other kinds of keys are day 0."""
    if type(day) is not int or not 0 <= day < 2**20:
        raise ValueError("日期不合规定")
    if day == 0:
        return " AND exchange_day(n.id) = 0"
    first, beyond = (f"{(day + i) * 86_400_000:012x}" for i in (0, 1))
    return (
        f" AND n.id >= '{first[:8]}-{first[8:]}-0000-0000-000000000000'"
        f" AND n.id < '{beyond[:8]}-{beyond[8:]}-0000-0000-000000000000' AND exchange_day(n.id) = %(day)s"
    )


def rows(dataset: str, owner: str, records: list[str]) -> list[dict]:
    """Whole records as messages, for fetching back: what `heal` asks the peer for."""
    one = declared.get(dataset)
    table, condition, body, _ = _source(one, owner)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'")
        cursor.execute(
            f"SELECT n.id::text, n.version, n.owner_node, n.place, ({body})::text FROM {table} AS n"
            f" WHERE {condition} AND n.owner_node = %s AND n.id = ANY(%s)",
            [owner, records[:MOST_KEYS]],
        )
        return [
            {
                "id": key, "dataset": dataset, "schema": one.schema, "op": "u", "version": version, "owner": held_by,
                "place": place, "at": datetime.now(UTC).isoformat(), "body": json.loads(text),
            }
            for key, version, held_by, place, text in cursor.fetchall()
        ]  # fmt: skip


def answer(question: Question, asker: Sender) -> dict:
    """What this node says to a peer's question: {what: "digests"|"rows"|"owners", dataset, owner, …}.

    A city asks about its own rows, and about others' of datasets that go to every city; a partner asks nothing.
    """
    try:
        one = declared.get(question["dataset"])
        if asker.kind == "partner" or (
            asker.kind == "city" and question["owner"] != asker.node and one.down != "all"
        ):
            return {"ok": False, "error": "没有查询这些记录的权限"}
        if question["what"] == "owners" and (asker.kind == "hub" or one.down == "all"):
            return {"ok": True, "rows": owners(question["dataset"])}
        if question["what"] == "digests":
            found = digests(
                question["dataset"],
                question["owner"],
                question["level"],
                place=question.get("place"),
                day=question.get("day"),
                part=question.get("part"),
                after=str(UUID(question["after"])) if question.get("after") else "",
            )
            return {"ok": True, "rows": found}
        if question["what"] == "rows":
            return {"ok": True, "rows": rows(question["dataset"], question["owner"], question["records"])}
    except declared.Undeclared as error:
        return {"ok": False, "error": str(error)}
    except (KeyError, TypeError, ValueError) as error:
        return {"ok": False, "error": f"问题不完整：{error}"}
    return {"ok": False, "error": "不认识的问题"}


class NoAnswer(RuntimeError):
    """The peer could not be asked, or refused to answer."""


def _asked(ask: Ask, **question) -> list:
    said = ask(question)
    if not said.get("ok"):
        raise NoAnswer(said.get("error", "对方没有应答"))
    return said["rows"]


def compare(dataset: str, owner: str, ask: Ask, peer: str) -> Report:
    """Compare what both ends hold of the rows `owner` owns in a dataset, and keep the report."""
    report = Report(str(uuid7()), peer, dataset, owner)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exchange_reconciliation (id, peer, dataset, owner_node) VALUES (%s, %s, %s, %s)",
            [report.id, peer, dataset, owner],
        )
    try:
        _walk(report, ask)
    except Exception as error:
        _keep(report, "failed", {"error": str(error)[:300]})
        raise
    _keep(report, "agreed" if report.agreed else "differs")
    return report


def _walk(report: Report, ask: Ask) -> None:
    about = {"what": "digests", "dataset": report.dataset, "owner": report.owner}
    ours = {row[0]: row[1:] for row in digests(report.dataset, report.owner, "place")}
    theirs = {row[0]: row[1:] for row in _asked(ask, level="place", **about)}
    report.ours, report.our_digest = _total(ours)
    report.theirs, report.their_digest = _total(theirs)
    for place in sorted(ours.keys() | theirs.keys()):
        if ours.get(place) == theirs.get(place):
            continue
        here = {row[0]: row[1:] for row in digests(report.dataset, report.owner, "day", place=place)}
        there = {row[0]: row[1:] for row in _asked(ask, level="day", place=place, **about)}
        for day in sorted(here.keys() | there.keys()):
            if here.get(day) != there.get(day):
                many = max(here.get(day, [0])[0], there.get(day, [0])[0]) > MOST_KEYS
                _rows_of(
                    report, ask, about, place, day, _parts(report, ask, about, place, day) if many else [None]
                )


def _total(found: dict) -> tuple[int, str]:
    return sum(count for count, _ in found.values()), str(sum(int(total) for _, total in found.values()))


def _parts(report: Report, ask: Ask, about: Question, place: int, day: int) -> list[int | None]:
    """The parts of a place and day that differ."""
    here = {row[0]: row[1:] for row in digests(report.dataset, report.owner, "part", place=place, day=day)}
    there = {row[0]: row[1:] for row in _asked(ask, level="part", place=place, day=day, **about)}
    return [part for part in sorted(here.keys() | there.keys()) if here.get(part) != there.get(part)]


def _rows_of(
    report: Report, ask: Ask, about: Question, place: int, day: int, parts: list[int | None]
) -> None:
    def here(part: int | None) -> dict[str, list]:
        place_day = {"place": place, "day": day, "part": part}
        return _every(lambda after: digests(report.dataset, report.owner, "keys", after=after, **place_day))

    def there(part: int | None) -> dict[str, list]:
        place_day = {"place": place, "day": day, "part": part}
        return _every(lambda after: _asked(ask, level="keys", after=after, **place_day, **about))

    own: dict[str, list] = {}
    other: dict[str, list] = {}
    for part in parts:
        own |= here(part)
        other |= there(part)
    keys = [key for key in own.keys() | other.keys() if own.get(key) != other.get(key)]
    late, refused = _on_the_way(report, keys)
    for key in sorted(keys):
        report.differing += 1
        if len(report.differences) < MOST_SHOWN:
            mine, his = own.get(key), other.get(key)
            report.differences.append(
                {
                    "record": key, "place": place, "day": _date(day), "ours": mine and mine[0],
                    "theirs": his and his[0], "kind": _kind(key, mine, his, late, refused),
                }
            )  # fmt: skip


def _every(page: Callable[[str], list]) -> dict[str, list]:
    """All rows of a place and day, page by page."""
    found: dict[str, list] = {}
    after = ""
    while True:
        rows = page(after)
        found.update((row[0], row[1:]) for row in rows)
        if len(rows) < MOST_KEYS or rows[-1][0] <= after:  # an end that does not turn pages is asked once
            return found
        after = rows[-1][0]


def _date(day: int) -> str | None:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat() if day else None


def _kind(key: str, mine: list | None, his: list | None, late: set[str], refused: set[str]) -> str:
    if key in refused:
        return "refused"
    if key in late:
        return "late"
    if his is None:
        return "missing"
    if mine is None:
        return "extra"
    if mine[0] != his[0]:
        return "older" if his[0] < mine[0] else "newer"
    return "changed"


def _on_the_way(report: Report, keys: list[str]) -> tuple[set[str], set[str]]:
    """Records of ours that are still to be sent or acknowledged, and those the peer refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT o.record::text FROM exchange_outbox AS o
            LEFT JOIN exchange_queue AS q ON q.outbox_id = o.id AND q.made_at = o.made_at
            LEFT JOIN exchange_channel AS c ON c.name = q.channel AND c.peer = %s
            WHERE o.record = ANY(%s) AND o.dataset = %s
              AND ((c.name IS NOT NULL AND q.seq > c.acknowledged)
                OR EXISTS (SELECT FROM exchange_pending AS p WHERE p.outbox_id = o.id))""",
            [report.peer, keys, report.dataset],
        )
        late = {key for (key,) in cursor.fetchall()}
        cursor.execute(
            "SELECT f.record::text FROM exchange_refusal AS f JOIN exchange_channel AS c ON c.name = f.channel"
            " WHERE f.state = 'open' AND c.peer = %s AND f.record = ANY(%s)",
            [report.peer, keys],
        )
        return late, {key for (key,) in cursor.fetchall()}


def _keep(report: Report, state: str, extra: dict | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_reconciliation SET finished_at = clock_timestamp(), ours = %s, theirs = %s,"
            " differing = %s, state = %s, report = %s WHERE id = %s",
            [
                report.ours, report.theirs, report.differing, state,
                json.dumps(report.as_dict() | (extra or {}), ensure_ascii=False), report.id,
            ],
        )  # fmt: skip


def heal(report: Report, ask: Ask) -> dict[str, int]:
    """Repair what a report found in rows this node owns: {"sent": …, "fetched": …, "left": …}.

    What the peer lacks or has older is sent again. What the peer has and this node lost (extra there, or newer
    there: this database was restored) is fetched back. Rows changed on both sides in one version are sent anew as
    the next version: the owner's word counts. Late and refused ones are left. A report about rows of another owner
    heals at that node.
    """
    me = node.this()
    if report.owner != me.node:
        asked = _request_replay(report)
        return {"sent": 0, "fetched": 0, "asked": asked, "left": report.differing - asked}
    kinds: dict[str, list[str]] = {}
    for one in report.differences:
        kinds.setdefault(one["kind"], []).append(one["record"])
    channel = sending.channel_to(report.peer)
    changed = kinds.get("changed", [])
    if changed:
        _next_version(report.dataset, changed)  # the trigger sends them
    again = kinds.get("missing", []) + kinds.get("older", [])
    sent = replaying.replay(report.dataset, records=again, channel=channel) if again else 0
    fetched = _fetch(report, ask, kinds.get("extra", []) + kinds.get("newer", []))
    done = sent + fetched + len(changed)
    return {"sent": sent + len(changed), "fetched": fetched, "left": report.differing - done}


def _next_version(dataset: str, records: list[str]) -> None:
    one = declared.get(dataset)
    table = one.table or capture.DOCUMENTS
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET version = version + 1 WHERE id = ANY(%s)",
            [records],
        )


def _fetch(report: Report, ask: Ask, records: list[str]) -> int:
    fetched = 0
    sender = Sender(report.peer, "hub", largest=16 * border.LARGEST)
    for start in range(0, len(records), 200):
        said = _asked(
            ask, what="rows", dataset=report.dataset, owner=report.owner, records=records[start : start + 200]
        )
        lot = [border.read(0, json.dumps(one, ensure_ascii=False).encode(), sender) for one in said]
        with transaction.atomic():
            written, _ = applying.apply([m for m in lot if not m.code], sender, recover=True)
        fetched += written
    return fetched


def _request_replay(report: Report) -> int:
    wanted = [d["record"] for d in report.differences if d["kind"] not in ("late", "refused")]
    if wanted:
        body = {"dataset": report.dataset, "records": wanted[:MOST_KEYS], "reason": report.id}
        sending.send("_replay", sending.channel_to(report.owner), body)
    return len(wanted[:MOST_KEYS])


def replay_asked(body: dict, peer: str) -> int:
    """A peer's `_replay` message: send it these records again, as far as its channel may have them."""
    records = body.get("records")
    if body.get("dataset") not in declared.all() or not isinstance(records, list):
        return 0
    wanted = [str(UUID(str(one))) for one in records[:MOST_KEYS]]
    return replaying.replay(body["dataset"], records=wanted, channel=sending.channel_to(peer))


def reports(*, peer: str = "", dataset: str = "", limit: int = 50) -> list[dict]:
    """Kept comparisons, newest first, without their single differences."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, peer, dataset, owner_node, started_at, finished_at, ours, theirs, differing, state,"
            " our_signature, their_signature, signed_by FROM exchange_reconciliation"
            " WHERE (%(peer)s = '' OR peer = %(peer)s) AND (%(dataset)s = '' OR dataset = %(dataset)s)"
            " ORDER BY started_at DESC LIMIT %(limit)s",
            {"peer": peer, "dataset": dataset, "limit": limit},
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
