"""`/api/v1/procedures`, `/cases` and `/attachments`: what the pages do, for programs.

Procedures are public. Cases are seen and acted on with the powers of the token's post or enterprise.
"""

from datetime import date
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Path, Query, Router, Schema

from jinzhi.casework import api_cases
from jinzhi.casework.clocks import limit_text
from jinzhi.casework.intake import NotInForce, version_on
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import Procedure, StepDef
from jinzhi.foundation import calendar, forms, rules
from jinzhi.foundation.forms.schema import json_schema
from jinzhi.foundation.people.roles import name as role_name

PREFIX = ""
router = Router()
router.add_router("", api_cases.router)

Key = Annotated[str, Path(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]


class VersionAnswer(Schema):
    version: int
    valid_from: date
    valid_to: date | None
    law: str


class ProcedureLine(Schema):
    key: str
    name: str
    matter: str
    versions: list[VersionAnswer]


class LimitAnswer(Schema):
    """A limit as the rules of that day set it; `value` is null where no number is set."""

    key: str
    title: str
    owner: str
    value: int | None
    unit: str
    text: str
    law: str
    mark: str
    promised: str
    extension: str


class OutcomeAnswer(Schema):
    action: str
    label: str
    next: str
    law: str
    reason: bool
    starts: list[str]
    stops: list[str]
    documents: list[str]


class StepAnswer(Schema):
    key: str
    name: str
    kind: str
    role: str
    role_name: str
    level: str
    law: str
    limit: str
    back: list[str]
    branches: list[str]
    next: str
    outcomes: list[OutcomeAnswer]


class FormAnswer(Schema):
    """`data_schema` is the JSON Schema of a complete submission; POST /cases takes it as `data`."""

    key: str
    version: int
    title: str
    data_schema: dict[str, Any]


class ProcedureAnswer(Schema):
    key: str
    name: str
    matter: str
    version: int
    rule_set: str
    valid_from: date
    valid_to: date | None
    law: str
    summary: str
    kind: str
    closed: str
    on: date
    start: str
    steps: list[StepAnswer]
    clocks: list[LimitAnswer]
    form: FormAnswer
    digest: str


@router.get("/procedures", response=list[ProcedureLine], tags=["procedures"], summary="办理流程及其版本")
def procedures(request: HttpRequest):
    """Every published procedure with its versions, the newest first."""
    lines: dict[str, dict] = {}
    for found in ProcedureVersion.objects.order_by("key", "-valid_from", "-version"):
        line = lines.setdefault(
            found.key, {"key": found.key, "name": found.name, "matter": found.matter, "versions": []}
        )
        line["versions"].append(
            {
                "version": found.version,
                "valid_from": found.valid_from,
                "valid_to": found.valid_to,
                "law": found.procedure.law,
            }
        )
    return list(lines.values())


@router.get(
    "/procedures/{key}",
    response=ProcedureAnswer,
    tags=["procedures"],
    summary="某日施行的流程定义",
    by_alias=True,
)
def procedure(request: HttpRequest, key: Key, on: Annotated[date | None, Query()] = None):
    """The definition in force on a day (today when not given), with its limits and the schema of its form."""
    day = on or calendar.today()
    if not ProcedureVersion.objects.filter(key=key).exists():
        raise Http404(f"没有名为“{key}”的办理流程。")
    try:
        found = version_on(key, day)
    except NotInForce as fault:
        raise Http404(fault.message) from None
    return _definition(found, day)


def _definition(found: ProcedureVersion, day: date) -> dict:
    p = found.procedure
    form = forms.get(p.form, p.form_version)
    return {
        "key": p.key,
        "name": p.name,
        "matter": p.matter,
        "version": p.version,
        "rule_set": p.rule_set,
        "valid_from": p.valid_from,
        "valid_to": p.valid_to,
        "law": p.law,
        "summary": p.summary,
        "kind": p.kind,
        "closed": p.closed,
        "on": day,
        "start": p.start,
        "steps": [_step(s, day) for s in p.steps.values()],
        "clocks": _clocks(p, day),
        "form": {
            "key": form.key,
            "version": form.version,
            "title": form.title,
            "data_schema": json_schema(form, day),
        },
        "digest": found.digest,
    }


def _value(key: str, day: date) -> rules.Value | None:
    try:
        return rules.value(key, on=day) if key else None
    except rules.NoRule:
        return None


def shown_limit(key: str, day: date) -> str:
    """The limit a rule sets on that day, in words; empty where it sets none."""
    value = _value(key, day)
    return limit_text(int(value.value), value.unit) if value else ""


def _step(step: StepDef, day: date) -> dict:
    return {
        "key": step.key,
        "name": step.name,
        "kind": step.kind,
        "role": step.role,
        "role_name": role_name(step.role) if step.role else "",
        "level": step.level,
        "law": step.law,
        "limit": shown_limit(step.limit, day),
        "back": step.back,
        "branches": step.branches,
        "next": step.next,
        "outcomes": [
            {
                "action": o.action,
                "label": o.label,
                "next": o.next,
                "law": o.law or step.law,
                "reason": o.reason,
                "starts": o.starts,
                "stops": o.stops,
                "documents": o.documents,
            }
            for o in step.outcomes
        ],
    }


def _clocks(p: Procedure, day: date) -> list[dict]:
    lines = []
    for clock in p.clocks.values():
        value = _value(clock.rule, day)
        lines.append(
            {
                "key": clock.key,
                "title": clock.title,
                "owner": clock.owner,
                "value": int(value.value) if value else None,
                "unit": value.unit if value else "",
                "text": shown_limit(clock.rule, day),
                "law": value.basis if value else "",
                "mark": value.mark_title if value else "",
                "promised": shown_limit(clock.promised, day),
                "extension": shown_limit(clock.extension, day),
            }
        )
    return lines
