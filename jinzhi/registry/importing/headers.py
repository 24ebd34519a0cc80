"""Which row names the columns: below titles, in one row or in two whose cells were merged."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

ROWS = 40  # looked through for the header
DEPTH = 3  # rows a header may be made of

Score = Callable[[list[str]], int]  # how many of these names are known; more is better


@dataclass(frozen=True)
class Header:
    names: list[str]
    last_line: int  # rows begin after this line


def plain(name: object) -> str:
    """A name as it is compared: half width, lower case, letters and figures only."""
    name = unicodedata.normalize("NFKC", str(name)).lower()
    return "".join(c for c in name if c.isalnum())


def usual(names: list[str]) -> int:
    """A score for tables of which nothing is known: the first row with several names."""
    return 0


def find(rows: list[tuple[int, list[str]]], score: Score) -> Header:
    """The header among the first rows of a table.

    The row (or two or three rows, for merged cells) with the most known names; where none is known, the first
    row that has any content in more than one cell, else the first row.
    """
    rows = [(line, [c.replace("\ufeff", "") for c in cells]) for line, cells in rows[:ROWS]]
    rows = [(line, cells) for line, cells in rows if any(c.strip() for c in cells)]
    if not rows:
        return Header([], 0)
    best, most = None, 0
    for depth in range(1, DEPTH + 1):
        for first in range(len(rows) - depth + 1):
            part = rows[first : first + depth]
            names = _merged([cells for _, cells in part])
            known = score(names)
            if known > most:
                best, most = Header(names, part[-1][0]), known
    if best:
        return best
    for line, cells in rows:
        if sum(1 for c in cells if c.strip()) > 1:
            return Header(cells, line)
    line, cells = rows[0]
    return Header(cells, line)


def _merged(rows: list[list[str]]) -> list[str]:
    """Names from several rows: the lowest that is given in each column."""
    width = max(len(cells) for cells in rows)
    names = [""] * width
    for cells in rows:
        for position, cell in enumerate(cells):
            if cell.strip():
                names[position] = cell
    return names
