"""A table in a file as frames of text: CSV in UTF-8, UTF-16 or GB 18030, packed or not, xlsx, Parquet.

Every column of the file is carried along, so that answers can be written beside them.
"""

import csv
import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import polars as pl

PIECE = 200_000  # rows
SAMPLE = 64 * 1024
MOST_BYTES = 4_000_000_000  # unpacked
SURPLUS = "多出的列"


class Unreadable(ValueError):
    """The file cannot be read as a table; says why and what to do."""


@dataclass
class Pieces:
    """The columns of a file and its rows in frames of text."""

    columns: list[str]
    frames: Iterator[pl.DataFrame]


@contextmanager
def opened(path: Path, *, careful: bool = False) -> Iterator[Pieces]:
    """The table in `path`. Raises Unreadable, also while its rows are read.

    A text table is first read by polars, which stops at the first ragged row (`Ragged`): then ask again with
    `careful`, which reads row by row and keeps what stands beyond the last column.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as fault:
        raise Unreadable(f"读不到文件 {path.name}：{fault.strerror}") from None
    if not head:
        raise Unreadable(f"{path.name} 是空文件。")
    if head.startswith(b"PK\x03\x04"):
        yield _workbook(path)
    elif head.startswith(b"PAR1"):
        yield _parquet(path)
    elif head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"{path.name} 是旧版（xls）或加密的表格，请取消密码并另存为 xlsx 或 CSV。")
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield _text(_as_utf8(path, Path(folder), packed=head.startswith(b"\x1f\x8b")), path.name, careful)


class Ragged(Unreadable):
    """A row has more cells than there are columns."""


def _as_utf8(path: Path, folder: Path, *, packed: bool) -> Path:
    """`path` itself, or a copy of it unpacked and in UTF-8."""
    if packed:
        path = _unpacked(path, folder / "plain")
    with path.open("rb") as raw:
        mark = raw.read(2)
    encodings = ["utf-16"] if mark in (b"\xff\xfe", b"\xfe\xff") else ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            target = folder / encoding
            with path.open(encoding=encoding, newline="") as source:
                start = source.read(SAMPLE)
                source.seek(0)
                bare = "\r" in start and "\n" not in start  # lines end as on old Macintoshes
                if encoding == "utf-8" and not bare:
                    while piece := source.read(1 << 22):
                        if "\0" in piece:
                            raise Unreadable(
                                f"{path.name} 不是表格。可以读 CSV（可用 gzip 压缩）、xlsx 或 Parquet。"
                            )
                    return path
                with target.open("w", encoding="utf-8", newline="") as copy:
                    while piece := source.read(1 << 22):
                        copy.write(piece.replace("\r", "\n") if bare else piece)
            return target
        except UnicodeDecodeError:
            continue
    raise Unreadable(f"{path.name} 不是 UTF-8、UTF-16 或 GB 18030 编码的文本。")


def _unpacked(path: Path, target: Path) -> Path:
    size = 0
    try:
        with gzip.open(path) as source, target.open("wb") as copy:
            while piece := source.read(1 << 22):
                size += len(piece)
                if size > MOST_BYTES:
                    raise Unreadable(f"{path.name} 解开后过大，没有读取。")
                copy.write(piece)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Unreadable(f"{path.name} 的压缩内容已损坏，请重新下载或压缩。") from None
    return target


def _text(path: Path, name: str, careful: bool) -> Pieces:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = (file.read(SAMPLE).splitlines() or [""])[0]
        delimiter = max(",\t;|", key=first.count)
        file.seek(0)
        columns = _named(next(csv.reader(file, delimiter=delimiter), []), name)
    if careful:
        return Pieces([*columns, SURPLUS], _rows(path, name, delimiter, len(columns)))
    rows = pl.scan_csv(path, separator=delimiter, infer_schema=False)
    return Pieces(columns, _batches(rows, columns))


def _batches(rows: pl.LazyFrame, columns: list[str]) -> Iterator[pl.DataFrame]:
    try:
        for frame in rows.collect_batches(chunk_size=PIECE, maintain_order=True):
            yield frame.rename(dict(zip(frame.columns, columns, strict=False)))
    except pl.exceptions.PolarsError as fault:
        raise Ragged(str(fault).splitlines()[0]) from None


def _rows(path: Path, name: str, delimiter: str, width: int) -> Iterator[pl.DataFrame]:
    """Row by row; what stands beyond the last column is kept in a column of its own."""
    schema = {str(n): pl.String for n in range(width + 1)}
    former = csv.field_size_limit(10_000_000)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=delimiter, strict=True)
            next(lines)
            held: list[list[str]] = []
            for cells in lines:
                kept = cells[:width] + [""] * (width - len(cells))
                held.append([*kept, delimiter.join(cells[width:])])
                if len(held) == PIECE:
                    yield pl.DataFrame(held, schema=schema, orient="row")
                    held = []
            if held:
                yield pl.DataFrame(held, schema=schema, orient="row")
    except csv.Error as fault:
        raise Unreadable(
            f"{name} 第 {lines.line_num} 行附近的格式有误（{fault}），请检查引号是否成对。"
        ) from None
    finally:
        csv.field_size_limit(former)


def _named(names: list[str], name: str) -> list[str]:
    """The names of the columns; those without one are numbered, a name that comes twice is told apart."""
    found: list[str] = []
    for place, raw in enumerate(names, 1):
        title = raw.replace("\ufeff", "").strip() or f"第 {place} 列"
        found.append(title if title not in found else f"{title}（第 {place} 列）")
    if not any(n.strip("\ufeff ") for n in names):
        raise Unreadable(f"{name} 第一行没有列名。")
    return found


def _parquet(path: Path) -> Pieces:
    try:
        rows = pl.scan_parquet(path)
        columns = rows.collect_schema().names()
    except pl.exceptions.PolarsError:
        raise Unreadable(f"{path.name} 不是完整的 Parquet 文件。") from None

    def frames() -> Iterator[pl.DataFrame]:
        try:
            for frame in rows.collect_batches(chunk_size=PIECE, maintain_order=True):
                yield frame.select(_as_text(frame[c]) for c in columns)
        except pl.exceptions.PolarsError:
            raise Unreadable(f"{path.name} 的内容已损坏。") from None

    return Pieces(columns, frames())


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype.is_float() and (column.fill_null(0) % 1 == 0).all():
        column = column.cast(pl.Int64, strict=False)
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return pl.Series(column.name, [None if v is None else str(v) for v in column], dtype=pl.String)
    return column.cast(pl.String)


def _workbook(path: Path) -> Pieces:
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(e.file_size for e in packed.infolist()) > MOST_BYTES // 8:
                raise Unreadable(f"{path.name} 解开后过大，没有读取。请另存为 CSV。")
        content = path.open("rb")  # by its content: a path must end in xlsx
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        header = [_cell(c) for c in next(rows, ())]
    except Unreadable:
        raise
    except Exception:
        raise Unreadable(f"{path.name} 打不开，可能已损坏或者设置了密码。") from None
    while header and not header[-1].strip():
        header.pop()
    columns = _named(header, path.name)
    width = len(columns)

    def frames() -> Iterator[pl.DataFrame]:
        schema = {str(n): pl.String for n in range(width + 1)}
        held: list[list[str]] = []
        for row in rows:
            cells = [_cell(c) for c in row]
            kept = cells[:width] + [""] * (width - len(cells))
            held.append([*kept, " ".join(c for c in cells[width:] if c)])
            if len(held) == PIECE:
                yield pl.DataFrame(held, schema=schema, orient="row")
                held = []
        if held:
            yield pl.DataFrame(held, schema=schema, orient="row")

    return Pieces([*columns, SURPLUS], frames())


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
