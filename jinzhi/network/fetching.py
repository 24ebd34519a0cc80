"""Files between nodes, the asking side: brought here when somebody opens one, in pieces, resumable, once.

`var/network/files/<owner>/<hash>` is the cache; `….part` what has come so far. Whoever fetches holds a lock on the part,
others wait for it. A content is moved into the cache only when its hash is the announced one.
"""

import base64
import binascii
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.network import folder
from jinzhi.network.files import PIECE, FileAway, Wanted

DIGEST = re.compile(r"[0-9a-f]{64}")
NODE = re.compile(r"[0-9a-z]{1,12}")
PAUSE = 0.1  # seconds between two looks at what somebody else fetches
Ask = Callable[[dict[str, Any]], dict[str, Any]]


class NoAnswer(FileAway):
    """The node that has the file cannot be reached now; what has come stays and is gone on with."""


@dataclass(frozen=True)
class Brought:
    """How far a file is: `path` when it is here, `have` of `size` bytes otherwise."""

    path: Path | None
    have: int
    size: int

    @property
    def percent(self) -> int:
        return int(100 * self.have / self.size) if self.size else 0


def _rule(key: str) -> int:
    return int(rules.value(f"network.{key}", on=timezone.localdate()).value)


def root() -> Path:
    return folder.path("files")


def _target(wanted: Wanted, digest: str) -> Path:
    if not DIGEST.fullmatch(digest) or not NODE.fullmatch(wanted.owner):
        raise FileAway("文件摘要不合规定")
    return root() / wanted.owner / digest


def here(wanted: Wanted) -> Brought:
    """What is here of a file, without asking anybody."""
    if not wanted.digest:
        return Brought(None, 0, wanted.size)
    target = _target(wanted, wanted.digest)
    if target.exists():
        os.utime(target)
        return Brought(target, _size(target), _size(target))
    return Brought(None, _size(_part(target)), wanted.size)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def bring(wanted: Wanted, ask: Ask, seconds: float) -> Brought:
    """Bring a file here, as far as that goes in so many seconds; asked again it goes on. Raises FileAway, NoAnswer."""
    until = time.monotonic() + seconds
    first = None
    digest = wanted.digest
    if not digest:  # its document is made at the owner now
        first = _asked(wanted, ask, "", 0)
        digest = first["hash"]
    target = _target(wanted, digest)
    with _writing(target, until) as out:
        if out is None:
            return _found(target, wanted.size)
        size = _fill(wanted, digest, out, ask, until, first)
        have = out.tell()
        if have < size:
            return Brought(None, have, size)
        _keep(target, out, digest)
    trim(target)
    return Brought(target, size, size)


def _found(target: Path, size: int) -> Brought:
    """Somebody else fetched it, or is at it."""
    if target.exists():
        os.utime(target)
        return Brought(target, _size(target), _size(target))
    return Brought(None, _size(_part(target)), size)


@contextmanager
def _writing(target: Path, until: float) -> Iterator[BinaryIO | None]:
    """The part, open and locked for us alone; None when the file is there or another holds the part until then."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = _part(target)
    while not target.exists():
        out = part.open("ab")
        try:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    break
                time.sleep(PAUSE)
                continue
            if not _is(out, part):
                continue  # it was finished or thrown away meanwhile
            if target.exists():
                part.unlink(missing_ok=True)
                break
            yield out
            return
        finally:
            out.close()
    yield None


def _is(out: BinaryIO, path: Path) -> bool:
    try:
        return os.fstat(out.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _fill(
    wanted: Wanted, digest: str, out: BinaryIO, ask: Ask, until: float, first: dict[str, Any] | None
) -> int:
    """Append pieces until the file is whole or the time is over; answers its size."""
    out.seek(0, os.SEEK_END)
    while True:
        have = out.tell()
        said = first if first is not None and have == 0 else _asked(wanted, ask, digest, have)
        first, size = None, said["size"]
        if have > size:  # of another content under this name: begin anew
            out.truncate(0)
            continue
        if have == 0:
            _room(size)
        out.write(said["content"])
        out.flush()
        if out.tell() >= size or time.monotonic() > until:
            return size


def _asked(wanted: Wanted, ask: Ask, digest: str, offset: int) -> dict[str, Any]:
    """One piece, believed only as far as it can be true."""
    said = ask({"dataset": wanted.dataset, "record": wanted.record, "hash": digest, "offset": offset})
    if not said.get("ok"):
        error = str(said.get("error", "没有应答"))[:200]
        raise NoAnswer(error) if said.get("away") else FileAway(error)
    try:
        size, found = said["size"], said["hash"]
        content = base64.b64decode(said["data"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise FileAway("对方的应答不合规定") from None
    if type(size) is not int or not 0 < size <= _rule("file_largest"):
        raise FileAway(f"文件大小 {size} 字节，超过跨节点取回的上限")
    if digest and found != digest:
        raise FileAway("对方的文件已经变化，等最新信息到达后再打开")
    if said.get("offset") != offset or len(content) > PIECE or offset + len(content) > max(size, offset):
        raise FileAway("对方的应答不合规定")
    if not content and offset < size:
        raise FileAway("对方的文件不完整")
    return {"hash": str(found), "size": size, "content": content}


def _room(size: int) -> None:
    if shutil.disk_usage(root()).free < 2 * size:
        raise FileAway("本节点磁盘空间不足，不能取回文件")


def _keep(target: Path, out: BinaryIO, digest: str) -> None:
    """Into the cache, if it is what was announced."""
    os.fsync(out.fileno())
    part = _part(target)
    with part.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != digest:
            part.unlink(missing_ok=True)
            raise FileAway("取回的内容与摘要不符，已丢弃。请重试；再次出现的，请联系所属节点的系统管理员")
    part.chmod(0o400)
    part.replace(target)


def trim(keep: Path | None = None) -> int:
    """Remove what was not opened for longest until the cache is within its limit; answers how many files went."""
    found = []
    for path in root().glob("*/*"):
        try:
            said = path.stat()
        except FileNotFoundError:
            continue
        found.append((said.st_mtime, said.st_size, path))
    total, limit, gone = sum(size for _, size, _ in found), _rule("file_cache"), 0
    for _, size, path in sorted(found):
        if total <= limit:
            break
        if path != keep and _remove(path):
            total, gone = total - size, gone + 1
    return gone


def _remove(path: Path) -> bool:
    """Unless somebody is just fetching it."""
    try:
        with path.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return True
    except (BlockingIOError, FileNotFoundError):
        return False
