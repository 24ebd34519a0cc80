"""Starting, stopping and wiping the whole installation; the work of `jinzhi up`, `down`, `reset`."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from jinzhi.runtime import locations, processes, supervisor
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.trouble import Trouble

Say = Callable[[str], None]
HEALTHY_WITHIN = 60.0


def url(path: str = "/") -> str:
    return f"http://127.0.0.1:{locations.PORT}{path}"


def code_mark() -> str:
    """Changes when the program, its data or its packages change."""
    digest = hashlib.sha256()
    for folder in ("jinzhi", "provinces", "requirements"):
        for path in sorted((locations.ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and "tests" not in path.parts:
                state = path.stat()
                digest.update(f"{path}{state.st_mtime_ns}{state.st_size}".encode())
    return digest.hexdigest()[:16]


def health(port: int = locations.PORT, timeout: float = 3) -> dict:
    """What /healthz says; empty when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            return json.load(error)
        except ValueError:
            return {}
    except (OSError, ValueError):
        return {}


def refuse_taken_port() -> None:
    """Raise when somebody else listens: a bind alone does not tell, since servers may share a port."""
    host, port = locations.HOST, locations.PORT
    taken = False
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0  # noqa: S104
    if not taken:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError as error:
                raise Trouble(
                    f"没有权限使用端口 {port}。", "换用 1024 以上的端口：JINZHI_PORT=8000 make up"
                ) from error
            except OSError:
                taken = True
    if taken:
        raise Trouble(
            f"端口 {port} 已被其他程序占用。",
            f"停止占用它的程序，或换一个端口：JINZHI_PORT={port + 1} make up",
        )


def refuse_unwritable() -> None:
    folder = next(p for p in (locations.VAR, *locations.VAR.parents) if p.exists())
    if not os.access(folder, os.W_OK):
        raise Trouble(f"不能写 {folder}。", "换用目录的所有者运行，或用 JINZHI_VAR 换一个数据目录。")


def choose_demonstration() -> None:
    """Whether this is a demonstration: as the environment says, else as it was the last time."""
    choice = locations.VAR / "demonstration"
    if "JINZHI_DEMO" not in os.environ:
        os.environ["JINZHI_DEMO"] = choice.read_text() if choice.exists() else "0"
    choice.parent.mkdir(parents=True, exist_ok=True)
    choice.write_text(os.environ["JINZHI_DEMO"])


def up(prepare: Callable[[], None], say: Say) -> bool:
    """Start everything and wait until it is healthy; false when it already was.

    `prepare` brings database and static files to this version before the web server starts.
    """
    refuse_unwritable()
    choose_demonstration()
    mark = code_mark()
    running = supervisor.state()
    if running and _unchanged(running, mark) and health().get("status") == "ok":
        return False
    if running or processes.ours():
        say("停止正在运行的旧进程")
        processes.end_ours(running.get("pid", 0))
    refuse_taken_port()
    prepare()
    say("启动网站与后台任务")
    _spawn(mark)
    _wait_until_healthy()
    return True


def _unchanged(running: dict, mark: str) -> bool:
    here = {"code": mark, "port": locations.PORT, "demo": os.environ.get("JINZHI_DEMO", "0")}
    return all(running.get(key) == value for key, value in here.items())


def _spawn(mark: str) -> None:
    locations.LOGS.mkdir(parents=True, exist_ok=True)
    with (locations.LOGS / "supervisor.err").open("a") as errors:
        subprocess.Popen(
            [sys.executable, "-m", "jinzhi.runtime.supervisor"],
            env=os.environ | processes.marked_environment() | {"JINZHI_CODE": mark},
            cwd=locations.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )


def _wait_until_healthy() -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN
    last: dict = {}
    while time.monotonic() < deadline:
        last = health()
        if last.get("status") == "ok":
            return
        time.sleep(0.1)
    said = json.dumps(last, ensure_ascii=False) if last else "没有应答"
    raise Trouble(
        f"{HEALTHY_WITHIN:.0f} 秒内没有就绪：{said}\n{_last_lines('web')}",
        f"查看 {locations.LOGS} 下的日志，或运行 jinzhi doctor。",
    )


def _last_lines(name: str, count: int = 8) -> str:
    path = locations.LOGS / f"{name}.log"
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:]) if path.exists() else ""


def down() -> tuple[int, bool]:
    """Stop what `up` started: (number of processes, whether PostgreSQL ran)."""
    ended = processes.end_ours(supervisor.state().get("pid", 0))
    stopped = False if locations.external() else Cluster().stop()
    return ended, stopped


def wipe() -> None:
    """Stop and remove everything under var/, except the test server's part."""
    down()
    for folder in {locations.VAR, locations.database_home()}:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name == "test" and folder == locations.VAR:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
