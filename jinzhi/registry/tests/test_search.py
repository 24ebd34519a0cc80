"""Finding enterprises: by codes, former numbers and fragments of names in any script; no input breaks it."""

from datetime import date

import pytest
from django.db import connection

from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.models import Enterprise, Fact
from jinzhi.registry.searching import finding, similar

from .conftest import LINPING, NINGBO, WESTLAKE

pytestmark = pytest.mark.django_db


def names(q, **options):
    return [h.name for h in finding.search(q, **options).hits if h.rank <= 3]


def others(q, rank, **options):
    return [h.name for h in finding.search(q, **options).hits if h.rank == rank]


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


@pytest.mark.parametrize(
    ("q", "rank", "found"),
    [
        ("xhlj", 5, "杭州西湖龙井食品有限公司"),
        ("HZXH", 5, "杭州西湖龙井食品有限公司"),
        ("xhcy", 5, "西湖茶业合作社"),
        ("西湖龙景食品", 6, "杭州西湖龙井食品有限公司"),  # a character read alike
        ("西湖尤井食品", 6, "杭州西湖龙井食品有限公司"),  # one that looks alike
        ("西龙井食品", 6, "杭州西湖龙井食品有限公司"),  # one left out
        ("西湖的龙井食品", 6, "杭州西湖龙井食品有限公司"),  # one too many
        ("寧波江湖水産有限公司", 6, "宁波江湖水产有限公司"),  # as written in Taiwan
        ("杭州食品", 6, "杭州西湖龙井食品有限公司"),
        ("korona lunge", 6, "KORONA LOUNGE INC"),
    ],
)
def test_who_does_not_know_the_name_exactly_finds_it_all_the_same(some, q, rank, found):
    assert others(q, rank)[:1] == [found]


def test_words_may_stand_apart(some):
    assert names("杭州 食品")[:1] == ["杭州西湖龙井食品有限公司"]
    assert names("龙井 西湖") == ["杭州西湖龙井食品有限公司"]
    assert names("龙井 水产") == []


def test_a_former_name_finds_the_enterprise_and_says_so(some):
    Fact.objects.create(
        enterprise=some, place=some.place, field="name", value="杭州钱江茶叶厂", state=Fact.State.FORMER,
        valid_to=date(2010, 3, 1), source="登记机关",
    )  # fmt: skip
    for eyes in (scope.SYSTEM, scope.PUBLIC, scope.staff(WESTLAKE)):
        (hit,) = finding.search("钱江茶叶", within=eyes).hits
        assert (hit.name, hit.rank, hit.note) == (some.name, 4, "杭州钱江茶叶厂")
    assert finding.search("钱江茶叶", within=scope.staff(NINGBO)).hits == []


def test_what_others_resemble_is_not_asked_for_when_the_word_itself_is_found(some):
    assert {h.rank for h in finding.search("西湖").hits} <= {2, 3}


@pytest.mark.parametrize("word", ["商贸", "湖州", "公司", "司"])
@pytest.mark.parametrize(
    "eyes", [scope.PUBLIC, scope.staff(330000_000000), scope.staff(330100_000000), scope.staff(WESTLAKE)]
)
def test_every_name_with_a_word_is_listed_once_over_all_pages(db, word, eyes, monkeypatch):
    """Common and rare words, walked through or read from an index, in the order of each scope."""
    places = (WESTLAKE, WESTLAKE + 1000, LINPING, NINGBO)
    for n in range(60):
        name = ("湖州" if n % 7 == 0 else "杭州") + chr(0x4E00 + n) + ("商贸有限公司" if n % 3 else "食品厂")
        Enterprise.objects.create(name=name, place=places[n % 4])
    for far, known in (
        (0, {}),
        (5, {"商贸": 0.5, "公司": 0.5, "湖州": 0.5, "^湖州": 0.5}),
        (1000, {"商贸": 0.5, "公司": 0.5, "司": 0.5}),
    ):
        monkeypatch.setattr(finding, "FAR", far)
        monkeypatch.setattr(similar, "frequencies", lambda known=known: known)
        listed, after = [], ""
        for _ in range(40):
            found = finding.search(word, 7, after=after, within=eyes)
            listed += [h.name for h in found.hits if h.rank <= 3]
            after = found.after
            if not after:
                break
        with scope.acting(eyes):
            there = [n for n in Enterprise.objects.values_list("name", flat=True) if word in n]
        assert sorted(listed) == sorted(there), (far, known)


def test_a_row_made_one_with_another_is_found_as_that_one(some):
    double = Enterprise.objects.create(name="杭州西湖龙井食品（重复）", place=WESTLAKE, org_code="14293005X")
    Enterprise.objects.filter(pk=double.pk).update(merged_into=some, status="merged")
    assert "杭州西湖龙井食品（重复）" not in names("西湖龙井") + names("食品 重复") + others("hzxhlj", 5)
    assert names("14293005X") == [some.name]
