"""What a holiday notice says, as plain data, and the notices shipped with the product."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jinzhi.foundation.rules.library import read_yaml

FOLDER = Path(__file__).parent / "notices"


@dataclass(frozen=True)
class Holiday:
    """One festival: blocks of days off (first and last day) and the weekend days worked for it."""

    name: str
    off: tuple[tuple[date, date], ...] = ()
    work: tuple[date, ...] = ()

    def days_off(self) -> Iterator[date]:
        for first, last in self.off:
            yield from days(first, last)

    def as_dict(self) -> dict:
        return {
            "name": self.name,
            "off": [[first.isoformat(), last.isoformat()] for first, last in self.off],
            "work": [day.isoformat() for day in self.work],
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Holiday":
        off = tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in data["off"])
        return cls(data["name"], off, tuple(map(date.fromisoformat, data["work"])))


@dataclass(frozen=True)
class Notice:
    year: int
    title: str
    holidays: tuple[Holiday, ...]
    kind: str = "annual"
    number: str = ""
    issued_on: date | None = None
    mark: str = "public"
    source: str = ""
    text: str = field(default="", repr=False)

    @property
    def ranges(self) -> list[dict]:
        return [holiday.as_dict() for holiday in self.holidays]


def days(first: date, last: date) -> Iterator[date]:
    for step in range((last - first).days + 1):
        yield first + timedelta(step)


def _range(text: Any) -> tuple[date, date]:
    """`2026-01-01..2026-01-03`, or one day."""
    if isinstance(text, date):
        return text, text
    first, _, last = str(text).partition("..")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def from_document(document: dict, source: str) -> Notice:
    """A notice from its YAML document; raises KeyError, TypeError or ValueError when it is not one."""
    holidays = []
    for name, entry in document["days"].items():
        if unknown := set(entry) - {"rest", "work"}:  # not `off`: YAML reads that word as false
            raise ValueError(f"{source}: {name} 有未知的键 {unknown}")
        off = (_range(entry["rest"]),) if "rest" in entry else ()
        holidays.append(Holiday(name, off, tuple(entry.get("work", ()))))
    year = document["year"]
    return Notice(
        year=year,
        title=document.get("title") or f"国务院办公厅关于{year}年部分节假日安排的通知",
        holidays=tuple(holidays),
        kind=document.get("kind", "annual"),
        number=document["number"] or "",
        issued_on=document["issued_on"],
        mark=document["mark"],
        source=source,
    )


def shipped() -> list[Notice]:
    """The notices of the product, in the order in which they apply."""
    found = [from_document(read_yaml(path), path.name) for path in sorted(FOLDER.glob("*.yaml"))]
    return sorted(found, key=lambda notice: (notice.year, notice.kind, notice.source))
