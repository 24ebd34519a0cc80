"""From a record to its receivers: how it came here, every version that left, and what each receiver answered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from jinzhi.foundation.places import scope

MOST = 200

_CAME = """
SELECT received_at, peer, version, op, outcome, code FROM exchange_inbound
WHERE record = %s AND dataset = %s ORDER BY received_at DESC LIMIT %s
"""

_LEFT = """
SELECT o.made_at, o.version, o.op, o.owner_node, c.name, c.peer, c.kind, q.seq, b.number, b.stored_at, b.acknowledged_at,
  r.code, r.reason
FROM exchange_outbox AS o
LEFT JOIN exchange_queue AS q ON q.outbox_id = o.id
LEFT JOIN exchange_channel AS c ON c.name = q.channel
LEFT JOIN exchange_batch AS b ON b.channel = q.channel AND b.number = q.batch
LEFT JOIN exchange_refusal AS r ON r.channel = q.channel AND r.seq = q.seq
WHERE o.record = %s AND o.dataset = %s ORDER BY o.id DESC, c.name LIMIT %s
"""

OPS = {"u": "新增或修改", "d": "删除", "t": "移交"}


@dataclass(frozen=True)
class Arrival:
    at: datetime
    peer: str
    version: int | None
    op: str
    outcome: str
    code: str


@dataclass(frozen=True)
class Departure:
    """One version on its way to one receiver."""

    at: datetime
    version: int
    op: str
    owner: str
    channel: str
    peer: str
    kind: str
    seq: int | None
    batch: int | None
    stored_at: datetime | None
    acknowledged_at: datetime | None
    code: str
    reason: str

    @property
    def standing(self) -> tuple[str, str]:
        """A word and a tone."""
        if not self.channel:
            return ("无接收方", "grey") if self.seq is None else ("已编号", "yellow")
        if self.code:
            return f"对方拒收 {self.code}", "red"
        if self.acknowledged_at:
            return "对方已确认", "green"
        return ("已送达，待确认", "yellow") if self.stored_at else ("待发送", "yellow")


@dataclass
class Line:
    came: list[Arrival] = field(default_factory=list)
    left: list[Departure] = field(default_factory=list)

    @property
    def receivers(self) -> dict[str, Departure]:
        """The newest version each receiver was sent."""
        newest: dict[str, Departure] = {}
        for one in self.left:
            if one.peer:
                newest.setdefault(one.peer, one)
        return newest


def of(dataset: str, record: UUID | str) -> Line:
    """The way of one record; the caller has made sure that whoever asks may see the record."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(_CAME, [record, dataset, MOST])
        came = [Arrival(at, peer, version, OPS.get(_word(op), ""), outcome, code)
                for at, peer, version, op, outcome, code in cursor.fetchall()]  # fmt: skip
        cursor.execute(_LEFT, [record, dataset, MOST])
        left = [
            Departure(at, version, OPS.get(_word(op), ""), owner, channel or "", peer or "", kind or "", seq, batch,
                      stored, acknowledged, code or "", reason or "")
            for at, version, op, owner, channel, peer, kind, seq, batch, stored, acknowledged, code, reason
            in cursor.fetchall()
        ]  # fmt: skip
    return Line(came, left)


def _word(op: Any) -> str:
    return op.decode() if isinstance(op, bytes) else str(op)
