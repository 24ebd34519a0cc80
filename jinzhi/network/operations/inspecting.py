"""巡检: which rounds of a plan are due, and what a round found."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.refusals import Refused
from jinzhi.foundation import calendar
from jinzhi.network.operations.models import Inspection, InspectionPlan

DAY = timedelta(days=1)


def period_of(cycle: str, day: date) -> date:
    """First day of the period in which `day` lies; of a daily plan the day itself."""
    if cycle == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if cycle == "monthly" else day


def following(cycle: str, period: date) -> date:
    if cycle == "weekly":
        return period + timedelta(days=7)
    return (period.replace(day=1) + timedelta(days=32)).replace(day=1) if cycle == "monthly" else period + DAY


def counts(cycle: str, period: date) -> bool:
    """Daily rounds are made on working days."""
    return cycle != "daily" or calendar.is_workday(period)


def periods(plan: InspectionPlan, first: date, last: date) -> list[date]:
    """Periods of the plan that begin within the days given and the plan's own."""
    found = []
    period = period_of(plan.cycle, max(first, plan.since))
    end = min(last, plan.until) if plan.until else last
    while period <= end:
        if period >= first and counts(plan.cycle, period):
            found.append(period)
        period = following(plan.cycle, period)
    return found


def missing(plan: InspectionPlan, first: date, last: date) -> list[date]:
    """Periods that are over and were not inspected."""
    done = set(plan.rounds.filter(period__range=(first, last)).values_list("period", flat=True))
    today = calendar.today()
    return [p for p in periods(plan, first, last) if p not in done and following(plan.cycle, p) <= today]


def due(plan: InspectionPlan, day: date) -> date | None:
    """The period to be inspected now, None when that is done or nothing is due."""
    if day < plan.since or (plan.until and day > plan.until):
        return None
    period = period_of(plan.cycle, day)
    if not counts(plan.cycle, period) or plan.rounds.filter(period=period).exists():
        return None
    return period


def record(
    plan: InspectionPlan, period: date, results: list[dict[str, Any]], actor: Actor, *, at: datetime | None = None,
    is_demo: bool = False,
) -> Inspection:  # fmt: skip
    """Write a round down, once. `results` answers every item of the plan in order: {"ok": bool, "note": text}."""
    at = at or timezone.now()
    if period > timezone.localtime(at).date():
        raise Refused("还没有到这一期巡检的时间", "period")
    if period != period_of(plan.cycle, period) or period < period_of(plan.cycle, plan.since):
        raise Refused("巡检周期与计划不符", "period")
    if len(results) != len(plan.items) or any(not isinstance(r.get("ok"), bool) for r in results):
        raise Refused("请逐项填写巡检结果", "results")
    kept = []
    for item, result in zip(plan.items, results, strict=True):
        note = str(result.get("note", "")).strip()[:300]
        if not result["ok"] and not note:
            raise Refused(f"“{item}”异常，请写明情况", "results")
        kept.append({"item": item, "ok": result["ok"], "note": note})
    try:
        with transaction.atomic():
            return Inspection.objects.create(
                plan=plan, place=plan.place, period=period, done_at=at, account=actor.account, post=actor.post,
                results=kept, abnormal=sum(not r["ok"] for r in kept), is_demo=is_demo,
            )  # fmt: skip
    except IntegrityError:
        raise Refused("这一期的巡检已经登记", "period") from None
