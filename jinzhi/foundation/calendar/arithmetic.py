"""The arithmetic of legal periods: when a limit ends, and why on that day.

A working-day limit of n that starts on day s ends on the working day with ordinal(s) + n. Day, month and year
limits end on a date that moves forward over rest days.
"""

import calendar
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from jinzhi.foundation.calendar import reasons
from jinzhi.foundation.calendar.building import fallback
from jinzhi.foundation.calendar.table import CalendarError, Table, current

# unit -> (word, the longest limit that makes sense)
UNITS = {"workday": ("个工作日", 2500), "day": ("日", 3660), "month": ("个月", 120), "year": ("年", 30)}

MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Due:
    """The last day of a period. `provisional`: a holiday notice still to be published may move it."""

    date: date
    provisional: bool
    explain: Callable[[], list[str]] = field(repr=False, compare=False)

    @cached_property
    def why(self) -> list[str]:
        """Sentences: the articles, every special day on the way, what is still uncertain."""
        return self.explain()


def due(start: date, limit: int, unit: str = "workday", *, table: Table | None = None) -> Due:
    """The last day of a period of `limit` units after `start` (which does not count).

    unit: workday, day, month or year. Raises CalendarError with a message for the person who asked.
    """
    if unit not in UNITS:
        raise CalendarError(f"不认识的期限单位“{unit}”，可用 workday、day、month、year")
    word, longest = UNITS[unit]
    if not 1 <= limit <= longest:
        raise CalendarError(f"期限应为 1 至 {longest} {word}，现为 {limit}")
    days = table or current()
    return _workdays(days, start, limit) if unit == "workday" else _rolled(days, start, limit, unit)


def _workdays(days: Table, start: date, limit: int) -> Due:
    end = days.day_of(days.ordinal(start) + limit)
    provisional = any(days.is_provisional(date(year, 1, 1)) for year in _years(start + timedelta(1), end))
    return Due(end, provisional, lambda: reasons.workdays(days, start, limit, end))


def _rolled(days: Table, start: date, limit: int, unit: str) -> Due:
    try:
        raw = (
            start + timedelta(limit)
            if unit == "day"
            else add_months(start, limit * (12 if unit == "year" else 1))
        )
    except (OverflowError, ValueError):
        raise CalendarError("期限届满日超出可计算的日期范围") from None
    end = raw
    while not _worked(days, end):
        end += timedelta(1)
    provisional = any(_uncertain(days, date(year, 1, 1)) for year in _years(raw, end))
    return Due(end, provisional, lambda: reasons.rolled(days, start, limit, unit, raw, end))


def add_months(start: date, months: int) -> date:
    """The corresponding day `months` later, or that month's last day when it has none."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start.day, last))


def _worked(days: Table, day: date) -> bool:
    """Whether `day` is worked; beyond the table by weekday and fixed statutory days."""
    return days.is_workday(day) if days.covers(day) else fallback(day)[0] == "workday"


def _uncertain(days: Table, day: date) -> bool:
    return days.is_provisional(day) or not days.first.year <= day.year <= days.last.year


def _years(first: date, last: date) -> range:
    return range(first.year, last.year + 1)


def ordinal(day: date) -> int:
    return current().ordinal(day)


def day_of(number: int) -> date:
    return current().day_of(number)


def is_workday(day: date) -> bool:
    return current().is_workday(day)


def is_provisional(day: date) -> bool:
    return current().is_provisional(day)


def workdays_between(after: date, until: date) -> int:
    """Working days in (after, until]; negative when `until` is the earlier day."""
    days = current()
    return days.ordinal(until) - days.ordinal(after)
