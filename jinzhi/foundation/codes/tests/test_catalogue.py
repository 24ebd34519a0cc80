"""Code sets in versions: look-ups with a day, differences, maps, and what is refused (services.md G.1, G.3, G.8)."""

import json
from datetime import date, timedelta

import pytest
from django.conf import settings
from typer.testing import CliRunner

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import catalogue, drift, publishing, tabular
from jinzhi.foundation.codes.commands import app
from jinzhi.foundation.codes.models import CodeVersion
from jinzhi.foundation.codes.publishing import About, Refused

pytestmark = pytest.mark.django_db
COMMAND = CliRunner()
SHARED = settings.BASE_DIR.parent / "shared" / "data"
OLD = [("A", "农业", ""), ("A01", "种植", "A"), ("A02", "林业", "A"), ("A03", "渔业", "A")]
NEW = [
    ("A", "农、林、牧、渔业", ""),
    ("A011", "谷物", "A"),
    ("A012", "蔬菜", "A"),
    ("A02", "林业", "A"),
    ("A04", "水产", "A"),
]


def rows(items):
    return [{"code": c, "name": n, "parent": p} for c, n, p in items]


@pytest.fixture
def industry():
    publishing.publish("trial", "试用行业", "GB/T 0", About("2011", date(2011, 11, 1)), rows(OLD))
    publishing.publish("trial", "试用行业", "GB/T 0", About("2017", date(2017, 10, 1)), rows(NEW))
    publishing.map_codes(
        "trial", "2011", "2017", [("A01", "A011", ""), ("A01", "A012", ""), ("A03", "A04", "")]
    )


def test_a_version_ends_the_day_before_the_next_begins(industry):
    assert catalogue.on_day("trial", date(2017, 9, 30)).version == "2011"
    assert catalogue.on_day("trial", date(2017, 10, 1)).version == "2017"
    with pytest.raises(catalogue.NoSuchSet, match="2011-11-01"):
        catalogue.on_day("trial", date(2011, 10, 31))


@pytest.mark.parametrize(
    ("code", "day", "state", "successors"),
    [
        ("A01", date(2012, 1, 1), "in_force", []),
        ("A01", date(2020, 1, 1), "former", [("A011", "split"), ("A012", "split")]),
        ("A03", date(2020, 1, 1), "former", [("A04", "1:1")]),
        ("A04", date(2012, 1, 1), "future", []),
        ("A02", date(2020, 1, 1), "in_force", []),
        ("Z", date(2020, 1, 1), "unknown", []),
    ],
)
def test_a_code_is_looked_up_with_a_day_and_stays_resolvable(industry, code, day, state, successors):
    found = catalogue.look_up("trial", code, day)
    assert (found.state, found.successors) == (state, successors)


def test_two_versions_are_compared(industry):
    found = catalogue.diff("trial", catalogue.named("trial", "2011"), catalogue.named("trial", "2017"))
    assert [i.code for i in found.added] == ["A011", "A012", "A04"]
    assert [(i.code, len(s)) for i, s in found.removed] == [("A01", 2), ("A03", 1)]
    assert [(a.name, b.name) for a, b in found.renamed] == [("农业", "农、林、牧、渔业")] and found.same == 1


@pytest.mark.parametrize(
    ("version", "start", "end"),
    [
        ("2014", date(2014, 1, 1), None),
        ("2000", date(2000, 1, 1), None),
        ("2000", date(2000, 1, 1), date(2011, 11, 1)),
        ("2018", date(2017, 10, 1), None),
    ],
)
def test_overlapping_validity_is_refused(industry, version, start, end):
    before = list(CodeVersion.objects.filter(code_set__key="trial").values_list("version", "valid_to"))
    with pytest.raises(Refused, match="重叠"):
        publishing.publish("trial", "", "", About(version, start, end), rows(OLD))
    assert (
        list(CodeVersion.objects.filter(code_set__key="trial").values_list("version", "valid_to")) == before
    )


def test_a_used_code_is_not_deleted(industry):
    with pytest.raises(Refused, match="不能删除"):
        publishing.publish("trial", "", "", About("2017", date(2017, 10, 1)), rows(NEW[:-1]))
    with pytest.raises(Refused, match="只能停用"):
        publishing.withdraw("trial", "2017")
    later = today() + timedelta(days=30)
    publishing.publish("trial", "", "", About("2030", later), rows(NEW))
    publishing.map_codes("trial", "2017", "2030", [("A02", "A02", "")])
    with pytest.raises(Refused, match="已有对应关系"):
        publishing.withdraw("trial", "2030")


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("A01", "A011", "1:1"), ("A01", "A012", "1:1")], "拆分"),
        ([("A01", "A02", "1:1"), ("A02", "A02", "1:1")], "合并"),
        ([("A99", "A02", "")], "没有代码"),
        ([("A01", "A99", "")], "没有代码"),
        ([("A01", "A011", "same")], "应为"),
    ],
)
def test_a_map_that_is_not_what_it_says_is_refused(industry, pairs, words):
    with pytest.raises(Refused, match=words):
        publishing.map_codes("trial", "2011", "2017", pairs)


def test_a_circle_of_maps_is_refused(industry):
    with pytest.raises(Refused, match="成环"):
        publishing.map_codes("trial", "2017", "2011", [("A04", "A03", "")])


def test_a_version_that_was_loaded_outlives_the_next_start():
    """It ends the shipped one; publishing what is shipped once more (each start does) changes nothing of that."""
    publishing.publish_shipped()
    rows = [{"code": "1", "name": "举报"}, {"code": "Z", "name": "试行"}]
    publishing.publish("case_source", "", "", publishing.About("2027", date(2027, 1, 1)), rows)
    publishing.publish("case_source", "", "", publishing.About("2028", date(2028, 1, 1)), rows)

    def held():
        return list(
            CodeVersion.objects.filter(code_set__key="case_source")
            .order_by("valid_from")
            .values_list("version", "valid_to", "shipped")
        )

    before = held()
    assert before == [
        ("2006", date(2026, 12, 31), True),
        ("2027", date(2027, 12, 31), False),
        ("2028", None, False),
    ]
    publishing.publish_shipped()
    publishing.publish_shipped()
    assert held() == before


def test_what_an_operator_loaded_under_a_shipped_name_stays():
    publishing.publish_shipped()
    shipped = CodeVersion.objects.get(code_set__key="case_source", version="2006")
    rows = [*shipped.items.values("code", "name"), {"code": "Z", "name": "试行"}]
    publishing.publish("case_source", "", "", publishing.About("2006", shipped.valid_from), rows)
    publishing.publish_shipped()
    assert CodeVersion.objects.get(pk=shipped.pk).items.filter(code="Z").exists()


def test_the_sets_that_are_shipped_answer_like_all_others():
    publishing.publish_shipped()
    again = {v.pk: v.items.count() for v in CodeVersion.objects.filter(shipped=True)}
    publishing.publish_shipped()
    assert {v.pk: v.items.count() for v in CodeVersion.objects.filter(shipped=True)} == again
    assert catalogue.look_up("food_category", "27", date(2007, 3, 1)).item.name == "特殊膳食食品"
    assert catalogue.look_up("food_category", "27", date(2026, 1, 1)).item.name == "保健食品"
    assert catalogue.look_up("special_equipment_class", "2150", date(2026, 1, 1)).item.parent == "2100"
    assert len(catalogue.items("ccs_letter", catalogue.on_day("ccs_letter", date(2026, 1, 1)))) == 24


@pytest.mark.parametrize(
    ("code", "day", "state", "into"),
    [
        ("330104", date(2020, 1, 1), "in_force", []),
        ("330104", date(2022, 1, 1), "former", ["330102"]),
        ("330103", date(2022, 1, 1), "former", ["330105"]),
        ("330113", date(2020, 1, 1), "future", []),
        ("330183", date(2016, 1, 1), "former", ["330111"]),
        ("330185", date(2018, 1, 1), "former", ["330112"]),
        ("330204", date(2018, 1, 1), "former", ["330212"]),
        ("330322", date(2017, 1, 1), "former", ["330305"]),
        ("331021", date(2018, 1, 1), "former", ["331083"]),
        ("330682", date(2015, 1, 1), "former", ["330604"]),
        ("339999", date(2015, 1, 1), "unknown", []),
    ],
)
def test_divisions_are_a_set_with_their_whole_history(code, day, state, into):
    found = catalogue.look_up("division", code, day)
    assert (found.state, [c for c, _ in found.successors]) == (state, into)


def test_a_column_is_held_against_a_set_on_a_day(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("n,区划\n1,330106\n2,330104\n3,330104\n4,\n5,999999\n\n", encoding="gb18030")
    found = drift.report("division", path, "区划", date(2022, 1, 1))
    assert (found.read, found.blank) == (5, 1)
    assert found.counts == {"in_force": 1, "former": 2, "future": 0, "unknown": 1}
    assert found.values[0][0].code == "330104" and found.values[0][1] == 2
    answer = COMMAND.invoke(
        app, ["drift", "division", str(path), "--column", "区划", "--on", "2022-01-01", "--json"]
    )
    assert json.loads(answer.stdout)["values"][0]["successors"] == [{"code": "330102", "kind": "merge"}]
    assert COMMAND.invoke(app, ["drift", "nothing", str(path), "--column", "区划"]).exit_code == 2
    assert COMMAND.invoke(app, ["drift", "division", str(path), "--column", "x"]).exit_code == 2


def test_a_file_is_loaded_and_bad_rows_are_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("编码,名称,上级\nA,甲,\nA,甲,\nA,另一个,\n,无,\nB,,\nC1,丙,C\n", encoding="utf-8")
    result = publishing.load("trial", path, About("1", date(2020, 1, 1)), title="试用")
    assert (result.read, result.accepted, result.doubled, result.refused) == (6, 2, 1, 3)
    assert any("上级 C" in p for p in result.problems)
    with pytest.raises(tabular.Unreadable, match="没有“code”列"):
        path.write_text("x,y\n1,2\n", encoding="utf-8")
        publishing.load("trial", path, About("2", date(2021, 1, 1)))
    assert COMMAND.invoke(app, ["load", "trial", str(path)]).exit_code == 2
    with pytest.raises(Refused, match="division"):
        publishing.publish("division", "", "", About("1", date(2020, 1, 1)), [])


@pytest.mark.reference
@pytest.mark.skipif(not SHARED.exists(), reason="the reference data are not beside the project")
def test_the_reference_lists_load():
    folder = SHARED / "industry_codes"
    first = publishing.load(
        "industry", folder / "gbt4754_2011.csv.gz", About("2011", date(2011, 11, 1)), title="国民经济行业分类"
    )
    assert (first.read, first.accepted) == (1642, 1642)
    publishing.load(
        "industry", folder / "gbt4754_2017.csv.gz", About("2017", date(2017, 10, 1)), title="国民经济行业分类"
    )
    assert catalogue.look_up("industry", "A011", date(2012, 1, 1)).item.name == "谷物种植"
    found = catalogue.diff(
        "industry", catalogue.named("industry", "2011"), catalogue.named("industry", "2017")
    )
    assert found.same > 1000 and found.added and found.removed
    result = publishing.load(
        "ics", SHARED / "ics_codes/ics.csv.gz", About("7", date(2015, 1, 1)), columns={"name": "description"}
    )
    assert result.accepted == 1381
    every = publishing.load(
        "gb2260",
        SHARED / "admin_divisions/gb2260_revisions.csv.gz",
        About("", date.min),
        version_column="revision",
    )
    assert every.accepted == every.read == 269_432 and every.versions == 82
    assert catalogue.look_up("gb2260", "330183", date(2010, 1, 1)).item.name == "富阳市"
    assert catalogue.look_up("gb2260", "330183", date(2019, 5, 1)).state == "former"
