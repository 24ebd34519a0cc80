"""The console and the forms in a real browser: on a desk and on a phone, for those who use no mouse and no colours."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jinzhi.foundation.people.tests.cast import HANGZHOU, PROVINCE, person
from jinzhi.foundation.places import scope
from jinzhi.network import alarms
from jinzhi.network.models import Node, Pulse

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def network():
    with scope.acting(scope.SYSTEM):
        now = timezone.now()
        facts = {
            "queued": 12,
            "oldest_unsent_seconds": 75,
            "disk_free_mb": 42_000,
            "database_mb": 900,
            "version": "0.1.0",
        }
        for code, name, place in (("330000", "省中心", 330000000000), ("330100", "杭州市", 330100000000)):
            Node.objects.create(
                code=code, name=name, kind="hub" if code == "330000" else "city", place=place, state="active",
                last_seen=now + timedelta(hours=1), health=facts, certificate_until=now + timedelta(days=90),
            )  # fmt: skip
            for minute in range(0, 50, 5):
                Pulse.objects.create(
                    node=code, at=now - timedelta(minutes=minute), facts=facts | {"queued": minute}
                )
        Node.objects.create(
            code="330200", name="宁波市", kind="city", place=330200000000, state="active", last_seen=None
        )
        alarms.raise_alarm("silent", "330200", "加入以来没有心跳", "severe")
        person("noc", PROVINCE, "operator", "operations_manager")
        person("leader", HANGZHOU, "approver")


def enter(page, who: str):
    page.goto("/demo/")
    page.locator(f'form[action="/demo/enter/{who}"] button').click()
    page.wait_for_load_state()


def test_the_console_says_who_is_down_and_leads_there(network, page, accessibility):
    enter(page, "noc")
    page.goto("/office/operations/")
    assert page.locator(".ops-map .ops-down").count() == 2  # the line and the node
    assert accessibility(page) == []
    page.locator(".ops-map a.ops-down").click()
    page.wait_for_url("**/nodes/330200/")
    page.goto("/office/operations/nodes/330100/")
    assert page.locator(".ops-curve").count() >= 3
    assert accessibility(page) == []


def test_a_leader_reads_it_on_a_phone(network, phone, accessibility):
    enter(phone, "leader")
    phone.goto("/office/operations/")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert "杭州市" in phone.locator("#nodes").inner_text()
    assert accessibility(phone) == []


def test_an_alarm_becomes_a_fault_that_somebody_takes(network, page, accessibility):
    enter(page, "noc")
    page.goto("/office/operations/alarms/")
    page.get_by_role("link", name="节点失联").click()
    page.get_by_role("link", name="转为故障单").click()
    page.select_option('[name="grading.impact"]', "high")
    page.select_option('[name="grading.urgency"]', "high")
    page.fill('[name="reporter.phone"]', "0571-85000000")
    assert accessibility(page) == []
    page.locator("form.form-card button[type=submit]").click()
    page.wait_for_url("**/office/cases/GZ*/")
    assert "P1" in page.locator(".page-content").inner_text()
    assert accessibility(page) == []


@pytest.mark.parametrize(
    "path", ["inspections/", "duty/", "qualifications/", "report/", "ledger/equipment/", "faults/"]
)
def test_every_page_is_accessible_on_a_phone(network, phone, accessibility, path):
    enter(phone, "noc")
    phone.goto(f"/office/operations/{path}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert accessibility(phone) == []
