"""Pages of scores and statistics, and their downloads."""

from datetime import date, timedelta
from decimal import Decimal

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework.esupervision import scoring, statistics, telling
from jinzhi.casework.esupervision.forms import AdjustmentForm
from jinzhi.casework.esupervision.models import Adjustment, ScoreSheet
from jinzhi.casework.esupervision.tables import agencies_within
from jinzhi.casework.esupervision.views import place_of
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.access import role_required, staff_required
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import name_path
from jinzhi.web.export import FORMATS, download

TONES = {"优秀": "green", "良好": "blue", "合格": "yellow", "不合格": "red", "未评": "grey"}
TITLES = {"month": "月度", "quarter": "季度", "half": "半年", "year": "年度"}


def _day(text: str, default: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return default
    return day if scoring.FIRST <= day <= scoring.LAST else default


def _period(request) -> tuple[str, date, date]:
    period = request.GET.get("period", "month")
    period = period if period in scoring.MONTHS else "month"
    return period, *scoring.bounds(period, _day(request.GET.get("on", ""), calendar.today()))


@require_GET
@role_required("supervisor", "approver")
def scores(request):
    """Agencies of the range with their scores for a period, best first; the reader's own post decides the range."""
    period, start, end = _period(request)
    sheets = list(scoring.latest(period, start))
    if "supervisor" not in request.roles:
        sheets = [s for s in sheets if s.agency_id == request.post.agency_id]
    order = {"province": 0, "city": 1, "county": 2}
    sheets.sort(key=lambda s: (order[s.agency.level], s.total is None, -(s.total or 0), s.place))
    if request.GET.get("export") in FORMATS:
        return _download(
            request.GET["export"], f"考核结果 {telling.period(sheets[0]) if sheets else start}", sheets
        )
    earlier, later = start - timedelta(days=1), end + timedelta(days=1)
    context = {
        "period": period, "titles": TITLES, "start": start, "end": end, "sheets": [(s, TONES[s.grade]) for s in sheets],
        "name": telling.period(sheets[0]) if sheets else telling.period(ScoreSheet(period=period, start=start)),
        "earlier": earlier, "later": later if later <= calendar.today() else None,
        "published": any(s.state == "published" for s in sheets), "over": end < calendar.today(),
        "may_publish": "supervisor" in request.roles and request.post.agency.level == "province",
        "grades": _grades(end), "may_enter": "supervisor" in request.roles,
    }  # fmt: skip
    return render(request, "esupervision/scores.html", context)


def _grades(on: date) -> list[tuple[str, str]]:
    cuts = [
        rules.value(f"esupervision.score.grade.{k}", on=on).value for k in ("excellent", "good", "qualified")
    ]
    words = [
        f"{cuts[0]:g} 分以上",
        f"{cuts[1]:g}—{cuts[0]:g} 分",
        f"{cuts[2]:g}—{cuts[1]:g} 分",
        f"{cuts[2]:g} 分以下",
    ]
    return list(zip(scoring.GRADES, words, strict=True))


def _download(kind: str, name: str, sheets: list[ScoreSheet]):
    head = ["机构", "层级", "办件数", "得分", "等次", "名次", "状态", "更正次数"]
    rows = (
        [s.agency.name, s.agency.get_level_display(), s.cases, "" if s.total is None else float(s.total), s.grade,
         s.rank or "", s.get_state_display(), s.revision - 1]
        for s in sheets
    )  # fmt: skip
    return download(kind, name, head, rows)


@require_GET
@staff_required
def sheet(request, key: int):
    """One score sheet with the reason of every point; its earlier and later revisions."""
    found = get_object_or_404(ScoreSheet.objects.select_related("agency", "published_by"), pk=key)
    if "supervisor" not in request.roles and found.agency_id != request.post.agency_id:
        raise Http404("没有这张考核表。")
    same = ScoreSheet.objects.filter(agency=found.agency, period=found.period, start=found.start)
    context = {
        "sheet": found, "name": telling.period(found), "tone": TONES[found.grade], "title": TITLES[found.period],
        "revisions": same.order_by("revision"),
        "months": [(date.fromisoformat(m["start"]), m) for m in found.lines.get("months", [])],
    }  # fmt: skip
    return render(request, "esupervision/sheet.html", context)


@require_POST
@role_required("supervisor")
def publish(request):
    """Make a period's scores final; of the province's supervisor alone."""
    if request.post.agency.level != "province":
        raise Http404("考核结果由省级督查公布。")
    period = request.POST.get("period", "")
    if period not in scoring.MONTHS:
        raise Http404
    day = _day(request.POST.get("on", ""), calendar.today())
    try:
        count = scoring.publish(period, day, by=request.user, post=request.post)
        messages.success(request, f"已公布 {count} 个机构的{TITLES[period]}考核结果，公布后不能修改")
    except scoring.NotPublishable as refusal:
        messages.error(request, str(refusal))
    return redirect(f"/office/supervision/scores/?period={period}&on={day.isoformat()}")


@role_required("supervisor")
def entry(request):
    """Points that no signal tells, entered with facts; they cannot be changed afterwards, only balanced."""
    agencies = agencies_within(request.post.agency.place)
    form = AdjustmentForm(request.POST or None, agencies=agencies, initial={"day": calendar.today()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        points = data["points"]
        if data["item"].startswith("discipline:"):
            key = f"esupervision.score.discipline.{data['item'].partition(':')[2]}"
            points = Decimal(str(rules.value(key, on=data["day"]).value))
        Adjustment.objects.create(
            agency=data["agency"], place=data["agency"].place, day=data["day"], item=data["item"], points=points,
            reason=data["reason"], account=request.user, post=request.post,
        )  # fmt: skip
        messages.success(request, "已登记；已公布的考核不变，须另行更正")
        return redirect("supervision-entry")
    entered = Adjustment.objects.select_related("agency", "account").order_by("-id")[:50]
    names = dict(scoring.DISCIPLINE) | {
        f"discipline:{k}": f"纪律处分：{v}" for k, v in scoring.DISCIPLINE.items()
    }
    from jinzhi.casework.esupervision.rulebook import SECTIONS

    context = {
        "form": form,
        "entered": entered,
        "names": names | SECTIONS,
        "cancel_url": "/office/supervision/scores/",
    }
    return render(request, "esupervision/entry.html", context | {"save_word": "登记"})


@require_GET
@role_required("supervisor", "approver")
def statistics_page(request):
    """On time, early, late; signals; complaints; ratings: for a period and a place, by agency, level or matter."""
    place = place_of(request, request.GET.get("place", ""))
    by = request.GET.get("by", "agency")
    by = by if by in statistics.GROUPS else "agency"
    period, start, end = _period(request)
    rows = statistics.report(start, end, *jurisdiction(place), by)
    whole = statistics.total(rows)
    kind = request.GET.get("export", "")
    if kind in FORMATS:
        head = [statistics.GROUPS[by][0], *statistics.HEAD]
        return download(
            kind, f"监察统计（{statistics.GROUPS[by][0]}）", head, (r.cells() for r in [*rows, whole])
        )
    context = {
        "by": by, "groups": {k: v[0] for k, v in statistics.GROUPS.items()}, "period": period, "titles": TITLES,
        "start": start, "end": end, "rows": rows, "whole": whole, "name": name_path(place).split(" / ")[-1],
        "earlier": start - timedelta(days=1), "later": end + timedelta(days=1) if end < calendar.today() else None,
        "period_name": telling.period(ScoreSheet(period=period, start=start)), "code": request.GET.get("place", ""),
    }  # fmt: skip
    return render(request, "esupervision/statistics.html", context)
