"""A piece of a table: its rows as columns of text, and what could not be read as a row."""

from dataclasses import dataclass, field

import polars as pl

Broken = tuple[int, list[str], str]  # line, cells as far as they could be read, why it is no row


class Unreadable(ValueError):
    """The file as a whole cannot be read; says why and what to do."""


@dataclass
class Slice:
    """`cells` has the columns c0, c1 … as the header has names; `lines` the line each row begins on."""

    lines: pl.Series
    cells: pl.DataFrame
    broken: list[Broken] = field(default_factory=list)
    position: int = 0  # bytes of the file read so far

    @property
    def height(self) -> int:
        return self.cells.height + len(self.broken)

    def without_empty_rows(self) -> "Slice":
        """Leave out rows in which no cell has content."""
        if not self.cells.width or not self.cells.height:
            return self
        first = self.cells.to_series(0)
        if (first.str.strip_chars() != "").all():
            return self
        content = self.cells.select(pl.any_horizontal(pl.all().str.strip_chars() != "")).to_series()
        return Slice(self.lines.filter(content), self.cells.filter(content), self.broken, self.position)


def of_rows(rows: list[tuple[int, list[str]]], width: int, broken: list[Broken], position: int = 0) -> Slice:
    """A slice of rows that all have `width` cells."""
    names = [f"c{i}" for i in range(width)]
    lines = pl.Series([line for line, _ in rows], dtype=pl.Int64)
    columns = zip(*(cells for _, cells in rows), strict=True) if rows else ((),) * width
    cells = pl.DataFrame(
        [pl.Series(n, list(c), dtype=pl.String) for n, c in zip(names, columns, strict=True)]
    )
    return Slice(lines, cells, broken, position)


def fitted(line: int, cells: list[str], width: int) -> tuple[list[str], str]:
    """The row at the header's width (empty cells beyond it are no content), or why it does not fit."""
    if len(cells) > width and not any(c.strip() for c in cells[width:]):
        cells = cells[:width]
    if len(cells) == width:
        return cells, ""
    return cells, f"本行有 {len(cells)} 格，表头有 {width} 列，请检查逗号和引号"
