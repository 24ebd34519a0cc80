"""For GET /healthz. `exchange`: none (in no network), ok, behind (rows wait for long), diverged. `backup`: ok, old, none,
elsewhere (the database is a server of the operator's own)."""

from django.utils import timezone

from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import backups, folder

BEHIND_SECONDS = 300


def health() -> dict[str, str]:
    return {"exchange": _exchange(), "backup": backups.state()}


def _exchange() -> str:
    if not folder.node():
        return "none"
    channels = nodes.channels()
    if any(one["state"] == "diverged" for one in channels):
        return "diverged"
    now = timezone.now()
    for one in channels:
        waiting = one["numbered"] > one["stored"] and one["kind"] != "pull" and one["state"] == "active"
        since = one["stored_at"] or one["changed_at"]
        if waiting and (now - since).total_seconds() > BEHIND_SECONDS:
            return "behind"
    return "ok"
