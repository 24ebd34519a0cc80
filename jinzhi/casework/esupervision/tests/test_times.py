"""T1 to T9: right to the day, around holidays and make-up days, in both eras, once for each cause."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import clocks
from jinzhi.casework.esupervision.models import Handling, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import begun, found, signal, supervise
from jinzhi.casework.models import Clock
from jinzhi.foundation import calendar

pytestmark = pytest.mark.django_db
D = date.fromisoformat


@pytest.fixture
def w():
    return world.World()


def due(case, key) -> date:
    return clocks.due_day(case.clocks.get(key=key))


def later(day: date, workdays: int) -> date:
    return calendar.day_of(calendar.ordinal(day) + workdays)


# last day of five working days, and the first day on which it is over (services.md 0.4)
FIVE = [
    ("2006-04-27", "2006-05-09", "2006-05-10"),  # Sat 29 and Sun 30 April were worked, 1-7 May off
    ("2007-12-26", "2008-01-03", "2008-01-04"),  # Sat 29 Dec worked
    ("2025-09-26", "2025-10-10", "2025-10-11"),  # Sun 28 Sep worked, 1-8 Oct off; Sat 11 Oct worked
    ("2026-02-10", "2026-02-24", "2026-02-25"),  # Sat 14 Feb worked, 15-23 Feb off
    ("2026-09-30", "2026-10-13", "2026-10-14"),  # Sat 10 Oct worked
    ("2026-03-02", "2026-03-09", "2026-03-10"),
]


@pytest.mark.parametrize(("received", "last", "over"), FIVE)
def test_t7_is_raised_on_the_first_day_after_the_last_and_not_before(received, last, over):
    case = begun(D(received))
    assert due(case, "acceptance") == D(last)
    supervise(D(last))
    assert "T7" not in found(case)
    supervise(D(over))
    assert found(case)["T7"] == "red"
    card = signal(case, "T7")
    assert card.happened_on == D(last) + timedelta(days=1) and card.basis["due"] == last
    assert card.step_name == "受理" and card.agency.place == world.COUNTY


def test_t7_fires_on_a_rest_day_after_a_friday():
    case = begun(D("2026-03-06"))  # until Friday the 13th
    supervise(D("2026-03-13"))
    assert "T7" not in found(case)
    supervise(D("2026-03-14"))
    assert "T7" in found(case)


def test_t7_switches_the_case_to_deemed_acceptance_and_still_raises_the_card(w):
    case = begun(D("2026-03-02"))
    result = supervise(D("2026-03-10"), fire=True)
    case.refresh_from_db()
    assert result.timers == 1 and case.accepted_on == D("2026-03-02")
    assert found(case)["T7"] == "red" and signal(case, "T7").step_name == "受理"


def test_acceptance_on_the_last_day_raises_no_t7_and_late_acceptance_does(w):
    timely = w.accepted(D("2026-03-02"), D("2026-03-09"))
    late = w.accepted(D("2026-03-02"), D("2026-03-10"))
    supervise(D("2026-03-20"))
    assert "T7" not in found(timely)
    assert found(late)["T7"] == "red"
    card = signal(late, "T7")
    assert card.happened_on == D("2026-03-10") and card.account == w.clerk.account


@pytest.mark.parametrize("accepted", ["2026-02-10", "2026-09-18", "2006-01-25", "2026-03-02"])
def test_t2_comes_one_working_day_before_the_promised_limit(w, accepted):
    case = w.accepted(D(accepted), D(accepted))
    last = due(case, "decision:promised")
    assert last == later(D(accepted), 10)
    two, one = later(last, -2), later(last, -1)
    supervise(two)
    assert "T2" not in {s.rule for s in Signal.objects.filter(case=case, cause="decision")}
    supervise(one)
    assert Signal.objects.get(case=case, rule="T2", cause="decision").colour == "blue"
    assert not Handling.objects.filter(signal__rule="T2").exists()  # a tip asks for nothing


def test_t3_comes_with_nine_tenths_of_the_promised_limit(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    supervise(later(D("2026-03-02"), 8))
    assert not Signal.objects.filter(case=case, rule="T3", cause="decision").exists()
    supervise(later(D("2026-03-02"), 9))
    card = Signal.objects.get(case=case, rule="T3", cause="decision")
    assert card.colour == "yellow" and card.basis["limit"] == 10


def test_t3_of_a_legal_limit_without_a_promised_one_counts_that_limit(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    case.clocks.filter(kind="promised").delete()
    supervise(later(D("2026-03-02"), 17))
    assert not Signal.objects.filter(case=case, rule="T3", cause="decision").exists()
    supervise(later(D("2026-03-02"), 18))
    assert Signal.objects.filter(case=case, rule="T3", cause="decision").exists()


def test_t4_a_step_is_late_while_the_case_is_in_time(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    case.clocks.filter(key="first").delete()  # its card would be T9, and one lateness gets one card
    supervise(D("2026-03-09"))
    assert "T4" not in found(case)
    supervise(D("2026-03-10"))
    card = signal(case, "T4")
    assert card.colour == "yellow" and card.step_name == "审查" and card.agency.place == world.COUNTY


def test_t4_is_not_raised_when_the_case_itself_is_late(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    step = case.clocks.get(key="step:review")
    step.due_ord = case.clocks.get(key="decision:promised").due_ord
    step.save()
    case.clocks.filter(key="first").delete()
    supervise(D("2026-03-20"))
    assert "T4" not in found(case) and "T5" in found(case)


def test_t5_red_today_yellow_in_2006(w):
    today, then = w.accepted(D("2026-03-02"), D("2026-03-02")), w.accepted(D("2006-03-01"), D("2006-03-01"))
    supervise(due(then, "decision:promised"))
    assert "T5" not in found(then)
    supervise(due(then, "decision:promised") + timedelta(days=1))
    assert found(then)["T5"] == "yellow"
    supervise(due(today, "decision:promised"))
    assert "T5" not in found(today)
    supervise(due(today, "decision:promised") + timedelta(days=1))
    assert found(today)["T5"] == "red"
    assert "T6" not in found(today)


def test_t6_the_legal_limit_sends_its_advice(w):
    case = w.accepted(D("2026-09-18"), D("2026-09-18"))
    w.act(case, "review", "pass", D("2026-09-21"))
    assert due(case, "decision") == D("2026-10-22")
    supervise(D("2026-10-22"))
    assert "T6" not in found(case)
    result = supervise(D("2026-10-23"))
    card = signal(case, "T6")
    assert card.colour == "red" and result.documents == 1
    assert card.agency.place == world.CITY and card.place == world.CITY and card.case_place == world.COUNTY
    assert "监察建议书" in card.handlings.get(kind="document").text


def test_decided_on_the_last_day_is_in_time_a_day_later_is_late_even_if_no_pass_ran_between(w):
    last = later(D("2026-03-02"), 20)
    timely = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), last)
    late = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), later(last, 1))
    supervise(D("2026-06-01"))
    assert "T6" not in found(timely) and found(late)["T6"] == "red"
    assert signal(late, "T6").account == w.approver.account


def test_suspended_days_do_not_count_and_a_paused_limit_raises_nothing(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    w.act(case, "review", "pass", D("2026-03-03"))
    for clock in case.clocks.filter(key__startswith="decision"):
        clocks.pause(clock, D("2026-03-04"), "检验", "法", "告〔2026〕1号", told=60)
    supervise(D("2026-04-30"))
    assert not set(found(case)) & {"T2", "T3", "T5", "T6"}
    for clock in case.clocks.filter(key__startswith="decision"):
        clocks.resume(clock, D("2026-05-06"))
    last = due(case, "decision:promised")
    supervise(last)
    assert "T5" not in found(case)
    supervise(last + timedelta(days=1))
    assert "T5" in found(case)


def test_an_extended_limit_is_late_only_after_its_new_day(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    w.act(case, "review", "pass", D("2026-03-03"))
    clocks.extend(case.clocks.get(key="decision"), 10)
    supervise(later(D("2026-03-02"), 30))
    assert "T6" not in found(case)
    supervise(later(D("2026-03-02"), 31))
    assert "T6" in found(case)


def test_t8_yellow_then_red_after_three_working_days_and_it_never_falls(w):
    case = w.decided(D("2026-02-02"), D("2026-02-02"), D("2026-02-03"), D("2026-02-10"))
    assert due(case, "delivery") == D("2026-03-02")
    supervise(D("2026-03-02"))
    assert "T8" not in found(case)
    supervise(D("2026-03-03"))
    assert found(case)["T8"] == "yellow"
    supervise(D("2026-03-05"))
    assert found(case)["T8"] == "yellow"
    supervise(D("2026-03-06"))
    assert found(case)["T8"] == "red" and signal(case, "T8").escalated_on == D("2026-03-06")
    supervise(D("2026-03-03"))
    assert found(case)["T8"] == "red"
    assert Signal.objects.filter(case=case, rule="T8").count() == 1


def test_t9_the_lower_bureau_reviews_too_late(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    supervise(D("2026-03-09"))
    assert "T9" not in found(case)
    supervise(D("2026-03-10"))
    assert found(case)["T9"] == "yellow" and signal(case, "T9").agency.place == world.COUNTY
    supervise(D("2026-03-13"))
    assert found(case)["T9"] == "red"


def test_t1_finished_before_the_promised_day_is_green_on_the_day_itself_it_is_not(w):
    early = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), later(D("2026-03-02"), 9))
    on_the_day = w.decided(D("2026-03-02"), D("2026-03-02"), D("2026-03-03"), later(D("2026-03-02"), 10))
    for case in (early, on_the_day):
        w.act(case, "certificate", "issue", D("2026-03-20"))
    supervise(D("2026-03-20"))
    assert found(early)["T1"] == "green" and "T1" not in found(on_the_day)


def test_a_limit_of_the_applicant_raises_nothing(w):
    case = begun(D("2026-03-02"))
    Clock.objects.filter(case=case).update(owner="applicant")
    supervise(D("2026-06-01"))
    assert found(case) == {}


def test_a_limit_in_hours_is_over_at_its_hour(w):
    case = begun(D("2026-03-02"))
    clock = case.clocks.get()
    clock.unit, clock.limit, clock.due_at = "hour", 24, world.at(D("2026-03-03"), 9)
    clocks.recompute(clock, ())
    clock.save()
    supervise(D("2026-03-02"))
    assert "T7" not in found(case)
    supervise(D("2026-03-03"))
    assert found(case)["T7"] == "red"


def test_a_pass_repeated_changes_nothing(w):
    w.accepted(D("2026-03-02"), D("2026-03-02"))
    begun(D("2026-03-02"))
    supervise(D("2026-04-10"))
    before = list(Signal.objects.order_by("pk").values())
    entries = Handling.objects.count()
    again = supervise(D("2026-04-10"))
    assert (again.raised, again.escalated, again.settled, again.documents) == (0, 0, 0, 0)
    assert list(Signal.objects.order_by("pk").values()) == before and Handling.objects.count() == entries


def test_tips_and_warnings_of_two_limits_of_a_case_are_kept_apart(w):
    case = begun(D("2026-03-02"))
    supervise(D("2026-03-09"))
    w.act(case, "accept", "accept", D("2026-03-09"))
    supervise(later(D("2026-03-09"), 9))
    assert set(Signal.objects.filter(case=case, rule="T3").values_list("cause", flat=True)) >= {
        "acceptance",
        "decision",
    }


def test_a_rule_switched_off_raises_nothing(w, monkeypatch):
    from jinzhi.casework.esupervision import rulebook

    rows = [r for r in rulebook.rows() if r[0] != "T7"]
    monkeypatch.setattr(rulebook, "rows", lambda: rows)
    case = begun(D("2026-03-02"))
    supervise(D("2026-03-20"))
    assert "T7" not in found(case)


def test_a_limit_is_counted_against_an_independent_calendar(w):
    """Twenty starts over the year: the card comes on the day after a day-by-day count ends, not a day sooner."""
    for number in range(20):
        start = D("2026-01-05") + timedelta(days=13 * number)
        case = begun(start)
        day, left = start, 5
        while left:
            day += timedelta(days=1)
            left -= calendar.is_workday(day)
        supervise(day)
        assert "T7" not in found(case), start
        supervise(day + timedelta(days=1))
        assert "T7" in found(case), start
