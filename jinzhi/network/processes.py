"""What the supervisor keeps running on a node of the network. Imports nothing of Django."""

import shutil
import sys
from pathlib import Path

from jinzhi.network import folder

Wanted = tuple[str, list[str], dict[str, str]]


def server() -> str:
    """The NATS server's program: beside this Python, else on the path."""
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.exists() else shutil.which("nats-server") or "nats-server"


def children() -> list[Wanted]:
    """Nothing outside a network; the hub also runs the message server unless an external one is configured."""
    said = folder.node()
    if not said:
        return []
    found: list[Wanted] = []
    if said["role"] == "hub" and not said.get("external"):
        found.append(("nats", [server(), "--config", str(folder.path("nats.conf"))], {}))
    for name in ("relay", "inbox"):
        found.append((name, [sys.executable, "-m", "jinzhi.cli", "network", name], {}))
    return found
