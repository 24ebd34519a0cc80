"""From a backup back to a running database: as it was last, or as of a moment; and a drill that proves it.

What was there before is moved aside, never deleted. A restored database begins a new life (`incarnation`), so the
other nodes of the network notice and both ends are reconciled (docs/network.md).
"""

import hashlib
import json
import os
import shutil
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinzhi.runtime import backup, locations, processes, supervisor
from jinzhi.runtime.backup import Place, Say
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.trouble import Trouble

LAW_TIME = ZoneInfo("Asia/Shanghai")
TOO_SOON = "recovery ended before configured recovery target was reached"
RECOVERY = (
    "restore_command", "recovery_target_time", "recovery_target_name", "recovery_target_action",
    "recovery_target_timeline",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Where replaying stops: at a moment, at a named point, or (neither) at the end."""

    at: datetime | None = None
    name: str = ""

    def settings(self) -> dict[str, str]:
        if self.name:
            return {"recovery_target_name": self.name, "recovery_target_action": "promote"}
        if self.at:
            return {
                "recovery_target_time": self.at.astimezone(UTC).isoformat(),
                "recovery_target_action": "promote",
            }
        return {}


def moment(text: str) -> datetime:
    """A time as people write it; without a zone it is Chinese time."""
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"不能理解时间“{text}”。", "写成 2026-11-23T10:30:00 的样子。") from error
    return said if said.tzinfo else said.replace(tzinfo=LAW_TIME)


def choose(source: Path, at: datetime | None = None) -> dict:
    """The backup at `source`, or of a backup folder the last one made before `at`."""
    if (source / "manifest.json").exists():
        found = [json.loads((source / "manifest.json").read_text()) | {"path": str(source.resolve())}]
    else:
        found = backup.taken(source)
    if not found:
        raise Trouble(f"{source} 不是备份目录。", "指明 jinzhi backup 打印的目录。")
    fitting = [one for one in found if at is None or datetime.fromisoformat(one["at"]) <= at]
    if not fitting:
        raise Trouble(
            f"最早的备份完成于 {found[0]['at']}，恢复不到更早的时间。", "换一个备份目录，或者换一个时间。"
        )
    return fitting[-1]


def restore(source: Path, at: datetime | None, say: Say) -> dict:
    """Replace this installation's database by a backup's; raises Trouble and changes nothing when it may not."""
    backup.refuse_external()
    if at and at > datetime.now(UTC):
        raise Trouble("恢复的时间点在将来。")
    if supervisor.state() or processes.ours():
        raise Trouble("系统正在运行。", "先执行 jinzhi down。")
    chosen = choose(source, at)
    place = backup.here(Path(chosen["path"]).parent)
    _same_node(chosen, place)
    _verify(chosen, say)
    say("停止数据库，移开现有数据")
    place.cluster.stop()
    aside = move_aside(place.cluster)
    restored = bring_back(place.cluster, chosen, place.wal, Target(at), say, aside)
    say("取回附件与密钥")
    restored["files"] = backup.copy_files(place.folder / "files", place.files)
    restored["keys"] = _secrets(place.cluster.var, Path(chosen["path"]) / "keys.tar")
    restored["former"] = str(aside) if aside else None
    new_life(place.cluster)
    place.cluster.stop()
    return restored


def _same_node(chosen: dict, place: Place) -> None:
    if chosen["node"] != place.node:
        raise Trouble(
            f"这是节点 {chosen['node']} 的备份，本节点是 {place.node}。",
            f"核对目录；确要恢复为该节点，设置 JINZHI_NODE={chosen['node']}。",
        )


def _verify(chosen: dict, say: Say) -> None:
    say("核对备份")
    digest = hashlib.sha256()
    with (Path(chosen["path"]) / "base.tar.gz").open("rb") as handle:
        while part := handle.read(1 << 20):
            digest.update(part)
    if digest.hexdigest() != chosen["sha256"]:
        raise Trouble(f"备份 {chosen['path']} 已损坏：摘要不符。", "换一个备份。")


def move_aside(cluster: Cluster) -> Path | None:
    if not cluster.data.exists():
        return None
    aside = cluster.data.with_name(f"postgres-before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    cluster.data.rename(aside)
    return aside


def bring_back(
    cluster: Cluster, chosen: dict, wal: Path, target: Target, say: Say, aside: Path | None = None
) -> dict:
    """Unpack, replay, promote; the server runs afterwards. On failure the former data come back to their place."""
    began = time.monotonic()
    try:
        say("解开数据库副本，重放日志")
        fault = _replay(cluster, chosen, wal, target, aside, "latest")
        if TOO_SOON in fault and target.at:  # nothing was committed after that moment: the end is that moment
            fault = _replay(cluster, chosen, wal, Target(), aside, "latest")
        if fault and any(wal.glob("*.history")):  # restored before, to a moment earlier than this copy
            fault = _replay(cluster, chosen, wal, target, aside, "current")
        if fault:
            raise Trouble(f"数据库没有恢复成功：\n{fault[-800:]}", f"原来的数据在 {aside or '原处'}。")
    except BaseException:
        with suppress(Trouble):
            cluster.stop("immediate")
        if aside:
            shutil.rmtree(cluster.data, ignore_errors=True)
            aside.rename(cluster.data)
        raise
    with cluster.connect() as connection:
        for name in RECOVERY:
            connection.execute(f"ALTER SYSTEM RESET {name}")
    return {
        "from": chosen["path"], "backup_at": chosen["at"], "at": target.at.isoformat() if target.at else None,
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _replay(cluster: Cluster, chosen: dict, wal: Path, target: Target, aside: Path | None, line: str) -> str:
    """One attempt; answers the server's complaint, or nothing."""
    with suppress(Trouble):
        cluster.stop("immediate")
    shutil.rmtree(cluster.data, ignore_errors=True)
    cluster._own(cluster.data)
    with tarfile.open(Path(chosen["path"]) / "base.tar.gz") as tar:
        tar.extractall(cluster.data, filter="tar")
    sources = [wal] + (
        [aside / "pg_wal"] if aside else []
    )  # what was not archived yet is still in the former data
    copies = " || ".join(f'cp "{one}/%f" "%p"' for one in sources)
    said = {"restore_command": copies, "recovery_target_timeline": line, **target.settings()}
    with (cluster.data / "postgresql.auto.conf").open("a") as handle:
        handle.writelines(f"{name} = '{value}'\n" for name, value in said.items())
    (cluster.data / "recovery.signal").touch()
    _give(cluster, cluster.data)
    _give(cluster, wal)
    return cluster.start_recovery()


def _give(cluster: Cluster, folder: Path) -> None:
    """To the database's user, everything below."""
    who = cluster.account
    if not who or not folder.exists():
        return
    for one, folders, names in os.walk(folder):
        os.chown(one, who.pw_uid, who.pw_gid)
        for name in (*folders, *names):
            os.chown(Path(one, name), who.pw_uid, who.pw_gid, follow_symlinks=False)


def _secrets(var: Path, path: Path) -> list[str]:
    """Unpack what this installation lacks: a new machine gets all, a living one keeps its own."""
    brought = []
    with tarfile.open(path) as tar:
        for name in backup.KEPT_SECRETS:
            members = [m for m in tar.getmembers() if Path(m.name).parts[0] == name]
            if members and not (var / name).exists():
                tar.extractall(var, members=members, filter="data")
                brought.append(name)
    for one in brought:
        for path in (var / one, *(var / one).rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
    return brought


def new_life(cluster: Cluster) -> None:
    """Say in the database that it was restored: its numbering may be older than what others have seen."""
    with cluster.connect(locations.database()["NAME"]) as connection:
        found = connection.execute("SELECT to_regclass('exchange_self') IS NOT NULL").fetchone()
        if found and found[0]:
            connection.execute("UPDATE exchange_self SET incarnation = gen_random_uuid()")
