"""Inspection rounds, the address plan, changes."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from jinzhi.casework.refusals import Refused
from jinzhi.foundation.places import scope
from jinzhi.network.operations import addressing, inspecting
from jinzhi.network.operations.models import AddressBlock, Equipment, InspectionPlan

from .world import CITY, COUNTY, OTHER_CITY, PROVINCE, official

pytestmark = pytest.mark.django_db


def plan(cycle="daily", since=date(2026, 1, 1), **fields):
    return InspectionPlan.objects.create(
        place=CITY,
        agency="330100",
        title="机房巡检",
        cycle=cycle,
        items=["温度", "电源"],
        since=since,
        **fields,
    )


def test_periods_begin_on_the_day_the_monday_the_first():
    day = date(2026, 11, 18)
    assert [inspecting.period_of(c, day) for c in ("daily", "weekly", "monthly")] == [
        day, date(2026, 11, 16), date(2026, 11, 1),
    ]  # fmt: skip


def test_daily_rounds_are_for_working_days():
    found = inspecting.periods(plan(), date(2026, 10, 1), date(2026, 10, 8))
    assert date(2026, 10, 1) not in found and date(2026, 10, 8) in found


def test_months_follow_one_another_over_the_year():
    assert inspecting.periods(plan("monthly"), date(2026, 1, 1), date(2026, 12, 31)) == [
        date(2026, m, 1) for m in range(1, 13)
    ]


OK = [{"ok": True, "note": ""}, {"ok": True, "note": ""}]


def test_a_round_is_written_once_and_answers_every_item():
    actor, held = official(CITY, "operator"), plan("monthly")
    period = inspecting.period_of("monthly", timezone.localdate())
    for results in ([], OK[:1], [*OK, *OK], [{"ok": "yes"}, {"ok": True}]):
        with pytest.raises(Refused, match="逐项"):
            inspecting.record(held, period, results, actor)
    with pytest.raises(Refused, match="写明情况"):
        inspecting.record(held, period, [{"ok": False, "note": " "}, OK[0]], actor)
    made = inspecting.record(held, period, [{"ok": False, "note": "32 度"}, OK[0]], actor)
    assert made.abnormal == 1
    with pytest.raises(Refused, match="已经登记"):
        inspecting.record(held, period, OK, actor)
    assert inspecting.due(held, timezone.localdate()) is None


def test_tomorrow_is_not_inspected_today():
    with pytest.raises(Refused):
        inspecting.record(plan(), timezone.localdate() + timedelta(days=1), OK, official(CITY, "operator"))


def test_missing_rounds_are_known_when_their_period_is_over():
    held = plan("monthly", since=date(2026, 9, 1))
    assert inspecting.missing(held, date(2026, 9, 1), timezone.localdate())[:2] == [
        date(2026, 9, 1),
        date(2026, 10, 1),
    ]
    this_month = timezone.localdate().replace(day=1)
    assert this_month not in inspecting.missing(held, date(2026, 9, 1), timezone.localdate())


def block(cidr: str, place: int, number: str, **fields) -> AddressBlock:
    made = AddressBlock(
        cidr=cidr,
        place=place,
        number=number,
        owned_by="x",
        layer="L2",
        maintainer="city",
        purpose="办公",
        **fields,
    )
    addressing.check_block(made)
    made.save()
    return made


def test_blocks_lie_in_one_another_never_across():
    block("10.133.0.0/16", PROVINCE, "B1")
    block("10.133.16.0/20", CITY, "B2")
    block("10.133.17.0/24", COUNTY, "B3")
    with pytest.raises(Refused, match="重叠"):
        block("10.133.24.0/22", OTHER_CITY, "B4")
    with pytest.raises(Refused, match="已经分配"):
        block("10.133.17.0/24", COUNTY, "B5")
    with pytest.raises(Refused, match="重叠"):
        block("10.0.0.0/8", CITY, "B6")


@pytest.mark.parametrize(
    "cidr", ["10.0.0.1/24", "10.0.0.0/33", "nonsense", "", "10.0.0.0/8; drop table", "999.1.1.0/24"]
)
def test_what_is_no_block_is_refused(cidr):
    with pytest.raises(Refused):
        block(cidr, CITY, "B1")


def test_the_gateway_lies_in_its_block():
    with pytest.raises(Refused, match="网关"):
        block("10.133.17.0/24", CITY, "B1", gateway="10.133.18.1")


def device(address: str, place: int = CITY, number: str = "E1") -> Equipment:
    made = Equipment(
        number=number, name="核心交换机", place=place, owned_by="330100", layer="L2", maintainer="city", kind="switch",
        site="机房", importance="high", address=address,
    )  # fmt: skip
    addressing.check_address(made)
    made.save()
    return made


def test_an_address_is_planned_and_given_once():
    block("10.133.16.0/20", CITY, "B2")
    device("10.133.16.1")
    with pytest.raises(Refused, match="已由设备 E1 使用"):
        device("10.133.16.1", number="E2")
    with pytest.raises(Refused, match="不在本机构的地址规划内"):
        device("10.133.99.1", number="E2")
    with pytest.raises(Refused, match="不在本机构的地址规划内"):
        device("10.133.16.2", OTHER_CITY, number="E2")


def test_even_where_a_bureau_cannot_see_the_other_block():
    block("10.133.16.0/20", OTHER_CITY, "B2")
    with scope.acting(scope.staff(CITY)), pytest.raises(Refused, match="重叠"):
        block("10.133.17.0/24", CITY, "B3")
