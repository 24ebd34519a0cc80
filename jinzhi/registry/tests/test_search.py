"""Finding enterprises: by codes, former numbers and fragments of names in any script; no input breaks it."""

import pytest
from django.db import connection

from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.models import Enterprise
from jinzhi.registry.searching import finding

from .conftest import LINPING, NINGBO, WESTLAKE

pytestmark = pytest.mark.django_db


def names(q, **options):
    return [h.name for h in finding.search(q, **options).hits]


@pytest.fixture
def some(enterprise):
    for name, place in (
        ("西湖茶业合作社", WESTLAKE),
        ("宁波江湖水产有限公司", NINGBO),
        ("临平（老字号）酱园", LINPING),
        ("KORONA LOUNGE INC", services.ELSEWHERE),
        ("MILT'S BBQ", services.ELSEWHERE),
        ("7-ELEVEN #32", services.ELSEWHERE),
        ("ＡＢＣ１２３ 面包", WESTLAKE),
        ("𠮷野家", WESTLAKE),
        ("湖", WESTLAKE),
    ):
        Enterprise.objects.create(name=name, place=place)
    return enterprise


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("西湖", {"杭州西湖龙井食品有限公司", "西湖茶业合作社"}),
        ("龙井食品", {"杭州西湖龙井食品有限公司"}),
        ("湖", {"杭州西湖龙井食品有限公司", "西湖茶业合作社", "宁波江湖水产有限公司", "湖"}),
        ("司", {"杭州西湖龙井食品有限公司", "宁波江湖水产有限公司"}),
        ("湖西", set()),
        ("杭州食品", set()),  # both pairs occur, the phrase does not
        ("临平老字号", {"临平（老字号）酱园"}),
        ("临平(老字号)", {"临平（老字号）酱园"}),
        ("korona lounge", {"KORONA LOUNGE INC"}),
        ("Milts", {"MILT'S BBQ"}),
        ("milt's bbq", {"MILT'S BBQ"}),
        ("7eleven", {"7-ELEVEN #32"}),
        ("ｅｌｅｖｅｎ", {"7-ELEVEN #32"}),
        ("abc123", {"ＡＢＣ１２３ 面包"}),
        ("𠮷野", {"𠮷野家"}),
        ("没有这家", set()),
        ("", set()),
        ("   ", set()),
        ("！？（）", set()),
    ],
)
def test_a_fragment_of_a_name_finds_it(some, q, found):
    assert set(names(q)) == found


@pytest.mark.parametrize(
    "code",
    [
        "91330100723456781Y",
        "91330100723456781y",
        "９１３３０１００７２３４５６７８１Ｙ",
        "9133 0100 7234 5678 1Y",
        "723456781",
        "72345678-1",
    ],
)
def test_either_code_in_any_writing_finds_the_enterprise_first(some, code):
    hits = finding.search(code).hits
    assert hits[0].name == some.name and hits[0].rank == 0
    assert services.find_enterprise(code) == some
    assert services.archive(code)["name"] == some.name


def test_a_former_number_and_a_certificate_number_find_the_holder(some, certificate):
    services._identify(some, [{"scheme": "registration_number", "value": "330106000012345"}])
    assert names("330106000012345") == [some.name]
    assert names("sc11333019700024") == [some.name]


def test_whole_names_come_before_beginnings_before_parts(some):
    Enterprise.objects.create(name="西湖", place=LINPING)
    found = finding.search("西湖").hits
    assert [h.name for h in found] == ["西湖", "西湖茶业合作社", "杭州西湖龙井食品有限公司"]
    assert [h.rank for h in found] == [1, 2, 3]


def test_pages_follow_each_other_without_gap_or_repeat(db):
    for n in range(23):
        Enterprise.objects.create(name=f"{'' if n % 3 else '前'}翻页测试{n}号", place=WESTLAKE)
    Enterprise.objects.create(name="翻页", place=WESTLAKE)
    seen, after = [], ""
    while True:
        found = finding.search("翻页", 5, after=after)
        seen += [h.id for h in found.hits]
        after = found.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 24
    assert seen == [h.id for h in finding.search("翻页", 100).hits]


@pytest.mark.parametrize(
    "q",
    [
        "' OR 1=1 --", "'; DROP TABLE registry_enterprise; --", "%", "_", "%%", "\\", "q\\'z", "西湖' & '",
        "!*&|()", "\x00", "西\x00湖", "x" * 5000, "1" * 18, "$9", "%(q)s", "{z}", "\ud800", "😀",
    ],
)  # fmt: skip
def test_hostile_words_find_nothing_and_harm_nothing(some, q):
    assert set(names(q)) <= {"杭州西湖龙井食品有限公司", "西湖茶业合作社"}
    assert Enterprise.objects.count() == 10


@pytest.mark.parametrize("after", ["9.x", "x", "3.", "3.'; --", "-1.00000000-0000-0000-0000-0", "3.1"])
def test_a_made_up_page_mark_is_no_error(some, after):
    finding.search("西湖", after=after)


def test_search_sees_with_the_eyes_it_is_given(some):
    with scope.acting(scope.NOBODY):
        assert names("西湖", within=scope.PUBLIC) == ["西湖茶业合作社", "杭州西湖龙井食品有限公司"]
        assert names("西湖", within=scope.staff(330113_000000)) == []
        assert len(names("湖", within=scope.staff(330000_000000))) == 4
        assert names("西湖", within=scope.enterprise(some.pk)) == [some.name]


def test_names_are_kept_in_their_plain_form(some):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name_plain FROM registry_enterprise WHERE name LIKE '临平%%'")
        assert cursor.fetchone()[0] == "临平老字号酱园"
