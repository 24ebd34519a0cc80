# ruff: noqa: F401, F811 — fixtures of a neighbour
"""The pages of the exchange under hard use: races, bad input, long lists, who may act."""

import base64

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.tests import cast
from jinzhi.network.tests.test_exchange_pages import entry, hub, message, official, run

pytestmark = pytest.mark.django_db
ROOT = "/office/exchange/"


def cursor_of(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def comparison(number, **values):
    row = {
        "peer": "330100",
        "dataset": "registry.enterprise",
        "owner_node": "330100",
        "state": "agreed",
    } | values
    run(
        "INSERT INTO exchange_reconciliation (id, peer, dataset, owner_node, state, ours, theirs, differing)"
        " VALUES (%s, %s, %s, %s, %s, 3, 3, 0)",
        [
            f"0198c000-0000-7000-8000-{number:012d}",
            row["peer"],
            row["dataset"],
            row["owner_node"],
            row["state"],
        ],
    )


def test_a_discarded_message_is_not_applied_afterwards(hub, official):
    client, key = official(330000_000000), entry()
    run("UPDATE exchange_quarantine SET payload = %s", [message(2).decode()])
    client.post(f"{ROOT}quarantine/{key}/discard/", {"reason": "测试数据"})
    answer = client.post(f"{ROOT}quarantine/{key}/apply/", follow=True)
    assert "已由别人处理" in answer.content.decode()
    assert run("SELECT count(*) FROM registry_enterprise") == [(1,)]


@pytest.mark.parametrize("payload", ['{"a": "\\ud800"}', "[" * 100_000, "1" * 9000, "NaN", ""])
def test_whatever_was_refused_can_be_looked_at(hub, official, payload):
    run("UPDATE exchange_quarantine SET payload = %s", [payload])
    client, key = official(330000_000000), entry()
    assert client.get(f"{ROOT}quarantine/{key}/").status_code == 200
    assert client.post(f"{ROOT}quarantine/{key}/apply/", follow=True).status_code == 200


def test_a_reason_with_odd_characters_settles_nothing_half(hub, official):
    client, key = official(330000_000000), entry()
    client.post(f"{ROOT}quarantine/{key}/discard/", {"reason": "\x00测试"})
    logged = run("SELECT count(*) FROM history_auditentry WHERE kind = 'exchange.quarantine.discarded'")[0][0]
    assert (run("SELECT state FROM exchange_quarantine")[0][0] == "discarded") == bool(logged)


@pytest.mark.parametrize("page", ["received/", "sent/", "quarantine/", "refused/", "reconciliations/"])
@pytest.mark.parametrize(
    "query",
    [
        "after=" + cursor_of("[Infinity]"), "after=" + cursor_of("[1e400]"), "after=" + cursor_of('[5, "\\u0000"]'),
        "before=" + cursor_of("[123456789012345678901234567890]"), "peer=%00", "code=E99", "outcome=x", "state=x",
        "sort=-nothing", "received_at_min=2026-13-45", "made_at_min=0001-01-01&made_at_max=9999-12-31",
        "received_at_min=0001-01-01&received_at_max=9999-12-31", "q=" + "9" * 500,
        "after=" + cursor_of('["2026-01-01T00:00:00", "x"]'), "after=" + cursor_of('["\\u0000", "x"]'),
    ],
)  # fmt: skip
def test_odd_addresses_are_answered(hub, official, page, query):
    assert official(330000_000000).get(f"{ROOT}{page}?{query}").status_code in (200, 400)


def test_a_key_beyond_all_numbers(hub, official):
    assert official(330000_000000).get(f"{ROOT}quarantine/{10**30}/").status_code == 404


def test_an_enterprise_opens_nothing_and_does_nothing(hub, official):
    firm = Account.objects.create(username="firm", name="企业", kind=Account.Kind.ENTERPRISE, is_demo=True)
    client, key = Client(), entry()
    client.force_login(firm, backend=cast.BACKEND)
    for page in (
        "",
        "received/",
        "sent/",
        "quarantine/",
        f"quarantine/{key}/",
        "refused/",
        "reconciliations/",
    ):
        assert client.get(ROOT + page).status_code == 403
    assert client.post(f"{ROOT}quarantine/{key}/discard/", {"reason": "x"}).status_code == 403
    assert run("SELECT state FROM exchange_quarantine") == [("open",)]


def test_an_ended_session_does_nothing(hub, official):
    key = entry()
    client = official(330000_000000)
    client.logout()
    assert client.get(f"{ROOT}received/").status_code == 302
    assert client.post(f"{ROOT}quarantine/{key}/discard/", {"reason": "x"}).status_code in (302, 403)
    assert run("SELECT state FROM exchange_quarantine") == [("open",)]


def queries(client, path):
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_a_long_list_of_comparisons_costs_no_query_a_row(hub, official):
    client = official(330000_000000)
    comparison(1)
    few = queries(client, f"{ROOT}reconciliations/")
    for number in range(2, 42):
        comparison(number)
    assert queries(client, f"{ROOT}reconciliations/") == few


def test_a_comparison_at_the_hub_is_signed_by_the_hubs_own_bureau(hub, official):
    comparison(1)
    official(330100_000000, "supervisor").post(
        f"{ROOT}reconciliations/0198c000-0000-7000-8000-000000000001/sign/"
    )
    assert run("SELECT signed_by FROM exchange_reconciliation") == [("",)]


def test_a_download_of_the_log_is_logged(hub, official):
    before = run("SELECT count(*) FROM history_auditentry")[0][0]
    answer = official(330000_000000).get(f"{ROOT}received/?export=csv")
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert len(body) > 50
    kinds = [k for (k,) in run("SELECT kind FROM history_auditentry ORDER BY id DESC LIMIT 3")]
    assert run("SELECT count(*) FROM history_auditentry")[0][0] > before and any(
        "export" in k for k in kinds
    ), kinds


def test_resending_twice_says_so(hub, official):
    answer = official(330000_000000).post(f"{ROOT}refused/resend/", follow=True)
    assert "已按现状重新发送 0 条" not in answer.content.decode()


def test_asking_for_a_peer_that_is_not_there(hub, official, monkeypatch):
    from jinzhi.network import exchange_views

    asked = []
    monkeypatch.setattr(exchange_views.folder, "node", lambda: {"node": "330000", "role": "hub"})
    monkeypatch.setattr(exchange_views.reconciling, "request", lambda *a: asked.append(a))
    official(330000_000000).post(f"{ROOT}reconciliations/ask/", {"peer": "nobody"})
    assert asked == []
