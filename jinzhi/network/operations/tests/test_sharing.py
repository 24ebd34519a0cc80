"""A fault that climbs from a city's node to the province: seen there, taken there, answered, confirmed at home."""

import pytest
from django.db import connection
from django.utils import timezone

from jinzhi.casework.models import Case
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.exchange import sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.places import scope
from jinzhi.network.operations import sharing
from jinzhi.network.operations.models import Outage

from .world import CITY, COUNTY, OTHER_CITY, PROVINCE, confirmed, do, fault, official, solved, step

pytestmark = pytest.mark.django_db


def arrived(dataset: str, key: str, body: dict, owner: str, place: int = CITY) -> Document:
    """What came from another node."""
    fields = {"dataset": dataset, "key": key, "body": body, "owner_node": owner, "place": place}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jinzhi.applying', %s, true)", [owner])
        made, _ = Document.objects.update_or_create(id=sending.key_of(dataset, key), defaults=fields)
        cursor.execute("SELECT set_config('jinzhi.applying', '', true)")
    return made


@pytest.fixture
def at_city(settings):
    settings.NODE = "330100"
    exchange_node.enable("330100", False)


@pytest.fixture
def at_hub():
    exchange_node.enable("330000", True)


def climbed():
    case = fault(official(CITY, "operator"), CITY)
    return do(case, "escalate", official(CITY, "operator"), reason="骨干设备故障")


def test_a_node_in_no_network_shares_nothing():
    climbed()
    assert sharing.share() == 0 and not Document.objects.exists()


def test_tickets_go_up_once_for_each_change(at_city):
    case = fault(official(COUNTY, "operator"))
    assert sharing.share() == 1 and sharing.share() == 0
    assert Document.objects.get().body["level"] == "county"
    do(case, "escalate", official(COUNTY, "operator"), reason="x")
    assert sharing.share() == 1 and Document.objects.get().body["level"] == "city"


def body(**changes):
    return {
        "number": "GZ330100202600001", "procedure": "network_fault", "title": "杭州市 骨干中断",
        "agency": "330100", "node": "330100",
        "state": "open", "outcome": "", "priority": "P1", "grade": "", "level": "province", "received_on": "2026-11-23",
        "closed_on": None, "began": timezone.now().isoformat(), "restored": None, "impact": "high", "urgency": "high",
        "symptom": "不通", "reporter": "甲",
    } | changes  # fmt: skip


def ticket(**changes):
    said = body(**changes)
    return arrived(sharing.TICKET, said["number"], said, "330100")


def test_the_province_takes_what_climbed_to_it_and_only_that(at_hub):
    ticket(level="city")
    assert sharing.share() == 0
    ticket()
    sharing.share()
    sharing.share()
    case = Case.objects.get(procedure__key="network_fault")
    assert (case.facts["origin"], case.facts["level"], case.place) == ("GZ330100202600001", "province", CITY)
    assert step(case).agency.place == PROVINCE


def test_the_province_numbers_its_own_case_and_leaves_the_citys_outage_alone(at_hub):
    """The county's numbers are the city's to give: the same one here would be another case."""
    ticket(number="GZ330100202600001", title="杭州市 骨干中断")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jinzhi.applying', '330100', true)")
        Outage.objects.create(
            place=CITY, node="330100", layer="L2", ticket="GZ330000202600001", source=Outage.Source.TICKET, owner_node="330100",
            starts=timezone.now(), ends=timezone.now(),
        )  # fmt: skip
        cursor.execute("SELECT set_config('jinzhi.applying', '', true)")
    sharing.share()
    case = Case.objects.get(procedure__key="network_fault")
    assert case.number.startswith("GZ330000") and case.place == CITY
    engineer = official(PROVINCE, "operator")
    do(case, "accept", engineer)
    do(case, "conclude", engineer, payload=solved(restored=_now()))
    ticket(number="GZ330100202600001", state="closed")
    sharing.share()
    case.refresh_from_db()
    assert case.outcome == "done"
    assert list(Outage.objects.values_list("owner_node", flat=True)) == ["330100"]


@pytest.mark.parametrize("change", [{"began": "x"}, {"impact": ""}, {"node": "999999"}, {"began": None}])
def test_a_ticket_that_makes_no_sense_opens_nothing_and_stops_nothing(at_hub, change):
    ticket(**change)
    ticket(number="GZ2")
    sharing.share()
    assert Case.objects.filter(procedure__key="network_fault").count() == 1


def test_what_the_province_did_is_answered_and_ends_when_the_city_confirms(at_hub):
    ticket()
    sharing.share()
    case, engineer = Case.objects.get(procedure__key="network_fault"), official(PROVINCE, "operator")
    do(case, "accept", engineer)
    sharing.share()
    answer = Document.objects.get(dataset=sharing.ANSWER)
    assert answer.place == CITY and answer.body["taken_by"] and answer.body["result"] is None
    do(case, "conclude", engineer, payload=solved(restored=_now()))
    sharing.share()
    answer.refresh_from_db()
    assert answer.body["result"]["cause"] == "光缆被挖断"
    ticket(state="closed")
    sharing.share()
    case.refresh_from_db()
    assert case.outcome == "done"


def _now():
    from jinzhi.network.operations import moments

    return moments.shown(timezone.now())


def test_the_answer_moves_the_citys_case_and_its_user_confirms(at_city):
    case = climbed()
    said = {"ticket": case.number, "number": "GZ330000202600009", "taken_by": "柳运维", "result": None}
    arrived(sharing.ANSWER, case.number, said, "330000")
    sharing.share()
    assert step(case).key == "handle"
    arrived(sharing.ANSWER, case.number, said | {"result": solved()["result"]["conclusion"]}, "330000")
    sharing.share()
    assert step(case).key == "confirm" and step(case).agency.place == CITY
    do(case, "conclude", official(CITY, "operator"), payload=confirmed())
    assert case.outcome == "done"


def test_an_answer_to_what_the_city_still_has_itself_changes_nothing(at_city):
    case = fault(official(CITY, "operator"), CITY)
    arrived(
        sharing.ANSWER,
        case.number,
        {"ticket": case.number, "number": "x", "taken_by": "y", "result": None},
        "330000",
    )
    sharing.share()
    assert step(case).key == "respond"


def test_another_city_does_not_see_the_ticket(at_hub):
    ticket()
    with scope.acting(scope.staff(OTHER_CITY)):
        assert sharing.elsewhere() == []
    with scope.acting(scope.staff(PROVINCE)):
        assert len(sharing.elsewhere()) == 1
