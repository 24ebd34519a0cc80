"""Two nodes in one database, one after the other: what the first sent is forgotten and then received by the second."""

import json

import pytest
from django.db import connection

from jinzhi.foundation.exchange import declared, node, receiving, sending
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Enterprise

HANGZHOU, NINGBO, HUB = "330100", "330200", "330000"
WEST_LAKE, HAISHU = 330106_000000, 330203_000000


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def become(code, hub=False):
    """This database is the node `code` from now on."""
    node.enable(code, hub)
    if hub:
        run("DELETE FROM exchange_subscription WHERE channel = 'up'")
        run("DELETE FROM exchange_channel WHERE name = 'up'")


def city(code):
    lo, hi = scope.jurisdiction(int(code) * 10**6)
    return Sender(code, "city", lo, hi)


def drain(channel):
    """Everything numbered for a channel: (sequence, payload)."""
    while sending.number():
        pass
    return [(seq, payload) for seq, _, payload in sending.messages(channel, 0, 100_000)]


def forget(*models):
    """Lose rows without a trace, as if this were another database."""
    run("UPDATE exchange_self SET enabled = false")
    for model in models:
        run(f"DELETE FROM {model._meta.db_table}")


def message(dataset="registry.enterprise", **changes):
    """A well-formed message of Hangzhou about an enterprise; `changes` of the envelope, `body` merged."""
    body = {one.key: None for one in declared.get(dataset).fields}
    body |= {
        "name": "杭州龙井茶业有限公司",
        "kind": "company",
        "status": "active",
        "uscc": "",
        "org_code": "",
    }
    body |= changes.pop("body", {})
    said = {
        "id": "0198c000-0000-7000-8000-000000000001", "dataset": dataset, "schema": 1, "op": "u", "version": 1,
        "owner": HANGZHOU, "place": WEST_LAKE, "at": "2026-11-20T08:00:00Z",
        "body": {key: value for key, value in body.items() if value is not None},
    }  # fmt: skip
    return json.dumps(said | changes, ensure_ascii=False).encode()


def take(sender, *payloads, stream="IN_330100"):
    start = receiving.position(stream)
    return receiving.receive(sender, stream, [(start + 1 + i, p) for i, p in enumerate(payloads)])


@pytest.fixture
def hub(db):
    become(HUB, hub=True)
    node.open_city(HANGZHOU)
    node.open_city(NINGBO)


@pytest.fixture
def hangzhou(db):
    become(HANGZHOU)


@pytest.fixture
def firm(db):
    def make(name="杭州西湖茶业有限公司", place=WEST_LAKE, **values):
        return Enterprise.objects.create(name=name, place=place, **values)

    return make


@pytest.fixture
def sample(monkeypatch):
    """A dataset of documents, as a room would declare it."""
    one = declared.Dataset(
        key="test.recall", title="召回信息", summary="测试", identifier="330001/T-1", classification="307/9",
        key_fields=("number",), down="all",
        fields=(
            declared.Field("number", "编号", required=True),
            declared.Field("product", "产品", length=20),
            declared.Field("count", "数量", "integer"),
            declared.Field("level", "等级", codes=frozenset({"1", "2"})),
            declared.Field("maker", "生产者代码", scheme="uscc"),
        ),
    )  # fmt: skip
    known = declared.all() | {one.key: one}
    monkeypatch.setattr(declared, "all", lambda: known)
    return one
