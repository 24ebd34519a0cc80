"""CSV of what a list shows, streamed, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell) -> str:
    """A cell as text; one that a spreadsheet would run as a formula gets a leading apostrophe."""
    if isinstance(cell, int | float):
        return str(cell)
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Line:
    def write(self, text: str) -> str:
        return text


def lines(header: Iterable, rows: Iterable[Iterable]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # spreadsheets then read UTF-8
    yield writer.writerow([safe(cell) for cell in header])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def csv_response(name: str, header: Iterable, rows: Iterable[Iterable]) -> StreamingHttpResponse:
    """A download named 名称-20261122.csv; the rows are read while it is sent."""
    response = StreamingHttpResponse(lines(header, rows), content_type="text/csv; charset=utf-8")
    filename = f"{name}-{timezone.localdate():%Y%m%d}.csv"
    response.headers["Content-Disposition"] = content_disposition_header(True, filename)
    return response
