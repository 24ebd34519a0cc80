"""Whatever way a row is written, its change is in the outbox with it, once, in order, and only by its owner."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from jinzhi.foundation.exchange import documents, node, sending
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate, Enterprise
from tests.exchange.conftest import HANGZHOU, WEST_LAKE, become, drain, run

pytestmark = pytest.mark.django_db


def outbox():
    return run("SELECT dataset, op, version, body->>'name' FROM exchange_outbox ORDER BY id")


def test_a_node_in_no_network_keeps_no_outbox(firm):
    firm()
    assert outbox() == []


def test_insert_update_and_delete_are_captured_with_their_versions(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    one = firm()
    one.name = "杭州西湖龙井茶业有限公司"
    one.save()
    one.delete()
    assert outbox() == [
        ("registry.enterprise", "u", 1, "杭州西湖茶业有限公司"),
        ("registry.enterprise", "u", 2, "杭州西湖龙井茶业有限公司"),
        ("registry.enterprise", "d", 3, "杭州西湖龙井茶业有限公司"),
    ]


def test_a_writer_that_forgets_the_version_still_raises_it(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    one = firm()
    run("UPDATE registry_enterprise SET address = '文三路' WHERE id = %s", [one.pk])
    one.refresh_from_db()
    assert one.version == 2 and outbox()[-1][2] == 2


def test_a_change_taken_back_leaves_nothing(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    with pytest.raises(RuntimeError), transaction.atomic():
        firm()
        raise RuntimeError
    assert outbox() == [] and run("SELECT count(*) FROM exchange_pending") == [(0,)]


def test_a_set_of_rows_is_captured_by_one_statement(hangzhou, settings):
    settings.NODE = HANGZHOU
    Enterprise.objects.bulk_create(Enterprise(name=f"茶厂{i}", place=WEST_LAKE) for i in range(300))
    assert len(outbox()) == 300


def test_what_another_node_owns_cannot_be_changed_here(hangzhou, firm, settings):
    settings.NODE = "330200"  # written while this database was Ningbo's
    run("UPDATE exchange_self SET enabled = false")
    one = firm()
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    with pytest.raises(DatabaseError, match="belongs to node 330200"), transaction.atomic():
        run("UPDATE registry_enterprise SET name = '改名' WHERE id = %s", [one.pk])
    with pytest.raises(DatabaseError, match="belongs to node 330200"), transaction.atomic():
        run("DELETE FROM registry_enterprise WHERE id = %s", [one.pk])
    with pytest.raises(DatabaseError, match="belongs to node 330200"), transaction.atomic():
        Enterprise.objects.create(name="冒名", place=WEST_LAKE, owner_node="330200")


def test_an_official_writes_and_the_outbox_stays_out_of_reach(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    with scope.acting(scope.staff(WEST_LAKE)):
        firm()
        for table in ("exchange_outbox", "exchange_queue", "exchange_tally", "exchange_self"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                run(f"SELECT * FROM {table}")
    assert len(outbox()) == 1


@pytest.mark.parametrize(
    "face", [scope.PUBLIC, scope.enterprise("0198c000-0000-7000-8000-000000000001"), scope.NOBODY]
)
def test_no_other_face_touches_exchange(db, face):
    with scope.acting(face), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        run("SELECT * FROM exchange_tally")


def test_rows_are_numbered_without_gaps_and_rendered_the_same_each_time(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    for i in range(5):
        firm(f"茶厂{i}")
    first = drain("up")
    assert [seq for seq, _ in first] == [1, 2, 3, 4, 5, 6]  # the sixth is the trailer
    assert drain("up") == first
    assert b'"rows": 5' in first[-1][1]


def test_a_row_that_commits_late_is_numbered_late_and_not_lost(hangzhou, firm, settings):
    settings.NODE = HANGZHOU
    one, two = firm("甲"), firm("乙")
    run("CREATE TEMPORARY TABLE held AS SELECT * FROM exchange_pending WHERE outbox_id ="
        " (SELECT min(outbox_id) FROM exchange_pending)")  # fmt: skip
    run("DELETE FROM exchange_pending WHERE outbox_id IN (SELECT outbox_id FROM held)")  # not yet visible
    assert sending.number() == 1
    run("INSERT INTO exchange_pending SELECT * FROM held")  # now its transaction has committed
    assert sending.number() == 1
    payloads = [p for _, p in drain("up") if not p.startswith(b'{"batch"')]
    assert [str(two.pk) in payloads[0].decode(), str(one.pk) in payloads[1].decode()] == [True, True]


def test_the_one_relay(hangzhou):
    with sending.relay_lock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone()[0] == 1


def test_documents_are_published_once_for_each_change(sample, db, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    assert documents.publish("test.recall", {"number": "ZH-1", "product": "压力锅"}, place=WEST_LAKE)
    assert not documents.publish("test.recall", {"number": "ZH-1", "product": "压力锅"}, place=WEST_LAKE)
    assert documents.publish("test.recall", {"number": "ZH-1", "product": "电压力锅"}, place=WEST_LAKE)
    assert run("SELECT version, body->>'product' FROM exchange_outbox ORDER BY id") == [
        (1, "压力锅"),
        (2, "电压力锅"),
    ]
    with pytest.raises(ValueError, match="缺少"):
        documents.publish("test.recall", {"product": "压力锅"}, place=WEST_LAKE)


def test_a_partner_gets_only_the_items_it_was_granted(hub, firm):
    node.open_channel("out.sac", "sac", "partner")
    node.subscribe("out.sac", "registry.certificate", ["number", "valid_to"])
    one = firm()
    Certificate.objects.create(
        number="SC1", kind="food", holder=one, holder_name=one.name, place=WEST_LAKE, case_number="X"
    )
    (_, payload), _ = drain("out.sac")
    assert json.loads(payload)["body"] == {"number": "SC1", "valid_to": None}
    with pytest.raises(ValueError, match="没有这些信息项"):
        node.subscribe("out.sac", "registry.certificate", ["secret"])


def test_what_nobody_wants_is_not_written_down(db, firm):
    become("330000", hub=True)
    firm()
    assert outbox() == []  # no city, no partner
    node.open_city(HANGZHOU)
    firm("另一家")
    assert len(outbox()) == 1
