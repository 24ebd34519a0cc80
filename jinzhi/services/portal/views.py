"""The public face: home, service hall, guide pages, open procedures and the law a step cites."""

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from jinzhi.casework import clocks, matters, reading, swimlane
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import calendar, forms, rules
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.people.roles import ROLES


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


WITHOUT_ROLE = {"decision": "按规则判定", "timer": "等待期满", "subprocess": "另立程序", "notice": "送达"}


def step_rows(procedure: Procedure) -> list[dict]:
    """The steps as a table a citizen or a legal officer can read."""
    rows = []
    for key in reading.order(procedure):
        step = procedure.step(key)
        if step.branches:  # a block: its members are rows of their own
            continue
        role = ROLES.get(step.role, step.role) or WITHOUT_ROLE.get(step.kind, "")
        value = rules.value(step.limit, on=procedure.valid_from) if step.limit else None
        limit = clocks.limit_text(int(value.value), value.unit) if value else ""
        rows.append({"step": step, "role": role, "limit": limit})
    return rows


def _instead(shown: matters.Guide) -> list[matters.Guide]:
    """What may be applied for in the field of a matter that is closed."""
    if not shown.closed:
        return []
    return [g for g in _guides() if not g.closed and g.matter.domain == shown.matter.domain]


def materials(shown: matters.Guide) -> list[tuple[forms.Field, str]]:
    """What is handed in, each with the answers under which it is asked for."""
    procedure = shown.version.procedure
    form = forms.get(procedure.form, procedure.form_version)
    return [(m, _condition(form, m)) for m in shown.materials]


def _condition(form: forms.Form, field: forms.Field) -> str:
    words = []
    for path, wanted in field.show_if.items():
        section, key = path.split(".")
        asked = form.section(section).field(key)
        values = wanted if isinstance(wanted, list) else [wanted]
        words.append(f"{asked.label}为{'、'.join(dict(asked.choices).get(v, str(v)) for v in values)}")
    return "，".join(words)


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
        "materials": materials(shown),
        "instead": _instead(shown),
        "promises": any(line["promised"] for line in shown.limits),
        "lane": swimlane.svg(procedure),
        "rows": step_rows(procedure),
        "cities": Agency.objects.filter(level="city", valid_to=None),
    }
    return render(request, "portal/guide.html", context)


@require_GET
def procedure(request, key: str, version: int):
    """A published procedure as it is applied: open to everybody."""
    found = get_object_or_404(ProcedureVersion, key=key, version=version)
    context = {"version": found, "procedure": found.procedure, "lane": swimlane.svg(found.procedure)}
    return render(request, "portal/procedure.html", context | {"rows": step_rows(found.procedure)})
