"""The enterprise's side: applying, following its cases, answering corrections, downloading licences."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework import actions, documents, presenting, swimlane, uploads
from jinzhi.casework import intake as casework_intake
from jinzhi.casework.actions.movement import Withdraw
from jinzhi.casework.matters import matter
from jinzhi.casework.models import Case, Draft, Step
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import Attachment, GeneratedDocument
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.foundation.people.access import enterprise_required
from jinzhi.foundation.places.services import name_path
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.services.licensing import intake


def _actor(request) -> actions.Actor:
    return actions.Actor(request.user)


@require_GET
@enterprise_required
def my(request):
    """The enterprise's desk: what it must do, its drafts, cases and licences."""
    cases = list(Case.objects.select_related("procedure", "agency").order_by("-id")[:100])
    waiting = {s.case_id: s for s in Step.objects.filter(state="open", role="applicant")}
    current = {s.case_id: s for s in Step.objects.filter(state="open", kind="user").order_by("-due_ord")}
    rows = []
    for case in cases:
        running = case.state == Case.State.OPEN
        clock = next(iter(presenting.shown_clocks(case)), None) if running else None
        rows.append(
            {"case": case, "waiting": waiting.get(case.pk), "step": current.get(case.pk), "clock": clock}
        )
    context = {
        "enterprise": Enterprise.objects.filter(pk=request.user.enterprise_id).first(),
        "rows": rows,
        "todo": [r for r in rows if r["waiting"]],
        "drafts": Draft.objects.filter(submitted_at=None).select_related("procedure"),
        "certificates": Certificate.objects.order_by("-valid_to"),
        "papers": _licence_papers(),
    }
    return render(request, "licensing/my.html", context)


def _licence_papers() -> dict[str, list[GeneratedDocument]]:
    """Original and duplicate of the enterprise's licences, by licence number."""
    found: dict[str, list[GeneratedDocument]] = {}
    kinds = ("licence_original", "licence_copy")
    for document in GeneratedDocument.objects.filter(kind__in=kinds).order_by("created_at"):
        found.setdefault(document.data.get("licence_number", ""), []).append(document)
    return found


@enterprise_required
def start(request, slug: str):
    """Open the draft of a matter, making one where there is none."""
    found = matter(slug)
    if found is None:
        raise Http404
    try:
        draft = intake.draft_for(request.user, found.procedure, calendar.today())
    except casework_intake.NotInForce as refusal:
        messages.error(request, refusal.message)
        return redirect("portal-matter", slug)
    return redirect("licensing-draft", draft.pk)


def _draft(request, key) -> tuple[Draft, forms.Form]:
    draft = get_object_or_404(
        Draft.objects.select_related("procedure"), pk=key, enterprise_id=request.user.enterprise_id
    )
    definition = draft.procedure.procedure
    return draft, forms.get(definition.form, definition.form_version)


def _page(request, form: forms.Form, data: dict, **context):
    """The form as drawn, with the rail that tells which sections still lack something."""
    today = calendar.today()
    lacking = forms.missing(form, data, on=today)
    shown_errors = [e for many in lacking.values() for e in many] if context.get("judged") else []
    drawn = draw(form, data, today, shown_errors)
    rail = [(d.section, len(lacking.get(d.key, ()))) for d in drawn]
    total = sum(n for _, n in rail)
    files = _files(form, data)
    return render(
        request,
        "licensing/apply.html",
        {
            "form": form,
            "drawn": drawn,
            "rail": rail,
            "lacking": total,
            "errors": shown_errors,
            "files": files,
            **context,
        },
    )


def _files(form: forms.Form, data: dict) -> dict[str, list[Attachment]]:
    found: dict[str, list[Attachment]] = {}
    for section in form.sections:
        if section.kind == "attachments":
            for key, ids in (data.get(section.key) or {}).items():
                found[key] = list(Attachment.objects.filter(pk__in=ids).select_related("blob"))
    return found


@enterprise_required
def draft(request, key):
    """Fill in and hand in. Leaving the page loses nothing: every pause in typing is saved."""
    found, form = _draft(request, key)
    if found.submitted_at:
        case = Case.objects.filter(draft=found.pk).first()
        return redirect("licensing-case", case.number) if case else redirect("my-home")
    judged = False
    if request.method == "POST":
        data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
        try:
            found = casework_intake.save_draft(found, data, _revision(request))
            case = intake.submit(found, _actor(request))
        except casework_intake.Stale as stale:
            found.refresh_from_db()
            if found.submitted_at:  # a second click, or another window, was faster
                return redirect("licensing-draft", found.pk)
            messages.error(request, stale.message)
            found.data = data
        except actions.Refused as refusal:
            judged = True
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"申请已提交，编号 {case.number}。")
            return redirect("licensing-case", case.number)
    elif "check" in request.GET:
        judged = True
    return _page(request, form, found.data, draft=found, judged=judged)


@require_POST
@enterprise_required
def save(request, key):
    found, form = _draft(request, key)
    data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
    try:
        kept = casework_intake.save_draft(found, data, _revision(request))
    except actions.Refused as refusal:
        return JsonResponse({"message": refusal.message}, status=409)
    lacking = forms.missing(form, data, on=calendar.today())
    counts = {s.key: len(lacking.get(s.key, ())) for s in form.sections}
    saved = {"saved_at": f"{timezone.localtime():%H:%M}", "revision": kept.revision}
    return JsonResponse(saved | {"lacking": counts, "total": sum(counts.values())})


def _revision(request) -> int | None:
    """The state of the draft this page last saw; none from a page that does not tell."""
    text = request.POST.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


@require_POST
@enterprise_required
def upload(request, key):
    found, _ = _draft(request, key)
    if found.submitted_at:
        return JsonResponse({"message": "申请已提交，不能再上传"}, status=409)
    kind = request.POST.get("kind", "")[:40]
    return uploads.receive(
        request, kind=kind, place=intake.NOWHERE, enterprise_id=found.enterprise_id, subject=intake.subject(found),
        remove=reverse("licensing-draft-remove", args=[found.pk, UUID(int=0)]),
    )  # fmt: skip


@require_POST
@enterprise_required
def remove(request, key, file):
    """Take back a file of a draft that has not been handed in."""
    found, _ = _draft(request, key)
    if found.submitted_at:
        return JsonResponse({"message": "申请已提交，不能再删除"}, status=409)
    gone, _ = Attachment.objects.filter(pk=file, subject=intake.subject(found)).delete()
    return JsonResponse({"removed": gone}, status=200 if gone else 404)


@require_POST
@enterprise_required
def discard(request, key):
    found, _ = _draft(request, key)
    if not found.submitted_at:
        found.delete()
        messages.success(request, "草稿已删除。")
    return redirect("my-home")


def _case(request, number: str) -> Case:
    cases = Case.objects.select_related("procedure", "agency")
    return get_object_or_404(cases, number=number, enterprise_id=request.user.enterprise_id)


@require_GET
@enterprise_required
def case(request, number: str):
    """Where the case stands, until when and why, what was sent, what is to be done."""
    found = _case(request, number)
    submissions = list(found.submissions.order_by("number"))
    form = forms.get(submissions[-1].form, submissions[-1].form_version)
    clocks = presenting.shown_clocks(found)
    leading = next((c for c in clocks if c.clock.state in ("running", "paused")), None)
    open_steps = list(found.steps.filter(state="open", kind="user").select_related("agency"))
    own = next((s for s in open_steps if s.role == "applicant"), None)
    correction = found.steps.filter(action="correct").order_by("-id").first()
    context = {
        "case": found,
        "place_path": name_path(found.place),
        "open_steps": open_steps,
        "own": own,
        "own_node": found.definition.step(own.key) if own else None,
        "correction": correction if own and own.key == "correction" else None,
        "clocks": [c for c in clocks if c.clock.step_id is None and c is not leading],
        "leading": leading,
        "sections": presenting.sections(form, found.data, found.rule_date),
        "events": found.events.filter(public=True).order_by("-seq"),
        "documents": documents.of_case(found, for_applicant=True),
        "lane": swimlane.svg(found.definition, presenting.lane_states(found)),
        "may_withdraw": Withdraw.possible(found),
    }
    return render(request, "licensing/case.html", context)


@enterprise_required
def answer(request, number: str):
    """Answer a correction notice: the former application, the list of what to correct, hand in again."""
    found = _case(request, number)
    step = found.steps.filter(state="open", role="applicant", key="correction").first()
    if step is None:
        messages.warning(request, "本件目前不需要补正。")
        return redirect("licensing-case", number)
    form = forms.get(found.definition.form, found.definition.form_version)
    data = step.result.get("draft") or found.data
    judged = False
    if request.method == "POST":
        data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
        Step.objects.filter(pk=step.pk, state="open").update(result={"draft": data})
        if "X-Autosave" in request.headers:
            lacking = forms.missing(form, data, on=calendar.today())
            return JsonResponse(
                {"saved_at": f"{timezone.localtime():%H:%M}", "total": sum(map(len, lacking.values()))}
            )
        try:
            actions.perform(found.pk, "resubmit", step.pk, _actor(request), payload={"data": data})
        except actions.Refused as refusal:
            judged = True
            messages.error(request, refusal.message)
        else:
            messages.success(request, "补正材料已提交。")
            return redirect("licensing-case", number)
    notice = found.steps.filter(action="correct").order_by("-id").first()
    return _page(
        request, form, data, case=found, judged=judged, items=notice.result["items"] if notice else []
    )


@require_POST
@enterprise_required
def answer_upload(request, number: str):
    found = _case(request, number)
    kind = request.POST.get("kind", "")[:40]
    return uploads.receive(
        request,
        kind=kind,
        place=found.place,
        enterprise_id=found.enterprise_id,
        subject=documents.subject(found),
    )


@require_POST
@enterprise_required
def act(request, number: str):
    """What the applicant may do besides answering: withdraw, or report that the sample was delivered."""
    found = _case(request, number)
    key = request.POST.get("action", "")
    if key not in ("withdraw", "pass"):
        raise Http404
    step = (
        found.steps.filter(state="open", role="applicant").exclude(key="correction").first()
        if key == "pass"
        else None
    )
    try:
        actions.perform(
            found.pk,
            key,
            step.pk if step else None,
            _actor(request),
            reason=request.POST.get("reason", "")[:500],
        )
    except actions.Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "已办理。")
    return redirect("licensing-case", number)
