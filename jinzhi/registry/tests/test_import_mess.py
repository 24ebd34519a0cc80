"""The mess real tables are in: every row accepted or answered, nothing dropped, nothing half."""

import csv
import io
import random
from datetime import date

import openpyxl
import polars as pl
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_11_10

from jinzhi.foundation import codes
from jinzhi.foundation.codes import organization_code, uscc
from jinzhi.registry import services
from jinzhi.registry.importing import headers, mapping, reading, running, text
from jinzhi.registry.importing.checking import Checker
from jinzhi.registry.importing.records import registration_check_digit
from jinzhi.registry.importing.slices import of_rows
from jinzhi.registry.models import Enterprise, Identifier

from .conftest import WESTLAKE
from .test_importing import ENTERPRISES, GOOD, HEADER, reasons

pytestmark = pytest.mark.django_db
OTHER = ["913301007882999916", "杭州丙有限公司", "西湖区", "2001-02-03", "注销"]


def credit_code(number: int, prefix: str = "91330106") -> str:
    body = f"{10_000_000 + number}"
    head = prefix + body + organization_code.check_character(body)
    return head + uscc.check_character(head)


def row(number: int, **more) -> list[str]:
    values = {"uscc": credit_code(number), "name": f"杭州第{number}有限公司", "place": "330106", "on": "2004-05-08",
              "status": "存续"} | more  # fmt: skip
    return [values["uscc"], values["name"], values["place"], values["on"], values["status"]]


def run(path, raw=ENTERPRISES, **more):
    outcome = running.run(path, raw, **more)
    assert outcome.accepted + outcome.refused == outcome.read
    assert outcome.inserted + outcome.updated + outcome.unchanged == outcome.accepted
    return outcome


@pytest.fixture
def file(tmp_path):
    def made(content: bytes | str, name: str = "t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return made


def lines(*rows) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(rows)
    return made.getvalue()


def test_lines_of_two_encodings_in_one_file_are_all_read(file):
    mixed = lines(HEADER, GOOD).encode() + lines(OTHER).encode("gb18030")
    assert run(file(mixed)).inserted == 2
    assert set(Enterprise.objects.values_list("name", flat=True)) == {GOOD[1], OTHER[1]}


def test_a_line_of_no_encoding_is_refused_alone(file):
    outcome = run(file(lines(HEADER, GOOD).encode() + b"\xff\xfe\xff,x,y,z,w\n" + lines(OTHER).encode()))
    assert outcome.inserted == 2 and reasons(outcome) == {3: text.UNDECODABLE}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_row_with_nul_bytes_is_refused_alone(file, encoding):
    hurt = [[credit_code(9), "坏\0厂", "330106", "", ""]]
    more = [[credit_code(n), "联通茶厂", "330106", "", ""] for n in range(3)]
    outcome = run(file(lines(HEADER, GOOD, *hurt, OTHER, *more).encode(encoding)))
    assert (outcome.read, outcome.inserted) == (6, 5) and reasons(outcome) == {3: text.NULS}


def test_gb_text_that_happens_to_be_valid_utf8_stays_gb(file):
    rows = [[credit_code(n), "联通", "330106", "", ""] for n in range(3)]
    assert run(file(lines(HEADER, *rows).encode("gb18030"))).inserted == 3
    assert set(Enterprise.objects.values_list("name", flat=True)) == {"联通"}


def test_a_quote_without_end_spoils_its_own_line_only(file):
    content = lines(HEADER, GOOD) + '91330100,"没有收尾,330106,2004-05-08,存续\n' + lines(OTHER)
    outcome = run(file(content))
    assert outcome.read == 3 and outcome.inserted == 2 and reasons(outcome) == {3: text.UNCLOSED}


def test_quotes_inside_a_cell_and_long_cells_over_lines(file):
    content = (
        ",".join(HEADER)
        + f'\n{credit_code(1)},12" 钢管厂,330106,,存续\n{credit_code(2)},"上""下\n行",330106,,存续\n'
    )
    assert run(file(content)).inserted == 2
    assert set(Enterprise.objects.values_list("name", flat=True)) == {'12" 钢管厂', '上"下 行'}


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_lines_end_in_three_ways_and_blank_ones_are_no_rows(file, ends):
    content = ends.join(["", ",".join(HEADER), "", ",".join(GOOD), ",,,,", "  ", ",".join(OTHER), ""])
    outcome = run(file(content))
    assert (outcome.read, outcome.inserted) == (2, 2)


def test_a_monstrous_cell_is_given_back_shortened(file, tmp_path):
    outcome = run(file(lines(HEADER, [GOOD[0], "名" * 100_000, *GOOD[2:]])), errors=tmp_path / "e.csv")
    assert "超过 200 字" in reasons(outcome)[2]
    assert len(outcome.refusals[0].original[1]) < 40_000 and (tmp_path / "e.csv").stat().st_size < 200_000


def test_a_wide_row_without_content_beyond_the_header_is_taken(file):
    assert run(file(lines(HEADER, [*GOOD, "", " "]))).inserted == 1


def test_the_header_is_found_below_titles(file):
    content = lines(["全省企业名录", "", "", "", ""], ["制表日期：2026年11月"], [], HEADER, GOOD)
    outcome = run(file(content))
    assert (outcome.read, outcome.inserted) == (1, 1)


def test_merged_header_cells_of_a_workbook_are_read_together(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["企业登记表"])
    sheet.merge_cells("A1:E1")
    sheet.append(["主体", None, "区县", "登记", None])
    sheet.append(["信用代码", "企业名称", None, "成立日期", "状态"])
    for cells in ("A2:B2", "C2:C3", "D2:E2"):
        sheet.merge_cells(cells)
    sheet.append(GOOD)
    book.save(tmp_path / "t.xlsx")
    stored = (tmp_path / "t.xlsx").rename(tmp_path / "0a1b2c")  # as contents are kept: by their digest
    assert run(stored).inserted == 1


def test_duplicate_columns_matter_only_when_they_are_used(file):
    header, cells = [*HEADER, "备注", "备注"], [*GOOD, "一", "二"]
    assert run(file(lines(header, cells))).inserted == 1
    twice = ENTERPRISES | {"fields": ENTERPRISES["fields"] | {"address": "备注"}}
    with pytest.raises(mapping.BadMapping, match="重复的列名：备注"):
        running.run(file(lines(header, cells)), twice)
    second = ENTERPRISES | {"fields": ENTERPRISES["fields"] | {"address": "备注 (2)"}}
    assert run(file(lines(header, cells)), second).updated == 1
    assert Enterprise.objects.get().address == "二"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, "9.13301E+17", "科学记数"),
        (0, "913301007882999000", "按数字存储"),
        (0, "5678901" + "0", "9 位"),
        (0, "330106000000012", "15 位工商注册号的校验码应为"),
        (0, "000000000", "全为 0"),
        (0, "#REF!", "公式错误"),
        (1, "#N/A", "公式错误"),
        (1, "同上", "不是企业名称"),
        (1, "/", "不是名称"),
        (1, "????", "不是名称"),
        (1, "=VLOOKUP(A1,B:C,2)", "没有算出结果"),
        (1, "乱\ufffd码厂", "丢失的字符"),
        (2, "330106.5", "不是区划代码"),
        (3, "0212/12/07", "不像是真实的年份"),
        (3, "2007-02-30", "不是日期"),
        (3, "#DIV/0!", "公式错误"),
    ],
)
def test_each_mess_is_answered_with_a_reason(file, column, value, words):
    bad = row(7)
    bad[column] = value
    outcome = run(file(lines(HEADER, GOOD, bad)))
    assert outcome.inserted == 1 and words in reasons(outcome)[3], reasons(outcome)


def test_a_lost_leading_zero_is_named_not_repaired(file):
    body = "05678901"
    whole = body + organization_code.check_character(body)
    outcome = run(file(lines(HEADER, [whole[1:], *GOOD[1:]])))
    assert whole in reasons(outcome)[2] and "丢掉了开头的 0" in reasons(outcome)[2]


def test_numbers_kept_as_text_and_dates_turned_into_numbers_are_read(file):
    cells = [f"'{GOOD[0]}", "  杭州　西湖厂 ", '="330106"', "38115", "在业"]
    assert run(file(lines(HEADER, cells))).inserted == 1
    found = Enterprise.objects.get()
    assert (found.uscc, found.name, found.place, found.founded_on) == (
        GOOD[0],
        "杭州 西湖厂",
        WESTLAKE,
        date(2004, 5, 8),
    )


def test_codes_of_other_kinds_in_the_code_column_go_where_they_belong(file):
    number = "33010600000001" + mod_11_10.calc_check_digit("33010600000001")
    outcome = run(file(lines(HEADER, [number, *GOOD[1:]], ["723456781", "老厂", *GOOD[2:]])))
    assert outcome.inserted == 2
    old = Enterprise.objects.get(name="老厂")
    assert (old.uscc, old.org_code) == ("", "723456781")
    held = Identifier.objects.get()
    assert (held.scheme, held.value, held.enterprise.name) == ("registration_number", number, GOOD[1])
    again = run(file(lines(HEADER, [number, *GOOD[1:]])))
    assert again.unchanged == 1


def test_a_division_code_is_judged_on_the_day_of_the_row(file):
    """江干区 330104 ended in 2021 and became 上城区; 临平区 330113 began then."""
    dated = ENTERPRISES | {"fields": ENTERPRISES["fields"] | {"source_on": "数据日期"}}
    header = [*HEADER, "数据日期"]
    rows = [
        [*row(1, place="330104"), "2015-06-01"],
        [*row(2, place="330104"), "2023-06-01"],
        [*row(3, place="330113"), "2015-06-01"],
        [*row(4, place="330113"), "2023-06-01"],
    ]
    outcome = run(file(lines(header, *rows)), dated)
    found = reasons(outcome)
    assert set(found) == {3, 4} and "时已不存在" in found[3] and "时尚不存在" in found[4]
    assert set(Enterprise.objects.values_list("place", flat=True)) == {330102_000000, 330113_000000}
    contradiction = run(file(lines(HEADER, row(5, place="330104", on="2023-06-01"))))
    assert "时已不存在" in reasons(contradiction)[2]


def test_an_older_statement_does_not_replace_a_newer_one(file):
    new = ENTERPRISES | {"source_on": "2026-10-01"}
    old = ENTERPRISES | {"source_on": "2020-01-01"}
    run(file(lines(HEADER, GOOD)), new)
    outcome = run(file(lines(HEADER, [GOOD[0], "旧名", *GOOD[2:]])), old)
    assert outcome.unchanged == 1 and Enterprise.objects.get().name == GOOD[1]


def test_an_enterprise_named_in_two_ways_counts_once(file):
    number = "33010600000001" + mod_11_10.calc_check_digit("33010600000001")
    both = {
        "kind": "enterprise",
        "fields": {"uscc": "代码", "registration_number": "注册号", "name": "名称", "place": "区"},
    }
    header = ["代码", "注册号", "名称", "区"]
    run(file(lines(header, [GOOD[0], number, "甲厂", "330106"])), both)
    outcome = run(file(lines(header, [GOOD[0], "", "甲厂", "330106"], ["", number, "甲厂", "330106"])), both)
    assert outcome.unchanged == 1 and "与第 2 行是同一家" in reasons(outcome)[3]


def test_without_a_mapping_columns_are_guessed_or_what_is_missing_is_said(file):
    header = ["统一社会信用代码", "单位名称", "住所"]
    assert run(file(lines(header, [credit_code(1), "甲厂", "某路"])), None).inserted == 1
    with pytest.raises(mapping.BadMapping, match=r"没有指定：.*文件中的列：甲、乙"):
        running.run(file("甲,乙\n1,2\n"), None)


def test_parquet_is_read_like_a_csv(tmp_path):
    frame = pl.DataFrame(
        {
            "信用代码": [GOOD[0]],
            "企业名称": [GOOD[1]],
            "区县": [330106.0],
            "成立日期": [date(2004, 5, 8)],
            "状态": [None],
        },
        schema_overrides={"状态": pl.String},
    )
    frame.write_parquet(tmp_path / "t.parquet")
    assert run(tmp_path / "t.parquet").inserted == 1
    assert Enterprise.objects.get().founded_on == date(2004, 5, 8)
    (tmp_path / "t.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(reading.Unreadable, match="打不开"):
        running.run(tmp_path / "t.parquet", ENTERPRISES)


def test_a_dry_run_tells_what_the_import_then_does(file):
    services.register_enterprise(name="在册", place=WESTLAKE, uscc=OTHER[0])
    path = file(lines(HEADER, GOOD, OTHER, GOOD, row(3, uscc="x")))
    told, done = run(path, dry_run=True), run(path)
    keys = ("read", "inserted", "updated", "unchanged", "refused")
    assert [getattr(told, k) for k in keys] == [getattr(done, k) for k in keys] == [4, 1, 1, 0, 2]


def test_blocks_and_slices_do_not_change_the_answer(file, monkeypatch):
    rows = [row(n) if n % 7 else [row(n)[0], f'"{n}" 厂\n二行', "330106", "", ""] for n in range(200)]
    rows[50], rows[120] = ["坏"], ["x", *row(1)[1:]]
    path = file(lines(HEADER, *rows))
    whole = run(path, dry_run=True)
    monkeypatch.setattr(text, "BLOCK", 700)
    pieces = run(path, dry_run=True)
    assert (whole.inserted, whole.refused) == (pieces.inserted, pieces.refused) == (198, 2)
    assert [(r.line, r.original) for r in whole.refusals] == [(r.line, r.original) for r in pieces.refusals]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(alphabet="0123456789ABCXYZ91i-　 .E+", max_size=20), max_size=12), st.integers(0, 10**6)
)
def test_columns_of_codes_are_judged_as_single_codes_are(values, seed):
    chance = random.Random(seed)
    for _ in range(4):
        good = credit_code(chance.randrange(10**7))
        values.append(good if chance.random() < 0.5 else good[:-1] + chance.choice("0123456789AQWX"))
    raw = {"kind": "enterprise", "fields": {"uscc": "a", "name": "b", "place": {"constant": "330106"}}}
    checker = Checker(mapping.build(raw, ["a", "b"]))
    frame, refusals = checker.check(of_rows([(n, [v, "名厂"]) for n, v in enumerate(values)], 2, []))
    accepted = dict(zip(frame["line"], frame["uscc"], strict=True))
    for number, value in enumerate(values):
        single = codes.check("uscc", value)
        if len(single.normalized) == 18:
            assert (number in accepted) == single.valid, value
            assert not single.valid or accepted[number] == single.normalized
    assert len(frame) + len(refusals) == len(values)


@given(st.text(alphabet="0123456789", min_size=14, max_size=14))
def test_the_check_digit_of_registration_numbers_is_that_of_the_standard(body):
    assert registration_check_digit(body) == mod_11_10.calc_check_digit(body)


def test_an_empty_register_is_filled_without_its_indexes_and_has_them_again(file, monkeypatch):
    def indexes():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexdef FROM pg_indexes WHERE tablename = 'registry_enterprise' ORDER BY 1"
            )
            return cursor.fetchall()

    monkeypatch.setattr(running, "LAY_DOWN_FROM", 1)
    before = indexes()
    assert run(file(lines(HEADER, *(row(n) for n in range(50))))).inserted == 50
    assert indexes() == before and len(before) > 5
    assert run(file(lines(HEADER, *(row(n) for n in range(51))))).inserted == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_the_answer_is_words(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(",".join(HEADER).encode() + b"\n" + content)
    try:
        outcome = running.run(path, ENTERPRISES, dry_run=True)
    except (reading.Unreadable, mapping.BadMapping):
        return
    assert outcome.accepted + outcome.refused == outcome.read


def test_a_header_is_the_row_with_most_known_names():
    rows = [(1, ["表", ""]), (3, ["名称", "代码"]), (4, ["甲", "乙"])]
    assert headers.find(rows, lambda names: len({"名称", "代码"} & set(names))).last_line == 3
