"""Pages of the daily work: faults, changes, incidents, inspections, duty, qualifications, the monthly report."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from jinzhi.casework.actions import Refused
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.network.operations import (
    entry,
    inspecting,
    nodes,
    opening,
    qualifying,
    reporting,
    rostering,
    sharing,
    watching,
)
from jinzhi.network.operations.models import (
    Assignment,
    Duty,
    Inspection,
    InspectionPlan,
    Qualification,
    Report,
)
from jinzhi.network.operations.tables import CaseFilter, CaseTable, agency_names
from jinzhi.network.operations.views import READING, WORKING, actor_of, months_back, range_of, works
from jinzhi.web.lists import list_page

KINDS: dict[str, dict[str, Any]] = {
    "faults": {
        "procedure": "network_fault", "title": "故障单", "new": "报故障", "form": entry.FaultForm, "roles": WORKING,
        "about": "按影响和紧急程度分级，限时响应和恢复；超时自动升级。",
        "hint": "优先级由影响范围和紧急程度决定，响应和恢复时限随之确定。",
    },
    "changes": {
        "procedure": "network_change", "title": "变更", "new": "申请变更", "form": entry.ChangeForm, "roles": WORKING,
        "about": "评估、批准、在时间窗内实施、验证；失败的回退。",
        "hint": "需要停机的，提前二十四小时以上通知用户，才不计入中断。",
    },
    "incidents": {
        "procedure": "security_incident", "title": "安全事件", "new": "登记安全事件", "form": entry.IncidentForm,
        "roles": WORKING, "about": "研判定级、处置、限时报告；降低等级须两人。",
        "hint": "较大以上事件的报告时限自发现时起算；涉及案件的，二十四小时内报公安机关。",
    },
}  # fmt: skip


@require_safe
@role_required(*READING)
def cases(request, kind: str):
    said = KINDS.get(kind)
    if said is None:
        raise Http404
    rows = Case.objects.filter(procedure__key=said["procedure"]).select_related("procedure", "agency")
    return list_page(
        request, table=CaseTable, queryset=rows, filters=CaseFilter, template="operations/list.html",
        context={
            "heading": said["title"], "about": said["about"], "crumb": "网络运维", "kind": kind,
            "elsewhere": sharing.elsewhere(said["procedure"]),
            "new": said["new"] if works(request) else "", "empty_title": f"没有{said['title']}",
            "empty_text": said["about"],
        },
    )  # fmt: skip


def _first_values(request, kind: str) -> dict:
    """What an alarm or an inspection already tells about the fault."""
    now = timezone.localtime()
    first: dict[str, Any] = {"fault.began": now, "incident.found": now, "fault.source": "user"}
    alarm = request.GET.get("alarm", "")
    if kind == "faults" and alarm.isdecimal() and len(alarm) < 16:
        from jinzhi.network.models import Alarm

        if found := Alarm.objects.filter(pk=int(alarm)).first():
            title = watching.title(found.kind)
            first |= {
                "fault.title": title, "fault.source": "monitor", "fault.node": found.node, "fault.symptom": found.detail or title,
                "fault.began": timezone.localtime(found.raised_at),
            }  # fmt: skip
    round_ = request.GET.get("inspection", "")
    if kind == "faults" and len(round_) == 36:
        held = (
            Inspection.objects.filter(pk=round_).select_related("plan").first() if _is_uuid(round_) else None
        )
        if held:
            wrong = "；".join(f"{r['item']}：{r['note']}" for r in held.results if not r["ok"])
            first |= {"fault.title": f"{held.plan.title}发现异常"[:60], "fault.source": "inspection", "fault.symptom": wrong,
                      "fault.node": nodes.code_of(held.place)}  # fmt: skip
    first |= {"reporter.name": request.user.name, "reporter.phone": request.user.phone}
    return first


def _is_uuid(text: str) -> bool:
    from uuid import UUID

    try:
        UUID(text)
    except ValueError:
        return False
    return True


@role_required(*WORKING)
def begin(request, kind: str):
    """Report a fault, ask for a change, register an incident."""
    said = KINDS.get(kind)
    if said is None:
        raise Http404
    form = said["form"](request.POST or None, post=request.post, initial=_first_values(request, kind))
    if request.method == "POST" and form.is_valid():
        data = form.data_of()
        code = data[opening.PROCEDURES[said["procedure"]]]["node"]
        lo, hi = range_of(request)
        place = nodes.place_of(code) if lo <= nodes.place_of(code) <= hi else request.post.agency.place
        try:
            case = opening.begin(said["procedure"], data, actor_of(request), place)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            _link_inspection(request, case)
            messages.success(request, f"已登记，编号 {case.number}。")
            return redirect("work-case", case.number)
    context = {
        "form": form, "heading": said["new"], "crumb": said["title"], "kind": kind, "save_word": "提交", "hint": said["hint"],
    }  # fmt: skip
    return render(request, "operations/begin.html", context)


def _link_inspection(request, case: Case) -> None:
    key = request.GET.get("inspection", "")
    if _is_uuid(key):
        held = Inspection.objects.filter(pk=key).first()
        if held is not None:
            held.ticket = case.number
            held.save(update_fields=["ticket"])


# -- inspections


@require_safe
@role_required(*READING)
def inspections(request):
    """Plans with what is due now and what was missed in thirty days; the last rounds."""
    today, own = calendar.today(), request.post.agency.key
    rows = []
    for plan in InspectionPlan.objects.filter(until=None).order_by("place", "cycle", "id")[:200]:
        missed = inspecting.missing(plan, today - timedelta(days=30), today)
        rows.append((plan, agency_names().get(plan.agency, plan.agency), inspecting.due(plan, today), missed))
    rows.sort(key=lambda r: (r[0].agency != own, r[2] is None, not r[3]))
    rounds = Inspection.objects.select_related("plan", "account").order_by("-done_at")[:30]
    return render(
        request, "operations/inspections.html",
        {"rows": rows, "rounds": rounds, "works": works(request), "own": own, "agencies": agency_names()},
    )  # fmt: skip


@role_required("operations_manager", "operator")
def plan_new(request):
    form = entry.PlanForm(request.POST or None, initial={"since": calendar.today()})
    if request.method == "POST" and form.is_valid():
        agency = request.post.agency
        InspectionPlan.objects.create(place=agency.place, agency=agency.key, **form.cleaned_data)
        messages.success(request, "巡检计划已建立。")
        return redirect("operations-inspections")
    context = {"form": form, "heading": "新建巡检计划", "crumb": "巡检", "back": "operations-inspections"}
    return render(request, "operations/begin.html", context)


@role_required(*WORKING)
def inspect(request, plan):
    """Go through the items of a plan for the period that is due, or one that was missed."""
    found = get_object_or_404(InspectionPlan, pk=plan, agency=request.post.agency.key)
    try:
        period = date.fromisoformat(request.GET.get("period", ""))
    except ValueError:
        period = inspecting.period_of(found.cycle, calendar.today())
    answers = {"yes": True, "no": False}
    typed = []
    for n, item in enumerate(found.items):
        ok, note = answers.get(request.POST.get(f"ok-{n}", "")), request.POST.get(f"note-{n}", "")
        typed.append({"item": item, "ok": ok, "note": note})
    if request.method == "POST":
        try:
            made = inspecting.record(found, period, typed, actor_of(request))
        except Refused as refusal:
            messages.error(request, refusal.message)
        else:
            if made.abnormal:
                messages.warning(request, f"已登记，{made.abnormal} 项异常，请报故障。")
                return redirect("operations-inspection", made.pk)
            messages.success(request, "巡检已登记，全部正常。")
            return redirect("operations-inspections")
    return render(request, "operations/inspect.html", {"plan": found, "period": period, "items": typed})


@require_safe
@role_required(*READING)
def inspection(request, key):
    found = get_object_or_404(Inspection.objects.select_related("plan", "account"), pk=key)
    return render(request, "operations/inspection.html", {"i": found, "works": works(request)})


# -- duty and qualification


@role_required(*READING)
def duty(request):
    """Fourteen days of the bureau's roster with its gaps, and who is on at every node now."""
    now = timezone.now()
    agency = request.post.agency
    form = entry.DutyForm(request.POST or None, post=request.post, initial=_next_turn(agency, now))
    may = "operations_manager" in request.roles or "operator" in request.roles
    if request.method == "POST":
        if not may:
            raise Http404
        if form.is_valid() and _put(request, agency, form):
            return redirect("operations-duty")
    turns = Duty.objects.filter(
        agency=agency.key, ends__gt=now - timedelta(days=1), starts__lt=now + timedelta(days=14)
    )
    shown = nodes.within(*range_of(request))
    held = {code: a for code in shown if (a := nodes.agency_of(code))}
    on = rostering.on_duty([a.key for a in held.values()] + [agency.key], now)
    context = {
        "form": form, "turns": turns.select_related("account").order_by("starts", "kind"), "agency": agency, "may": may,
        "gaps": rostering.gaps(agency.key, now, now + timedelta(days=14)), "now": now,
        "nodes": [(code, shown[code], on.get(a.key, [])) for code, a in held.items()],
    }  # fmt: skip
    return render(request, "operations/duty.html", context)


def _next_turn(agency: Agency, now) -> dict:
    """The turn that would follow the last one."""
    last = Duty.objects.filter(agency=agency.key, kind="main", ends__gt=now).order_by("-ends").first()
    starts = last.ends if last else timezone.localtime(now).replace(hour=9, minute=0, second=0, microsecond=0)
    return {"starts": timezone.localtime(starts), "ends": timezone.localtime(starts) + timedelta(days=1)}


def _put(request, agency: Agency, form: entry.DutyForm) -> bool:
    account = Account.objects.get(pk=form.cleaned_data["account"])
    put = 0
    for starts, ends in form.turns():
        try:
            rostering.put(
                agency,
                account,
                starts,
                ends,
                phone=form.cleaned_data["phone"],
                kind=form.cleaned_data["kind"],
            )
        except Refused as refusal:
            done = f"前 {put} 个班次已排；" if put else ""
            form.add_error(
                refusal.field if refusal.field in form.fields else None, f"{done}{refusal.message}"
            )
            return False
        put += 1
    messages.success(request, f"已排 {put} 个班次。")
    return True


@require_POST
@role_required("operations_manager", "operator")
def duty_remove(request, key):
    """A turn that has not begun may be taken off the roster."""
    found = get_object_or_404(Duty, pk=key, agency=request.post.agency.key)
    if found.starts <= timezone.now():
        messages.error(request, "已经开始的班次不能撤销。")
    else:
        found.delete()
        messages.success(request, "班次已撤销。")
    return redirect("operations-duty")


@role_required(*READING)
def qualifications(request):
    """Positions with the standing of who holds them, certificates, coverage."""
    today, may = calendar.today(), "operations_manager" in request.roles
    posted = request.POST.get("form", "")
    certificate = entry.CertificateForm(request.POST if posted == "certificate" else None, post=request.post)
    assignment = entry.AssignmentForm(
        request.POST if posted == "assignment" else None, post=request.post, initial={"since": today}
    )
    if request.method == "POST":
        if not may:
            raise Http404
        form = certificate if posted == "certificate" else assignment
        if form.is_valid() and _qualify(request, posted, form):
            return redirect("operations-qualifications")
    positions = list(
        Assignment.objects.filter(until=None).select_related("account").order_by("place", "since")[:300]
    )
    rows = [
        (a, agency_names().get(a.agency, a.agency), qualifying.standing(a.account, a.position, today))
        for a in positions
    ]
    certified, all_ = qualifying.coverage(today)
    context = {
        "rows": rows, "certificates": Qualification.objects.select_related("account").order_by("-valid_until")[:100],
        "certificate": certificate, "assignment": assignment, "may": may, "today": today, "certified": certified, "all": all_,
        "share": round(100 * certified / all_) if all_ else None,
    }  # fmt: skip
    return render(request, "operations/qualifications.html", context)


def _qualify(request, which: str, form) -> bool:
    data = dict(form.cleaned_data)
    account = Account.objects.get(pk=data.pop("account"))
    try:
        if which == "certificate":
            home = account.posts.filter(agency__key__in=[k for k, _ in entry.agencies(request.post)]).first()
            agency = home.agency if home else request.post.agency
            data["hours"] = data.get("hours") or 0
            qualifying.certify(account, agency, by=actor_of(request), **data)
        else:
            qualifying.assign(account, request.post.agency, by=actor_of(request), **data)
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return False
    messages.success(request, "已登记。")
    return True


@require_POST
@role_required("operations_manager")
def leave(request, key):
    found = get_object_or_404(Assignment, pk=key, until=None)
    try:
        qualifying.leave(found, calendar.today())
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{found.account}已离岗。")
    return redirect("operations-qualifications")


# -- the monthly report


@require_safe
@role_required(*READING)
def report(request):
    """The figures of a month, as issued or as they stand."""
    agency, months = request.post.agency, months_back(13)
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        month = months[1]
    if not reporting.FIRST <= month <= months[0]:
        raise Http404("没有这个月份的月报。")
    issued = Report.objects.filter(agency=agency.key, month=month).first()
    document = (
        GeneratedDocument.objects.filter(pk=issued.document).first() if issued and issued.document else None
    )
    context = {
        "f": issued.figures if issued else reporting.figures(agency, month), "issued": issued, "document": document,
        "month": month, "months": months, "agency": agency, "over": month != months[0],
        "may": "operations_manager" in request.roles, "others": Report.objects.exclude(agency=agency.key).order_by("-month")[:24],
        "agencies": agency_names(),
    }  # fmt: skip
    return render(request, "operations/report.html", context)


@require_POST
@role_required("operations_manager")
def report_issue(request):
    try:
        month = date.fromisoformat(f"{request.POST.get('month', '')}-01")
    except ValueError:
        raise Http404 from None
    try:
        made = reporting.issue(request.post.agency, month, actor_of(request), request.POST.get("remarks", ""))
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"月报 {made.number} 已签发。")
    return redirect(f"/office/operations/report/?month={month:%Y-%m}")
