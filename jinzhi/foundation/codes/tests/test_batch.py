"""A column of a file of any kind, checked row by row: nothing lost, nothing repaired, the columns as they came."""

import csv
import gzip
import json

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from jinzhi.foundation.codes.commands import app

pytestmark = pytest.mark.django_db
COMMAND = CliRunner()
TEXT = "名称,代码\n甲厂,91330100723456781Y\n乙厂,91330100723456781X\n\n丙店,\n丁店,９１３３０１００７２３４５６７８１ｙ\n"


def run(path, *more, scheme="uscc", column="代码"):
    out = path.parent / "answers.csv"
    found = COMMAND.invoke(
        app, ["batch", scheme, str(path), "--column", column, "--out", str(out), "--json", *more]
    )
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig"))) if out.exists() else []
    return found, json.loads(found.stdout.splitlines()[0]) if found.stdout else {}, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_in_any_encoding_is_answered_row_by_row(tmp_path, encoding, packed):
    path = tmp_path / "x.csv"
    data = TEXT.encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    found, answer, rows = run(path)
    assert found.exit_code == 0, found.output
    assert (answer["read"], answer["valid"], answer["invalid"], answer["blank"]) == (4, 2, 2, 1)
    assert (answer["blank_lines"], answer["warned"]) == (1, 1)
    assert answer["problems"]["check_digit"] == 1 and answer["problems"]["blank"] == 1
    assert [r["名称"] for r in rows] == ["甲厂", "乙厂", "丙店", "丁店"]
    assert [r["校验结论"] for r in rows] == ["通过", "不通过", "不通过", "通过"]
    assert (
        rows[1]["问题说明"] == "第 18 位校验码应为 Y，现为 X" and rows[3]["规范写法"] == "91330100723456781Y"
    )


def test_workbooks_and_parquet_with_codes_kept_as_numbers(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["条码", "备注"],
        [6901234567892, "好"],
        [6901234567893.0, None],
        [None, None],
        ["6902083881405", "x"],
    ):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    _, answer, rows = run(tmp_path / "x.xlsx", scheme="gtin", column="条码")
    assert (answer["read"], answer["valid"], answer["blank_lines"]) == (3, 2, 1)
    assert [r["备注"] for r in rows] == ["好", "", "x"]
    frame = pl.DataFrame({"条码": [6901234567892.0, None, 6902083881405.0], "n": [[1], [2], None]})
    frame.write_parquet(tmp_path / "x.parquet")
    _, answer, _ = run(tmp_path / "x.parquet", scheme="gtin", column="条码")
    assert (answer["read"], answer["valid"], answer["blank"]) == (3, 2, 1)


def test_ragged_rows_keep_what_stands_beyond_the_columns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("代码,名称,名称\n6901234567892,甲\n6901234567893,乙,b,c,d\n", encoding="utf-8")
    _, answer, rows = run(path, scheme="gtin")
    assert (answer["read"], answer["valid"]) == (2, 1)
    assert rows[1]["多出的列"] == "c,d" and rows[1]["名称（第 3 列）"] == "b"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_lines_that_end_as_on_old_macintoshes_are_rows(tmp_path, encoding):
    path = tmp_path / "x.csv"
    path.write_bytes("代码,名称\r6901234567892,甲\r6901234567893,乙\r".encode(encoding))
    _, answer, rows = run(path, scheme="gtin")
    assert (answer["read"], answer["valid"]) == (2, 1) and [r["名称"] for r in rows] == ["甲", "乙"]


def test_a_workbook_under_another_name_is_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    for row in (["代码"], ["6901234567892"]):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    path = (tmp_path / "x.xlsx").rename(tmp_path / "x.csv")
    _, answer, _ = run(path, scheme="gtin")
    assert (answer["read"], answer["valid"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        (b"", "a", "空文件"),
        (b"\n\n", "a", "没有列名"),
        (b"a,b\n1,2\n", "c", "没有名为"),
        (b'a,b\n"1,2\n3,4\n', "a", "引号"),
        (b"PK\x03\x04rubbish", "a", "打不开"),
        (b"PAR1rubbish", "a", "Parquet"),
        (b"\x1f\x8brubbish", "a", "压缩"),
        (b"\xd0\xcf\x11\xe0rubbish", "a", "xls"),
        (b"a\n\xff\xff\n", "a", "编码"),
        (b"a\n\x00\x00\n", "a", "不是表格"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_leaves_nothing(tmp_path, content, column, words):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    found, answer, rows = run(path, column=column)
    assert found.exit_code == 2 and words in answer["error"], answer
    assert not rows and not (tmp_path / "answers.csv").exists()


def test_no_file_no_scheme_no_day_and_no_place(tmp_path):
    path = tmp_path / "x.csv"
    assert run(path)[0].exit_code == 2
    path.write_text("代码\n1\n", encoding="utf-8")
    assert "passport" in run(path, scheme="passport")[1]["error"]
    assert run(path, "--on", "gestern")[0].exit_code == 2
    found = COMMAND.invoke(
        app, ["batch", "uscc", str(path), "--column", "代码", "--out", str(path), "--json"]
    )
    assert found.exit_code == 2 and path.read_text(encoding="utf-8") == "代码\n1\n"
    found = COMMAND.invoke(
        app, ["batch", "uscc", str(path), "--column", "代码", "--out", str(tmp_path / "no" / "x")]
    )
    assert found.exit_code == 2


def test_a_cell_never_becomes_a_formula_in_the_added_columns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("代码\n=1+1\n", encoding="utf-8")
    assert run(path)[2][0]["规范写法"].startswith("'=")
