"""The licence's own step pages: the on-site checklist (made for a phone) and the 2005 test report."""

from jinzhi.casework import documents
from jinzhi.casework.hooks import step_page
from jinzhi.casework.models import Case, Step
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.validation import keys
from jinzhi.services.licensing import checklists

LEAST_ROWS = 2
MOST_PHOTOS = 60


def site_check_context(case: Case, step: Step) -> dict:
    draft = step.result.get("draft", {})
    people = [*draft.get("inspectors", [])]
    people += [{} for _ in range(LEAST_ROWS + 1 - len(people))]
    grades, notes = draft.get("grades", {}), draft.get("notes", {})
    checklist = checklists.for_rule_set(case.definition.rule_set)
    sections = [
        (
            s.title,
            [{"item": i, "grade": grades.get(i.key, ""), "note": notes.get(i.key, "")} for i in s.items],
        )
        for s in checklist.sections
    ]
    kept = Attachment.objects.filter(pk__in=keys(draft.get("photos")), subject=documents.subject(case))
    return {
        "checklist": checklist,
        "checked": sections,
        "people": people,
        "photos": kept.select_related("blob"),
        "today": calendar.today(),
        "least": rules.value("food_production.inspectors_min", on=case.rule_date),
        "limit": step.clocks.first(),
    }


def read_site_check(request) -> tuple[str, dict]:
    post = request.POST
    people = [
        {"name": name, "certificate": certificate}
        for name, certificate in zip(post.getlist("inspector"), post.getlist("certificate"), strict=False)
        if name.strip() or certificate.strip()
    ]
    result = {
        "inspectors": people,
        "date": post.get("date", ""),
        "grades": {k.removeprefix("grade-"): v for k, v in post.items() if k.startswith("grade-")},
        "notes": {k.removeprefix("note-"): v for k, v in post.items() if k.startswith("note-") and v.strip()},
        "photos": keys(post.getlist("photos"))[:MOST_PHOTOS],
        "signature": post.get("signature", ""),
    }
    return post.get("reason", "").strip(), {"result": result}


def licence_test_context(case: Case, step: Step) -> dict:
    return {}


def read_licence_test(request) -> tuple[str, dict]:
    keys = ("laboratory", "report", "standard", "conclusion")
    result = {k: request.POST.get(k, "").strip() for k in keys}
    return f"{result['laboratory']} {result['report']}".strip(), {"result": result}


step_page("licensing/site_check.html", site_check_context, read_site_check)
step_page("licensing/licence_test.html", licence_test_context, read_licence_test)
