"""Pushing and pulling over the signed interface, as a partner's program sees it."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import gmssl_pyx
import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, connections

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import node, sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.exchange.standing import status
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Challenge, Grant, Request
from jinzhi.network.partners import partnering, watching
from jinzhi.network.partners.models import Batch, Partner
from jinzhi.network.partners.tests.conftest import batch, ready, recall
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db


def held(dataset="yangtze.recall", partner="shanghai"):
    return {d.body["number"]: d for d in Document.objects.filter(dataset=dataset, owner_node=partner)}


def ok(answer, status=200):
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


# -- pushing


def test_a_batch_becomes_mirror_records_and_is_answered_with_four_receipts(shanghai):
    said = ok(shanghai.post("/batches", batch("B1", recall("SH-1"), recall("SH-2", defect="漏电"))))
    assert (said["state"], said["rows"], said["accepted"], said["rejected"]) == ("done", 2, 2, 0)
    assert set(said["receipts"]) == {"R1", "R2", "R3", "R4"} and said["receipts"]["R3"]["applied"] == 2
    found = held()
    assert set(found) == {"SH-1", "SH-2"}
    assert found["SH-1"].source == "shanghai" and found["SH-1"].place == 310000_000000
    assert ok(shanghai.get("/batches/B1"))["receipts"]["R4"]["rejected"] == []


def test_the_same_batch_again_gets_the_first_answer_and_another_content_is_refused(shanghai):
    ok(shanghai.post("/batches", batch("B1")))
    again = ok(shanghai.post("/batches", batch("B1")))
    assert again["repeated"] and held()["SH-1"].version == 1
    other = shanghai.post("/batches", batch("B1", recall("SH-9")))
    assert other.status_code == 409 and "批次号 B1 已用于内容不同" in other.json()["message"]
    assert set(held()) == {"SH-1"} and Batch.objects.filter(number="B1").count() == 1


def test_a_bad_row_does_not_hold_up_the_others_and_is_named(shanghai):
    rows = [
        recall("SH-1"), recall("SH-2", state="不知道"),
        recall("SH-3", uscc="91310000MA1FL0000X"), recall("SH-4", started_on="昨天"),
        {"body": {"number": "SH-5"}}, recall("SH-6") | {"place": 320000_000000},
    ]  # fmt: skip
    said = ok(shanghai.post("/batches", batch("B1", *rows)))
    assert (said["accepted"], said["rejected"]) == (1, 5)
    codes = {one["key"]: (one["row"], one["code"]) for one in said["receipts"]["R4"]["rejected"]}
    assert codes == {
        "SH-2": (2, "E04"),
        "SH-3": (3, "E05"),
        "SH-4": (4, "E03"),
        "SH-5": (5, "E03"),
        "SH-6": (6, "E09"),
    }
    assert set(held()) == {"SH-1"}


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"dataset": "yangtze.nothing"}, 422, "没有登记的数据集"),
        ({"dataset": "cnca.certificate"}, 403, "没有授权"),
        ({"dataset": "registry.enterprise"}, 403, "没有授权"),
        ({"schema": 9}, 422, "没有登记结构版本 9"),
        ({"rows": [{"body": {"number": "1", "colour": "红"}}]}, 422, "没有登记的信息项"),
        ({"count": 3}, 422, "声明 3 条，收到 1 条"),
        ({"mode": "full", "rows": []}, 422, "全量批次没有记录"),
        ({"batch": ""}, 422, "至少 1 个字符"),
        ({"batch": "a\u0000b"}, 422, "可见字符"),
        ({"mode": "some"}, 422, "应为以下之一"),
        ({"rows": [{"body": {}, "version": 0}]}, 422, "不能小于 1"),
        ({"rows": "x"}, 422, ""),
        ({"extra": 1}, 422, "没有这一项"),
    ],
)
def test_what_is_refused_as_a_whole(shanghai, change, status, word):
    answer = shanghai.post("/batches", batch("B1") | change)
    assert answer.status_code == status and word in answer.json()["message"], answer.content.decode()
    assert not Document.objects.exists()


def test_an_item_outside_the_grant_is_refused(shanghai):
    grant = Grant.objects.get(consumer="shanghai", inward=True)
    Grant.objects.filter(pk=grant.pk).update(fields=[f for f in grant.fields if f != "models"])
    answer = shanghai.post("/batches", batch("B1", recall(models="A 型")))
    assert (
        answer.status_code == 403
        and "E09" in answer.json()["message"]
        and "型号批次" in answer.json()["message"]
    )


def test_a_refused_number_may_be_used_again_and_the_refusal_stays_visible(shanghai):
    assert shanghai.post("/batches", batch("B1") | {"count": 9}).status_code == 422
    ok(shanghai.post("/batches", batch("B1")))
    assert (
        Batch.objects.filter(partner__code="shanghai", state="refused", number__startswith="B1 拒收").count()
        == 1
    )


def test_what_is_not_json_is_answered_in_words(shanghai):
    path = "/api/v1/partner/batches"
    for body in (b"", b"{", b"\xff\xfe", b"[" * 50_000, "批次".encode("gb18030")):
        answer = shanghai.send("POST", path, "", shanghai.headers("POST", path, "", body), body)
        assert answer.status_code in (400, 422), (body[:10], answer.status_code)


def test_versions_count_themselves_and_an_older_one_changes_nothing(shanghai):
    ok(shanghai.post("/batches", batch("B1", recall())))
    ok(shanghai.post("/batches", batch("B2", recall())))  # nothing new
    assert held()["SH-1"].version == 1
    ok(shanghai.post("/batches", batch("B3", recall(state="已完成"))))
    assert held()["SH-1"].version == 2
    ok(shanghai.post("/batches", batch("B4", recall() | {"version": 7})))
    ok(shanghai.post("/batches", batch("B5", recall(state="已取消") | {"version": 3})))
    assert (held()["SH-1"].version, held()["SH-1"].body["state"]) == (7, "实施中")


def test_a_deleted_record_goes_and_may_come_back(shanghai):
    ok(shanghai.post("/batches", batch("B1")))
    said = ok(shanghai.post("/batches", batch("B2", {"op": "d", "body": {"number": "SH-1"}})))
    assert said["accepted"] == 1 and not held()
    ok(shanghai.post("/batches", batch("B3")))
    assert held()["SH-1"].version == 3


def test_a_full_batch_removes_what_it_leaves_out_of_its_own_only(shanghai, jiangsu):
    ok(shanghai.post("/batches", batch("B1", recall("SH-1"), recall("SH-2"), recall("SH-3"))))
    ok(jiangsu.post("/batches", batch("B1", recall("JS-1"))))
    ok(shanghai.post("/batches", batch("B2", recall("SH-2"), recall("SH-4"), mode="full")))
    assert set(held()) == {"SH-2", "SH-4"} and set(held(partner="jiangsu")) == {"JS-1"}


def test_two_partners_may_use_the_same_number(shanghai, jiangsu):
    ok(shanghai.post("/batches", batch("B1", recall("2026-1"))))
    ok(jiangsu.post("/batches", batch("B1", recall("2026-1", producer="江苏样例"))))
    assert Document.objects.filter(dataset="yangtze.recall", body__number="2026-1").count() == 2


def test_what_one_partner_gives_reaches_the_other_and_not_itself(shanghai, jiangsu):
    ok(shanghai.post("/batches", batch("B1", recall("SH-7"))))
    seen = [
        json.loads(m["payload"])
        for m in ok(jiangsu.get("/messages"))["messages"]
        if m["dataset"] == "yangtze.recall"
    ]
    assert [one["body"]["number"] for one in seen] == ["SH-7"] and seen[0]["owner"] == "shanghai"
    assert [m for m in ok(shanghai.get("/messages"))["messages"] if m["dataset"] == "yangtze.recall"] == []


def test_tallies_and_status_know_the_partner(shanghai):
    ok(shanghai.post("/batches", batch("B1", recall("SH-1"), recall("SH-2", state="？"))))
    with connection.cursor() as cursor:
        cursor.execute("SELECT received, applied, refused FROM exchange_tally WHERE peer = 'shanghai'")
        assert cursor.fetchall() == [(2, 1, 1)]
    assert any(one.get("peer") == "shanghai" for one in status())


# -- pulling


def enterprise(**more):
    usual = {"name": "杭州样例食品有限公司", "place": 330106_000000, "kind": "company", "address": "不该出去"}
    return Enterprise.objects.create(**(usual | more))


@pytest.fixture
def health(hub):
    return ready("health", takes={"registry.enterprise": ["name", "status"]}, gives=("yangtze.recall",))


def count(messages):
    """The digest of a batch as docs/partners.md tells a stranger to count it."""
    total = 0
    for one in messages:
        total += int.from_bytes(gmssl_pyx.sm3_hash(one["payload"].encode())[:16], "big")
    return f"{total % 2**128:032x}"


def test_records_are_fetched_in_order_checked_and_acknowledged(health):
    names = [f"第{n}家" for n in range(5)]
    for name in names:
        enterprise(name=name)
    said = ok(health.get("/messages"))
    *records, trailer = said["messages"]
    assert trailer["dataset"] == "_batch" and said["next"] == 6 and not said["more"]
    assert [json.loads(m["payload"])["body"] for m in records] == [
        {"name": n, "status": "active"} for n in names
    ]
    tail = json.loads(trailer["payload"])
    assert tail["digest"] == count(records) and tail["rows"] == 5 and tail["signature"]
    assert ok(health.get("/messages")) == said, "the same bytes again"
    assert ok(health.get("/messages", "after=2&limit=2"))["messages"] == said["messages"][2:4]
    closed = ok(
        health.post("/acknowledgements", {"upto": 6, "digests": {str(tail["batch"]): tail["digest"]}})
    )
    assert closed == {"acknowledged": 6, "batches": [tail["batch"]]}
    assert ok(health.get("/messages"))["messages"] == []


def test_the_trailers_signature_is_ours(health):
    enterprise()
    tail = json.loads(ok(health.get("/messages"))["messages"][-1]["payload"])
    signature = base64.b64decode(tail.pop("signature"))
    text = json.dumps(tail, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    public = health.send("GET", "/api/v1/partner/key", "", {}, b"").json()["public"]
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, text)


def test_what_was_not_fetched_cannot_be_acknowledged(health):
    enterprise()
    sending.number()
    answer = health.post("/acknowledgements", {"upto": 2})
    assert answer.status_code == 422 and "还没有取走" in answer.json()["message"]


def test_half_a_batch_closes_nothing(health):
    enterprise()
    enterprise(name="二")
    ok(health.get("/messages"))
    assert ok(health.post("/acknowledgements", {"upto": 1})) == {"acknowledged": 0, "batches": []}
    assert ok(health.post("/acknowledgements", {"upto": 3}))["batches"] == [1]


def test_a_wrong_digest_acknowledges_nothing(health):
    enterprise()
    ok(health.get("/messages"))
    answer = health.post("/acknowledgements", {"upto": 2, "digests": {"1": "0" * 32}})
    assert answer.status_code == 409 and "摘要不符" in answer.json()["message"]
    assert ok(health.get("/me"))["channel"]["acknowledged"] == 0


def test_what_the_partner_refused_is_kept_with_its_reason(health):
    made = enterprise()
    ok(health.get("/messages"))
    refused = [{"seq": 1, "code": "E04", "reason": "状态代码不认识"}]
    ok(health.post("/acknowledgements", {"upto": 2, "refused": refused}))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dataset, record, code, reason FROM exchange_refusal WHERE channel = 'out.health'"
        )
        assert cursor.fetchall() == [("registry.enterprise", made.pk, "E04", "状态代码不认识")]
    nonsense = {"upto": 2, "refused": [{"seq": 77, "code": "E04"}]}
    assert health.post("/acknowledgements", nonsense).status_code == 422


@pytest.mark.parametrize("query", ["after=-1", "after=999", "limit=0", "limit=99999", "after=x"])
def test_positions_that_are_none(health, query):
    assert health.get("/messages", query).status_code == 422


def test_a_resend_brings_the_present_state(health):
    enterprise()
    ok(health.get("/messages"))
    assert ok(health.post("/replays", {"dataset": "registry.enterprise"}))["records"] == 1
    assert health.post("/replays", {"dataset": "registry.enterprise"}).status_code == 409
    assert len(ok(health.get("/messages", "after=2"))["messages"]) == 2
    assert health.post("/replays", {"dataset": "registry.entry"}).status_code == 403


def test_messages_that_are_no_longer_kept_are_said_so(health):
    enterprise()
    enterprise(name="二")
    sending.number()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM exchange_queue WHERE channel = 'out.health' AND seq = 1")
    answer = health.get("/messages")
    assert answer.status_code == 410 and "/partner/replays" in answer.json()["message"]


def test_a_partner_that_never_acknowledges_is_limited_and_others_are_not(health, jiangsu):
    Partner.objects.filter(code="health").update(max_unacknowledged=5)
    for n in range(6):
        enterprise(name=f"第{n}家")
    ok(health.get("/messages"))
    assert watching.watch() == {"limited": 1, "resumed": 0}
    partner = Partner.objects.get(code="health")
    assert partner.state == "limited" and "没有确认" in partner.state_reason
    before = sending.standing("out.health")["numbered"]
    enterprise(name="不再编号")
    sending.number()
    assert sending.standing("out.health")["numbered"] == before
    assert ok(jiangsu.get("/me"))["state"] == "active"
    ok(health.post("/acknowledgements", {"upto": before}))  # it may still acknowledge
    assert watching.watch() == {"limited": 0, "resumed": 1}
    names = [json.loads(m["payload"])["body"]["name"] for m in ok(health.get("/messages"))["messages"][:-1]]
    assert "不再编号" in names


def test_late_receipts_are_counted(health):
    enterprise()
    ok(health.get("/messages"))
    assert watching.overdue("out.health") == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_batch SET stored_at = now() - interval '9 days' WHERE channel = 'out.health'"
        )
    assert watching.overdue("out.health") == 1
    watching.watch()


def test_an_expired_grant_takes_and_gives_nothing(shanghai):
    Grant.objects.filter(consumer="shanghai").update(until=calendar.today().replace(year=2020))
    assert shanghai.post("/batches", batch("B1")).status_code == 403


# -- asking and doubting


def test_a_partner_asks_by_interface_and_reads_the_answer(health):
    wanted = {
        "dataset": "registry.certificate", "purpose": "餐饮许可比对核验", "fields": ["number", "status"],
        "area": 330000_000000, "until": str(calendar.today().replace(year=calendar.today().year + 1)),
    }  # fmt: skip
    said = ok(health.post("/requests", wanted))
    assert said["state"] == "open" and Request.objects.get(number=said["number"]).consumer == "health"
    assert ok(health.get("/requests"))[0]["number"] == said["number"]
    assert "应当有期限" in health.post("/requests", wanted | {"until": None}).json()["message"]
    assert health.post("/requests", wanted | {"fields": ["nothing"]}).status_code == 422


def test_a_partner_doubts_only_what_it_was_given(health):
    made = enterprise(name="写错的名字")
    doubt = {
        "dataset": "registry.enterprise",
        "record": str(made.pk),
        "field": "name",
        "wanted": "对的名字",
        "reason": "执照",
    }
    assert ok(health.post("/challenges", doubt))["state"] == "open"
    assert Challenge.objects.get().provider_place == made.place
    assert health.post("/challenges", doubt | {"field": "address"}).status_code == 403
    assert health.post("/challenges", doubt | {"dataset": "registry.entry"}).status_code == 403
    assert health.post("/challenges", doubt | {"record": "x"}).status_code == 404


def test_the_structure_of_a_granted_dataset_is_a_json_schema(health):
    said = ok(health.get("/datasets/yangtze.recall"))
    jsonschema.validate(recall()["body"], said["body"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(recall(state="？")["body"], said["body"])
    assert list(ok(health.get("/datasets/registry.enterprise"))["body"]["properties"]) == ["name", "status"]
    assert health.get("/datasets/registry.entry").status_code == 404


def test_the_catalogue_is_public_and_knows_identifiers(client):
    every = ok(client.get("/api/v1/catalogue"))
    assert every["total"] == len(every["results"]) > 10
    one = ok(client.get("/api/v1/catalogue/330001/XKZS-0001"))
    assert one == ok(client.get("/api/v1/catalogue/registry.certificate"))
    assert one["core"]["信息资源标识符"] == "330001/XKZS-0001" and len(one["core"]) == 12
    assert client.get("/api/v1/catalogue/330001/none").status_code == 404
    assert ok(client.get("/api/v1/catalogue?q=召回&share=unconditional"))["total"] >= 1


def test_switching_off_stops_numbering_and_on_brings_the_present_state(health):
    partner = Partner.objects.get(code="health")
    partnering.switch_off(None, partner, "检修")
    enterprise(name="停用时的")
    sending.number()
    partnering.switch_on(None, partner)
    names = [json.loads(m["payload"])["body"]["name"] for m in ok(health.get("/messages"))["messages"][:-1]]
    assert names == ["停用时的"]


@pytest.mark.parametrize("number", ["批次 一", "a/b", "2026-11-23 #1", "x" * 60])
def test_batch_numbers_of_any_form_are_found_again(shanghai, number):
    ok(shanghai.post("/batches", batch(number)))
    path = f"/api/v1/partner/batches/{quote(number, safe='')}"
    answer = shanghai.send("GET", path, "", shanghai.headers("GET", path, "", b""), b"")
    assert answer.status_code == 200 or "/" in number, answer.content


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_number_are_one_batch():
    with scope.acting(scope.SYSTEM):
        node.enable("330000", True)
        program = ready("shanghai", gives=("yangtze.recall",), accepts=["http"])

    def push(_):
        try:
            return program.post("/batches", batch("B1", *(recall(f"SH-{n}") for n in range(50)))).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(push, range(4))) == [200] * 4
    with scope.acting(scope.SYSTEM):
        assert len(held()) == 50 and {d.version for d in held().values()} == {1}
        assert Batch.objects.filter(number="B1").count() == 1
