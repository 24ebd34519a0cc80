"""The embedded PostgreSQL: the system's own binaries, run on a data directory of ours.

Unix socket only, never as root, data checksums on. Knows nothing of roles or tables (see provision).
"""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from jinzhi.runtime import locations
from jinzhi.runtime.trouble import Trouble

OLDEST = 15
SERVER_USERS = ("postgres", "nobody")  # who runs the server when root starts it
START_ATTEMPTS = 20  # right after a kill -9 the old process is still there for a second or so
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "100",
    "wal_compression": "on",
    "archive_mode": "on",  # so that a first backup can begin to archive without a restart
    "archive_command": "'/bin/true'",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "timezone": "'UTC'",
    "log_timezone": "'Asia/Shanghai'",
    "lc_messages": "'C'",
    "log_min_duration_statement": "2000",
    "idle_in_transaction_session_timeout": "'10min'",
    "jit": "off",
    "unix_socket_permissions": "0700",
}


def versions() -> dict[int, Path]:
    """Directories of PostgreSQL binaries on this machine by major version."""
    if chosen := os.environ.get("JINZHI_PG_BIN"):
        candidates = [Path(chosen)]
    else:
        candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
        if found := shutil.which("initdb"):
            candidates.append(Path(found).resolve().parent)
    result: dict[int, Path] = {}
    for folder in candidates:
        if not (folder / "initdb").exists():
            continue
        answer = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True).stdout
        major = answer.split()[2].split(".")[0] if len(answer.split()) > 2 else ""
        digits = "".join(c for c in major if c.isdigit())
        if digits and int(digits) >= OLDEST:
            result.setdefault(int(digits), folder)
    return result


def binaries(data: Path | None = None) -> Path:
    """The newest suitable binaries, or those of the version that made `data`."""
    found = versions()
    if not found:
        raise Trouble(
            f"没有找到 PostgreSQL {OLDEST} 或更新版本的程序。",
            "以 root 运行 make up 会自动安装；或 apt install postgresql；或用 JINZHI_PG_BIN 指明程序目录。",
        )
    if data and (mark := data / "PG_VERSION").exists():
        made_by = int(mark.read_text())
        if made_by not in found:
            raise Trouble(
                f"数据目录由 PostgreSQL {made_by} 建立，本机只有 {sorted(found)}。",
                f"安装 postgresql-{made_by}，或用 pg_upgrade 升级 {data}。",
            )
        return found[made_by]
    return found[max(found)]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock ends with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def archiving(var: Path) -> dict[str, str]:
    """Settings that copy finished WAL files into the backup folder, once `jinzhi backup` has named one."""
    try:
        folder = json.loads((var / "backup.json").read_text())["wal"]
    except (OSError, ValueError, KeyError):
        return {}
    copy = (
        f'test -f "{folder}/%f" || (cp "%p" "{folder}/%f.part" && sync "{folder}/%f.part"'
        f' && mv "{folder}/%f.part" "{folder}/%f")'
    )
    return {"archive_command": f"'{copy}'", "archive_timeout": "60"}


@dataclass
class Cluster:
    """One PostgreSQL server of ours, kept under `var`."""

    var: Path = locations.VAR
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def own_settings(self) -> dict[str, str]:
        """Settings of this installation: `JINZHI_PG_SETTINGS` (`name=value,…`) and its WAL archive, when it keeps one."""
        text = os.environ.get("JINZHI_PG_SETTINGS", "") if self.var == locations.VAR else ""
        given = [one.partition("=") for one in text.split(",") if "=" in one]
        return {name.strip(): value.strip() for name, _, value in given} | archiving(self.var)

    @property
    def data(self) -> Path:
        return locations.data_directory(self.var)

    @property
    def sockets(self) -> Path:
        return locations.socket_directory(self.var)

    @property
    def log(self) -> Path:
        return self.data.parent / "log" / "postgres" / "postgres.log"

    # -- the user the server runs as

    @property
    def account(self) -> pwd.struct_passwd | None:
        """Whom to become; None when we are not root and the server runs as ourselves."""
        if os.geteuid() != 0:
            return None
        if self.data.exists() and (owner := self.data.stat().st_uid) != 0:
            return pwd.getpwuid(owner)
        for name in SERVER_USERS:
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise Trouble(
            "没有可供 PostgreSQL 使用的普通用户（postgres 或 nobody）。", "执行 useradd --system postgres。"
        )

    def _run(self, *command: object) -> subprocess.CompletedProcess:
        who = self.account
        become: dict[str, Any] = {}
        if who:
            become = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "JINZHI_"))}
        environment |= {"LC_ALL": "C", "PGDATA": str(self.data)}
        # The server keeps its standard output open for ever: a pipe would never end.
        return subprocess.run(
            [str(c) for c in command],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **become,
        )

    def _own(self, folder: Path) -> None:
        """Make `folder` private to the server's user; refuse one that somebody else prepared."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        who = self.account
        ours = {os.geteuid(), who.pw_uid if who else os.geteuid()}
        state = folder.lstat()
        if folder.is_symlink() or state.st_uid not in ours:
            raise Trouble(
                f"目录 {folder} 属于另一个用户，不能使用。", "删除它，或用 JINZHI_VAR 换一个数据目录。"
            )
        if who:
            os.chown(folder, who.pw_uid, who.pw_gid)
        folder.chmod(0o700)

    # -- life

    def _initialise(self) -> None:
        self._own(self.data)
        answer = self._run(
            binaries() / "initdb", "--pgdata", self.data, "--username=postgres", "--encoding=UTF8",
            "--lc-collate=C", "--lc-ctype=C.UTF-8", "--data-checksums",
            "--auth-local=trust", "--auth-host=reject",  # whoever can reach the socket is us (0700)
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
        )  # fmt: skip
        if answer.returncode:
            raise Trouble(
                f"initdb 失败：{answer.stderr.strip()[-600:]}", "运行 jinzhi doctor 查看磁盘与权限。"
            )
        with (self.data / "postgresql.conf").open("a") as handle:
            handle.write("include_if_exists 'jinzhi.conf'\n")

    def _configure(self) -> None:
        lines = (
            SETTINGS | self.own_settings | self.settings | {"unix_socket_directories": f"'{self.sockets}'"}
        )
        path = self.data / "jinzhi.conf"
        path.write_text(
            "# Written at each start; put settings of your own into postgresql.conf below the include.\n"
            + "".join(f"{name} = {value}\n" for name, value in lines.items())
        )
        path.chmod(0o644)

    def answers(self) -> bool:
        try:
            with self.connect(connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def start(self) -> bool:
        """Start the server unless it runs; true when this call started it."""
        if self.answers():
            return False
        with locked(self.var / "run" / "postgres.lock"):
            if self.answers():
                return False
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            self._own(self.sockets)
            self._own(self.log.parent)
            self._configure()
            self._start()
        return True

    def _start(self) -> None:
        command = [binaries(self.data) / "pg_ctl", "--pgdata", self.data, "--log", self.log]
        for attempt in range(START_ATTEMPTS):
            answer = self._run(*command, "--wait", "--timeout=60", "--silent", "start")
            if self.answers():
                return
            time.sleep(0.3 if attempt < START_ATTEMPTS // 2 else 1)
        tail = self.log.read_text(errors="replace")[-800:] if self.log.exists() else ""
        raise Trouble(f"PostgreSQL 没有启动。\n{answer.stderr.strip()}\n{tail}", f"查看 {self.log}。")

    def start_recovery(self, patience: int = 86_400) -> str:
        """Start once, on a copy that replays WAL until it is told to stop; answers what went wrong, or nothing."""
        self._own(self.sockets)
        self._own(self.log.parent)
        self._configure()
        begun = self.log.stat().st_size if self.log.exists() else 0
        self._run(
            binaries(self.data) / "pg_ctl", "--pgdata", self.data, "--log", self.log, "--wait", f"--timeout={patience}",
            "--silent", "start",
        )  # fmt: skip
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and self.pid():
            with contextlib.suppress(psycopg.Error), self.connect(connect_timeout=2) as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                if row and not row[0]:
                    return ""
            time.sleep(0.2)
        return self.log.read_text(errors="replace")[begun:] or "PostgreSQL did not start"

    def reload(self) -> None:
        """Take over changed settings without a restart."""
        self._configure()
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def stop(self, mode: str = "fast") -> bool:
        """Stop cleanly; true when there was something to stop."""
        if not self.pid():
            return False
        answer = self._run(
            binaries(self.data) / "pg_ctl",
            "--pgdata",
            self.data,
            "--mode",
            mode,
            "--wait",
            "--timeout=60",
            "stop",
        )
        if answer.returncode and self.pid():
            raise Trouble(f"PostgreSQL 没有停下：{answer.stderr.strip()}", f"查看 {self.log}。")
        return True

    def pid(self) -> int | None:
        """The server's process id while it lives."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def connect(self, database: str = "postgres", user: str = "postgres", **options) -> psycopg.Connection:
        """A connection as superuser (autocommit)."""
        options.setdefault("connect_timeout", 10)
        return psycopg.connect(
            host=str(self.sockets), port=5432, dbname=database, user=user, autocommit=True, **options
        )
