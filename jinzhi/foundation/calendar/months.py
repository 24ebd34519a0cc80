"""A year laid out as twelve small months, for the page and for print. Reads the table, decides nothing."""

import calendar as weeks
from dataclasses import dataclass
from datetime import date

from jinzhi.foundation.calendar.table import Table

LABELS = {"holiday": "休", "makeup_workday": "班"}


@dataclass(frozen=True)
class Cell:
    """One day of a month; `day` is None in the empty corners."""

    day: date | None
    kind: str = ""
    note: str = ""

    @property
    def mark(self) -> str:
        """休 on a day off by notice that is a weekday or a festival's, 班 on a worked weekend day."""
        return LABELS.get(self.kind, "")

    @property
    def title(self) -> str:
        words = {"holiday": "放假", "makeup_workday": "调休上班", "weekend": "周末", "workday": "工作日"}
        return f"{self.day} {self.note}{words.get(self.kind, '')}" if self.day else ""


@dataclass(frozen=True)
class Month:
    number: int
    weeks: list[list[Cell]]
    workdays: int


def months(table: Table, year: int) -> list[Month]:
    return [_month(table, year, number) for number in range(1, 13)]


def _month(table: Table, year: int, number: int) -> Month:
    rows, workdays = [], 0
    for week in weeks.Calendar(weeks.MONDAY).monthdatescalendar(year, number):
        row = []
        for day in week:
            if day.month != number or not table.covers(day):
                row.append(Cell(None))
                continue
            row.append(Cell(day, *table.kind_and_note(day)))
            workdays += table.is_workday(day)
        rows.append(row)
    return Month(number, rows, workdays)
