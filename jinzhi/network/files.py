"""Files between nodes, the answering side: pieces of what belongs to a shared record, to those it is shared with.

Which files there are is told by datasets that carry a content's hash (`blob_id`); the contents stay where they are
until somebody opens one (`fetching`).
"""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from jinzhi.foundation.exchange import capture, declared
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.files import storing
from jinzhi.foundation.files.models import Blob, GeneratedDocument

PIECE = 524_288
HASH = "blob_id"  # the item that says a record has a file


class FileAway(LookupError):
    """The file is not here, or not for the one who asks."""


@dataclass(frozen=True)
class Wanted:
    """A file that another node announced. `digest` is empty while its document has not been made there."""

    dataset: str
    record: str
    owner: str
    name: str
    digest: str = ""
    size: int = 0
    media_type: str = ""


def carrying() -> list[Dataset]:
    """The datasets whose records have a file."""
    return [one for one in declared.all().values() if HASH in one.by_key and one.table]


def piece(question: dict[str, Any], asker: Sender) -> dict[str, Any]:
    """{hash, size, offset, data (base64)} of the file of a record {dataset, record, offset}. Raises FileAway.

    The province gets what goes up, a city what comes down to it, within its places; a partner gets nothing. Only
    records that are shared now: a draft's file, a deleted one, another node's are not there.
    """
    offset = question.get("offset", 0)
    if type(offset) is not int or not 0 <= offset < 2**62:
        raise ValueError("offset")
    one = declared.all().get(str(question["dataset"]))
    if one is None or one not in carrying() or not _goes_to(one, asker):
        raise FileAway("没有这个文件，或者无权取用")
    record = str(UUID(str(question["record"])))
    blob = _content(one, record, _held(one, record, asker))
    if question.get("hash", "") not in ("", blob.sha256):
        raise FileAway("文件已经变化，等最新信息到达后再打开")
    try:
        content = storing.path_of(blob.sha256).open("rb")
    except FileNotFoundError:
        raise FileAway("文件内容在所属节点缺失，请联系该节点的系统管理员") from None
    with content:
        content.seek(offset)
        data = content.read(PIECE)
    return {
        "hash": blob.sha256, "size": blob.size, "offset": offset, "data": base64.b64encode(data).decode(),
    }  # fmt: skip


def _goes_to(one: Dataset, asker: Sender) -> bool:
    if asker.kind == "hub":
        return one.flow in ("up", "both")
    return asker.kind == "city" and bool(one.down) and one.flow in ("down", "both")


def _held(one: Dataset, record: str, asker: Sender) -> str:
    """The content's hash of a record of this node's that is shared and the asker's to have; "" when not made yet."""
    everywhere = asker.kind == "hub" or one.down == "all"
    lo, hi = nodes.EVERYWHERE if everywhere else (asker.lo, asker.hi)
    capture.model_of(one)  # the table's name comes from a declaration, never from the question
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.{HASH} FROM {one.table} AS n WHERE n.id = %s AND n.owner_node = %s"  # noqa: S608
            f" AND n.place BETWEEN %s AND %s AND ({one.rows})",
            [record, nodes.this().node, lo, hi],
        )
        row = cursor.fetchone()
    if row is None:
        raise FileAway("没有这个文件，或者无权取用")
    return row[0] or ""


def _content(one: Dataset, record: str, digest: str) -> Blob:
    if not digest and one.table == GeneratedDocument._meta.db_table:
        from jinzhi.foundation.files import documents, signing, typst  # large, and seldom needed by an inbox

        try:
            return documents.rendered(GeneratedDocument.objects.get(pk=record))
        except (typst.FontsMissing, signing.SigningFault) as fault:
            raise FileAway(str(fault)) from None
    return Blob.objects.get(pk=digest)
