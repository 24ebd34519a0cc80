"""Where a case goes next: opening and leaving steps, blocks and their joins, what happens by itself.

Every function here runs inside a transaction that has locked the case row in a statement of its own
before reading any step. Reading open steps in the locking statement itself loses parallel joins.
An `act` is the act in progress (actions.base.Act): the case, who acts, the moment, the story.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from jinzhi.casework import clocks, documents, hooks, rows
from jinzhi.casework.models import LIVE, Case, Clock, Step
from jinzhi.casework.procedures import END, JOIN, Deadline, Outcome, StepDef
from jinzhi.casework.refusals import NoAgency, Refused
from jinzhi.foundation import rules
from jinzhi.foundation.people.models import Agency

if TYPE_CHECKING:
    from jinzhi.casework.actions.base import Act

CLOSING = ("state", "closed_at")
COLUMNS = {"account": "account_id", "post": "post_id", "on_behalf": "on_behalf_id"}
LEVELS = ("county", "city", "province")
WIDTHS = {"county": 1_000_000, "city": 100_000_000, "province": 10_000_000_000}
TOLD = "special_procedure_notice"
WINDOW = "window_clerk"  # who serves a notice that cannot be served electronically


def agency_at(place: int, level: str) -> Agency:
    """The agency of `level` that answers for `place`, or the next one above it. Raises NoAgency."""
    seats = {c: place // WIDTHS[c] * WIDTHS[c] for c in LEVELS[LEVELS.index(level) :]}
    found = {a.level: a for a in Agency.objects.filter(place__in=seats.values(), valid_to=None)}
    for candidate, seat in seats.items():
        if candidate in found and found[candidate].place == seat:
            return found[candidate]
    raise NoAgency(f"没有管辖 {place:012d} 的{dict(Agency.Level.choices)[level]}级机构")


def agency_of(case: Case, step: StepDef) -> int | None:
    """Key of the agency that acts at a step; of the applicant's own steps none."""
    if step.role == "applicant":
        return None
    level = case.facts.get("deciding_level", "county") if step.level == "deciding" else step.level
    if level == case.agency.level and case.agency.place == case.place and case.agency.valid_to is None:
        return case.agency_id
    return agency_at(case.place, level).pk


def open_step(act: Act, key: str, parent: Step | None = None, origin: Step | None = None) -> None:
    """Put a token on `key`, or end the case. What needs nobody is done at once and the token moves on.

    `parent` is the open block it lies in, `origin` the step whose act led here.
    """
    if key.startswith(END):
        close_case(act, key.removeprefix(END))
        return
    case = act.case
    node = case.definition.step(key)
    personal = node.kind in ("user", "notice")
    role = node.role or (WINDOW if node.kind == "notice" else "")
    step = Step(
        case=case, place=case.place, key=key, name=node.name, kind=node.kind, parent=parent, origin=origin,
        role=role, agency_id=agency_of(case, node) if personal else None, opened_at=act.at,
    )  # fmt: skip
    rows.insert(step)
    if node.limit and not node.signers:
        clocks.start(
            case,
            f"step:{key}",
            f"{node.name}期限",
            node.limit,
            act.day,
            step=step,
            kind=Clock.Kind.STEP,
            at=act.at,
        )
    _hold_clocks(act, step, node)
    ARRIVALS.get(node.kind, _wait)(act, step, node)


def _wait(act: Act, step: Step, node: StepDef) -> None:
    """Somebody has to act, or a limit to run out."""


def _hold_clocks(act: Act, step: Step, node: StepDef) -> None:
    """The limits that do not count while the case is here (行政许可法第四十五条)."""
    if not node.pauses:
        return
    notice = next((d.number for d in act.documents if d.kind == TOLD), "") or _told(act.case)
    for clock in clocks.named(act.case, node.pauses):
        if clock.state == Clock.State.RUNNING and clocks.is_over(clock, act.day):
            continue
        clocks.pause(clock, act.day, node.ground, node.law, notice, step=step)


def _told(case: Case) -> str:
    """Number of the newest notice of the time a special procedure takes; one covers what follows from it."""
    told = documents.of_case(case).filter(kind=TOLD).last()
    return told.number if told else ""


def _fork(act: Act, step: Step, node: StepDef) -> None:
    branches = node.branches[:1] if node.sequential else node.branches
    for branch in branches:
        open_step(act, branch, parent=step, origin=step.origin)


def _decide(act: Act, step: Step, node: StepDef) -> None:
    """The table decides; its row is the reason."""
    table = rules.table(node.table, on=act.case.rule_date)
    facts = {name: act.case.found(path) for name, path in node.inputs}
    try:
        answer = table.decide(**facts)
    except rules.NoDecision as fault:
        raise Refused(str(fault)) from None
    outcome = node.outcome(str(answer["outcome"]))
    assert outcome is not None, (
        f"{node.key}: {node.table} says {answer['outcome']}, which the step does not have"
    )
    result = {"inputs": facts, "answer": answer}
    close_step(step, Step.State.DONE, act, action=outcome.action, result=result)
    act.log(
        "decision", f"“{node.name}”按《{table.law}》{table.article}判定：{outcome.label}。", public=False,
        step=node.key, **result,
    )  # fmt: skip
    follow(act, step, outcome)


def _call(act: Act, step: Step, node: StepDef) -> None:
    """Open a case of another procedure; this step ends when that case does."""
    from jinzhi.casework import intake  # it opens cases with this module

    case = act.case
    version = intake.version_on(node.procedure, act.day)
    data = {name: case.found(path) for name, path in node.passes}
    child = intake.begin(
        version, data, act.actor, place=case.place, subject_name=case.subject_name, subject_code=case.subject_code,
        enterprise_id=case.enterprise_id, applicant=case.applicant, at=act.at, parent_step=step, is_demo=case.is_demo,
        entered_on=case.entered_on, rule_date=case.rule_date if case.entered_on else None,
    )  # fmt: skip
    step.result = {"case": child.number}
    step.save(update_fields=["result"])
    act.log("subcase", f"就“{node.name}”另立办件 {child.number}。", step=node.key, number=child.number)


def _notify(act: Act, step: Step, node: StepDef) -> None:
    """Make the document; who has an account is served electronically at once, others by a person."""
    document = documents.issue(node.document, act)
    act.documents = [*act.documents, document]
    step.result = {"document": str(document.pk)}
    step.save(update_fields=["result"])
    if node.role or act.case.applicant_id is None:
        act.log("notice", f"制作《{document.title}》{document.number}，待送达。", step=node.key)
        return
    documents.serve(act, document, "electronic", act.day)
    outcome = node.outcome("serve")
    assert outcome is not None, "the linter asks for it"
    close_step(step, Step.State.DONE, act, action="serve", result=step.result)
    act.log("serve", f"《{document.title}》{document.number}已通过网上办事平台电子送达。", step=node.key)
    follow(act, step, outcome)


ARRIVALS = {
    "parallel": _fork, "countersign": _fork, "decision": _decide, "subprocess": _call, "notice": _notify,
}  # fmt: skip


def follow(act: Act, step: Step, outcome: Outcome, tell: Callable[[], None] | None = None) -> None:
    """What an outcome does once its step is closed: limits, effect, documents, and on to the next step.

    `tell` adds its sentence to the story before what follows adds its own.
    """
    act.outcome, former = outcome, act.outcome
    _consequences(act, outcome)
    if tell:
        tell()
    act.outcome = former
    arrive(act, step, outcome.next)


def _consequences(act: Act, declared: Outcome | Deadline) -> None:
    case = act.case
    for clock in clocks.named(case, declared.stops):
        clocks.stop(clock, act.day, act.at)
    for key in filter(lambda k: clocks.applies(case, k), declared.starts):
        if not clocks.named(case, [key]):  # else an internal return came back here: the limit never stopped
            clocks.begin(case, key, act.counts_from, act.at)
    hooks.run(declared.effect, act)
    act.documents = [*act.documents, *(documents.issue(kind, act) for kind in declared.documents)]


def proceed(act: Act, deadline: Deadline) -> None:
    """What the end of a limit of the whole case leads to; every step has been closed before."""
    _consequences(act, deadline)
    open_step(act, deadline.next)


def close_step(step: Step, state: str, act: Act, **fields) -> None:
    """Take the token off, stop the step's own clock, let the limits it held count again."""
    step.state, step.closed_at = state, act.at
    for name, value in fields.items():
        setattr(step, name, value)
    rows.update(step, [*CLOSING, *(COLUMNS.get(name, name) for name in fields)])
    node = act.case.definition.step(step.key)
    if node.limit:
        for clock in step.clocks.filter(state__in=clocks.RUNNING):
            clocks.stop(clock, act.day) if state == Step.State.DONE else clocks.void(clock, act.day)
    if node.pauses and step.kind == node.kind:
        for clock in clocks.named(act.case, node.pauses):
            clocks.resume(clock, act.day, step=step)


def arrive(act: Act, leaving: Step, target: str, origin: Step | None = None) -> None:
    """Move the token that was on `leaving` (already closed) to `target`."""
    origin = origin or leaving
    if target != JOIN:
        open_step(act, target, parent=leaving.parent, origin=origin)
        return
    block = leaving.parent
    assert block is not None, "a join lies in a parallel block"
    node = act.case.definition.step(block.key)
    if node.signers:
        _countersigned(act, block, node, origin)
        return
    if Step.objects.filter(parent=block, state__in=LIVE).exists():
        return  # the other branches are still at work
    close_step(block, Step.State.DONE, act)
    arrive(act, block, node.next, origin)


def _countersigned(act: Act, block: Step, node: StepDef, origin: Step) -> None:
    """Whether the countersigning is decided; asks the next member where they are asked one after another."""
    given = dict(block.children.filter(state=Step.State.DONE).order_by("id").values_list("key", "action"))
    verdict = quorum(node, list(given.values()))
    if verdict is None:
        if node.sequential:
            asked = set(block.children.filter(state__in=LIVE).values_list("key", flat=True)) | set(given)
            following = next((b for b in node.branches if b not in asked), None)
            if following:
                open_step(act, following, parent=block, origin=origin)
        return
    dropped = [n for s in block.children.filter(state__in=LIVE) for n in cancel(act, s)]
    outcome = node.outcome("agreed" if verdict else "disagreed")
    assert outcome is not None, "the linter asks for both"
    close_step(block, Step.State.DONE, act, action=outcome.action, result={"opinions": given})
    also = f"，“{'、'.join(dropped)}”不再征求" if dropped else ""
    agreed = sum(a == "agree" for a in given.values())
    act.log(
        "countersigned", f"“{node.name}”：{outcome.label}（{agreed} 人同意，共征求 {len(node.signers)} 人{also}）。",
        public=False, step=node.key, opinions=given,
    )  # fmt: skip
    follow(act, block, outcome)


def quorum(node: StepDef, given: list[str]) -> bool | None:
    """Whether the members agree, as soon as what is still to come cannot change it; None before."""
    total, agreed = len(node.signers), sum(a == "agree" for a in given)
    needed = {"all": total, "any": 1}.get(node.quorum)
    if needed is None:
        needed = -(-total * Fraction(node.quorum) // 1)
    if agreed >= needed:
        return True
    return False if agreed + total - len(given) < needed else None


def cancel(act: Act, step: Step) -> list[str]:
    """Close a token and everything inside it; answers the names of the people's steps this closed."""
    names = [step.name] if step.kind in ("user", "notice", "sign") else []
    for child in Step.objects.filter(parent=step, state__in=LIVE):
        names += cancel(act, child)
    for asked in Step.objects.filter(origin=step, kind="sign", state__in=LIVE):
        close_step(asked, Step.State.CANCELLED, act)
    _end_subcases(act, step)
    close_step(step, Step.State.CANCELLED, act)
    return names


def _end_subcases(act: Act, step: Step) -> None:
    if step.kind != "subprocess":
        return
    for child in Case.objects.select_for_update().filter(parent_step=step, state=Case.State.OPEN):
        part = act.within(child)
        close_everything(part)
        close_case(part, "terminated", tell_parent=False)
        part.log("terminate", f"上级办件 {act.case.number} 已离开“{step.name}”，本件终止。")
        child.save()


def close_everything(act: Act) -> None:
    """Take every token off, the innermost first."""
    for step in act.case.steps.filter(state__in=LIVE).order_by("-id"):
        _end_subcases(act, step)
        close_step(step, Step.State.CANCELLED, act)


def send_back(act: Act, leaving: Step, target: str) -> list[str]:
    """Reopen the earlier step `target`; returns the names of the steps this closed.

    Inside one branch the siblings stay; across the fork they are closed. Going back into a block that
    has already joined reopens the block with that branch alone.
    """
    case, definition = act.case, act.case.definition
    wanted = definition.blocks(target)  # outermost first
    closed: list[str] = []
    block = leaving.parent
    while block is not None and block.key not in wanted:
        closed += cancel(act, block)
        block = block.parent
    for key in wanted[wanted.index(block.key) + 1 if block else 0 :]:
        node = definition.step(key)
        block = Step.objects.create(
            case=case,
            place=case.place,
            key=key,
            name=node.name,
            kind=node.kind,
            parent=block,
            opened_at=act.at,
        )
    open_step(act, target, parent=block)
    return closed


def close_case(act: Act, outcome: str, *, tell_parent: bool = True) -> None:
    """The case is over: no open step, no running clock is left. A case that waited for it goes on."""
    case = act.case
    case.state, case.outcome, case.closed_on = Case.State.CLOSED, outcome, act.day
    for clock in case.clocks.filter(state__in=clocks.RUNNING):
        clocks.void(clock, act.day)
    if case.parent_step_id and tell_parent:
        act.afterwards.append(lambda: _return_to_parent(act, case, outcome))


def _return_to_parent(act: Act, child: Case, outcome: str) -> None:
    assert child.parent_step_id is not None, "a step called it"
    parent = Case.objects.select_for_update().get(steps=child.parent_step_id)
    step = parent.steps.get(pk=child.parent_step_id)
    if step.state != Step.State.OPEN:
        return
    node = parent.definition.step(step.key)
    taken = node.outcome(outcome) or node.outcome("*")
    assert taken is not None, "the linter asks for every end of the procedure called"
    part = act.within(parent)
    part.step = step
    parent.facts[step.key] = {"case": child.number, "outcome": outcome, **child.facts.get("answer", {})}
    close_step(
        step, Step.State.DONE, part, action=taken.action, result={"case": child.number, "outcome": outcome}
    )
    part.log("subcase", f"{child.number} 已办结（{child.outcome_label}），“{node.name}”结束。", step=step.key)
    follow(part, step, taken)
    parent.save()
    clocks.refresh_urgency(parent)
    part.finish()
