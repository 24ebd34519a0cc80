"""The code service for everybody: check a code and see why, code sets on a day, two versions side by side.

An official sees the same pages within the workbench.
"""

from datetime import date
from typing import Any

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import SCHEMES, catalogue, check, explaining

LONGEST, SHOWN = 200, 400
PARTS = {
    "kind": "类别", "department": "登记管理部门", "region": "区划码", "region_name": "区划", "province": "省份",
    "organization_code": "组织机构代码", "sex": "性别", "birth_date": "出生日期", "category": "类别代码",
    "category_name": "类别", "sequence": "顺序号", "printed": "印刷写法", "form": "种类", "gtin14": "14 位写法", "prefix": "前缀",
    "name": "名称", "successor": "并入", "code": "代码", "activity": "许可类别", "equipment": "设备种类", "organ": "发证机关",
    "expiry_year": "到期年份", "year": "年份", "class": "计量器具类别", "nationality": "国家（地区）代码", "city": "市",
    "county": "县",
}  # fmt: skip


def _frame(request) -> dict[str, Any]:
    inside = request.user.is_authenticated and request.user.kind == "staff"
    return {"base": "web/workbench.html" if inside else "web/public.html", "inside": inside}


def _day(request) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("on", "").strip())
    except ValueError:
        return None


@require_safe
def index(request):
    """The schemes and the sets there are."""
    found = []
    for key, title, standard in catalogue.sets():
        held = catalogue.versions(key)
        if held:
            found.append((key, title, standard, len(held), held[-1]))
    kinds = [(s, explaining.GUIDES[s.key].about) for s in SCHEMES.values()]
    return render(request, "codes/index.html", {"kinds": kinds, "sets": found} | _frame(request))


@require_safe
def scheme(request, key: str):
    """How a kind of code is built; a typed one checked, with every step of the arithmetic."""
    kind = SCHEMES.get(key)
    if kind is None:
        raise Http404
    value, on = request.GET.get("value", "").strip()[:LONGEST], _day(request)
    guide = explaining.GUIDES[key]
    context: dict[str, Any] = {"kind": kind, "guide": guide, "value": value, "on": on or today()}
    example = check(key, guide.example, on)
    context["shown_steps"] = explaining.steps(example)
    if value:
        answer = check(key, value, on)
        context |= {
            "answer": answer,
            "parts": [(PARTS[k], v) for k, v in answer.parts.items() if k in PARTS and v not in ("", None)],
            "steps": explaining.steps(answer),
            "candidates": explaining.candidates(answer, on or today()),
        }
    return render(request, "codes/scheme.html", context | _frame(request))


@require_safe
def code_set(request, key: str):
    """A code set on a day: the version in force, its codes, and all its versions."""
    on, q = _day(request) or today(), request.GET.get("q", "").strip()[:60]
    try:
        known = catalogue.versions(key)
    except catalogue.NoSuchSet:
        raise Http404 from None
    held = next((v for v in known if v.holds_on(on)), None)
    context: dict[str, Any] = {"key": key, "title": catalogue.title(key), "on": on, "q": q, "held": held}
    context["versions"] = list(reversed(known))
    if held:
        items = catalogue.items(key, held)
        fits = [i for i in items.values() if not q or i.code.startswith(q.upper()) or q in i.name]
        context |= {"items": _indented(fits[:SHOWN], items), "count": len(fits), "cut": len(fits) > SHOWN}
        if q and not fits:
            context["found"] = catalogue.look_up(key, q.upper(), on)
    return render(request, "codes/set.html", context | _frame(request))


def _indented(
    shown: list[catalogue.Item], items: dict[str, catalogue.Item]
) -> list[tuple[catalogue.Item, int]]:
    rows = []
    for item in shown:
        depth, parent = 0, item.parent
        while parent in items and depth < 5:
            depth, parent = depth + 1, items[parent].parent
        rows.append((item, depth))
    return rows


@require_safe
def diff(request, key: str):
    """Two versions of a set: added, removed with what they became, renamed, moved."""
    try:
        known = catalogue.versions(key)
        names = [v.version for v in known]
        new = catalogue.named(key, request.GET.get("new") or names[-1])
        old = catalogue.named(key, request.GET.get("old") or names[max(0, len(names) - 2)])
    except (catalogue.NoSuchSet, IndexError):
        raise Http404 from None
    context = {"key": key, "title": catalogue.title(key), "versions": known, "old": old, "new": new}
    context["diff"] = catalogue.diff(key, old, new)
    return render(request, "codes/diff.html", context | _frame(request))
