"""xlsx workbooks: one sheet, the values last computed; formulas are not run, those never computed are told."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

import openpyxl

from jinzhi.registry.importing.headers import ROWS
from jinzhi.registry.importing.slices import Slice, Unreadable, fitted, of_rows

MOST_BYTES = 1_000_000_000  # unpacked
SLICE_ROWS = 20_000
PIECE = 1 << 20


class Book:
    """The sheet of that name, or the first that has content."""

    def __init__(self, path: Path, name: str, sheet: str = ""):
        self.path, self.name = path, name
        try:
            with path.open(
                "rb"
            ) as file:  # stored contents have names without a suffix, which a path must have
                self.sheet = self._choose(openpyxl.load_workbook(file, read_only=True, data_only=True), sheet)
        except Unreadable:
            raise
        except Exception:  # openpyxl raises what its many parts raise
            raise Unreadable(f"{name} 打不开，可能已损坏或者设置了密码。") from None
        self.formulas = _has_formulas(path)

    def _choose(self, book, wanted: str) -> str:
        names = [s.title for s in book.worksheets]
        if wanted:
            if wanted not in names:
                raise Unreadable(f"{self.name} 没有名为“{wanted}”的工作表，只有 {'、'.join(names)}。")
            return wanted
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True, max_row=ROWS)
            if any(any(c is not None for c in row) for row in rows):
                return sheet.title
        raise Unreadable(f"{self.name} 没有内容，找不到列名。")

    def first_rows(self) -> list[tuple[int, list[str]]]:
        rows = []
        for line, cells in self._rows():
            rows.append((line, cells))
            if len(rows) >= ROWS:
                break
        return rows

    def slices(self, after: int, width: int) -> Iterator[Slice]:
        rows: list[tuple[int, list[str]]] = []
        broken = []
        for line, cells in self._rows():
            if line <= after or not any(c.strip() for c in cells):
                continue
            cells, fault = fitted(line, cells + [""] * (width - len(cells)), width)
            if fault:
                broken.append((line, cells, fault))
            else:
                rows.append((line, cells))
            if len(rows) >= SLICE_ROWS:
                yield of_rows(rows, width, broken)
                rows, broken = [], []
        if rows or broken:
            yield of_rows(rows, width, broken)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Lines with their cells as text; a formula that was never computed stands as its own text."""
        try:
            yield from self._read()
        except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, EOFError, TypeError) as fault:
            raise Unreadable(f"{self.name} 的内容已损坏（{str(fault)[:60]}），没有读取。") from None

    def _read(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open("rb") as file, self.path.open("rb") as again:
            values = _lines(openpyxl.load_workbook(file, read_only=True, data_only=True)[self.sheet])
            if not self.formulas:
                for line, row in enumerate(values, start=1):
                    yield line, [_as_text(c) for c in row]
                return
            written = _lines(openpyxl.load_workbook(again, read_only=True)[self.sheet])
            for line, (row, formulas) in enumerate(zip(values, written, strict=False), 1):
                yield line, [_as_text(f if c is None else c) for c, f in zip(row, formulas, strict=False)]


def _lines(sheet) -> Iterator[tuple]:
    sheet.reset_dimensions()  # some programs write a wrong size
    return sheet.iter_rows(values_only=True)


def _has_formulas(path: Path) -> bool:
    """Whether any sheet has a formula; only then the book is read a second time beside the first."""
    with zipfile.ZipFile(path) as packed:
        for entry in packed.infolist():
            if not entry.filename.startswith("xl/worksheets/") or entry.is_dir():
                continue
            tail = b""
            with packed.open(entry) as xml:
                while piece := xml.read(PIECE):
                    if b"<f>" in tail + piece or b"<f " in tail + piece:
                        return True
                    tail = piece[-3:]
    return False


def _as_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell)) if abs(cell) < 1e15 else repr(cell)
    return str(getattr(cell, "text", cell))  # an array formula keeps its text
