"""Pages of complaints and ratings: the public's forms, the bureau's and the supervisor's lists."""

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from jinzhi.casework.esupervision import complaints, rating
from jinzhi.casework.esupervision.forms import FINDINGS, ComplaintForm
from jinzhi.casework.esupervision.handling import Refused
from jinzhi.casework.esupervision.models import Complaint, Satisfaction
from jinzhi.casework.esupervision.tables import (
    GRADE_TONES,
    ComplaintFilter,
    ComplaintTable,
    RatingFilter,
    RatingTable,
)
from jinzhi.casework.esupervision.views import actor_of, exported
from jinzhi.casework.models import Case
from jinzhi.foundation.people.access import enterprise_required, role_required, staff_required
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places import scope
from jinzhi.web.lists import list_page

# Complaints and look-ups from one address in an hour; a person needs few, a machine many.
MOST = 20


def _too_many(request, what: str) -> bool:
    key = f"esupervision:{what}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, 3600)
    try:
        return cache.incr(key) > MOST
    except ValueError:
        return False


def complain(request):
    """Anybody's complaint: no sign-in; the answer is looked up with number and code."""
    own = _own_enterprise(request)
    form = ComplaintForm(request.POST or None, initial={"case": request.GET.get("case", "")[:40]})
    if request.method == "POST" and form.is_valid():
        if _too_many(request, "complain"):
            form.add_error(None, "提交过于频繁，请一小时后再试，或者拨打投诉举报电话。")
        elif made := _lodge(form, own):
            complaint, code = made
            return render(request, "esupervision/complained.html", {"complaint": complaint, "code": code})
    return render(request, "esupervision/complain.html", {"form": form, "own": own})


def _own_enterprise(request):
    user = request.user
    return user.enterprise_id if user.is_authenticated and user.kind == Account.Kind.ENTERPRISE else None


def _lodge(form: ComplaintForm, own) -> tuple[Complaint, str] | None:
    data = form.cleaned_data
    with scope.acting(scope.SYSTEM):  # the public face writes nothing; what it may say is checked here
        case = None
        if number := data["case"].strip().upper():
            case = Case.objects.select_related("agency").filter(number=number).first()
            if case is None and not data["agency"]:
                form.add_error("case", "没有这个编号的办件，请核对，或者选择被投诉的机构")
                return None
        try:
            return complaints.lodge(
                text=data["text"], subject=data["subject"], agency=data["agency"] or None, case=case, name=data["name"],
                phone=data["phone"], enterprise_id=own,
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
            return None


def complaint_status(request):
    """What became of a complaint, for who knows its number and code."""
    found, asked = None, request.method == "POST"
    if asked and not _too_many(request, "status"):
        with scope.acting(scope.SYSTEM):
            found = complaints.look_up(request.POST.get("number", "")[:40], request.POST.get("code", "")[:20])
            due = complaints.due(found) if found else None
            context = {"complaint": found, "due": due, "asked": True}
            return render(request, "esupervision/complaint_status.html", context)
    return render(request, "esupervision/complaint_status.html", {"asked": asked, "busy": asked})


@require_GET
@enterprise_required
def my_complaints(request):
    """An enterprise's own complaints."""
    own = Complaint.objects.filter(enterprise_id=request.user.enterprise_id).select_related("agency", "case")
    rows = [(c, complaints.SUBJECTS.get(c.subject, ""), complaints.due(c)) for c in own[:100]]
    return render(request, "esupervision/my_complaints.html", {"rows": rows})


@require_safe
@role_required("supervisor")
def complaints_list(request):
    return list_page(
        request, table=ComplaintTable, queryset=Complaint.objects.select_related("agency"), filters=ComplaintFilter,
        template="esupervision/list.html", on_export=exported(request, "投诉"),
        context={"heading": "投诉", "empty_title": "没有投诉", "empty_text": "公众和企业在网上提交的投诉会列在这里。"},
    )  # fmt: skip


@role_required("supervisor")
def complaint(request, key: int):
    """One complaint; accepted or not, then closed with what was found."""
    found = get_object_or_404(Complaint.objects.select_related("agency", "case"), pk=key)
    if request.method == "POST":
        try:
            complaints.perform(
                found.pk, request.POST.get("action", ""), actor_of(request), text=request.POST.get("text", "")[:4000],
                finding=request.POST.get("finding", ""), worse=request.POST.get("worse") == "1",
            )  # fmt: skip
        except Refused as refusal:
            messages.error(request, refusal.message)
            request.session["kept_complaint"] = request.POST.get("text", "")[:4000]
        else:
            messages.success(request, f"投诉 {found.number} 已登记办理情况")
        return redirect("supervision-complaint", found.pk)
    context = {
        "complaint": found, "subject": complaints.SUBJECTS.get(found.subject, ""), "due": complaints.due(found),
        "late": complaints.is_late(found), "findings": FINDINGS, "kept": request.session.pop("kept_complaint", ""),
        "entries": found.entries.select_related("account").order_by("-id"),
    }  # fmt: skip
    return render(request, "esupervision/complaint.html", context)


@require_safe
@role_required("supervisor", "window_clerk", "approver")
def ratings(request):
    rows = Satisfaction.objects.select_related("agency", "case").prefetch_related("follow_ups")
    if "supervisor" not in request.roles:
        rows = rows.filter(agency_id=request.post.agency_id)
    return list_page(
        request, table=RatingTable, queryset=rows, filters=RatingFilter, template="esupervision/list.html",
        on_export=exported(request, "好差评"),
        context={"heading": "好差评", "empty_title": "还没有评价", "empty_text": "办件办结后由申请人评价一次。"},
    )  # fmt: skip


@staff_required
def rating_page(request, key: int):
    """One rating; of a bad one the call back and what was put right."""
    rows = Satisfaction.objects.select_related("agency", "case")
    if "supervisor" not in request.roles:
        rows = rows.filter(agency_id=request.post.agency_id)
    found = get_object_or_404(rows.prefetch_related("follow_ups__account"), pk=key)
    waiting = rating.waiting(found)
    if request.method == "POST":
        try:
            rating.follow_up(
                found.pk, request.POST.get("kind", ""), actor_of(request), request.POST.get("text", "")[:2000]
            )
        except Refused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, "已登记")
        return redirect("supervision-rating", found.pk)
    context = {
        "rating": found, "tone": GRADE_TONES[found.grade], "waiting": waiting,
        "due": rating.due(found, waiting) if waiting else None, "label": {"call": "回访核实", "rectify": "整改反馈"}.get(waiting),
    }  # fmt: skip
    return render(request, "esupervision/rating.html", context)


# -- the applicant's own


@require_POST
@enterprise_required
def rate_own(request, number: str):
    """The applicant rates its closed case from its own page."""
    case = get_object_or_404(
        Case.objects.select_related("agency"), number=number, enterprise_id=request.user.enterprise_id
    )
    try:
        rating.rate(case, _grade(request), request.POST.get("comment", "")[:500], account=request.user)
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "感谢您的评价，我们会据此改进服务")
    back = request.POST.get("back", "")
    return redirect(back if back.startswith("/my/") and "//" not in back else "my-home")


def rate_link(request, token: str):
    """The same without a sign-in, by a signed link from a message or the window."""
    key = rating.case_of(token)
    with scope.acting(scope.SYSTEM):
        case = Case.objects.select_related("agency", "procedure").filter(pk=key).first() if key else None
        if case is None:
            raise Http404("评价链接无效，请从短信或者办事窗口重新打开。")
        done, refusal = rating.of(case), None
        if request.method == "POST" and done is None:
            try:
                done = rating.rate(
                    case, _grade(request), request.POST.get("comment", "")[:500], channel="link"
                )
            except Refused as fault:
                refusal = fault
        context = {
            "case": case, "matter": case.definition.matter, "done": done, "refusal": refusal, "grades": _grades(),
            "may": rating.may_rate(case), "typed": request.POST,
        }  # fmt: skip
        return render(request, "esupervision/rate.html", context)


def _grade(request) -> int:
    text = request.POST.get("grade", "")
    return int(text) if text in {"1", "2", "3", "4", "5"} else 0


def _grades() -> list[tuple[int, str]]:
    return list(Satisfaction.Grade.choices)
