"""The to-do list of a post: 待办, 已办, 抄送, 我发起; one statement each, in order of urgency.

Row-level security scopes every statement; the agency and the powers of the post narrow it further.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.actions.base import SIGN
from jinzhi.casework.lamps import Lamp, Thresholds, lamp, thresholds
from jinzhi.casework.models import published
from jinzhi.casework.rows import run as run_prepared
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Power

PAGE = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TABS = {"todo": "待办", "toread": "待阅", "done": "已办", "copies": "抄送", "started": "我发起"}


@dataclass(frozen=True)
class Item:
    """One line of a list: its lamp and cursor, then the columns as they were read."""

    lamp: Lamp
    cursor: str
    case_id: Any
    number: str
    title: str
    subject: str
    matter: str
    step: str
    step_id: int | None
    place: int
    received_on: date
    at: datetime
    outcome: str
    version: int
    step_key: str
    urged: int

    @property
    def bulk(self) -> list[tuple[str, str]]:
        """(act, label) of what the law lets be done for many cases at once at this step."""
        if not self.step_key:
            return []
        outcomes = published(self.version).procedure.step(self.step_key).outcomes
        return [(o.action, o.label) for o in outcomes if o.bulk]


@dataclass(frozen=True)
class Filters:
    """What the search form above the list asks for."""

    text: str = ""
    procedure: str = ""
    step: str = ""
    colour: str = ""
    county: str = ""

    def __bool__(self) -> bool:
        return any((self.text, self.procedure, self.step, self.colour, self.county))


@dataclass(frozen=True)
class Page:
    items: list[Item]
    next: str  # cursor of the following page, or empty


_COLUMNS = """
    c.id, c.number, c.title, c.subject_name, p.matter, s.name, s.id, c.place, c.received_on,
    coalesce(s.closed_at, s.opened_at), c.outcome, c.procedure_id, s.key, s.urged,
    s.due_ord, k."limit", k.paused, c.state
"""
_CLOCK = """
    LEFT JOIN LATERAL (
        SELECT k."limit" + k.extended AS "limit", k.state = 'paused' AS paused FROM casework_clock k
         WHERE k.case_id = c.id AND k.state IN ('running', 'paused') AND (k.step_id IS NULL OR k.step_id = s.id)
         ORDER BY (k.state = 'running') DESC, k.due_ord LIMIT 1) k ON true
"""
_LAST = 2_000_000_000  # sorts steps without a running clock behind all others


def _item(row: tuple, cursor: str, today: date, marks: Thresholds) -> Item:
    due_ord, limit, paused, state = row[14:18]
    shown = Lamp("none", None, None)
    if state == "open" and row[6] is not None:
        shown = lamp(due_ord, limit, bool(paused) and due_ord is None, today, marks)
    return Item(shown, cursor, *row[:14])


def _shares(actor: Actor) -> list[tuple[str, list]]:
    """SQL for "this open step is one the actor may take", one clause with its values for each agency and role.

    They exclude each other, and each is a run of the index `step_todo` in the order of the list.
    """
    wanted: dict[tuple[int, str], list[Power]] = {}
    posts = {actor.office.pk: actor.office.agency_id}
    for power in actor.powers:
        agency = actor.office.agency_id if power.post_id == actor.office.pk else power.post.agency_id
        posts[power.post_id] = agency
        wanted.setdefault((agency, power.role), []).append(power)
    shares = []
    for (agency, role), powers in wanted.items():
        parts: list[str] = []
        values: list = [agency, role]
        for power in powers:
            part = "(s.assignee_id IS NULL OR s.assignee_id = %s)"
            values.append(power.post_id)
            for column, limited in (("p.key", power.procedure), ("s.key", power.step)):
                if limited:
                    part += f" AND {column} = %s"
                    values.append(limited)
            parts.append(f"({part})")
        shares.append((f"s.agency_id = %s AND s.role = %s AND ({' OR '.join(parts)})", values))
    for post, agency in posts.items():  # opinions asked for
        shares.append((f"s.agency_id = %s AND s.role = '{SIGN}' AND s.assignee_id = %s", [agency, post]))
    return shares


def _filter_clause(filters: Filters, today: date, marks: Thresholds) -> tuple[str, list]:
    parts: list[str] = []
    values: list[str | int | float] = []
    if filters.text:
        like = f"%{_escape(filters.text)}%"
        parts.append("(c.number LIKE %s OR c.subject_name LIKE %s OR c.subject_code LIKE %s)")
        values += [like, like, like]
    for column, wanted in (("p.key", filters.procedure), ("s.key", filters.step)):
        if wanted:
            parts.append(f"{column} = %s")
            values.append(wanted)
    if filters.county:
        parts.append("c.place = %s")
        values.append(int(filters.county) * 1_000_000)
    if filters.colour:
        clause, more = _colour_clause(filters.colour, today, marks)
        parts.append(clause)
        values += more
    return "".join(f" AND {p}" for p in parts), values


def _colour_clause(colour: str, today: date, marks: Thresholds) -> tuple[str, list]:
    """The lamps of `lamps.lamp`, as SQL over due_ord and the limit."""
    now = calendar.ordinal(today)
    # The last ordinal whose day is over: yesterday's.
    over = calendar.ordinal(date.fromordinal(today.toordinal() - 1))
    red, orange = "s.due_ord <= %s", "s.due_ord - %s <= %s"
    yellow = 's.due_ord - %s <= floor(k."limit" * %s)'
    match colour:
        case "red":
            return red, [over]
        case "orange":
            return f"(s.due_ord > %s AND {orange})", [over, now, marks.orange_days]
        case "yellow":
            clause = f"(s.due_ord > %s AND NOT {orange} AND {yellow})"
            return clause, [over, now, marks.orange_days, now, marks.yellow_share]
        case "green":
            clause = f"(s.due_ord > %s AND NOT {orange} AND NOT {yellow})"
            return clause, [over, now, marks.orange_days, now, marks.yellow_share]
        case "grey":
            return "(s.due_ord IS NULL AND k.paused)", []
    return "false", []


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _select(sql: str, values: list) -> Iterator[tuple]:
    yield from run_prepared(sql, values).fetchall()


def _page(rows: list[tuple], key, today: date, marks: Thresholds) -> Page:
    items = [_item(row, key(row), today, marks) for row in rows[:PAGE]]
    return Page(items, items[-1].cursor if len(rows) > PAGE else "")


def todo(actor: Actor, filters: Filters = Filters(), after: str = "") -> Page:
    """Open steps this post may take, the most urgent first; `after` is a cursor of an earlier page."""
    today, marks = calendar.today(), thresholds()
    where, more = _filter_clause(filters, today, marks)
    if after:
        where += f" AND (coalesce(s.due_ord, {_LAST}), s.id) > (%s, %s)"
        more += _cursor(after)
    # The page of steps is found first and only then joined: a full window costs no more than its page.
    joined = ""
    if filters or any(power.procedure for power in actor.powers):
        joined = f"""JOIN casework_case c ON c.id = s.case_id
                     JOIN casework_procedureversion p ON p.id = c.procedure_id {_CLOCK}"""
    order = f"ORDER BY s.due_ord ASC NULLS LAST, s.id LIMIT {PAGE + 1}"
    branches, values = [], []
    for share, of_share in _shares(actor):
        branches.append(
            f"""(SELECT s.* FROM casework_step s {joined}
                  WHERE s.state = 'open' AND s.kind IN ('user', 'notice', 'sign') AND {share}{where} {order})"""  # noqa: S608
        )
        values += [*of_share, *more]
    rows = _select(
        f"""SELECT {_COLUMNS}
              FROM (SELECT s.* FROM ({" UNION ALL ".join(branches)}) s {order}) s
              JOIN casework_case c ON c.id = s.case_id
              JOIN casework_procedureversion p ON p.id = c.procedure_id {_CLOCK}
             ORDER BY s.due_ord ASC NULLS LAST, s.id""",  # noqa: S608
        values,
    )
    return _page(list(rows), lambda r: f"{_LAST if r[14] is None else r[14]}.{r[6]}", today, marks)


def _cursor(text: str) -> list[int]:
    """Two whole numbers; anything else is the beginning."""
    left, _, right = text.partition(".")
    return [min(int(left), 10**16), int(right)] if left.isdecimal() and right.isdecimal() else [0, 0]


def done(actor: Actor, filters: Filters = Filters(), after: str = "") -> Page:
    """Steps this post has closed, newest first."""
    today, marks = calendar.today(), thresholds()
    where, values = _filter_clause(filters, today, marks)
    values = [actor.office.pk, *values]
    if after:
        where += " AND (s.closed_at, s.id) < (timestamptz 'epoch' + %s * interval '1 microsecond', %s)"
        values += _cursor(after)
    joined = ""
    if filters:
        joined = f"""JOIN casework_case c ON c.id = s.case_id
                     JOIN casework_procedureversion p ON p.id = c.procedure_id {_CLOCK}"""
    order = "ORDER BY s.closed_at DESC, s.id DESC"
    rows = _select(
        f"""SELECT {_COLUMNS}
              FROM (SELECT s.* FROM casework_step s {joined}
                     WHERE s.post_id = %s AND s.closed_at IS NOT NULL{where} {order} LIMIT {PAGE + 1}) s
              JOIN casework_case c ON c.id = s.case_id
              JOIN casework_procedureversion p ON p.id = c.procedure_id {_CLOCK} {order}""",  # noqa: S608
        values,
    )
    return _page(list(rows), lambda r: f"{(r[9] - _EPOCH) // timedelta(microseconds=1)}.{r[6]}", today, marks)


_CURRENT = """
    LEFT JOIN LATERAL (SELECT s.* FROM casework_step s WHERE s.case_id = c.id AND s.state = 'open'
         AND s.kind IN ('user', 'notice', 'sign') ORDER BY s.due_ord NULLS LAST, s.id LIMIT 1) s ON true
"""
_CASE_COLUMNS = _COLUMNS.replace("coalesce(s.closed_at, s.opened_at)", "c.updated_at")


def toread(actor: Actor, filters: Filters = Filters(), after: str = "") -> Page:
    """Cases sent to this post for information that it has not opened yet."""
    return copies(actor, filters, after, unread=True)


def copies(actor: Actor, filters: Filters = Filters(), after: str = "", *, unread: bool = False) -> Page:
    """Cases sent to this post for information."""
    today, marks = calendar.today(), thresholds()
    where, values = _filter_clause(filters, today, marks)
    if unread:
        where += " AND y.read_at IS NULL"
    if after:
        where += " AND y.id < %s"
        values.append(_cursor(f"0.{after}")[1])
    rows = _select(
        f"""SELECT {_CASE_COLUMNS}, y.id FROM casework_carboncopy y
              JOIN casework_case c ON c.id = y.case_id
              JOIN casework_procedureversion p ON p.id = c.procedure_id {_CURRENT}{_CLOCK}
             WHERE y.post_id = %s{where} ORDER BY y.id DESC LIMIT {PAGE + 1}""",  # noqa: S608
        [actor.office.pk, *values],
    )
    return _page(list(rows), lambda r: str(r[18]), today, marks)


def started(actor: Actor, filters: Filters = Filters(), after: str = "") -> Page:
    """Cases whose first act of this post's holder set them going (received at the window)."""
    today, marks = calendar.today(), thresholds()
    where, values = _filter_clause(filters, today, marks)
    if after:
        where += " AND c.id < %s"
        values.append(str(UUID(int=_cursor(f"0.{after}")[1] % 2**128)))
    rows = _select(
        f"""SELECT {_CASE_COLUMNS} FROM casework_case c
              JOIN casework_procedureversion p ON p.id = c.procedure_id {_CURRENT}{_CLOCK}
             WHERE EXISTS (SELECT 1 FROM casework_step f WHERE f.case_id = c.id AND f.key = 'accept'
                              AND f.post_id = %s){where}
             ORDER BY c.id DESC LIMIT {PAGE + 1}""",  # noqa: S608
        [actor.office.pk, *values],
    )
    return _page(list(rows), lambda r: str(r[0].int), today, marks)


def counts(actor: Actor) -> dict[str, int]:
    """Numbers for the menu and the home of a post: open, overdue, due within two working days, new today."""
    today = calendar.today()
    now, over = calendar.ordinal(today), calendar.ordinal(date.fromordinal(today.toordinal() - 1))
    joined = ""
    if any(power.procedure for power in actor.powers):
        joined = """JOIN casework_case c ON c.id = s.case_id
                    JOIN casework_procedureversion p ON p.id = c.procedure_id"""
    midnight = timezone.make_aware(datetime.combine(today, time.min))
    branches, values = [], []
    for share, of_share in _shares(actor):
        branches.append(
            f"""SELECT s.due_ord, s.opened_at FROM casework_step s {joined}
                 WHERE s.state = 'open' AND s.kind IN ('user', 'notice', 'sign') AND {share}"""  # noqa: S608
        )
        values += of_share
    row = next(
        _select(
            f"""SELECT count(*), count(*) FILTER (WHERE s.due_ord <= %s),
                       count(*) FILTER (WHERE s.due_ord > %s AND s.due_ord <= %s),
                       count(*) FILTER (WHERE s.opened_at >= %s),
                       (SELECT count(*) FROM casework_carboncopy y WHERE y.post_id = %s AND y.read_at IS NULL)
                  FROM ({" UNION ALL ".join(branches)}) s""",  # noqa: S608
            [over, over, now + 2, midnight, actor.office.pk, *values],
        )
    )
    return dict(zip(("todo", "overdue", "soon", "new", "toread"), row, strict=True))
