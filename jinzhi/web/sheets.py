"""Spreadsheets (xlsx, ECMA-376) written while they are sent: memory does not grow with the rows.

The usual libraries pack the file when it is complete, so a million rows would keep the reader waiting without
a byte. Text cells are written inline: nothing is a formula, and a code of 18 figures stays as it is.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from xml.sax.saxutils import escape, quoteattr

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576  # of one sheet; the rest goes to further ones
LONGEST = 32_767  # characters of one cell
CUT = "……（过长，全文见 CSV 导出）"
EXACT = 10**15  # beyond it a spreadsheet rounds whole numbers
EPOCH = date(1899, 12, 30).toordinal()
CHUNK = 1000
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PART = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_STYLES = f"""{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="等线"/></font><font><b/><sz val="11"/><name val="等线"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf xfId="0"/>
<xf xfId="0" fontId="1" applyFont="1"/><xf xfId="0" numFmtId="164" applyNumberFormat="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="常规" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""


class Sink:
    """What a packer writes to: gives the bytes on, cannot be rewound."""

    def __init__(self):
        self.parts: list[bytes] = []
        self.written = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.written += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    closed = False

    def close(self) -> None:
        pass

    def tell(self) -> int:
        return self.written

    def taken(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)


def _text(value: str) -> str:
    if len(value) > LONGEST:
        value = value[: LONGEST - len(CUT)] + CUT
    kept = _NOT_IN_XML.sub("", value)
    return f'<is><t xml:space="preserve">{escape(kept)}</t></is>'


def _cell(value) -> str:
    """One cell; an empty one keeps its place."""
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal) and -EXACT < float(value) < EXACT:  # a NaN compares false
        return f"<c><v>{value}</v></c>"
    if isinstance(value, date) and not isinstance(value, datetime) and value.year > 1900:
        return f'<c s="2"><v>{value.toordinal() - EPOCH}</v></c>'
    return f'<c t="inlineStr">{_text(str(value))}</c>'


def _row(cells: Iterable) -> str:
    return f"<row>{''.join([_cell(cell) for cell in cells])}</row>"


def pieces(
    name: str, header: Iterable, rows: Iterable[Iterable], *, most: int = MOST_ROWS
) -> Iterator[bytes]:
    """The bytes of a workbook, as they come to be: one sheet for each `most` rows, each with the header."""
    sink = Sink()
    head = "".join(f'<c s="1" t="inlineStr">{_text(str(word))}</c>' for word in header)
    rows = iter(rows)
    sheets = 0
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as book:  # type: ignore[arg-type]
        first: Iterable = ()
        while sheets == 0 or (first := list(islice(rows, 1))):
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write(_opening(head).encode())
                of_this = islice(chain(first, rows), most - 1)
                while chunk := list(islice(of_this, CHUNK)):
                    sheet.write("".join([_row(row) for row in chunk]).encode())
                    yield sink.taken()
                sheet.write(b"</sheetData></worksheet>")
        for path, text in _frame(name, sheets):
            book.writestr(path, text)
    yield sink.taken()


def _opening(head: str) -> str:
    frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    view = f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
    return f'{_HEAD}<worksheet xmlns="{_MAIN}">{view}<sheetData><row>{head}</row>'


def _frame(name: str, sheets: int) -> Iterator[tuple[str, str]]:
    """The parts that say what the file is."""
    plain = re.sub(r"[\[\]:*?/\\']", "", name)[:25] or "表"
    names = [plain, *(f"{plain} {n}" for n in range(2, sheets + 1))]
    listed = "".join(
        f'<sheet name={quoteattr(said)} sheetId="{n}" r:id="rId{n}"/>' for n, said in enumerate(names, 1)
    )
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>{listed}</sheets></workbook>',
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATED}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    links += f'<Relationship Id="rId{sheets + 1}" Type="{_RELATED}/styles" Target="styles.xml"/>'
    yield "xl/_rels/workbook.xml.rels", _relationships(links)
    yield "xl/styles.xml", _STYLES
    to_book = f'<Relationship Id="rId1" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/>'
    yield "_rels/.rels", _relationships(to_book)
    parts = {"/xl/workbook.xml": "sheet.main", "/xl/styles.xml": "styles"}
    parts |= {f"/xl/worksheets/sheet{n}.xml": "worksheet" for n in range(1, sheets + 1)}
    overrides = "".join(
        f'<Override PartName="{path}" ContentType="{_PART}.{kind}+xml"/>' for path, kind in parts.items()
    )
    yield (
        "[Content_Types].xml",
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    )


def _relationships(links: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
