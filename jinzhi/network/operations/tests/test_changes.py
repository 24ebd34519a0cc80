"""A change: risk, approval by another, the window, verification by another, rolling back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jinzhi.casework import actions
from jinzhi.network.operations import moments, opening
from jinzhi.network.operations.models import Window

from .world import CITY, COUNTY, PROVINCE, do, official, step

pytestmark = pytest.mark.django_db


def in_hours(hours: float) -> str:
    return moments.shown(timezone.now() + timedelta(hours=hours))


def change(actor, place=CITY, risk="low", **window):
    data = {
        "change": {
            "title": "核心交换机升级", "node": "330100", "equipment": "", "kind": "release", "reason": "漏洞",
            "content": "步骤",
        },
        "window": {"starts": in_hours(-1), "ends": in_hours(2), "stops": "no", "told": ""} | window,
        "risk": {"level": risk, "impact": "全市", "rollback": "换回旧版", "verification": "逐项"},
    }  # fmt: skip
    return opening.begin("network_change", data, actor, place)


def assess(case, actor, level="low", backed_up="yes"):
    made = {"level": level, "tested": "yes", "backed_up": backed_up, "opinion": "可行"}
    return do(case, "pass", actor, payload={"result": {"conclusion": made}})


@pytest.fixture
def operator():
    return official(CITY, "operator", "operations_manager")


def test_nobody_approves_what_he_assessed(operator):
    case = assess(change(operator), operator)
    with pytest.raises(actions.NoPower, match="由他人办理"):
        do(case, "approve", operator)


@pytest.mark.parametrize(
    "place, said, judged, seat",
    [
        (CITY, "low", "low", CITY), (CITY, "low", "high", PROVINCE), (CITY, "high", "low", PROVINCE),
        (COUNTY, "low", "low", COUNTY), (COUNTY, "middle", "low", CITY),
    ],
)  # fmt: skip
def test_the_heavier_judgement_decides_who_approves(place, said, judged, seat):
    actor = official(place, "operator")
    case = assess(change(actor, place, said), actor, judged)
    assert step(case).agency.place == seat


def test_without_a_backup_nothing_is_approved(operator):
    with pytest.raises(actions.Refused, match="备份"):
        assess(change(operator), operator, backed_up="no")


@pytest.mark.parametrize(
    "window",
    [
        {"starts": "morgen"}, {"ends": in_hours(-2)}, {"starts": in_hours(-9), "ends": in_hours(-3)},
        {"stops": "yes", "told": ""},
    ],
)  # fmt: skip
def test_a_window_that_is_none_is_refused(operator, window):
    with pytest.raises(actions.Refused):
        change(operator, **window)


def test_before_the_window_nothing_is_touched(operator):
    case = assess(change(operator, starts=in_hours(1)), operator)
    do(case, "approve", official(CITY, "operations_manager"))
    with pytest.raises(actions.Refused, match="不能提前实施"):
        do(case, "conclude", operator, reason="做完了")


def test_who_implements_does_not_verify(operator):
    case = assess(change(operator), operator)
    do(case, "approve", official(CITY, "operations_manager"))
    do(case, "conclude", operator, reason="做完了")
    with pytest.raises(actions.NoPower):
        do(case, "conclude", operator, reason="没问题")
    do(case, "conclude", official(CITY, "operator"), reason="没问题")
    assert case.outcome == "done"


def test_a_failed_change_is_rolled_back(operator):
    case = assess(change(operator), operator)
    do(case, "approve", official(CITY, "operations_manager"))
    do(case, "roll_back", operator, reason="端口起不来")
    do(case, "conclude", operator, reason="换回旧版")
    assert case.outcome == "terminated"


def test_an_approved_stop_is_a_window_and_a_cancelled_one_is_not(operator):
    case = assess(change(operator, stops="yes", told=in_hours(-30)), operator)
    assert not Window.objects.exists()
    do(case, "approve", official(CITY, "operations_manager"))
    assert Window.objects.get().change == case.number
    do(case, "refuse", operator, reason="取消")
    assert not Window.objects.exists()
