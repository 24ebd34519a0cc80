"""The desk's pages about procedures: who reads them, what they show, and moving cases from them."""

import pytest
from django.test import Client
from lxml import etree

from jinzhi.casework import bpmn
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.test_migrating import renamed
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.tests.cast import BACKEND

pytestmark = pytest.mark.django_db
FOOD = "/desk/procedures/food_production_licence"


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


def desk(role: str, place: int = 330000000000, level: str = "province") -> Client:
    person = sample.person(role, role, place=place, level=level)
    Account.objects.filter(pk=person.account.pk).update(is_demo=True)
    person.account.refresh_from_db()
    client = Client()
    client.force_login(person.account, backend=BACKEND)
    return client


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.mark.parametrize("role", ["administrator", "security_administrator", "auditor", "supervisor"])
def test_every_published_version_can_be_read(role):
    client = desk(role)
    page = text(client.get("/desk/procedures/"))
    for version in ProcedureVersion.objects.all():
        address = f"/desk/procedures/{version.key}/{version.version}/"
        assert address in page
        shown = text(client.get(address))
        assert version.procedure.law in shown and "<svg" in shown


def test_a_version_shows_steps_limits_form_and_papers():
    every_kind.publish(every_kind.CHILD)
    every_kind.publish(every_kind.PARENT)
    page = text(desk("auditor").get("/desk/procedures/sample_kinds/1/"))
    for words in (
        "法制会签",
        "2/3 以上同意",
        "自动判定",
        "等候期满",
        "另立办件",
        "送达文书",
        "证书到期",
        "届满未决定",
        "承诺",
        "sample.route",
    ):
        assert words in page


def test_two_versions_on_one_page():
    versions = list(ProcedureVersion.objects.filter(key="food_production_licence").order_by("version"))
    old, new = versions[0].version, versions[-1].version
    client = desk("auditor")
    page = text(client.get(f"{FOOD}/compare/{old}/{new}/"))
    assert "<del>" in page and "<ins>" in page and "新增" in page
    assert f"{FOOD}/compare/{old}/{new}/" in text(client.get(f"{FOOD}/{new}/"))
    assert client.get(f"{FOOD}/compare/1/99/").status_code == 404


def test_the_version_as_bpmn_and_its_tables_as_dmn():
    every_kind.publish(every_kind.PARENT)
    client = desk("auditor")
    answer = client.get("/desk/procedures/sample_kinds/1/bpmn/")
    root = etree.fromstring(answer.content)
    assert root.find(f"{{{bpmn.BPMN}}}process").get("id") == "sample_kinds"
    assert "sample_kinds_v1.bpmn" in answer.headers["Content-Disposition"]
    assert b"sample.route" in client.get("/desk/procedures/sample_kinds/1/dmn/sample.route/").content
    assert client.get("/desk/procedures/sample_kinds/1/dmn/other/").status_code == 404


@pytest.mark.parametrize("role", ["window_clerk", "approver"])
def test_others_are_told_who_may(role):
    client = desk(role)
    for address in (
        f"{FOOD}/1/",
        f"{FOOD}/compare/1/2/",
        f"{FOOD}/1/bpmn/",
        "/desk/procedures/sample/move/1/2/",
    ):
        assert client.get(address).status_code == 403


def test_cases_are_moved_one_by_one_and_all_together():
    cases = [sample.open_case() for _ in range(3)]
    version = renamed()
    client = desk("administrator")
    here = "/desk/procedures/sample/move/1/2/"
    assert here in text(client.get("/desk/procedures/sample/1/"))
    page = text(client.get(here))
    assert all(c.number in page for c in cases) and "3 件" in page
    client.post(here, {"case": cases[0].number, "reason": "新办法施行"})
    assert Case.objects.get(pk=cases[0].pk).procedure == version
    assert Case.objects.filter(procedure=version).count() == 1
    client.post(here, {"reason": ""})
    assert Case.objects.filter(procedure=version).count() == 1
    client.post(here, {"reason": "新办法施行", "after": "x"})
    assert Case.objects.filter(procedure=version).count() == 3
    assert "没有在办件" in text(client.get(here))
    assert client.post(here, {"case": "nothing", "reason": "x"}).status_code == 404


@pytest.mark.parametrize("role", ["supervisor", "auditor", "security_administrator"])
def test_only_the_system_administrator_moves(role):
    sample.open_case()
    renamed()
    client = desk(role)
    assert client.get("/desk/procedures/sample/move/1/2/").status_code == 403
    assert client.post("/desk/procedures/sample/move/1/2/", {"reason": "x"}).status_code == 403
    assert "/move/" not in text(client.get("/desk/procedures/sample/1/"))


def test_a_city_sees_and_moves_its_own_cases_only():
    ours, theirs = sample.open_case(), sample.open_case(place=330206000000)
    version = renamed()
    client = desk("administrator", 330200000000, "city")
    page = text(client.get("/desk/procedures/sample/move/1/2/"))
    assert theirs.number in page and ours.number not in page
    client.post("/desk/procedures/sample/move/1/2/", {"reason": "x"})
    assert [c.pk for c in Case.objects.filter(procedure=version)] == [theirs.pk]


def test_a_version_that_takes_nothing_over_offers_no_move():
    client = desk("administrator")
    answer = client.get(f"{FOOD}/move/2/1/")
    assert answer.status_code == 302 and answer.url == f"{FOOD}/1/"
