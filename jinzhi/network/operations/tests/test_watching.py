"""Thresholds raise, causes that are gone clear, what nobody looks at goes up; outages follow heartbeats."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jinzhi.casework.refusals import Refused
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.places import scope
from jinzhi.network import alarms
from jinzhi.network.models import Alarm, NetworkEvent, Node, Pulse
from jinzhi.network.operations import availability, console, watching
from jinzhi.network.operations.models import Deadline, Outage, SparePart

from .world import CITY, COUNTY, OTHER_CITY, PROVINCE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hub():
    exchange_node.enable("330000", True)
    Node.objects.create(
        code="330000", name="省中心", kind="hub", place=PROVINCE, state="active", last_seen=timezone.now()
    )


@pytest.fixture
def city():
    return Node.objects.create(
        code="330100",
        name="杭州市节点",
        kind="city",
        place=CITY,
        state="active",
        last_seen=timezone.now(),
        health={},
    )


def says(node, **facts):
    node.health, node.last_seen = facts, timezone.now()
    node.save()


def open_kinds(node="330100"):
    return dict(Alarm.objects.filter(cleared_at=None, node=node).values_list("kind", "level"))


@pytest.mark.parametrize(
    "facts, kinds",
    [
        ({"oldest_unsent_seconds": 601}, {"unsent": "warning"}), ({"oldest_unsent_seconds": 600}, {}),
        ({"queued": 100_001}, {"queued": "warning"}), ({"disk_free_mb": 1999}, {"disk": "warning"}),
        ({"disk_free_mb": 499}, {"disk": "severe"}), ({"disk_free_mb": 2000}, {}),
        ({"disk_free_mb": "full", "queued": None, "oldest_unsent_seconds": True}, {}),
    ],
)  # fmt: skip
def test_beyond_the_threshold_and_not_at_it(city, facts, kinds):
    says(city, **facts)
    watching.watch()
    assert open_kinds() == kinds


def test_an_alarm_is_raised_once_and_cleared_when_the_cause_is_gone(city):
    says(city, disk_free_mb=100)
    for _ in range(3):
        watching.watch()
    alarm = Alarm.objects.get(kind="disk")
    assert alarm.times == 1
    says(city, disk_free_mb=90_000)
    watching.watch()
    alarm.refresh_from_db()
    assert alarm.cleared_at


def test_what_others_raise_is_left_to_them(city):
    alarms.raise_alarm("diverged", "330100", "x", "severe")
    watching.watch()
    assert open_kinds() == {"diverged": "severe"}


def test_silence_is_an_outage_from_the_last_heartbeat_until_the_next(city):
    last = timezone.now() - timedelta(minutes=5)
    Node.objects.filter(pk=city.pk).update(last_seen=last, health={"disk_free_mb": 1})
    watching.watch()
    assert open_kinds() == {"silent": "severe"}  # what it said before is old
    outage = Outage.objects.get(node="330100")
    assert (outage.starts, outage.ends) == (last, None)
    watching.watch()
    says(city)
    watching.watch()
    outage.refresh_from_db()
    assert outage.ends and open_kinds() == {}
    now = timezone.now()
    found = availability.of_node("330100", now - timedelta(hours=1), now, now)
    assert timedelta(minutes=4) < found.down < timedelta(minutes=6)


def test_no_share_is_claimed_of_a_time_before_a_node_was_there(city):
    now = timezone.now()
    month = timedelta(days=30)
    assert availability.of_node("331100", now - month, now, now).share is None  # no such node yet
    Node.objects.filter(pk=city.pk).update(joined_at=now - timedelta(days=10))
    assert availability.of_node("330100", now - 2 * month, now - month, now).share is None
    assert availability.of_node("330100", now - month, now, now).agreed == timedelta(days=10)
    Outage.objects.create(
        node="330100", place=CITY, layer="L2", starts=now - timedelta(days=20), ends=now - timedelta(days=15),
        source="ticket",
    )  # fmt: skip
    found = availability.of_node("330100", now - month, now, now)
    assert (found.agreed, found.down) == (timedelta(days=20), timedelta(days=5))


def test_certificates_and_domains_that_end_and_parts_that_lack(city):
    base = {"place": COUNTY, "owned_by": "330106", "layer": "L3", "maintainer": "county"}
    today = timezone.localdate()
    ends = Deadline.objects.create(
        number="DQ1", name="门户证书", kind="tls", valid_until=today + timedelta(days=29), contact="x", **base
    )
    SparePart.objects.create(number="BJ1", name="光模块", site="x", quantity=0, least=2, **base)
    watching.watch()
    assert open_kinds() == {"deadline": "warning", "spare": "notice"}
    Deadline.objects.filter(pk=ends.pk).update(valid_until=today - timedelta(days=1))
    watching.watch()
    assert open_kinds()["deadline"] == "severe"
    Deadline.objects.filter(pk=ends.pk).update(valid_until=today + timedelta(days=400))
    watching.watch()
    assert open_kinds() == {"spare": "notice"}


def test_what_nobody_acknowledges_goes_to_the_province_and_no_further(city):
    alarm = alarms.raise_alarm("diverged", "330100", "x")
    now = timezone.now()
    assert watching.level_of(alarm) == "city"
    assert watching.escalate(now + timedelta(minutes=29)) == 0
    assert watching.escalate(now + timedelta(minutes=31)) == 1
    assert watching.escalate(now + timedelta(hours=9)) == 0
    alarm.refresh_from_db()
    assert watching.level_of(alarm) == "province"
    assert NetworkEvent.objects.filter(node="330100", kind="escalated").count() == 1


def test_who_acknowledges_says_what_he_does_and_stops_the_climb(city):
    alarm = alarms.raise_alarm("diverged", "330100", "x")
    with pytest.raises(Refused, match="处理情况"):
        watching.acknowledge(alarm.pk, "甲", "  ")
    watching.acknowledge(alarm.pk, "甲", "正在核对")
    with pytest.raises(Refused, match="已由 甲 确认"):
        watching.acknowledge(alarm.pk, "乙", "我来")
    assert watching.escalate(timezone.now() + timedelta(hours=3)) == 0


def test_the_lamp_is_the_worst_that_is_true(city):
    shown = {n.code: n for n in console.overview(PROVINCE, PROVINCE + 10**10 - 1)}
    assert len(shown) == 12 and shown["330100"].state == "ok" and shown["330200"].state == "absent"
    alarms.raise_alarm("queued", "330100", "x")
    alarms.raise_alarm("disk", "330100", "x", "severe")
    assert _state("330100") == "severe"
    Node.objects.filter(pk=city.pk).update(last_seen=timezone.now() - timedelta(hours=1))
    assert _state("330100") == "down"
    Node.objects.filter(pk=city.pk).update(state="suspended")
    assert _state("330100") == "suspended"


def _state(code):
    return next(n.state for n in console.overview(PROVINCE, PROVINCE + 10**10 - 1) if n.code == code)


def test_a_city_sees_itself_and_a_county_its_city(city):
    with scope.acting(scope.staff(CITY)):
        assert [n.code for n in console.overview(CITY, CITY + 10**8 - 1)] == ["330100"]
    with scope.acting(scope.staff(COUNTY)):
        shown = console.overview(COUNTY, COUNTY + 10**6 - 1)
        assert [n.code for n in shown] == ["330100"] and shown[0].node is not None
    with scope.acting(scope.staff(OTHER_CITY)):
        assert not Node.objects.filter(code="330100").exists()


def test_the_map_stands_within_its_frame(city):
    shown = console.overview(PROVINCE, PROVINCE + 10**10 - 1)
    lines = console.place_on_map(shown)
    assert len(lines) == 11
    assert all(0 < n.x < console.WIDTH and 0 < n.y < console.HEIGHT for n in shown)
    assert len({(n.x, n.y) for n in shown}) == 12


def test_a_chart_keeps_the_worst_of_what_it_puts_together(city):
    now = timezone.now()
    for minute in range(0, 24 * 60, 5):
        facts = {"queued": 900 if minute == 600 else 10, "disk_free_mb": 100 if minute == 300 else 5000}
        Pulse.objects.create(node="330100", at=now - timedelta(minutes=minute), facts=facts)
    found = {c.title: c for c in console.charts("330100", "day", now)}
    assert found["待发条数"].top == "900" and found["磁盘剩余（MB）"].line.count(",") <= 160
    assert console.charts("330200", "day", now) == []


def test_a_node_in_no_network_keeps_its_own_figures():
    exchange_node.disable()
    watching.watch()
    watching.watch()
    assert Pulse.objects.filter(node="330000").count() == 1


def test_a_city_whose_line_is_cut_goes_on_measuring_itself(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("JINZHI_NETWORK", str(tmp_path))
    settings.NODE = "330100"
    exchange_node.enable("330100", False)
    long_ago = timezone.now() - timedelta(hours=3)
    Node.objects.create(
        code="330100", name="杭州市", kind="city", place=CITY, state="active", last_seen=long_ago, health={"queued": 1},
        joined_at=long_ago,
    )  # fmt: skip
    watching.watch()
    node = Node.objects.get(code="330100")
    assert node.last_seen > timezone.now() - timedelta(minutes=1) and node.health["queued"] == 0
    assert Pulse.objects.filter(node="330100").count() == 1
    watching.watch()
    assert Pulse.objects.filter(node="330100").count() == 1


@pytest.mark.parametrize(("minutes", "kinds"), [(1, {}), (16, {"silent": "severe"})])
def test_a_node_that_has_just_joined_is_given_time_to_begin(city, minutes, kinds):
    city.last_seen, city.joined_at = None, timezone.now() - timedelta(minutes=minutes)
    city.save()
    watching.watch()
    assert open_kinds() == kinds
    assert Outage.objects.count() == len(kinds)


def test_what_is_severe_stands_first():
    for kind, level in (("severe_one", "severe"), ("notice_one", "notice"), ("warning_one", "warning")):
        alarms.raise_alarm(kind, "330100", "x", level)
    levels = Alarm.objects.order_by(alarms.GRAVITY, "-id").values_list("level", flat=True)
    assert list(levels) == ["severe", "warning", "notice"]
