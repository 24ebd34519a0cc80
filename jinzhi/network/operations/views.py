"""Pages of the console: the network in one look, a node, alarms."""

from datetime import date, timedelta

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from jinzhi.casework.actions import Actor, Refused
from jinzhi.foundation import calendar, history
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.network.alarms import GRAVITY
from jinzhi.network.models import Alarm
from jinzhi.network.operations import availability, console, nodes, reporting, rostering, watching
from jinzhi.network.operations.models import Equipment, Line, Outage
from jinzhi.network.operations.tables import AlarmFilter, AlarmTable
from jinzhi.web.lists import list_page

WORKING = ("operator", "operations_manager")
READING = (*WORKING, "supervisor", "approver", "administrator", "auditor")


def actor_of(request) -> Actor:
    return Actor(request.user, request.post, tuple(request.powers))


def range_of(request) -> tuple[int, int]:
    return jurisdiction(request.post.agency.place)


def works(request) -> bool:
    return bool(request.roles & set(WORKING))


@require_safe
@role_required(*READING)
def overview(request):
    """The map with every node's lamp, what is wrong, who is on duty."""
    now = timezone.now()
    shown = console.overview(*range_of(request), now)
    lines = console.place_on_map(shown)
    agencies = {n.code: a for n in shown if (a := nodes.agency_of(n.code))}
    on = rostering.on_duty([a.key for a in agencies.values()], now)
    for one in shown:
        one.duty = on.get(agencies[one.code].key, []) if one.code in agencies else []
    since, until = reporting.bounds(calendar.today())
    month = {n.code: availability.of_node(n.code, since, until, now).share for n in shown}
    known = [s for s in month.values() if s is not None]
    counts = console.counts()
    context = {
        "nodes": shown, "lines": lines, "width": console.WIDTH, "height": console.HEIGHT, "counts": counts,
        "in_service": sum(n.state in ("ok", "warning", "severe", "alone") for n in shown),
        "down": sum(n.state == "down" for n in shown),
        "alarms": Alarm.objects.filter(cleared_at=None).order_by(GRAVITY, "-id")[:8], "cases": console.open_cases(),
        "month": month, "worst": min(known, default=None), "works": works(request), "now": now,
        "joined": any(n.node for n in shown),
    }  # fmt: skip
    template = "operations/_console.html" if request.htmx else "operations/console.html"
    return render(request, template, context)


def _node(request, code: str) -> console.Shown:
    found = next((n for n in console.overview(*range_of(request)) if n.code == code), None)
    if found is None:
        raise Http404("没有这个节点，或者不在您的管辖范围内。")
    return found


def months_back(count: int) -> list[date]:
    """First days of the last months, the newest first."""
    found, day = [], calendar.today().replace(day=1)
    for _ in range(count):
        found.append(day)
        day = (day - timedelta(days=1)).replace(day=1)
    return found


@require_safe
@role_required(*READING)
def node(request, code: str):
    """One node: its figures over time, what happened, how available it was."""
    shown = _node(request, code)
    span = request.GET.get("span", "hour")
    span = span if span in console.RANGES else "hour"
    now = timezone.now()
    agency = nodes.agency_of(code)
    rows = []
    for month in months_back(6):
        since, until = reporting.bounds(month)
        rows.append((month, availability.of_node(code, since, until, now)))
    context = {
        "n": shown, "span": span, "spans": {k: v[0] for k, v in console.RANGES.items()},
        "charts": console.charts(code, span, now), "events": console.events(code),
        "months": rows, "outages": Outage.objects.filter(node=code).order_by("-starts")[:10],
        "duty": rostering.on_duty([agency.key], now)[agency.key] if agency else [],
        "equipment": Equipment.objects.filter(node=code).count(), "works": works(request),
        "lines": Line.objects.filter(owned_by=agency.key).exclude(state="ended") if agency else [],
    }  # fmt: skip
    return render(request, "operations/node.html", context)


@require_safe
@role_required(*READING)
def alarm_list(request):
    return list_page(
        request, table=AlarmTable, queryset=Alarm.objects.all(), filters=AlarmFilter,
        template="operations/list.html",
        context={
            "heading": "告警", "crumb": "网络运维", "empty_title": "没有告警",
            "empty_text": "节点失联、积压、磁盘不足、证书将到期等，超过阈值会列在这里，恢复后自动消除。",
            "about": "超过阈值的情形；长时间无人确认的，自动升级到上一级。",
        },
    )  # fmt: skip


@require_safe
@role_required(*READING)
def alarm(request, key: int):
    found = get_object_or_404(Alarm, pk=key)
    context = {
        "a": found, "title": watching.title(found.kind), "responsible": watching.LEVEL_NAMES[watching.level_of(found)],
        "node_name": nodes.name(found.node), "works": works(request),
        "lasted": ((found.cleared_at or timezone.now()) - found.raised_at).total_seconds(),
        "known_node": found.node in nodes.names(),
    }  # fmt: skip
    return render(request, "operations/alarm.html", context)


@require_POST
@role_required(*WORKING)
def acknowledge(request, key: int):
    found = get_object_or_404(Alarm, pk=key)  # in the scope of whoever asks
    lo, hi = range_of(request)
    if not lo <= found.place <= hi:
        raise Http404
    try:
        watching.acknowledge(
            found.pk, f"{request.post.agency.short_name} {request.user}", request.POST.get("note", "")
        )
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        history.append(
            "operations", "operations.acknowledged", actor=request.user, post=request.post, subject=f"alarm:{found.pk}",
            data={"kind": found.kind, "node": found.node}, place=found.place,
        )  # fmt: skip
        messages.success(request, "已确认。")
    return redirect("operations-alarm", key)
