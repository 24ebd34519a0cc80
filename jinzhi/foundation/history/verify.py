"""Proves the audit trail: recomputes every hash and link and compares the end with the chain's head."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from jinzhi.foundation.history.chain import FIELDS, FIRST, canonical, sm3
from jinzhi.foundation.places import scope

BATCH = 2000

ALTERED, MISSING, REORDERED, TRUNCATED, FORGED = "altered", "missing", "reordered", "truncated", "forged"


@dataclass(frozen=True)
class Fault:
    """One break of a chain at an entry; the message is for the auditor."""

    chain: str
    seq: int
    kind: str
    message: str

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class End:
    """Where a chain ends according to its head."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Verifier:
    """A chain kept by a room above (the story of a case): `verify(chain | None)` finds its faults, `size(chain
    | None)` answers how many chains and entries there are."""

    verify: Callable[[str | None], list[Fault]]
    size: Callable[[str | None], tuple[int, int]]


verifiers: list[Verifier] = []


def heads() -> dict[str, End]:
    """The end of every chain. Written down elsewhere, it proves later that nothing before it was replaced."""
    from jinzhi.foundation.history.models import Head

    with scope.acting(scope.SYSTEM):
        return {head.chain: End(head.seq, head.hash) for head in Head.objects.order_by("chain")}


def verify(chain: str | None = None, noted: dict[str, End] | None = None) -> list[Fault]:
    """Faults of one chain or of all; empty when the trail is whole.

    `noted`: ends written down earlier (chain -> End); an entry that no longer has the hash noted is a fault.
    Reads in batches: constant memory for any length.
    """
    from jinzhi.foundation.history.models import AuditEntry

    with scope.acting(scope.SYSTEM):
        before = heads()
        written = AuditEntry.objects.order_by("chain").values_list("chain", flat=True).distinct()
        chains = [chain] if chain else sorted({*before, *written, *(noted or {})})
        faults: list[Fault] = []
        for name in chains:
            found = examine(name, _entries(name), before.get(name), (noted or {}).get(name))
            faults += _still(found, name)
        for more in verifiers:
            faults += more.verify(chain)
        return faults


def _still(faults: list[Fault], chain: str) -> list[Fault]:
    """Without what only looked like a forged end because the chain grew while it was read."""
    if not any(fault.kind == FORGED for fault in faults):
        return faults
    end = heads().get(chain)
    return [f for f in faults if f.kind != FORGED or end is None or f.seq > end.seq]


def _entries(chain: str) -> Iterator[dict[str, Any]]:
    """The entries of `chain` in order of seq, a batch at a time by key."""
    from jinzhi.foundation.history.models import AuditEntry

    seen = None
    while True:
        rows = AuditEntry.objects.filter(chain=chain).order_by("seq")
        rows = rows if seen is None else rows.filter(seq__gt=seen)
        batch = list(rows.values("id", "hash", *FIELDS)[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        seen = batch[-1]["seq"]


def examine(
    chain: str, entries: Iterable[dict[str, Any]], end: End | None, noted: End | None = None
) -> list[Fault]:
    """Faults of `entries` (in order of seq) against the chain's `end`."""
    faults: list[Fault] = []

    def fault(seq: int, kind: str, message: str) -> None:
        faults.append(Fault(chain, seq, kind, message))

    expected, prev, prev_whole, last = 1, FIRST, True, None
    for entry in entries:
        seq = entry["seq"]
        if seq > expected:
            missing = f"第 {expected} 条" if seq == expected + 1 else f"第 {expected} 至 {seq - 1} 条"
            fault(expected, MISSING, f"{missing}记录缺失")
        whole = sm3(canonical(entry)) == entry["hash"]
        if not whole:
            fault(seq, ALTERED, f"第 {seq} 条记录的内容与其散列不符，已被改动")
        elif seq == expected and prev_whole and entry["prev"] != prev:
            fault(seq, REORDERED, f"第 {seq} 条记录不是接在第 {seq - 1} 条之后，次序或前项被换")
        if last and (entry["at"] < last["at"] or entry["id"] < last["id"]):
            fault(seq, REORDERED, f"第 {seq} 条记录的时间或写入次序早于第 {last['seq']} 条")
        if noted and seq == noted.seq and entry["hash"] != noted.hash:
            fault(seq, ALTERED, f"第 {seq} 条记录的散列与先前抄存的不同，其前的记录被替换过")
        expected, prev, prev_whole, last = seq + 1, entry["hash"], whole, entry
    faults += _ending(chain, last, end, noted)
    return faults


def _ending(chain: str, last: dict[str, Any] | None, end: End | None, noted: End | None) -> Iterator[Fault]:
    reached = last["seq"] if last else 0
    if noted and reached < noted.seq:
        yield Fault(chain, reached + 1, TRUNCATED, f"先前抄存到第 {noted.seq} 条，现只到第 {reached} 条")
    if end is None:
        if last:
            yield Fault(chain, reached, FORGED, "链首登记缺失")
        return
    if reached < end.seq:
        yield Fault(
            chain, reached + 1, TRUNCATED, f"链首登记到第 {end.seq} 条，末尾缺 {end.seq - reached} 条"
        )
    elif reached > end.seq:
        more = f"链首登记到第 {end.seq} 条，其后多出 {reached - end.seq} 条"
        yield Fault(chain, end.seq + 1, FORGED, more)
    elif last and last["hash"] != end.hash:
        yield Fault(chain, reached, ALTERED, f"第 {reached} 条记录的散列与链首登记不符")
