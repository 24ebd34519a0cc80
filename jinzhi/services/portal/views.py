"""The public face: home, service hall, guide pages, open procedures and the law a step cites."""

from datetime import date

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from jinzhi.casework import matters, swimlane
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.people.roles import ROLES
from jinzhi.registry.laws import services as laws


def _guides() -> list[matters.Guide]:
    return matters.guides(calendar.today())


def _by_domain(guides: list[matters.Guide]) -> list[tuple[str, list[matters.Guide]]]:
    """The matters under the field they belong to; what can no longer be applied for comes last."""
    found: dict[str, list[matters.Guide]] = {}
    for one in sorted(guides, key=lambda g: bool(g.closed)):
        found.setdefault(one.matter.domain, []).append(one)
    return list(found.items())


@require_GET
def home(request):
    return render(
        request, "portal/home.html", {"domains": _by_domain([g for g in _guides() if not g.closed])}
    )


@require_GET
def hall(request):
    """Every matter one can apply for, searchable by a word."""
    words = request.GET.get("q", "").strip()[:40]
    guides = [g for g in _guides() if words in g.matter.title + g.matter.summary + g.matter.domain]
    return render(request, "portal/hall.html", {"domains": _by_domain(guides), "words": words})


def step_rows(procedure: Procedure) -> list[dict]:
    """The steps as a table a citizen or a legal officer can read."""
    rows = []
    for key in procedure.reachable():
        step = procedure.step(key)
        if step.kind != "user":
            continue
        limit = None
        if step.limit:
            limit = rules.value(step.limit, on=procedure.valid_from)
        rows.append({"step": step, "role": ROLES.get(step.role, step.role), "limit": limit})
    return rows


@require_GET
def guide(request, slug: str):
    """办事指南: who, conditions, materials, limits with their articles, fee, procedure, where (行政许可法第三十条)."""
    found = matters.matter(slug)
    shown = matters.guide(found, calendar.today()) if found else None
    if shown is None:
        raise Http404
    procedure = shown.version.procedure
    context = {
        "guide": shown,
        "matter": found,
        "procedure": procedure,
        "lane": swimlane.svg(procedure),
        "rows": step_rows(procedure),
        "cities": Agency.objects.filter(level="city", valid_to=None),
    }
    return render(request, "portal/guide.html", context)


@require_GET
def law(request):
    """The text a step cites as it stood on a day, or the citation alone where the text was not loaded."""
    title = request.GET.get("title", "").strip()[:120]
    article = request.GET.get("article", "").strip()[:60]
    if not title:
        raise Http404
    try:
        on = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        on = calendar.today()
    found = laws.in_force(title, on)
    cited = laws.cited(found, article) if found else []
    context = {"title": title, "article": article, "on": on, "law": found, "cited": cited}
    if found and "all" in request.GET:
        context["articles"] = found.articles.all()
    return render(request, "portal/law.html", context)


@require_GET
def procedure(request, key: str, version: int):
    """A published procedure as it is applied: open to everybody."""
    found = get_object_or_404(ProcedureVersion, key=key, version=version)
    context = {"version": found, "procedure": found.procedure, "lane": swimlane.svg(found.procedure)}
    return render(request, "portal/procedure.html", context | {"rows": step_rows(found.procedure)})
