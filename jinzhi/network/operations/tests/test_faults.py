"""A fault runs by its priority, climbs the levels when a limit runs out, and is not closed without its cause."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jinzhi.casework import actions, timers
from jinzhi.casework.models import Case, Clock
from jinzhi.foundation.places import scope
from jinzhi.network.operations.models import Outage

from .world import (
    CITY,
    COUNTY,
    OTHER_COUNTY,
    PROVINCE,
    confirmed,
    do,
    fault,
    minutes_ago,
    official,
    solved,
    step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def county():
    return official(COUNTY, "operator")


@pytest.fixture
def city():
    return official(CITY, "operator")


@pytest.fixture
def province():
    return official(PROVINCE, "operator")


def clock(case, key):
    return case.clocks.filter(key=key).latest("id")


@pytest.mark.parametrize(
    "impact, urgency, priority, response, unit",
    [
        ("high", "high", "P1", 15, "minute"), ("high", "middle", "P2", 30, "minute"), ("middle", "high", "P2", 30, "minute"),
        ("middle", "middle", "P3", 2, "hour"), ("low", "high", "P3", 2, "hour"), ("low", "low", "P4", 1, "workday"),
    ],
)  # fmt: skip
def test_impact_and_urgency_give_priority_and_limits(county, impact, urgency, priority, response, unit):
    case = fault(county, impact=impact, urgency=urgency)
    limit = clock(case, "response")
    assert case.facts["priority"] == priority
    assert (limit.limit, limit.unit) == (response, unit)


def test_a_fault_is_taken_mended_confirmed_and_counted(county):
    case = fault(county)
    do(case, "accept", county)
    assert clock(case, "response").state == "met"
    do(case, "conclude", county, payload=solved())
    do(case, "conclude", county, payload=confirmed())
    assert (case.state, case.outcome) == ("closed", "done")
    outage = Outage.objects.get(ticket=case.number)
    assert outage.node == "330100" and outage.layer == "L3"
    assert clock(case, "restore").state == "met"


def test_a_fault_is_not_closed_without_its_cause(county):
    case = do(fault(county), "accept", county)
    with pytest.raises(actions.Refused, match="故障原因"):
        do(case, "conclude", county, payload=solved(cause=""))


def test_a_first_grade_fault_needs_a_report(county):
    case = do(fault(county), "accept", county)
    do(case, "conclude", county, payload=solved())
    with pytest.raises(actions.Refused, match="重大故障报告"):
        do(case, "conclude", county, payload=confirmed(report=""))


@pytest.mark.parametrize("when", ["2099-01-01 00:00", "yesterday", "", "2026-13-40 99:99"])
def test_a_time_that_is_none_or_has_not_come_is_refused(county, when):
    with pytest.raises(actions.Refused):
        fault(county, began=when)


def test_restored_before_it_began_is_refused(county):
    case = do(fault(county), "accept", county)
    with pytest.raises(actions.Refused, match="不能早于发生时间"):
        do(case, "conclude", county, payload=solved(restored=minutes_ago(160)))


def test_who_does_not_answer_in_time_loses_it_to_the_level_above(county, city, province):
    case = fault(county, at=timezone.now() - timedelta(minutes=16))
    assert timers.run(moments=True) == 1
    case.refresh_from_db()
    held = step(case)
    assert (held.key, held.agency.place, case.facts["level"]) == ("respond", CITY, "city")
    assert case.clocks.filter(key="response", state="missed").count() == 1
    assert clock(case, "response").state == "running"  # the city has its own fifteen minutes
    with pytest.raises(actions.NoPower):
        do(case, "accept", county)
    do(case, "accept", city)
    assert timers.run(moments=True) == 0


def test_it_climbs_to_the_vendor_and_no_further(county, province):
    case = fault(county, at=timezone.now() - timedelta(hours=1))
    for _ in range(3):
        Clock.objects.filter(case=case, state="running").update(due_at=timezone.now() - timedelta(minutes=1))
        timers.run(moments=True)
    case.refresh_from_db()
    assert [way[1] for way in case.facts["way"]] == ["city", "province", "vendor"]
    assert step(case).key == "vendor"
    Clock.objects.filter(case=case, state="running").update(due_at=timezone.now() - timedelta(minutes=1))
    assert timers.run(moments=True) == 0
    do(case, "conclude", province, payload=solved())
    assert step(case).key == "confirm"


def test_restoring_late_climbs_and_is_kept_as_missed(county):
    case = do(fault(county), "accept", county)
    Clock.objects.filter(case=case, key="restore").update(due_at=timezone.now() - timedelta(seconds=1))
    assert timers.run(moments=True) == 1
    case.refresh_from_db()
    assert case.facts["level"] == "city" and step(case).key == "respond"
    assert case.clocks.filter(key="restore", state="missed").exists()


def test_a_person_escalates_with_a_reason(county):
    case = fault(county)
    with pytest.raises(actions.Refused, match="理由"):
        do(case, "escalate", county)
    do(case, "escalate", county, reason="需要更换核心交换机")
    assert case.facts["level"] == "city"


def _closed(county):
    case = do(fault(county), "accept", county)
    do(case, "conclude", county, payload=solved())
    return do(case, "conclude", county, payload=confirmed())


def test_it_can_be_opened_again_within_five_working_days(county):
    case = _closed(county)
    actions.perform(case.pk, "reopen_fault", None, county, reason="又断了")
    case.refresh_from_db()
    assert case.state == "open" and step(case).key == "handle" and clock(case, "restore").state == "running"
    do(case, "conclude", county, payload=solved())
    do(case, "conclude", county, payload=confirmed())
    assert Outage.objects.filter(ticket=case.number).count() == 1


def test_after_five_working_days_it_is_another_fault(county):
    case = _closed(county)
    Case.objects.filter(pk=case.pk).update(closed_on=timezone.localdate() - timedelta(days=15))
    with pytest.raises(actions.Refused, match="另报故障"):
        actions.perform(case.pk, "reopen_fault", None, county, reason="又断了")


def test_another_county_neither_sees_nor_acts(county):
    case = fault(county)
    stranger = official(OTHER_COUNTY, "operator")
    held = step(case).pk
    with scope.acting(scope.staff(OTHER_COUNTY)), pytest.raises(Case.DoesNotExist):
        actions.perform(case.pk, "accept", held, stranger)


def test_only_operators_act(county):
    clerk = official(COUNTY, "window_clerk")
    with pytest.raises(actions.NoPower):
        do(fault(county), "accept", clerk)


def test_supervision_of_approvals_does_not_ask_about_faults(county):
    from jinzhi.casework.esupervision import running
    from jinzhi.casework.esupervision.models import Signal

    case = fault(county, at=timezone.now() - timedelta(hours=1))
    running.run(timezone.localdate(), fire=False, verify=False)
    assert not Signal.objects.filter(case=case).exists()


def test_a_limit_in_minutes_shows_minutes(county):
    from jinzhi.casework import presenting

    case = fault(county, at=timezone.now() - timedelta(minutes=5))
    shown = {c.clock.key: c for c in presenting.shown_clocks(case)}
    assert shown["response"].lamp.text == "剩 10 分钟" and shown["response"].lamp.colour == "green"
    Clock.objects.filter(case=case, key="response").update(due_at=timezone.now() - timedelta(minutes=61))
    shown = {c.clock.key: c for c in presenting.shown_clocks(case)}
    assert shown["response"].lamp.text.startswith("超期 1 小时") and shown["response"].lamp.colour == "red"
