"""Batch files of a front-end machine: rows as CSV or XML, read as a stream and strictly, written the same way.

Columns that begin with an underscore are about the row: _op, _key, _version, _place, _at (and _seq in what we write).
"""

import codecs
import csv
import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError, XMLPullParser
from xml.sax.saxutils import escape, quoteattr

from jinzhi.foundation.exchange.declared import Dataset, Field
from jinzhi.network.partners.intake import Refused, Row

ENCODINGS = {"UTF-8": "utf-8-sig", "GB18030": "gb18030"}
ABOUT = ("_op", "_key", "_version", "_place", "_at")
PIECE = 1 << 16
FORBIDDEN = ("<!DOCTYPE", "<!ENTITY")


def sm3(path: Path) -> str:
    """SM3 of a file, read in pieces."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.new("sm3")).hexdigest()


def rows(path: Path, one: Dataset, kind: str, encoding: str) -> Iterator[Row]:
    """The rows of a file. Raises Refused (E01) where it is not what it says it is."""
    _known(kind, encoding)
    read = _csv_rows if kind == "csv" else _xml_rows
    with path.open("rb") as content:
        try:
            yield from read(content, one, ENCODINGS[encoding])
        except UnicodeDecodeError as fault:
            raise Refused("E01", f"文件不是 {encoding} 编码：{_near(fault)}") from None


def _known(kind: str, encoding: str) -> None:
    if encoding not in ENCODINGS:
        raise Refused("E01", f"编码应为 {'、'.join(ENCODINGS)}")
    if kind not in ("csv", "xml"):
        raise Refused("E01", "文件格式应为 csv 或者 xml")


def _near(fault: UnicodeDecodeError) -> str:
    return f"字节 {fault.object[fault.start : fault.start + 4].hex(' ')} 不能读取"


def header(path: Path, kind: str, encoding: str, one: Dataset) -> list[str]:
    """The items a CSV file names, for a check before its rows are read; an XML file names them row by row."""
    _known(kind, encoding)
    if kind != "csv":
        return []
    with path.open("rb") as content:
        try:
            reader = csv.reader(codecs.getreader(ENCODINGS[encoding])(content))
            names = [name.strip() for name in next(reader, [])]
        except UnicodeDecodeError as fault:
            raise Refused("E01", f"文件不是 {encoding} 编码：{_near(fault)}") from None
        except csv.Error as fault:
            raise Refused("E01", f"CSV 首行不能读取：{fault}") from None
    if not names:
        raise Refused("E01", "文件没有列名")
    if twice := {name for name in names if names.count(name) > 1}:
        raise Refused("E01", f"列名重复：{'、'.join(sorted(twice))[:80]}")
    if odd := [name for name in names if name.startswith("_") and name not in ABOUT]:
        raise Refused("E01", f"不认识的列：{'、'.join(odd)[:80]}")
    return [name for name in names if not name.startswith("_")]


def _csv_rows(content: BinaryIO, one: Dataset, codec: str) -> Iterator[Row]:
    reader = csv.reader(codecs.getreader(codec)(content), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise Refused("E01", f"第 {reader.line_num} 行有 {len(cells)} 列，应为 {len(names)} 列")
            yield record(dict(zip(names, cells, strict=True)), one)
    except csv.Error as fault:
        raise Refused("E01", f"CSV 第 {reader.line_num} 行不能读取：{fault}") from None


def _xml_rows(content: BinaryIO, one: Dataset, codec: str) -> Iterator[Row]:
    decoder = codecs.getincrementaldecoder(codec)()
    parser: Any = XMLPullParser(["start", "end"])
    tail, depth = "", 0
    root: Any = None
    try:
        while True:
            piece = content.read(PIECE)
            text = decoder.decode(piece, final=not piece)
            if any(word in (tail + text).upper() for word in FORBIDDEN):
                raise Refused("E01", "XML 不能有 DOCTYPE 或者 ENTITY")
            tail = text[-16:]
            parser.feed(text) if piece else parser.close()
            for event, element in parser.read_events():
                depth += 1 if event == "start" else -1
                root = element if root is None else root
                if event == "end" and depth == 1:
                    if element.tag != "row":
                        raise Refused("E01", f"XML 中应为 row，遇到 {str(element.tag)[:40]}")
                    yield _xml_row(element, one)
                    root.clear()
            if not piece:
                return
    except ParseError as fault:
        raise Refused("E01", f"XML 不能读取：{fault}") from None


def _xml_row(element: Any, one: Dataset) -> Row:
    cells = {f"_{name}": value for name, value in element.attrib.items()}
    if odd := [name for name in cells if name not in ABOUT]:
        raise Refused("E01", f"不认识的属性：{'、'.join(odd)[:80]}")
    return record(cells | {str(child.tag): child.text or "" for child in element}, one)


def record(cells: dict[str, str], one: Dataset) -> Row:
    """A row of texts as a record; what cannot be read stays text, and the border says why it is refused."""
    about = {name: cells.get(name, "").strip() for name in ABOUT}
    body = {
        name: _value(one.by_key.get(name), cell) for name, cell in cells.items()
        if not name.startswith("_") and cell != ""
    }  # fmt: skip
    version, place = about["_version"], about["_place"]
    for name, value in (("_version", version), ("_place", place)):
        if value and not (value.isascii() and value.isdigit() and len(value) <= 12):
            raise Refused("E01", f"{name} 应为整数，现为“{value[:20]}”")
    if about["_op"] not in ("", "u", "d"):
        raise Refused("E01", f"_op 应为 u 或者 d，现为“{about['_op'][:10]}”")
    return Row(
        body, about["_op"] or "u", about["_key"], int(version) if version else None, int(place) if place else None,
        about["_at"],
    )  # fmt: skip


def _value(item: Field | None, cell: str) -> Any:
    if item is None:
        return cell
    try:
        if item.type == "integer":
            return int(cell)
        if item.type == "boolean":
            return {"true": True, "false": False, "1": True, "0": False}[cell.strip().lower()]
        if item.type == "json":
            return json.loads(cell)
    except (ValueError, KeyError, RecursionError):
        return cell
    return cell


# -- control totals


class Totals:
    """Control totals of a batch: sums of number columns, counts of what is filled in others."""

    def __init__(self, one: Dataset):
        self.one, self.rows = one, 0
        self.found: dict[str, Decimal] = {}

    def add(self, body: dict[str, Any]) -> None:
        self.rows += 1
        for name, value in body.items():
            item = self.one.by_key.get(name)
            if item is None or value in (None, ""):
                continue
            self.found[name] = self.found.get(name, Decimal(0)) + self._part(item, value)

    @staticmethod
    def _part(item: Field, value: Any) -> Decimal:
        if item.type not in ("integer", "decimal"):
            return Decimal(1)
        try:
            number = Decimal(str(value))
            return number if number.is_finite() else Decimal(0)
        except InvalidOperation:
            return Decimal(0)

    def said(self) -> dict[str, str]:
        return {name: format(value.normalize(), "f") for name, value in sorted(self.found.items())}

    def differing(self, claimed: dict[str, Any]) -> list[str]:
        """What the header claims otherwise, in words."""
        problems = []
        for name, value in claimed.items():
            try:
                agrees = Decimal(str(value)) == self.found.get(name, Decimal(0))
            except InvalidOperation:
                agrees = False
            if not agrees:
                title = self.one.by_key[name].title if name in self.one.by_key else name
                problems.append(f"{title[:30]}声明 {str(value)[:20]}，为 {self.found.get(name, Decimal(0))}")
        return problems


# -- writing


def write(
    path: Path, one: Dataset, fields: list[str], found: list[dict[str, Any]], kind: str, encoding: str
) -> None:
    """Write messages (envelopes with a `seq`) as a file."""
    codec = "utf-8" if encoding == "UTF-8" else ENCODINGS[encoding]
    with path.open(
        "w", encoding=codec, errors="xmlcharrefreplace" if kind == "xml" else "replace", newline=""
    ) as sheet:
        if kind == "csv":
            sink = csv.writer(sheet)
            sink.writerow(["_seq", "_op", "_id", "_version", "_place", "_at", *fields])
            for said in found:
                about = [said[name] for name in ("seq", "op", "id", "version", "place", "at")]
                sink.writerow([*about, *(cell(said["body"].get(name)) for name in fields)])
            return
        sheet.write(f'<?xml version="1.0" encoding="{encoding}"?>\n<batch dataset={quoteattr(one.key)}>\n')
        for said in found:
            marks = " ".join(
                f"{n}={quoteattr(str(said[n]))}" for n in ("seq", "op", "id", "version", "place", "at")
            )
            items = "".join(
                f"<{n}>{escape(cell(said['body'].get(n)))}</{n}>"
                for n in fields
                if said["body"].get(n) is not None
            )
            sheet.write(f"<row {marks}>{items}</row>\n")
        sheet.write("</batch>\n")


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
