"""What is wrong with this installation and what to do about it, for `jinzhi doctor`."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from jinzhi.runtime import discovery, health, installation, locations, postgres, provision, stages, supervisor
from jinzhi.runtime.trouble import Trouble

MARKS = {"ok": "✓", "warning": "!", "error": "✗"}
COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@dataclass(frozen=True)
class Finding:
    level: str  # ok, warning, error
    title: str
    detail: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{MARKS[self.level]} {self.title}" + (f"：{self.detail}" if self.detail else "")
        return text + (f"\n    → {self.remedy}" if self.remedy and self.level != "ok" else "")


def _binaries() -> Iterator[Finding]:
    if locations.external():
        return
    try:
        folder = postgres.binaries(postgres.Cluster().data)
    except Trouble as trouble:
        yield Finding("error", "PostgreSQL 程序", trouble.what, trouble.remedy)
    else:
        yield Finding("ok", "PostgreSQL 程序", str(folder))


def _disk() -> Iterator[Finding]:
    free = health.free_megabytes()
    level = "error" if free < health.LEAST_FREE_MB else "warning" if free < 2000 else "ok"
    yield Finding(
        level, "磁盘", f"{locations.VAR} 可用 {free} MB", "清理磁盘，或用 JINZHI_VAR 换到更大的分区。"
    )


def _permissions() -> Iterator[Finding]:
    folder = locations.VAR if locations.VAR.exists() else locations.VAR.parent
    if not os.access(folder, os.W_OK):
        yield Finding("error", "数据目录权限", f"不能写 {folder}", "换用目录的所有者运行，或修改权限。")
        return
    yield Finding("ok", "数据目录权限", str(folder))
    if not locations.external() and locations.database_home() != locations.VAR:
        yield Finding(
            "warning",
            "数据库目录",
            f"{locations.VAR} 的上级目录不对其他用户开放，数据库改放在 {locations.database_home()}",
            "若要放在 var/ 下，把安装目录移到其他用户可进入的位置。",
        )


def _port() -> Iterator[Finding]:
    if supervisor.state():
        yield Finding("ok", "端口", f"{locations.PORT}，由本系统使用")
        return
    try:
        installation.refuse_taken_port()
    except Trouble as trouble:
        yield Finding("error", "端口", trouble.what, trouble.remedy)
    else:
        yield Finding("ok", "端口", f"{locations.PORT} 空闲")


def _database() -> Iterator[Finding]:
    from django.db import Error, connection

    try:
        connection.ensure_connection()
    except Error as error:
        yield Finding(
            "error", "数据库", str(error).splitlines()[0], "执行 jinzhi up；外部数据库请核对 DATABASE_URL。"
        )
        return
    server: psycopg.Connection = connection.connection
    yield Finding("ok", "数据库", f"PostgreSQL {server.info.server_version // 10000}")
    for problem in provision.missing(server):
        remedy = (
            "由数据库管理员执行 jinzhi provision 打印的语句。" if locations.external() else "执行 jinzhi up。"
        )
        yield Finding("warning" if "LEAKPROOF" in problem else "error", "数据库准备", problem, remedy)
    try:
        with stages.as_owner():
            pending = stages.pending_migrations()
    except (Trouble, Error) as error:
        yield Finding("warning", "数据表版本", f"无法检查：{error}")
    else:
        detail = f"{pending} 项未升级" if pending else "最新"
        yield Finding("error" if pending else "ok", "数据表版本", detail, "执行 jinzhi migrate。")
    connection.close()


def _fonts() -> Iterator[Finding]:
    program = shutil.which("fc-list")
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    if program:
        found = bool(subprocess.run([program, ":lang=zh", "family"], capture_output=True).stdout.strip())
    else:
        found = any(next(folder.rglob("*CJK*"), None) for folder in folders if folder.is_dir())
    yield Finding(
        "ok" if found else "error", "中文字体", "已安装" if found else "没有，文书 PDF 不能显示中文",
        "apt install fonts-noto-cjk",
    )  # fmt: skip


def _static() -> Iterator[Finding]:
    from django.conf import settings

    packages = locations.ROOT / "node_modules" / "@tabler" / "core"
    if not packages.is_dir():
        yield Finding("error", "页面组件", "没有安装 node_modules", "执行 make up（或 npm ci）。")
        return
    if not (Path(settings.STATIC_ROOT) / ".collected").exists():
        yield Finding("warning", "静态文件", "尚未整理", "执行 jinzhi up。")
    elif (Path(settings.STATIC_ROOT) / ".collected").read_text() != stages.static_mark():
        yield Finding("warning", "静态文件", "有改动尚未整理", "执行 jinzhi up。")
    else:
        yield Finding("ok", "静态文件", "已整理")


def _backup() -> Iterator[Finding]:
    from jinzhi.foundation.places import scope

    words = {
        "ok": ("ok", "按期"), "old": ("warning", "已经过久"), "none": ("warning", "还没有备份"),
        "elsewhere": ("ok", "由外部数据库的管理员备份"),
    }  # fmt: skip
    with scope.acting(scope.SYSTEM):
        for _, module in discovery.declared("health"):
            if (state := module.health().get("backup")) in words:
                level, word = words[state]
                yield Finding(level, "备份", word, "执行 jinzhi backup，并列入每日计划任务。")


def _running() -> Iterator[Finding]:
    running = supervisor.state()
    if not running:
        yield Finding("warning", "运行状态", "没有启动", "执行 jinzhi up。")
        return
    answer = installation.health(running.get("port", locations.PORT))
    level = {"ok": "ok", "degraded": "warning"}.get(answer.get("status", ""), "error")
    yield Finding(level, "网站", answer.get("status", "没有应答"), f"查看 {locations.LOGS}/web.log。")
    worker = answer.get("worker", "unknown")
    words = {"ok": "正常", "silent": "久无心跳", "absent": "没有运行"}
    level = "ok" if worker == "ok" else "error"
    yield Finding(level, "后台任务", words.get(worker, worker), f"查看 {locations.LOGS}/worker.log。")


def _browser() -> Iterator[Finding]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    yield Finding(
        "ok" if found else "warning", "Chromium（仅测试用）", found or "没有安装", "apt install chromium"
    )


EXAMINATIONS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _binaries,
    _disk,
    _permissions,
    _port,
    _database,
    _static,
    _fonts,
    _backup,
    _running,
    _browser,
)


def examine() -> list[Finding]:
    """All findings; an examination that fails is itself one."""
    findings = []
    for examination in EXAMINATIONS:
        try:
            findings += list(examination())
        except Exception as error:
            findings.append(
                Finding("error", examination.__name__.strip("_"), f"{type(error).__name__}: {error}")
            )
    return findings
