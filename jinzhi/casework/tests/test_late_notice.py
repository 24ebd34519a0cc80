"""A holiday notice that comes when limits already run: due days move, what has ended stays as it was judged."""

from datetime import date, timedelta

import pytest
from django.db import connection

from jinzhi.casework import clocks
from jinzhi.casework.models import Clock
from jinzhi.casework.tests.sample import go, open_case, person
from jinzhi.foundation import calendar
from jinzhi.foundation.calendar.loading import confirm_notice, preview_notice
from jinzhi.foundation.calendar.tests import texts

pytestmark = pytest.mark.django_db
LATE = date(2027, 3, 15)


@pytest.fixture(autouse=True)
def fresh_calendar():
    calendar.forget()
    yield
    calendar.forget()


def load() -> None:
    confirm_notice(texts.OF_2027, 2027, "王敏", today=LATE)


def first_changed() -> date:
    return preview_notice(texts.OF_2027, 2027, today=LATE).changed[0][0]


def written(clock: Clock) -> str:
    """Changes whenever the row is written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text || ctid::text FROM casework_clock WHERE id = %s", [clock.pk])
        return cursor.fetchone()[0]


def clock_of(start: date) -> Clock:
    return open_case(start).clocks.get(key="acceptance")


def fresh(clock: Clock) -> Clock:
    return Clock.objects.get(pk=clock.pk)


@pytest.mark.parametrize("start", [date(2026, 12, 1), date(2026, 12, 31)])
def test_what_began_before_the_first_changed_day_is_not_touched_and_moves_by_itself(start):
    assert start < first_changed()
    clock = clock_of(start)
    row = written(clock)
    load()
    assert written(clock) == row
    assert clocks.due_day(fresh(clock)) == calendar.due(start, 5).date


def test_a_due_day_inside_the_holiday_moves_behind_it():
    clock = clock_of(date(2027, 2, 3))
    assert clocks.due_day(clock) == date(2027, 2, 10)
    load()
    assert clocks.due_day(fresh(clock)) == date(2027, 2, 18)  # 4, then 15 to 18 February
    assert not clocks.is_provisional(fresh(clock))


@pytest.mark.parametrize(
    "start", [date(2027, 2, 5), date(2027, 2, 6), date(2027, 2, 22), date(2027, 6, 1), date(2027, 9, 24)]
)
def test_what_began_after_the_changed_days_is_computed_anew(start):
    """Its stored ordinals counted the working days that have become holidays."""
    clock = clock_of(start)
    load()
    found = fresh(clock)
    assert clocks.due_day(found) == calendar.due(start, 5).date
    assert found.start_ord == calendar.ordinal(start)


def test_the_steps_know_the_new_urgency():
    case = open_case(date(2027, 2, 22))
    load()
    assert case.steps.get().due_ord == case.clocks.get().due_ord


def test_a_pause_across_changed_days_gives_back_fewer_working_days():
    """The limit began before the notice's first day, its pause lies behind it."""
    start = date(2026, 12, 28)
    clock = clock_of(start)
    clocks.pause(clock, date(2026, 12, 30), "检验", "x")
    clocks.resume(clock, date(2027, 2, 15))
    load()
    found = fresh(clock)
    days = [date(2026, 12, 30) + timedelta(n) for n in range(47)]
    assert found.paused_ord == sum(calendar.is_workday(d) for d in days)
    assert clocks.due_day(found) == calendar.due(start, 5 + found.paused_ord).date
    assert clocks.due_day(found) == date(2027, 2, 18)  # 29 December, then 15 to 18 February


def test_a_clock_still_paused_goes_on_from_the_right_days():
    clock = clock_of(date(2027, 1, 27))
    clocks.pause(clock, date(2027, 1, 29), "检验", "x")
    load()
    clock = fresh(clock)
    clocks.resume(clock, date(2027, 2, 22))
    # 28 January and 22 to 25 February
    assert clocks.due_day(clock) == date(2027, 2, 25)


def test_a_limit_in_months_rolls_over_the_new_rest_days():
    case = open_case(date(2026, 8, 5))
    for key, start in (("inside", date(2026, 8, 9)), ("behind", date(2026, 9, 1))):
        clocks.start(case, key, key, "remedy.suit", start)
    assert case.clocks.get(key="inside").unit == "month"
    inside = case.clocks.get(key="inside").base_due
    assert date(2027, 2, 5) <= inside <= date(2027, 2, 12)
    load()
    found = case.clocks.get(key="inside")
    assert (found.base_due, clocks.due_day(found)) == (inside, date(2027, 2, 13) + timedelta(2))
    behind = case.clocks.get(key="behind")
    assert clocks.due_day(behind) == behind.base_due


def test_what_has_ended_keeps_the_day_it_was_judged_by():
    clerk = person("甲", "window_clerk")
    ended = {}
    for start, act in ((date(2026, 12, 1), 3), (date(2027, 2, 22), 3), (date(2027, 3, 1), 14)):
        case = open_case(start)
        go(case, "first", "refuse", clerk, start + timedelta(act), reason="不属于本机关职权")
        clock = case.clocks.get(key="acceptance")
        ended[clock.pk] = (clock.state, clock.stopped_on, clocks.due_day(clock))
    assert [state for state, _, _ in ended.values()] == ["void", "void", "void"]
    decided = open_case(date(2027, 2, 22))
    go(decided, "first", "accept", clerk, date(2027, 2, 24))
    clock = decided.clocks.get(key="acceptance")
    ended[clock.pk] = ("met", date(2027, 2, 24), date(2027, 3, 1))
    load()
    for key, held in ended.items():
        clock = Clock.objects.get(pk=key)
        assert (clock.state, clock.stopped_on, clocks.due_day(clock)) == held


def test_a_met_limit_whose_last_day_became_a_holiday_does_not_look_late():
    clerk = person("甲", "window_clerk")
    case = open_case(date(2027, 2, 1))
    assert clocks.due_day(case.clocks.get()) == date(2027, 2, 8)
    go(case, "first", "accept", clerk, date(2027, 2, 8))
    load()
    clock = case.clocks.get(key="acceptance")
    assert clock.state == "met" and clock.stopped_on <= clocks.due_day(clock)
