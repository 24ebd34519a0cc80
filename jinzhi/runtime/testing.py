"""Databases for tests: a server of their own, one template per state of the schema, one clone per process.

The template holds what the rooms load at bootstrap (divisions, agencies, calendar, procedures) and no
demonstration data. Several test runs may use the server at once; the last one stops it.
"""

import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from psycopg import sql

from jinzhi.runtime import installation, locations
from jinzhi.runtime.locations import OWNER_ROLE
from jinzhi.runtime.postgres import Cluster, locked
from jinzhi.runtime.provision import provision

VAR = locations.ROOT / "var" / "test"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "'10min'",
}
KEEP_TEMPLATES = 4
BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_DATA_FILES = {".yaml", ".yml", ".csv", ".json"}


class QuickHasher(PBKDF2PasswordHasher):
    """The real algorithm, so that a live server accepts the password, in one round."""

    iterations = 1


def server() -> Cluster:
    return Cluster(VAR, SETTINGS)


class Use:
    """A share in the test server: taken at the start of a run, given back at its end."""

    def __init__(self) -> None:
        self.cluster = server()
        self._share: IO[str] | None = None

    def take(self) -> Cluster:
        with locked(VAR / "run" / "test-server.lock"):
            self.cluster.start()
            self._share = (VAR / "run" / "test-users.lock").open("w")
            fcntl.flock(self._share, fcntl.LOCK_SH)
        return self.cluster

    def give_back(self) -> None:
        """Stop the server when nobody else has a share."""
        if not self._share:
            return
        with locked(VAR / "run" / "test-server.lock"):
            self._share.close()
            with (VAR / "run" / "test-users.lock").open("w") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self.cluster.stop("immediate" if self.cluster.settings.get("fsync") == "off" else "fast")


def fingerprint() -> str:
    """Changes when migrations, bootstrap hooks, the data they load or provisioning change."""
    root = locations.ROOT
    files = {root / "jinzhi/runtime/provision.py", root / "requirements/base.lock"}
    for pattern in (
        "migrations/*.py",
        "bootstrap.py",
        "*_schema.py",
        "rls.py",
        "sql.py",
        "capture.py",
        "datasets.py",
    ):  # what migrations run
        files |= set(root.glob(f"jinzhi/**/{pattern}"))
    for folder in ("jinzhi", "provinces"):
        files |= {p for p in (root / folder).rglob("*") if p.suffix in _DATA_FILES and "tests" not in p.parts}
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _names(connection: psycopg.Connection, pattern: str) -> list[str]:
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY oid", [pattern])
    return [row[0] for row in rows]


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _sweep(connection: psycopg.Connection) -> None:
    """Drop what runs that are gone left behind, and old templates."""
    for name in _names(connection, r"^jinzhi_(test|building)_\d+"):
        pid = re.search(r"\d+", name)
        if pid and not _alive(int(pid.group())):
            _drop(connection, name)
    for name in _names(connection, "^jinzhi_template_")[:-KEEP_TEMPLATES]:
        _drop(connection, name)


def environment(name: str) -> dict[str, str]:
    """Environment of a process that works on database `name` of the test server."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "JINZHI_", "PYTEST_"))}
    return kept | {
        "JINZHI_VAR": str(VAR),
        "JINZHI_DB_NAME": name,
        "PYTHONPATH": str(locations.ROOT),
        "DJANGO_SETTINGS_MODULE": "jinzhi.settings",
    }


def _command(name: str, *arguments: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "jinzhi.cli", *arguments],
        env=environment(name),
        cwd=locations.ROOT,
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        raise RuntimeError(f"jinzhi {' '.join(arguments)} failed:\n{answer.stdout}{answer.stderr}")


def template(cluster: Cluster) -> str:
    """Name of the template for the present state of the schema, built when it is not there yet."""
    name = f"jinzhi_template_{fingerprint()}"
    with cluster.connect() as connection:
        if _names(connection, f"^{name}$"):
            return name
        connection.execute("SELECT pg_advisory_lock(hashtext('jinzhi_template'))")
        if _names(connection, f"^{name}$"):
            return name
        _sweep(connection)
        draft = f"jinzhi_building_{os.getpid()}"
        _drop(connection, draft)
        try:
            provision(cluster, draft)
            _command(draft, "migrate")
            _command(draft, "load")
        except BaseException:
            _drop(connection, draft)
            raise
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
        )
    return name


def clone(cluster: Cluster, template_name: str, name: str) -> None:
    """Make `name` a fresh copy of the template, replacing what was there."""
    with cluster.connect() as connection:
        _drop(connection, name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template_name)
            )
        )


def drop(cluster: Cluster, name: str) -> None:
    with cluster.connect() as connection:
        _drop(connection, name)


def open_folder() -> Path:
    """A folder with a short path that PostgreSQL's user can walk to (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="jinzhi-test-"))
    folder.chmod(0o755)
    return folder


# -- a live server and a browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def live_server(name: str, **environment_too: str) -> Iterator[str]:
    """The real web server on database `name`; gives its address."""
    with locked(VAR / "run" / "static.lock"):
        _command(name, "static")
    port = free_port()
    command = [sys.executable, "-m", "granian", "--no-ws", "--interface", "wsgi", "--port", str(port)]
    command += [
        "--workers",
        "1",
        "--blocking-threads",
        "4",
        "--log-level",
        "warning",
        "jinzhi.wsgi:application",
    ]
    log = VAR / "log" / f"live-{os.getpid()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=environment(name) | {"JINZHI_DEMO": "1", "JINZHI_API_RATE": "1000000/m"} | environment_too,
            cwd=locations.ROOT,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=20)
    log.unlink()


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and process.poll() is None:
        if installation.health(port).get("database") == "ok":
            return
        time.sleep(0.1)
    raise RuntimeError(f"the live server did not start:\n{log.read_text()[-3000:]}")


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        raise RuntimeError("no Chromium on this machine: apt install chromium")
    return found
