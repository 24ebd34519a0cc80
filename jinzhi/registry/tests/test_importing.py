"""Imports: every row accepted or answered, any layout, twice the same as once, killed half-way as never."""

import csv
import gzip
import io
import json
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from typer.testing import CliRunner

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, commands, services
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing import reading, running, statements
from jinzhi.registry.models import Certificate, Enterprise, Identifier, ImportBatch, ImportRow
from jinzhi.registry.searching import finding

from .conftest import WESTLAKE

pytestmark = pytest.mark.django_db

CHICAGO = settings.BASE_DIR.parent / "shared/data/inspections_chicago_food/licences.csv.gz"
CHICAGO_MAP = settings.BASE_DIR / "docs/examples/chicago_licences.map.yaml"

ENTERPRISES = {
    "kind": "enterprise",
    "source": "登记机关",
    "fields": {"name": "企业名称", "uscc": "信用代码", "place": "区县", "founded_on": "成立日期", "enterprise_status": "状态"},
}  # fmt: skip
HEADER = ["信用代码", "企业名称", "区县", "成立日期", "状态"]
GOOD = ["91330100723456781Y", "杭州西湖龙井食品有限公司", "330106", "2004-05-08", "存续"]
LICENCES = {
    "kind": "certificate",
    "source": "旧许可系统",
    "fields": {
        "number": "证号", "kind": {"constant": "food_production"}, "name": "持证人", "uscc": "代码",
        "place": {"from": "uscc"}, "valid_from": "起", "valid_to": "止", "status": "状态", "category": "类别",
    },
}  # fmt: skip
LICENCE_HEADER = ["证号", "持证人", "代码", "起", "止", "状态", "类别"]
LICENCE = ["SC11333019700024", "杭州甲公司", "91330106MA2A2X1B7Y", "2020-01-01", "2024-12-31", "有效", "茶叶"]


def write(path: Path, header, rows, encoding="utf-8", delimiter=",") -> Path:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([header, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.fixture
def table(tmp_path):
    return lambda rows, header=HEADER, **more: write(tmp_path / "table.csv", header, rows, **more)


def reasons(outcome) -> dict[int, str]:
    return {r.line: "；".join(p["reason"] for p in r.problems) for r in outcome.refusals}


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [
        ("utf-8", ","),
        ("utf-8-sig", ","),
        ("gb18030", ","),
        ("utf-16", "\t"),
        ("utf-8", ";"),
        ("gb18030", "\t"),
    ],
)
def test_encodings_and_separators_are_found_out(table, encoding, delimiter):
    outcome = running.run(table([GOOD], encoding=encoding, delimiter=delimiter), ENTERPRISES)
    assert (outcome.read, outcome.inserted, outcome.refused) == (1, 1, 0)
    found = Enterprise.objects.get()
    assert (found.name, found.place, found.founded_on) == (
        "杭州西湖龙井食品有限公司",
        WESTLAKE,
        date(2004, 5, 8),
    )
    assert found.org_code == "723456781" and found.source == "登记机关"
    assert not found.identifiers.exists()  # the row itself holds its two codes


def test_a_packed_file_and_a_workbook_are_read_like_a_csv(tmp_path):
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "t.csv", HEADER, [GOOD]).read_bytes()))
    assert running.run(packed, ENTERPRISES).inserted == 1
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append([*GOOD[:3], date(2004, 5, 8), "存续"])
    book.active.append(["=1+1", None, None, None, None])
    book.active.append([None] * 5)
    book.save(tmp_path / "t.xlsx")
    outcome = running.run(tmp_path / "t.xlsx", ENTERPRISES)
    assert (outcome.read, outcome.unchanged, outcome.refused) == (2, 1, 1)
    assert "没有算出结果的公式" in reasons(outcome)[3]


def test_columns_may_stand_in_any_order_under_names_in_any_writing(tmp_path):
    header = [" 状态", "企业 名称", "备注", "成立日期", "信用代码", "区县"]
    path = write(tmp_path / "t.csv", header, [["存续", GOOD[1], "x", GOOD[3], GOOD[0], GOOD[2]]])
    assert running.run(path, ENTERPRISES).inserted == 1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (0, "91330100723456781A", "应为"),
        (0, "", "没有任何代码"),
        (1, "", "缺少企业名称"),
        (1, "名" * 201, "超过 200 字"),
        (2, "", "缺少地区"),
        (2, "999999", "不在区划表"),
        (2, "没有这个区", "不是区划代码"),
        (3, "2004-13-45", "不是日期"),
        (3, "昨天", "不是日期"),
        (3, "0212-12-07", "不像是真实的年份"),
        (3, "2999-01-01", "不像是真实的年份"),
        (3, "2099-01-01", "不能晚于今天"),
        (4, "营业中", "不认识“营业中”"),
    ],
)
def test_each_bad_value_is_answered_with_line_column_value_and_reason(table, column, value, words):
    bad = [*GOOD]
    bad[column] = value
    outcome = running.run(table([GOOD, ["", "", "", "", ""], bad]), ENTERPRISES)
    assert (outcome.read, outcome.inserted, outcome.refused) == (2, 1, 1)
    (refusal,) = outcome.refusals
    assert refusal.line == 4 and refusal.original == bad
    (problem,) = refusal.problems
    assert (
        problem["column"] == HEADER[column] and problem["value"] == value[:200] and words in problem["reason"]
    )
    row = ImportRow.objects.get()
    assert (row.line, row.original, row.problems) == (4, bad, [problem])


def test_all_problems_of_a_row_are_told_at_once(table):
    outcome = running.run(table([["91330100723456781A", "", "没有", "昨天", "?"]]), ENTERPRISES)
    assert {p["column"] for p in outcome.refusals[0].problems} == set(HEADER)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("330106", WESTLAKE), ("330106000000", WESTLAKE), ("西湖区", WESTLAKE), ("浙江省杭州市西湖区", WESTLAKE),
        ("330104", 330102_000000), ("富阳市", None), ("330183", 330111_000000), ("３３０１０６", WESTLAKE),
        ("江苏省", 320000_000000),
    ],
)  # fmt: skip
def test_places_are_told_by_codes_of_any_year_or_by_names(table, given, place):
    outcome = running.run(table([[*GOOD[:2], given, *GOOD[3:]]]), ENTERPRISES)
    assert list(Enterprise.objects.values_list("place", flat=True)) == ([place] if place else [])
    assert outcome.refused == (0 if place else 1)


def test_a_row_with_too_many_or_too_few_cells_is_refused_alone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "\n".join([",".join(HEADER), ",".join(GOOD), "a,b", ",".join([*GOOD, "x"])]), encoding="utf-8"
    )
    outcome = running.run(path, ENTERPRISES)
    assert outcome.inserted == 1 and reasons(outcome) == {
        3: "本行有 2 格，表头有 5 列，请检查逗号和引号",
        4: "本行有 6 格，表头有 5 列，请检查逗号和引号",
    }


def test_lines_are_those_of_the_file_even_after_cells_with_line_breaks(table):
    outcome = running.run(table([[GOOD[0], "两\n行\n名称", *GOOD[2:]], ["x", *GOOD[1:]]]), ENTERPRISES)
    assert [r.line for r in outcome.refusals] == [5]
    assert Enterprise.objects.get().name == "两 行 名称"


def test_a_second_row_of_the_same_enterprise_is_refused_with_the_first_line(table):
    outcome = running.run(table([GOOD, [GOOD[0].lower(), "别名", *GOOD[2:]]]), ENTERPRISES)
    assert reasons(outcome) == {3: "与第 2 行重复"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空文件"),
        (b"\n\n", "没有列名"),
        (b"a,a\n1,2\n", "重复的列名"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 50, "旧版"),
        (b"PK\x03\x04 broken", "打不开"),
        (b"\x1f\x8b broken", "损坏"),
        (b"\x89PNG\r\n\x1a\n\0\0", "不是"),
    ],
)
def test_a_file_that_is_no_table_is_said_so(tmp_path, content, words):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises((reading.Unreadable, mappings.BadMapping), match=words):
        running.run(path, {"kind": "enterprise", "fields": {"name": "a", "place": "b"}})
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "cats"}, "kind 应为"),
        ({"fields": {"name": "企业名称"}}, "没有指定：地区"),
        ({"fields": {"name": "没有的列", "place": "区县"}}, "没有的列"),
        ({"fields": {"nome": "企业名称"}}, "没有这样的字段：nome"),
        ({"fields": {"name": {"colum": "x"}, "place": "区县"}}, "写法有误"),
        ({"fields": []}, "没有指定"),
        ({"fields": ["name"]}, "fields"),
        ({"filds": {}}, "不认识的项：filds"),
        ({"newest_by": "valid_from"}, "newest_by"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_before_anything_is_written(table, change, words):
    with pytest.raises(mappings.BadMapping, match=words):
        running.run(table([GOOD]), ENTERPRISES | change)


def test_mappings_are_yaml_or_said_to_be_none():
    for text in ("a: [", "- x", "", "!!python/object:os.system {}"):
        with pytest.raises(mappings.BadMapping):
            mappings.read_yaml(text)


def test_columns_are_guessed_by_their_names():
    guess = mappings.guess(["序号", "单位名称", "统一社会信用代码", "住所", "法人代表"], "enterprise")
    assert guess == {
        "name": "单位名称", "uscc": "统一社会信用代码", "address": "住所", "legal_representative": "法人代表",
    }  # fmt: skip


def snapshot():
    return {
        model: sorted(map(str, model.objects.values_list("pk", "version")))
        for model in (Enterprise, Identifier, Certificate)
    }


def test_importing_twice_changes_nothing(table):
    rows = [GOOD, ["913301007882999916", "杭州丙有限公司", "西湖区", "", "注销"]]
    assert running.run(table(rows), ENTERPRISES).inserted == 2
    before = snapshot()
    again = running.run(table(rows), ENTERPRISES)
    assert (again.unchanged, again.inserted, again.updated) == (2, 0, 0) and snapshot() == before
    third = running.run(table([[*GOOD[:4], "注销"], rows[1]]), ENTERPRISES)
    assert (third.updated, third.unchanged) == (1, 1)
    assert Enterprise.objects.get(uscc=GOOD[0]).version == 2


def test_a_dry_run_answers_and_writes_nothing(table):
    trail = AuditEntry.objects.count()
    outcome = running.run(table([GOOD, ["x", *GOOD[1:]]]), ENTERPRISES, dry_run=True)
    assert (outcome.inserted, outcome.refused, outcome.batch) == (1, 1, None)
    assert not Enterprise.objects.exists() and not ImportBatch.objects.exists()
    assert AuditEntry.objects.count() == trail


def test_an_import_that_dies_half_way_leaves_nothing(table, monkeypatch):
    monkeypatch.setattr(statements, "update_enterprises", lambda *_, **__: ["SELECT 1/0"])
    services.register_enterprise(name="在册", place=WESTLAKE, uscc="913301007882999916")
    with pytest.raises(Exception, match="zero"):
        running.run(table([GOOD]), ENTERPRISES)
    assert Enterprise.objects.get().name == "在册"


def test_formulas_are_refused_and_leave_as_text(table):
    from jinzhi.web import export

    outcome = running.run(
        table(
            [[GOOD[0], "=HYPERLINK(1)", *GOOD[2:]], ["=1+1", "@x", *GOOD[2:]], [GOOD[0], "@甲", *GOOD[2:]]]
        ),
        ENTERPRISES,
    )
    assert Enterprise.objects.get().name == "@甲"
    assert "没有算出结果的公式" in reasons(outcome)[2] and "没有算出结果的公式" in reasons(outcome)[3]
    lines = "".join(export.lines(*running.refused_rows(outcome.columns, outcome.refusals)))
    assert "'=1+1" in lines and "'=HYPERLINK" in lines and "'@x" in lines
    assert lines.splitlines()[0].endswith("行号,问题," + ",".join(HEADER))


def test_refused_rows_come_back_with_their_columns_to_be_corrected(table, tmp_path):
    outcome = running.run(table([["x", *GOOD[1:]]]), ENTERPRISES)
    header, rows = running.refused_rows(outcome.columns, outcome.refusals)
    corrected = [
        [cell if column != "信用代码" else GOOD[0] for column, cell in zip(header, row, strict=True)]
        for row in rows
    ]
    assert running.run(write(tmp_path / "again.csv", header, corrected), ENTERPRISES).inserted == 1


def test_an_enterprise_known_by_its_organisation_code_receives_its_credit_code(table):
    old = services.register_enterprise(name="旧名", place=WESTLAKE, org_code="723456781")
    assert running.run(table([GOOD]), ENTERPRISES).updated == 1
    old.refresh_from_db()
    assert old.uscc == GOOD[0] and old.name == GOOD[1]


def test_two_credit_codes_with_one_organisation_code_are_not_merged(table):
    Enterprise.objects.create(name="甲", place=WESTLAKE, uscc="12330100723456781X", org_code="723456781")
    outcome = running.run(table([GOOD]), ENTERPRISES)
    assert "组织机构代码 723456781 已属于“甲”" in reasons(outcome)[2]


def test_officials_import_into_their_own_place_only(table):
    with scope.acting(scope.staff(330113_000000)):
        outcome = running.run(table([GOOD, ["913301007882999916", "临平丙", "临平区", "", ""]]), ENTERPRISES)
    assert "不在您的管辖范围内" in reasons(outcome)[2] and outcome.inserted == 1
    services.register_enterprise(name="西湖甲", place=WESTLAKE, uscc="91330100732000014Q")
    with scope.acting(scope.staff(330113_000000)):
        outcome = running.run(table([["91330100732000014Q", "冒名", "临平区", "", ""]]), ENTERPRISES)
    assert reasons(outcome) == {2: "该代码已在其他地区登记"}
    assert Enterprise.objects.get(uscc="91330100732000014Q").name == "西湖甲"


@pytest.fixture
def licences(table):
    return lambda *rows: table(rows, header=LICENCE_HEADER)


@pytest.fixture
def codes_pass(monkeypatch):
    """Credit codes made up for these tests pass; numbers are still checked."""
    monkeypatch.setattr(services, "code_problems", lambda *_, **__: {})


def test_certificates_come_with_holder_and_scope(licences, codes_pass):
    assert running.run(licences(LICENCE), LICENCES).inserted == 1
    found = services.certificate("SC11333019700024", on=date(2023, 1, 1))
    assert (
        found["certificate"]["status"] == "valid" and found["certificate"]["items"][0]["category"] == "茶叶"
    )
    assert found["holder"]["uscc"] == "91330106MA2A2X1B7Y" and found["holder"]["place_name"].endswith(
        "西湖区"
    )


def test_certificates_are_updated_and_their_problems_answered(licences, codes_pass):
    running.run(licences(LICENCE), LICENCES)
    changed = [*LICENCE[:5], "吊销", "茶叶"]
    outcome = running.run(licences(changed), LICENCES)
    assert outcome.updated == 1 and Certificate.objects.get().status == "punished"
    outcome = running.run(licences([*LICENCE[:5], "吊销", "糕点"]), LICENCES)
    assert outcome.updated == 1 and Certificate.objects.get().items.get().category == "糕点"
    outcome = running.run(
        licences(
            ["SC11333019700025", *LICENCE[1:]],
            [LICENCE[0], "别家", "91330106MA2A00000X", *LICENCE[3:]],
            [LICENCE[0], *LICENCE[1:3], "2024-01-01", "2020-01-01", *LICENCE[5:]],
        ),
        LICENCES,
    )
    found = reasons(outcome)
    assert "应为" in found[2] and "已登记在“杭州甲公司”名下" in found[3] and "早于有效期起" in found[4]
    assert Enterprise.objects.count() == 1  # the holder of the refused row was not entered


def test_certificates_of_our_own_making_are_not_changed_by_imports(licences, codes_pass):
    holder = services.register_enterprise(name="杭州甲公司", place=WESTLAKE, uscc=LICENCE[2])
    certificates.issue(number=LICENCE[0], kind="food_production", holder=holder, case_number="办件1")
    assert "由本系统办理" in reasons(running.run(licences([*LICENCE[:5], "注销", "茶叶"]), LICENCES))[2]
    assert Certificate.objects.get().status == "valid"


def test_a_licence_register_only_fills_what_the_registration_left_empty(licences, codes_pass):
    services.register_enterprise(name="登记机关的名称", place=WESTLAKE, uscc=LICENCE[2], source="登记机关")
    running.run(licences(LICENCE), LICENCES | {"fields": LICENCES["fields"] | {"address": "类别"}})
    found = Enterprise.objects.get()
    assert (found.name, found.address, found.source) == ("登记机关的名称", "茶叶", "登记机关")


def test_the_command_speaks_json_and_leaves_a_batch(table, tmp_path):
    path = table([GOOD, ["x", *GOOD[1:]]])
    map_ = tmp_path / "map.yaml"
    map_.write_text(json.dumps(ENTERPRISES, ensure_ascii=False), encoding="utf-8")
    errors = tmp_path / "errors.csv"
    answer = CliRunner().invoke(
        commands.app, ["import", str(path), "--map", str(map_), "--json", "--errors", str(errors)]
    )
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told == {
        "batch": told["batch"], "read": 2, "accepted": 1, "refused": 1, "inserted": 1, "updated": 0,
        "unchanged": 0, "errors_file": str(errors),
    }  # fmt: skip
    assert errors.read_text(encoding="utf-8-sig").startswith("行号,问题,")
    batch = ImportBatch.objects.get(pk=told["batch"])
    assert (batch.total, batch.refused, batch.state) == (2, 1, "done")
    assert AuditEntry.objects.filter(kind="registry.imported", subject=f"import:{batch.pk}").exists()
    map_.write_text("kind: x", encoding="utf-8")
    answer = CliRunner().invoke(commands.app, ["import", str(path), "--map", str(map_), "--json"])
    assert answer.exit_code == 2 and "kind" in json.loads(answer.stdout)["error"]


@pytest.mark.reference
@pytest.mark.skipif(not CHICAGO.exists(), reason="芝加哥许可登记不在本机")
def test_the_real_licence_register_is_entered_and_its_holders_are_found(client):
    raw = mappings.read_yaml(CHICAGO_MAP.read_text(encoding="utf-8"))
    outcome = running.run(CHICAGO, raw)
    assert outcome.read == 12_124 == outcome.accepted + outcome.refused
    assert outcome.refused == 0
    assert Certificate.objects.count() == outcome.inserted == 12_124
    assert Enterprise.objects.count() == 7_923  # licence numbers
    assert {h.name for h in finding.search("korona lounge").hits} == {"KORONA LOUNGE INC"}
    for number in ("1475890-20110416", "1475890"):
        answer = client.get(f"/verify/{number}")
        assert answer.status_code == 200 and "PANERA BREAD" in answer.content.decode()
    assert client.get("/api/v1/certificates/1475890").json()["status"] == "expired"
    before = snapshot()
    again = running.run(CHICAGO, raw)
    assert again.unchanged == 12_124 and snapshot() == before
