"""The board of lamps says of every case what its own page says; late notices reach open limits; one pass at a time."""

from datetime import date, timedelta

import pytest
from django.db.models import F

from jinzhi.casework import board, clocks
from jinzhi.casework.esupervision import running
from jinzhi.casework.esupervision.models import Run, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import begun
from jinzhi.casework.lamps import lamp, thresholds
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db


def ago(workdays: int):
    return calendar.day_of(calendar.ordinal(calendar.today()) - workdays)


def expected(case: Case) -> str:
    """The lamp of the case as its page computes it, from its most urgent running limit."""
    live = case.clocks.filter(state__in=["running", "paused"], owner="agency").order_by("due_ord")
    running_ones = [c for c in live if c.state == "running"]
    if not running_ones:
        return "grey" if live else "none"
    first = running_ones[0]
    return lamp(first.due_ord, first.limit + first.extended, False, calendar.today(), thresholds()).colour


@pytest.fixture
def cases() -> list[Case]:
    made = [begun(ago(days)) for days in range(9)]
    made += [begun(ago(days), place=world.NEIGHBOUR) for days in (1, 8)]
    for clock in made[3].clocks.all():
        clocks.pause(clock, calendar.today(), "检验", "法")
    made[4].clocks.update(owner="applicant")
    return made


def test_the_board_counts_each_case_under_the_lamp_of_its_page(cases):
    county = [c for c in cases if c.place == world.COUNTY]
    wanted = dict.fromkeys(board.COLOURS, 0)
    for case in county:
        wanted[expected(case)] += 1
    lo, hi = scope.jurisdiction(world.COUNTY)
    [row] = board.by_place(1_000_000, lo, hi, {})
    assert row.counts == wanted and row.total == len(county)
    assert all(wanted[c] for c in ("red", "orange", "green", "grey", "none"))


def test_the_list_behind_a_number_holds_those_cases(cases):
    lo, hi = scope.jurisdiction(world.CITY)
    for colour in board.COLOURS:
        listed = {key for key, shown in board.cases(lo, hi, colour) if shown == colour}
        assert listed == {c.pk for c in cases if expected(c) == colour}
    assert {key for key, _ in board.cases(lo, hi)} == {c.pk for c in cases}
    reds = [key for key, colour in board.cases(lo, hi, "red")]
    dues = [Case.objects.get(pk=key).clocks.first().due_ord for key in reds]
    assert dues == sorted(dues) and len(reds) > 1


def test_a_county_counts_its_own(cases):
    with scope.acting(scope.staff(world.NEIGHBOUR)):
        rows = board.by_place(1_000_000, 330000000000, 339999999999, {})
        assert sum(r.total for r in rows) == 2


def test_a_pass_is_noted_with_what_it_did():
    begun(ago(8))
    result = running.run(calendar.today(), fire=False)
    held = Run.objects.get()
    assert held.finished_at and held.counts["raised"] == result.raised == 1
    assert running.run(calendar.today() + timedelta(days=0), fire=False).raised == 0
    assert Signal.objects.count() == 1


def test_a_holiday_notice_loaded_late_moves_the_day_of_the_card():
    """The limit is an ordinal: when its days turn into holidays, the card waits with it."""
    from jinzhi.foundation.calendar import pinned
    from jinzhi.foundation.calendar.models import Day

    case = begun(date(2026, 3, 2))
    last = clocks.due_day(case.clocks.get())
    moved = last + timedelta(days=1)
    with scope.acting(scope.SYSTEM):
        Day.objects.filter(day=last).update(is_workday=False)
        Day.objects.filter(day__gte=last).update(ordinal=F("ordinal") - 1)
    calendar.forget()
    try:
        with pinned():
            world.supervise(last + timedelta(days=1))
            assert "T7" not in world.found(case)
            world.supervise(moved + timedelta(days=1))
            assert (
                world.found(case)["T7"] == "red"
                and world.signal(case, "T7").basis["due"] == moved.isoformat()
            )
    finally:
        calendar.forget()
