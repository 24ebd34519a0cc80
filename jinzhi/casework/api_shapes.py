"""What the interface says of a case: its state, open steps with what may be done, limits, story, documents."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Schema

from jinzhi.casework import actions, clocks, documents, forms_of_acts, presenting
from jinzhi.casework.actions import Actor
from jinzhi.casework.api_fields import FieldAnswer, fields
from jinzhi.casework.models import Case, Clock, Step
from jinzhi.foundation.people.roles import name as role_name
from jinzhi.foundation.places.services import name_path


class ProcedureRef(Schema):
    key: str
    version: int
    name: str
    rule_set: str


class ActionAnswer(Schema):
    key: str
    label: str
    reason_required: bool
    law: str = ""
    documents: list[str] = []
    fields: list[FieldAnswer] = []


class OpenStep(Schema):
    id: int
    key: str
    name: str
    kind: str
    role: str
    role_name: str
    agency: str
    opened_at: datetime
    law: str
    actions: list[ActionAnswer]


class PauseAnswer(Schema):
    since: date
    until: date | None
    ground: str
    law: str


class ClockAnswer(Schema):
    """`remaining` counts working days up to the due day; below zero when it is past."""

    key: str
    title: str
    kind: str
    kind_name: str
    owner: str
    state: str
    state_name: str
    unit: str
    limit: int
    extended: int
    started_on: date
    due: date
    due_at: datetime | None
    provisional: bool
    stopped_on: date | None
    remaining: int | None
    lamp: str
    lamp_name: str
    why: list[str]
    law: str
    rule: str
    mark: str
    step: str
    pauses: list[PauseAnswer]


class EventAnswer(Schema):
    """`at` is when it happened, `recorded_at` when it was written: later for what was entered afterwards."""

    seq: int
    at: datetime
    recorded_at: datetime
    kind: str
    sentence: str


class DocumentAnswer(Schema):
    kind: str
    title: str
    number: str
    issued_at: datetime | None
    url: str


class CaseAnswer(Schema):
    number: str
    title: str
    procedure: ProcedureRef
    state: str
    state_name: str
    outcome: str
    outcome_name: str
    enterprise: UUID | None
    subject_name: str
    subject_code: str
    agency: str
    agency_name: str
    place: int
    place_name: str
    channel: str
    received_on: date
    accepted_on: date | None
    decided_on: date | None
    closed_on: date | None
    rule_date: date
    entered_on: date | None
    data: dict[str, Any]
    steps: list[OpenStep]
    actions: list[ActionAnswer]
    clocks: list[ClockAnswer]
    events: list[EventAnswer]
    documents: list[DocumentAnswer]


def case_answer(case: Case, actor: Actor, gone: bool = False) -> dict:
    """Everything `actor` may know of the case as plain JSON; `gone`: it has left the actor's jurisdiction."""
    applicant = actor.post is None
    rest: dict[str, list] = {name: [] for name in ("steps", "actions", "clocks", "events", "documents")}
    if not gone:
        rest = {
            "steps": _steps(case, actor),
            "actions": _whole(case, actor),
            "clocks": [
                _clock(c) for c in presenting.shown_clocks(case) if not (applicant and c.clock.step_id)
            ],
            "events": _events(case, applicant),
            "documents": _documents(case, applicant),
        }
    version = case.procedure
    answer = CaseAnswer(
        number=case.number,
        title=case.title,
        procedure=ProcedureRef(
            key=version.key, version=version.version, name=version.name, rule_set=version.rule_set
        ),
        state=case.state,
        state_name=case.get_state_display(),
        outcome=case.outcome,
        outcome_name=case.outcome_label,
        enterprise=case.enterprise_id,
        subject_name=case.subject_name,
        subject_code=case.subject_code,
        agency=case.agency.key,
        agency_name=case.agency.name,
        place=case.place,
        place_name=name_path(case.place),
        channel=case.channel,
        received_on=case.received_on,
        accepted_on=case.accepted_on,
        decided_on=case.decided_on,
        closed_on=case.closed_on,
        rule_date=case.rule_date,
        entered_on=case.entered_on,
        data=case.data,
        **rest,
    )
    return answer.model_dump(mode="json")


# -- steps and acts


def _steps(case: Case, actor: Actor) -> list[OpenStep]:
    """Where the case stands: steps of people with what this actor may do there, and what it waits for."""
    opened = case.steps.filter(state=Step.State.OPEN).exclude(kind__in=("parallel", "countersign"))
    found = []
    for step in opened.select_related("agency").order_by("id"):
        node = case.definition.steps.get(step.key)
        found.append(
            OpenStep(
                id=step.pk, key=step.key, name=step.name, kind=step.kind, role=step.role,
                role_name=role_name(step.role) if step.role else "", agency=step.agency.name if step.agency else "",
                opened_at=step.opened_at, law=node.law if node else "", actions=_offered(case, step, actor),
            )
        )  # fmt: skip
    return found


def _offered(case: Case, step: Step, actor: Actor) -> list[ActionAnswer]:
    """The buttons of the step's page for this actor."""
    keys = [key for key, kind in actions.registry.items() if kind.open_to(case, step, actor)]
    return [_action(case, step, forms_of_acts.describe(case, step, key, actor)) for key in keys]


def _whole(case: Case, actor: Actor) -> list[ActionAnswer]:
    """Acts on the whole case."""
    closed = case.state == Case.State.CLOSED
    offered = [a for a in actions.registry.values() if a.whole_case and a.on_closed == closed]
    keys = [a.key for a in offered if a.open_on(case, actor)]
    return [_action(case, None, forms_of_acts.describe(case, None, key, actor)) for key in keys]


def _action(case: Case, step: Step | None, described: dict) -> ActionAnswer:
    return ActionAnswer(
        key=described["key"],
        label=described["label"],
        reason_required=bool(described["reason"] or described.get("again")),
        law=described["law"],
        documents=described["documents"],
        fields=fields(case, step, described["key"], described),
    )


# -- limits, story, documents


def _clock(shown: presenting.ShownClock) -> ClockAnswer:
    clock, runs = shown.clock, shown.clock.state in (Clock.State.RUNNING, Clock.State.PAUSED)
    return ClockAnswer(
        key=clock.key,
        title=clock.title,
        kind=clock.kind,
        kind_name=clock.get_kind_display(),
        owner=clock.owner,
        state=clock.state,
        state_name=clock.get_state_display(),
        unit=clock.unit,
        limit=clock.limit,
        extended=clock.extended,
        started_on=clock.start_day,
        due=clocks.due_day(clock),
        due_at=clock.due_at,
        provisional=shown.provisional,
        stopped_on=clock.stopped_on,
        remaining=shown.lamp.remaining if runs else None,
        lamp=shown.lamp.colour if runs else "none",
        lamp_name=shown.lamp.text if runs else clock.get_state_display(),
        why=shown.why,
        law=clock.law,
        rule=clock.rule,
        mark=shown.mark,
        step=clock.step.key if clock.step else "",
        pauses=[
            PauseAnswer(since=p.since, until=p.until, ground=p.ground, law=p.law) for p in clock.pauses.all()
        ],
    )


def _events(case: Case, applicant: bool) -> list[EventAnswer]:
    told = case.events.filter(public=True) if applicant else case.events.all()
    return [
        EventAnswer(seq=e.seq, at=e.at, recorded_at=e.recorded_at, kind=e.kind, sentence=e.sentence)
        for e in told.order_by("seq")
    ]


def _documents(case: Case, applicant: bool) -> list[DocumentAnswer]:
    return [
        DocumentAnswer(kind=d.kind, title=d.title, number=d.number, issued_at=d.issued_at, url=d.url)
        for d in documents.of_case(case, for_applicant=applicant)
    ]
