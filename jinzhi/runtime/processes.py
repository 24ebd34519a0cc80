"""Which processes are ours: each one the supervisor starts carries a mark in its environment."""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

from jinzhi.runtime import locations

MARK = "JINZHI_SUPERVISED_BY"  # = the var/ directory of the installation
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork


def marked_environment() -> dict[str, str]:
    return {MARK: str(locations.VAR)}


def ours() -> list[int]:
    """Living processes of this installation's web server, worker and supervisor."""
    needle = f"{MARK}={locations.VAR}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not zombie and needle in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_ours(supervisor: int = 0, patience: float = 15) -> int:
    """Ask our processes to end, insist after `patience` seconds; answers how many there were.

    The supervisor ends its children in order; they are asked directly only when it is gone.
    """
    pids = ours()
    signal_all([supervisor] if supervisor in pids else pids, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := ours()) and time.monotonic() < deadline:
        time.sleep(0.05)
    signal_all(left, signal.SIGKILL)
    while ours() and time.monotonic() < deadline + 5:
        time.sleep(0.05)
    return len(pids)


def end_with_parent() -> None:
    """Run in a child before it starts its program: it ends when its parent is killed."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
