"""What the published procedures cite: steps, their outcomes, deadlines and timers, each with its article."""

from collections.abc import Iterator
from datetime import date, timedelta

from jinzhi.casework import documents, procedures
from jinzhi.casework.procedures import Procedure
from jinzhi.registry.laws.citations import Citation, cite


def citations() -> Iterator[Citation]:
    """Every step and deadline of every version of every procedure, and every kind of document."""
    found = [procedures.parse(procedures.read(path), path.name) for path in procedures.files()]
    ends = _ends(found)
    for procedure in found:
        yield from _of(procedure, ends[procedure.key, procedure.version])
    for kind in documents.kinds().values():
        yield from cite(kind.law, kind="文书", title=kind.title)


def _ends(found: list[Procedure]) -> dict[tuple[str, int], date | None]:
    """The last day of each version: as it says, or the day before a later one takes new cases."""
    ends: dict[tuple[str, int], date | None] = {}
    for one in found:
        later = [p.valid_from for p in found if p.key == one.key and p.valid_from > one.valid_from]
        ends[one.key, one.version] = one.valid_to or (min(later) - timedelta(days=1) if later else None)
    return ends


def _of(procedure: Procedure, until: date | None) -> Iterator[Citation]:
    facts = {
        "url": f"/procedures/{procedure.key}/{procedure.version}/",
        "valid_from": procedure.valid_from,
        "valid_to": until,
    }
    name = f"{procedure.name}（第 {procedure.version} 版）"
    yield from cite(procedure.law, kind="程序", title=name, **facts)
    for step in procedure.steps.values():
        yield from cite(step.law, kind="程序环节", title=step.name, detail=name, **facts)
        for outcome in step.outcomes:
            words = f"{step.name}：{outcome.label}"
            yield from cite(outcome.law, kind="办理结果", title=words, detail=name, **facts)
        if step.timer:
            yield from cite(step.timer.law, kind="期限届满", title=step.name, detail=name, **facts)
    for deadline in procedure.deadlines:
        yield from cite(deadline.law, kind="期限届满", title=deadline.label, detail=name, **facts)
