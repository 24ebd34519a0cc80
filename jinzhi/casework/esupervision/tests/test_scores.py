"""Scores: sections and their floor, warnings in a row, bonuses, grades, 未评, published ones immutable, corrections."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from jinzhi.casework.esupervision import handling, rating, scoring
from jinzhi.casework.esupervision.models import Adjustment, ScoreSheet, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import at, begun, signal, supervise
from jinzhi.casework.models import Case
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db
D = date.fromisoformat
MARCH = D("2026-03-15")


@pytest.fixture
def w():
    return world.World()


def bureau(place: int = world.COUNTY) -> Agency:
    return Agency.objects.get(place=place)


def sheet(place: int = world.COUNTY, day: date = MARCH) -> ScoreSheet:
    [one] = scoring.compute_month(day, [bureau(place)])
    return one


def section(one: ScoreSheet, key: str) -> dict:
    return next(line for line in one.lines["sections"] if line["key"] == key)


def card(rule: str, colour: str, day: date = MARCH, place: int = world.COUNTY, number: int = 1) -> Signal:
    to = bureau(place)
    return Signal.objects.create(
        rule=rule, cause=str(number), colour=colour, title=rule, place=place, case_place=place, agency=to, happened_on=day,
        raised_on=day, changed_at=at(day),
    )  # fmt: skip


def test_no_case_no_score(w):
    one = sheet(world.NEIGHBOUR)
    assert (one.total, one.grade, one.cases) == (None, "未评", 0)


def test_a_faultless_month_has_the_hundred(w):
    begun(D("2026-03-10"))
    one = sheet()
    assert (one.total, one.grade, one.cases) == (Decimal("100.00"), "优秀", 1)
    assert sum(line["full"] for line in one.lines["sections"]) == 100


def test_a_yellow_card_takes_five_a_red_one_ten_and_no_section_falls_below_zero(w):
    begun(D("2026-03-10"))
    card("T4", "yellow")
    one = sheet()
    assert section(one, "time")["score"] == 9 and one.total == Decimal("95.00")
    card("T6", "red", number=2)
    assert section(sheet(), "time")["score"] == 0  # 14 - 15
    card("F1", "red", number=3)
    one = sheet()
    assert section(one, "fees")["score"] == 0 and one.total == Decimal("78.00") and one.grade == "合格"


def test_three_warnings_take_three_two_take_nothing(w):
    begun(D("2026-03-10"))
    for number in range(2):
        card("T3", "yellow", number=number)
    assert sheet().total == 100
    card("T3", "yellow", number=3)
    assert section(sheet(), "time")["taken"] == 3


def test_a_lifted_card_does_not_score(w):
    begun(D("2026-03-10"))
    one = card("T6", "red")
    assert sheet().total == 90
    Signal.objects.filter(pk=one.pk).update(status="lifted")
    assert sheet().total == 100


def test_early_finish_and_a_shorter_promise_add(w):
    case = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), D("2026-03-04"))
    w.act(case, "certificate", "issue", D("2026-03-05"))
    supervise(D("2026-03-06"))
    one = sheet()
    assert one.lines["extras"] == [
        {"title": "提前办结 1/1 件", "points": 10.0}
    ]  # all of them early: ten tenths
    case.clocks.filter(
        key__in=["acceptance", "first", "delivery"]
    ).delete()  # every limit left is promised in half
    assert {"title": "承诺期限均缩短 50% 以上", "points": 5.0} in sheet().lines["extras"]


def test_incomplete_data_takes_one_for_each_per_cent_five_at_most(w):
    case = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), D("2026-03-04"))
    w.act(case, "certificate", "issue", D("2026-03-05"))
    Case.objects.filter(pk=case.pk).update(story_length=99)
    supervise(D("2026-03-06"))
    assert {"title": "数据不完整 1 件", "points": -5.0} in sheet().lines["extras"]


def test_bad_ratings_and_points_by_hand(w):
    case = begun(D("2026-03-02"))
    w.act(case, "accept", "refuse", D("2026-03-03"), reason="不属于本机关职权")
    case.refresh_from_db()
    rating.rate(case, 1, "跑了三趟", at=at(D("2026-03-04")))
    Adjustment.objects.create(
        agency=bureau(),
        place=world.COUNTY,
        day=MARCH,
        item="integrity",
        points=Decimal("4"),
        reason="收受礼品",
    )
    one = sheet()
    assert section(one, "satisfaction")["score"] == 0 and section(one, "integrity")["score"] == 6


@pytest.mark.parametrize(
    ("total", "grade"),
    [
        ("100", "优秀"),
        ("90", "优秀"),
        ("89.99", "良好"),
        ("80", "良好"),
        ("79.99", "合格"),
        ("60", "合格"),
        ("59.99", "不合格"),
        (None, "未评"),
    ],
)
def test_grades(total, grade):
    assert scoring.grade(Decimal(total) if total else None, MARCH) == grade


@pytest.mark.parametrize(
    ("period", "day", "start", "end"),
    [("month", "2026-02-14", "2026-02-01", "2026-02-28"), ("quarter", "2026-12-31", "2026-10-01", "2026-12-31"),
     ("half", "2026-07-01", "2026-07-01", "2026-12-31"), ("year", "2024-02-29", "2024-01-01", "2024-12-31"),
     ("month", "2024-02-29", "2024-02-01", "2024-02-29"), ("quarter", "2026-01-01", "2026-01-01", "2026-03-31")],
)  # fmt: skip
def test_bounds(period, day, start, end):
    assert scoring.bounds(period, D(day)) == (D(start), D(end))


def published(w) -> ScoreSheet:
    begun(D("2026-03-10"))
    card("T6", "red")
    scoring.publish("month", MARCH, by=w.supervisor.account)
    return ScoreSheet.objects.get(agency=bureau(), period="month", start=D("2026-03-01"))


def test_a_month_that_runs_is_not_published(w):
    with pytest.raises(scoring.NotPublishable, match="以后才能公布"):
        scoring.publish("month", MARCH, today=D("2026-03-31"))


def test_a_published_sheet_is_never_changed(w):
    one = published(w)
    assert (one.state, one.total, one.grade) == ("published", Decimal("90.00"), "优秀")
    one.total = Decimal("99")
    for attempt in (one.save, one.delete, lambda: ScoreSheet.objects.filter(pk=one.pk).update(grade="优秀")):
        with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
            attempt()
    with pytest.raises(scoring.NotPublishable, match="已经公布"):
        scoring.publish("month", MARCH)
    assert scoring.draft("month", MARCH) == 0


def test_a_card_lifted_later_makes_a_correction_with_its_reason(w):
    one = published(w)
    late = Signal.objects.get(rule="T6")
    handling.perform(
        late.pk,
        "lift",
        w.supervisor,
        text="台风停工，予以撤销",
        payload={"ground": "force_majeure"},
        at=at(D("2026-04-20")),
    )
    first, second = ScoreSheet.objects.filter(agency=bureau(), period="month").order_by("revision")
    assert first.pk == one.pk and first.total == Decimal("90.00")
    assert (second.revision, second.total, second.state) == (2, Decimal("100.00"), "published")
    assert "不可抗力" in second.reason
    assert scoring.latest("month", D("2026-03-01")).get(agency=bureau()) == second


def test_a_quarter_is_the_mean_of_its_rated_months_and_counts_the_correction(w):
    published(w)
    begun(D("2026-02-10"))
    scoring.publish("month", D("2026-02-10"))
    Signal.objects.filter(rule="T6").update(status="lifted")
    [quarter] = scoring.compute_period("quarter", MARCH, [bureau()])
    assert quarter.total == Decimal("95.00") and len(quarter.lines["months"]) == 2  # January had no case
    scoring.correct(bureau(), MARCH, "红牌已撤销")
    [quarter] = scoring.compute_period("quarter", MARCH, [bureau()])
    assert quarter.total == Decimal("100.00")


def test_discipline_is_taken_from_the_year(w):
    published(w)
    Adjustment.objects.create(
        agency=bureau(),
        place=world.COUNTY,
        day=MARCH,
        item="discipline:demerit",
        points=Decimal("15"),
        reason="记过",
    )
    assert sheet().total == Decimal("90.00")
    [year] = scoring.compute_period("year", MARCH, [bureau()])
    assert year.total == Decimal("75.00") and year.grade == "合格"


def test_an_unqualified_quarter_sends_its_advice(w):
    begun(D("2026-03-10"))
    for number, rule in enumerate(("T6", "T7", "P4", "P8", "F1", "P9", "P11", "C1", "T4", "P6")):
        card(rule, "red", number=number)
    scoring.publish("month", MARCH)
    scoring.publish("quarter", MARCH)
    one = ScoreSheet.objects.get(agency=bureau(), period="quarter")
    assert one.grade == "不合格"
    advice = GeneratedDocument.objects.get(subject=f"score:{one.pk}")
    assert advice.title == "监察建议书" and "2026年第一季度" in advice.data["text"]


def test_ranks_among_bureaus_of_one_level(w):
    begun(D("2026-03-10"))
    begun(D("2026-03-10"), place=world.NEIGHBOUR)
    card("T6", "red")
    scoring.draft("month", MARCH)
    ranks = dict(ScoreSheet.objects.filter(total__isnull=False).values_list("place", "rank"))
    assert ranks == {world.COUNTY: 2, world.NEIGHBOUR: 1}


def test_sheets_are_seen_in_their_range(w):
    published(w)
    with scope.acting(scope.staff(world.NEIGHBOUR)):
        assert {s.place for s in ScoreSheet.objects.all()} == {world.NEIGHBOUR}
    with scope.acting(scope.enterprise("00000000-0000-0000-0000-000000000001")):
        assert not ScoreSheet.objects.exists()


def test_the_card_counts_for_the_bureau_that_had_the_case(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    w.act(case, "review", "pass", D("2026-03-03"))
    supervise(D("2026-03-31"))
    assert signal(case, "T6").agency == bureau(world.CITY)
    assert section(sheet(world.CITY), "time")["score"] == 0 and section(sheet(), "time")["score"] == 14
