"""Where a case goes next: opening and leaving steps, parallel blocks and their joins.

Every function here runs inside a transaction that has locked the case row in a statement of its own
before reading any step. Reading open steps in the locking statement itself loses parallel joins.
"""

from datetime import date, datetime

from jinzhi.casework import clocks
from jinzhi.casework.models import Case, Clock, Step
from jinzhi.casework.procedures import END, JOIN, StepDef
from jinzhi.foundation.people.models import Agency

LEVELS = ("county", "city", "province")
WIDTHS = {"county": 1_000_000, "city": 100_000_000, "province": 10_000_000_000}


class NoAgency(LookupError):
    """No agency of that level answers for the place of the case."""


def agency_at(place: int, level: str) -> Agency:
    """The agency of `level` that answers for `place`, or the next one above it. Raises NoAgency."""
    seats = {c: place // WIDTHS[c] * WIDTHS[c] for c in LEVELS[LEVELS.index(level) :]}
    found = {a.level: a for a in Agency.objects.filter(place__in=seats.values(), valid_to=None)}
    for candidate, seat in seats.items():
        if candidate in found and found[candidate].place == seat:
            return found[candidate]
    raise NoAgency(f"没有管辖 {place:012d} 的{dict(Agency.Level.choices)[level]}级机构")


def agency_of(case: Case, step: StepDef) -> Agency | None:
    if step.role == "applicant":
        return None
    level = case.facts.get("deciding_level", "county") if step.level == "deciding" else step.level
    return agency_at(case.place, level)


def open_step(
    case: Case, key: str, at: datetime, day: date, parent: Step | None = None, origin: Step | None = None
) -> None:
    """Put a token on `key`: a user step, a whole parallel block, or the end of the case.

    `parent` is the open block it lies in, `origin` the step whose act led here.
    """
    if key.startswith(END):
        close_case(case, key.removeprefix(END), day)
        return
    node = case.definition.step(key)
    step = Step.objects.create(
        case=case, place=case.place, key=key, name=node.name, kind=node.kind, parent=parent, origin=origin,
        role=node.role, agency=agency_of(case, node) if node.kind == "user" else None, opened_at=at,
    )  # fmt: skip
    if node.limit:
        clocks.start(case, f"step:{key}", f"{node.name}期限", node.limit, day, step=step)
    for branch in node.branches:
        open_step(case, branch, at, day, parent=step, origin=origin)


def close_step(step: Step, state: str, at: datetime, day: date, **fields) -> None:
    """Take the token off and stop the step's own clock."""
    step.state, step.closed_at = state, at
    for name, value in fields.items():
        setattr(step, name, value)
    step.save()
    for clock in step.clocks.filter(state__in=[Clock.State.RUNNING, Clock.State.PAUSED]):
        clocks.stop(clock, day) if state == Step.State.DONE else clocks.void(clock, day)


def arrive(
    case: Case, leaving: Step, target: str, at: datetime, day: date, origin: Step | None = None
) -> None:
    """Move the token that was on `leaving` (already closed) to `target`."""
    origin = origin or leaving
    if target != JOIN:
        open_step(case, target, at, day, parent=leaving.parent, origin=origin)
        return
    block = leaving.parent
    assert block is not None, "a join lies in a parallel block"
    if Step.objects.filter(parent=block, state=Step.State.OPEN).exists():
        return  # the other branches are still at work
    close_step(block, Step.State.DONE, at, day)
    arrive(case, block, case.definition.step(block.key).next, at, day, origin)


def cancel(step: Step, at: datetime, day: date) -> list[str]:
    """Close a token and everything inside it; answers the names of the user steps this closed."""
    names = [] if step.kind == "parallel" else [step.name]
    for child in Step.objects.filter(parent=step, state=Step.State.OPEN):
        names += cancel(child, at, day)
    close_step(step, Step.State.CANCELLED, at, day)
    return names


def send_back(case: Case, leaving: Step, target: str, at: datetime, day: date) -> list[str]:
    """Reopen the earlier step `target`; returns the names of the steps this closed.

    Inside one branch the siblings stay; across the fork they are closed. Going back into a block that
    has already joined reopens the block with that branch alone.
    """
    wanted = case.definition.blocks(target)  # outermost first
    closed: list[str] = []
    block = leaving.parent
    while block is not None and block.key not in wanted:
        closed += cancel(block, at, day)
        block = block.parent
    for key in wanted[wanted.index(block.key) + 1 if block else 0 :]:
        block = Step.objects.create(
            case=case, place=case.place, key=key, name=case.definition.step(key).name, kind="parallel",
            parent=block, opened_at=at,
        )  # fmt: skip
    open_step(case, target, at, day, parent=block)
    return closed


def close_case(case: Case, outcome: str, day: date) -> None:
    """The case is over: no open step, no running clock is left."""
    case.state, case.outcome, case.closed_on = Case.State.CLOSED, outcome, day
    for clock in case.clocks.filter(state__in=[Clock.State.RUNNING, Clock.State.PAUSED]):
        clocks.void(clock, day)
