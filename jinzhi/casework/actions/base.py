"""What every act on a case has in common: lock, check the power, act, log; all or nothing.

`perform` is the only way in. It locks the case row in a statement of its own, then reads the step: of two
people who decide at once the second finds the step closed and is told who was first.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

import psycopg
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from jinzhi.casework import clocks, events, rows
from jinzhi.casework.models import Case, Step
from jinzhi.casework.procedures import Outcome, StepDef
from jinzhi.casework.refusals import AlreadyDone, NoPower, Refused
from jinzhi.foundation import calendar
from jinzhi.foundation.numbering import NumberingError
from jinzhi.foundation.people.models import Account, Agency, Post, Power

RETRIES = 3


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, the post it acts in, and that post's powers (delegated ones carry their giver)."""

    account: Account | None
    post: Post | None = None
    powers: tuple[Power, ...] = ()

    @property
    def is_system(self) -> bool:
        return self.account is None

    @property
    def office(self) -> Post:
        """The post acted in; asked only where officials act."""
        assert self.post is not None, "an applicant or the system has no post"
        return self.post


# What acts may change of a case; everything else was settled when it was opened.
CHANGES = (
    "procedure_id", "title", "enterprise_id", "subject_name", "subject_code", "agency_id", "place", "state", "outcome",
    "rule_date", "received_on", "accepted_on", "decided_on", "closed_on", "data", "facts", "story_length", "story_hash",
    "story_at",
)  # fmt: skip


def state_of(case: Case) -> tuple:
    """What a case is at this moment, for finding what an act changed; `facts` are changed in place."""
    return tuple(json.dumps(case.facts, default=str) if n == "facts" else getattr(case, n) for n in CHANGES)


SYSTEM = Actor(None)
RECORDS = "records_clerk"  # role that enters old cases
SIGN = "sign"  # role of a step at which somebody is asked for an opinion (加签)


@dataclass
class Act:
    """One act in progress."""

    case: Case
    step: Step | None
    action: str
    actor: Actor
    at: datetime
    reason: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None
    on_behalf: Post | None = None
    documents: list = field(default_factory=list)
    since: date | None = None  # limits that start with this act count from this day, if not from its own
    before: tuple = ()  # state_of the case when it was locked
    receiver: Agency | None = None  # at the opening of a case: the agency of its first step
    gone: bool = False  # the case has left the range of whoever acted, and was saved before
    afterwards: list[Callable[[], None]] = field(default_factory=list)  # once the case itself is saved

    @property
    def counts_from(self) -> date:
        return self.since or self.day

    def within(self, case: Case) -> "Act":
        """The same act as it reaches another case: by the system, at the same moment."""
        return Act(case, None, self.action, SYSTEM, max(self.at, case.story_at or self.at))

    def save(self) -> None:
        """Write what the act changed of the case."""
        rows.update(
            self.case,
            [n for n, a, b in zip(CHANGES, self.before, state_of(self.case), strict=True) if a != b],
        )
        clocks.refresh_urgency(self.case)

    def finish(self) -> None:
        """What the act sets off in other cases."""
        while self.afterwards:
            self.afterwards.pop(0)()

    @property
    def day(self) -> date:
        return timezone.localtime(self.at).date()

    @property
    def agency(self) -> Agency:
        """The agency that acts: the step's own, also where an archivist enters what it did then."""
        if self.step is not None and self.step.agency_id:
            held = self.actor.post.agency if self.actor.post else None
            return held if held is not None and held.pk == self.step.agency_id else self.step.agency  # type: ignore[return-value]
        if self.actor.post is None or enters_old(self.actor, self.case):
            return self.receiver or self.case.agency
        return self.actor.post.agency

    @property
    def here(self) -> Step:
        """The step acted at; asked only by acts that happen at one."""
        assert self.step is not None, f"{self.action} happens at no step"
        return self.step

    @property
    def taken(self) -> Outcome:
        """The declared outcome that is taken; asked only once it was checked."""
        assert self.outcome is not None, f"{self.action} is no outcome of this step"
        return self.outcome

    @property
    def node(self) -> StepDef:
        return self.case.definition.step(self.here.key)

    def log(self, kind: str, sentence: str, *, public: bool = True, **data) -> None:
        if self.step is not None:
            data = {"step": self.step.key} | data
        events.record(
            self.case, kind, sentence, self.at, actor=self.actor.account, post=self.actor.post,
            on_behalf=self.on_behalf, public=public, data=data,
        )  # fmt: skip

    @property
    def who(self) -> str:
        name = events.signature(self.actor.account, self.actor.post, self.on_behalf)
        return f"{name}（补录）" if enters_old(self.actor, self.case) else name


def matching_power(actor: Actor, case: Case, step: Step) -> Power | None:
    """The power under which `actor` may act at this step, or None. Own powers come before delegated ones."""
    if actor.post is None or step.agency_id is None:
        return None
    if enters_old(actor, case) and step.role != "applicant":
        return Power(post=actor.post, role=RECORDS)
    if step.kind == "sign":  # the post that was asked, or who stands in for it
        standing = {actor.post.pk: actor.post} | {p.post_id: p.post for p in actor.powers}
        asked = standing.get(step.assignee_id or 0)
        return Power(post=asked, role=SIGN) if asked else None
    for power in sorted(actor.powers, key=lambda p: p.post_id != actor.office.pk):
        agency_id = actor.post.agency_id if power.post_id == actor.post.pk else power.post.agency_id
        if (
            agency_id == step.agency_id
            and power.role == step.role
            and power.procedure in ("", case.definition.key)
            and power.step in ("", step.key)
            and step.assignee_id in (None, power.post_id)
        ):
            return power
    return None


def enters_old(actor: Actor, case: Case) -> bool:
    """Whether the actor enters an old case later: the records clerk enters what everybody did then."""
    if case.entered_on is None or actor.post is None:
        return False
    return any(p.role == RECORDS and p.post_id == actor.office.pk for p in actor.powers)


def may_act(actor: Actor, case: Case, step: Step) -> bool:
    """Whether this actor holds the step; separation of duties is judged separately when acting."""
    if actor.account is None:
        return True
    if step.role == "applicant":
        own = actor.account.enterprise_id
        return (own is not None and own == case.enterprise_id) or enters_old(actor, case)
    return matching_power(actor, case, step) is not None


class Action:
    """One kind of act. Subclasses say when it is open to an actor and what it does."""

    key: ClassVar[str]
    label: ClassVar[str]
    style: ClassVar[str] = "secondary"
    needs_reason: ClassVar[bool] = False
    for_applicant: ClassVar[bool] = False
    whole_case: ClassVar[bool] = False  # concerns the case, not one open step of it
    on_closed: ClassVar[bool] = False  # is for cases that are over
    at_kinds: ClassVar[tuple[str, ...]] = ("user",)  # kinds of steps it happens at
    by_system: ClassVar[bool] = False  # happens by itself, nobody does it
    asks: ClassVar[
        tuple[tuple[str, str, tuple], ...]
    ] = ()  # (name, question, choices) of an act declared by a room

    def open_to(self, case: Case, step: Step, actor: Actor) -> bool:
        """Whether the button is shown at this step. At its own steps an applicant has what they declare, no more."""
        if step.role == "applicant" and case.definition.step(step.key).outcome(self.key) is None:
            return False
        return (
            step.kind in self.at_kinds
            and (actor.is_system or not self.by_system)
            and may_act(actor, case, step)
        )

    def open_on(self, case: Case, actor: Actor) -> bool:
        """Whether an act on the whole case is offered to somebody who may see the case."""
        return False

    def check(self, act: Act) -> None:
        """Raise Refused with what is missing."""

    def run(self, act: Act) -> None:
        raise NotImplementedError


registry: dict[str, Action] = {}


def register(cls: type[Action]) -> type[Action]:
    registry[cls.key] = cls()
    return cls


def _require_open(step: Step) -> None:
    if step.state == Step.State.OPEN:
        return
    if step.account_id:
        when = timezone.localtime(step.closed_at)
        outcome = step.case.definition.step(step.key).outcome(step.action)
        done = outcome.label if outcome else step.get_state_display()
        raise AlreadyDone(f"此环节已由 {step.account} 于 {when:%Y-%m-%d %H:%M} 办理：{done}")
    raise AlreadyDone(f"此环节{step.get_state_display()}，无需再办")


def _separate(act: Act) -> None:
    """不相容岗位: the person who reviewed does not decide."""
    for key in act.node.not_same_as:
        if act.case.steps.filter(key=key, state=Step.State.DONE, account=act.actor.account).exists():
            name = act.case.definition.step(key).name
            raise NoPower(f"您已办理“{name}”，不能再办理“{act.node.name}”，请由他人办理")


def perform(
    case_id, action: str, step_id: int | None, actor: Actor, *, reason: str = "",
    payload: dict | None = None, at: datetime | None = None,
) -> Act:  # fmt: skip
    """Do one act. Raises Refused (nothing has happened then), Case.DoesNotExist outside the scope."""
    if connection.in_atomic_block:
        return _once(case_id, action, step_id, actor, reason, payload, at)
    for attempt in range(RETRIES):  # two cases that lock each other: the database ends one of the two
        try:
            return _once(case_id, action, step_id, actor, reason, payload, at)
        except OperationalError as fault:
            if not isinstance(fault.__cause__, psycopg.errors.DeadlockDetected) or attempt == RETRIES - 1:
                raise
    raise AssertionError("unreachable")


def _once(
    case_id, action: str, step_id: int | None, actor: Actor, reason: str, payload: dict | None,
    at: datetime | None,
) -> Act:  # fmt: skip
    with transaction.atomic(), calendar.pinned():
        act = _perform(case_id, action, step_id, actor, reason.strip(), payload or {}, at)
        act.finish()
        return act


def _perform(
    case_id, action: str, step_id: int | None, actor: Actor, reason: str, payload: dict, at: datetime | None
) -> Act:
    case = rows.one(Case, "id = %s FOR UPDATE", [case_id])
    step = rows.one(Step, "id = %s AND case_id = %s", [step_id, case.pk]) if step_id else None
    if step is not None:
        step.case = case
    kind = registry[action]
    if actor.post and actor.post.agency_id == case.agency_id:
        case.agency = actor.post.agency  # already read
    act = Act(case, step, action, actor, moment(case, at), reason, payload, before=state_of(case))
    if step is not None:
        _require_open(step)
        _require_power(act, kind)
        act.outcome = act.node.outcome(action) if step.kind != SIGN else None
    elif not kind.whole_case:
        raise Refused("请在本件的待办环节上办理")
    elif kind.on_closed != (case.state == Case.State.CLOSED):
        if kind.on_closed:
            raise Refused("本件尚未办结")
        raise AlreadyDone(f"此办件已于 {case.closed_on:%Y-%m-%d} 办结：{case.outcome_label}")
    if kind.needs_reason and not act.reason:
        raise Refused("请填写理由", "reason")
    kind.check(act)
    try:
        kind.run(act)
    except NumberingError as fault:  # a series is used up
        raise Refused(str(fault)) from None
    if not act.gone:
        act.save()
    return act


def _require_power(act: Act, kind: Action) -> None:
    case, step, actor = act.case, act.here, act.actor
    if not may_act(actor, case, step):
        raise NoPower("您当前的任职无权办理此环节")
    if not actor.is_system and step.role != "applicant":
        power = matching_power(actor, case, step)
        assert power is not None  # may_act found it
        act.on_behalf = power.post if power.post_id != actor.office.pk else None
        if step.kind != SIGN and power.role != RECORDS:
            _separate(act)
    if not kind.whole_case and not kind.open_to(case, step, actor):
        raise NoPower(f"“{act.node.name}”环节不能办理“{kind.label}”")


def moment(case: Case, at: datetime | None) -> datetime:
    """When an act takes place: no earlier than the one before it, though a clock may have been set back."""
    last = case.story_at
    if at is None:
        return max(timezone.now(), last) if last else timezone.now()
    if last and at < last:
        if timezone.localtime(at).date() < timezone.localtime(last).date():
            raise Refused(f"办理日期不能早于上一次办理的日期（{timezone.localtime(last):%Y-%m-%d}）", "on")
        return last
    return at
