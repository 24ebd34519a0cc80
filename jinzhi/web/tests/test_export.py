"""Downloads: what a spreadsheet reads back is what was written, for any text and any number of rows."""

import csv
import io
from datetime import date

import openpyxl
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinzhi.web import export, sheets

HEADER = ["代码", "名称", "日期", "数"]
ROWS = [
    ["913301007320000140", "=1+1", date(2026, 2, 28), 12],
    ["00123", "甲\n乙<&>\"'", None, 1.5],
    ["", "\x00控制\x1f\ud800", date(1900, 1, 1), 10**17],
]


def workbook(header, rows, **options):
    content = b"".join(sheets.pieces("一览/表", header, rows, **options))
    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_spreadsheet_keeps_codes_texts_days_and_numbers():
    book = workbook(HEADER, ROWS)
    got = [list(row) for row in book.active.iter_rows(values_only=True)]
    assert book.sheetnames == ["一览表"]
    assert got[0] == HEADER
    assert got[1][:2] == ["913301007320000140", "=1+1"]
    assert got[1][2].date() == date(2026, 2, 28) and got[1][3] == 12
    assert got[2] == ["00123", "甲\n乙<&>\"'", None, 1.5]
    assert got[3] == [None, "控制", "1900-01-01", str(10**17)]
    assert book.active["B2"].data_type == "s"  # a text, not a formula


def test_more_rows_than_a_sheet_holds_go_to_further_sheets():
    book = workbook(["n"], ([n] for n in range(25)), most=11)
    assert book.sheetnames == ["一览表", "一览表 2", "一览表 3"]
    values = [cell for sheet in book for (cell,) in sheet.iter_rows(values_only=True)]
    assert values == ["n", *range(10), "n", *range(10, 20), "n", *range(20, 25)]


def test_an_empty_list_is_a_sheet_with_its_header():
    assert [list(r) for r in workbook(HEADER, []).active.iter_rows(values_only=True)] == [HEADER]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_any_text_can_be_a_cell(texts):
    book = workbook(["甲"], [[text] for text in texts])
    assert book.active.max_row == len(texts) + 1


def test_a_text_too_long_for_a_cell_says_so():
    (_, (cell,)) = workbook(["甲"], [["字" * 40_000]]).active.iter_rows(values_only=True)
    assert len(cell) == sheets.LONGEST and cell.endswith(sheets.CUT)


def test_bytes_come_before_the_last_row_was_read():
    read = []

    def rows():
        for n in range(20_000):
            read.append(n)
            yield [str(n) * 5]

    for kind in ("csv", "xlsx"):
        read.clear()
        next(iter(export._WRITERS[kind]("表", ["n"], rows())))
        assert len(read) <= sheets.CHUNK


@pytest.mark.parametrize("count", [0, 3, export.GROUP + 1])
def test_parquet_is_read_by_others(count, tmp_path):
    file = tmp_path / "x.parquet"
    rows = ([str(n), None if n % 2 else "乙"] for n in range(count))
    file.write_bytes(b"".join(export.download("parquet", "表", ["甲", "乙"], rows).streaming_content))
    found = polars.read_parquet(file)
    assert found.columns == ["甲", "乙"] and found.height == count
    if count:
        assert found.row(0) == ("0", "乙") and found.row(1) == ("1", None)


def test_a_csv_runs_no_formula_and_reads_as_utf8():
    content = b"".join(export.download("csv", "表", HEADER, ROWS).streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    got = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert got[1] == ["913301007320000140", "'=1+1", "2026-02-28", "12"]
