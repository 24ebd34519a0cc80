"""What is filled in at a step (cause and solution, risk, report): a form `<procedure>.<step>` of this room.

A step says `page: operations/record.html`; its main outcome's guard calls `take`, which keeps the answers in
`case.facts["record"][<step>]`.
"""

from django.utils import timezone

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import step_page
from jinzhi.casework.models import Case, Step
from jinzhi.casework.presenting import ShownSection, sections, text_of
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.forms.definition import all_forms
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.network.operations import moments

PAGE = "operations/record.html"


def form_of(case: Case, step: str) -> forms.Form:
    """The newest form of this step on the case's date. Raises forms.NoForm."""
    key = f"{case.definition.key}.{step}"
    held = [f for (k, _), f in all_forms().items() if k == key and f.valid_from <= case.rule_date]
    if not held:
        raise forms.NoForm(f"没有 {key} 的记录表")
    return max(held, key=lambda f: (f.valid_from, f.version))


def take(act: Act) -> dict:
    """The answers of the section `conclusion`, complete; they become part of what is known about the case."""
    form = form_of(act.case, act.node.key)
    cleaned, problems = forms.examine(form, act.payload.get("result") or {}, on=act.day)
    if problems:
        first = problems[0]
        more = f"还有 {len(problems)} 处需要填写或更正，首先是" if len(problems) > 1 else ""
        raise Refused(f"{more}“{first.label}”：{first.message}", first.path)
    act.payload["result"] = cleaned
    held = act.case.facts.setdefault("record", {})
    held[act.node.key] = {"form": [form.key, form.version], "data": cleaned}
    fields = form.sections[0].fields
    words = (f"{f.label}：{text_of(f, cleaned['conclusion'].get(f.key), act.case.rule_date)}" for f in fields)
    act.reason = act.reason or "；".join(w for w in words if not w.endswith("："))[:500]
    return cleaned["conclusion"]


def taken(case: Case, step: str) -> dict:
    """What was recorded at the step, empty where nothing was."""
    return case.facts.get("record", {}).get(step, {}).get("data", {}).get("conclusion", {})


def shown(case: Case) -> list[tuple[str, list[ShownSection]]]:
    """Every record of the case as (name of the step, sections)."""
    found = []
    for key, held in case.facts.get("record", {}).items():
        if key in case.definition.steps:
            form = forms.get(*held["form"])
            found.append((case.definition.step(key).name, sections(form, held["data"], case.rule_date)))
    return found


def _context(case: Case, step: Step) -> dict:
    form = form_of(case, step.key)
    data = step.result.get("draft") or {"conclusion": _now(form)}
    return {"form": form, "drawn": draw(form, data, calendar.today())}


def _now(form: forms.Form) -> dict[str, str]:
    """Moments that are mostly just past stand there already."""
    asked = {f.key for f in form.sections[0].fields} & {"restored", "reported"}
    return dict.fromkeys(asked, moments.shown(timezone.now()))


def _read(request) -> tuple[str, dict]:
    """The form is named in the page, so that reading needs no case."""
    key, _, version = request.POST.get("form", "").rpartition(":")
    try:
        form = forms.get(key, int(version))
    except (forms.NoForm, ValueError):
        return "", {"result": {}}
    return request.POST.get("reason", "").strip()[:1000], {"result": parse(form, request.POST)}


step_page(PAGE, _context, _read)
