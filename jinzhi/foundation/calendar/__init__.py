"""The working-day calendar: days as ordinals, holiday notices, and the arithmetic of legal periods.

Imports no models, so that it may be imported anywhere; the tables are in models.py.
"""

from jinzhi.foundation.calendar.arithmetic import (
    UNITS,
    Due,
    day_of,
    due,
    is_provisional,
    is_workday,
    ordinal,
    workdays_between,
)
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.calendar.signals import notice_confirmed
from jinzhi.foundation.calendar.table import CalendarError, Table, current, forget, pinned

__all__ = [
    "UNITS",
    "CalendarError",
    "Due",
    "Table",
    "current",
    "day_of",
    "due",
    "forget",
    "is_provisional",
    "is_workday",
    "notice_confirmed",
    "ordinal",
    "pinned",
    "today",
    "workdays_between",
]
