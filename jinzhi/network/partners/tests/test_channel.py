"""The message channel's side of the border: what a partner's own records may say, and what it is sent."""

import json

import pytest
from django.db import connection

from jinzhi.foundation.exchange import receiving, sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.network import asking
from jinzhi.network.catalogue import consumers
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import nats_accounts, partnering
from jinzhi.network.partners.models import Partner
from jinzhi.network.partners.tests import client
from jinzhi.network.partners.tests.conftest import carry, inward, outward
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
NKEY = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
GIVEN = ("number", "product", "defect", "published_on")


@pytest.fixture
def samr(hub):
    """Gives recalls, some items of them; takes enterprises, some items of them; both through the message channel."""
    partner = Partner.objects.get(code="samr")
    partner.delivery, partner.accepts = "jetstream", ["jetstream"]
    partner.save()
    program = client.Partner("samr", carry)
    partnering.add_key(None, partner, algorithm="ed25519", text=program.public_text)
    partnering.add_key(None, partner, algorithm="nkey", text=NKEY)
    inward(partner, "samr.recall", GIVEN)
    outward(partner, "registry.enterprise", ["name", "status"])
    partnering.switch_on(None, partner)
    partner.refresh_from_db()
    return partner


def message(number, op="u", version=1, **body):
    said = {"number": number, "product": "电热毯", "defect": "过热", "published_on": "2026-11-20"} | body
    key = str(sending.key_of("samr.recall", f"samr/{number}"))
    return json.dumps(
        {"id": key, "dataset": "samr.recall", "schema": 1, "op": op, "version": version, "owner": "samr",
         "place": 330000_000000, "at": "2026-11-20T08:00:00Z", "body": said}, ensure_ascii=False,
    ).encode()  # fmt: skip


def take(*payloads):
    sender = asking.partner_sender("samr")
    start = receiving.position("IN_samr")
    return receiving.receive(sender, "IN_samr", [(start + 1 + n, p) for n, p in enumerate(payloads)])


def refusals():
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, reason FROM exchange_quarantine ORDER BY id")
        return cursor.fetchall()


def test_granted_items_come_in(samr):
    assert take(message("R-1")).applied == 1
    assert Document.objects.get(dataset="samr.recall").body["product"] == "电热毯"


@pytest.mark.parametrize(
    ("more", "word"), [({"measures": "A-1"}, "没有授权提供这些信息项"), ({"measures": None}, "没有授权提供")]
)
def test_items_outside_the_grant_are_refused_alone(samr, more, word):
    outcome = take(message("R-1"), message("R-2", **more), message("R-3"))
    assert (outcome.applied, outcome.refused) == (2, 1)
    ((code, reason),) = refusals()
    assert code == "E09" and word in reason


def test_an_unknown_item_stays_a_matter_of_structure(samr):
    take(message("R-1", colour="红"))
    assert refusals()[0][0] == "E03"


def test_deletions_say_granted_items_only(samr):
    take(message("R-1"))
    assert take(message("R-1", "d", 2, measures="召回")).refused == 1
    assert take(message("R-1", "d", 3)).applied == 1
    assert not Document.objects.filter(dataset="samr.recall").exists()


def test_a_grant_that_ended_lets_nothing_in(samr):
    Grant.objects.filter(consumer="samr", inward=True).update(state=Grant.State.ENDED)
    take(message("R-1"))
    assert refusals()[0][0] == "E09" and nats_accounts.sender("samr").items == {}


def rendered():
    while sending.number():
        pass
    found = [json.loads(payload) for _, _, payload in sending.messages("out.samr", 0, 10_000)]
    return [said for said in found if said.get("dataset") == "registry.enterprise"]


def test_what_goes_out_has_granted_items_only_and_fewer_when_fewer_are_granted(samr):
    Enterprise.objects.create(name="杭州龙井茶业有限公司", place=330106_000000, uscc="")
    assert {tuple(one["body"]) for one in rendered()} == {("name", "status")}
    grant = Grant.objects.get(consumer="samr", inward=False)
    consumers.KINDS["partner"].stop(grant)
    Grant.objects.filter(pk=grant.pk).update(state=Grant.State.ENDED)
    consumers.KINDS["partner"].deliver(outward(samr, "registry.enterprise", ["name"]), True)
    before = len(rendered())
    Enterprise.objects.create(name="杭州虎跑茶业有限公司", place=330106_000000)
    assert all(set(one["body"]) == {"name"} for one in rendered()[1:]) and len(rendered()) == before + 1
