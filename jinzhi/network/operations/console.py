"""What the console shows: each node with its lamp, the map, figures over time. Reads `network`, writes nothing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import yaml
from django.conf import settings
from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from jinzhi.casework.models import Case
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.places import scope
from jinzhi.network.alarms import GRAVITY
from jinzhi.network.models import Alarm, NetworkEvent, Node, Pulse
from jinzhi.network.operations import nodes, watching

STATES = {
    "ok": ("green", "正常"), "warning": ("yellow", "有告警"), "severe": ("orange", "严重告警"), "down": ("red", "中断"),
    "suspended": ("grey", "暂停"), "invited": ("grey", "待加入"), "alone": ("green", "本机运行"), "absent": ("grey", "未入网"),
}  # fmt: skip
INTERNAL = ("network_fault", "network_change", "security_incident")


# How old the first batch is that a peer has not acknowledged: how far it is behind this node.
_LAG = """
SELECT c.peer, extract(epoch FROM now() - b.made_at) FROM exchange_channel AS c, LATERAL (
  SELECT made_at FROM exchange_batch WHERE channel = c.name AND acknowledged_at IS NULL ORDER BY number LIMIT 1) AS b
"""


def lags() -> dict[str, float]:
    """node -> seconds by which it is behind what this node numbered for it; nothing where it is up to date."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(_LAG)
        return {peer: float(seconds) for peer, seconds in cursor.fetchall()}


@dataclass
class Shown:
    """A node as the console shows it. `state` is a key of STATES."""

    code: str
    name: str
    state: str = "absent"
    node: Node | None = None
    health: dict[str, Any] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    faults: int = 0
    lag: float | None = None
    duty: list = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def lamp(self) -> str:
        return STATES[self.state][0]

    @property
    def word(self) -> str:
        return STATES[self.state][1]

    @property
    def hub(self) -> bool:
        return nodes.level_of(self.code) == "province"


def state_of(node: Node | None, alarms: list[Alarm], now: datetime, own: str = "") -> str:
    """The worst that is true of the node; `own` is this node, which needs no heartbeat to be alive."""
    if node is None or node.state == Node.State.RETIRED:
        return "absent"
    if node.state != Node.State.ACTIVE:
        return node.state
    if node.code != own and (node.last_seen is None or now - node.last_seen > watching.silent_after()):
        return "down"
    levels = {a.level for a in alarms}
    return "severe" if "severe" in levels else "warning" if "warning" in levels else "ok"


def overview(lo: int, hi: int, now: datetime | None = None) -> list[Shown]:
    """The nodes that concern a range of places, the hub first. Alarms and nodes are read in the caller's scope."""
    now = now or timezone.now()
    known = {n.code: n for n in Node.objects.exclude(state=Node.State.RETIRED)}
    alarms: dict[str, list[Alarm]] = {}
    for alarm in Alarm.objects.filter(cleared_at=None).order_by(GRAVITY, "-id"):
        alarms.setdefault(alarm.node, []).append(alarm)
    faults = dict(
        Case.objects.filter(procedure__key="network_fault", state="open")
        .values_list("facts__node").annotate(n=Count("id")).order_by()
    )  # fmt: skip
    self_ = exchange_node.this()
    behind = lags()
    if not self_.hub and "hub" in behind:
        behind[self_.node] = behind["hub"]
    found = []
    for code, name in nodes.within(lo, hi).items():
        node = known.get(code)
        mine = alarms.get(code, [])
        state = state_of(node, mine, now, self_.node)
        health = node.health if node else {}
        if node is None and code == self_.node:  # in no network, but it knows itself
            last = Pulse.objects.filter(node=code, at__gt=now - timedelta(minutes=10)).order_by("-at").first()
            state, health = ("alone", last.facts) if last else (state, {})
        found.append(
            Shown(
                code, node.name if node else name, state, node, health, mine,
                faults.get(code, 0), behind.get(code, 0.0 if node else None),
            )
        )  # fmt: skip
    return found


WIDTH, HEIGHT, EDGE = 420, 400, 46


def place_on_map(shown: list[Shown]) -> list[dict]:
    """Give the nodes their points; answers the lines from the hub to each city."""
    path = settings.PROVINCE_DIR / "network.yaml"
    given = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    points = {s.code: given.get(int(s.code)) for s in shown}
    known = [p for p in points.values() if p]
    if len(known) < len(shown):  # a province that has drawn no map: in a row
        points = {s.code: [i % 4, -(i // 4)] for i, s in enumerate(shown)}
        known = list(points.values())
    west, east = min(p[0] for p in known), max(p[0] for p in known)
    south, north = min(p[1] for p in known), max(p[1] for p in known)
    for one in shown:
        east_of, north_of = points[one.code] or (west, south)
        one.x = round(EDGE + (WIDTH - 2 * EDGE) * (east_of - west) / ((east - west) or 1), 1)
        one.y = round(EDGE / 2 + (HEIGHT - 1.6 * EDGE) * (north - north_of) / ((north - south) or 1), 1)
    hub = next((s for s in shown if s.hub), None)
    return [{"from": hub, "to": s, "state": s.state} for s in shown if hub and s is not hub]


RANGES = {
    "hour": ("1 小时", timedelta(hours=1)),
    "day": ("24 小时", timedelta(days=1)),
    "week": ("7 天", timedelta(days=7)),
    "quarter": ("90 天", timedelta(days=90)),
}
FIGURES = (
    ("oldest_unsent_seconds", "最早待发等待（秒）"), ("queued", "待发条数"), ("quarantined", "隔离区待处理"),
    ("disk_free_mb", "磁盘剩余（MB）"), ("database_mb", "数据库（MB）"), ("clock_skew_seconds", "时钟偏差（秒）"),
)  # fmt: skip
POINTS = 160  # of a chart; more minutes are put together, the worst of them stands for all


@dataclass(frozen=True)
class Chart:
    """One figure over time, ready to be drawn: points in a box of 600 × 120."""

    title: str
    line: str
    area: str
    top: str
    last: str
    first_at: datetime
    last_at: datetime


def charts(code: str, span: str, now: datetime | None = None) -> list[Chart]:
    """History of a node's figures. Pulses are told to everybody, so ask for nodes of the caller's range only."""
    now = now or timezone.now()
    since = now - RANGES[span][1]
    rows = list(
        Pulse.objects.filter(node=code, at__gte=since, at__lte=now).order_by("at").values_list("at", "facts")
    )
    return [c for key, title in FIGURES if (c := _chart(title, key, rows, since, now))]


def _chart(
    title: str, key: str, rows: list[tuple[datetime, dict]], since: datetime, now: datetime
) -> Chart | None:
    seconds = (now - since).total_seconds()
    worst: dict[int, float] = {}
    for at, facts in rows:
        value = facts.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            slot = int((at - since).total_seconds() / seconds * (POINTS - 1))
            pick = min if key == "disk_free_mb" else max
            worst[slot] = pick(worst[slot], float(value)) if slot in worst else float(value)
    if len(worst) < 2:
        return None
    top = max(worst.values()) or 1.0
    points = [
        f"{slot * 600 / (POINTS - 1):.1f},{114 - 108 * value / top:.1f}"
        for slot, value in sorted(worst.items())
    ]
    ends = points[0].split(",")[0], points[-1].split(",")[0]
    return Chart(
        title, " ".join(points), f"{ends[0]},114 {' '.join(points)} {ends[1]},114", f"{top:,.0f}",
        f"{worst[max(worst)]:,.0f}", since, now,
    )  # fmt: skip


def events(code: str, most: int = 30) -> list[NetworkEvent]:
    return list(NetworkEvent.objects.filter(node=code).order_by("-id")[:most])


def open_cases(most: int = 8) -> list[Case]:
    """Open faults, changes and incidents of the scope, the most urgent priority first."""
    found = Case.objects.filter(procedure__key__in=INTERNAL, state="open").select_related(
        "procedure", "agency"
    )
    return list(found.order_by("facts__priority", "-id")[:most])


def counts() -> dict[str, int]:
    """Open alarms (all, severe, not acknowledged) and open cases by procedure, within the scope."""
    alarms = Alarm.objects.filter(cleared_at=None).aggregate(
        all=Count("id"),
        severe=Count("id", filter=Q(level="severe")),
        waiting=Count("id", filter=Q(acknowledged_at=None)),
    )
    cases = dict(
        Case.objects.filter(procedure__key__in=INTERNAL, state="open")
        .values_list("procedure__key").annotate(n=Count("id")).order_by()
    )  # fmt: skip
    return alarms | {key: cases.get(key, 0) for key in INTERNAL}
