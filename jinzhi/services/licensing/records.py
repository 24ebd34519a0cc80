"""Records made at a step (test report, appraisal report, hearing record, rectification): forms like any other.

A step says `page: licensing/record.html` and `guard: licensing.record`; the form is the newest one of
key `<procedure>.<step>`, or `record_<step>`, that was in force on the case's date. What was recorded stands in
`case.facts[<step>]` and is shown by the panel `licensing/_records.html`.
"""

from datetime import date

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook, step_page
from jinzhi.casework.models import Case, Step
from jinzhi.casework.presenting import ShownSection, sections, text_of
from jinzhi.casework.procedures import StepDef
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.forms.definition import all_forms
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.services.licensing import evidence
from jinzhi.services.licensing.drafting import files_of

PAGE = "licensing/record.html"


def form_of(case: Case, node: StepDef) -> forms.Form:
    """The form of this step's record. Raises forms.NoForm."""
    for key in (f"{case.definition.key}.{node.key}", f"record_{node.key.replace('.', '_')}"):
        held = [f for (k, _), f in all_forms().items() if k == key and f.valid_from <= case.rule_date]
        if held:
            return max(held, key=lambda f: (f.valid_from, f.version))
    raise forms.NoForm(f"没有“{node.name}”的记录表")


def summary(form: forms.Form, data: dict, on: date) -> str:
    """The conclusion in words, for the story: the answers of the section `conclusion`, else of the first one."""
    section = next((s for s in form.sections if s.key == "conclusion"), form.sections[0])
    part = data.get(section.key)
    if section.kind != "fields" or not isinstance(part, dict):
        return ""
    lines = [f"{f.label}：{text_of(f, part.get(f.key), on)}" for f in section.fields if part.get(f.key)]
    return "；".join(lines)[:500]


@hook("licensing.record")
def complete(act: Act) -> None:
    """The record is complete; it becomes part of what is known about the case."""
    form = form_of(act.case, act.node)
    cleaned, problems = forms.examine(form, act.payload.get("result"), on=act.day)
    if problems:
        first = problems[0]
        raise Refused(
            f"还有 {len(problems)} 处需要填写或更正，首先是“{first.label}”：{first.message}", first.path
        )
    evidence.take_named(act, form, cleaned)
    act.payload["result"] = cleaned
    act.case.facts[act.node.key] = cleaned
    act.case.facts.setdefault("records", {})[act.node.key] = [form.key, form.version]
    act.reason = act.reason or summary(form, cleaned, act.case.rule_date)


def shown(case: Case) -> list[tuple[str, list[ShownSection]]]:
    """Every record of the case, as (step's name, sections)."""
    found = []
    for key, (form, version) in case.facts.get("records", {}).items():
        if key in case.definition.steps:
            name = case.definition.step(key).name
            found.append((name, sections(forms.get(form, version), case.facts[key], case.rule_date)))
    return found


def _context(case: Case, step: Step) -> dict:
    form = form_of(case, case.definition.step(step.key))
    data = step.result.get("draft") or {}
    return {"form": form, "drawn": draw(form, data, calendar.today()), "files": files_of(form, data)}


def _read(request) -> tuple[str, dict]:
    """The form is named in the page, so that reading needs no case."""
    key, _, version = request.POST.get("form", "").rpartition(":")
    try:
        form = forms.get(key, int(version))
    except (forms.NoForm, ValueError):
        return "", {"result": {}}
    return request.POST.get("reason", "").strip()[:1000], {"result": parse(form, request.POST)}


step_page(PAGE, _context, _read)
