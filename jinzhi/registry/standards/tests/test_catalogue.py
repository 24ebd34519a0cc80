"""The catalogue: loading, a standard on a day, chains, checks of cited standards, pages and interface."""

import csv
import json
from pathlib import Path

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import loading, services
from jinzhi.registry.standards.commands import app
from jinzhi.registry.standards.models import Replacement, Standard

pytestmark = pytest.mark.django_db
ROOM = Path(__file__).parents[1]
CASES = yaml.safe_load((ROOM / "cases/standings.yaml").read_text(encoding="utf-8"))
COMMAND = CliRunner()


def table(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, names, restval="")
        lines.writeheader()
        lines.writerows(rows)
    return path


@pytest.fixture
def catalogue(tmp_path):
    result = loading.load(table(tmp_path / "standards.csv", CASES["catalogue"]))
    assert (result.refused, result.inserted) == (0, len(CASES["catalogue"])), result.refusals


@pytest.mark.parametrize("ask", CASES["ask"], ids=lambda a: f"{a['number']} {a['day']}")
def test_a_standard_on_a_day(catalogue, ask):
    found = services.find(ask["number"], ask["day"])
    assert (found.standard.number, found.state) == (ask["is"], ask["state"])
    assert ask.get("says", "") in found.message


@pytest.mark.parametrize(("number", "ends"), CASES["chains"].items())
def test_a_chain_ends_at_what_is_current_and_a_fork_gives_both(catalogue, number, ends):
    assert services.chain(number)[1] == ends


@pytest.mark.parametrize("case", CASES["checks"], ids=lambda c: f"{c['number']} {c['day']}")
def test_cited_standards_are_checked(catalogue, case):
    found = services.check_list([case["number"]], case["day"], by_standard=case.get("by_standard", False))
    assert found[0].code == case["code"], found[0].message


def test_a_text_that_cites_a_replaced_standard_is_told_so(catalogue):
    told = services.remarks("本许可证执行GB90001—2000和 GB 90001-2008", today())
    assert [c.message for c in told] == ["GB 90001-2000 已于 2009-03-01 被 GB 90001-2008 代替"]


def test_loading_again_changes_nothing_and_a_change_is_an_update(catalogue, tmp_path):
    path = table(tmp_path / "standards.csv", CASES["catalogue"])
    again = loading.load(path)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, len(CASES["catalogue"]))
    row = {**CASES["catalogue"][1], "title": "甲的新名称", "replaces": ""}
    changed = loading.load(table(tmp_path / "one.csv", [row]))
    assert (changed.inserted, changed.updated) == (0, 1)
    assert not Replacement.objects.filter(newer="GB 90001-2008").exists()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"number": "GB 1", "title": "无年"}, "没有年份"),
        ({"number": "GB 1-2000", "title": ""}, "没有名称"),
        ({"number": "香蕉", "title": "x"}, "不是标准号"),
        ({"number": "GB 1-2000", "title": "x", "issued_on": "2001-02-30"}, "不是日期"),
        ({"number": "GB 1-2000", "title": "x", "issued_on": "0212/12/07"}, "不是日期"),
        (
            {"number": "GB 1-2000", "title": "x", "issued_on": "2001-02-03", "effective_on": "2001-02-02"},
            "早于发布",
        ),
        (
            {"number": "GB 1-2000", "title": "x", "effective_on": "2001-02-03", "abolished_on": "2001-02-02"},
            "废止日期早于",
        ),
        ({"number": "GB 1-2000", "title": "x", "ics": "67040"}, "是否为 67.040"),
        ({"number": "GB 1-2000", "title": "x", "ccs": "I08"}, "中标分类"),
        ({"number": "GB 1-2000", "title": "x", "adopts": "ISO 9001:2015"}, "采用程度"),
        ({"number": "GB 1-2000", "title": "x", "replaces": "GB 1-2000"}, "代替自己"),
        ({"number": "GB 1-2000", "title": "x", "text_url": "javascript:alert(1)"}, "文本地址"),
        ({"number": "GB 1-2000", "title": "x" * 201}, "超过"),
        ({"number": "GB 90001-2000", "title": "x", "replaces": "GB 90001-2008"}, "成环"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason_and_the_others_are_taken(catalogue, tmp_path, row, reason):
    good = {"number": "GB 2-2000", "title": "好"}
    result = loading.load(table(tmp_path / "x.csv", [row, good]))
    assert (result.read, result.refused, result.inserted) == (2, 1, 1)
    assert reason in result.refusals[0].reason and result.refusals[0].line == 2


def test_a_circle_inside_one_file_and_doubled_numbers_are_refused(tmp_path):
    rows = [
        {"number": "GB 1-2000", "title": "a", "replaces": "GB 3-2000"},
        {"number": "GB 2-2000", "title": "b", "replaces": "GB 1-2000"},
        {"number": "GB 3-2000", "title": "c", "replaces": "GB 2-2000"},
        {"number": "GB1-2000", "title": "d"},
    ]
    result = loading.load(table(tmp_path / "x.csv", rows))
    assert (result.accepted, result.refused) == (2, 2)
    assert {"成环" in r.reason or "同一个" in r.reason for r in result.refusals} == {True}
    services.chain("GB 1-2000")


def test_a_circle_in_the_tables_is_an_error_of_data_not_an_endless_walk():
    for newer, older in (("GB 1-2001", "GB 1-2000"), ("GB 1-2000", "GB 1-2001")):
        Standard.objects.create(
            number=newer, family="GB 1", bare="GB 1", kind="national", year=2001, title="x"
        )
        Replacement.objects.create(newer=newer, older=older, extent="full")
    with pytest.raises(services.Cycle, match="成环"):
        services.chain("GB 1-2000")


def test_a_workbook_with_chinese_headings(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["标准编号", "中文名称", "实施日期", "备注"],
        ["GB/T 5-2001", "甲", "2001/6/1", None],
        [None] * 4,
    ):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    assert loading.load(tmp_path / "x.xlsx").inserted == 1
    assert str(Standard.objects.get().effective_on) == "2001-06-01"


def test_the_command_answers_in_json_and_refuses_what_is_no_table(tmp_path):
    path = table(tmp_path / "x.csv", [{"number": "GB 1-2000", "title": "a"}, {"number": "", "title": "b"}])
    errors = tmp_path / "errors.csv"
    found = COMMAND.invoke(app, ["load", str(path), "--errors", str(errors), "--json"])
    answer = json.loads(found.stdout)
    assert (answer["read"], answer["accepted"], answer["refused"], answer["inserted"]) == (2, 1, 1, 1)
    assert "没有填写" in errors.read_text(encoding="utf-8-sig")
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    found = COMMAND.invoke(app, ["load", str(path), "--json"])
    assert found.exit_code == 2 and "缺少列" in json.loads(found.stdout)["error"]
    assert COMMAND.invoke(app, ["load", str(tmp_path / "none.csv")]).exit_code == 2
    assert COMMAND.invoke(app, ["show", "GB1-2000"]).exit_code == 0
    assert COMMAND.invoke(app, ["check", "GB 1-2000", "--on", "x"]).exit_code == 2


def test_the_demonstration_is_sound_and_marked():
    result = loading.load(ROOM / "demonstration.csv", demo=True)
    assert result.refused == 0 and not Standard.objects.filter(is_demo=False).exists()
    told = services.remarks("标签执行 GB 7718-2004", today())
    assert told[0].message == "GB 7718-2004 已于 2012-04-20 被 GB 7718-2011 代替"


def test_the_interface(catalogue, client):
    found = client.get("/api/v1/standards/GB 90001", {"on": "2009-02-28"}).json()
    assert (found["number"], found["in_force"], found["valid_to"]) == ("GB 90001-2000", True, "2009-03-01")
    assert found["current"] == ["GB 90001-2008"] and found["replaced_by"][0]["extent"] == "full"
    assert client.get("/api/v1/standards/GB%2FT%2090006-1996").json()["state"] == "in_force"
    assert client.get("/api/v1/standards/GB/T 90006-1996").status_code == 200
    assert client.get("/api/v1/standards/GB 5-2000").status_code == 404
    assert client.get("/api/v1/standards/bananas").status_code == 422
    assert client.get("/api/v1/standards/GB 90001", {"on": "gestern"}).status_code == 422
    listed = client.get("/api/v1/standards", {"q": "GB9000", "limit": 2}).json()
    assert len(listed["results"]) == 2 and listed["next"]
    following = client.get("/api/v1/standards", {"q": "GB9000", "limit": 2, "after": listed["next"]}).json()
    assert following["results"][0]["number"] > listed["next"]
    body = {"numbers": ["GB 90001-2000", "x"], "on": "2010-01-01"}
    answer = client.post("/api/v1/standards/check", body, content_type="application/json").json()
    assert [r["code"] for r in answer["results"]] == ["STD-01", "BAD"]


def test_the_pages_open(catalogue, client):
    for address in (
        "/standards/", "/standards/?q=GB 9000", "/standards/?q=庚", "/standards/?q=nichts&kind=x&on=y", "/standards/?q=%25_",
        "/standards/GB 90001-2000/", "/standards/GB/T 90006-1996/?on=2010-01-01", "/standards/GB 90007-2001/",
        "/standards/check/", "/standards/check/?numbers=GB 90001-2000%0Ax&on=2010-01-01&by_standard=on",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "style=" not in answer.content.decode()
    assert client.get("/standards/?q=gb90001-2000").status_code == 302
    for address in ("/standards/nothing/", "/standards/GB 1-1999/"):
        assert client.get(address).status_code == 404


def test_an_archive_tells_of_a_cited_standard_that_is_no_longer_in_force(catalogue):
    from django.template import engines

    from jinzhi.registry.sections import Row

    text = "{% load jinzhi_standards %}{% standard_remarks row on %}"
    row = Row(title="执行标准", facts=[("标准", "GB 90001—2000")])
    told = engines["django"].from_string(text).render({"row": row, "on": None})
    assert "GB 90001-2000 已于 2009-03-01 被 GB 90001-2008 代替" in told
    assert engines["django"].from_string(text).render({"row": "电话 88123456", "on": None}).strip() == ""
