"""Legal clocks: pauses, extensions, lamps and the day a limit ends, against a count by hand."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinzhi.casework import actions, clocks
from jinzhi.casework.lamps import Thresholds, lamp
from jinzhi.casework.models import Clock, ClockPause
from jinzhi.casework.tests.sample import go, open_case, person
from jinzhi.foundation import calendar

pytestmark = pytest.mark.django_db


def plain(start: date, limit: int, unit: str = "workday") -> Clock:
    clock = Clock(start_day=start, limit=limit, unit=unit, place=0, rule="x", law="x", key="k", title="t")
    clocks.recompute(clock, ())
    return clock


def pauses(*spans: tuple[date, date]) -> list[ClockPause]:
    return [ClockPause(since=a, until=b, ground="检验") for a, b in spans]


def by_hand(start: date, limit: int, spans: list[tuple[date, date]]) -> date:
    """Day by day: a working day outside every pause consumes one."""
    day, left = start, limit
    while left:
        day += timedelta(1)
        if calendar.is_workday(day) and not any(a <= day < b for a, b in spans):
            left -= 1
    return day


DAYS = st.dates(date(2006, 1, 1), date(2009, 6, 1))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=DAYS,
    limit=st.integers(1, 60),
    gaps=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), max_size=4),
)
def test_a_clock_with_pauses_agrees_with_a_day_by_day_count(start, limit, gaps):
    """Pauses begin no later than the limit would end without them (a stopped clock cannot be paused)."""
    spans = []
    for offset, length in gaps:
        since = start + timedelta(offset)
        if since > by_hand(start, limit, spans):
            continue
        spans.append((since, since + timedelta(length)))
    clock = plain(start, limit)
    clocks.recompute(clock, pauses(*spans))
    assert clocks.due_day(clock) == by_hand(start, limit, spans)


def test_overlapping_pauses_count_once():
    clock = plain(date(2026, 3, 2), 10)
    clocks.recompute(
        clock, pauses((date(2026, 3, 4), date(2026, 3, 11)), (date(2026, 3, 9), date(2026, 3, 13)))
    )
    assert clock.paused_ord == 7  # 4-6, 9-12 March
    assert clocks.due_day(clock) == by_hand(date(2026, 3, 2), 10, [(date(2026, 3, 4), date(2026, 3, 13))])


def test_a_test_across_a_holiday_costs_only_its_working_days():
    clock = plain(date(2026, 9, 25), 10)
    clocks.recompute(clock, pauses((date(2026, 9, 29), date(2026, 10, 12))))
    assert clock.paused_ord == 5  # 29, 30 September, 8, 9 and make-up Saturday 10 October


@pytest.mark.parametrize(
    ("start", "limit", "unit", "due"),
    [
        (date(2006, 4, 5), 30, "day", date(2006, 5, 8)),
        (date(2026, 1, 20), 30, "day", date(2026, 2, 24)),
        (date(2026, 8, 31), 6, "month", date(2027, 3, 1)),  # 28 February 2027 is a Sunday
    ],
)
def test_natural_days_and_months_roll_forward(start, limit, unit, due):
    assert clocks.due_day(plain(start, limit, unit)) == due


@pytest.mark.parametrize(
    ("remaining", "colour"),
    [(10, "green"), (5, "green"), (4, "yellow"), (2, "yellow"), (1, "orange"), (0, "orange")],
)
def test_fifteen_days_turn_yellow_with_four_left(remaining, colour):
    today = date(2026, 11, 2)
    due = calendar.ordinal(today) + remaining
    assert lamp(due, 15, False, today, Thresholds(0.3, 1)).colour == colour


def test_the_day_after_the_last_day_is_red_even_on_a_weekend():
    friday = date(2026, 11, 6)
    due = calendar.ordinal(friday)
    marks = Thresholds(0.3, 1)
    assert lamp(due, 5, False, friday, marks).colour == "orange"
    assert lamp(due, 5, False, date(2026, 11, 7), marks).colour == "red"


def test_why_names_the_article_the_limit_and_the_days():
    case = open_case(date(2026, 2, 10))
    lines = clocks.why(case.clocks.get())
    assert "第三十二条" in lines[0] and "5 个工作日" in lines[0]
    assert any("2026-02-14" in line for line in lines)


@pytest.fixture
def decided(request):
    clerk, examiner, inspector = (
        person("甲", "window_clerk"),
        person("乙", "examiner"),
        person("丙", "inspector"),
    )
    case = open_case(date(2026, 3, 2))
    go(case, "first", "accept", clerk, date(2026, 3, 2))
    go(case, "right", "pass", inspector)
    go(case, "left", "pass", examiner)
    go(case, "left2", "pass", examiner)
    return case, person("丁", "approver", place=330100000000, level="city")


def test_an_extension_is_once_in_time_and_no_longer_than_allowed(decided, monkeypatch):
    from types import SimpleNamespace

    from jinzhi.casework import documents

    monkeypatch.setattr(documents, "issue", lambda *a, **k: SimpleNamespace(number="x"))
    case, head = decided
    due = clocks.due_day(case.clocks.get(key="decision"))
    with pytest.raises(actions.Refused, match="最多可延长 10 个工作日"):
        go(case, "last", "extend", head, due, reason="案情复杂", payload={"days": "11"})
    with pytest.raises(actions.Refused, match="届满，不能再延长"):
        go(case, "last", "extend", head, due + timedelta(1), reason="案情复杂", payload={"days": "5"})
    go(case, "last", "extend", head, due, reason="案情复杂", payload={"days": "5"})
    assert clocks.due_day(case.clocks.get(key="decision")) == by_hand(date(2026, 3, 2), 25, [])
    with pytest.raises(actions.Refused, match="只能延长一次"):
        go(case, "last", "extend", head, due, reason="案情复杂", payload={"days": "1"})


def test_suspension_only_on_a_ground_of_the_law_and_resume_gives_the_days_back(decided, monkeypatch):
    from types import SimpleNamespace

    from jinzhi.casework import documents

    monkeypatch.setattr(documents, "issue", lambda *a, **k: SimpleNamespace(number="x"))
    case, head = decided
    with pytest.raises(actions.Refused, match="事由只能是"):
        go(case, "last", "suspend", head, reason="忙", payload={"ground": "人手不足"})
    with pytest.raises(actions.Refused, match="预计需要的日数"):
        go(case, "last", "suspend", head, reason="送检", payload={"ground": "检验"})
    payload = {"ground": "检验", "days": "7"}
    go(case, "last", "suspend", head, date(2026, 3, 10), reason="送检", payload=payload)
    assert case.clocks.get(key="decision").state == "paused"
    go(case, "last", "resume", head, date(2026, 3, 17))
    clock = case.clocks.get(key="decision")
    assert (clock.state, clock.paused_ord) == ("running", 5)
    assert clocks.due_day(clock) == by_hand(date(2026, 3, 2), 20, [(date(2026, 3, 10), date(2026, 3, 17))])


def test_approval_after_the_limit_is_recorded_as_late(decided):
    case, head = decided
    late = clocks.due_day(case.clocks.get(key="decision")) + timedelta(3)
    go(case, "last", "approve", head, late)
    assert case.clocks.get(key="decision").state == "missed"


def test_two_grounds_at_once_are_both_recorded_and_counted_once(decided, monkeypatch):
    from types import SimpleNamespace

    from jinzhi.casework import documents

    monkeypatch.setattr(documents, "issue", lambda *a, **k: SimpleNamespace(number="x"))
    case, head = decided
    for day, ground in ((date(2026, 3, 10), "检验"), (date(2026, 3, 12), "专家评审")):
        go(case, "last", "suspend", head, day, reason="需要", payload={"ground": ground, "days": "5"})
    clock = case.clocks.get(key="decision")
    assert clock.pauses.filter(until=None).count() == 2
    with pytest.raises(actions.Refused, match="尚未恢复"):
        go(case, "last", "approve", head, date(2026, 3, 13))
    go(case, "last", "resume", head, date(2026, 3, 17))
    clock.refresh_from_db()
    assert (clock.state, clock.paused_ord) == ("running", 5)


def test_an_act_on_a_rest_day_says_so(decided):
    case, head = decided
    go(case, "last", "approve", head, date(2026, 3, 14))  # a Saturday
    assert "当日为休息日" in case.events.get(kind="approve").sentence
