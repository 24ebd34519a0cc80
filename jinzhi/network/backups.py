"""When this node was backed up last and its restore was tried: what `jinzhi backup` notes in var/backup.json.

The backup itself is made by the runtime (`jinzhi/runtime/backup.py`); this only reads its note.
"""

import json
import os
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from jinzhi.foundation import rules


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(timezone.get_current_timezone())
    except (TypeError, ValueError):
        return None


def standing(now: datetime | None = None) -> dict[str, Any]:
    """Facts of the heartbeat: `backup` (none, made, elsewhere: the database is a server of the operator's own),
    `backup_at`, `backup_hours`, `drill_at`, `drill_passed`; the moments in ISO form, None where there is none."""
    if os.environ.get("DATABASE_URL"):
        return {
            "backup": "elsewhere",
            "backup_at": None,
            "backup_hours": None,
            "drill_at": None,
            "drill_passed": None,
        }
    try:
        said = json.loads((settings.VAR_DIR / "backup.json").read_text())
    except (OSError, ValueError):
        said = {}
    said = said if isinstance(said, dict) else {}
    drill = said.get("drill")
    drill = drill if isinstance(drill, dict) else {}
    last, tried = _moment(said.get("last")), _moment(drill.get("at"))
    age = max(0.0, ((now or timezone.now()) - last).total_seconds() / 3600) if last else None
    return {
        "backup": "made" if last else "none",
        "backup_at": last.isoformat() if last else None, "backup_hours": None if age is None else round(age, 2),
        "drill_at": tried.isoformat() if tried else None, "drill_passed": bool(drill.get("passed")) if tried else None,
    }  # fmt: skip


def too_old() -> float:
    """Hours after which a backup is too old."""
    return float(rules.value("operations.alarm.backup", on=timezone.localdate()).value)


def state() -> str:
    """ok, old, none (never made) or elsewhere, for /healthz and `jinzhi doctor`."""
    said = standing()
    if said["backup"] != "made":
        return said["backup"]
    return "old" if said["backup_hours"] > too_old() else "ok"
