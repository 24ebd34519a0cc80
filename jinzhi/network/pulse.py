"""What a node reports of itself every few seconds, and what is kept of it."""

import shutil
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import standing
from jinzhi.network import alarms, backups, folder, keys, software
from jinzhi.network.models import Node, Pulse

SKEW_SECONDS = 300
A_ROW_EVERY = timedelta(minutes=1)


def facts(applied: int = 0) -> dict[str, Any]:
    """Queues, lag, disk, database, certificate and version of this node, now."""
    summary = standing.summary()
    until = keys.certificate_until()
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(relpages)::bigint * 8192 / 1000000 FROM pg_class")
        (size,) = cursor.fetchone()
        cursor.execute("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
        (worker,) = cursor.fetchone()
    return {
        "at": timezone.now().isoformat(),
        "queued": summary["queued"],
        "oldest_unsent_seconds": summary["oldest_unsent_seconds"],
        "quarantined": summary["quarantined"],
        "refusals": summary["refusals"],
        "channels": [
            {
                name: one[name]
                for name in ("name", "peer", "state", "reason", "numbered", "stored", "acknowledged")
            }
            for one in summary["channels"]
        ],
        "applied": applied,
        "disk_free_mb": shutil.disk_usage(folder.folder()).free // 1_000_000,
        "database_mb": size,
        "worker": "absent" if worker is None else "ok" if worker < 45 else "silent",
        "certificate_days": (until - timezone.now()).days if until else None,
        "version": software.version(),
        "schemas": software.schemas(),
        "incarnation": str(nodes.this().incarnation),
        **backups.standing(),
    }


def keep(code: str, said: dict[str, Any]) -> None:
    """Note a node's report: the newest on its row, one a minute in the history; watch its clock and version."""
    now = timezone.now()
    node = Node.objects.filter(code=code).first()
    if node is None:
        return
    try:
        skew = (datetime.fromisoformat(said["at"]) - now).total_seconds()
    except (KeyError, ValueError, TypeError):
        return
    said["clock_skew_seconds"] = round(skew, 1)
    if node.software and said.get("version") != node.software:
        alarms.happened(code, "upgraded", f"{node.software} → {said.get('version')}")
    node.last_seen, node.health = now, said
    node.software = str(said.get("version", ""))[:30]
    node.incarnation = str(said.get("incarnation", ""))[:36]
    node.schemas = said.get("schemas") or {}
    node.save(update_fields=["last_seen", "health", "software", "incarnation", "schemas"])
    _watch(code, skew, node.software)
    if not Pulse.objects.filter(node=code, at__gt=now - A_ROW_EVERY).exists():
        kept = {key: value for key, value in said.items() if key not in ("schemas", "channels")}
        Pulse.objects.create(node=code, at=now, facts=kept)


def _watch(code: str, skew: float, version: str) -> None:
    if abs(skew) > SKEW_SECONDS:
        alarms.raise_alarm("clock_skew", code, f"{code} 的时钟与省中心相差 {skew:.0f} 秒", "severe")
    else:
        alarms.clear_alarm("clock_skew", code)
    if problem := software.too_far(version):
        alarms.raise_alarm("version", code, problem)
    else:
        alarms.clear_alarm("version", code)


def lost(code: str, seconds: int) -> None:
    alarms.happened(code, "lost", f"{seconds} 秒没有心跳")
    alarms.raise_alarm("silent", code, f"{seconds} 秒没有心跳", "severe")


def returned(code: str) -> None:
    alarms.happened(code, "returned", "恢复心跳")
    alarms.clear_alarm("silent", code)


def forget() -> int:
    """Drop reports older than they are kept."""
    days = int(rules.value("network.keep_pulses", on=timezone.localdate()).value)
    count, _ = Pulse.objects.filter(at__lt=timezone.now() - timedelta(days=days)).delete()
    return count
