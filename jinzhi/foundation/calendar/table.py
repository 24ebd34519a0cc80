"""The calendar as one process holds it: every day in memory, renewed when a notice has been loaded."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection

RECHECK_SECONDS = 1.0


class CalendarError(ValueError):
    """A question the calendar cannot answer; the message is for the person who asked."""


class Special(NamedTuple):
    """A weekday that is off or a weekend day that is worked."""

    day: date
    works: bool
    name: str


class Table:
    """All days from `first` to `last`, without gaps.

    `rows`: (day, is_workday, kind, provisional, note) in order of day; `notices`: year -> label of the
    notice in force for it.
    """

    def __init__(self, rows: Iterable[tuple], notices: dict[int, str] | None = None):
        self.notices = notices or {}
        self._ordinals: list[int] = []
        self._workdays: list[date] = []
        self._notes: dict[date, tuple[str, str]] = {}
        self._provisional: set[int] = set()
        self.specials: list[Special] = []
        self.empty = True
        self.first = self.last = date.min
        for day, works, kind, provisional, note in rows:
            if self.empty:
                self.empty, self.first = False, day
            self.last = day
            if works:
                self._workdays.append(day)
            self._ordinals.append(len(self._workdays))
            if provisional:
                self._provisional.add(day.year)
            if kind in ("holiday", "makeup_workday") or note:
                self._notes[day] = (kind, note)
            if works == (day.weekday() >= 5):
                self.specials.append(Special(day, works, note))

    def covers(self, day: date) -> bool:
        return not self.empty and self.first <= day <= self.last

    def _loaded(self) -> None:
        if self.empty:
            raise CalendarError("工作日历尚未装载，请先运行 jinzhi load")

    def _index(self, day: date) -> int:
        self._loaded()
        if not self.first <= day <= self.last:
            raise CalendarError(f"{day} 不在工作日历范围内（{self.first} 至 {self.last}）")
        return (day - self.first).days

    def ordinal(self, day: date) -> int:
        """Number of working days up to and including `day`, counted from the calendar's first day."""
        return self._ordinals[self._index(day)]

    def day_of(self, ordinal: int) -> date:
        """The working day that carries `ordinal`."""
        self._loaded()
        if not 1 <= ordinal <= len(self._workdays):
            raise CalendarError(f"期限超出工作日历范围（至 {self.last}）")
        return self._workdays[ordinal - 1]

    def is_workday(self, day: date) -> bool:
        index = self._index(day)
        return self._ordinals[index] > (self._ordinals[index - 1] if index else 0)

    def is_provisional(self, day: date) -> bool:
        return day.year in self._provisional

    def kind_and_note(self, day: date) -> tuple[str, str]:
        return self._notes.get(day) or ("weekend" if day.weekday() >= 5 else "workday", "")

    def specials_between(self, after: date, until: date) -> list[Special]:
        """Special days in (after, until]."""
        first = bisect_left(self.specials, after + timedelta(1), key=_day)
        return self.specials[first : bisect_left(self.specials, until + timedelta(1), key=_day)]


def _day(special: Special) -> date:
    return special.day


_lock = threading.Lock()
_table: Table | None = None
_token: object = None
_checked = 0.0
_own = threading.local()  # what this thread wrote and has not committed: nobody else may see it yet


def current() -> Table:
    """The calendar in force.

    The version row is asked at most once a second, but every time inside a transaction: what is decided
    there must rest on the days as they are.
    """
    global _table, _token, _checked
    if (pinned := getattr(_own, "pinned", None)) is not None:
        return pinned
    fresh = time.monotonic() - _checked < RECHECK_SECONDS
    if _table is not None and fresh and not connection.in_atomic_block:
        return _table
    token = _version()
    if token is not None and token == getattr(_own, "token", None):
        _own.table = _own.table or read()
        return _own.table
    with _lock:
        if _table is None or token != _token or _table.empty:
            _table, _token = read(), token
        _checked = time.monotonic()
        return _table


@contextmanager
def pinned() -> Iterator[Table]:
    """For one act: the calendar as it is now, asked once however many clocks the act touches."""
    former = getattr(_own, "pinned", None)
    _own.pinned = former or current()
    try:
        yield _own.pinned
    finally:
        _own.pinned = former


def _version() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM calendar_version WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else None


def written(token: object) -> None:
    """This thread has written days under a new version; its own questions are answered from them."""
    _own.token, _own.table, _own.pinned = token, None, None


def read() -> Table:
    """The calendar straight from the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT year, coalesce(nullif(number, ''), '文号待补'), title FROM calendar_holidaynotice"
            " WHERE kind = 'annual' AND status = 'confirmed'"
        )
        notices = {year: f"《{title}》（{number}）" for year, number, title in cursor.fetchall()}
        cursor.execute("SELECT day, is_workday, kind, provisional, note FROM calendar_day ORDER BY day")
        return Table(cursor.fetchall(), notices)


def forget() -> None:
    """Ask the database again at the next question."""
    global _table
    _table = None
    _own.token = _own.table = None
