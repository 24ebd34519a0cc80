"""Working on archives: correcting, settling conflicts, the queue of doubles, requests of enterprises."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.people.access import enterprise_required, role_required
from jinzhi.registry import (
    archive_page,
    corrections,
    identity,
    sections,
    services,
    stating,
    suspicions,
    written,
)
from jinzhi.registry.facts import FIELDS
from jinzhi.registry.models import Correction, Enterprise, Fact, MergeLog, Suspicion
from jinzhi.registry.services import Refused

ARCHIVISTS = ("records_clerk", "certificate_clerk")  # who may correct, merge and answer
archivist = role_required(*ARCHIVISTS)
LISTED = 100


def _since(request) -> date | None:
    """A day posted with an act; Refused for what is none."""
    day, wrong = archive_page.day_asked(request.POST.get("since"))
    if wrong:
        raise Refused({"since": wrong.split("。")[0]})
    return day


@require_http_methods(["GET", "HEAD", "POST"])
@archivist
def correct(request, key: UUID):
    """Fix one field by hand; it is locked afterwards."""
    enterprise = get_object_or_404(Enterprise, pk=key, merged_into=None)
    asked = request.POST.get("field") or request.GET.get("field", "")
    chosen = FIELDS[asked] if asked in corrections.ASKED else FIELDS["address"]
    faults: list[str] = []
    if request.method == "POST":
        try:
            stating.correct(key, chosen.key, request.POST.get("value", ""), reason=request.POST.get("reason", ""),
                            actor=request.user, post=request.post, since=_since(request))  # fmt: skip
            messages.success(request, f"{chosen.title}已更正，锁定到期前其他来源只并列、不覆盖。")
            return redirect("registry-enterprise", key)
        except Refused as refused:
            faults = list(refused.problems.values())
    held, _ = stating.held(enterprise, chosen.key)
    today = calendar.today()
    rule = rules.value("registry.correction.lock", today)
    context = {
        "enterprise": enterprise,
        "fields": [FIELDS[k] for k in corrections.ASKED],
        "chosen": chosen,
        "choices": getattr(Enterprise._meta.get_field(chosen.key), "choices", None),
        "present": archive_page.words(chosen.key, held.value),
        "held": held,
        "posted": request.POST,
        "faults": faults,
        "today": today,
        "rule": rule,
        "months": rule.value,
        "until": add_months(today, int(rule.value)),
    }
    return render(request, "registry/correct.html", context, status=422 if faults else 200)


@require_POST
@archivist
def settle(request, fact: int):
    """Take a differing statement, or refuse it."""
    found = get_object_or_404(Fact, pk=fact)
    try:
        stating.settle(found, request.POST.get("accept") == "1", reason=request.POST.get("reason", ""),
                       actor=request.user, post=request.post)  # fmt: skip
        messages.success(request, "已核定。")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("registry-enterprise", found.enterprise_id)


def _names(pairs: list[Suspicion]) -> dict[UUID, str]:
    """Names of both sides; one of another place has none here."""
    keys = {key for p in pairs for key in (p.left_id, p.right_id)}
    return dict(Enterprise.objects.filter(pk__in=keys).values_list("pk", "name"))


def waiting():
    """Open pairs of which neither was merged away."""
    return Suspicion.objects.filter(state=Suspicion.State.OPEN).exclude(
        Q(left__in=_merged()) | Q(right__in=_merged())
    )


def _merged():
    return Enterprise.objects.filter(merged_into__isnull=False).values("pk")


@require_safe
@archivist
def duplicates(request):
    """The queue, highest score first."""
    tab = request.GET.get("state", "open")
    if tab not in Suspicion.State.values:
        tab = "open"
    found = waiting() if tab == "open" else Suspicion.objects.filter(state=tab)
    pairs = list(found.order_by("-score", "-id")[: LISTED + 1])
    names = _names(pairs)
    for p in pairs:
        p.left_name, p.right_name = names.get(p.left_id), names.get(p.right_id)  # type: ignore[attr-defined]
    tabs = [
        (key, word, waiting().count() if key == "open" else None) for key, word in Suspicion.State.choices
    ]
    context = {"pairs": pairs[:LISTED], "more": len(pairs) > LISTED, "tab": tab, "tabs": tabs}
    return render(request, "registry/duplicates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archivist
def duplicate(request, key: UUID):
    """One pair side by side; an act leads to the next pair."""
    pair = get_object_or_404(Suspicion.objects.select_related("log"), pk=key)
    faults: list[str] = []
    if request.method == "POST":
        try:
            _decide(request, pair)
            following = waiting().exclude(pk=pair.pk).order_by("-score", "-id").first()
            return (
                redirect("registry-duplicate", following.pk) if following else redirect("registry-duplicates")
            )
        except Refused as refused:
            faults = list(refused.problems.values())
    return render(
        request, "registry/duplicate.html", _pair(request, pair, faults), status=422 if faults else 200
    )


def _decide(request, pair: Suspicion) -> None:
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    if act in ("left", "right"):
        keep, gone = (pair.left_id, pair.right_id) if act == "left" else (pair.right_id, pair.left_id)
        identity.merge(keep, gone, reason=reason, actor=request.user, post=request.post)
        messages.success(request, "已合并。要撤销，请到保留的档案或者“已合并”里办理。")
    else:
        suspicions.decide(pair.pk, act, reason=reason, actor=request.user, post=request.post)
        messages.success(request, f"已记为“{Suspicion.State(act).label}”。")


def _pair(request, pair: Suspicion, faults: list[str]) -> dict[str, Any]:
    rows = {row.pk: row for row in Enterprise.objects.filter(pk__in=[pair.left_id, pair.right_id])}
    sides = [rows.get(pair.left_id), rows.get(pair.right_id)]
    left, right = sides
    compared = {}
    if left and right:
        compared = suspicions.compare(suspicions.described(left), suspicions.described(right))
    table = []
    for key, field in FIELDS.items():
        one, other = (archive_page.words(key, getattr(s, key)) if s else "" for s in sides)
        if one or other:
            mark = "alike" if one == other else "unlike" if one and other else ""
            table.append({"title": field.title, "left": one, "right": other, "mark": mark})
    objection = ""
    if left and right and pair.state != Suspicion.State.MERGED:
        objection = next(iter(identity.objections(left, right).values()), "")
    elif not (left and right):
        objection = "有一方在其他地区，合并请报共同的上级机关办理。"
    return {
        "p": pair,
        "sides": [
            {"id": s.pk, "name": s.name} if s else {"id": None, "name": "其他地区的企业"} for s in sides
        ],
        "rows": table,
        "evidence": [_spoken(e) for e in pair.evidence or compared.get("evidence", [])],
        "verdict": compared,
        "objection": objection,
        "left_over": waiting().exclude(pk=pair.pk).count(),
        "may_merge": bool(request.roles & set(ARCHIVISTS)),
        "faults": faults,
        "posted_reason": request.POST.get("reason", ""),
    }


def _spoken(evidence: dict) -> dict:
    """Evidence with places by name."""
    sides = {s: str(evidence.get(s, "")) for s in ("left", "right")}
    if evidence.get("field") == "地区":
        sides = {
            s: archive_page.words("place", text) if text.isdigit() else text for s, text in sides.items()
        }
    return evidence | sides


@require_POST
@archivist
def unmerge(request, log: UUID):
    """Take a merge back."""
    found = get_object_or_404(MergeLog, pk=log)
    try:
        identity.unmerge(found, reason=request.POST.get("reason", ""), actor=request.user, post=request.post)
        messages.success(request, "合并已撤销，两份档案恢复原状。")
    except Refused as refused:
        messages.error(request, str(refused))
    back = request.POST.get("back", "")
    if back and Suspicion.objects.filter(pk=written.as_uuid(back)).exists():
        return redirect("registry-duplicate", back)
    return redirect("registry-enterprise", found.survivor_id)


@require_safe
@archivist
def requests(request):
    """Corrections that enterprises ask for: open ones by due day, then those answered last."""
    return render(request, "registry/corrections.html", _requests())


def _requests(faults: list[str] | None = None) -> dict[str, Any]:
    rows = Correction.objects.select_related("enterprise")
    opened = sorted(
        map(corrections.asked, rows.filter(state="open").order_by("id")[:LISTED]), key=lambda a: a.due
    )
    answered = map(corrections.asked, rows.exclude(state="open").order_by("-answered_on", "-id")[:20])
    rule = rules.value(corrections.RULE, calendar.today())
    return {"asked": [*opened, *answered], "rule": rule, "today": calendar.today(), "faults": faults or []}


@require_POST
@archivist
def answer(request, key: UUID):
    try:
        corrections.answer(key, request.POST.get("accept") == "1", text=request.POST.get("answer", ""),
                           actor=request.user, post=request.post, since=_since(request))  # fmt: skip
    except Refused as refused:
        faults = list(refused.problems.values())
        return render(request, "registry/corrections.html", _requests(faults), status=422)
    messages.success(request, "已答复，企业可以看到结果。")
    return redirect("registry-corrections")


@require_http_methods(["GET", "HEAD", "POST"])
@enterprise_required
def mine(request):
    """The enterprise's own face of its archive, and its requests for correction."""
    key, faults = request.user.enterprise_id, []
    if request.method == "POST":
        try:
            enterprise = get_object_or_404(Enterprise, pk=key)
            posted = {k: request.POST.get(k, "") for k in ("field", "wanted", "reason")}
            corrections.ask(
                enterprise, posted["field"], posted["wanted"], reason=posted["reason"], actor=request.user
            )
            messages.success(request, "申请已提出，答复期限见下表。")
            return redirect("my-archive")
        except Refused as refused:
            faults = list(refused.problems.values())
    on, wrong = archive_page.day_asked(request.GET.get("as_of"))
    found = services.archive(key, inner=True, on=on)
    if found is None:
        raise Http404("没有登记本企业。")
    rows = Correction.objects.filter(enterprise=key).order_by("-id")[:30]
    context = archive_page.context(found, sections.OWN, on) | {
        "link": services.link(found),
        "wrong_day": wrong,
        "asked": [corrections.asked(row) for row in rows],
        "fields": [FIELDS[k] for k in corrections.ASKED],
        "limit": rules.value(corrections.RULE, calendar.today()).value,
        "posted": request.POST,
        "faults": faults,
    }
    return render(
        request, "registry/my_archive.html", context, status=422 if faults else 400 if wrong else 200
    )
