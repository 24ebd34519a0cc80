"""Tables in files, opened by what they contain: text with separators, xlsx, Parquet; packed with gzip or not.

A table is read in slices, never as a whole. Every row keeps the line it begins on; rows that are no rows (too
few or too many cells, quotes without end, undecodable) are handed over as `broken`, not left out. Rows without
any content are no rows.
"""

import gzip
import heapq
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from jinzhi.registry.importing import headers, text, workbook
from jinzhi.registry.importing.headers import Header, Score
from jinzhi.registry.importing.slices import Slice, Unreadable

MOST_BYTES = 40_000_000_000  # unpacked
MOST_PACKING = 400  # times its size: beyond, and beyond BOMB_BYTES, a packed file is taken for a bomb
BOMB_BYTES = 2_000_000_000
SLICE_ROWS = 100_000

__all__ = ["Slice", "Table", "Unreadable", "open_table"]


@dataclass
class Table:
    """Column names and the rows below them, slice by slice; `slices()` may be called again."""

    columns: list[str]
    slices: Callable[[], Iterator[Slice]]
    duplicates: tuple[str, ...] = ()  # names that stand over several columns; each is listed as 名称 (2) …
    size: int = 0  # bytes of the file
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line by line, rows that do not fit the header among them."""
        for piece in self.slices():
            fit = zip(piece.lines, (list(c) for c in piece.cells.iter_rows()), strict=True)
            yield from heapq.merge(fit, ((line, cells) for line, cells, _ in piece.broken))

    def head(self, count: int) -> list[tuple[int, list[str]]]:
        """The first rows, for a look."""
        found: list[tuple[int, list[str]]] = []
        for piece in self.slices():
            rows = zip(piece.lines.head(count), piece.cells.head(count).rows(), strict=True)
            found += [(line, list(cells)) for line, cells in rows]
            found += [(line, cells) for line, cells, _ in piece.broken[:count]]
            if len(found) >= count:
                break
        return sorted(found)[:count]


def open_table(path: Path, name: str = "", score: Score | None = None, sheet: str = "") -> Table:
    """Open a table; `score` tells how well a row of names serves as header (see headers.find)."""
    name = name or path.name
    score = score or headers.usual
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise Unreadable(f"{name} 是空文件。")
    if start.startswith(b"PK\x03\x04"):
        return _workbook(path, name, score, sheet)
    if start.startswith(b"PAR1"):
        return _parquet(path, name)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"{name} 是旧版（xls）或加密的表格，请取消密码并另存为 xlsx 或 CSV。")
    if start.lstrip()[:14].lower().startswith((b"<html", b"<!doctype html", b"<table", b"<?xml")):
        raise Unreadable(f"{name} 是网页或 XML，不是表格，请用表格软件打开后另存为 xlsx 或 CSV。")
    try:
        return _text_table(path, name, score, packed=start.startswith(b"\x1f\x8b"))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unreadable(f"{name} 的压缩内容已损坏，请重新下载或压缩。") from None


def _named(header: Header, name: str) -> tuple[list[str], tuple[str, ...]]:
    """Column names, told apart where several columns have one name."""
    columns = [n.replace("\ufeff", "").strip() for n in header.names]
    while columns and not columns[-1]:
        columns.pop()
    if not any(columns):
        raise Unreadable(f"{name} 第一行没有列名。")
    seen: dict[str, int] = {}
    told = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        told.append(column if seen[column] == 1 or not column else f"{column} ({seen[column]})")
    return told, tuple(c for c, times in seen.items() if c and times > 1)


def _text_table(path: Path, name: str, score: Score, *, packed: bool) -> Table:
    layout = text.layout(path, name, packed)
    header = headers.find(layout.first_rows(), score)
    columns, twice = _named(header, name)
    most = max(BOMB_BYTES, path.stat().st_size * MOST_PACKING) if packed else MOST_BYTES

    def slices() -> Iterator[Slice]:
        try:
            yield from layout.slices(header.last_line, len(columns), most)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise Unreadable(f"{name} 的压缩内容已损坏，请重新下载或压缩。") from None

    return Table(columns, slices, twice, path.stat().st_size)


def _workbook(path: Path, name: str, score: Score, sheet: str) -> Table:
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(e.file_size for e in packed.infolist()) > workbook.MOST_BYTES:
                raise Unreadable(f"{name} 解开后过大，没有读取。请另存为 CSV。")
    except zipfile.BadZipFile:
        raise Unreadable(f"{name} 打不开，可能已损坏或者设置了密码。") from None
    book = workbook.Book(path, name, sheet)
    header = headers.find(book.first_rows(), score)
    columns, twice = _named(header, name)
    return Table(columns, lambda: book.slices(header.last_line, len(columns)), twice, path.stat().st_size)


def _parquet(path: Path, name: str) -> Table:
    try:
        frame = pl.scan_parquet(path)
        schema = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError):
        raise Unreadable(f"{name} 打不开，Parquet 文件可能已损坏。") from None
    nested = [n for n, kind in schema.items() if kind.is_nested()]
    if nested:
        raise Unreadable(f"{name} 的列 {'、'.join(nested[:3])} 不是简单的值，没有读取。")
    columns, twice = _named(Header(list(schema), 0), name)

    def slices() -> Iterator[Slice]:
        offset = 0
        while True:
            try:
                part = frame.slice(offset, SLICE_ROWS).select(_as_text(schema)).collect()
            except (pl.exceptions.PolarsError, OSError):
                raise Unreadable(f"{name} 的内容已损坏，没有读取。") from None
            if not part.height:
                return
            part.columns = [f"c{i}" for i in range(part.width)]
            lines = pl.int_range(offset + 1, offset + 1 + part.height, dtype=pl.Int64, eager=True)
            yield Slice(lines, part).without_empty_rows()
            offset += SLICE_ROWS

    return Table(columns, slices, twice, path.stat().st_size)


def _as_text(schema: pl.Schema) -> list[pl.Expr]:
    """Values as a person would write them: whole numbers without a point, dates as 2011-04-16."""
    exprs = []
    for position, (column, kind) in enumerate(schema.items()):
        value = pl.col(column)
        if kind.is_float():
            whole = (value == value.floor()) & (value.abs() < 1e15)
            shown = pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String))
            value = shown.otherwise(value.cast(pl.String))
        elif kind == pl.Binary:
            value = value.cast(pl.String, strict=False)
        elif kind == pl.Datetime:
            value = value.dt.strftime("%Y-%m-%d %H:%M:%S")
        else:
            value = value.cast(pl.String)
        exprs.append(value.fill_null("").alias(f"c{position}"))
    return exprs
