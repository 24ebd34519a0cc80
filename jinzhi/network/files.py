"""Attachments between nodes: by the hash of their content, when somebody opens them, in pieces, resumable."""

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.files import storing
from jinzhi.foundation.files.models import Attachment, Blob
from jinzhi.network import folder

PIECE = 524_288


class FileAway(LookupError):
    """The file is not here, or not for the one who asks."""


def piece(digest: str, offset: int, asker: Sender) -> dict[str, Any]:
    """{size, offset, data (base64)} of a file's content. A city gets files of its places only; raises FileAway."""
    found = Attachment.objects.filter(blob_id=digest)
    if asker.kind == "city":
        found = found.filter(place__gte=asker.lo, place__lte=asker.hi)
    elif asker.kind == "partner":
        found = found.none()
    if not found.exists():
        raise FileAway("没有这个文件，或者无权取用")
    blob = Blob.objects.get(pk=digest)
    with storing.path_of(digest).open("rb") as content:
        content.seek(max(0, offset))
        data = content.read(PIECE)
    return {"size": blob.size, "offset": offset, "data": base64.b64encode(data).decode()}


async def fetch(digest: str, ask: Callable[[dict], Awaitable[dict]]) -> Path:
    """Bring a file here; goes on where an interrupted attempt ended. Raises FileAway; a wrong content is thrown away."""
    target = folder.path("files") / digest
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_suffix(".part")
    size = None
    while size is None or part.stat().st_size < size:
        have = part.stat().st_size if part.exists() else 0
        said = await ask({"hash": digest, "offset": have})
        if not said.get("ok"):
            raise FileAway(said.get("error", "没有应答"))
        size = said["size"]
        with part.open("ab") as out:
            out.write(base64.b64decode(said["data"]))
            out.flush()
            os.fsync(out.fileno())
        if not said["data"] and part.stat().st_size < size:
            raise FileAway("对方的文件不完整")
    found = hashlib.file_digest(part.open("rb"), "sha256").hexdigest()
    if found != digest:
        part.unlink()
        raise FileAway("文件内容与摘要不符，已丢弃")
    part.replace(target)
    return target
