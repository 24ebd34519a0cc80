"""What this node can say about itself where no network process reports it: disk, database, version."""

import shutil
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.network import backups, software
from jinzhi.network.models import Pulse

KEPT = timedelta(days=90)


def own() -> dict[str, Any]:
    """Figures under the names that pulses use."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT sum(relpages)::bigint * 8192 / 1000000 FROM pg_class),"
            " (SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers)"
        )
        size, silence = cursor.fetchone()
    folder = settings.MEDIA_ROOT if settings.MEDIA_ROOT.exists() else settings.BASE_DIR
    return {
        "disk_free_mb": shutil.disk_usage(folder).free // 1_000_000, "database_mb": int(size), "version": software.version(),
        "worker": "absent" if silence is None else "ok" if silence < 45 else "silent", **backups.standing(),
    }  # fmt: skip


def keep(now: datetime) -> None:
    """One row a minute of a node that is in no network; others report through their network processes."""
    this = exchange_node.this()
    if this.enabled or Pulse.objects.filter(node=this.node, at__gt=now - timedelta(seconds=50)).exists():
        return
    Pulse.objects.create(node=this.node, at=now, facts=own())
    if now.minute == 0:
        Pulse.objects.filter(node=this.node, at__lt=now - KEPT).delete()
