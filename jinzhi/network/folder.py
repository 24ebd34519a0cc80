"""Where a node keeps what it needs to be in the network. Imports nothing of Django: the supervisor reads it too."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def folder() -> Path:
    """var/network of this installation, closed to others."""
    if chosen := os.environ.get("JINZHI_NETWORK"):
        return Path(chosen)
    return Path(os.environ.get("JINZHI_VAR") or ROOT / "var").resolve() / "network"


def path(name: str) -> Path:
    return folder() / name


def node() -> dict[str, Any]:
    """node.json: {role: hub|city, node, hub, nats: "host:port", listen: "host:port", external: bool}; empty outside."""
    try:
        return json.loads(path("node.json").read_text())
    except (OSError, ValueError):
        return {}


def write(name: str, content: str | bytes) -> Path:
    """Write a file of mode 0600 at once or not at all."""
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    target = path(name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content.encode() if isinstance(content, str) else content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
    return target


def write_node(said: dict[str, Any]) -> None:
    write("node.json", json.dumps(said, ensure_ascii=False, indent=1))
