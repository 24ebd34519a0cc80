"""What one kind of licence adds to the common life of all: its number, its lines, its printed faces."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from jinzhi.casework.actions import Act
from jinzhi.foundation import rules
from jinzhi.registry.models import Certificate


@dataclass(frozen=True)
class LicenceKind:
    """`key` is the certificate kind and the prefix of its parameters (`<key>.validity` …)."""

    key: str
    number: Callable[[Act, date | None], str]  # the next number of a licence that ends on that day
    lines: Callable[[Act], list[dict]]
    papers: tuple[str, ...] = ("certificate_face",)
    keeps_number: Callable[[Certificate, date], bool] = lambda certificate, on: True
    renumbered: Callable[[Certificate, date | None], str] | None = None  # the number of the renewed licence


_kinds: dict[str, LicenceKind] = {}


def register(kind: LicenceKind) -> LicenceKind:
    _kinds[kind.key] = kind
    return kind


def get(key: str) -> LicenceKind:
    return _kinds[key]


def last_day(kind: str, start: date, on: date) -> date | None:
    """Last day of a licence that begins on `start`: 2026-03-02 + 5 years ends 2031-03-01; None without an end."""
    try:
        years = int(rules.value(f"{kind}.validity", on=on).value)
    except rules.NoRule:
        return None
    end = start + relativedelta(years=years)
    convention = rules.value(f"{kind}.validity_end", on=on).value
    # Granted on 29 February: relativedelta already fell back to the 28th, which is the last day.
    leap = start.month == 2 and start.day == 29 and end.day == 28
    return end if leap or convention != "周年日的前一日" else end - timedelta(days=1)


def from_decision(kind: str, on: date) -> bool:
    """Whether a renewed licence counts from the decision; else it follows the former one without a gap."""
    try:
        return bool(rules.value(f"{kind}.renewal_from_decision", on=on).value)
    except rules.NoRule:
        return False
