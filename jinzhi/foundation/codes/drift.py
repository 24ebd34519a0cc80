"""How a column of data stands against a code set: in force on its day, abolished since, not yet, or never heard of."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from jinzhi.foundation.codes import batch, catalogue, tabular

SHOWN = 200


@dataclass
class Drift:
    """Counts of rows by state, and the values that are not in force, the most frequent first."""

    code_set: str
    version: str
    on: date
    read: int = 0
    blank: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(catalogue.STATES, 0))
    values: list[tuple[catalogue.Found, int]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "set": self.code_set, "version": self.version, "on": self.on.isoformat(), "read": self.read,
            "blank": self.blank, **self.counts,
            "values": [
                {
                    "code": f.code, "rows": count, "state": f.state, "name": f.item.name if f.item else "",
                    "successors": [{"code": c, "kind": k} for c, k in f.successors],
                }
                for f, count in self.values[:SHOWN]
            ],
        }  # fmt: skip


def report(key: str, path: Path, column: str, on: date) -> Drift:
    """The values of `column` against set `key` on a day. Raises catalogue.NoSuchSet, Unreadable, BadQuestion."""
    try:
        return _report(key, path, column, on, careful=False)
    except tabular.Ragged:
        return _report(key, path, column, on, careful=True)


def _report(key: str, path: Path, column: str, on: date, *, careful: bool) -> Drift:
    version = catalogue.on_day(key, on)
    found = Drift(key, version.version, on)
    counts: dict[str, int] = {}
    with tabular.opened(path, careful=careful) as table:
        chosen = table.columns.index(batch.chosen(column, table.columns))
        for frame in table.frames:
            filled = frame.filter(pl.any_horizontal(pl.all().fill_null("").str.strip_chars() != ""))
            values = filled.to_series(chosen).fill_null("").str.strip_chars().str.to_uppercase()
            for value, count in values.rename("v").value_counts().iter_rows():
                counts[value] = counts.get(value, 0) + count
    found.blank = counts.pop("", 0)
    found.read = found.blank + sum(counts.values())
    answers = catalogue.look_up_many(key, counts, on)
    for code, count in sorted(counts.items(), key=lambda c: (-c[1], c[0])):
        found.counts[answers[code].state] += count
        if answers[code].state != "in_force":
            found.values.append((answers[code], count))
    return found
