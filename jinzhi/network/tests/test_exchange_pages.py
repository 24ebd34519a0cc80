"""The pages of the exchange: who sees which messages, what may be done with a refused one."""

import json

import pytest
from django.db import connection
from django.test import Client

from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import receiving
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.people.tests import cast
from jinzhi.foundation.places import scope
from jinzhi.network.models import Node

pytestmark = pytest.mark.django_db
WEST_LAKE = 330106_000000


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def message(number, **changes):
    body = {"name": "杭州龙井茶业有限公司", "kind": "company", "status": "active"} | changes.pop("body", {})
    said = {
        "id": f"0198c000-0000-7000-8000-{number:012d}", "dataset": "registry.enterprise", "schema": 1, "op": "u",
        "version": 1, "owner": "330100", "place": WEST_LAKE, "at": "2026-11-20T08:00:00Z", "body": body,
    }  # fmt: skip
    return json.dumps(said | changes, ensure_ascii=False).encode()


@pytest.fixture
def hub(db):
    nodes.enable("330000", True)
    nodes.open_city("330100")
    Node.objects.create(code="330100", name="杭州市", kind="city", place=330100_000000, state="active")
    sender = Sender("330100", "city", 330100_000000, 330199_999999)
    receiving.receive(sender, "IN_330100", [(1, message(1)), (2, message(2, body={"name": ""}))])


@pytest.fixture
def official(db, settings):
    settings.DEMO = True  # a demonstration account needs no second factor

    def enter(place, role="administrator"):
        post = cast.person(f"u{place}{role}", str(place // 10**6), role)
        return cast.sign_in(Client(), post)

    return enter


PAGES = ["", "received/", "sent/", "quarantine/", "refused/", "reconciliations/", "quarantine/{key}/",
         "way/0198c000-0000-7000-8000-000000000001/"]  # fmt: skip


def entry():
    return run("SELECT id FROM exchange_quarantine")[0][0]


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_for_those_who_run_the_network(hub, official, page):
    answer = official(330000_000000).get(f"/office/exchange/{page.format(key=entry())}")
    assert answer.status_code == 200
    assert "None" not in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_opens_them(hub, official, page):
    path = f"/office/exchange/{page.format(key=entry())}"
    assert official(330000_000000, "window_clerk").get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_another_county_sees_no_message_and_cannot_act(hub, official):
    ningbo, own = official(330203_000000), official(330106_000000)
    assert "杭州市" in own.get("/office/exchange/received/").content.decode()
    assert "杭州市" not in ningbo.get("/office/exchange/received/").content.decode()
    key = entry()
    assert ningbo.get(f"/office/exchange/quarantine/{key}/").status_code == 404
    assert ningbo.get("/office/exchange/way/0198c000-0000-7000-8000-000000000001/").status_code == 404
    assert ningbo.post(f"/office/exchange/quarantine/{key}/apply/").status_code == 404
    assert ningbo.post(f"/office/exchange/quarantine/{key}/discard/", {"reason": "x"}).status_code == 404
    assert run("SELECT state FROM exchange_quarantine") == [("open",)]


def test_a_reader_does_not_act(hub, official):
    auditor = official(330000_000000, "auditor")
    assert auditor.get(f"/office/exchange/quarantine/{entry()}/").status_code == 200
    assert auditor.post(f"/office/exchange/quarantine/{entry()}/discard/", {"reason": "x"}).status_code == 403


def test_a_message_is_discarded_once_with_a_reason(hub, official):
    client, key = official(330000_000000), entry()
    client.post(f"/office/exchange/quarantine/{key}/discard/", {"reason": ""})
    assert run("SELECT state FROM exchange_quarantine") == [("open",)]
    client.post(f"/office/exchange/quarantine/{key}/discard/", {"reason": "测试数据"})
    assert run("SELECT state, settled_by FROM exchange_quarantine") == [
        ("discarded", "u330000000000administrator姓名")
    ]
    again = client.post(f"/office/exchange/quarantine/{key}/discard/", {"reason": "再来"}, follow=True)
    assert "已由别人处理" in again.content.decode()


def test_applying_again_says_what_is_still_wrong(hub, official):
    client, key = official(330000_000000), entry()
    answer = client.post(f"/office/exchange/quarantine/{key}/apply/", follow=True)
    assert "仍不能应用" in answer.content.decode() and "缺少名称" in answer.content.decode()
    run("UPDATE exchange_quarantine SET payload = %s", [message(2).decode()])
    client.post(f"/office/exchange/quarantine/{key}/apply/")
    assert run("SELECT count(*) FROM registry_enterprise") == [(2,)]
    assert run("SELECT state FROM exchange_quarantine") == [("applied",)]


@pytest.mark.parametrize(
    "query", ["q=%00", "q=1%27%20OR%201=1", "after=zzz", "peer=%27", "received_at_min=31", "dataset=x"]
)
def test_odd_filters_are_answered(hub, official, query):
    assert official(330000_000000).get(f"/office/exchange/received/?{query}").status_code in (200, 400)


def test_a_comparison_is_asked_for_by_the_nodes_own_bureau(hub, official):
    answer = official(330000_000000).post(
        "/office/exchange/reconciliations/ask/", {"dataset": "no.such"}, follow=True
    )
    assert "没有这个数据集" in answer.content.decode()
    assert official(330106_000000).post("/office/exchange/reconciliations/ask/", {}).status_code == 404


def test_a_comparison_is_signed_once_and_only_when_both_agree(hub, official):
    for number, state in ((1, "agreed"), (2, "differs")):
        run(
            "INSERT INTO exchange_reconciliation (id, peer, dataset, owner_node, state, ours, theirs, differing)"
            " VALUES (%s, '330100', 'registry.enterprise', '330100', %s, 3, 3, 0)",
            [f"0198c000-0000-7000-8000-{number:012d}", state],
        )
    client = official(330000_000000, "supervisor")
    for number in (1, 2):
        client.post(f"/office/exchange/reconciliations/0198c000-0000-7000-8000-{number:012d}/sign/")
        page = client.get(f"/office/exchange/reconciliations/0198c000-0000-7000-8000-{number:012d}/")
        assert page.status_code == 200
    assert run("SELECT state, signed_by FROM exchange_reconciliation ORDER BY id") == [
        ("agreed", "u330000000000supervisor姓名"),
        ("differs", ""),
    ]


def test_the_newest_lines_of_a_long_log_are_read_from_its_end(hub):
    """In order by an index whoever asks; what each filter reads of a filled log is in test_exchange_log."""
    run("SET LOCAL enable_seqscan = off")
    run("SET LOCAL enable_bitmapscan = off")
    with scope.acting(scope.staff(330000_000000)):
        plan = "\n".join(
            row
            for (row,) in run(
                "EXPLAIN SELECT * FROM exchange_received ORDER BY received_at DESC, id DESC LIMIT 51"
            )
        )
        assert "Merge Append" in plan and "Index Scan Backward" in plan and "Sort  (" not in plan
        plan = "\n".join(
            row
            for (row,) in run(
                "EXPLAIN SELECT * FROM exchange_sent ORDER BY made_at DESC, id DESC, channel LIMIT 51"
            )
        )
    assert "exchange_queue_outbox" in plan
