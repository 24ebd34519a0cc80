"""The message log when it is long: every filter goes by an index, whoever asks; it is kept as long as the rules say."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import retention, standing
from jinzhi.foundation.people.tests import cast
from jinzhi.foundation.places import scope
from jinzhi.network import exchange_tables
from jinzhi.network.models import Node, Received, Sent
from jinzhi.runtime import testing
from jinzhi.web.lists import ListTable

LINES = 150_000
PROVINCE, CITY, COUNTY, SILENT = 330000_000000, 330100_000000, 330106_000000, 330226_000000
RARE, NEVER = "laws.text", "standards.standard"
# Lots of 250 from each of five cities, one line a minute, from 100 days ago until now.
LINE = f"""
SELECT g, now() - ({LINES} - g) * interval '1 minute' AS at, city, gen_random_uuid() AS record, g %% 2000 = 7 AS refused,
  CASE WHEN g %% 9973 = 0 THEN '{RARE}' WHEN g %% 3 = 0 THEN 'casework.case' ELSE 'registry.enterprise' END AS dataset,
  (city || '000000')::bigint + (1 + g %% 9) * 1000000 AS locality
FROM (SELECT g, (ARRAY['330100', '330200', '330300', '330400', '330500'])[1 + g / 250 %% 5] AS city
  FROM generate_series(1, {LINES}) AS g) AS x
"""
INBOUND = f"""
INSERT INTO exchange_inbound (received_at, stream, seq, peer, dataset, record, version, op, locality, bytes, outcome, code)
SELECT at, 'IN_' || city, g, city, dataset, record, 1, 'u', locality, 900,
  CASE WHEN refused THEN 'refused' ELSE 'applied' END, CASE WHEN refused THEN 'E05' ELSE '' END FROM ({LINE}) AS l
"""
SENT = f"""
WITH made AS (
  INSERT INTO exchange_outbox (made_at, dataset, schema, record, locality, owner_node, version, op, body)
  SELECT at, dataset, 1, record, locality, city, 1, 'u', '{{}}' FROM ({LINE}) AS l ORDER BY g RETURNING id, made_at)
INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)
SELECT CASE WHEN id %% 5000 = 0 THEN 'out.health' ELSE 'out.330100' END, id, id, made_at, 1, id / 1000 FROM made
"""


def run(statement, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def owner(statement):
    with testing.server().connect(connection.settings_dict["NAME"]) as other:
        other.execute(statement)


def partition(table, day):
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    owner(
        f"CREATE TABLE IF NOT EXISTS {table}_{first:%Y%m} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{following}')"
    )


def touched(rows, order) -> int:
    """Blocks that reading the first page takes."""
    sql, values = rows.order_by(*order)[:51].query.sql_with_params()
    ((plan,),) = run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values)
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]


@pytest.mark.django_db(transaction=True)
def test_no_filter_reads_the_log_from_end_to_end():
    """One test, because filling the log takes seconds: three officials and one who has no line, both directions."""
    for back in range(0, 110, 25):
        for table in ("exchange_inbound", "exchange_outbox"):
            partition(table, timezone.now().date() - timedelta(days=back))
    run(INBOUND)
    run(SENT)
    run(
        "INSERT INTO exchange_channel (name, peer, kind, numbered, stored, acknowledged) SELECT 'out.' || peer, peer, 'city',"
        " n, n - 50, n - 90 FROM (SELECT max(id) AS n FROM exchange_outbox) AS m, unnest(ARRAY['330100', 'health']) AS peer"
    )
    run(
        "INSERT INTO exchange_position (stream, peer) SELECT 'IN_' || c, c FROM unnest(ARRAY['330100', '330400']) AS c"
    )
    run(
        "INSERT INTO exchange_refusal (channel, seq, dataset, record, version, code, reason) SELECT channel, seq,"
        " 'registry.enterprise', gen_random_uuid(), 1, 'E05', '' FROM exchange_queue WHERE seq %% 4001 = 0"
    )
    owner("ANALYZE")
    size = {name: run("SELECT sum(pg_relation_size(relid)) / 8192 FROM pg_partition_tree(%s)", [name])[0][0]
            for name in ("exchange_inbound", "exchange_outbox")}  # fmt: skip
    assert min(size.values()) > 1500
    (record,), (sent,) = run(
        "(SELECT record FROM exchange_inbound LIMIT 1) UNION ALL (SELECT record FROM exchange_outbox LIMIT 1)"
    )
    day = (timezone.now() - timedelta(days=40)).date()
    common = [
        "",
        "dataset=registry.enterprise",
        f"dataset={RARE}",
        f"dataset={NEVER}",
        "outcome=refused",
        "code=E05",
        "code=E10",
    ]
    sides = {
        Received: (exchange_tables.ReceivedTable, exchange_tables.ReceivedFilter, [
            *common, f"q={record}", "peer=330400", f"peer=330400&dataset={RARE}", f"peer=330400&dataset={NEVER}",
            f"received_at_min={day}&received_at_max={day}", f"received_at_min={day}&received_at_max={day}&dataset={NEVER}",
        ]),
        Sent: (exchange_tables.SentTable, exchange_tables.SentFilter, [
            *common, f"q={sent}", "peer=health", "outcome=waiting", "outcome=sent", "outcome=applied",
            f"made_at_min={day}&made_at_max={day}", f"made_at_min={day}&made_at_max={day}&dataset={NEVER}",
        ]),
    }  # fmt: skip
    read = {}
    for model, (table, filters, queries) in sides.items():
        order = next(iter(table.sorts.values()))
        for place in (PROVINCE, CITY, COUNTY, SILENT):
            for query in queries:
                with scope.acting(scope.staff(place)):
                    found = filters(QueryDict(query), queryset=model.objects.all())
                    assert found.is_valid(), (query, found.errors)
                    read[model.__name__, place, query] = touched(found.qs, order)
    whole = size["exchange_inbound"]
    # A page of a few lines of a county is sought among all lines of its place; nothing comes near to reading the log.
    assert {key: n for key, n in read.items() if n > whole / 2} == {}
    assert {key: n for key, n in read.items() if key[1] == SILENT and n > 400} == {}


@pytest.fixture
def official(db, settings):
    settings.DEMO = True

    def enter(place):
        return cast.sign_in(Client(), cast.person(f"log{place}", str(place // 10**6), "operator"))

    return enter


MOVED = "0198c000-0000-7000-8000-00000000abcd"


@pytest.mark.django_db
def test_the_way_of_a_record_that_moved_shows_each_county_its_own_part(official):
    nodes.enable("330000", True)
    nodes.open_city("330100")
    Node.objects.create(code="330100", name="杭州市", kind="city", place=CITY, state="active")
    values = [("330106", 1, 330106_000000), ("330108", 2, 330108_000000)]
    for _, version, place in values:
        run(
            "INSERT INTO exchange_inbound (stream, seq, peer, dataset, record, version, op, locality, bytes, outcome)"
            " VALUES ('IN_330100', %s, '330100', 'registry.enterprise', %s, %s, 'u', %s, 9, 'applied')",
            [version, MOVED, version, place],
        )
        run(
            "WITH made AS (INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)"
            " VALUES ('registry.enterprise', 1, %s, %s, '330100', %s, 'u', '{}') RETURNING id, made_at)"
            " INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)"
            " SELECT 'out.330100', %s, id, made_at, 1, 1 FROM made",
            [MOVED, place, version, version],
        )
    path = f"/office/exchange/way/{MOVED}/"

    def versions(place):
        answer = official(place).get(path)
        return sorted((line["step"], line["version"]) for line in answer.context["lines"])

    every = [("made", 1), ("made", 2), ("received", 1), ("received", 2), ("sent", 1), ("sent", 2)]
    assert versions(PROVINCE) == every and versions(CITY) == every
    assert versions(330106_000000) == [("made", 1), ("received", 1), ("sent", 1)]
    assert versions(330108_000000) == [("made", 2), ("received", 2), ("sent", 2)]
    assert official(330109_000000).get(path).status_code == 404
    assert [line["version"] for line in standing.way(MOVED, scope.jurisdiction(330108_000000))] == [2, 2, 2]


@pytest.mark.django_db(transaction=True)
def test_the_log_is_kept_by_rule_and_goes_by_partitions():
    scope.enter(scope.SYSTEM)
    nodes.enable("330000", True)
    nodes.open_channel("out.330100", "330100", "city")
    today = timezone.localdate()
    kept = int(rules.value("exchange.keep_log", on=today).value)
    old, recent = today - timedelta(days=kept + 70), today - timedelta(days=kept - 5)
    for day in (old, recent):
        for table in ("exchange_inbound", "exchange_outbox"):
            partition(table, day)
    ancient = today - timedelta(days=kept + 800)  # a month without a partition
    for number, day in enumerate((old, recent, ancient), 1):
        run(
            "INSERT INTO exchange_inbound (received_at, stream, seq, peer, dataset, locality, bytes, outcome)"
            " VALUES (%s, 'IN_330100', %s, '330100', 'registry.enterprise', %s, 9, 'applied')", [day, number, CITY],
        )  # fmt: skip
        run(
            "WITH made AS ("
            " INSERT INTO exchange_outbox (made_at, dataset, schema, record, locality, owner_node, version, op, body)"
            " VALUES (%s, 'registry.enterprise', 1, gen_random_uuid(), %s, '330100', 1, 'u', '{}') RETURNING id, made_at)"
            " INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)"
            " SELECT 'out.330100', %s, id, made_at, 1, 1 FROM made",
            [day, CITY, number],
        )

    def there():
        return run("SELECT to_regclass(%s) IS NOT NULL", [f"exchange_inbound_{old:%Y%m}"])[0][0]

    retention.tidy()  # nothing is acknowledged: every line stays, however old
    assert there() and run("SELECT count(*) FROM exchange_sent") == [(3,)]
    run("UPDATE exchange_channel SET numbered = 3, stored = 3, acknowledged = 3")
    retention.tidy()
    assert not there()
    assert run("SELECT to_regclass(%s)", [f"exchange_outbox_{old:%Y%m}"]) == [(None,)]
    assert run("SELECT seq FROM exchange_inbound") == [(2,)]
    assert run("SELECT seq FROM exchange_sent") == [(2,)]  # to whom is known as long as the line is kept
    with transaction.atomic():
        assert retention.tidy()["partitions"] == 0


@pytest.mark.django_db
def test_a_page_that_shows_everything_is_not_counted(official):
    client = official(PROVINCE)
    assert client.get("/office/exchange/received/").context["count"] == 0
    run(
        "INSERT INTO exchange_inbound (stream, seq, peer, dataset, locality, bytes, outcome)"
        " SELECT 'IN_330100', g, '330100', 'registry.enterprise', %s, 9, 'applied' FROM generate_series(1, 60) AS g",
        [CITY],
    )
    answer = client.get("/office/exchange/received/")
    assert answer.context["count"] == 60 and len(answer.context["page"].rows) == 50
    table = answer.context["table"]
    assert isinstance(table, ListTable)
    rest = client.get(f"/office/exchange/received/?after={answer.context['page'].after}")
    assert [row.seq for row in rest.context["page"].rows] == list(range(10, 0, -1))
