"""GET /healthz: is this installation fit to serve, and what state is each part in?

503 when the database does not answer or the disk is full: no page would work. A silent worker makes it
`degraded` (200): pages work, jobs and timers wait.
"""

import shutil
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from jinzhi.runtime import discovery, locations

LEAST_FREE_MB = 200
WORKER_SILENT_SECONDS = 45  # it reports every ten

_WORKER = "SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers"


def software_version() -> str:
    try:
        return version("jinzhi")
    except PackageNotFoundError:
        return "unknown"


def _listening() -> bool:
    """Whether the embedded server's socket answers: found out at once, where the pool would wait."""
    if locations.external():
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(Path(connection.settings_dict["HOST"]) / ".s.PGSQL.5432"))
        except OSError:
            return False
    return True


def database_and_worker() -> tuple[str, str]:
    if not _listening():
        return "down", "unknown"
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WORKER)
            (silence,) = cursor.fetchone()
    except Error:
        return "down", "unknown"
    if silence is None:
        return "ok", "absent"
    return "ok", "ok" if silence < WORKER_SILENT_SECONDS else "silent"


def free_megabytes() -> int:
    folder = locations.VAR if locations.VAR.exists() else locations.ROOT
    return shutil.disk_usage(folder).free // 1_000_000


def report() -> dict:
    """State of the parts; `status` is ok, degraded or unfit."""
    database, worker = database_and_worker()
    free = free_megabytes()
    disk = "ok" if free >= LEAST_FREE_MB else "full"
    status = "ok" if worker == "ok" else "degraded"
    if database != "ok" or disk != "ok":
        status = "unfit"
    answer = {"status": status, "database": database, "worker": worker, "disk": disk, "disk_free_mb": free}
    answer["version"] = software_version()
    if database == "ok":
        for _, module in discovery.declared("health"):
            answer |= module.health()
    return answer


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    answer = report()
    return JsonResponse(answer, status=503 if answer["status"] == "unfit" else 200)
