"""The engine's rules: forks meet, returns close what they cross, nobody acts twice or without power."""

from datetime import date

import pytest
from django.db import ProgrammingError, transaction

from jinzhi.casework import actions, events
from jinzhi.casework.models import Case, Step
from jinzhi.casework.tests.sample import COUNTY, at, go, open_case, open_keys, person
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    return person("受理员", "window_clerk")


@pytest.fixture
def examiner():
    return person("审查员", "examiner")


@pytest.fixture
def inspector():
    return person("核查员", "inspector")


@pytest.fixture
def approver():
    return person("审批人", "approver", place=330100000000, level="city")


@pytest.fixture
def forked(clerk):
    case = open_case()
    go(case, "first", "accept", clerk)
    return case


def test_acceptance_opens_both_branches_and_starts_the_decision_clock(forked):
    forked.refresh_from_db()
    assert open_keys(forked) == {"left", "right"}
    assert forked.accepted_on == date(2026, 3, 3)
    assert forked.clocks.get(key="acceptance").state == "met"
    assert forked.clocks.get(key="decision").state == "running"


def test_the_join_waits_for_both_branches(forked, examiner, inspector):
    go(forked, "right", "pass", inspector)
    assert open_keys(forked) == {"left"}
    go(forked, "left", "pass", examiner)
    assert open_keys(forked) == {"left2"}
    go(forked, "left2", "pass", examiner)
    assert open_keys(forked) == {"last"}
    assert not forked.steps.filter(kind="parallel", state="open").exists()


def test_a_return_inside_a_branch_keeps_the_sibling(forked, examiner):
    go(forked, "left", "pass", examiner)
    go(forked, "left2", "return", examiner, reason="补充", payload={"target": "left"})
    assert open_keys(forked) == {"left", "right"}


def test_a_return_across_the_fork_closes_the_siblings_and_says_so(forked, examiner):
    go(forked, "left", "pass", examiner)
    act = go(forked, "left2", "return", examiner, reason="重新受理", payload={"target": "first"})
    assert open_keys(forked) == {"first"}
    assert forked.steps.get(key="right").state == "cancelled"
    assert "取消“右”" in act.case.events.last().sentence


def test_a_return_into_a_closed_block_reopens_that_branch_alone(forked, examiner, inspector, approver):
    go(forked, "right", "pass", inspector)
    go(forked, "left", "pass", examiner)
    go(forked, "left2", "pass", examiner)
    go(forked, "last", "return", approver, reason="重做", payload={"target": "left"})
    assert open_keys(forked) == {"left"}
    go(forked, "left", "pass", examiner)
    go(forked, "left2", "pass", examiner)
    assert open_keys(forked) == {"last"}


def test_a_return_needs_a_declared_target_and_a_reason(forked, examiner):
    go(forked, "left", "pass", examiner)
    with pytest.raises(actions.Refused, match="理由"):
        go(forked, "left2", "return", examiner, payload={"target": "left"})
    with pytest.raises(actions.Refused, match="请选择退回到哪个环节：左、受理"):
        go(forked, "left2", "return", examiner, reason="x", payload={"target": "right"})


def test_the_same_step_cannot_be_done_twice(clerk):
    case = open_case()
    step = case.steps.get(key="first")
    go(case, "first", "accept", clerk)
    with pytest.raises(actions.AlreadyDone, match="受理员 于 2026-03-03 10:00 办理：受理"):
        actions.perform(case.pk, "accept", step.pk, clerk)
    assert case.events.count() == 2


@pytest.mark.parametrize("roles", [(), ("examiner",), ("supervisor",)])
def test_a_post_without_the_power_is_refused(roles):
    with pytest.raises(actions.NoPower):
        go(open_case(), "first", "accept", person("外人", *roles))


def test_a_post_of_another_county_is_refused():
    stranger = person("邻县", "window_clerk", place=330105000000)
    with pytest.raises(actions.NoPower):
        go(open_case(), "first", "accept", stranger)


def test_a_power_for_another_procedure_or_step_does_not_reach(clerk):
    for field, value in (("procedure", "other"), ("step", "second")):
        power = clerk.powers[0]
        setattr(power, field, value)
        with pytest.raises(actions.NoPower):
            go(open_case(), "first", "accept", clerk)
        setattr(power, field, "")


def test_who_reviewed_does_not_decide(forked, inspector):
    both = person("多面手", "examiner")
    go(forked, "right", "pass", inspector)
    go(forked, "left", "pass", both)
    go(forked, "left2", "pass", both)
    city = person("甲", "approver", place=330100000000, level="city")
    decider = actions.Actor(both.account, city.post, city.powers)
    with pytest.raises(actions.NoPower, match="您已办理“左”"):
        go(forked, "last", "approve", decider)


def test_a_delegate_acts_in_the_name_of_the_giver(clerk):
    helper = person("代办人", "examiner")
    acting = actions.Actor(helper.account, helper.post, (*helper.powers, *clerk.powers))
    case = open_case()
    act = go(case, "first", "accept", acting)
    assert act.on_behalf == clerk.post
    assert "代办人（代 受理员）" in case.events.last().sentence


def test_recall_works_until_the_successor_was_looked_at(forked, examiner):
    go(forked, "left", "pass", examiner)
    actions.perform(forked.pk, "recall", None, examiner, at=at(date(2026, 3, 3)))
    assert open_keys(forked) == {"left", "right"}
    go(forked, "left", "pass", examiner)
    forked.steps.filter(key="left2", state="open").update(taken_at="2026-03-04T00:00Z")
    with pytest.raises(actions.Refused, match="不能撤回"):
        actions.perform(forked.pk, "recall", None, examiner, at=at(date(2026, 3, 3)))


def test_nothing_is_recalled_into_a_block_that_a_return_has_closed(forked, examiner, inspector):
    go(forked, "right", "pass", inspector)
    go(forked, "left", "pass", examiner)
    go(forked, "left2", "return", examiner, reason="重新受理", payload={"target": "first"})
    with pytest.raises(actions.Refused, match="不能撤回"):
        actions.perform(forked.pk, "recall", None, inspector, at=at(date(2026, 3, 3)))
    assert open_keys(forked) == {"first"}


def test_an_internal_return_does_not_start_the_limit_anew(forked, examiner, clerk):
    due = forked.clocks.get(key="decision").due_ord
    go(forked, "left", "pass", examiner)
    go(forked, "left2", "return", examiner, reason="重新受理", payload={"target": "first"})
    go(forked, "first", "accept", clerk, date(2026, 3, 9))
    assert [c.due_ord for c in forked.clocks.filter(key="decision")] == [due]


def test_an_act_of_the_case_needs_its_step_and_an_act_of_time_its_day(clerk):
    case = open_case()
    for key in ("accept", "copy", "extend", "return", "suspend"):
        with pytest.raises(actions.Refused, match="待办环节"):
            actions.perform(case.pk, key, None, clerk, reason="x", payload={"posts": [clerk.post]})
    with pytest.raises(actions.NoPower, match="不能办理"):
        go(case, "first", "deem_accepted", clerk)


def test_nobody_withdraws_what_no_enterprise_applied_for(clerk):
    """The case came over the counter; an official belongs to no enterprise either."""
    case = open_case()
    assert case.enterprise_id is None and clerk.account.enterprise_id is None
    with pytest.raises(actions.Refused, match="只有申请人"):
        actions.perform(case.pk, "withdraw", None, clerk, reason="x")


def test_an_ended_case_has_no_open_step_and_no_running_clock(clerk):
    case = open_case()
    go(case, "first", "refuse", clerk, reason="不属于本机关职权")
    case.refresh_from_db()
    assert (case.state, case.outcome) == ("closed", "not_accepted")
    assert not case.steps.filter(state="open").exists()
    assert not case.clocks.filter(state__in=["running", "paused"]).exists()
    with pytest.raises(actions.Refused, match=r"只有申请人|已于"):
        actions.perform(case.pk, "withdraw", None, clerk, reason="x")


def test_a_refusal_without_reason_is_refused(clerk):
    with pytest.raises(actions.Refused, match="理由"):
        go(open_case(), "first", "refuse", clerk, reason="  ")


def test_the_story_shows_any_change(forked):
    forked.refresh_from_db()
    assert events.faults(forked) == []
    forged = forked.events.last()
    forged.sentence = "改过"
    assert events.digest(forged) != forged.hash


def test_a_story_cut_off_at_the_end_shows(forked):
    Case.objects.filter(pk=forked.pk).update(story_length=3)
    forked.refresh_from_db()
    assert [f.kind for f in events.faults(forked)] == ["truncated"]


@pytest.mark.parametrize("rewrite", [lambda e: e.update(sentence="x"), lambda e: e.delete()])
def test_history_of_a_case_cannot_be_rewritten_by_the_application(forked, rewrite):
    with pytest.raises(ProgrammingError), transaction.atomic():
        rewrite(forked.events.all())


def test_out_of_scope_there_is_no_case(forked):
    with scope.acting(scope.staff(330105000000)):
        assert not Case.objects.filter(pk=forked.pk).exists()
        assert not Step.objects.filter(case_id=forked.pk).exists()
    with scope.acting(scope.staff(COUNTY)):
        assert Case.objects.filter(pk=forked.pk).exists()
    with scope.acting(scope.staff(330100000000)):
        assert Case.objects.filter(pk=forked.pk).exists()
    for nobody in (scope.NOBODY, scope.enterprise("00000000-0000-0000-0000-000000000000")):
        with scope.acting(nobody):
            assert not Case.objects.filter(pk=forked.pk).exists()
    with scope.acting(scope.PUBLIC), pytest.raises(ProgrammingError), transaction.atomic():
        Case.objects.filter(pk=forked.pk).exists()
