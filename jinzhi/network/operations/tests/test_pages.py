"""Every page opens for whom it is for, shows nothing of others, and refuses what is wrong with a sentence."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from jinzhi.casework.models import Case
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.people.tests.cast import BEILUN, HANGZHOU, WEST_LAKE, person, sign_in
from jinzhi.network import alarms
from jinzhi.network.models import Alarm
from jinzhi.network.operations.models import (
    Assignment,
    Duty,
    Equipment,
    Inspection,
    InspectionPlan,
    Qualification,
    Report,
    SparePart,
)

from .world import CITY, COUNTY, fault, minutes_ago, official

pytestmark = pytest.mark.django_db
PAGES = [
    "/office/operations/", "/office/operations/nodes/330100/", "/office/operations/alarms/", "/office/operations/faults/",
    "/office/operations/changes/", "/office/operations/incidents/", "/office/operations/inspections/",
    "/office/operations/duty/", "/office/operations/qualifications/", "/office/operations/report/",
    *(f"/office/operations/ledger/{k}/" for k in ("equipment", "lines", "addresses", "deadlines", "spares")),
]  # fmt: skip
WRITING = [
    "/office/operations/new/faults/", "/office/operations/new/changes/", "/office/operations/new/incidents/",
    "/office/operations/inspections/new/", *(f"{p}new/" for p in PAGES if "ledger" in p),
]  # fmt: skip


@pytest.fixture(autouse=True)
def demonstration(settings):
    """A demonstration account needs no second factor."""
    settings.DEMO = True


@pytest.fixture
def manager(client):
    return sign_in(client, person("manager", HANGZHOU, "operator", "operations_manager"))


@pytest.mark.parametrize("page", [*PAGES, *WRITING])
def test_a_manager_opens_every_page(manager, page):
    assert manager.get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["supervisor", "approver", "administrator", "auditor"])
def test_leaders_and_auditors_read(client, page, role):
    assert sign_in(client, person("reader", HANGZHOU, role)).get(page).status_code == 200


@pytest.mark.parametrize("page", WRITING)
def test_they_do_not_write(client, page):
    assert sign_in(client, person("reader", HANGZHOU, "supervisor")).get(page).status_code == 403


@pytest.mark.parametrize("page", [*PAGES, *WRITING])
def test_a_clerk_and_a_stranger_stay_outside(client, page):
    assert client.get(page).status_code == 302
    assert sign_in(client, person("clerk", WEST_LAKE, "window_clerk")).get(page).status_code == 403


def test_a_node_of_another_city_is_not_there(client):
    here = sign_in(client, person("other", BEILUN, "operator"))
    assert here.get("/office/operations/nodes/330100/").status_code == 404
    assert here.get("/office/operations/nodes/330200/").status_code == 200
    for wrong in ("abc", "999999", "330106"):
        assert here.get(f"/office/operations/nodes/{wrong}/").status_code == 404


def fault_post(**changes):
    local = timezone.localtime(timezone.now() - timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M")
    return {
        "fault.title": "专网中断", "fault.source": "user", "fault.node": "330100", "fault.began": local, "fault.symptom": "不通",
        "grading.impact": "high", "grading.urgency": "middle", "reporter.name": "甲", "reporter.phone": "1",
    } | changes  # fmt: skip


def test_a_fault_is_reported_on_the_page_and_opens_as_a_case(manager):
    answer = manager.post("/office/operations/new/faults/", fault_post())
    case = Case.objects.get(procedure__key="network_fault")
    assert answer.url == reverse("work-case", args=[case.number]) and case.facts["priority"] == "P2"
    page = manager.get(answer.url).content.decode()
    assert "P2" in page and "接单处置" in page and "申请人代码" not in page


@pytest.mark.parametrize(
    "change, words",
    [
        ({"fault.title": ""}, "请填写"), ({"fault.began": "2099-01-01T00:00"}, "不能晚于现在"),
        ({"fault.began": "x"}, "日期和时间"),
        ({"fault.node": "330200"}, "不在可选的范围"), ({"grading.impact": "enormous"}, "不在可选的范围"),
    ],
)  # fmt: skip
def test_a_bad_report_is_told_what_is_wrong(manager, change, words):
    page = manager.post("/office/operations/new/faults/", fault_post(**change)).content.decode()
    assert words in page and not Case.objects.filter(procedure__key="network_fault").exists()


def test_an_alarm_becomes_a_fault_with_what_it_knows(manager):
    alarm = alarms.raise_alarm("disk", "330100", "磁盘剩余 100 MB", "severe")
    page = manager.get(f"/office/operations/new/faults/?alarm={alarm.pk}").content.decode()
    assert "磁盘剩余 100 MB" in page
    assert manager.get("/office/operations/new/faults/?alarm=99999999&inspection=x").status_code == 200


def test_an_alarm_is_acknowledged_by_those_whose_it_is(client, manager):
    alarm = alarms.raise_alarm("disk", "330100", "x", "severe")
    address = f"/office/operations/alarms/{alarm.pk}/acknowledge/"
    assert manager.get(address).status_code == 405
    manager.post(address, {"note": ""})
    alarm.refresh_from_db()
    assert alarm.acknowledged_at is None
    county = sign_in(client, person("county", WEST_LAKE, "operator"))
    assert county.get(f"/office/operations/alarms/{alarm.pk}/").status_code == 200  # its city's
    assert county.post(address, {"note": "我来"}).status_code == 404
    other = sign_in(client, person("far", BEILUN, "operator"))
    assert other.get(f"/office/operations/alarms/{alarm.pk}/").status_code == 404
    sign_in(client, person("manager2", HANGZHOU, "operator")).post(address, {"note": "清理日志"})
    assert "manager2" in Alarm.objects.get(pk=alarm.pk).acknowledged_by


def equipment(**changes):
    return {
        "number": "SB-1", "name": "核心交换机", "owned_by": "330100", "layer": "L2", "maintainer": "city", "kind": "switch",
        "site": "机房", "importance": "high", "state": "in_use",
    } | changes  # fmt: skip


def test_a_line_of_the_ledger_is_entered_changed_and_not_given_twice(manager):
    answer = manager.post("/office/operations/ledger/equipment/new/", equipment())
    device = Equipment.objects.get()
    assert device.place == CITY and manager.get(answer.url).status_code == 200
    page = manager.post("/office/operations/ledger/equipment/new/", equipment()).content.decode()
    assert "SB-1" in page and Equipment.objects.count() == 1
    edit = f"/office/operations/ledger/equipment/{device.pk}/edit/"
    assert manager.get(edit).status_code == 200
    manager.post(edit, equipment(name="汇聚交换机"))
    device.refresh_from_db()
    assert device.name == "汇聚交换机" and device.version == 2


@pytest.mark.parametrize(
    "change",
    [
        {"address": "10.1.1.1"}, {"address": "10.1.1.999"}, {"kind": "toaster"}, {"owned_by": "330200"}, {"owned_by": ""},
        {"warranty_until": "2026-13-01"}, {"vlan": "-4"}, {"number": "x" * 41},
    ],
)  # fmt: skip
def test_a_bad_line_is_refused(manager, change):
    assert manager.post("/office/operations/ledger/equipment/new/", equipment(**change)).status_code == 200
    assert not Equipment.objects.exists()


def test_another_bureau_does_not_see_the_line(client, manager):
    manager.post("/office/operations/ledger/equipment/new/", equipment())
    device = Equipment.objects.get()
    other = sign_in(client, person("far", BEILUN, "operator"))
    for page in ("", "edit/"):
        assert other.get(f"/office/operations/ledger/equipment/{device.pk}/{page}").status_code == 404
    assert "SB-1" not in other.get("/office/operations/ledger/equipment/").content.decode()


def test_a_county_does_not_change_what_is_the_citys(client, manager):
    manager.post("/office/operations/ledger/equipment/new/", equipment())
    county = sign_in(client, person("county", WEST_LAKE, "operator"))
    county.post("/office/operations/ledger/equipment/new/", equipment(number="SB-2"))
    assert not Equipment.objects.filter(number="SB-2").exists()


def test_parts_go_in_and_out_and_never_below_nothing(manager):
    part = SparePart.objects.create(
        number="BJ-1",
        name="光模块",
        place=CITY,
        owned_by="330100",
        layer="L2",
        maintainer="city",
        site="库房",
        least=2,
    )
    address = f"/office/operations/spares/{part.pk}/stock/"
    for change, left in (("5", 5), ("-2", 3), ("-4", 3), ("x", 3), ("0", 3), ("999999999999", 3)):
        manager.post(address, {"change": change, "reason": "维修"})
        part.refresh_from_db()
        assert part.quantity == left
    assert part.movements.count() == 2


def test_a_round_is_made_and_its_trouble_becomes_a_fault(manager):
    manager.post(
        "/office/operations/inspections/new/",
        {"title": "机房巡检", "cycle": "monthly", "since": "2026-01-01", "items": "温度\n\n电源\n"},
    )
    plan = InspectionPlan.objects.get()
    assert (
        plan.items == ["温度", "电源"] and manager.get("/office/operations/inspections/").status_code == 200
    )
    address = f"/office/operations/inspections/plans/{plan.pk}/"
    assert manager.get(address).status_code == 200 and manager.get(f"{address}?period=x").status_code == 200
    manager.post(address, {"ok-0": "yes"})
    assert not Inspection.objects.exists()
    answer = manager.post(address, {"ok-0": "yes", "ok-1": "no", "note-1": "一路断电"})
    made = Inspection.objects.get()
    assert answer.url.endswith(f"{made.pk}/") and "按异常报故障" in manager.get(answer.url).content.decode()
    form = f"/office/operations/new/faults/?inspection={made.pk}"
    assert "一路断电" in manager.get(form).content.decode()
    manager.post(form, fault_post(**{"fault.source": "inspection"}))
    made.refresh_from_db()
    assert made.ticket == Case.objects.get().number


def test_duty_is_planned_for_days_and_only_for_certified_people(manager):
    post = person("watchman", HANGZHOU, "operator")
    start = timezone.localtime().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    turn = {
        "account": post.account.pk, "kind": "main", "phone": "0571", "repeat": "3",
        "starts": start.strftime("%Y-%m-%dT%H:%M"), "ends": (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    assert "不在" in manager.post("/office/operations/duty/", turn).content.decode()
    day = timezone.localdate()
    manager.post(
        "/office/operations/qualifications/",
        {
            "form": "certificate",
            "account": post.account.pk,
            "kind": "middle",
            "number": "WG1",
            "score": "85",
            "issued_on": str(day),
        },
    )
    assert Qualification.objects.get().account == post.account
    manager.post(
        "/office/operations/qualifications/",
        {
            "form": "assignment",
            "account": post.account.pk,
            "position": "network",
            "since": str(day),
            "phone": "1",
        },
    )
    held = Assignment.objects.get()
    assert manager.post("/office/operations/duty/", turn).status_code == 302
    assert Duty.objects.count() == 3
    page = manager.get("/office/operations/duty/").content.decode()
    assert "watchman" in page and "无人值班的时段" in page
    last = Duty.objects.order_by("-starts").first()
    manager.post(f"/office/operations/duty/{last.pk}/remove/")
    assert Duty.objects.count() == 2
    manager.post(f"/office/operations/qualifications/{held.pk}/leave/")
    held.refresh_from_db()
    assert held.until == day


def test_the_month_is_issued_once_when_it_is_over_and_never_changes(manager):
    fault(official(COUNTY, "operator"), began=minutes_ago(3))
    this = timezone.localdate().replace(day=1)
    manager.post("/office/operations/report/issue/", {"month": f"{this:%Y-%m}"})
    assert not Report.objects.exists()
    former = add_months(this, -1)
    manager.post("/office/operations/report/issue/", {"month": f"{former:%Y-%m}", "remarks": "平稳"})
    manager.post("/office/operations/report/issue/", {"month": f"{former:%Y-%m}"})
    made = Report.objects.get()
    assert made.number and made.document
    page = manager.get(f"/office/operations/report/?month={former:%Y-%m}").content.decode()
    assert made.number in page and "平稳" in page
    for wrong in ("2031-01", "1999-01", "x", "2026-13"):
        assert manager.get(f"/office/operations/report/?month={wrong}").status_code in (200, 404)
        assert manager.post("/office/operations/report/issue/", {"month": wrong}).status_code in (302, 404)


def test_the_report_is_a_document(manager):
    from jinzhi.foundation.files import documents
    from jinzhi.foundation.files.models import GeneratedDocument

    former = add_months(timezone.localdate().replace(day=1), -1)
    manager.post("/office/operations/report/issue/", {"month": f"{former:%Y-%m}", "remarks": "平稳"})
    made = documents.rendered(GeneratedDocument.objects.get(kind="operations_report"))
    assert made.media_type == "application/pdf"


def test_metrics_are_for_this_machine_or_a_token(client, monkeypatch):
    alarms.raise_alarm("disk", "330100", 'x "quoted"\n', "severe")
    answer = client.get("/metrics")
    assert (
        answer.status_code == 200
        and 'jinzhi_alarms_open{kind="disk",level="severe",node="330100"} 1.0' in answer.content.decode()
    )
    assert client.get("/metrics", REMOTE_ADDR="10.1.1.1").status_code == 404
    with override_settings(NINJA_NUM_PROXIES=1):
        assert client.get("/metrics").status_code == 404
    monkeypatch.setenv("JINZHI_METRICS_TOKEN", "secret")
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 404
    answer = client.get("/metrics", headers={"authorization": "Bearer secret"}, REMOTE_ADDR="10.1.1.1")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain")


def test_the_console_asks_a_constant_number_of_questions(manager, django_assert_max_num_queries):
    manager.get("/office/operations/")
    for n in range(5):
        alarms.raise_alarm(f"kind{n}", "330100", "x")
        fault(official(COUNTY, "operator"))
    with django_assert_max_num_queries(70):
        manager.get("/office/operations/")
