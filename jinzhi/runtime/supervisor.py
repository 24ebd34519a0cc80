"""The process that keeps the installation running: web server, worker with its scheduler, PostgreSQL, and
what the rooms declare in a `processes.py` (a node's relay, inbox and message server).

Started detached by `jinzhi up`, ended by `jinzhi down`. Restarts a child that dies, waiting longer each
time it dies young. Its children end with it.
"""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from logging.handlers import RotatingFileHandler

from jinzhi.runtime import locations, processes
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.trouble import Trouble

STATE = locations.RUN / "supervisor.json"
LOCK = locations.RUN / "supervisor.lock"
WEB_WORKERS = int(os.environ.get("JINZHI_WEB_WORKERS", "2"))
THREADS_PER_WEB_WORKER = int(os.environ.get("JINZHI_WEB_THREADS", "4"))
LONGEST_PAUSE = 30.0  # seconds before a child that keeps dying is tried again
SETTLED = 20.0  # a child that lived so long is healthy: the next pause is short again
LOG_BYTES, LOG_COPIES = 10_000_000, 5
GRACE = 10.0  # seconds that a child may take to end
PACE = 0.5  # seconds between two looks
ASK_ROOMS = 2.0  # seconds between two questions to the rooms, which processes they want

log = logging.getLogger("jinzhi.supervisor")


def rotating(name: str) -> logging.Handler:
    locations.LOGS.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(
        locations.LOGS / f"{name}.log", maxBytes=LOG_BYTES, backupCount=LOG_COPIES, encoding="utf-8"
    )


class Child:
    """One program, restarted when it ends."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self.command = command
        self.declared = (command, environment)
        self.environment = os.environ | processes.marked_environment() | environment
        self.process: subprocess.Popen | None = None
        self.started = 0.0
        self.pause = 0.5
        self.again_at = 0.0
        self._lines = logging.Logger(name)
        handler = rotating(name)
        handler.setFormatter(logging.Formatter("%(message)s"))
        self._lines.addHandler(handler)

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=locations.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=processes.end_with_parent,
        )
        self.started = time.monotonic()
        threading.Thread(target=self._keep_lines, args=[self.process.stdout], daemon=True).start()
        log.info("%s started as process %s", self.name, self.process.pid)

    def _keep_lines(self, stream) -> None:
        for line in stream:
            self._lines.info(line.rstrip("\n"))

    def look_after(self) -> None:
        """Start, or start again, when it is time to."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            lived = now - self.started
            self.pause = 0.5 if lived > SETTLED else min(self.pause * 2, LONGEST_PAUSE)
            log.warning("%s ended with %s after %.1f s", self.name, self.process.returncode, lived)
            self.kill()  # what it left behind would share the port without a word
            self.process = None
            self.again_at = now + self.pause
        if now >= self.again_at:
            self.start()

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def end(self) -> None:
        """Ask it to end, wait as long as may be, insist."""
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            if self.process is not None:
                self.process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """The child and all its own children."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


def children() -> list[Child]:
    web = {
        "--interface": "wsgi",
        "--host": locations.HOST,
        "--port": str(locations.PORT),
        "--workers": str(WEB_WORKERS),
        "--blocking-threads": str(THREADS_PER_WEB_WORKER),
        "--backpressure": "256",
        "--log-level": "warning",
    }
    options = [part for option in web.items() for part in option]
    granian = [sys.executable, "-m", "granian", "--no-ws", "--respawn-failed-workers", *options]
    return [
        Child("web", [*granian, "jinzhi.wsgi:application"], {"JINZHI_DB_POOL": "1"}),
        Child("worker", [sys.executable, "-m", "jinzhi.cli", "worker"], {}),
    ]


def declared_children() -> dict[str, tuple[list[str], dict[str, str]]]:
    """What rooms want to have running now: name → (command, environment).

    A room's `processes.py` has `children()` and imports nothing of Django; it is asked again and again, so a node
    that joins a network gets its processes without a restart.
    """
    found: dict[str, tuple[list[str], dict[str, str]]] = {}
    for path in sorted((locations.ROOT / "jinzhi").glob("*/processes.py")):
        if path.parent.name == "runtime":
            continue
        module = import_module(f"jinzhi.{path.parent.name}.processes")
        for name, command, environment in module.children():
            found[name] = ([str(part) for part in command], dict(environment))
    return found


class Supervisor:
    def __init__(self) -> None:
        self.children = children()
        self.own = {child.name for child in self.children}
        self.asked = 0.0
        self.complained = ""
        self.ending = threading.Event()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.ending.set())
        signal.signal(signal.SIGINT, lambda *_: self.ending.set())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            while not self.ending.is_set():
                self._look_after_database()
                self._ask_rooms()
                for child in self.children:
                    child.look_after()
                self._write_state()
                self.ending.wait(PACE)
        finally:
            self._end_children()
            STATE.unlink(missing_ok=True)
            log.info("ended")

    def _look_after_database(self) -> None:
        if locations.external():
            return
        cluster = Cluster()
        if cluster.pid():
            return
        log.warning("PostgreSQL is gone, starting it again")
        try:
            cluster.start()
        except Trouble as trouble:
            log.error("%s", trouble)
            self.ending.wait(5)

    def _ask_rooms(self) -> None:
        """Take in children that rooms declare now, end those they no longer declare or declare differently."""
        if time.monotonic() - self.asked < ASK_ROOMS:
            return
        self.asked = time.monotonic()
        try:
            wanted = declared_children()
        except Exception as error:  # a damaged node.json must not end the web server
            if str(error) != self.complained:
                self.complained = str(error)
                log.exception("a room's processes.py failed")
            return
        for child in [c for c in self.children if c.name not in self.own]:
            if wanted.get(child.name) == child.declared:
                continue
            log.info("%s is no longer wanted as it was", child.name)
            child.end()
            self.children.remove(child)
        present = {child.name for child in self.children}
        self.children += [Child(name, *how) for name, how in wanted.items() if name not in present]

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "port": locations.PORT,
            "code": os.environ.get("JINZHI_CODE", ""),
            "demo": os.environ.get("JINZHI_DEMO", "0"),
            "children": {c.name: c.process.pid for c in self.children if c.process},
        }
        text = json.dumps(state)
        if not STATE.exists() or STATE.read_text() != text:
            draft = STATE.with_suffix(".new")
            draft.write_text(text)
            draft.replace(STATE)

    def _end_children(self) -> None:
        for child in self.children:
            child.ask_to_end()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and not all(child.ended() for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.kill()


def state() -> dict:
    """What the running supervisor wrote; empty when none runs."""
    if not LOCK.exists():
        return {}
    with LOCK.open("r") as handle, suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return {}  # nobody holds it: left over from a killed supervisor
    try:
        return json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {"pid": 0}


def main() -> int:
    locations.RUN.mkdir(parents=True, exist_ok=True)
    handler = rotating("supervisor")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.error("another supervisor is running")
            return 1
        Supervisor().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
