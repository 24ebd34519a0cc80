"""Code sets, laws, standards and holiday notices that the hub publishes arrive in the rooms of a city's node."""

import json
from datetime import date

import pytest

from jinzhi.foundation.codes import publishing
from jinzhi.foundation.codes.models import CodeItem, CodeVersion
from jinzhi.foundation.exchange import documents, node, receiving
from jinzhi.foundation.exchange.border import Sender
from jinzhi.registry.laws import loading as laws
from jinzhi.registry.laws.models import Article, Law
from jinzhi.registry.standards.models import Replacement, Standard
from tests.exchange.conftest import HANGZHOU, HUB, become, drain, run

pytestmark = pytest.mark.django_db


def carry():
    """What the hub has numbered for Hangzhou, received by Hangzhou."""
    lot = drain(f"out.{HANGZHOU}")
    run("DELETE FROM exchange_document")
    become(HANGZHOU)
    return receiving.receive(Sender(HUB, "hub"), "OUT_330100", lot)


@pytest.fixture
def province(db):
    become(HUB, hub=True)
    node.open_city(HANGZHOU)


def test_a_code_set_loaded_at_the_hub_is_published_at_the_city(province):
    about = publishing.About("2026", date(2026, 1, 1), title="试行")
    publishing.publish(
        "trial_set", "试行代码", "", about, [{"code": "01", "name": "甲"}, {"code": "02", "name": "乙"}]
    )
    assert documents.offer("codes.version") == {"codes.version": 1}
    assert documents.offer("codes.version") == {"codes.version": 0}  # nothing new
    run("UPDATE exchange_self SET enabled = false")
    CodeVersion.objects.filter(code_set__key="trial_set").delete()
    outcome = carry()
    assert (outcome.refused, outcome.alarms) == (0, [])
    assert list(CodeItem.objects.filter(version__code_set__key="trial_set").values_list("code", "name")) == [
        ("01", "甲"), ("02", "乙"),
    ]  # fmt: skip


def test_a_law_text_arrives_with_its_articles(province, tmp_path):
    Law.objects.all().delete()
    file = tmp_path / "laws.csv"
    file.write_text(
        "title,publish_date,text_markdown\n试行办法,2026-01-05,第一条 为了试行。\n", encoding="utf-8"
    )
    laws.load(file)
    documents.offer("laws.text")
    Law.objects.all().delete()
    assert carry().refused == 0
    assert Article.objects.get(law__title="试行办法").text == "为了试行。"


def test_a_standard_arrives_with_what_it_replaces(province):
    Standard.objects.create(number="GB 1-2026", family="GB 1", bare="1", kind="gb", year=2026, title="试行标准",
                            effective_on=date(2026, 6, 1))  # fmt: skip
    Replacement.objects.create(newer="GB 1-2026", older="GB 1-2010", extent="full")
    documents.offer("standards.standard")
    Replacement.objects.all().delete()
    Standard.objects.all().delete()
    assert carry().refused == 0
    assert Standard.objects.get(number="GB 1-2026").effective_on == date(2026, 6, 1)
    assert Replacement.objects.get().older == "GB 1-2010"


def test_what_the_room_refuses_lies_in_quarantine_with_its_words(province):
    become(HANGZHOU)
    body = {"set": "division", "set_title": "x", "standard": "", "version": "1", "valid_from": "2026-01-01", "items": [],
            "title": "", "authority": "", "mark": "", "complete": True}  # fmt: skip
    said = {"id": "0198c000-0000-7000-8000-000000000009", "dataset": "codes.version", "schema": 1, "op": "u", "version": 1,
            "owner": HUB, "place": 330000_000000, "at": "2026-01-01T00:00:00Z", "body": body}  # fmt: skip
    outcome = receiving.receive(Sender(HUB, "hub"), "OUT_330100", [(1, json.dumps(said).encode())])
    assert outcome.refused == 1
    ((reason,),) = run("SELECT reason FROM exchange_quarantine")
    assert "division 已有专用的表" in reason


def test_a_change_to_another_nodes_record_is_explained(province, client, settings, monkeypatch):
    from jinzhi.web.middleware import ForeignRecord

    class Diag:
        message_detail = "330200"

    class Cause(Exception):
        sqlstate, diag = "JZ001", Diag()

    error = RuntimeError()
    error.__cause__ = Cause()
    from django.test import RequestFactory

    api = ForeignRecord(lambda r: None).process_exception(RequestFactory().post("/api/v1/x"), error)
    assert api.status_code == 409 and "330200" in json.loads(api.content)["message"]
    assert (
        ForeignRecord(lambda r: None).process_exception(RequestFactory().post("/x"), RuntimeError()) is None
    )
