"""Text tables: the encoding of each line, the separator, quotes that may hold line breaks; read in blocks.

Lines without quotes are split as columns by polars; lines with quotes go through the csv module. A line that
is not of the file's main encoding is read in the other one (files pasted together from two systems); a line
that is of neither is handed over as broken.
"""

import codecs
import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import polars as pl

from jinzhi.registry.importing.headers import ROWS
from jinzhi.registry.importing.slices import Broken, Slice, Unreadable, fitted, of_rows

BLOCK = 16 * 1024 * 1024
SAMPLE = 256 * 1024
LONGEST_LINE = 64 * 1024 * 1024
QUOTED_LINES = 200  # a cell in quotes that goes on for more lines has lost its closing quote
BATCH = 2000
SEPARATORS = ",\t;|"
UNDECODABLE = "本行既不是 UTF-8 也不是 GB 18030 编码，无法读取"
NULS = "本行含有空字符（\\x00），内容可能已损坏"
UNCLOSED = "引号不成对，无法分列"
csv.field_size_limit(16_000_000)
_HAN = re.compile("[\u2e80-\ud7ff\uf900-\uffef]")


@dataclass(frozen=True)
class Layout:
    """How a text file is to be read."""

    path: Path
    name: str
    packed: bool
    encoding: str  # utf-8, gb18030, utf-16-le, utf-16-be
    separator: str
    sample: list[str]
    old_mac: bool = False  # lines end with a lone carriage return

    def first_rows(self) -> list[tuple[int, list[str]]]:
        rows, broken = _parse(list(enumerate(self.sample, start=1)), self.separator)
        return sorted(rows + [(line, cells) for line, cells, _ in broken])[:ROWS]

    def slices(self, after: int, width: int, most: int) -> Iterator[Slice]:
        """Rows below line `after`; raises Unreadable beyond `most` bytes."""
        line = 1
        left: list[tuple[int, str]] = []  # lines of a cell that goes on in the next block
        for texts, broken, position, last in self._blocks(most):
            numbered = left + list(enumerate(texts, start=line))
            lost = [(n + line, cells, why) for n, cells, why in broken]
            line += len(texts)
            if after:
                numbered = [(n, t) for n, t in numbered if n > after]
                lost = [b for b in lost if b[0] > after]
            piece, left = _split(numbered, self.separator, width, last)
            piece.broken += lost
            piece.broken.sort(key=lambda b: b[0])
            piece.position = position
            if piece.height:
                yield piece

    def _blocks(self, most: int) -> Iterator[tuple[list[str], list[Broken], int, bool]]:
        """Whole lines as text, undecodable ones (empty among the lines), bytes read, whether it is the end."""
        wide = self.encoding.startswith("utf-16")
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace") if wide else None
        rest, read = b"", 0
        with _open(self.path, self.packed) as file:
            while True:
                piece = file.read(BLOCK)
                read += len(piece)
                if read > most:
                    raise Unreadable(f"{self.name} 解开后过大，没有读取。")
                last = not piece
                if decoder:
                    piece = decoder.decode(piece, final=last).encode("utf-8", "replace")
                data = rest + piece
                if self.old_mac:
                    data = data.replace(b"\r", b"\n")
                cut = len(data) if last else data.rfind(b"\n") + 1
                data, rest = data[:cut], data[cut:]
                if len(rest) > LONGEST_LINE:
                    raise Unreadable(f"{self.name} 有一行超过 {LONGEST_LINE >> 20} MB，不是表格。")
                if data:
                    texts, broken = _lines(data, "utf-8" if wide else self.encoding)
                    yield texts, broken, read if self.packed else min(read, file.tell()), last
                elif last:
                    yield [], [], read, True
                if last:
                    return


def layout(path: Path, name: str, packed: bool) -> Layout:
    with _open(path, packed) as file:
        start = file.read(SAMPLE)
        whole = len(start) < SAMPLE
    encoding = _encoding(start, name)
    text = start.decode(encoding, "replace") if encoding.startswith("utf-16") else ""
    data = text.encode("utf-8", "replace") if text else start
    rows = data.splitlines()
    if sum(b"\0" in row for row in rows) * 4 > len(rows):
        raise Unreadable(f"{name} 不是表格。可以导入 CSV（可用 gzip 压缩）、xlsx 或 Parquet。")
    old_mac = b"\n" not in data and b"\r" in data
    if old_mac:
        data = data.replace(b"\r", b"\n")
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    texts, broken = _lines(data, "utf-8" if text else encoding)
    if len(broken) > len(texts) // 2:
        raise Unreadable(f"{name} 不是 UTF-8 或 GB 18030 编码的文本，请另存为 UTF-8 编码的 CSV。")
    texts = texts[: ROWS * 4]
    separator = _separator(texts)
    if texts and texts[0].lower().startswith("sep=") and len(texts[0]) == 5:  # a line for one spreadsheet
        separator, texts[0] = texts[0][4], ""
    return Layout(path, name, packed, encoding, separator, texts, old_mac)


def _open(path: Path, packed: bool) -> IO[bytes]:
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _encoding(start: bytes, name: str) -> str:
    if start.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if start.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    even, odd = start[0:2000:2].count(0), start[1:2000:2].count(0)
    if (odd > 20 and odd > 4 * even) or (even > 20 and even > 4 * odd):
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        if "\0" not in start[:2000].decode(encoding, "replace"):
            return encoding
    foreign = [piece for piece in start.split(b"\n")[:-1] or [start] if not piece.isascii()]
    own = sum(1 for piece in foreign if _is_utf8(piece))
    return "utf-8" if own * 2 >= len(foreign) else "gb18030"


def _is_utf8(piece: bytes) -> bool:
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(data: bytes, encoding: str) -> tuple[list[str], list[Broken]]:
    """The lines of a block, and which (by position) are of neither encoding."""
    broken: list[Broken] = []
    texts: Sequence[str | None]
    if (encoding == "utf-8" or data.isascii()) and _is_utf8(data):
        texts = data.decode("utf-8").split("\n")
    else:
        texts = [_decode(piece, encoding) for piece in data.split(b"\n")]
    if texts and texts[-1] == "":
        texts = texts[:-1]
    lines: list[str] = []
    nuls = b"\0" in data
    pieces = data.split(b"\n") if None in texts or nuls else []
    for position, text in enumerate(texts):
        if text is None or (nuls and "\0" in text):
            shown = pieces[position].decode("utf-8", "backslashreplace") if text is None else text
            shown = shown.replace("\0", "\\x00").rstrip("\r")[:2000]
            broken.append((position, [shown], UNDECODABLE if text is None else NULS))
            lines.append("")
        else:
            lines.append(text)
    if b"\r" in data:
        lines = [t[:-1] if t.endswith("\r") else t for t in lines]
    if lines and lines[0].startswith("\ufeff"):
        lines[0] = lines[0][1:]
    return lines, broken


def _decode(piece: bytes, main: str) -> str | None:
    if piece.isascii():
        return piece.decode("ascii")
    try:
        as_utf8 = piece.decode("utf-8")
    except UnicodeDecodeError:
        as_utf8 = None
    if main == "utf-8" and as_utf8 is not None:
        return as_utf8
    if as_utf8 is not None and _HAN.search(as_utf8):  # 联通 in GB is valid UTF-8, but no Chinese then
        return as_utf8
    try:
        return piece.decode("gb18030")
    except UnicodeDecodeError:
        return as_utf8


def _separator(texts: list[str]) -> str:
    """The separator that most lines have equally often."""

    def fits(separator: str) -> tuple[int, int]:
        counts = [n for t in texts if t.strip() and (n := t.count(separator))]
        if not counts:
            return 0, 0
        usual = max(set(counts), key=lambda n: (counts.count(n), n))
        return counts.count(usual) * usual, usual

    return max(SEPARATORS, key=fits)


def _split(
    numbered: list[tuple[int, str]], separator: str, width: int, last: bool
) -> tuple[Slice, list[tuple[int, str]]]:
    """A slice of these lines, and lines at the end that belong to a cell not yet closed."""
    texts = [t for _, t in numbered]
    if not any('"' in t for t in texts):
        return _split_plain(numbered, texts, separator, width), []
    left: list[tuple[int, str]] = []
    rows, unclosed = _parse(numbered, separator, None if last else left)
    fit, broken = [], list(unclosed)
    for line, cells in rows:
        if not any(c and not c.isspace() for c in cells):
            continue
        if len(cells) != width:
            cells, fault = fitted(line, cells, width)
            if fault:
                broken.append((line, cells, fault))
                continue
        fit.append((line, cells))
    return of_rows(fit, width, broken), left


def _split_plain(numbered, texts: list[str], separator: str, width: int) -> Slice:
    lines = pl.Series([n for n, _ in numbered], dtype=pl.Int64)
    rows = pl.Series("text", texts, dtype=pl.String)
    counts = rows.str.count_matches(separator, literal=True)
    good = counts == width - 1
    if width == 1:
        good &= rows.str.strip_chars() != ""
    broken: list[Broken] = []
    extra: list[tuple[int, list[str]]] = []
    for line, text in zip(lines.filter(~good), rows.filter(~good), strict=True):
        cells = text.split(separator)
        if not any(c and not c.isspace() for c in cells):
            continue
        cells, fault = fitted(line, cells, width)
        if fault:
            broken.append((line, cells, fault))
        else:
            extra.append((line, cells))
    if good.all():
        piece = Slice(lines, _cells(rows, separator, width), broken)
    else:
        piece = Slice(lines.filter(good), _cells(rows.filter(good), separator, width), broken)
    if extra:
        more = of_rows(extra, width, [])
        both = pl.concat([piece.cells, more.cells]).with_columns(
            pl.concat([piece.lines, more.lines]).alias("line")
        )
        both = both.sort("line")
        piece = Slice(both["line"], both.drop("line"), broken)
    return piece.without_empty_rows()


def _cells(rows: pl.Series, separator: str, width: int) -> pl.DataFrame:
    if width == 1:
        return pl.DataFrame({"c0": rows})
    parts = rows.str.split_exact(separator, width - 1).struct.unnest()
    parts.columns = [f"c{i}" for i in range(width)]
    return parts


def _parse(
    numbered: list[tuple[int, str]], separator: str, left: list | None = None
) -> tuple[list[tuple[int, list[str]]], list[Broken]]:
    """Rows by the csv module, with the line each begins on; rows whose quotes never close are broken."""
    rows: list[tuple[int, list[str]]] = []
    broken: list[Broken] = []
    position = 0
    while position < len(numbered):
        batch = numbered[position : position + BATCH]
        if done := _whole_lines(batch, separator):
            rows += done
            position += len(batch)
            continue
        end = position + len(batch)
        while position < end:
            position = _one(numbered, position, separator, rows, broken, left)
            if position < 0:
                return rows, broken
    return rows, broken


def _whole_lines(batch: list[tuple[int, str]], separator: str) -> list[tuple[int, list[str]]] | None:
    """The rows when each line of the batch is one; None when a cell goes on over lines or quotes are amiss."""
    try:
        parsed = list(csv.reader((t or " " for _, t in batch), delimiter=separator, strict=True))
    except csv.Error:
        return None
    if len(parsed) != len(batch):
        return None
    return [(line, cells) for (line, _), cells in zip(batch, parsed, strict=True)]


def _one(numbered, position: int, separator: str, rows: list, broken: list, left: list | None) -> int:
    """Read the row that begins at `position`; the position after it, or -1 when it goes on in the next block."""
    line, text = numbered[position]
    if '"' not in text:
        rows.append((line, text.split(separator)))
        return position + 1
    pieces: list[str] = []
    for _, piece in islice(numbered, position, position + QUOTED_LINES):
        pieces.append(piece)
        try:
            (cells,) = csv.reader(["\n".join(pieces)], delimiter=separator, strict=True)
        except csv.Error as fault:
            if "unexpected end of data" in str(fault):
                continue
            break
        except ValueError:
            break
        rows.append((line, cells))
        return position + len(pieces)
    else:
        if left is not None and len(pieces) < QUOTED_LINES:
            left.extend(numbered[position:])
            return -1
        broken.append((line, text.split(separator), UNCLOSED))
        return position + 1
    # a quote inside a cell, as in 12" pipe: read as people mean it
    try:
        cells = next(csv.reader([text], delimiter=separator))
    except (csv.Error, StopIteration):
        broken.append((line, text.split(separator), UNCLOSED))
    else:
        rows.append((line, cells))
    return position + 1
