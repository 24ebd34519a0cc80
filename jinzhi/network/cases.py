"""Cases of other nodes as this one knows them: received as documents, with the files that stay at their owner.

Row-level security decides what the present eyes see; an index by the case is only used without it, hence two steps.
"""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.places import scope
from jinzhi.network import fetching, files, reconciling
from jinzhi.network import folder as network_folder
from jinzhi.network.fetching import Brought, NoAnswer
from jinzhi.network.files import FileAway, Wanted

CASES, ATTACHMENTS, DOCUMENTS = "casework.case", "casework.attachment", "casework.document"
MOST = 500  # files of one case that a page lists
CONNECTING = 3.0  # seconds until the message server counts as away
PATIENCE = 5.0  # seconds for the answer with one piece
AT_ONCE = 2  # files that a process of the web server fetches at a time: its threads are for other pages too
_slots = threading.BoundedSemaphore(AT_ONCE)

_OF_CASE = """SELECT id FROM exchange_document
WHERE body ->> 'subject' = %s AND dataset IN ('casework.attachment', 'casework.document') ORDER BY id LIMIT %s"""
_NUMBERED = (
    "SELECT id FROM exchange_document WHERE body ->> 'number' = %s AND dataset = 'casework.case' LIMIT 20"
)


def cases() -> QuerySet[Document]:
    return Document.objects.filter(dataset=CASES)


def numbered(number: str) -> QuerySet[Document]:
    """The cases with this number, as far as they may be seen."""
    return cases().filter(pk__in=_keys(_NUMBERED, [number]))


def _keys(statement: str, parameters: list[Any]) -> list[Any]:
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [key for (key,) in cursor.fetchall()]


@dataclass(frozen=True)
class File:
    """A file of a received case as a page lists it."""

    row: Document
    wanted: Wanted
    brought: Brought

    @property
    def title(self) -> str:
        return self.row.body.get("title") or self.wanted.name

    @property
    def number(self) -> str:
        return self.row.body.get("number") or ""

    @property
    def issued_at(self) -> datetime | None:
        return parse_datetime(self.row.body.get("issued_at") or "")

    @property
    def is_document(self) -> bool:
        return self.row.dataset == DOCUMENTS


def files_of(case: Document) -> list[File]:
    """What the owner of the case announced of its files, documents last."""
    rows = Document.objects.filter(
        pk__in=_keys(_OF_CASE, [f"case:{case.pk}", MOST]), owner_node=case.owner_node
    )
    return [File(row, wanted(row), fetching.here(wanted(row))) for row in rows.order_by("dataset", "pk")]


def file(key: Any) -> Document | None:
    """The announcement of a file, if these eyes may see it."""
    datasets = [one.key for one in files.carrying()]
    return Document.objects.filter(pk=key, dataset__in=datasets).first()


def wanted(row: Document) -> Wanted:
    body = row.body
    name = body.get("name") or f"{body.get('title', '')} {body.get('number') or ''}".strip() + ".pdf"
    media_type = body.get("media_type") or ("application/pdf" if row.dataset == DOCUMENTS else "")
    return Wanted(
        row.dataset, str(row.pk), row.owner_node, name, body.get(files.HASH) or "", body.get("size") or 0, media_type
    )  # fmt: skip


def fetch(what: Wanted, seconds: float) -> Brought:
    """Bring a file here from its owner, as far as it comes in that time. Raises FileAway; NoAnswer when nobody answers."""
    brought = fetching.here(what)
    if brought.path:
        return brought
    said = network_folder.node()
    if not said:
        raise NoAnswer("本节点没有加入网络")
    peer = what.owner if said["role"] == "hub" else said["hub"]
    if not _slots.acquire(timeout=1):
        return fetching.here(what)  # the page asks again
    try:
        with reconciling.Wire(CONNECTING) as wire:
            return fetching.bring(what, lambda question: wire.ask(peer, "file", question, PATIENCE), seconds)
    except (reconciling.NotConnected, OSError) as error:
        raise NoAnswer(str(error)) from error
    finally:
        _slots.release()


__all__ = ["Brought", "File", "FileAway", "NoAnswer", "Wanted"]
