"""Lines between nodes on one machine: network namespaces joined by a bridge, or ports joined by forwarders.

Both can be cut and mended. A cut line loses nothing and says nothing, as a broken cable does: connections hang until
their ends give up.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from jinzhi.runtime.trouble import Trouble

BRIDGE, PREFIX = "jz-br", "jz-"
NETWORK = "10.133.0"
HOST = f"{NETWORK}.1"  # this machine's own address on the bridge
LOOK = 0.05  # seconds between two looks at whether the line is cut


# -- namespaces


def _ip(*arguments: str, check: bool = True) -> str:
    answer = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if check and answer.returncode:
        raise Trouble(f"ip {' '.join(arguments)}：{answer.stderr.strip()}", "改用端口：--ports。")
    return answer.stdout


def namespaces_possible() -> bool:
    """Whether this user may make network namespaces and a bridge here."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
        return False
    try:
        _ip("netns", "add", f"{PREFIX}probe")
        _ip("link", "add", "jz-probe", "type", "bridge")
    except Trouble:
        return False
    finally:
        _ip("link", "del", "jz-probe", check=False)
        _ip("netns", "del", f"{PREFIX}probe", check=False)
    return True


def namespace(code: str) -> str:
    return f"{PREFIX}{code}"


def address(number: int) -> str:
    return f"{NETWORK}.{10 + number}"


def make_bridge() -> None:
    if BRIDGE in _ip("-o", "link", "show"):
        return
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{HOST}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def make_namespace(code: str, number: int, hub: bool) -> None:
    """A namespace with one line to the bridge; the hub's end is isolated so that a city's can be cut off from it."""
    name, near = namespace(code), f"jz{code}"
    if name not in _ip("netns", "list").split():
        _ip("netns", "add", name)
    if near not in _ip("-o", "link", "show"):
        _ip("link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", near, "master", BRIDGE)
        _ip("link", "set", near, "up")
    if hub:
        _isolate(code, True)
    inside = ("-n", name)
    _ip(*inside, "addr", "replace", f"{address(number)}/24", "dev", "eth0")
    _ip(*inside, "link", "set", "lo", "up")
    _ip(*inside, "link", "set", "eth0", "up")


def _isolate(code: str, apart: bool) -> None:
    """Two isolated ends of the bridge do not hear each other; this machine hears both."""
    _ip(
        "link", "set", "dev", f"jz{code}", "type", "bridge_slave", "isolated", "on" if apart else "off"
    )  # fmt: skip


def inside(code: str) -> list[str]:
    """What to put before a command so that it runs in the node's namespace."""
    return ["nsenter", f"--net=/var/run/netns/{namespace(code)}"]


def remove_namespaces(codes: list[str]) -> None:
    for code in codes:
        _ip("link", "del", f"jz{code}", check=False)
        _ip("netns", "del", namespace(code), check=False)
    if f"master {BRIDGE}" not in _ip("-o", "link", "show"):
        _ip("link", "del", BRIDGE, check=False)


# -- forwarders


class Forwarder:
    """Passes bytes from a port to another while the line is whole; holds them while it is cut."""

    def __init__(self, port: int, to: tuple[str, int], cut: Path):
        self.port, self.to, self.cut = port, to, cut
        self.whole = asyncio.Event()

    async def run(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        async with server:
            while True:
                if self.cut.exists():
                    self.whole.clear()
                else:
                    self.whole.set()
                await asyncio.sleep(LOOK)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.whole.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while part := await reader.read(65536):
                await self.whole.wait()
                writer.write(part)
                await writer.drain()
        await self.whole.wait()
        with suppress(OSError):
            writer.close()


def start_forwarder(folder: Path, name: str, port: int, to: tuple[str, int]) -> int:
    """Start one as a process of its own, ended by `stop_forwarders`; answers its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    stop_forwarder(folder, name)
    with (folder / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jinzhi.runtime.links", str(port), f"{to[0]}:{to[1]}", str(folder / f"{name}.cut")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps({"pid": process.pid, "port": port, "to": list(to)}))
    return process.pid


def forwarder_runs(folder: Path, name: str) -> bool:
    try:
        pid = json.loads((folder / f"{name}.json").read_text())["pid"]
        return b"jinzhi.runtime.links" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return False


def stop_forwarder(folder: Path, name: str) -> None:
    if forwarder_runs(folder, name):
        with suppress(ProcessLookupError):
            os.kill(json.loads((folder / f"{name}.json").read_text())["pid"], 15)
    (folder / f"{name}.json").unlink(missing_ok=True)


# -- both


def cut(folder: Path, code: str, namespaces: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{code}.cut").touch()
    if namespaces:
        _isolate(code, True)


def mend(folder: Path, code: str, namespaces: bool) -> None:
    (folder / f"{code}.cut").unlink(missing_ok=True)
    if namespaces:
        _isolate(code, False)


def is_cut(folder: Path, code: str) -> bool:
    return (folder / f"{code}.cut").exists()


if __name__ == "__main__":
    host, _, far = sys.argv[2].rpartition(":")
    asyncio.run(Forwarder(int(sys.argv[1]), (host, int(far)), Path(sys.argv[3])).run())
