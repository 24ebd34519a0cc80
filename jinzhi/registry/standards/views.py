"""The catalogue of standards for everybody; an official sees the same pages within the workbench."""

import re
from datetime import date

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import services
from jinzhi.registry.standards.numbers import KINDS, NATURES, BadNumber
from jinzhi.web.frames import frame

LONGEST, MOST_LINES = 100, 200


def _day(request) -> date:
    try:
        return date.fromisoformat(request.GET.get("on", "").strip())
    except ValueError:
        return today()


@require_safe
def index(request):
    """Standards by number, words of the title, ICS or kind, each with its state on the day."""
    q, on = request.GET.get("q", "").strip()[:LONGEST], _day(request)
    ics, kind = request.GET.get("ics", "").strip()[:12], request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    after = request.GET.get("after", "")[:60]
    rows, following = services.search(q, ics=ics, kind=kind, after=after)
    if len(rows) == 1 and rows[0].number.replace(" ", "") == services.numbers.normalize(q).replace(" ", ""):
        return redirect("standards-standard", rows[0].number)
    context = {
        "q": q, "on": on, "ics": ics, "kind": kind, "kinds": KINDS, "after": following,
        "rows": services.standings(rows, on), "asked": bool(q or ics or kind),
    }  # fmt: skip
    return render(request, "standards/index.html", context | frame(request))


@require_safe
def standard(request, number: str):
    """One standard: its state on the day, dates, and what replaced what."""
    on = _day(request)
    try:
        found = services.find(number[:LONGEST], on)
    except BadNumber as fault:
        raise Http404(str(fault)) from None
    if found is None:
        raise Http404(f"标准目录中没有 {services.parse(number).text}。")
    context = {"s": found.standard, "f": found, "on": on, "nature": NATURES[found.standard.nature]}
    context["kind"] = KINDS[found.standard.kind]
    try:
        context["chain"], context["ends"] = services.chain(found.standard.number)
    except services.Cycle as fault:
        context["fault"] = str(fault)
    return render(request, "standards/standard.html", context | frame(request))


@require_safe
def check(request):
    """A list of cited standards, one on a line, checked on a day."""
    on = _day(request)
    text = request.GET.get("numbers", "")[:20_000]
    cited = [line.strip() for line in re.split(r"[\n;；]+", text) if line.strip()]
    context = {
        "on": on, "text": text, "by_standard": "by_standard" in request.GET, "most": MOST_LINES,
        "rows": services.check_list(cited[:MOST_LINES], on, by_standard="by_standard" in request.GET),
        "cut": len(cited) > MOST_LINES,
    }  # fmt: skip
    return render(request, "standards/check.html", context | frame(request))
