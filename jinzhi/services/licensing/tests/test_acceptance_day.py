"""Received before a change of the rules, accepted after it: the rules of the day of acceptance hold."""

from datetime import date

import pytest

from jinzhi.casework import actions, clocks, events
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.services.licensing.tests import world

pytestmark = pytest.mark.django_db


def accepted(received: date, day: date) -> Case:
    case = world.submitted(received)
    world.go(case, "accept", "accept", world.official("受理", "window_clerk", world.CITY), day)
    return Case.objects.get(pk=case.pk)


@pytest.mark.parametrize(("day", "rule_set"), [(date(2010, 5, 31), "FP-2005"), (date(2010, 6, 1), "FP-2010")])
def test_the_day_of_acceptance_decides(day, rule_set):
    case = accepted(date(2010, 5, 28), day)
    clock = case.clocks.get(key="decision")
    assert (case.definition.rule_set, clock.limit) == (rule_set, 60)
    assert clocks.due_day(clock) == calendar.due(day, 60, "workday").date
    assert events.faults(case) == []


def test_what_was_accepted_before_is_finished_under_the_old_rules():
    case = accepted(date(2010, 5, 28), date(2010, 5, 31))
    examiner = world.official("审查", "examiner", world.CITY)
    world.go(case, "document_review", "pass", examiner, date(2010, 6, 7), reason="符合要求")
    case.refresh_from_db()
    assert case.definition.rule_set == "FP-2005" and case.rule_date == date(2010, 5, 28)


def test_the_story_says_it_once_and_the_new_rules_hold_from_then():
    case = accepted(date(2010, 5, 28), date(2010, 6, 1))
    assert case.events.filter(kind="migrate").count() == 1
    assert "受理之日" in case.events.get(kind="migrate").sentence
    assert case.rule_date == date(2010, 6, 1)
    stranger = world.official("外", "examiner", 330200000000)
    with pytest.raises(actions.NoPower):
        world.go(case, "document_review", "pass", stranger, date(2010, 6, 7), reason="x")


def test_where_the_forms_differ_the_old_version_finishes_what_was_begun():
    """From FP-2015 to FP-2020 the list of foods in the form changed: the 2020 version takes nothing over."""
    assert (
        world.intake.version_on("food_production_licence", date(2020, 3, 2)).procedure.mapping_from(4) is None
    )
