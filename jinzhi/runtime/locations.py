"""Where the embedded installation keeps things, and how Django reaches its database.

Imported by the settings, so it imports nothing of Jinzhi and touches no file.
"""

import hashlib
import os
from pathlib import Path

import dj_database_url

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("JINZHI_VAR") or ROOT / "var").resolve()
PGDATA = VAR / "postgres"
FILES = VAR / "files"
LOGS = VAR / "log"
RUN = VAR / "run"

OWNER_ROLE = "jinzhi_owner"  # owns the tables, runs migrations
APP_ROLE = "jinzhi_app"  # what the web server and the workers sign in as
FACES = ("jinzhi_staff", "jinzhi_enterprise", "jinzhi_public", "jinzhi_system")


def socket_directory() -> Path:
    """Directory of the PostgreSQL socket; a short path, because a socket name is limited to 107 bytes."""
    if len(str(RUN)) <= 80:
        return RUN
    return Path("/tmp") / f"jinzhi-{hashlib.sha256(str(VAR).encode()).hexdigest()[:12]}"  # noqa: S108


def database() -> dict:
    """Django's DATABASES["default"]: the embedded server, or `DATABASE_URL`.

    `JINZHI_DB_AS=owner` (set by the commands that migrate) signs in as the owner of the tables;
    everything else signs in as the runtime role, which owns nothing.
    """
    as_owner = os.environ.get("JINZHI_DB_AS") == "owner"
    url = os.environ.get("DATABASE_OWNER_URL" if as_owner else "DATABASE_URL")
    if url:
        config = dict(dj_database_url.parse(url))
    else:
        config = {
            "NAME": os.environ.get("JINZHI_DB_NAME", "jinzhi"),
            "USER": OWNER_ROLE if as_owner else APP_ROLE,
            "HOST": str(socket_directory()),
            "PORT": "5432",
        }
    config |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": {}}
    if os.environ.get("JINZHI_DB_POOL") == "1":  # the web server; see docs/decisions/0003
        config["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 12, "timeout": 10}
    return config
