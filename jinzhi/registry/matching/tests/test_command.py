"""`jinzhi registry compare`: the contract of its arguments, its answer and its file; bad input in plain words."""

import gzip
import json

import polars as pl
import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from jinzhi.registry.commands import app
from jinzhi.registry.matching.results import KINDS

from .conftest import COLUMNS, of, write

MAP = "left: {id: id, code: code, name: name, address: address}\nright: {id: id, code: code, name: name, phone: phone}\n"
LEFT = [of("a", "杭州甲制造有限公司", "732000014"), of("c", "杭州丙食品厂")]
RIGHT = [of("b", "杭州甲制造有限责任公司", "91330100732000014Q"), of("d", "宁波丁茶叶店")]


@pytest.fixture
def run(tmp_path):
    def go(left, right, map_=MAP, *more):
        path = tmp_path / "map.yaml"
        path.write_text(map_, encoding="utf-8")
        arguments = ["compare", str(left), str(right), "--map", str(path), "--out", str(tmp_path / "out.csv")]
        return CliRunner().invoke(app, [*arguments, *more])

    return go


@pytest.fixture
def sides(tmp_path):
    return write(tmp_path / "left.csv", LEFT), write(tmp_path / "right.csv", RIGHT)


def test_counts_on_stdout_and_a_row_for_each_pair(run, sides, tmp_path):
    answer = run(*sides, MAP, "--json")
    assert answer.exit_code == 0
    counts = json.loads(answer.stdout)
    assert set(counts) == set(KINDS) and counts["changed"] == 1 and counts["missing_left"] == 1
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "left_id,right_id,kind,score,stage"
    assert lines[1] == "a,b,changed,0.99,org_code" and len(lines) == 1 + sum(counts.values())


def test_words_for_people(run, sides):
    answer = run(*sides)
    assert "左方 2 行" in answer.stdout and "视为同一企业" in answer.stdout


def _gzip(source, target):
    target.write_bytes(gzip.compress(source.read_bytes()))


def _gb(source, target):
    target.write_bytes(source.read_text(encoding="utf-8").encode("gb18030"))


def _bom(source, target):
    target.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())


def _tabs(source, target):
    target.write_text(source.read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-16")


def _parquet(source, target):
    pl.read_csv(source, infer_schema=False).write_parquet(target)


def _xlsx(source, target):
    book = Workbook()
    for line in source.read_text(encoding="utf-8").splitlines():
        book.active.append(line.split(","))
    book.save(target)


@pytest.mark.parametrize("change", [_gzip, _gb, _bom, _tabs, _parquet, _xlsx])
def test_every_form_of_a_file_gives_the_same(run, sides, tmp_path, change):
    run(*sides)
    expected = (tmp_path / "out.csv").read_bytes()
    changed = tmp_path / "changed"  # what a file is is told by its content
    change(sides[0], changed)
    answer = run(changed, sides[1])
    assert answer.exit_code == 0, answer.stderr
    assert (tmp_path / "out.csv").read_bytes() == expected


@pytest.mark.parametrize(
    ("map_", "words"),
    [
        (MAP.replace("name: name, address", "name: 名字, address"), "没有列“名字”"),
        ("left: {id: id}\nright: {id: id, name: name}", "没有写明 name"),
        ("left: {id: id, name: name}", "left 和 right"),
        ("left: {id: id, name: name, colour: x}\nright: {id: id, name: name}", "不认识 colour"),
        ("- 1", "left 和 right"),
        ("left: [", "YAML"),
    ],
)
def test_a_map_that_does_not_fit_is_refused_in_words(run, sides, map_, words):
    answer = run(*sides, map_, "--json")
    assert answer.exit_code == 2 and words in json.loads(answer.stdout)["error"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空文件"),
        (b"id,code,name,address\n", "没有数据行"),
        ("id,code,name,address\na,,甲厂,\na,,乙厂,\n".encode(), "有重复：a（2 次）"),
        ("id,code,name,address\n,,甲厂,\n".encode(), "没有标识"),
        (b"id,code,name,address\na,,,\n", "名称列全是空的"),
        (b"\x00\x01\x02\x03", ""),
        (b"\x1f\x8b\x08broken", "损坏"),
        (b"PAR1broken", "Parquet"),
        (b"PK\x03\x04broken", "打不开"),
    ],
)
def test_a_side_that_cannot_be_compared_is_refused_in_words(run, sides, tmp_path, content, words):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    answer = run(bad, sides[1], MAP, "--json")
    assert answer.exit_code == 2 and words in json.loads(answer.stdout)["error"]


def test_a_missing_file_is_refused_in_words(run, sides, tmp_path):
    answer = run(tmp_path / "none.csv", sides[1])
    assert answer.exit_code == 2 and "没有文件" in answer.stderr


def test_several_columns_may_make_one_field(run, tmp_path):
    columns = ("id", "given", "family")
    left = write(tmp_path / "p.csv", [{"id": "1", "given": "anna", "family": "smith"}], columns)
    right = write(tmp_path / "q.csv", [{"id": "2", "given": "Anna ", "family": "Smith"}], columns)
    side = "{id: id, name: [given, family]}"
    assert json.loads(run(left, right, f"left: {side}\nright: {side}", "--json").stdout)["matched"] == 1


def test_a_side_without_codes_and_ragged_rows(run, tmp_path):
    left = tmp_path / "ragged.csv"
    left.write_text(
        "id,code,name,address\na,,杭州甲乙食品厂\n\nb,,杭州丙丁茶叶店,文一路1号,\n", encoding="utf-8"
    )
    right = write(tmp_path / "right.csv", [of("c", "杭州市甲乙食品厂")])
    answer = run(left, right, MAP, "--json")
    assert answer.exit_code == 0 and json.loads(answer.stdout)["matched"] == 1
    assert set(COLUMNS) >= {"id"}
