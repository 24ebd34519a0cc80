"""Exchange: a row written at a city until it stands at the hub, beside raw COPY and raw JetStream of the same run.

    .venv/bin/python bench/exchange.py            20,000 rows end to end, 100,000 after an outage
    .venv/bin/python bench/exchange.py --full     100,000 and 1,000,000 (JINZHI_BENCH_ROWS sets the latter), and a
                                                  comparison of 10,000,000 (JINZHI_BENCH_COMPARED)

A hub and a city with a PostgreSQL server, relay and inbox each, one NATS server with TLS, the line through a forwarder
that can be cut; durable settings (fsync on). Rows are enterprises of about 1 KB as a message. Rates are wall rows/s.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path

import django

FULL = "--full" in sys.argv
ROWS = 100_000 if FULL else 20_000
MANY = int(os.environ.get("JINZHI_BENCH_ROWS", "1000000" if FULL else "100000"))
COMPARED = int(os.environ.get("JINZHI_BENCH_COMPARED", "10000000" if FULL else "500000"))
OUTAGES = (2, 5, 10, 20) if FULL else (1, 3, 6)
LONG = "地" * 110
# Keys as the application makes them: UUIDv7, of the moment.
_KEY = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'"
    " || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text || g), 1, 15))::uuid"
)
_INSERT = f"""INSERT INTO registry_enterprise (id, place, owner_node, version, created_at, updated_at, name, uscc, org_code,
 kind, legal_representative, address, premises_address, industry, status, source, is_demo, remark)
 SELECT {_KEY}, 330106000000, '330100', 1, now(), now(), %s || g, '', '', 'company', '王一', '{LONG}', '{LONG}',
 'C14', 'active', '测试', false, '' FROM generate_series(1, %s) AS g"""
_DOCUMENTS = f"""INSERT INTO exchange_document (id, place, owner_node, version, created_at, updated_at, dataset, key,
 source, schema, body)
 SELECT {_KEY}, 330106000000, '330100', 1, now(), now(), 'yangtze.recall', g::text, '330100', 1, jsonb_build_object(
 'number', g::text, 'product', '压力锅', 'models', '{LONG}', 'producer', '王一', 'defect', '{LONG}{LONG}', 'started_on',
 '2026-11-02', 'state', '实施中') FROM generate_series(1, %s) AS g"""
# The same rows wherever it runs: former codes of enterprises, made on 600 days in 13 counties.
_IDENTIFIERS = """INSERT INTO registry_identifier (id, place, owner_node, version, created_at, updated_at, enterprise_id,
 scheme, value, valid_from, source)
 SELECT (lpad(to_hex(1700000000000 + g %% 600 * 86400000::bigint), 12, '0') || '7' || substr(m, 1, 3) || '8'
 || substr(m, 4, 15))::uuid, 330102000000 + g %% 13 * 1000000, '330100', 1, '2026-11-01', '2026-11-01', m::uuid,
 'registration_number', g::text, '2015-10-01', '测试' FROM (SELECT g, md5(g::text) AS m FROM generate_series(1, %s) AS g) AS r"""
_COPIED = (
    "id, place, owner_node, version, created_at, updated_at, name, uscc, org_code, kind, legal_representative,"
    " address, premises_address, industry, economic_type, scale, status, source, initials, is_demo, remark"
)


def line(what: str, value: str, beside: str = "") -> None:
    print(f"exchange | {what} | {value}{' | ' + beside if beside else ''}", flush=True)


def rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f} rows/s ({count:,} in {seconds:.1f} s)"


def write(node, count: int, name: str) -> float:
    began = time.perf_counter()
    node.sql(_INSERT, [name, count])
    return time.perf_counter() - began


def held(node) -> int:
    return node.one("SELECT count(*) FROM registry_enterprise WHERE owner_node = '330100'")


def position(lab) -> int:
    return lab.hub.one("SELECT coalesce(max(last), 0) FROM exchange_position WHERE stream = 'IN_330100'")


def everything(lab) -> bool:
    """Whether the hub has taken in all the city has. What is not numbered yet is looked for last: it costs most."""
    city = lab.cities[0]
    numbered = "SELECT numbered FROM exchange_channel WHERE name = 'up'"
    last = city.one(numbered)
    if position(lab) < last or city.one("SELECT EXISTS (SELECT FROM exchange_pending)"):
        return False
    return position(lab) >= city.one(numbered)


def whole(lab, seconds: float = 3600) -> float:
    """Wait until the hub has taken in everything the city has."""
    from tests.network.lab import until

    return until(lambda: everything(lab), seconds, lambda: lab.logs(), 0.05)


def stored(lab) -> int:
    return lab.cities[0].one("SELECT stored FROM exchange_channel WHERE name = 'up'")


class Spent:
    """CPU of every process of the laboratory between two moments, in microseconds for each row."""

    def __init__(self, lab):
        self.lab, self.before = lab, self._now(lab)

    @staticmethod
    def _now(lab) -> dict[str, float]:
        found = {}
        for node in lab.nodes:
            where = "hub" if node is lab.hub else "city"
            for name, process in node.running.items():
                found[f"{name} ({where})"] = _seconds(process.pid, children=False)
            found[f"PostgreSQL ({where})"] = _seconds(node.cluster.pid(), children=True)
        return found

    def each(self, count: int) -> str:
        spent = {
            name: (now - self.before.get(name, 0)) * 1e6 / count for name, now in self._now(self.lab).items()
        }
        parts = ", ".join(
            f"{name} {value:.0f}" for name, value in sorted(spent.items(), key=lambda one: -one[1])
        )
        return f"{sum(spent.values()):.0f} µs of CPU a row: {parts}"


def _seconds(pid: int, children: bool) -> float:
    """User and system seconds of a process; `children`: with those it started, living and ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    fields: dict[int, list[str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
    if pid not in fields:
        return 0
    total = sum(map(int, fields[pid][11:13]))
    if children:
        total += sum(map(int, fields[pid][13:15]))
        total += sum(sum(map(int, one[11:13])) for one in fields.values() if int(one[1]) == pid)
    return total / ticks


# -- what it is measured against


def raw_copy(lab) -> float:
    """The same rows, finished, by COPY into an indexed table of the same columns."""
    city = lab.cities[0]
    path = Path(lab.folder, "rows.copy")
    with (
        city.connect() as connection,
        path.open("wb") as target,
        connection.cursor().copy(f"COPY (SELECT {_COPIED} FROM registry_enterprise) TO STDOUT") as copy,
    ):
        for part in copy:
            target.write(part)
    with lab.hub.connect() as connection:
        connection.execute("CREATE TABLE raw_copy (LIKE registry_enterprise INCLUDING ALL)")
        began = time.perf_counter()
        with (
            connection.cursor().copy(f"COPY raw_copy ({_COPIED}) FROM STDIN") as copy,
            path.open("rb") as source,
        ):
            while part := source.read(1 << 20):
                copy.write(part)
        took = time.perf_counter() - began
        connection.execute("DROP TABLE raw_copy")
    return took


def raw_jetstream(lab, count: int, payload: bytes) -> float:
    """As many messages of the same size published to a stream of its own, acknowledgements counted."""
    os.environ["JINZHI_NETWORK"] = str(lab.hub.var / "network")
    from jinzhi.network import link, nats

    async def publish() -> float:
        nc = await link.connect("bench")
        await nats.request(
            nc, "STREAM.CREATE.BENCH", {"name": "BENCH", "subjects": ["bench.>"], "storage": "file"}
        )
        acknowledged = 0
        done = asyncio.Event()

        async def heard(_message) -> None:
            nonlocal acknowledged
            acknowledged += 1
            if acknowledged == count:
                done.set()

        inbox = nc.new_inbox()
        await nc.subscribe(inbox, cb=heard)
        began = time.perf_counter()
        for number in range(count):
            while number - acknowledged > 4000:
                await asyncio.sleep(0.001)
            await nc.publish("bench.row", payload, inbox)
            if number % 250 == 249:
                await asyncio.sleep(0)
        await done.wait()
        took = time.perf_counter() - began
        await nats.request(nc, "STREAM.DELETE.BENCH")
        await nc.close()
        return took

    return asyncio.run(publish())


# -- the figures


def flow(lab) -> None:
    city = lab.cities[0]
    spent, began = Spent(lab), time.perf_counter()
    wrote = write(city, ROWS, "平时")
    whole(lab)
    took = time.perf_counter() - began
    cpu = spent.each(ROWS)
    size = city.one(
        "SELECT round(avg(octet_length(body::text))) + 190 FROM (SELECT body FROM exchange_outbox LIMIT 500) AS o"
    )
    copied, streamed = raw_copy(lab), raw_jetstream(lab, ROWS, b"x" * int(size))
    line(
        f"PG → node → PG, {int(size)} bytes a message",
        rate(ROWS, took),
        f"of it the writer's statement {wrote:.1f} s; {cpu}",
    )
    line("raw COPY into the same indexed table", rate(ROWS, copied), f"{took / copied:.1f}x")
    line("raw JetStream, TLS, acknowledged", rate(ROWS, streamed), f"{took / streamed:.1f}x")


def documents(lab) -> None:
    """The same for documents of 1 KB: the exchange itself, without a register's search columns and their indexes."""
    city = lab.cities[0]
    spent, began = Spent(lab), time.perf_counter()
    city.sql(_DOCUMENTS, [ROWS])
    whole(lab)
    took = time.perf_counter() - began
    line("PG → node → PG, documents of 1 KB", rate(ROWS, took), spent.each(ROWS))
    assert lab.hub.one("SELECT count(*) FROM exchange_document WHERE source = '330100'") == ROWS


def applying(lab) -> None:
    """The hub's inbox alone: the stream is full when it starts."""
    from tests.network.lab import until

    lab.keeping.clear()
    lab.hub.stop("inbox")
    before = position(lab)
    city = lab.cities[0]
    write(city, ROWS, "入库")
    until(
        lambda: city.one("SELECT numbered - stored FROM exchange_channel") == 0
        and not city.one("SELECT EXISTS (SELECT FROM exchange_pending)"),
        600, "stored", 0.1,
    )  # fmt: skip
    lab.hub.start("inbox")
    lab.keeping.set()
    until(lambda: position(lab) > before, 60, lab.logs, 0.01)
    first, began = position(lab), time.perf_counter()
    whole(lab)
    took = time.perf_counter() - began
    line("inbound: check, log, apply at the hub", rate(position(lab) - first, took))


def outages(lab) -> None:
    from tests.network.lab import until

    city = lab.cities[0]
    waits = []
    for seconds in OUTAGES:
        lab.cut(city)
        write(city, 1, "断线")
        time.sleep(seconds)
        before = held(lab.hub)
        lab.mend(city)
        waits.append(until(lambda before=before: held(lab.hub) > before, 60, lab.logs, 0.02))
    line(
        f"first row after the line returns (out {', '.join(map(str, OUTAGES))} s)",
        f"median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s",
    )


def catching_up(lab) -> None:
    from tests.network.lab import until

    city = lab.cities[0]
    lab.cut(city)
    wrote = write(city, MANY, "分区")
    while city.one("SELECT EXISTS (SELECT FROM exchange_pending)"):
        time.sleep(0.5)
    last = city.one("SELECT numbered FROM exchange_channel WHERE name = 'up'")
    lab.mend(city)
    spent, began = Spent(lab), time.perf_counter()
    until(lambda: stored(lab) >= last, 3600, lab.logs, 0.05)
    safe = time.perf_counter() - began
    whole(lab)
    took = time.perf_counter() - began
    line(
        f"catch-up after an outage, {MANY:,} rows",
        rate(MANY, took),
        f"safe in the hub's stream after {safe:.1f} s; written in {wrote:.1f} s while the line was cut; {spent.each(MANY)}",
    )


def reconciling(lab) -> None:
    city = lab.cities[0]
    count = held(city)
    with lab.hub.connect() as connection:  # ten rows vanish at the hub behind the application's back
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM registry_enterprise WHERE id IN (SELECT id FROM registry_enterprise WHERE owner_node = '330100'"
            " ORDER BY id DESC LIMIT 10)"
        )
    for what, options in (("with ten rows missing, repaired", ["--heal"]), ("equal", [])):
        began = time.perf_counter()
        said = city.command(
            "exchange", "reconcile", "--dataset", "registry.enterprise", *options, "--json", differs=True
        )
        assert not [one for one in json.loads(said) if "error" in one], said
        line(
            f"reconciliation of {count:,} rows, {what}",
            f"{time.perf_counter() - began:.1f} s with the command's start",
        )
        whole(lab)
    assert held(lab.hub) == count


def comparing(lab) -> None:
    """A register that both ends already have; one row then differs at the hub."""
    city = lab.cities[0]
    for node in lab.nodes:
        with node.connect() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(_IDENTIFIERS, [COMPARED])
    began = time.perf_counter()
    for node in lab.nodes:
        node.sql("SELECT count(*), sum(hashtextextended(i::text, 0)) FROM registry_identifier AS i")
    raw = time.perf_counter() - began
    for what in ("equal", "one row differs"):
        began = time.perf_counter()
        said = city.command(
            "exchange", "reconcile", "--dataset", "registry.identifier", "--json", differs=True
        )
        took = time.perf_counter() - began
        reports = [one for one in json.loads(said) if one["owner"] == "330100"]
        assert [one["differing"] for one in reports] == [0 if what == "equal" else 1], reports
        line(
            f"comparison of {COMPARED:,} rows at both ends, {what}",
            f"{took:.1f} s with the command's start",
            f"raw count and hash of whole rows at both {raw:.1f} s: {took / raw:.1f}x",
        )
        with lab.hub.connect() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("UPDATE registry_identifier SET source = '改' WHERE value = '4711'")


def memory(lab) -> None:
    for node in lab.nodes:
        for name, process in node.running.items():
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak, now = (
                int(next(row for row in status.splitlines() if row.startswith(key)).split()[1]) // 1024
                for key in ("VmHWM", "VmRSS")
            )
            line(
                f"memory of {name} at {'the hub' if node is lab.hub else 'the city'}",
                f"{now} MB, peak {peak} MB",
            )


def main() -> None:
    from jinzhi.runtime import testing
    from tests.network import lab as laboratory

    laboratory.DATABASE = {"max_connections": "40", "shared_buffers": "512MB", "max_wal_size": "4GB"}
    use = testing.Use()
    cluster = use.take()
    name = f"jinzhi_test_{os.getpid()}_bench"
    testing.clone(cluster, testing.template(cluster), name)
    folder = testing.open_folder()
    lab = laboratory.Lab(folder, cluster, name, (laboratory.HANGZHOU,))
    try:
        lab.join()
        flow(lab)
        documents(lab)
        applying(lab)
        outages(lab)
        catching_up(lab)
        reconciling(lab)
        memory(lab)
        comparing(lab)
    finally:
        lab.end()
        shutil.rmtree(folder, ignore_errors=True)
        testing.drop(cluster, name)
        use.give_back()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()
    main()
