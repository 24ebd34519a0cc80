"""The province pack's agencies: one for each division in force, loaded without harm to what people added."""

from datetime import date

import pytest

from jinzhi.foundation.people import pack
from jinzhi.foundation.people.models import Agency, Department
from jinzhi.foundation.places import services

pytestmark = pytest.mark.django_db


def test_every_division_in_force_has_one_agency_with_its_parent():
    divisions = {d.code: d for d in services.inside(330000_000000)}
    agencies = {a.key: a for a in Agency.objects.select_related("parent")}
    assert set(divisions) <= set(agencies)
    for code, division in divisions.items():
        agency = agencies[code]
        assert agency.place == division.place and agency.level == division.level
        assert (agency.parent.key if agency.parent else "") == (
            "" if code == "330000" else division.parent
        ), code
        assert division.name in agency.name


def test_names_and_document_words_are_unique():
    rows = pack.agencies()
    assert len(rows) == 102
    for column in ("name", "short_name", "document_word"):
        assert len({r[column] for r in rows}) == 102, column


def test_every_agency_has_departments_for_a_licence():
    for level in ("province", "city", "county"):
        tasks = {t for d in pack.departments()[level] for t in d["tasks"]}
        assert {"acceptance", "examination", "inspection", "approval", "certificate"} <= tasks
    assert Department.objects.filter(agency__key="330106").count() == len(pack.departments()["county"])


def test_loading_again_keeps_what_an_administrator_added():
    own = Agency.objects.get(key="330106")
    Agency.objects.filter(pk=own.pk).update(phone="0571-87654321", name="写错的名字")
    extra = Department.objects.create(agency=own, name="知识产权科", order=20)
    count = Department.objects.count()
    pack.load()
    own.refresh_from_db()
    assert (own.phone, own.name) == ("0571-87654321", "杭州市西湖区市场监督管理局")
    assert Department.objects.filter(pk=extra.pk).exists() and Department.objects.count() == count


@pytest.mark.parametrize(
    ("on", "categories", "level"),
    [
        (date(2026, 11, 22), ["01"], "city"),
        (date(2026, 11, 22), ["01", "05"], "city"),
        (date(2026, 11, 22), ["05", "29"], "province"),
        (date(2026, 11, 22), [], "city"),
        (date(2007, 3, 1), ["01"], "province"),
        (date(2015, 10, 1), ["01"], "city"),
    ],
)
def test_the_highest_level_any_category_asks_for_decides(on, categories, level):
    assert pack.deciding_level("food_production", on, categories) == level


def test_a_matter_or_a_day_the_pack_does_not_name_is_said_so():
    with pytest.raises(LookupError, match="省包"):
        pack.deciding_level("food_production", date(1999, 1, 1))
    with pytest.raises(LookupError):
        pack.deciding_level("no_such_matter", date(2026, 1, 1))


def test_an_agency_is_called_as_it_was_on_the_day():
    province = Agency.objects.get(key="330000")
    assert pack.name_on(province, date(2007, 3, 1)) == "浙江省质量技术监督局"
    assert pack.name_on(province, date(2026, 3, 1)) == "浙江省市场监督管理局"
    assert pack.document_word_on(province, date(2007, 3, 1)) == "浙质监"


def test_the_pack_fits_together_and_a_broken_one_is_told(settings, tmp_path):
    from jinzhi.foundation.people import checks

    assert checks.check() == []
    for part in settings.PROVINCE_DIR.iterdir():
        (tmp_path / part.name).write_bytes(part.read_bytes())
    divisions = tmp_path / "divisions.csv"
    lines = divisions.read_text(encoding="utf-8")
    divisions.write_text(lines + "330199,新设区,county,330100,2030-01-01,,339998,\n", encoding="utf-8")
    agencies = tmp_path / "agencies.csv"
    agencies.write_text(
        agencies.read_text(encoding="utf-8").replace("杭拱市监", "杭上市监").replace("330106,", "330156,"),
        encoding="utf-8",
    )
    settings.PROVINCE_DIR = tmp_path
    told = "\n".join(checks.check())
    for words in (
        "并入的 339998 不在表中",
        "新设区（330199）没有机构",
        "西湖区（330106）没有机构",
        "330156 没有对应",
        "都是“杭上市监”",
    ):
        assert words in told, words
    (tmp_path / "province.yaml").unlink()
    assert "province.yaml" in checks.check()[0]
