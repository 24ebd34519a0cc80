"""Tables in files: CSV in UTF-8, UTF-16 or GB 18030, packed or not, and xlsx. Rows come with their line."""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import openpyxl

MOST_BYTES = 2_000_000_000  # unpacked; a packed file that grows beyond is taken for a bomb
SAMPLE = 64 * 1024
csv.field_size_limit(1_000_000)


class Unreadable(ValueError):
    """The file as a whole cannot be read; says why and what to do."""


@dataclass
class Table:
    """Column names and rows; a row is (line in the file, cells as text)."""

    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]


def open_table(path: Path, name: str = "") -> Table:
    """Open a table by its content; `name` is shown in messages."""
    name = name or path.name
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise Unreadable(f"{name} 是空文件。")
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, name)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"{name} 是旧版（xls）或加密的表格，请取消密码并另存为 xlsx 或 CSV。")
    return _text_table(path, name, packed=head.startswith(b"\x1f\x8b"))


def _text_table(path: Path, name: str, packed: bool) -> Table:
    encoding = _encoding(path, name, packed)
    text = _open_text(path, packed, encoding)
    sample = text.read(SAMPLE)
    text.close()
    if "\0" in sample:
        raise Unreadable(f"{name} 不是表格。可以导入 CSV（可用 gzip 压缩）或 xlsx。")
    first = sample.splitlines()[0] if sample.strip() else ""
    delimiter = max(",\t;|", key=first.count)
    lines = csv.reader(_open_text(path, packed, encoding), delimiter=delimiter)
    rows = _numbered(lines)
    columns = next(rows, (0, []))[1]
    return Table(_columns(columns, name), rows)


def _numbered(lines) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they begin on; cells may hold line breaks. Rows without any content are skipped."""
    begins = 1
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as fault:
            raise Unreadable(f"第 {begins} 行起的格式有误（{fault}），请检查引号是否成对。") from None
        if any(cell.strip() for cell in cells):
            yield begins, cells
        begins = lines.line_num + 1


def _columns(names: list[str], name: str) -> list[str]:
    names = [n.replace("\ufeff", "").strip() for n in names]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Unreadable(f"{name} 第一行没有列名。")
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        raise Unreadable(f"{name} 有重复的列名：{'、'.join(twice)}。请改名后再导入。")
    return names


def _open_text(path: Path, packed: bool, encoding: str) -> io.TextIOBase:
    raw = gzip.open(path, "rb") if packed else path.open("rb")  # noqa: SIM115  closed with the wrapper
    return io.TextIOWrapper(raw, encoding=encoding, newline="")


def _encoding(path: Path, name: str, packed: bool) -> str:
    """The first encoding in which the whole file can be read."""
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as raw:
            mark = raw.read(2)
        if mark in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        for encoding in ("utf-8-sig", "gb18030"):
            if _readable(path, name, packed, encoding):
                return encoding
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unreadable(f"{name} 的压缩内容已损坏，请重新下载或压缩。") from None
    raise Unreadable(f"{name} 不是 UTF-8 或 GB 18030 编码的文本，请另存为 UTF-8 编码的 CSV。")


def _readable(path: Path, name: str, packed: bool, encoding: str) -> bool:
    size = 0
    try:
        with _open_text(path, packed, encoding) as text:
            while piece := text.read(1 << 20):
                size += len(piece)
                if size > MOST_BYTES:
                    raise Unreadable(f"{name} 解开后过大，没有读取。")
    except UnicodeDecodeError:
        return False
    return True


def _workbook(path: Path, name: str) -> Table:
    """The first sheet, with the values last computed; formulas are not run."""
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(e.file_size for e in packed.infolist()) > MOST_BYTES // 4:
                raise Unreadable(f"{name} 解开后过大，没有读取。请另存为 CSV。")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except Unreadable:
        raise
    except Exception:
        raise Unreadable(f"{name} 打不开，可能已损坏或者设置了密码。") from None
    cells = ([_as_text(c) for c in row] for row in sheet.iter_rows(values_only=True))
    rows = ((line, row) for line, row in enumerate(cells, start=1) if any(c.strip() for c in row))
    columns = _columns(next(rows, (0, []))[1], name)
    return Table(columns, ((line, _fitted(row, len(columns))) for line, row in rows))


def _fitted(row: list[str], width: int) -> list[str]:
    """A sheet's rows are as wide as its widest: empty cells beyond the columns are no content."""
    while len(row) > width and not row[-1].strip():
        row = row[:-1]
    return row + [""] * (width - len(row))


def _as_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
