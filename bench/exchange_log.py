"""The message log at scale: first pages of every filter for a province, a city and a county; console; export; memory.

    .venv/bin/python bench/exchange_log.py           1,000,000 lines received and 1,000,000 sent
    .venv/bin/python bench/exchange_log.py --full    10,000,000 of each (some 8 GB in var/bench)

Lines lie in several monthly partitions. Each page stands beside the raw SQL of its rows in the same run; memory is that of
a process that answers all of them, one after another.
"""

import os
import resource
import subprocess
import sys
import time
from datetime import timedelta

import django

ROWS = 10_000_000 if "--full" in sys.argv else 1_000_000
ROUNDS = 9
DAYS = 100
ROOT = "/office/exchange/"

PARTITION = (
    """CREATE TABLE {0}_{1:%Y%m} PARTITION OF {0} FOR VALUES FROM ('{1:%Y-%m-01}') TO ('{2:%Y-%m-01}')"""
)
CITY = "(ARRAY['330100','330200','330300','330400','330500','330600','330700','330800','330900','331000','331100'])"
DATASET = (
    "(ARRAY['registry.enterprise', 'registry.certificate', 'casework.case', 'registry.product', 'registry.equipment'])"
    "[1 + least(4, floor(-ln(random()) * 1.4)::integer)]"
)
# Lots of five hundred from one city, as they arrive; one line in two thousand refused; the rest of the datasets are rare.
LINES = f"""
SELECT g, now() - ({{rows}} - g) * interval '{DAYS} days' / {{rows}} AS at, city,
  CASE WHEN g % 9973 = 0 THEN 'laws.text' ELSE {DATASET} END AS dataset, gen_random_uuid() AS record,
  (city || '000000')::bigint + (1 + floor(random() * 9)::bigint) * 1000000 AS locality, g % 2000 = 7 AS refused
FROM (SELECT g, {CITY}[1 + abs(hashint4((g / 500)::integer)) % 11] AS city FROM generate_series({{first}}, {{last}}) AS g) AS x
"""
INBOUND = """
INSERT INTO exchange_inbound (received_at, stream, seq, peer, dataset, record, version, op, locality, bytes, outcome, code)
SELECT at, 'IN_' || city, g, city, dataset, record, 1 + g % 3, 'u', locality, 900,
  CASE WHEN refused THEN 'refused' ELSE 'applied' END, CASE WHEN refused THEN 'E0' || 1 + g / 2000 % 9 ELSE '' END
FROM ({lines}) AS l
"""
OUTBOX = """
WITH made AS (
  INSERT INTO exchange_outbox (made_at, dataset, schema, record, locality, owner_node, version, op, body)
  SELECT at, dataset, 1, record, locality, city, 1, 'u', '{{"name": "样例"}}' FROM ({lines}) AS l ORDER BY g
  RETURNING id, made_at)
INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)
SELECT CASE WHEN id % 5000 = 0 THEN 'out.health' ELSE 'out.3301' || '00' END, id, id, made_at, 1, id / 1000 FROM made
"""
CHANNELS = """
INSERT INTO exchange_channel (name, peer, kind, numbered, stored, acknowledged, batch)
SELECT 'out.' || peer, peer, kind, n, n - 900, n - 2000, n / 1000
FROM (VALUES ('330100', 'city'), ('health', 'pull')) AS c(peer, kind), (SELECT max(id) AS n FROM exchange_outbox) AS m;
INSERT INTO exchange_refusal (channel, seq, dataset, record, version, code, reason)
SELECT q.channel, q.seq, o.dataset, o.record, 1, 'E05', '校验码不符' FROM exchange_queue AS q
JOIN exchange_outbox AS o ON o.id = q.outbox_id AND o.made_at = q.made_at WHERE q.seq % 4001 = 0;
INSERT INTO exchange_position (stream, peer, last) SELECT 'IN_' || c, c, 1 FROM unnest({city}) AS c;
INSERT INTO exchange_batch (channel, number, first, last, rows, counts, stored_at, acknowledged_at, applied, refused)
SELECT 'out.330100', b, b * 1000, b * 1000 + 999, 1000, '{{"registry.enterprise": 1000}}', now(), now(), 1000, 0
FROM generate_series(1, {rows} / 1000 - 3) AS b;
INSERT INTO exchange_tally (day, peer, dataset, sent, acknowledged, received, applied)
SELECT current_date - d, c, s, 1000, 1000, 1000, 1000 FROM generate_series(0, {days}) AS d, unnest({city}) AS c,
  unnest(ARRAY['registry.enterprise', 'registry.certificate', 'casework.case']) AS s;
"""


def fill() -> None:
    """As the superuser, in lots that leave no giant transaction behind."""
    from measured import superuser

    began = time.monotonic()
    with superuser() as owner:
        owner.execute("SET synchronous_commit = off")
        day = time.time()
        months = []
        from datetime import date

        one = (date.fromtimestamp(day) - timedelta(days=DAYS + 1)).replace(day=1)
        while one <= date.fromtimestamp(day):
            following = (one + timedelta(days=32)).replace(day=1)
            months.append((one, following))
            one = following
        for table in ("exchange_inbound", "exchange_outbox"):
            for first, following in months[:-1]:  # the present one is there
                owner.execute(PARTITION.format(table, first, following))
        lot = 500_000
        for first in range(1, ROWS + 1, lot):
            lines = LINES.format(rows=ROWS, first=first, last=min(ROWS, first + lot - 1))
            owner.execute(INBOUND.format(lines=lines))
            owner.execute(OUTBOX.format(lines=lines))
            owner.commit()
        owner.execute(CHANNELS.format(city=CITY, rows=ROWS, days=DAYS))
        owner.commit()
        owner.autocommit = True
        owner.execute("VACUUM ANALYZE exchange_inbound, exchange_outbox, exchange_queue")
        owner.execute("ANALYZE")
        ((size,),) = owner.execute("SELECT pg_database_size(current_database()) / 1000000").fetchall()
    print(f"log | {ROWS:,} lines each way, {size:,} MB | {time.monotonic() - began:.0f} s", flush=True)


def filters(side: str, record: str, day: str) -> dict[str, str]:
    """Address by what is filtered: what matches much, little and nothing."""
    date = "received_at" if side == "received" else "made_at"
    found = {
        "no filter": "", "common dataset": "dataset=registry.enterprise", "rare dataset": "dataset=laws.text",
        "dataset never seen": "dataset=standards.standard", "refused": "outcome=refused", "one code": "code=E05",
        "code never seen": "code=E10", "record": f"q={record}", "no such record": "q=0198c000-0000-7000-8000-000000000001",
        "one day": f"{date}_min={day}&{date}_max={day}",
        "one day, rare dataset": f"{date}_min={day}&{date}_max={day}&dataset=laws.text",
    }  # fmt: skip
    if side == "received":
        found |= {"peer": "peer=330400", "peer and rare dataset": "peer=330400&dataset=laws.text",
                  "peer, dataset never seen": "peer=330400&dataset=standards.standard",
                  "another city's peer": "peer=330200&dataset=registry.product"}  # fmt: skip
    else:
        found |= {"peer with little": "peer=health", "waiting": "outcome=waiting", "not confirmed": "outcome=sent",
                  "confirmed": "outcome=applied"}  # fmt: skip
    return found


def people() -> dict[str, object]:
    from jinzhi.foundation.people.tests import cast

    places = {"province": "330000", "city": "330100", "county": "330106", "county without lines": "330226"}
    return {name: cast.person(f"bench{code}", code, "operator") for name, code in places.items()}


def raw(client, address: str, place: int):
    """The statement that read the rows of a page, as the page sent it."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from jinzhi.foundation.places import scope

    with CaptureQueriesContext(connection) as seen:
        client.get(address)
    (statement,) = [
        q["sql"] for q in seen.captured_queries
        if "ORDER BY" in q["sql"] and ('FROM "exchange_received"' in q["sql"] or 'FROM "exchange_sent"' in q["sql"])
    ][:1] or [""]  # fmt: skip

    def run():
        with scope.acting(scope.staff(place)):
            driver = connection.connection
            return driver.execute(statement.encode()).fetchall()

    return run if statement else None


def pages(posts: dict) -> None:
    from django.test import Client
    from measured import line, percentile, superuser

    from jinzhi.foundation.people.tests import cast

    with superuser() as owner:
        ((came,), (left,)) = owner.execute(
            "(SELECT record::text FROM exchange_inbound LIMIT 1) UNION ALL (SELECT record::text FROM exchange_outbox LIMIT 1)"
        ).fetchall()
        ((day,),) = owner.execute("SELECT (now() - interval '40 days')::date::text").fetchall()
    worst: list[tuple[float, str]] = []
    every: list[float] = []
    for name, post in posts.items():
        client = cast.sign_in(Client(), post)
        client.get(f"{ROOT}received/")
        for side, record in (("received", came), ("sent", left)):
            for what, query in filters(side, record, day).items():
                address = f"{ROOT}{side}/?{query}"
                took = []
                for _ in range(ROUNDS):
                    began = time.perf_counter()
                    answer = client.get(address)
                    took.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    raise RuntimeError(f"{address} answers {answer.status_code}")
                took.sort()
                run = raw(client, address, post.agency.place)
                if run:
                    run()
                    began = time.perf_counter()
                    run()
                    base = time.perf_counter() - began
                    line("log", f"{side}, {name}, {what}: raw SQL of the rows", base, base)
                    line(
                        "log",
                        f"{side}, {name}, {what}: page p50 (worst {took[-1] * 1000:.0f} ms)",
                        percentile(took, 0.5),
                        base,
                    )
                every += took
                worst.append((took[-1], f"{side}, {name}, {what}"))
    slow, which = max(worst)
    print(
        f"log | {len(worst)} first pages | p50 {percentile(every, 0.5) * 1000:.0f} ms, p95 {percentile(every, 0.95) * 1000:.0f}"
        f" ms, worst {slow * 1000:.0f} ms ({which}) | peak memory {peak()} MB", flush=True,
    )  # fmt: skip


def deep(post) -> None:
    """Page after page costs what the first did."""
    import re

    from django.test import Client
    from measured import line

    from jinzhi.foundation.people.tests import cast

    client = cast.sign_in(Client(), post)
    address, took = f"{ROOT}received/", []
    for _ in range(60):
        began = time.perf_counter()
        text = client.get(address).content.decode()
        took.append(time.perf_counter() - began)
        address = f"{ROOT}received/?after=" + re.findall(r"after=([\w-]+)", text)[-1]
    line("log", "first page, then the 60th by turning", took[0], took[0])
    line("log", "the 60th page", sorted(took[-5:])[2], took[0])


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def console(post) -> None:
    """The network's console, the overview of the exchange and /metrics beside one count of the log."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from measured import line, percentile, superuser, times

    from jinzhi.foundation.people.tests import cast

    with superuser() as owner:
        began = time.perf_counter()
        owner.execute("SELECT count(*) FROM exchange_inbound").fetchall()
        base = time.perf_counter() - began
    line("console", f"raw SQL: count of {ROWS:,} lines, which nothing here does", base, base)
    client = cast.sign_in(Client(), post)
    for name, path in (("console", "/office/operations/"), ("overview", ROOT), ("metrics", "/metrics")):
        with CaptureQueriesContext(connection) as seen:
            if client.get(path).status_code != 200:
                raise RuntimeError(path)
            queries = len(seen)  # the next request empties the log of them
        found = times(lambda path=path: client.get(path), 15)
        line("console", f"{name}, {queries} queries, p50", percentile(found, 0.5), base)


def download(host: str, user: str) -> None:
    """The whole log as CSV in this process; prints seconds, bytes and memory before and after."""
    import measured
    from django.db import connections

    connections["default"].settings_dict.update(NAME=measured.NAME, HOST=host, PORT="5432", USER=user)
    from django.test import Client

    from jinzhi.foundation.people.models import Account
    from jinzhi.foundation.people.tests import cast

    client = Client()
    client.force_login(Account.objects.get(username="bench330000"), backend=cast.BACKEND)
    client.get(f"{ROOT}received/")
    before, began, size, first = peak(), time.perf_counter(), 0, 0.0
    for piece in client.get(f"{ROOT}received/?export=csv").streaming_content:
        first = first or time.perf_counter() - began
        size += len(piece)
    print(time.perf_counter() - began, first, size, before, peak())


def exports() -> None:
    from django.db import connections
    from measured import superuser

    place = connections["default"].settings_dict
    with superuser() as owner:
        began = time.perf_counter()
        command = "COPY (SELECT received_at, peer, dataset, op, record, version, outcome, code, seq, bytes FROM exchange_inbound"
        with owner.cursor().copy(
            f"{command} ORDER BY received_at DESC, id DESC) TO STDOUT (FORMAT csv)"
        ) as copy:
            size = sum(len(piece) for piece in copy)
        base = time.perf_counter() - began
    print(f"export | COPY of {ROWS:,} lines | {base:.1f} s, {size / 1e6:.0f} MB | 1.0x", flush=True)
    answer = subprocess.run(
        [sys.executable, __file__, "--one", str(place["HOST"]), place["USER"]], capture_output=True, text=True
    )  # fmt: skip
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    took, first, size, before, after = map(float, answer.stdout.split())
    print(
        f"export | page's CSV of {ROWS:,} lines | {took:.1f} s, {size / 1e6:.0f} MB, first byte after {first:.2f} s, "
        f"memory {before:.0f} → {after:.0f} MB | {took / base:.1f}x", flush=True,
    )  # fmt: skip


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "jinzhi.settings", "JINZHI_DEMO": "1"}
    django.setup()
    import measured
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    if sys.argv[1:2] == ["--one"]:
        download(*sys.argv[2:4])
        return
    with measured.database(large=True):
        fill()
        posts = people()
        pages(posts)
        deep(posts["province"])
        console(posts["province"])
        exports()


if __name__ == "__main__":
    main()
