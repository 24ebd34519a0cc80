"""Where the embedded installation keeps things, and how Django reaches its database.

Imported by the settings, so it imports nothing of Jinzhi and writes nothing.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import dj_database_url

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("JINZHI_VAR") or ROOT / "var").resolve()
FILES = Path(os.environ.get("JINZHI_FILES") or VAR / "files").resolve()
LOGS = VAR / "log"
RUN = VAR / "run"
HOST = os.environ.get("JINZHI_HOST", "127.0.0.1")
PORT = int(os.environ.get("JINZHI_PORT", "8000"))

OWNER_ROLE = "jinzhi_owner"  # owns the tables, runs migrations
APP_ROLE = "jinzhi_app"  # what the web server and the workers sign in as
FACES = ("jinzhi_staff", "jinzhi_enterprise", "jinzhi_public", "jinzhi_system")

LONGEST_SOCKET_DIRECTORY = 90  # a socket's whole name is limited to 107 bytes


def _mark(var: Path) -> str:
    return f"jinzhi-{hashlib.sha256(str(var).encode()).hexdigest()[:12]}"


def _closed_to_others(folder: Path) -> bool:
    """Whether another user cannot walk down to `folder` (a clone under /root, mode 0700)."""
    return any(p.exists() and not p.stat().st_mode & 0o001 for p in (folder, *folder.parents))


def database_home(var: Path = VAR) -> Path:
    """Directory of PostgreSQL's data.

    PostgreSQL refuses to run as root, so root starts it as another user, who must be able to reach it.
    """
    if os.geteuid() == 0 and _closed_to_others(var):
        return Path("/var/lib") / _mark(var)
    return var


def data_directory(var: Path = VAR) -> Path:
    return database_home(var) / "postgres"


def socket_directory(var: Path = VAR) -> Path:
    """Directory of PostgreSQL's socket; a short path, because a socket's name is limited."""
    folder = database_home(var) / "run" / "postgres"
    if len(str(folder)) <= LONGEST_SOCKET_DIRECTORY:
        return folder
    return Path("/tmp") / _mark(var)  # noqa: S108  made with mode 0700 and checked before use


def external() -> bool:
    """Whether the database is a server of the operator's own."""
    return bool(os.environ.get("DATABASE_URL"))


def database(as_owner: bool | None = None) -> dict[str, Any]:
    """Django's DATABASES["default"]: the embedded server, or `DATABASE_URL`.

    `JINZHI_DB_AS=owner` (set by the commands that migrate) signs in as the owner of the tables;
    everything else signs in as the runtime role, which owns nothing.
    """
    if as_owner is None:
        as_owner = os.environ.get("JINZHI_DB_AS") == "owner"
    url = os.environ.get("DATABASE_OWNER_URL" if as_owner else "DATABASE_URL")
    config: dict[str, Any]
    if url:
        config = dict(dj_database_url.parse(url))
    else:
        config = {
            "NAME": os.environ.get("JINZHI_DB_NAME", "jinzhi"),
            "USER": OWNER_ROLE if as_owner else APP_ROLE,
            "HOST": str(socket_directory()),
            "PORT": "5432",
        }
    config |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0}
    config.setdefault("OPTIONS", {})
    if os.environ.get("JINZHI_DB_PREPARE", "1") == "1":
        # The hottest statements (who is asking, an archive) go through psycopg itself and are prepared:
        # less than half the time. Set to 0 behind a pooler that hands out connections by transaction.
        config["OPTIONS"].setdefault("prepare_threshold", 5)
    if os.environ.get("JINZHI_DB_POOL") == "1":  # the web server; see docs/decisions/0003
        config["CONN_HEALTH_CHECKS"] = True  # no request fails because the server was restarted
        config["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 12, "timeout": 10}
    return config
