"""Downloads of what a list shows, as CSV, spreadsheet or Parquet, sent while the rows are read."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from . import sheets

FORMATS = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": sheets.TYPE,
    "parquet": "application/vnd.apache.parquet",
}
LINES = 500  # lines of CSV sent in one piece
GROUP = 20_000  # rows of one Parquet row group
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
    """The lines of a CSV, with the mark by which spreadsheets read UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff"
    yield writer.writerow([safe(cell) for cell in header])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def _csv(name: str, header: Iterable, rows: Iterable[Iterable]) -> Iterator[bytes]:
    every = lines(header, rows)
    while chunk := list(islice(every, LINES)):
        yield "".join(chunk).encode("utf-8", "replace")


def _parquet(name: str, header: Iterable, rows: Iterable[Iterable]) -> Iterator[bytes]:
    """Columns of text: what a code or a date is, the reader's own schema says."""
    import pyarrow
    from pyarrow import parquet

    names = [str(word) for word in header]
    schema = pyarrow.schema([(word, pyarrow.string()) for word in names])
    sink = sheets.Sink()
    rows = iter(rows)
    with parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        while chunk := list(islice(rows, GROUP)):
            columns = zip(*chunk, strict=True)
            arrays = [
                pyarrow.array([None if v is None else str(v) for v in column], pyarrow.string())
                for column in columns
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


_WRITERS = {"csv": _csv, "xlsx": sheets.pieces, "parquet": _parquet}


def download(kind: str, name: str, header: Iterable, rows: Iterable[Iterable]) -> StreamingHttpResponse:
    """A download named 名称-20261122.csv (`kind`: a key of FORMATS); the rows are read while it is sent."""
    response = StreamingHttpResponse(_WRITERS[kind](name, header, rows), content_type=TYPES[kind])
    filename = f"{name}-{timezone.localdate():%Y%m%d}.{kind}"
    response.headers["Content-Disposition"] = content_disposition_header(True, filename)
    return response


def csv_response(name: str, header: Iterable, rows: Iterable[Iterable]) -> StreamingHttpResponse:
    """A download named 名称-20261122.csv."""
    return download("csv", name, header, rows)
