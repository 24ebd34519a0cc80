"""A table as a spreadsheet (xlsx), written row by row to a file that is sent and forgotten."""

import tempfile
from collections.abc import Iterable

from django.http import FileResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from jinzhi.web.export import safe

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def xlsx_response(name: str, header: Iterable, rows: Iterable[Iterable]) -> FileResponse:
    """A download named 名称-20261122.xlsx; a hundred thousand rows need no more memory than one."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    sheet.freeze_panes = "A2"
    heads = []
    for word in header:
        cell = WriteOnlyCell(sheet, value=str(word))
        cell.font = Font(bold=True)
        heads.append(cell)
    sheet.append(heads)
    for row in rows:
        sheet.append([cell if isinstance(cell, int | float) or cell is None else safe(cell) for cell in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed by the response
    book.save(file)
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=f"{name}-{timezone.localdate():%Y%m%d}.xlsx", content_type=TYPE
    )
