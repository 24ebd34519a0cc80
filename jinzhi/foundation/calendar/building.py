"""From notices to days: which day is worked, why, and its ordinal. Pure; writes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.notices import Notice, days

FIRST = date(2003, 12, 1)  # before the Administrative Licensing Law and the first New Year it meets
LAST = date(2035, 12, 31)

WORKDAY, WEEKEND, HOLIDAY, MAKEUP = "workday", "weekend", "holiday", "makeup_workday"


@dataclass(frozen=True)
class DayRow:
    day: date
    is_workday: bool
    ordinal: int
    kind: str
    provisional: bool
    note: str


def ordinary(day: date) -> str:
    return WEEKEND if day.weekday() >= 5 else WORKDAY


@cache
def statutory_days(year: int) -> tuple[date, ...]:
    """The statutory days of `year` that have a fixed date (the others are known from the notice only)."""
    found = rules.value("calendar.statutory_days", date(year, 1, 1)).value
    return tuple(date.fromisoformat(f"{year}-{month_day}") for month_day in found)


def fallback(day: date) -> tuple[str, str]:
    """Kind and note of a day of which no notice speaks: Monday to Friday less the fixed statutory days."""
    if day in statutory_days(day.year):
        return HOLIDAY, "法定放假日"
    return ordinary(day), ""


def build(notices: Iterable[Notice], first: date = FIRST, last: date = LAST) -> list[DayRow]:
    """Every day from `first` to `last`. A year without an annual notice is provisional."""
    notices = list(notices)
    published = {notice.year for notice in notices if notice.kind == "annual"}
    known_from = min(published, default=first.year)  # the days before the first notice are past and plain
    said = _said(notices)
    rows, ordinal = [], 0
    for day in days(first, last):
        provisional = day.year not in published and day.year >= known_from
        kind, note = said.get(day) or (fallback(day) if provisional else (ordinary(day), ""))
        worked = kind in (WORKDAY, MAKEUP)
        ordinal += worked
        rows.append(DayRow(day, worked, ordinal, kind, provisional, note))
    return rows


def _said(notices: list[Notice]) -> dict[date, tuple[str, str]]:
    """What the notices say of a day; a later notice wins."""
    said: dict[date, tuple[str, str]] = {}
    for notice in sorted(notices, key=lambda n: (n.year, n.kind)):
        for holiday in notice.holidays:
            said |= dict.fromkeys(holiday.days_off(), (HOLIDAY, holiday.name))
            said |= {day: (_worked_kind(day), holiday.name) for day in holiday.work}
    return said


def _worked_kind(day: date) -> str:
    return MAKEUP if day.weekday() >= 5 else WORKDAY
