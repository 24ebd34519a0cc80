"""Reporting limits by kind and grade, from the moment of discovery; downgrading takes two people."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from jinzhi.casework import actions
from jinzhi.network.operations import opening

from .world import CITY, do, minutes_ago, official, step

pytestmark = pytest.mark.django_db
CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/incident_limits.yaml").read_text())


@pytest.fixture
def operator():
    return official(CITY, "operator")


@pytest.fixture
def manager():
    return official(CITY, "operations_manager")


def incident(actor, operator="other", grade="3", police="no", personal="no", found=30):
    data = {
        "incident": {
            "title": "门户被篡改", "kind": "attack", "node": "330100", "system": "门户", "found": minutes_ago(found),
            "description": "首页被替换",
        },
        "nature": {"grade": grade, "operator": operator, "police": police, "personal": personal},
    }  # fmt: skip
    return opening.begin("security_incident", data, actor, CITY)


def judge(case, actor, grade="3"):
    made = {"grade": grade, "basis": "对照分级指南", "evidence": "日志已封存"}
    return do(case, "pass", actor, "judge", payload={"result": {"conclusion": made}})


def report(case, actor, key="report", **changes):
    made = {
        "to": "省级网信部门",
        "reported": minutes_ago(1),
        "by": "电话",
        "content": "要点",
        "persons": "",
    } | changes
    return do(case, "conclude", actor, key, payload={"result": {"conclusion": made}})


@pytest.mark.parametrize("case", CASES, ids=[c["title"] for c in CASES])
def test_worked_examples(operator, case):
    made = judge(incident(operator, case["operator"], case["grade"], case["police"]), operator, case["grade"])
    found = {c.key: c for c in made.clocks.filter(state="running")}
    assert {k: [c.limit, c.unit] for k, c in found.items()} == case["clocks"]
    discovered = datetime.fromisoformat(made.facts["found_at"])
    for key, (limit, unit) in case["clocks"].items():
        assert found[key].due_at == discovered + timedelta(**{f"{unit}s": limit})


def test_a_serious_incident_is_not_passed_over(operator, manager):
    case = judge(incident(operator), operator)
    with pytest.raises(actions.Refused, match="应当报告"):
        do(case, "pass", manager, "report", reason="不报")


def test_a_report_after_the_limit_is_missed(operator, manager):
    case = judge(incident(operator, found=300), operator)
    report(case, manager)
    assert case.clocks.get(key="report").state == "missed"


def test_in_time_it_is_met(operator, manager):
    case = report(judge(incident(operator), operator), manager)
    assert case.clocks.get(key="report").state == "met"


@pytest.mark.parametrize("reported", ["2099-01-01 00:00", "2001-01-01 00:00", "soon"])
def test_a_report_is_made_after_the_discovery_and_not_tomorrow(operator, manager, reported):
    case = judge(incident(operator), operator)
    with pytest.raises(actions.Refused):
        report(case, manager, reported=reported)


def test_leaked_personal_data_asks_for_what_was_done(operator, manager):
    case = judge(incident(operator, personal="yes"), operator)
    with pytest.raises(actions.Refused, match="个人信息"):
        report(case, manager)


def regrade(case, actor, grade, **more):
    actions.perform(case.pk, "regrade", None, actor, reason="核实", payload={"grade": grade}, **more)
    case.refresh_from_db()


def test_downgrading_takes_a_second_person(operator, manager):
    case = judge(incident(operator), operator)
    regrade(case, manager, "4")
    assert case.facts["grade"] == "3" and case.clocks.get(key="report").state == "running"
    with pytest.raises(actions.NoPower):
        actions.perform(case.pk, "confirm_regrade", None, manager)
    other = official(CITY, "operations_manager")
    actions.perform(case.pk, "confirm_regrade", None, other)
    case.refresh_from_db()
    assert case.facts["grade"] == "4" and case.clocks.get(key="report").state == "void"


def test_upgrading_is_at_once_and_starts_the_limit(operator, manager):
    case = judge(incident(operator, grade="4"), operator, "4")
    do(case, "pass", manager, "report", reason="一般事件")
    regrade(case, manager, "3")
    assert case.clocks.get(key="report").state == "running"
    assert step(case, "report").agency.place == CITY  # the report is asked for again


def test_a_judgement_below_the_first_impression_is_a_downgrade(operator):
    case = judge(incident(operator, grade="2"), operator, "4")
    assert case.facts["grade"] == "2" and case.facts["proposed_grade"]["grade"] == "4"


def test_an_incident_is_closed_by_another_than_who_analysed_it(operator, manager):
    case = report(judge(incident(operator, police="yes"), operator), manager)
    do(case, "conclude", manager, "police", reason="已报西湖分局")
    do(case, "conclude", operator, "contain", reason="断网")
    do(case, "conclude", operator, "eradicate", reason="重装")
    root = {"cause": "弱口令", "loss": "首页两小时", "lessons": "启用双因素"}
    do(case, "conclude", operator, "review", payload={"result": {"conclusion": root}})
    assert case.clocks.get(key="summary").state == "running"
    do(case, "approve", manager, "close", reason="总结报告已报送")
    assert case.outcome == "done" and case.clocks.get(key="summary").state == "met"


def test_a_proposed_grade_keeps_it_open(operator, manager):
    case = judge(incident(operator, grade="2"), operator, "3")
    report(case, manager)
    do(case, "pass", manager, "police", reason="不涉及")
    do(case, "conclude", operator, "contain", reason="断网")
    do(case, "conclude", operator, "eradicate", reason="重装")
    root = {"cause": "弱口令", "loss": "首页两小时", "lessons": "启用双因素"}
    do(case, "conclude", operator, "review", payload={"result": {"conclusion": root}})
    with pytest.raises(actions.Refused, match="复核"):
        do(case, "approve", manager, "close", reason="x")
