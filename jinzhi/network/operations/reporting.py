"""运维月报: the figures of a bureau's month, frozen and made into a document when it is issued."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.documents import kinds
from jinzhi.casework.models import Case, Clock
from jinzhi.casework.refusals import Refused
from jinzhi.foundation import calendar, history, numbering
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.files.tasks import render_document
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.people.pack import document_word_on, name_on
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.network.models import Alarm
from jinzhi.network.operations import availability, inspecting, nodes, qualifying, rostering
from jinzhi.network.operations.acts import GRADES
from jinzhi.network.operations.models import Deadline, InspectionPlan, Layer, Report, SparePart

KIND = "operations_report"
FIRST = date(2006, 1, 1)  # before it there are no rules of operations
CAUSES = {
    "line": "线路", "power": "供电", "hardware": "硬件", "software": "软件", "configuration": "配置", "attack": "攻击或者病毒",
    "human": "人为操作", "other": "其他",
}  # fmt: skip


def bounds(month: date) -> tuple[datetime, datetime]:
    """The month as moments `[since, until)`."""
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    midnight = lambda day: timezone.make_aware(datetime.combine(day, time.min))  # noqa: E731
    return midnight(first), midnight(following)


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 3600, 1)


def _share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def figures(agency: Agency, month: date, now: datetime | None = None) -> dict[str, Any]:
    """Everything the report says, for the bureau's range of places, in the caller's scope."""
    now = now or timezone.now()
    since, until = bounds(month)
    lo, hi = jurisdiction(agency.place)
    cases = Case.objects.filter(
        place__range=(lo, hi), procedure__key__startswith="network_"
    ) | Case.objects.filter(place__range=(lo, hi), procedure__key="security_incident")
    first, last = since.date(), timezone.localtime(until - timedelta(seconds=1)).date()
    opened = cases.filter(received_on__range=(timezone.localtime(since).date(), last))
    return {
        "month": timezone.localtime(since).date().isoformat(),
        "availability": _availability(lo, hi, since, until, now),
        "faults": _faults(opened.filter(procedure__key="network_fault")),
        "changes": _changes(opened.filter(procedure__key="network_change")),
        "incidents": _incidents(opened.filter(procedure__key="security_incident")),
        "alarms": _alarms(lo, hi, since, until),
        "inspections": _inspections(lo, hi, timezone.localtime(since).date(), min(last, calendar.today())),
        "duty": _duty(agency, since, min(until, now)),
        "qualification": dict(
            zip(("certified", "positions"), qualifying.coverage(min(last, calendar.today())), strict=True)
        ),
        "ledger": _ledger(lo, hi, last),
        "unfinished": cases.filter(state="open").count(),
        "first": str(first),
    }


def _availability(lo: int, hi: int, since: datetime, until: datetime, now: datetime) -> list[dict]:
    found = []
    for code, name in nodes.within(lo, hi).items():
        one = availability.of_node(code, since, until, now)
        layer = Layer.BACKBONE if nodes.level_of(code) == "province" else Layer.CITY
        found.append(
            {
                "node": code, "name": name, "layer": layer.label, "share": None if one.share is None else str(one.share),
                "down_minutes": round(one.down.total_seconds() / 60), "outages": one.outages, "mttr_hours": _hours(one.mttr),
                "mtbf_hours": _hours(one.mtbf),
            }
        )  # fmt: skip
    return found


def _kept(cases: QuerySet[Case], key: str) -> float | None:
    """Of the limits of this key that ended, the share that was kept."""
    ended = Clock.objects.filter(case__in=cases, key=key, state__in=["met", "missed"])
    return _share(ended.filter(state="met").count(), ended.count())


def _faults(cases: QuerySet[Case]) -> dict[str, Any]:
    facts = list(cases.values_list("facts", "state", "outcome"))
    causes = Counter(CAUSES.get(f.get("cause_kind", ""), "") for f, _, _ in facts if f.get("cause_kind"))
    spans = [
        datetime.fromisoformat(f["restored"]) - datetime.fromisoformat(f["began"])
        for f, _, _ in facts
        if f.get("restored")
    ]
    mean = sum(spans, timedelta()) / len(spans) if spans else None
    return {
        "count": len(facts), "closed": sum(s == "closed" for _, s, _ in facts),
        "by_priority": [[p, sum(f.get("priority") == p for f, _, _ in facts)] for p in ("P1", "P2", "P3", "P4")],
        "escalated": sum(bool(f.get("way")) for f, _, _ in facts), "reopened": sum(bool(f.get("reopened")) for f, _, _ in facts),
        "response_kept": _kept(cases, "response"), "restore_kept": _kept(cases, "restore"), "mttr_hours": _hours(mean),
        "causes": causes.most_common(),
    }  # fmt: skip


def _changes(cases: QuerySet[Case]) -> dict[str, Any]:
    ended = Counter(cases.filter(state="closed").values_list("outcome", flat=True))
    return {"count": cases.count(), "done": ended["done"], "failed": ended["terminated"],
            "success": _share(ended["done"], sum(ended.values()))}  # fmt: skip


def _incidents(cases: QuerySet[Case]) -> dict[str, Any]:
    grades = Counter(cases.values_list("facts__grade_name", flat=True))
    return {
        "count": cases.count(),
        "by_grade": [[g, grades[g]] for g in GRADES.values()],
        "report_kept": _kept(cases, "report"),
    }


def _alarms(lo: int, hi: int, since: datetime, until: datetime) -> dict[str, Any]:
    raised = list(
        Alarm.objects.filter(place__range=(lo, hi), raised_at__gte=since, raised_at__lt=until)
        .values_list("level", "raised_at", "acknowledged_at", "cleared_at")
    )  # fmt: skip
    waits = [(seen - at).total_seconds() / 60 for _, at, seen, _ in raised if seen]
    return {
        "count": len(raised), "severe": sum(level == "severe" for level, *_ in raised),
        "cleared": sum(cleared is not None for *_, cleared in raised),
        "minutes_to_acknowledge": round(sum(waits) / len(waits)) if waits else None,
    }  # fmt: skip


def _inspections(lo: int, hi: int, first: date, last: date) -> dict[str, Any]:
    due = done = abnormal = 0
    for plan in InspectionPlan.objects.filter(
        Q(until=None) | Q(until__gte=first), place__range=(lo, hi), since__lte=last
    ):
        expected = set(inspecting.periods(plan, first, last))
        rounds = [r for r in plan.rounds.filter(period__range=(first, last)) if r.period in expected]
        due += len(expected)
        done += len(rounds)
        abnormal += sum(r.abnormal for r in rounds)
    return {"due": due, "done": done, "abnormal": abnormal, "share": _share(done, due)}


def _duty(agency: Agency, since: datetime, until: datetime) -> dict[str, Any]:
    gaps = rostering.gaps(agency.key, since, until) if until > since else []
    return {"gap_hours": _hours(sum((b - a for a, b in gaps), timedelta())), "gaps": len(gaps)}


def _ledger(lo: int, hi: int, last: date) -> dict[str, Any]:
    soon = Deadline.objects.filter(
        place__range=(lo, hi), valid_until__lte=last + timedelta(days=30)
    ).order_by("valid_until")
    short = [p.name for p in SparePart.objects.filter(place__range=(lo, hi)) if p.quantity < p.least]
    return {"ending": [[d.name, d.valid_until.isoformat()] for d in soon[:20]], "short": short[:20]}


def issue(agency: Agency, month: date, actor: Actor, remarks: str = "", *, is_demo: bool = False) -> Report:
    """Freeze the month and make the document. Raises Refused: not over yet, issued already."""
    month = month.replace(day=1)
    _, until = bounds(month)
    if month < FIRST:
        raise Refused(f"{month:%Y-%m} 没有运维记录")
    if until > timezone.now():
        raise Refused("本月尚未结束，月报于次月签发")
    found = figures(agency, month) | {"remarks": remarks.strip()[:2000]}
    kind = kinds()[KIND]
    try:
        with transaction.atomic():
            report = Report.objects.create(
                place=agency.place, agency=agency.key, month=month, figures=found, account=actor.account
            )
            today = calendar.today()
            report.number = numbering.next_number(
                kind.series, agency.key, today.year, kind.pattern, word=document_word_on(agency, today)
            )
            title = f"{month.year}年{month.month}月{kind.title}"
            data = {
                "agency": name_on(agency, today), "title": title, "number": report.number,
                "date": today.isoformat(), "demo": is_demo, "law": kind.law, "f": found,
            }  # fmt: skip
            document = GeneratedDocument.objects.create(
                place=agency.place, subject=f"operations-report:{report.pk}", kind=KIND, number=report.number,
                title=title, template=kind.template.name, data=data, issued_at=timezone.now(),
            )  # fmt: skip
            report.document = document.pk
            report.save(update_fields=["number", "document"])
            history.append(
                "operations", "operations.report", actor=actor.account, post=actor.post, subject=report.number,
                data={"month": str(month)}, place=agency.place,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{month:%Y-%m} 的月报已经签发") from None
    if not is_demo:
        render_document.defer(document_id=str(document.pk))
    return report
