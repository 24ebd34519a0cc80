"""Tickets between nodes: the province sees those of the cities, takes over what is escalated to it, and answers.

A city's case stays the city's. When it climbs to the province, the hub opens a case of its own (`facts.origin` names
the city's), and what the province did comes back as an answer that moves the city's case on. Asked every minute;
publishing what has not changed does nothing.
"""

import logging
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from jinzhi.casework import actions
from jinzhi.casework.models import Case, Step
from jinzhi.foundation.exchange import documents
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.exchange.models import Document
from jinzhi.network.operations import moments, opening, recording

log = logging.getLogger(__name__)
TICKET, ANSWER = "operations.ticket", "operations.answer"
INTERNAL = ("network_fault", "network_change", "security_incident")
ABOVE = ("province", "vendor")
STILL = timedelta(days=3)  # how long after its end a case is looked at


def body_of(case: Case) -> dict[str, Any]:
    """A ticket as the province sees it. Of a security incident only that there is one, and how grave."""
    facts, fault = case.facts, case.data.get("fault", {})
    iso = lambda value: value.isoformat() if isinstance(value, date | datetime) else value or None  # noqa: E731
    return {
        "number": case.number, "procedure": case.definition.key, "title": case.subject_name, "agency": case.agency.key,
        "node": facts.get("node", ""), "state": case.state, "outcome": case.outcome, "priority": facts.get("priority", ""),
        "grade": facts.get("grade_name", ""), "level": facts.get("level", ""), "received_on": iso(case.received_on),
        "closed_on": iso(case.closed_on), "began": iso(facts.get("began")), "restored": iso(facts.get("restored")),
        "impact": case.data.get("grading", {}).get("impact", ""), "urgency": case.data.get("grading", {}).get("urgency", ""),
        "symptom": fault.get("symptom", ""), "reporter": case.data.get("reporter", {}).get("name", ""),
    }  # fmt: skip


def _recent(now: datetime):
    recent = Q(state="open") | Q(closed_on__gte=(now - STILL).date())
    return Case.objects.filter(recent, procedure__key__in=INTERNAL).select_related("procedure", "agency")


def share(now: datetime | None = None) -> int:
    """What this node owes the others; answers how much changed. As the system."""
    now = now or timezone.now()
    me = exchange_node.this()
    if not me.enabled:
        return 0
    return _as_hub(me.node, now) if me.hub else _as_city(me.node, now)


def _as_city(node: str, now: datetime) -> int:
    changed = sum(documents.publish(TICKET, body_of(c), place=c.place) for c in _recent(now))
    for answer in Document.objects.filter(dataset=ANSWER).exclude(owner_node=node):
        changed += _take_answer(answer.body)
    return changed


def _take_answer(body: dict[str, Any]) -> int:
    """Move the city's case on by what the province did."""
    case = Case.objects.filter(number=body["ticket"], state="open").first()
    if case is None or case.facts.get("level") not in ABOVE:
        return 0
    moved = 0
    if body.get("taken_by"):
        moved += _system(
            case, ("respond",), "accept", f"省级 {body['taken_by']} 接办，省级编号 {body['number']}"
        )
    if body.get("result"):
        payload = {"result": {"conclusion": body["result"]}}
        moved += _system(
            case, ("handle", "vendor"), "conclude", f"省级已处置，省级编号 {body['number']}", payload
        )
    return moved


def _system(case: Case, keys: tuple[str, ...], act: str, reason: str, payload: dict | None = None) -> int:
    step = case.steps.filter(state=Step.State.OPEN, key__in=keys).first()
    if step is None:
        return 0
    try:
        actions.perform(case.pk, act, step.pk, actions.SYSTEM, reason=reason, payload=payload or {})
    except actions.Refused as refusal:
        log.warning("answer of the province to %s: %s", case.number, refusal)
        return 0
    case.refresh_from_db()
    return 1


def _as_hub(node: str, now: datetime) -> int:
    changed = 0
    tickets = Document.objects.filter(dataset=TICKET).exclude(owner_node=node)
    for ticket in tickets.filter(body__procedure="network_fault", body__state="open", body__level__in=ABOVE):
        if not Case.objects.filter(
            procedure__key="network_fault", facts__origin=ticket.body["number"]
        ).exists():
            changed += _open(ticket)
    taken = _recent(now).filter(procedure__key="network_fault", facts__has_key="origin")
    for case in taken:
        held = tickets.filter(key=case.facts["origin"]).first()
        if held is not None and held.body["state"] == "closed":
            changed += _close(case)
        made = recording.taken(case, "vendor") or recording.taken(case, "handle")
        body = {
            "ticket": case.facts["origin"], "number": case.number, "taken_by": case.facts.get("taken_by", ""),
            "result": made or None,
        }  # fmt: skip
        changed += documents.publish(ANSWER, body, place=case.place)
    return changed


def _open(ticket: Document) -> int:
    """A case of the province about what a city cannot mend."""
    try:
        opening.begin("network_fault", _as_form(ticket.body), actions.SYSTEM, ticket.place)
    except (actions.Refused, KeyError, ValueError, TypeError) as fault:
        log.warning("ticket %s of %s: %s", ticket.key, ticket.owner_node, fault)
        return 0
    return 1


def _as_form(body: dict[str, Any]) -> dict[str, Any]:
    """The city's ticket as the form of the province's case."""
    title = str(body["title"]).split(" ", 1)[-1]
    return {
        "fault": {
            "title": title[:60], "source": "user", "node": body["node"], "equipment": "", "symptom": body["symptom"] or title,
            "began": moments.shown(datetime.fromisoformat(body["began"])), "origin": body["number"],
        },
        "grading": {"impact": body["impact"], "urgency": body["urgency"]},
        "reporter": {"name": body["reporter"] or "市局", "phone": "见市级故障单"},
    }  # fmt: skip


def _close(case: Case) -> int:
    """The city has confirmed it with its user: the province's case is over, too."""
    said = {"confirmed_by": "市局", "satisfied": "good", "report": "见市级故障单", "knowledge": ""}
    return _system(case, ("confirm",), "conclude", "市级已确认恢复", {"result": {"conclusion": said}})


def elsewhere(procedure: str = "") -> list[Document]:
    """Open tickets of other nodes, within the caller's scope, the newest first."""
    found = Document.objects.filter(dataset=TICKET, body__state="open").exclude(
        owner_node=exchange_node.this().node
    )
    if procedure:
        found = found.filter(body__procedure=procedure)
    return list(found.order_by("-id")[:50])
