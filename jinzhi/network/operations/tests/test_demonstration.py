"""The demonstration of a node is made once, of its own bureaus only, and leaves nothing impossible behind."""

import pytest
from django.test import override_settings

from jinzhi.casework.models import Case
from jinzhi.foundation.people.models import Account
from jinzhi.network.operations import bootstrap, demonstration, rostering
from jinzhi.network.operations.models import Assignment, Duty, Equipment, Inspection, Outage

pytestmark = pytest.mark.django_db


def test_a_citys_node_has_its_own_bureaus_only():
    with override_settings(NODE="330100"):
        demonstration.demonstrate()
    assert (
        Equipment.objects.exists()
        and Duty.objects.exists()
        and Inspection.objects.filter(abnormal=1).exists()
    )
    assert not Equipment.objects.exclude(place__range=(330100000000, 330199999999)).exists()
    assert Assignment.objects.exclude(grace_until=None).count() == 1
    assert Case.objects.filter(procedure__key="network_fault", state="open").count() == 2
    assert Outage.objects.filter(is_demo=True).exists()


def test_the_hub_of_several_nodes_has_its_own_bureau_only(monkeypatch):
    """What it made of the cities would meet what they send: the same numbers twice."""
    monkeypatch.setenv("JINZHI_DEMO_PLACE", "330000")
    demonstration.demonstrate()
    assert set(Equipment.objects.values_list("place", flat=True)) == {330000000000}
    assert list(Account.objects.filter(is_demo=True).values_list("username", flat=True)) == [
        "demo-noc-province"
    ]


def test_every_citys_node_has_people_to_enter_as(monkeypatch):
    monkeypatch.setenv("JINZHI_DEMO_PLACE", "330200")
    with override_settings(NODE="330200"):
        demonstration.demonstrate()
    entered = Account.objects.filter(is_demo=True).order_by("username")
    assert [a.username for a in entered] == ["demo-noc-city", "demo-noc-county"]
    assert [a.posts.get().agency.level for a in entered] == ["city", "county"]


def test_outside_a_demonstration_nothing_is_made(settings):
    settings.DEMO = False
    bootstrap.bootstrap()
    assert not Equipment.objects.exists()


def test_somebody_is_on_duty_at_every_node():
    from django.utils import timezone

    demonstration.demonstrate()
    keys = ["330000", "330100", "331100"]
    assert all(rostering.on_duty(keys, timezone.now()).values())
