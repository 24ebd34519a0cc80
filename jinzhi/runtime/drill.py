"""The drill (恢复演练): the newest backup is restored beside the running database and both are compared, row by row.

Writers wait for a moment (never longer than half a second at a time) while the point of comparison is set.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from jinzhi.runtime import backup, locations, restoring
from jinzhi.runtime.backup import Place, Say
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.restoring import Target
from jinzhi.runtime.trouble import Trouble

LOCK_ATTEMPTS = 40
LOCK_WAIT = "500ms"  # shorter than deadlock_timeout: it is never a writer who is refused
_TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname = 'public' ORDER BY 1"
)
Sums = dict[str, tuple[int, int]]


def run(place: Place, say: Say = lambda _: None, database: str = "") -> dict:
    """Prove that the newest backup can be restored up to now; answers the report and keeps it.

    Raises Trouble when it cannot be restored. `differing` names tables whose rows are not the same.
    """
    database = database or locations.database()["NAME"]
    began = time.monotonic()
    if not backup.taken(place.folder):
        backup.take(place, say)
    chosen = restoring.choose(place.folder)
    restoring._verify(chosen, say)
    name = f"drill-{datetime.now(UTC).strftime(backup.STAMP)}"
    say("记录比对点")
    with _snapshot(place.cluster, database, name) as frozen:
        backup.archived(place)
        live = sums(frozen)
    scratch = _scratch(place)
    try:
        replayed = restoring.bring_back(scratch, chosen, place.wal, Target(name=name), say)
        say("逐表比对")
        with scratch.connect(database) as connection:
            restored = sums(connection)
    finally:
        _remove(scratch)
    differing = sorted(t for t in live.keys() | restored.keys() if live.get(t) != restored.get(t))
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "backup": chosen["path"], "backup_at": chosen["at"],
        "tables": len(live), "rows": sum(count for count, _ in live.values()), "differing": differing,
        "files_missing": missing_files(place), "restore_seconds": replayed["seconds"],
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    report["passed"] = not differing and not report["files_missing"]
    backup.remember(place, drill=report)
    return report


@contextmanager
def _snapshot(cluster: Cluster, database: str, name: str) -> Iterator[psycopg.Connection]:
    """A connection that sees the database exactly as it is at the restore point `name`."""
    with cluster.connect(database) as reader, cluster.connect(database) as guard:
        for attempt in range(LOCK_ATTEMPTS):
            try:
                with guard.transaction():
                    guard.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_WAIT))
                    tables = [row[0] for row in guard.execute(_TABLES)]
                    guard.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE MODE")
                    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    reader.execute("SELECT count(*) FROM pg_class LIMIT 1")  # takes the snapshot
                    guard.execute("SELECT pg_create_restore_point(%s)", [name])
                break
            except psycopg.errors.LockNotAvailable:
                if attempt == LOCK_ATTEMPTS - 1:
                    raise Trouble("有长时间的写入，取不到一致的比对点。", "稍后再演练。") from None
                time.sleep(0.25)
        try:
            yield reader
        finally:
            reader.execute("ROLLBACK")


def sums(connection: psycopg.Connection) -> Sums:
    """Of every table the number of rows and the sum of their hashes."""
    found: Sums = {}
    for (table,) in connection.execute(_TABLES).fetchall():
        row = connection.execute(
            f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {table} AS t"  # noqa: S608
        ).fetchone()
        assert row is not None
        found[table] = (row[0], int(row[1]))
    return found


def _scratch(place: Place) -> Cluster:
    """A server beside the running one, with the limits that replaying needs at least."""
    with place.cluster.connect() as connection:
        limits = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]  # type: ignore[index]
            for name in ("max_connections", "max_worker_processes", "max_locks_per_transaction", "max_wal_senders")
        }  # fmt: skip
    var = locations.database_home(place.cluster.var) / "drill"
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir(mode=0o755)
    settings = limits | {"shared_buffers": "64MB", "archive_mode": "off", "fsync": "off"}
    return Cluster(var, settings)


def _remove(scratch: Cluster) -> None:
    try:
        scratch.stop("immediate")
    finally:
        for folder in {scratch.var, scratch.data.parent, scratch.sockets}:
            shutil.rmtree(folder, ignore_errors=True)


def missing_files(place: Place) -> int:
    """Files of this installation that the backup folder lacks (written since the last backup)."""
    kept = place.folder / "files"
    last = max((Path(one["path"]) / "manifest.json").stat().st_mtime for one in backup.taken(place.folder))
    missing = 0
    for path in place.files.rglob("*"):
        if path.is_file() and path.suffix != ".part" and path.stat().st_mtime < last:
            missing += not (kept / path.relative_to(place.files)).exists()
    return missing
