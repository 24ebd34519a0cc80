"""Every minute: thresholds over what the nodes report, things that end soon, alarms nobody has looked at.

Thresholds are dated parameters `operations.alarm.…`; clocks and versions are watched where heartbeats arrive
(`network.pulse`). An alarm that is open is not raised again; one whose cause is
gone is cleared. Not acknowledged for long enough it goes up one maintenance level.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from jinzhi.casework.refusals import Refused
from jinzhi.foundation import rules
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.places import scope
from jinzhi.network import alarms, pulse
from jinzhi.network.models import Alarm, Node
from jinzhi.network.operations import measuring, nodes, sharing
from jinzhi.network.operations.models import Deadline, Layer, Outage, SparePart

LEVELS = ("county", "city", "province", "vendor")
OWN_KINDS = (
    "silent",
    "unsent",
    "queued",
    "disk",
    "clock_skew",
    "certificate",
    "version",
    "backup",
    "deadline",
    "spare",
)
A_REPORT_IS_OLD = timedelta(seconds=30)
WORDS = {"queued": "数据积压", "deadline": "证书或域名将到期", "spare": "备件不足"}


@dataclass(frozen=True)
class Finding:
    """Something beyond its threshold."""

    kind: str
    node: str
    level: str
    detail: str


TO_BEGIN = timedelta(minutes=15)  # from joining to the first heartbeat


def limit(key: str) -> float:
    return float(rules.value(f"operations.alarm.{key}", on=timezone.localdate()).value)


def silent_after() -> timedelta:
    """Without a heartbeat for longer a node counts as lost; the network's own processes say so by the same rule."""
    return timedelta(seconds=float(rules.value("network.silent_after", on=timezone.localdate()).value))


def _number(facts: dict[str, Any], key: str) -> float | None:
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def of_node(node: Node, now: datetime, own: str) -> Iterator[Finding]:
    """What is wrong with one node in service. `own` is this node, which needs no pulse to be alive."""
    if node.code != own and (silence := _silence(node, now)):
        yield Finding("silent", node.code, "severe", silence)
        return  # what it said last is old
    facts = node.health
    oldest, queued = _number(facts, "oldest_unsent_seconds"), _number(facts, "queued")
    if oldest is not None and oldest > limit("oldest_unsent") * 60:
        yield Finding("unsent", node.code, "warning", f"最早一条待发数据已等待 {int(oldest // 60)} 分钟")
    if queued is not None and queued > limit("queued"):
        yield Finding("queued", node.code, "warning", f"待发数据 {int(queued)} 条")
    free = _number(facts, "disk_free_mb")
    if free is not None and free < limit("disk_free"):
        level = "severe" if free < limit("disk_urgent") else "warning"
        yield Finding("disk", node.code, level, f"磁盘剩余 {int(free)} MB")
    if node.certificate_until:
        yield from _ending(node.code, "certificate", (node.certificate_until - now).days, "节点证书")
    yield from _backup(node, now)


def _silence(node: Node, now: datetime) -> str:
    """Since when nothing was heard of a node; "" while that is no matter. Who has just joined starts its processes first."""
    if node.last_seen is None:
        began = node.joined_at or now
        return "入网以来没有心跳" if now - began > TO_BEGIN else ""
    if now - node.last_seen > silent_after():
        return timezone.localtime(node.last_seen).strftime("%m-%d %H:%M:%S 起没有心跳")
    return ""


def _backup(node: Node, now: datetime) -> Iterator[Finding]:
    """A node that was never backed up is given as long, from the day it joined, as a backup may be old."""
    hours, words = _number(node.health, "backup_hours"), "最近一次备份在 {} 小时前"
    if node.health.get("backup") == "none":
        words = "入网 {} 小时，还没有备份"
        hours = (now - node.joined_at).total_seconds() / 3600 if node.joined_at else None
    if hours is not None and hours > limit("backup"):
        yield Finding(
            "backup",
            node.code,
            "severe" if hours > limit("backup_urgent") else "warning",
            words.format(int(hours)),
        )


def _ending(node: str, kind: str, days: int, what: str) -> Iterator[Finding]:
    if days < limit("certificate"):
        level = "severe" if days < limit("certificate_urgent") else "warning"
        text = f"{what}已过期 {-days} 日" if days < 0 else f"{what}还有 {days} 日到期"
        yield Finding(kind, node, level, text)


def of_ledger(now: datetime) -> Iterator[Finding]:
    """Certificates and domains that end, parts below their least stock: one alarm for each node's places."""
    today = timezone.localtime(now).date()
    soon: dict[str, list[Deadline]] = {}
    for one in Deadline.objects.filter(valid_until__lt=today + timedelta(days=int(limit("certificate")))):
        soon.setdefault(nodes.code_of(one.place), []).append(one)
    for node, many in soon.items():
        first = min(many, key=lambda d: d.valid_until)
        more = f"等 {len(many)} 项" if len(many) > 1 else ""
        yield from _ending(node, "deadline", (first.valid_until - today).days, f"“{first.name}”{more}")
    short: dict[str, list[str]] = {}
    for part in SparePart.objects.all():
        if part.quantity < part.least:
            short.setdefault(nodes.code_of(part.place), []).append(part.name)
    for node, names in short.items():
        yield Finding("spare", node, "notice", f"低于最低库存：{'、'.join(names[:5])}")


def watch(now: datetime | None = None) -> dict[str, int]:
    """One look at everything this node knows; answers what was raised and cleared. As the system, safe to repeat."""
    now = now or timezone.now()
    self_ = exchange_node.this()
    measuring.keep(now)
    if self_.enabled and not self_.hub:
        _own_report(self_.node, now)
    seen = list(Node.objects.filter(state=Node.State.ACTIVE))
    mine = seen if self_.hub else [n for n in seen if n.code == self_.node]
    found = [f for n in mine for f in of_node(n, now, self_.node)]
    found += list(of_ledger(now))
    done = {"raised": _raise(found), "cleared": _clear(found, {n.code for n in mine})}
    _interruptions(now)
    return done | {"escalated": escalate(now), "shared": sharing.share(now)}


def _own_report(code: str, now: datetime) -> None:
    """A city whose line is cut reports to nobody: its own console and alarms go on by what it measures itself."""
    node = Node.objects.filter(code=code).first()
    if node and (node.last_seen is None or now - node.last_seen > A_REPORT_IS_OLD):
        pulse.keep(code, pulse.facts())


def _raise(found: list[Finding]) -> int:
    open_ = {(a.kind, a.node): a for a in Alarm.objects.filter(cleared_at=None)}
    raised = 0
    for one in found:
        held = open_.get((one.kind, one.node))
        if held is None or held.level != one.level or held.detail != one.detail:
            if held is not None and held.level == one.level:  # the same trouble in newer words
                Alarm.objects.filter(pk=held.pk).update(detail=one.detail[:400], last_at=timezone.now())
                continue
            alarms.raise_alarm(one.kind, one.node, one.detail, one.level)
            raised += 1
    return raised


def _clear(found: list[Finding], watched: set[str]) -> int:
    """Of the kinds judged here; what others raise they clear themselves."""
    still = {(f.kind, f.node) for f in found}
    gone = 0
    for alarm in Alarm.objects.filter(cleared_at=None, kind__in=OWN_KINDS):
        judged = alarm.kind in ("deadline", "spare") or alarm.node in watched
        if judged and (alarm.kind, alarm.node) not in still:
            gone += alarms.clear_alarm(alarm.kind, alarm.node)
    return gone


def _interruptions(now: datetime) -> None:
    """A node without heartbeat is an outage from its last one until it is heard again."""
    silent = {a.node for a in Alarm.objects.filter(kind="silent", cleared_at=None)}
    running = {o.node: o for o in Outage.objects.filter(source="monitor", ends=None)}
    for node in Node.objects.filter(code__in=silent - set(running)):
        layer = Layer.BACKBONE if nodes.level_of(node.code) == "province" else Layer.CITY
        Outage.objects.get_or_create(
            node=node.code, source="monitor", ends=None,
            defaults={"place": node.place, "layer": layer, "starts": node.last_seen or now, "cause": "节点失联"},
        )  # fmt: skip
    for code in set(running) - silent:
        held = running[code]
        held.ends = max(now, held.starts)
        held.save(update_fields=["ends"])


def first_level(alarm: Alarm) -> str:
    return nodes.level_of(alarm.node) if alarm.node.isdecimal() and len(alarm.node) == 6 else "province"


def level_of(alarm: Alarm) -> str:
    """Who has to look after it now."""
    return alarm.escalated_to or first_level(alarm)


def escalate(now: datetime) -> int:
    """What nobody acknowledged goes up, once for every stretch that passes, to the province and no further."""
    wait = timedelta(minutes=limit("escalate"))
    count = 0
    for alarm in Alarm.objects.filter(cleared_at=None, acknowledged_at=None).exclude(level="notice"):
        first = LEVELS.index(first_level(alarm))
        due = LEVELS[min(first + int((now - alarm.raised_at) / wait), LEVELS.index("province"))]
        if LEVELS.index(due) > LEVELS.index(level_of(alarm)):
            Alarm.objects.filter(pk=alarm.pk).update(escalated_to=due)
            alarms.happened(alarm.node, "escalated", f"{title(alarm.kind)}无人确认，升级到{LEVEL_NAMES[due]}")
            count += 1
    return count


LEVEL_NAMES = {"county": "县级", "city": "市级", "province": "省级", "vendor": "厂商"}


def title(kind: str) -> str:
    return WORDS.get(kind) or alarms.KINDS.get(kind, kind)


def acknowledge(alarm_id: int, who: str, note: str) -> Alarm:
    """Somebody looks after it. The caller has read the alarm in the scope of whoever asks. Raises Refused."""
    if not note.strip():
        raise Refused("请写明处理情况或者打算", "note")
    with scope.acting(scope.SYSTEM), transaction.atomic():
        alarm = Alarm.objects.select_for_update().get(pk=alarm_id)
        if alarm.cleared_at:
            raise Refused("此告警已经恢复")
        if alarm.acknowledged_at:
            raise Refused(f"此告警已由 {alarm.acknowledged_by} 确认")
        alarm.acknowledged_by, alarm.acknowledged_at, alarm.note = (
            who[:80],
            timezone.now(),
            note.strip()[:300],
        )
        alarm.save(update_fields=["acknowledged_by", "acknowledged_at", "note"])
        return alarm
