"""What arrives is checked, applied once, refused with a reason, and answered."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from jinzhi.foundation.exchange import (
    border,
    declared,
    node,
    quarantine,
    receiving,
    replaying,
    sending,
    standing,
)
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate, Enterprise
from tests.exchange.conftest import (
    HAISHU,
    HANGZHOU,
    HUB,
    NINGBO,
    WEST_LAKE,
    become,
    city,
    drain,
    forget,
    message,
    run,
    take,
)

pytestmark = pytest.mark.django_db
ID = "0198c000-0000-7000-8000-000000000001"


def held():
    return run("SELECT code, reason, state FROM exchange_quarantine ORDER BY id")


def test_what_one_node_sent_another_holds_as_it_was(db, firm, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    one = firm(uscc="91330106MA27XYYU0U", founded_on="2015-01-02", registered_capital_cents=100)
    Certificate.objects.create(number="SC1", kind="food", holder=one, holder_name=one.name, place=WEST_LAKE)
    columns = (
        "id, place, owner_node, version, name, uscc, org_code, founded_on, registered_capital_cents, initials"
    )
    before = run(f"SELECT {columns} FROM registry_enterprise")
    lot = drain("up")
    forget(Certificate, Enterprise)
    become(HUB, hub=True)
    outcome = receiving.receive(city(HANGZHOU), "IN_330100", lot)
    assert (outcome.applied, outcome.refused, outcome.alarms) == (2, 0, [])
    assert run(f"SELECT {columns} FROM registry_enterprise") == before
    assert Certificate.objects.get().holder_id == one.pk


def test_a_replayed_lot_changes_nothing(hub):
    take(city(HANGZHOU), message())
    again = receiving.receive(city(HANGZHOU), "IN_330100", [(1, message(version=9))])
    assert again.repeated == 1 and Enterprise.objects.get().version == 1
    late = take(city(HANGZHOU), message(version=3), message(version=2, body={"name": "旧名"}))
    assert Enterprise.objects.get().version == 3 and late.ignored == 1


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        (b"\xff\xfe", "E01", "UTF-8"),
        (b"[]", "E01", "信封"),
        (b'{"dataset": "registry.enterprise"}', "E01", "信封"),
        (message(version=0), "E01", "版本"),
        (message(version="1"), "E01", "版本"),
        (message(op="x"), "E01", "操作"),
        (message(place=10**15), "E01", "地点"),
        (message(id="1"), "E01", "信封"),
        (message(schema=9), "E03", "结构版本"),
        (message(body={"name": ""}), "E03", "缺少名称"),
        (message(body={"name": 5}), "E03", "字符型"),
        (message(body={"name": "茶" * 201}), "E03", "超过 200"),
        (message(body={"founded_on": "2026-02-30"}), "E03", "日期型"),
        (message(body={"registered_capital_cents": 1.5}), "E03", "整数型"),
        (message(body={"password": "x"}), "E03", "没有登记的信息项"),
        (message(owner=NINGBO), "E09", "记录归 330200"),
        (message(place=HAISHU), "E09", "辖区"),
        (message(owner=HUB), "E09", "记录归"),
        (message("registry.certificate", body={"number": "1", "kind": "food", "holder_id": ID, "holder_name": "x",
                 "status": "valid"})[:-1] + b" " * 1_000_001, "E10", "上限"),
    ],
)  # fmt: skip
def test_bad_messages_are_kept_with_a_reason_and_nothing_is_written(hub, payload, code, words):
    outcome = take(city(HANGZHOU), payload)
    assert (outcome.applied, outcome.refused) == (0, 1)
    ((found, reason, state),) = held()
    assert (found, state) == (code, "open") and words in reason
    assert not Enterprise.objects.exists()


@pytest.mark.parametrize("place", ["浙江", None, -1, 10**30, True, 1.5, [1], {}])
def test_a_place_that_is_none_is_logged_at_its_senders_home(hub, place):
    assert take(city(HANGZHOU), message(place=place)).refused == 1
    for table in ("exchange_inbound", "exchange_quarantine"):
        assert run(f"SELECT locality FROM {table}") == [(330100_000000,)]


def test_an_unknown_dataset_is_refused(hub):
    said = json.loads(message()) | {"dataset": "no.such"}
    assert take(city(HANGZHOU), json.dumps(said).encode()).refused == 1
    assert held()[0][0] == "E03"


def test_one_bad_row_does_not_hold_up_the_others(hub):
    code = "91330106MA27XYYU0U"
    lot = [
        message(id=f"0198c000-0000-7000-8000-0000000000{i:02d}", body={"uscc": code if i in (3, 7) else ""})
        for i in range(10, 20)
    ] + [message(id=f"0198c000-0000-7000-8000-0000000000{i:02d}", body={"uscc": code}) for i in (30, 31)]
    outcome = take(city(HANGZHOU), *lot)
    assert outcome.refused == 1 and Enterprise.objects.count() == 11
    assert held()[0][0] == "E06" and "重复" in held()[0][1]


def test_a_record_goes_to_whoever_owns_it_here(hub):
    take(city(HANGZHOU), message())
    said = message(version=5, owner=NINGBO, place=HAISHU, body={"name": "宁波抢注"})
    assert take(city(NINGBO), said, stream="IN_330200").refused == 1
    assert Enterprise.objects.get().name == "杭州龙井茶业有限公司"
    assert "不能改动" in held()[0][1]


def test_what_comes_before_its_parent_waits_and_is_applied_when_it_comes(hub):
    child = message(
        "registry.certificate", id="0198c000-0000-7000-8000-000000000002",
        body={"number": "SC1", "kind": "food", "holder_id": ID, "holder_name": "x", "name": None, "uscc": None,
              "org_code": None, "status": "valid"},
    )  # fmt: skip
    assert take(city(HANGZHOU), child).refused == 1
    assert held()[0][0] == "E07"
    take(city(HANGZHOU), message())
    assert Certificate.objects.get().number == "SC1"
    assert held()[0][2] == "applied"


def orphan(number, owner=HANGZHOU, place=WEST_LAKE, **changes):
    """A certificate whose holder is the enterprise of `message()`."""
    return message(
        "registry.certificate", id=f"0198c000-0000-7000-8000-{number:012d}", owner=owner, place=place,
        body={"number": f"SC{number}", "kind": "food", "holder_id": ID, "holder_name": "x", "name": None, "uscc": None,
              "org_code": None, "status": "valid"}, **changes,
    )  # fmt: skip


def test_what_waits_for_another_nodes_record_is_applied_when_that_comes(hub):
    assert take(city(NINGBO), orphan(7, NINGBO, HAISHU), stream="IN_330200").refused == 1
    take(city(HANGZHOU), message())
    assert Certificate.objects.get().owner_node == NINGBO
    assert held()[0][2] == "applied"


def test_many_that_wait_for_others_do_not_keep_one_from_its_turn(hub):
    never = "0198c000-0000-7000-8000-00000000dead"
    waiting = [json.loads(orphan(n)) for n in range(1000, 1700)]
    for one in waiting:
        one["body"]["holder_id"] = never
    take(city(HANGZHOU), *(json.dumps(one).encode() for one in waiting))
    take(city(HANGZHOU), orphan(9))
    take(city(HANGZHOU), message())
    assert Certificate.objects.get().number == "SC9"
    assert run("SELECT count(*) FROM exchange_quarantine WHERE state = 'open'") == [(700,)]


def test_a_newer_version_repairs_what_lay_in_quarantine(hub):
    take(city(HANGZHOU), message(version=2, body={"name": ""}))
    take(city(HANGZHOU), message(version=1, body={"name": "旧"}))
    assert held()[0][2] == "open"  # an older one settles nothing
    take(city(HANGZHOU), message(version=3))
    assert held()[0][2] == "repaired"


def test_what_is_refused_once_more_lies_in_quarantine_once(hub):
    take(city(HANGZHOU), message(version=2, body={"name": ""}))
    take(city(HANGZHOU), message(version=2, body={"name": ""}))  # sent again without repair
    take(
        city(NINGBO), message(version=5, body={"name": ""}), stream="IN_330200"
    )  # another's word settles nothing
    assert [state for _, _, state in held()] == ["replaced", "open", "open"]


@pytest.mark.parametrize("to", ["", "省局", "33010", "３３０２００", "330200000"])
def test_a_record_is_handed_over_to_a_node_only(hub, to):
    take(city(HANGZHOU), message())
    assert take(city(HANGZHOU), message(op="t", version=2, owner=to)).refused == 1
    assert Enterprise.objects.get().owner_node == HANGZHOU


def test_a_deleted_record_does_not_come_back(hub):
    take(city(HANGZHOU), message(), message(op="d", version=2, body={}))
    assert not Enterprise.objects.exists()
    take(city(HANGZHOU), message(version=1), message(version=2))
    assert not Enterprise.objects.exists()


def test_a_transfer_moves_a_record_with_what_hangs_on_it(db, firm, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    one = firm()
    Certificate.objects.create(number="SC1", kind="food", holder=one, holder_name=one.name, place=WEST_LAKE)
    assert replaying.transfer("registry.enterprise", one.pk, NINGBO, HAISHU) == 2
    with pytest.raises(PermissionError, match="归 330200"):
        replaying.transfer("registry.enterprise", one.pk, HANGZHOU)
    lot = drain("up")
    forget(Certificate, Enterprise)
    become(HUB, hub=True)
    node.open_city(NINGBO)
    outcome = receiving.receive(city(HANGZHOU), "IN_330100", lot)
    assert outcome.refused == 0
    assert run("SELECT owner_node, place FROM registry_enterprise") == [(NINGBO, HAISHU)]
    down = [p for _, p in drain(f"out.{NINGBO}") if b'"owner":"330200"' in p]
    assert len(down) == 2
    assert take(city(HANGZHOU), message(id=str(one.pk), version=9)).refused == 1  # no longer Hangzhou's


def test_nobody_transfers_what_never_came_or_is_not_his(hub):
    assert take(city(HANGZHOU), message(op="t", owner=NINGBO, place=HAISHU)).refused == 1
    take(city(HANGZHOU), message())
    said = message(op="t", version=4, owner=NINGBO, place=HAISHU)
    assert take(city(NINGBO), said, stream="IN_330200").refused == 1
    assert run("SELECT owner_node FROM registry_enterprise") == [(HANGZHOU,)]


def test_a_batch_is_answered_with_counts_and_the_sender_marks_it(db, firm, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    firm("好"), firm("坏", place=HAISHU)
    lot = drain("up")
    sending.stored("up", 3)
    forget(Enterprise)
    become(HUB, hub=True)
    node.open_city(HANGZHOU)
    receiving.receive(city(HANGZHOU), "IN_330100", lot)
    receipts = [json.loads(p) for _, p in drain(f"out.{HANGZHOU}") if b"_receipt" in p]
    body = receipts[0]["body"]
    assert (body["rows"], body["applied"], body["ok"], len(body["refused"])) == (2, 1, True, 1)
    become(HANGZHOU)
    sending.receipt("hub", body)
    assert sending.standing("up")["acknowledged"] == 3
    (refusal,) = quarantine.refusals()
    assert refusal["code"] == "E09" and "辖区" in refusal["reason"]
    (row,) = [one for one in standing.status() if one["peer"] == "hub"]
    assert (row["sent"], row["acknowledged"], row["refused_there"], row["unsent"]) == (2, 2, 1, 0)


def test_a_batch_that_does_not_agree_is_said_and_not_acknowledged(hub):
    trailer = {
        "batch": 1, "channel": "up", "sender": HANGZHOU, "first": 1, "last": 3, "rows": 2, "digest": "0" * 32,
        "counts": {}, "at": "", "incarnation": "", "signature": "",
    }  # fmt: skip
    outcome = take(city(HANGZHOU), message(), json.dumps(trailer).encode())
    assert [kind for kind, _ in outcome.alarms] == ["batch"]
    (receipt,) = [json.loads(p)["body"] for _, p in drain(f"out.{HANGZHOU}") if b"_receipt" in p]
    assert receipt["ok"] is False and "声明 2 条，收到 1 条" in receipt["problem"]


def test_a_forged_signature_is_said(hub):
    sender = replace(city(HANGZHOU), verify=lambda content, signature: signature == "good")
    trailer = {
        "batch": 1, "channel": "up", "sender": HANGZHOU, "first": 1, "last": 1, "rows": 0, "digest": "0" * 32,
        "counts": {}, "at": "", "incarnation": "", "signature": "bad",
    }  # fmt: skip
    outcome = take(sender, json.dumps(trailer).encode())
    assert "签名不符" in outcome.alarms[0][1]


def test_a_clock_a_day_ahead_is_said(hub):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    outcome = take(city(HANGZHOU), message(at=tomorrow))
    assert outcome.applied == 1 and outcome.alarms[0][0] == "clock_skew"


def test_a_killed_inbox_repeats_nothing(hub, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "_write_log", killed)
        with pytest.raises(KeyboardInterrupt):
            take(city(HANGZHOU), message())
    assert receiving.position("IN_330100") == 0 and not Enterprise.objects.exists()
    assert take(city(HANGZHOU), message()).applied == 1


def test_documents_keep_their_source_and_are_checked(hub, sample):
    partner = Sender("sh", "partner", datasets=frozenset({"test.recall"}))

    def recall(**body):
        return json.dumps({
            "id": str(sending.key_of("test.recall", body.get("number", ""))), "dataset": "test.recall", "schema": 1,
            "op": "u", "version": 1, "owner": "sh", "place": 310000_000000, "at": "2026-11-20T00:00:00Z", "body": body,
        }).encode()  # fmt: skip

    outcome = take(
        partner, recall(number="1", product="锅"), recall(number="2", level="9"), recall(number="3", maker="9133010"),
        message(), recall(number="5", count="many"), stream="IN_sh",
    )  # fmt: skip
    assert outcome.applied == 1
    assert [row[0] for row in held()] == ["E04", "E05", "E09", "E03"]
    document = Document.objects.get()
    assert (document.source, document.key, document.owner_node) == ("sh", "1", "sh")


def test_a_newer_schema_is_read_without_what_is_unknown(hub):
    said = json.loads(message(schema=2)) | {}
    said["body"]["new_item"] = "x"
    assert take(city(HANGZHOU), json.dumps(said).encode()).applied == 1


def test_rooms_hear_of_documents_that_came(hub, sample, monkeypatch):
    heard = []
    one = declared.Dataset(**{**sample.__dict__, "applied": heard.extend})
    monkeypatch.setitem(declared.all(), "test.recall", one)
    document = {
        "id": str(sending.key_of("test.recall", "1")), "dataset": "test.recall", "schema": 1, "op": "u", "version": 1,
        "owner": HUB, "place": 330000_000000, "at": "2026-11-20T00:00:00Z", "body": {"number": "1"},
    }  # fmt: skip
    take(Sender(HUB, "hub"), json.dumps(document).encode(), stream="OUT_330100")
    assert heard == [{"number": "1"}]


def test_the_log_says_where_a_record_has_been(hub):
    take(city(HANGZHOU), message())
    (line,), following = standing.log(direction="in", record=ID)
    assert (line["peer"], line["outcome"], following) == (HANGZHOU, "applied", "")
    assert "received" in [step["step"] for step in standing.way(ID)]


def test_the_log_is_read_page_by_page(hub):
    take(city(HANGZHOU), *[message(version=i + 1) for i in range(7)])
    seen, before = [], ""
    while True:
        lines, before = standing.log(direction="in", before=before, limit=3)
        seen += [line["seq"] for line in lines]
        if not before:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_an_official_reads_the_log_of_his_places_only_and_changes_nothing(hub):
    take(city(HANGZHOU), message(), message(id="0198c000-0000-7000-8000-000000000077", body={"name": ""}))
    take(
        city(NINGBO),
        message(id="0198c000-0000-7000-8000-000000000078", owner=NINGBO, place=HAISHU),
        stream="IN_330200",
    )
    for table, seen in (("exchange_received", 2), ("exchange_quarantine", 1)):
        with scope.acting(scope.staff(WEST_LAKE)):
            assert run(f"SELECT count(*) FROM {table}") == [(seen,)]
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                run(f"DELETE FROM {table}")
        with scope.acting(scope.staff(330300_000000)):
            assert run(f"SELECT count(*) FROM {table}") == [(0,)]
    drain(f"out.{NINGBO}")
    with scope.acting(scope.staff(HAISHU)):
        assert run("SELECT count(*), min(peer) FROM exchange_sent") == [(1, HANGZHOU)]
    with scope.acting(scope.staff(WEST_LAKE)):
        assert run("SELECT count(*), min(peer) FROM exchange_sent") == [(1, NINGBO)]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"dataset": ["registry.enterprise"], "id": "x"}',
        message().replace(b'"registry.enterprise"', b'{"a": 1}'),
        message(place=HAISHU).replace(b'"active"', rb'"\ud800"'),
        message().replace("杭州".encode(), rb"a\u0000b"),
        message(body={"source": "half"}).replace(b'"half"', rb'"half \ud83d"'),
        message(owner="XX").replace(b'"XX"', rb'"\ud800"'),
        message(at=5),
        b"[" * 100_000,
        b'{"batch": 1, "signature": 5}',
        b'{"batch": {"a": 1}, "rows": 1, "digest": "", "signature": 5, "last": 1}',
        b'{"dataset":"_receipt","body":[1]}',
        b'{"dataset":"_receipt","body":{"batch":"x"}}',
        b'{"dataset":"_receipt","body":{"batch":{"a":1},"last":"y"}}',
        b'{"dataset":"_replay","body":{"records":"x"}}',
    ],
)
def test_nothing_that_can_be_sent_stops_the_stream(hub, payload):
    """What comes behind it is applied, whatever it was."""
    sender = replace(city(HANGZHOU), verify=lambda content, signature: False)
    good = message(id="0198c000-0000-7000-8000-000000000099")
    take(sender, payload, good)
    assert Enterprise.objects.filter(pk="0198c000-0000-7000-8000-000000000099").exists()
    assert receiving.position("IN_330100") == 2


def test_what_cannot_be_digested_at_all_is_set_aside(hub):
    receiving.set_aside(city(HANGZHOU), "IN_330100", 1, b"\x00poison", RuntimeError("boom"))
    assert receiving.position("IN_330100") == 1
    assert held()[0][0] == "E01" and "boom" in held()[0][1]


def test_messages_between_nodes_stand_in_no_digest_alone_or_among_records(hub, firm):
    channel = f"out.{HANGZHOU}"
    sending.send("_note", channel, {"n": 1})
    assert sending.number()  # a batch of its own, without a trailer
    sending.send("_note", channel, {"n": 2})
    firm()
    messages = drain(channel)
    become(HANGZHOU)
    forget(Enterprise)
    run("UPDATE exchange_self SET enabled = true")
    outcome = receiving.receive(Sender(HUB, "hub"), "OUT_330100", messages)
    assert [body["n"] for _, body in outcome.control] == [1, 2]
    assert outcome.applied == 1 and not outcome.alarms


def test_what_breaks_its_reading_goes_to_quarantine_and_the_rest_goes_on(hub, monkeypatch):
    honest = border._check_body

    def breaks(message, dataset, *, newer):
        if message.seq == 2:
            raise ZeroDivisionError("boom")
        honest(message, dataset, newer=newer)

    monkeypatch.setattr(border, "_check_body", breaks)
    ids = [f"0198c000-0000-7000-8000-0000000000{i:02d}" for i in (1, 2, 3)]
    lot = receiving.read(city(HANGZHOU), [(i + 1, message(id=key)) for i, key in enumerate(ids)])
    outcome = receiving.receive(city(HANGZHOU), "IN_330100", lot)
    assert (outcome.applied, outcome.refused) == (2, 1)
    assert held()[0][:2] == ("E01", "不能处理：ZeroDivisionError boom")


def test_a_lot_that_was_read_before_may_be_taken_again_after_it_was_rolled_back(hub):
    lot = receiving.read(
        city(HANGZHOU), [(1, message()), (2, orphan(8)), (3, message(version=2, body={"name": ""}))]
    )
    with pytest.raises(RuntimeError), transaction.atomic():
        receiving.receive(city(HANGZHOU), "IN_330100", lot)
        raise RuntimeError("the server went away")
    outcome = receiving.receive(city(HANGZHOU), "IN_330100", lot)
    assert (outcome.applied, outcome.refused) == (2, 1)
    assert Enterprise.objects.count() == Certificate.objects.count() == 1
