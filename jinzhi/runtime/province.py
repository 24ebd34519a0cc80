"""A whole network on one machine: the hub and some city nodes, each an installation of its own.

Each node has its own var/, PostgreSQL, web server, worker, relay and inbox; only the program is common. As root every node
lives in a network namespace; otherwise nodes listen on ports of their own and each city reaches the hub through a
forwarder. Both kinds of line can be cut.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from jinzhi.runtime import links, locations
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.trouble import Trouble

Say = Callable[[str], None]
HUB_NUMBER = 0
NATS_PORT = 4222  # of the hub, in its namespace; on ports: base + 50
BASE_PORT = 8100
START_TOGETHER = 2
SCALE = "0.4"  # of the demonstration: about 180 enterprises and 50 cases a city
DATABASE = "shared_buffers=48MB,effective_cache_size=256MB,maintenance_work_mem=64MB,max_connections=80"
LEFT_OUT = ("JINZHI_", "DATABASE_", "PYTEST_")  # of the environment: a node has its own


@dataclass(frozen=True)
class Node:
    """One node of the province on this machine."""

    code: str
    name: str
    number: int
    host: str  # where its web server is reached from this machine
    port: int
    hub: bool
    line: str = ""  # host:port under which a city reaches the hub's message server

    @property
    def var(self) -> Path:
        return home() / self.code

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.var)


def home() -> Path:
    return locations.VAR / "province"


def lines() -> Path:
    return home() / "lines"


@dataclass(frozen=True)
class Plan:
    """What `up` was told the first time; kept in province.json."""

    namespaces: bool
    base: int
    nodes: tuple[Node, ...]

    @property
    def hub(self) -> Node:
        return self.nodes[0]

    @property
    def cities(self) -> tuple[Node, ...]:
        return self.nodes[1:]

    @property
    def nats(self) -> str:
        """Address at which the hub's message server listens."""
        return f"{self.hub.host}:{NATS_PORT if self.namespaces else self.base + 50}"

    def node(self, code: str) -> Node:
        for one in self.nodes:
            if code in (one.code, one.name) or (code == "hub" and one.hub):
                return one
        known = "、".join(f"{n.code} {n.name}" for n in self.nodes)
        raise Trouble(f"没有节点 {code}。", f"现有节点：{known}")


def known_cities() -> list[tuple[str, str]]:
    """(code, name) of the hub and the cities, in the order of the province pack."""
    pack = locations.ROOT / "provinces" / os.environ.get("JINZHI_PROVINCE", "zhejiang")
    with (pack / "agencies.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["level"] in ("province", "city")]
    return [(row["key"], row["short_name"].removesuffix("局")) for row in rows]


def make_plan(cities: int, namespaces: bool, base: int) -> Plan:
    everyone = known_cities()
    if not 1 <= cities < len(everyone):
        raise Trouble(f"城市节点数应为 1–{len(everyone) - 1}，不是 {cities}。")
    nodes = []
    for number, (code, name) in enumerate(everyone[: cities + 1]):
        if namespaces:
            host, port = links.address(number), 8000
            line = f"{links.address(HUB_NUMBER)}:{NATS_PORT}"
        else:
            host, port = "127.0.0.1", base + number
            line = f"127.0.0.1:{base + 50 + number}"
        nodes.append(Node(code, name, number, host, port, number == HUB_NUMBER, line if number else ""))
    return Plan(namespaces, base, tuple(nodes))


def plan() -> Plan:
    """The province that was brought up; raises Trouble when there is none."""
    try:
        said = json.loads((home() / "province.json").read_text())
    except (OSError, ValueError):
        raise Trouble("这里没有启动过省网。", "先执行 make province CITIES=3。") from None
    return Plan(said["namespaces"], said["base"], tuple(Node(**one) for one in said["nodes"]))


def _keep(made: Plan) -> None:
    home().mkdir(parents=True, exist_ok=True)
    said = {"namespaces": made.namespaces, "base": made.base, "nodes": [asdict(one) for one in made.nodes]}
    (home() / "province.json").write_text(json.dumps(said, ensure_ascii=False, indent=1))


# -- one node


def environment(made: Plan, node: Node) -> dict[str, str]:
    """What every process of a node sees."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(LEFT_OUT)}
    province = {"JINZHI_PROVINCE": os.environ["JINZHI_PROVINCE"]} if "JINZHI_PROVINCE" in os.environ else {}
    chosen = {key: os.environ[key] for key in ("JINZHI_WEB_WORKERS", "JINZHI_PG_BIN") if key in os.environ}
    return kept | province | {
        "JINZHI_VAR": str(node.var),
        "JINZHI_NODE": node.code,
        "JINZHI_HOST": "0.0.0.0" if made.namespaces else "127.0.0.1",  # noqa: S104  its own namespace
        "JINZHI_PORT": str(node.port),
        "JINZHI_PUBLIC_URL": node.url.rstrip("/"),
        "JINZHI_COOKIES": "" if made.namespaces else f"jz{node.code}_",
        "JINZHI_ALLOWED_HOSTS": f"127.0.0.1,localhost,[::1],testserver,{node.host}",
        "JINZHI_DEMO": "1",
        "JINZHI_DEMO_PLACE": node.code,
        "JINZHI_DEMO_SCALE": os.environ.get("JINZHI_DEMO_SCALE", SCALE),
        "JINZHI_WEB_WORKERS": "1",
        "JINZHI_PG_SETTINGS": DATABASE,
        "PYTHONPATH": str(locations.ROOT),
    } | chosen  # fmt: skip


def command(made: Plan, node: Node, *arguments: str) -> list[str]:
    before = links.inside(node.code) if made.namespaces else []
    return [*before, sys.executable, "-m", "jinzhi.cli", *arguments]


def run(made: Plan, node: Node, *arguments: str, check: bool = True) -> str:
    """Run `jinzhi …` as that node, where it lives; answers what it printed."""
    answer = subprocess.run(
        command(made, node, *arguments), env=environment(made, node), cwd=locations.ROOT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if check and answer.returncode:
        raise Trouble(
            f"{node.code} {node.name}：jinzhi {' '.join(arguments[:2])} 失败（退出码 {answer.returncode}）\n"
            f"{answer.stdout[-1500:]}{answer.stderr[-1500:]}",
            f"查看 {node.var}/log 下的日志。",
        )
    return answer.stdout


def run_here(made: Plan, node: Node, *arguments: str) -> int:
    """The same with this terminal's input and output; answers the exit code."""
    return subprocess.run(
        command(made, node, *arguments), env=environment(made, node), cwd=locations.ROOT
    ).returncode


def state(node: Node) -> dict:
    """Process ids of a node by name, as its supervisor wrote them; empty when it is not running."""
    path = node.var / "run" / "supervisor.json"
    try:
        said = json.loads(path.read_text())
        os.kill(said["pid"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    found = {"supervisor": said["pid"], **said.get("children", {})}
    if pid := node.cluster.pid():
        found["postgres"] = pid
    return found


def health(node: Node, timeout: float = 3) -> dict:
    try:
        with urllib.request.urlopen(f"{node.url}healthz", timeout=timeout) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with suppress(ValueError):
            return json.load(error)
    except (OSError, ValueError):
        pass
    return {}


# -- all of them


def up(cities: int, ports: bool, base: int, say: Say) -> Plan:
    """Start (or start again) the province; the nodes that are there keep what they have."""
    made = _chosen_plan(cities, ports, base)
    _keep(made)
    say(f"节点之间：{'网络命名空间与网桥 ' + links.BRIDGE if made.namespaces else '本机端口与转发进程'}")
    _make_lines(made)
    began = time.monotonic()
    _start(made, made.hub)
    say(f"{made.hub.code} {made.hub.name}（省中心）已启动，{time.monotonic() - began:.0f} 秒")
    with ThreadPoolExecutor(START_TOGETHER) as pool:
        for node in pool.map(lambda one: _start(made, one), made.cities):
            say(f"{node.code} {node.name}已启动，{time.monotonic() - began:.0f} 秒")
    _join(made, say)
    return made


def _chosen_plan(cities: int, ports: bool, base: int) -> Plan:
    """The nodes that are there and those that come to them; addresses never change, certificates and nodes know them."""
    make_plan(cities, False, base)  # says what is wrong with the number
    try:
        former = plan()
    except Trouble:
        return make_plan(cities, not ports and links.namespaces_possible(), base)
    if former.namespaces and (ports or not links.namespaces_possible()):
        raise Trouble(
            "这里的省网建在网络命名空间中，不能改用端口。"
            if ports
            else "这里的省网建在网络命名空间中，需要 root。",
            "先 make province-down WIPE=1 清空，再重新启动。",
        )
    if not former.namespaces and base not in (BASE_PORT, former.base):
        raise Trouble(
            f"这里的省网从端口 {former.base} 开始。", "先 make province-down WIPE=1 清空，再重新启动。"
        )
    return make_plan(max(cities, len(former.cities)), former.namespaces, former.base)


def _make_lines(made: Plan) -> None:
    if made.namespaces:
        links.make_bridge()
    for node in made.nodes:
        if made.namespaces:
            links.make_namespace(node.code, node.number, node.hub)
            if not node.hub:
                (links.cut if links.is_cut(lines(), node.code) else links.mend)(lines(), node.code, True)
        elif not node.hub and not links.forwarder_runs(lines(), node.code):
            host, _, port = made.nats.rpartition(":")
            links.start_forwarder(lines(), node.code, int(node.line.rpartition(":")[2]), (host, int(port)))


def _start(made: Plan, node: Node) -> Node:
    node.var.mkdir(parents=True, exist_ok=True)
    run(made, node, "up")
    return node


def _join(made: Plan, say: Say) -> None:
    """Make the hub a hub and let every city that has not joined yet join it."""
    if not (made.hub.var / "network" / "node.json").exists():
        run(made, made.hub, "network", "init", "--address", made.nats)
        say("省中心的消息服务已建立")
    for node in made.cities:
        if (node.var / "network" / "node.json").exists():
            continue
        token = run(
            made, made.hub, "network", "invite", node.code, "--address", node.line, "--url", made.hub.url.rstrip("/")
        ).split()[-1]  # fmt: skip
        run(made, node, "network", "join", token)
        say(f"{node.code} {node.name}已加入")


def down(say: Say) -> int:
    """Stop every node and take the lines away; data stay."""
    made = plan()
    ended = 0
    for node in reversed(made.nodes):
        if node.var.exists():
            run(made, node, "down", check=False) if not made.namespaces else _down_outside(made, node)
            ended += 1
            say(f"{node.code} {node.name}已停止")
    for node in made.cities:
        links.stop_forwarder(lines(), node.code)
    if made.namespaces:
        links.remove_namespaces([node.code for node in made.nodes])
    return ended


def _down_outside(made: Plan, node: Node) -> None:
    """Stopping needs no network: it works although the namespace is gone (after a restart of the machine)."""
    subprocess.run(
        [sys.executable, "-m", "jinzhi.cli", "down"], env=environment(made, node), cwd=locations.ROOT,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip


def wipe(say: Say) -> None:
    with suppress(Trouble):
        down(say)
        for node in plan().nodes:
            with suppress(OSError):
                shutil.rmtree(locations.database_home(node.var))
    shutil.rmtree(home(), ignore_errors=True)


def cut(code: str) -> Node:
    made = plan()
    node = _city(made, code)
    links.cut(lines(), node.code, made.namespaces)
    return node


def mend(code: str) -> Node:
    made = plan()
    node = _city(made, code)
    links.mend(lines(), node.code, made.namespaces)
    return node


def _city(made: Plan, code: str) -> Node:
    node = made.node(code)
    if node.hub:
        raise Trouble("断开的是城市到省中心的线路。", f"指明一个城市，如 {made.cities[0].code}。")
    return node


def kill(code: str, process: str) -> int:
    """kill -9 one process of a node; its supervisor (or `up`) starts it again."""
    node = plan().node(code)
    running = state(node)
    if process not in running:
        known = "、".join(running) or "无（节点没有运行）"
        raise Trouble(f"{node.code} 没有进程 {process}。", f"在运行的：{known}")
    os.kill(running[process], signal.SIGKILL)
    return running[process]


def status() -> dict:
    """Everything a script needs: addresses, processes, databases, lines."""
    made = plan()
    return {
        "mode": "namespaces" if made.namespaces else "ports",
        "nats": made.nats,
        "nodes": [
            {
                "node": node.code, "name": node.name, "role": "hub" if node.hub else "city", "url": node.url,
                "var": str(node.var), "database": {"host": str(node.cluster.sockets), "dbname": "jinzhi", "user": "postgres"},
                "namespace": links.namespace(node.code) if made.namespaces else None,
                "line": None if node.hub else "cut" if links.is_cut(lines(), node.code) else "whole",
                "processes": state(node), "health": health(node).get("status", "no answer"),
            }
            for node in made.nodes
        ],
    }  # fmt: skip


def sign_ins(made: Plan, node: Node) -> list[str]:
    """Usernames of the demonstration of one node, with who they are."""
    with node.cluster.connect("jinzhi") as connection:
        rows = connection.execute(
            "SELECT a.username, coalesce(g.name, a.name) FROM people_account AS a"
            " LEFT JOIN people_post AS p ON p.account_id = a.id LEFT JOIN people_agency AS g ON g.id = p.agency_id"
            " WHERE a.is_demo AND a.is_active ORDER BY a.id"
        ).fetchall()
    return [f"{username}  {who}" for username, who in rows]
