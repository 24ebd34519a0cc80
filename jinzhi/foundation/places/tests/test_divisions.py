"""The pack's table of divisions against the published revisions, and the questions asked of it."""

import csv
import gzip
import itertools
import json
from datetime import date

import pytest
from django.conf import settings
from typer.testing import CliRunner

from jinzhi.foundation.places import bootstrap, commands, services
from jinzhi.foundation.places.models import Division

REVISIONS = settings.BASE_DIR.parent / "shared/data/admin_divisions/gb2260_revisions.csv.gz"
CODES_2023 = settings.BASE_DIR.parent / "shared/data/admin_divisions/nbs2023_areas.csv.gz"
NO_DIVISIONS = {"330371"}  # a development zone one revision lists
MISPRINTS = {("198712", "339007"), ("198712", "339008")}  # 安徽省, 合肥市

reference = pytest.mark.skipif(not REVISIONS.exists(), reason="区划修订表不在本机")
pytestmark = pytest.mark.django_db


def in_table(rows, day):
    return {
        d.code: d.name
        for d in rows
        if (d.valid_from is None or d.valid_from <= day) and (d.valid_to is None or d.valid_to > day)
    }


@pytest.mark.reference
@reference
def test_every_revision_since_1980_is_what_the_table_says_for_its_month():
    table = bootstrap.rows(settings.PROVINCE_DIR / "divisions.csv")
    revisions: dict[str, dict[str, str]] = {}
    with gzip.open(REVISIONS, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            own = row["code"].startswith("33") and row["code"] not in NO_DIVISIONS
            if own and row["name"] != "市辖区" and (row["revision"], row["code"]) not in MISPRINTS:
                revisions.setdefault(row["revision"], {})[row["code"]] = row["name"]
    assert len(revisions) == 82
    for revision, codes in revisions.items():
        assert in_table(table, date(int(revision[:4]), int(revision[4:]), 28)) == codes, revision


@pytest.mark.reference
@reference
def test_the_counties_in_force_are_those_of_2023():
    with gzip.open(CODES_2023, "rt", encoding="utf-8") as lines:
        published = {r["code"]: r["name"] for r in csv.DictReader(lines) if r["code"].startswith("33")}
    table = in_table(bootstrap.rows(settings.PROVINCE_DIR / "divisions.csv"), date(2023, 7, 1))
    assert {c: n for c, n in table.items() if not c.endswith("00")} == published


def test_eleven_cities_and_ninety_counties_are_in_force():
    today = services.inside(330000_000000)
    levels = [d.level for d in today]
    assert (levels.count("province"), levels.count("city"), levels.count("county")) == (1, 11, 90)


def test_all_provinces_of_the_country_are_known():
    assert Division.objects.filter(level="province").count() == 34
    assert services.division("440000").name == "广东省"


def test_periods_of_one_code_never_overlap():
    rows = bootstrap.rows(settings.PROVINCE_DIR / "divisions.csv")
    by_code: dict[str, list[Division]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    for periods in by_code.values():
        periods.sort(key=lambda d: d.valid_from or date.min)
        for earlier, later in itertools.pairwise(periods):
            assert earlier.valid_to and earlier.valid_to <= later.valid_from, earlier.code


def test_successors_and_parents_are_in_the_table():
    rows = bootstrap.rows(settings.PROVINCE_DIR / "divisions.csv")
    codes = {d.code for d in rows}
    assert {d.successor for d in rows} - codes == {""}
    assert {d.parent for d in rows} - codes == {""}


@pytest.mark.parametrize(
    ("code", "today"),
    [
        ("330183", "330111"),  # 富阳市 → 富阳区
        ("330185", "330112"),  # 临安市 → 临安区
        ("330104", "330102"),  # 江干区 → 上城区
        ("330103", "330105"),  # 下城区 → 拱墅区
        ("330204", "330212"),  # 江东区 → 鄞州区
        ("330283", "330213"),
        ("330322", "330305"),
        ("330621", "330603"),  # 绍兴县 → 柯桥区
        ("330682", "330604"),
        ("331021", "331083"),
        ("332627", "331083"),  # 台州地区玉环县 → 玉环县 → 玉环市
        ("330121", "330109"),  # 萧山县 → 339005 → 330181 → 萧山区
        ("330106", "330106"),
        ("330721", "330700"),  # 金华县 was divided: its city answers
        ("332800", "330300"),
    ],
)
def test_an_abolished_code_leads_to_the_division_that_answers_today(code, today):
    assert services.current_successor(code).code == today


def test_every_code_ever_used_leads_somewhere_today():
    for code in Division.objects.filter(code__startswith="33").values_list("code", flat=True).distinct():
        assert services.current_successor(code) is not None, code
    assert services.current_successor("339999") is None


def test_a_code_means_what_it_meant_on_the_day():
    assert services.division("330402", date(2006, 1, 1)).name == "秀城区"
    assert services.division("330402").name == "南湖区"
    assert services.division("330104", date(2021, 3, 31)).name == "江干区"
    assert services.division("330104", date(2021, 4, 1)) is None
    assert services.division("332430", date(1982, 12, 31)) is None  # 金华县 gone, 龙游县 not yet there
    assert services.division("332430", date(1984, 1, 1)).name == "龙游县"


def test_children_are_those_of_the_day():
    names = {d.name for d in services.children(330100_000000)}
    assert len(names) == 13 and "钱塘区" in names and "江干区" not in names
    assert "江干区" in {d.name for d in services.children(330100_000000, date(2020, 1, 1))}
    assert len(services.children(330000_000000)) == 11


def test_names_are_read_from_the_province_down():
    assert services.name_path(330106_000000) == "浙江省 / 杭州市 / 西湖区"
    assert services.name_path(330106_001000) == "浙江省 / 杭州市 / 西湖区"
    assert services.name_path(330000_000000) == "浙江省"
    assert services.name_path(330104_000000) == "浙江省 / 杭州市 / 江干区"
    assert services.name_path(330402_000000, date(2006, 1, 1)) == "浙江省 / 嘉兴市 / 秀城区"
    assert services.name_path(services.ELSEWHERE) == "省外或境外"
    assert services.name_path(777777_000000) == "777777"


def test_codes_of_any_usual_length_become_places():
    assert services.place_of("33") == services.place_of(330000) == 330000_000000
    assert services.place_of("３３０１０６") == 330106_000000
    assert services.place_of("330106001") == 330106_001000
    for bad in ("", "3301061", "33010六", "33 0106", "-30106"):
        with pytest.raises(services.UnknownPlace):
            services.place_of(bad)


def test_loading_again_changes_nothing_and_repairs_what_was_altered():
    before = set(Division.objects.values_list("pk", "code", "name", "valid_from", "valid_to", "successor"))
    bootstrap.bootstrap()
    columns = ("pk", "code", "name", "valid_from", "valid_to", "successor")
    assert set(Division.objects.values_list(*columns)) == before
    Division.objects.filter(code="330106").update(name="东湖区")
    Division.objects.create(code="330199", name="并无此区", level="county", parent="330100")
    bootstrap.bootstrap()
    assert set(Division.objects.values_list(*columns)) == before


def test_the_command_shows_a_code_with_its_history():
    answer = CliRunner().invoke(commands.app, ["show", "330104", "--json"])
    shown = json.loads(answer.stdout)
    assert shown["today"]["code"] == "330102" and shown["path"].endswith("江干区")
    listed = json.loads(CliRunner().invoke(commands.app, ["list", "330100", "--json"]).stdout)
    assert len(listed) == 14
    assert CliRunner().invoke(commands.app, ["show", "杭州"]).exit_code == 2
    assert CliRunner().invoke(commands.app, ["show", "339999"]).exit_code == 1
