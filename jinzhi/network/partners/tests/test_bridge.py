"""The front-end database: a schema and a role per partner, and what that role may not do."""

import json

import psycopg
import pytest
from django.db import connection, transaction

from jinzhi.foundation.exchange import node, sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.places import scope
from jinzhi.network.partners import bridge
from jinzhi.network.partners.models import Batch, Partner
from jinzhi.network.partners.tests.conftest import ready
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
GIVEN = ("number", "product", "producer", "defect", "started_on", "state")


def sql(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def police(hub):
    ready(
        "police", gives=("yangtze.recall",), takes={"registry.enterprise": ["name", "status"]}, delivery="database",
        accepts=["database", "http"],
    )  # fmt: skip
    partner = Partner.objects.get(code="police")
    bridge.prepare(partner)
    return partner


def put(number="P-1", *keys, rows=None, ready=True, dataset="yangtze.recall", **more):
    keys = keys or ("R-1", "R-2")
    for n, key in enumerate(keys, start=1):
        values = {"f_number": key, "f_product": "灭火器", "f_producer": "某厂", "f_defect": "漏压", "f_started_on": "2026-11-01",
                  "f_state": "实施中"} | more  # fmt: skip
        names = ", ".join(values)
        sql(
            f"INSERT INTO front_police.in_yangtze_recall (batch, row, {names})"
            f" VALUES (%s, %s{', %s' * len(values)})",
            [number, n, *values.values()],
        )
    sql(
        "INSERT INTO front_police.batch_in (number, dataset, rows, ready) VALUES (%s, %s, %s, %s)",
        [number, dataset, len(keys) if rows is None else rows, ready],
    )


def answer(number="P-1"):
    ((state, reason, receipts),) = sql(
        "SELECT state, reason, receipts FROM front_police.batch_in WHERE number = %s", [number]
    )
    return state, reason, json.loads(receipts) if isinstance(receipts, str) else receipts


def test_a_batch_in_the_tables_is_taken_and_answered_there(police):
    put()
    assert bridge.work_off() == {"in": 1, "out": 0}
    state, _, receipts = answer()
    assert state == "done" and set(receipts) == {"R1", "R2", "R3", "R4"} and receipts["R2"]["accepted"] == 2
    assert set(Document.objects.filter(source="police").values_list("key", flat=True)) == {"R-1", "R-2"}
    assert bridge.work_off()["in"] == 0


def test_what_is_not_ready_waits(police):
    put(ready=False)
    assert bridge.work_off()["in"] == 0 and answer()[0] == "waiting"


def test_refused_rows_are_marked_beside_themselves(police):
    put("P-1", "R-1")
    sql("INSERT INTO front_police.in_yangtze_recall (batch, row, f_number) VALUES ('P-1', 2, 'R-2')")
    sql("UPDATE front_police.batch_in SET rows = 2")
    bridge.work_off()
    marked = sql("SELECT row, refused_code FROM front_police.in_yangtze_recall ORDER BY row")
    assert marked == [(1, None), (2, "E03")]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rows": 5}, "声明 5 条，表中有 2 条"),
        ({"dataset": "cnca.certificate"}, "没有授权"),
        ({"dataset": "x; DROP SCHEMA public"}, "没有登记的数据集"),
        ({"version": "one"}, "应为整数"),
        ({"op": "x"}, "_op"),
        ({"place": "31000000000000000"}, "应为整数"),
    ],
)
def test_batches_that_are_refused_say_why(police, change, word):
    put(**change)
    bridge.work_off()
    state, reason, _ = answer()
    assert state == "refused" and word in reason, reason
    assert not Document.objects.exists()


def test_records_are_written_once_and_closed_when_received(police):
    for name in ("甲", "乙"):
        Enterprise.objects.create(name=name, place=330106_000000, kind="company", address="不该出去")
    assert bridge.work_off()["out"] == 1 and bridge.work_off()["out"] == 0
    assert sql("SELECT f_name, f_status FROM front_police.out_registry_enterprise ORDER BY seq") == [
        ("甲", "active"), ("乙", "active"),
    ]  # fmt: skip
    columns = sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'out_registry_enterprise'"
    )
    assert ("f_address",) not in columns
    sql('UPDATE front_police.batch_out SET received = true, refused = \'[{"seq": 1, "code": "E04"}]\'')
    bridge.work_off()
    assert sending.standing("out.police")["acknowledged"] == 3
    held = Batch.objects.get(outward=True)
    assert (held.state, held.accepted, held.rejected) == ("done", 1, 1)
    sql("UPDATE front_police.batch_out SET closed_at = now() - interval '30 days'")
    assert bridge.clean_up(police) == 2


@pytest.mark.parametrize(
    "refused", ['"x"', '[{"code": "E04"}]', '[{"seq": "one", "code": "E04"}]', '[{"seq": 77, "code": "E04"}]']
)
def test_a_receipt_that_makes_no_sense_closes_nothing(police, refused):
    Enterprise.objects.create(name="甲", place=330106_000000, kind="company")
    bridge.work_off()
    sql("UPDATE front_police.batch_out SET received = true, refused = %s::jsonb", [refused])
    bridge.work_off()
    assert sending.standing("out.police")["acknowledged"] == 0


def test_new_grants_add_columns_and_nothing_is_lost(police):
    put()
    bridge.work_off()
    assert bridge.prepare(police) == []
    assert len(sql("SELECT * FROM front_police.in_yangtze_recall")) == 2


def test_people_cannot_call_the_functions_nor_read_the_tables(police):
    for face in (scope.staff(330000_000000), scope.PUBLIC):
        for statement in ("SELECT partners_bridge('abc')", "SELECT * FROM front_police.batch_in"):
            with (
                pytest.raises(Exception, match="permission denied"),
                scope.acting(face),
                transaction.atomic(),
            ):
                sql(statement)


@pytest.mark.parametrize("code", ["police; DROP", "POLICE", "x", "330100", "a" * 13])
def test_only_codes_of_partners_make_schemas(hub, code):
    with pytest.raises(Exception, match="not the code"):
        sql("SELECT partners_bridge(%s)", [code])


@pytest.mark.django_db(transaction=True)
def test_the_role_of_a_partner_may_add_and_read_its_own_and_nothing_else(test_database):
    with scope.acting(scope.SYSTEM):
        node.enable("330000", True)
        for code in ("police", "customs"):
            ready(code, gives=("yangtze.recall",), accepts=["database", "http"])
            bridge.prepare(Partner.objects.get(code=code))
        statements = bridge.role_statements(Partner.objects.get(code="police"))
    with test_database.cluster.connect(test_database.name) as admin:
        admin.execute("DROP ROLE IF EXISTS partner_police")
        for statement in statements:
            admin.execute(statement)
    try:
        with test_database.cluster.connect(test_database.name, "partner_police") as theirs:
            theirs.autocommit = True
            theirs.execute("INSERT INTO batch_in (number, dataset, rows) VALUES ('1', 'yangtze.recall', 1)")
            theirs.execute("INSERT INTO in_yangtze_recall (batch, row, f_number) VALUES ('1', 1, 'R-1')")
            theirs.execute("UPDATE batch_in SET ready = true WHERE number = '1'")
            assert theirs.execute("SELECT state FROM batch_in").fetchone() == ("waiting",)
            for forbidden in (
                "UPDATE batch_in SET state = 'done'", "DELETE FROM batch_in", "UPDATE in_yangtze_recall SET f_number = 'x'",
                "INSERT INTO in_yangtze_recall (batch, row, refused_code) VALUES ('1', 2, 'E01')",
                "INSERT INTO batch_out (number, first, last, rows, digest, trailer) VALUES (1, 1, 1, 1, '', '')",
                "UPDATE batch_out SET last = 9", "SELECT * FROM front_customs.batch_in",
                "SELECT * FROM public.registry_enterprise",
                "SELECT * FROM public.partners_partner", "CREATE TABLE t (a int)", "CREATE SCHEMA s", "SET ROLE jinzhi_system",
                "SELECT public.partners_bridge('police')", "TRUNCATE in_yangtze_recall", "DROP TABLE batch_in",
            ):  # fmt: skip
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    theirs.execute(forbidden)
    finally:
        with test_database.cluster.connect(test_database.name) as admin:
            admin.execute("DROP OWNED BY partner_police")
            admin.execute("DROP ROLE partner_police")
