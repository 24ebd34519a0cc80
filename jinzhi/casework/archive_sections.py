"""Cases in an enterprise's archive: its own to the enterprise, those of the place to officials, none to the public.

What is public of a case is its result, which stands in the archive as a certificate or a published entry.
"""

from datetime import date
from typing import Any

from django.urls import NoReverseMatch, reverse

from jinzhi.casework.models import Case
from jinzhi.registry.sections import OWN, STAFF, Row, Section


def _of(enterprise: Any, on: date | None):
    cases = Case.objects.filter(enterprise_id=enterprise)
    return cases.filter(received_on__lte=on) if on else cases


def _address(case: Case, face: str) -> str:
    try:
        return reverse("work-case" if face == STAFF else "licensing-case", args=[case.number])
    except NoReverseMatch:
        return ""


def _row(case: Case, face: str, on: date | None) -> Row:
    closed = case.closed_on if case.closed_on and (on is None or case.closed_on <= on) else None
    facts = [("编号", case.number), ("收到", case.received_on.isoformat())]
    if closed:
        facts.append(("办结", closed.isoformat()))
    return Row(
        title=case.definition.matter,
        date=case.received_on,
        source="办件",
        agency=case.agency.name,
        facts=facts,
        url=_address(case, face),
        state=(case.outcome_label or "已办结") if closed else "办理中",
        tone={"granted": "green", "refused": "red", "not_accepted": "red"}.get(case.outcome, "grey")
        if closed
        else "blue",
    )


def read(enterprise: Any, face: str, on: date | None, limit: int) -> list[Row]:
    found = _of(enterprise, on).select_related("procedure", "agency").order_by("-received_on", "-id")[:limit]
    return [_row(case, face, on) for case in found]


def count(enterprise: Any, face: str, on: date | None) -> int:
    return _of(enterprise, on).count()


SECTIONS = [
    Section("cases", "办件", 85, "folder", frozenset({OWN, STAFF}), read=read, count=count),
]
