"""The administrator's calendar: each year with its notice, and the page that loads the next notice."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from jinzhi.foundation.calendar import table
from jinzhi.foundation.calendar.building import FIRST, LAST
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.calendar.forms import NoticeForm
from jinzhi.foundation.calendar.loading import NoticeRefused, confirm_notice, preview_notice
from jinzhi.foundation.calendar.models import HolidayNotice
from jinzhi.foundation.calendar.months import months
from jinzhi.foundation.calendar.notices import Holiday
from jinzhi.foundation.people.access import NotThisPost, role_required
from jinzhi.foundation.people.models import Agency

READERS = ("administrator", "security_administrator", "auditor")


@role_required(*READERS)
def year(request) -> HttpResponse:
    shown = _year(request.GET.get("year", ""))
    days = table.current()
    held = HolidayNotice.objects.filter(year=shown, status=HolidayNotice.Status.CONFIRMED).order_by(
        "kind", "id"
    )
    laid_out = months(days, shown)
    context = {
        "year": shown,
        "years": range(FIRST.year + 1, LAST.year + 1),
        "months": laid_out,
        "workdays": sum(month.workdays for month in laid_out),
        "provisional": days.is_provisional(date(shown, 6, 1)),
        "notices": [(notice, [Holiday.from_dict(one) for one in notice.ranges]) for notice in held],
        "may_load": _may_load(request),
        "next_year": _next_year(),
    }
    return render(request, "calendar/year.html", context)


def _year(text: str) -> int:
    if not text:
        return today().year
    if not text.isdecimal() or not FIRST.year < int(text[:5]) <= LAST.year:
        raise Http404(f"工作日历只有 {FIRST.year + 1} 至 {LAST.year} 年")
    return int(text)


def _may_load(request) -> bool:
    """The calendar is everybody's: only an administrator of the province changes it."""
    return "administrator" in request.roles and request.post.agency.level == Agency.Level.PROVINCE


def _next_year() -> int:
    """The first year from now on that still lacks its notice."""
    annual = HolidayNotice.objects.filter(kind="annual", status="confirmed", year__gte=today().year)
    held = set(annual.values_list("year", flat=True))
    return next(candidate for candidate in range(today().year, LAST.year + 2) if candidate not in held)


@role_required("administrator")
def new(request) -> HttpResponse:
    """Paste the notice, look at what was read and what it changes, confirm."""
    if not _may_load(request):
        raise NotThisPost(text="工作日历全省共用，由省级机构的系统管理员录入放假通知。")
    form = NoticeForm(request.POST or None, initial={"year": _next_year()})
    preview = None
    if request.method == "POST" and form.is_valid():
        text, wanted = form.cleaned_data["text"], form.cleaned_data["year"]
        if request.POST.get("step") == "confirm" and (done := _confirm(request, form)):
            return done
        preview = preview_notice(text, wanted)
    return render(request, "calendar/new.html", {"form": form, "preview": preview})


def _confirm(request, form: NoticeForm) -> HttpResponse | None:
    """Make it effective and go to its year; None when it was refused (the reasons stand in the form)."""
    given = form.cleaned_data
    try:
        notice = confirm_notice(
            given["text"],
            given["year"],
            request.user,
            post=request.post,
            digest=given["digest"],
            number=given["number"],
            issued_on=given["issued_on"],
            replace=given["replace"],
        )
    except NoticeRefused as fault:
        for line in str(fault).splitlines():
            form.add_error(None, line)
        return None
    messages.success(request, f"{notice.title}已生效，{notice.year} 年及以后的期限已按新的工作日重算。")
    return redirect(f"{reverse('calendar-year')}?year={notice.year}")
