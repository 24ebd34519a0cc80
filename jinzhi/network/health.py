"""How exchange stands, for GET /healthz: none (in no network), ok, behind (rows wait for long), diverged."""

from django.utils import timezone

from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import folder

BEHIND_SECONDS = 300


def health() -> dict[str, str]:
    if not folder.node():
        return {"exchange": "none"}
    channels = nodes.channels()
    if any(one["state"] == "diverged" for one in channels):
        return {"exchange": "diverged"}
    now = timezone.now()
    for one in channels:
        waiting = one["numbered"] > one["stored"] and one["kind"] != "pull" and one["state"] == "active"
        since = one["stored_at"] or one["changed_at"]
        if waiting and (now - since).total_seconds() > BEHIND_SECONDS:
            return {"exchange": "behind"}
    return {"exchange": "ok"}
