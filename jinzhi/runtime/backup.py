"""Backups of a node: a base copy of the database, its WAL as it is written, files and keys.

A backup folder holds `wal/` (one archive for all backups), `files/` (contents never change, so each is copied once)
and a folder for each backup with `base.tar.gz`, `keys.tar` and `manifest.json`. See restoring.py for the way back.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinzhi.runtime import locations
from jinzhi.runtime.health import software_version
from jinzhi.runtime.postgres import Cluster, binaries
from jinzhi.runtime.trouble import Trouble

Say = Callable[[str], None]
FORMAT = 1
KEEP = 7
STAMP = "%Y%m%dT%H%M%S%fZ"
KEPT_SECRETS = ("keys", "secret_key", "network", "demonstration")
# Under network/: streams and fetched files come again.
NOT_KEPT = ("jetstream", "nats", "log", "run", "files")
ARCHIVED_WITHIN = 60.0


@dataclass(frozen=True)
class Place:
    """What is backed up, and where to: a node's var/, its database server, its files."""

    cluster: Cluster
    files: Path
    folder: Path
    node: str

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def note(self) -> Path:
        return self.cluster.var / "backup.json"


def here(to: Path | None = None) -> Place:
    """This installation, with the backup folder named now, named before, or the default."""
    refuse_external()
    cluster = Cluster()
    node = os.environ.get("JINZHI_NODE", "330000")
    return Place(cluster, locations.FILES, to.resolve() if to else known_folder(cluster), node)


def known_folder(cluster: Cluster) -> Path:
    with suppress(OSError, ValueError, KeyError):
        return Path(json.loads((cluster.var / "backup.json").read_text())["folder"])
    return locations.database_home(cluster.var) / "backup"


def refuse_external() -> None:
    if locations.external():
        raise Trouble(
            "数据库由外部服务器管理，不在本命令备份范围内。",
            "由数据库管理员备份数据库；var/files 与 var/keys 另行备份。",
        )


def taken(folder: Path) -> list[dict]:
    """Complete backups of a folder, oldest first, each with its `path`."""
    found = []
    for path in sorted(folder.glob("*/manifest.json")):
        with suppress(ValueError, OSError):
            found.append(json.loads(path.read_text()) | {"path": str(path.parent)})
    return found


def take(place: Place, say: Say = lambda _: None, keep: int = KEEP) -> dict:
    """Make a backup and remove those beyond `keep`; answers its manifest."""
    if not place.cluster.answers():
        raise Trouble("数据库没有运行。", "先执行 jinzhi up（或 jinzhi postgres start）。")
    began = time.monotonic()
    archive(place)
    stamp = datetime.now(UTC).strftime(STAMP)
    draft = place.folder / f".{stamp}"
    draft.mkdir(mode=0o700)
    try:
        with place.cluster.connect() as connection:
            row = connection.execute(
                "SELECT pg_walfile_name(redo_lsn), system_identifier::text, current_setting('server_version')"
                " FROM pg_control_checkpoint(), pg_control_system()"
            ).fetchone()
        assert row is not None
        say("复制数据库")
        size, digest = _base(place, draft / "base.tar.gz")
        say("复制附件与密钥")
        copied = copy_files(place.files, place.folder / "files")
        _secrets(place.cluster.var, draft / "keys.tar")
        manifest = {
            "format": FORMAT, "node": place.node, "at": datetime.now(UTC).isoformat(),
            "software": software_version(), "postgres": row[2], "system": row[1], "wal_from": row[0],
            "bytes": size, "sha256": digest, "files_copied": copied, "seconds": round(time.monotonic() - began, 1),
        }  # fmt: skip
        archived(place)
        (draft / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
        draft.rename(place.folder / stamp)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _thin(place, keep)
    remember(place, last=manifest["at"], path=str(place.folder / stamp))
    return manifest | {"path": str(place.folder / stamp)}


def remember(place: Place, **said: object) -> None:
    """Keep beside the installation where its backups are and what became of the last."""
    known: dict = {}
    with suppress(OSError, ValueError):
        known = json.loads(place.note.read_text())
    known |= {"folder": str(place.folder), "wal": str(place.wal), **said}
    draft = place.note.with_suffix(".new")
    draft.write_text(json.dumps(known, ensure_ascii=False))
    draft.replace(place.note)


def archive(place: Place) -> None:
    """See to it that finished WAL goes into the backup folder from now on."""
    place.folder.mkdir(parents=True, exist_ok=True)
    place.folder.chmod(0o711)  # the database's user walks through to wal/
    who = place.cluster.account
    if who and locations._closed_to_others(place.folder):
        raise Trouble(
            f"数据库用户 {who.pw_name} 不能进入 {place.folder}。", "用 --to 换一个其他用户可以进入的目录。"
        )
    place.wal.mkdir(exist_ok=True)
    if who:
        os.chown(place.wal, who.pw_uid, who.pw_gid)
    place.wal.chmod(0o700)
    with place.cluster.connect() as connection:
        if _setting(connection, "archive_mode") != "on":
            raise Trouble("数据库启动时还没有开启日志归档。", "执行一次 jinzhi down 与 jinzhi up。")
        before = _setting(connection, "archive_command")
    remember(place)
    if str(place.wal) not in before:
        place.cluster.reload()


def _setting(connection, name: str) -> str:
    return connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]


def archived(place: Place) -> str:
    """Close the present WAL file and wait until it is in the archive; answers its name."""
    with place.cluster.connect() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        deadline = time.monotonic() + ARCHIVED_WITHIN
        while not (place.wal / row[0]).exists():
            if time.monotonic() > deadline:
                failed = connection.execute(
                    "SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver"
                ).fetchone()
                raise Trouble(
                    f"数据库日志没有写到 {place.wal}（{failed}）。",
                    f"检查磁盘与权限，查看 {place.cluster.log}。",
                )
            time.sleep(0.1)
    return row[0]


def _base(place: Place, path: Path) -> tuple[int, str]:
    """A base copy of the whole server as one compressed tar: (bytes, SHA-256)."""
    command = [
        str(binaries(place.cluster.data) / "pg_basebackup"), "--host", str(place.cluster.sockets), "--port", "5432",
        "--username", "postgres", "--pgdata", "-", "--format", "tar", "--wal-method", "fetch", "--checkpoint", "fast",
        "--compress", "1",
    ]  # fmt: skip
    digest, size = hashlib.sha256(), 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout and process.stderr
        with path.open("wb") as target:
            while part := process.stdout.read(1 << 20):
                digest.update(part)
                size += len(part)
                target.write(part)
            target.flush()
            os.fsync(target.fileno())
        said = process.stderr.read().decode(errors="replace")
    if process.returncode:
        raise Trouble(f"复制数据库失败：{said.strip()[-600:]}", f"查看 {place.cluster.log}。")
    return size, digest.hexdigest()


def copy_files(source: Path, target: Path) -> int:
    """Copy the files of `source` that `target` lacks; contents are kept under their digest and never change."""
    copied = 0
    for folder, _, names in os.walk(source):
        to = target / Path(folder).relative_to(source)
        to.mkdir(parents=True, exist_ok=True)
        for name in names:
            one, other = Path(folder, name), to / name
            if name.endswith(".part") or (other.exists() and other.stat().st_size == one.stat().st_size):
                continue
            with suppress(FileNotFoundError):  # removed meanwhile: nothing refers to it any more
                shutil.copy2(one, other.with_name(f".{name}.copying"))
                other.with_name(f".{name}.copying").replace(other)
                copied += 1
    return copied


def _secrets(var: Path, path: Path) -> None:
    """Keys, certificates and who this node is; readable by nobody else."""

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts
        return None if parts[0] == "network" and any(p in NOT_KEPT for p in parts[1:]) else member

    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle, tarfile.open(fileobj=handle, mode="w") as tar:
        for name in KEPT_SECRETS:
            if (var / name).exists():
                tar.add(var / name, arcname=name, filter=wanted)


def _thin(place: Place, keep: int) -> None:
    """Remove the oldest backups beyond `keep`, and the WAL that only they needed."""
    every = taken(place.folder)
    for old in every[: max(0, len(every) - max(1, keep))]:
        shutil.rmtree(old["path"])
    kept = taken(place.folder)
    first = min(one["wal_from"][8:] for one in kept)
    for path in place.wal.iterdir():
        if len(path.name) >= 24 and path.name[8:24] < first[:16] and not path.name.endswith(".history"):
            path.unlink(missing_ok=True)
