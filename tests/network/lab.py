"""A hub and two cities as in real life: a PostgreSQL server, a relay and an inbox each, one message server, lines that
can be cut. Only web servers are missing; the hub's runs while the cities join. Used by the tests and by bench/exchange.py.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import psycopg

from jinzhi.network import processes
from jinzhi.runtime import links, locations, testing
from jinzhi.runtime.postgres import Cluster, binaries
from jinzhi.runtime.provision import provision

HUB, HANGZHOU, NINGBO = "330000", "330100", "330200"
DISTRICT = {HANGZHOU: 330106_000000, NINGBO: 330203_000000, HUB: 330000_000000}
DATABASE = {"fsync": "off", "shared_buffers": "64MB", "max_connections": "40"}
AGAIN = 0.3  # seconds until a killed process is started again, as the supervisor would
INSERT = (
    "INSERT INTO registry_enterprise (id, place, owner_node, version, created_at, updated_at, name, uscc, org_code, kind,"
    " legal_representative, address, premises_address, industry, status, source, is_demo, remark)"
    " SELECT gen_random_uuid(), %(place)s, %(node)s, 1, now(), now(), %(name)s || g, '', '', 'company', '王一', '文一路'"
    " || g, '', 'C14', 'active', '测试', false, '' FROM generate_series(1, %(count)s) AS g"
)
CHANGE = (
    "UPDATE registry_enterprise SET version = version + 1, updated_at = now(), address = %(address)s WHERE id IN"
    " (SELECT id FROM registry_enterprise WHERE owner_node = %(node)s AND source = '测试' AND id > %(from)s"
    " ORDER BY id LIMIT %(count)s)"
)


class Node:
    """One node: its server, its processes, its SQL."""

    def __init__(self, lab: "Lab", code: str):
        self.lab, self.code = lab, code
        self.var = lab.folder / code
        self.cluster = Cluster(self.var, DATABASE)
        self.running: dict[str, subprocess.Popen] = {}
        self.commands: dict[str, list[str]] = {}
        self.extra: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        left_out = ("DATABASE_", "JINZHI_", "PYTEST_", "DJANGO_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        return kept | {
            "JINZHI_VAR": str(self.var), "JINZHI_NODE": self.code, "PYTHONPATH": str(locations.ROOT),
            "JINZHI_API_RATE": "100000/m", **self.extra,
        }  # fmt: skip

    def command(self, *arguments: str, differs: bool = False) -> str:
        """Run `jinzhi …` here; answers what it printed. `differs`: exit code 1 only says that the ends differ."""
        answer = subprocess.run(
            [sys.executable, "-m", "jinzhi.cli", *arguments], env=self.environment, cwd=locations.ROOT,
            capture_output=True, text=True,
        )  # fmt: skip
        if answer.returncode and not (differs and answer.returncode == 1):
            raise RuntimeError(f"{self.code}: jinzhi {' '.join(arguments)}\n{answer.stdout}{answer.stderr}")
        return answer.stdout

    def python(self, text: str) -> str:
        """Run Python here, in the system's scope, with Django ready."""
        begin = (
            "import django, os; os.environ['DJANGO_SETTINGS_MODULE'] = 'jinzhi.settings'; django.setup()\n"
            "from jinzhi.foundation.places import scope; scope.enter(scope.SYSTEM)\n"
        )
        answer = subprocess.run(
            [sys.executable, "-c", begin + text], env=self.environment, cwd=locations.ROOT, capture_output=True,
            text=True,
        )  # fmt: skip
        if answer.returncode:
            raise RuntimeError(f"{self.code}: {answer.stderr[-3000:]}")
        return answer.stdout

    # -- processes

    def start(self, name: str, command: list[str] | None = None) -> None:
        self.commands[name] = command or self.commands.get(name) or self._known(name)
        log = self.var / "log" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as output:
            self.running[name] = subprocess.Popen(
                self.commands[name], env=self.environment, cwd=locations.ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, process_group=0,
            )  # fmt: skip

    def _known(self, name: str) -> list[str]:
        if name == "nats":
            return [processes.server(), "--config", str(self.var / "network" / "nats.conf")]
        return [sys.executable, "-m", "jinzhi.cli", "network", name]

    def stop(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.running.pop(name, None)
        if process:
            process.send_signal(number)
            process.wait(20)
            with suppress(ProcessLookupError):  # a web server's own worker
                os.killpg(process.pid, signal.SIGKILL)

    def kill(self, name: str) -> None:
        """kill -9; the lab's keeper starts it again, unless it was never started."""
        if name == "postgres":
            if pid := self.cluster.pid():
                os.kill(pid, signal.SIGKILL)
        elif name in self.running:
            self.running[name].kill()

    def look_after(self) -> None:
        """What the supervisor does: start again what died."""
        if not self.cluster.pid():
            with suppress(Exception):
                self.cluster.start()
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(name)

    def log(self, name: str) -> str:
        path = self.var / "log" / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    # -- rows

    def connect(self) -> psycopg.Connection:
        return self.cluster.connect("jinzhi")

    def sql(self, statement: str, parameters: object = None) -> list[tuple]:
        with self.connect() as connection:
            cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, parameters: object = None):
        return self.sql(statement, parameters)[0][0]

    def write(self, count: int = 1, name: str = "新设企业") -> None:
        """New enterprises of this node: the name and a number."""
        self.sql(INSERT, {"place": DISTRICT[self.code], "node": self.code, "name": name, "count": count})

    def change(self, count: int = 1, start: uuid.UUID | None = None) -> None:
        """The next version of some of them."""
        self.sql(
            CHANGE,
            {"node": self.code, "address": f"改 {time.monotonic_ns()}", "count": count, "from": start or uuid.UUID(int=0)},
        )  # fmt: skip

    def rows(self, owner: str) -> dict[str, tuple]:
        """Every enterprise that `owner` owns, as this node has it."""
        found = self.sql(
            "SELECT id::text, version, place, name, address FROM registry_enterprise"
            " WHERE owner_node = %s AND source = '测试'",
            [owner],
        )
        return {row[0]: row[1:] for row in found}


class Writer(threading.Thread):
    """People at work on a node: inserts and changes until told to end; a lost database is tried again."""

    def __init__(self, node: Node, seed: int, pause: float = 0.03):
        super().__init__(daemon=True)
        self.node, self.random, self.pause = node, Random(seed), pause
        self.ending = threading.Event()
        self.done = 0

    def run(self) -> None:
        connection = None
        while not self.ending.is_set():
            try:
                connection = connection or self.node.connect()
                with connection.transaction():
                    self._work(connection)
                self.done += 1
            except psycopg.Error:
                connection = None
                self.ending.wait(0.2)
            self.ending.wait(self.random.random() * 2 * self.pause)

    def _work(self, connection: psycopg.Connection) -> None:
        place, code = DISTRICT[self.node.code], self.node.code
        if self.random.random() < 0.5:
            values = {
                "place": place,
                "node": code,
                "name": f"企业{self.done}-",
                "count": self.random.randrange(1, 8),
            }
            connection.execute(INSERT, values)
        start = uuid.UUID(int=self.random.getrandbits(128))
        values = {
            "node": code,
            "address": f"改 {self.done}",
            "count": self.random.randrange(1, 6),
            "from": start,
        }
        connection.execute(CHANGE, values)
        if self.random.random() < 0.1:
            self.ending.wait(0.1)  # a transaction that commits after later ones

    def end(self) -> None:
        self.ending.set()
        self.join(20)


class Lab:
    """The province of the tests."""

    def __init__(
        self, folder: Path, source: Cluster, database: str, cities: tuple[str, ...] = (HANGZHOU, NINGBO)
    ):
        self.folder = folder
        self.hub = Node(self, HUB)
        self.cities = [Node(self, code) for code in cities]
        self.nodes = [self.hub, *self.cities]
        self.port = testing.free_port()
        self.lines = folder / "lines"
        self.ports = {node.code: testing.free_port() for node in self.cities}
        self.keeping = threading.Event()
        self.ended = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self._make_databases(source, database)

    # -- begin and end

    def _make_databases(self, source: Cluster, database: str) -> None:
        """A server with a copy of the tests' database; the other nodes get copies of its data directory."""
        dump = self.folder / "template.dump"
        programs = binaries()
        where = ["--host", str(source.sockets), "--port", "5432", "--username", "postgres"]
        subprocess.run(
            [programs / "pg_dump", *where, "--format", "custom", "--compress", "1", "--file", dump, database],
            check=True,
        )
        first = self.hub.cluster
        first.start()
        provision(first)
        where = ["--host", str(first.sockets), "--port", "5432", "--username", "postgres"]
        answer = subprocess.run(
            [programs / "pg_restore", *where, "--jobs", "2", "--dbname", "jinzhi", dump], capture_output=True, text=True
        )  # fmt: skip
        with first.connect("jinzhi") as connection:
            if not connection.execute("SELECT to_regclass('exchange_self') IS NOT NULL").fetchone()[0]:
                raise RuntimeError(answer.stderr[-2000:])
            connection.execute("ANALYZE")
        first.stop()
        for node in self.cities:
            node.cluster.data.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", first.data, node.cluster.data], check=True)
        for node in self.nodes:
            node.cluster.start()

    def join(self) -> None:
        """Make the hub, let the cities join through its web server, start everything."""
        self.hub.command("network", "init", "--address", f"127.0.0.1:{self.port}")
        self.hub.start("nats")
        web = testing.free_port()
        self.hub.start(
            "web",
            [sys.executable, "-m", "granian", "--no-ws", "--interface", "wsgi", "--port", str(web), "--workers", "1",
             "--blocking-threads", "2", "--log-level", "warning", "jinzhi.wsgi:application"],
        )  # fmt: skip
        url = f"http://127.0.0.1:{web}"
        until(lambda: links_answer(web), 90, "the hub's web server")
        for node in self.cities:
            links.start_forwarder(self.lines, node.code, self.ports[node.code], ("127.0.0.1", self.port))
        for node in self.cities:
            address = f"127.0.0.1:{self.ports[node.code]}"
            said = self.hub.command("network", "invite", node.code, "--address", address, "--url", url)
            node.command("network", "join", said.split()[-1])
        self.hub.stop("web")
        self.hub.commands.pop("web")
        for node in self.nodes:
            for name in ("relay", "inbox"):
                node.start(name)
        self.keeping.set()
        self.keeper.start()
        for node in self.nodes:
            node.write(1)
        try:
            self.settle(240)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def _keep(self) -> None:
        while not self.ended.is_set():
            if self.keeping.is_set():
                for node in self.nodes:
                    node.look_after()
            self.ended.wait(AGAIN)

    def end(self) -> None:
        self.ended.set()
        if self.keeper.is_alive():
            self.keeper.join(20)
        for node in self.nodes:
            for name in list(node.running):
                node.stop(name)
            links.stop_forwarder(self.lines, node.code)
            with suppress(Exception):
                node.cluster.stop("immediate")
            shutil.rmtree(node.cluster.sockets, ignore_errors=True)

    def cut(self, node: Node) -> None:
        """The line is cut when this returns: the forwarder looks every twentieth of a second."""
        links.cut(self.lines, node.code, False)
        time.sleep(6 * links.LOOK)

    def mend(self, node: Node) -> None:
        links.mend(self.lines, node.code, False)

    # -- proof

    def settle(self, seconds: float = 120) -> float:
        """Wait until nothing is on the way and every node has the same; answers how long it took."""
        return until(lambda: not self.differences(), seconds, self.differences)

    def differences(self) -> list[str]:
        """What is not yet, or not, as it should be: empty when all nodes agree and nothing waits."""
        try:
            found = []
            for node in self.nodes:
                waiting = node.one("SELECT count(*) FROM exchange_pending")
                if waiting:
                    found.append(f"{node.code}: {waiting} rows wait to be numbered")
                for name, state, numbered, stored in node.sql(
                    "SELECT name, state, numbered, stored FROM exchange_channel WHERE kind IN ('up', 'city')"
                ):
                    if state != "active" or numbered != stored:
                        found.append(f"{node.code} {name}: {state}, numbered {numbered}, stored {stored}")
            if found:
                return found
            for owner in self.nodes:
                own = owner.rows(owner.code)
                for other in self.nodes:
                    if other is not owner and (there := other.rows(owner.code)) != own:
                        missing, extra = len(own.keys() - there.keys()), len(there.keys() - own.keys())
                        older = sum(own[k] != there[k] for k in own.keys() & there.keys())
                        found.append(
                            f"{other.code} of {owner.code}: {missing} missing, {extra} extra, {older} differ"
                        )
            return found
        except psycopg.Error as error:
            return [f"database away: {error}"]

    def prove(self, logs: bool = True) -> None:
        """By SQL: nothing lost, nothing doubled, order per record, the province is the sum of its cities.

        `logs`: also every version ever written, once; a database that was restored has forgotten some of them.
        """
        until(
            lambda: not self.differences(), 30, self.differences
        )  # receipts of what settled may be on their way
        until(lambda: not self.unanswered(), 30, self.unanswered)
        for node in self.cities:
            sent = node.sql(
                "SELECT DISTINCT record, version FROM exchange_outbox WHERE dataset = 'registry.enterprise'"
                " AND owner_node = %s AND op <> 't'",
                [node.code],
            )
            stream = f"IN_{node.code}"
            log = self.hub.sql(
                "SELECT record, version FROM exchange_inbound WHERE stream = %s AND dataset = 'registry.enterprise'"
                " AND peer = %s ORDER BY seq",
                [stream, node.code],
            )
            if logs:
                assert len(log) == len(set(log)), f"{node.code}: a message was taken in twice"
                assert set(log) == set(sent), f"{node.code}: lost {len(set(sent) - set(log))}"
            disordered = self.hub.one(
                "SELECT count(*) FROM (SELECT version, lag(version) OVER (PARTITION BY record ORDER BY seq) AS before"
                " FROM exchange_inbound WHERE stream = %s AND dataset = 'registry.enterprise') AS v"
                " WHERE version < before OR (%s AND version = before)",
                [stream, logs],
            )
            assert not disordered, f"{node.code}: {disordered} versions overtaken"
            refused = self.hub.sql("SELECT code, reason, count(*) FROM exchange_quarantine GROUP BY 1, 2")
            assert not refused, refused
        everyone = self.hub.one("SELECT count(*) FROM registry_enterprise WHERE owner_node <> %s", [HUB])
        cities = sum(
            node.one("SELECT count(*) FROM registry_enterprise WHERE owner_node = %s", [node.code]) for node in self.cities
        )  # fmt: skip
        assert everyone == cities

    def unanswered(self) -> list[tuple]:
        """Batches without an agreeing receipt, and complaints about batches."""
        found: list[tuple] = []
        for node in self.nodes:
            found += node.sql(
                "SELECT b.channel, b.number, b.receipt->>'problem' FROM exchange_batch AS b JOIN exchange_channel AS c"
                " ON c.name = b.channel WHERE b.acknowledged_at IS NULL AND b.last > c.base LIMIT 5"
            )
            found += node.sql(
                "SELECT kind, node, detail FROM network_alarm WHERE kind IN ('batch', 'trailer') AND cleared_at IS NULL"
            )
        return found

    def logs(self) -> str:
        return "\n".join(
            f"--- {n.code} {name}\n{n.log(name)}" for n in self.nodes for name in ("nats", "relay", "inbox")
        )


def links_answer(port: int) -> bool:
    from jinzhi.runtime import installation

    return installation.health(port).get("database") == "ok"


def until(condition: Callable[[], object], seconds: float, what: object, pace: float = 0.1) -> float:
    """Wait for `condition`; answers how long it took, or raises with `what`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pace)
    return time.monotonic() - began
