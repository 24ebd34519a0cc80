"""The enterprise's side of its cases: where they stand, what it has to do, what it was sent. Any procedure."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework import actions, documents, matters, presenting, swimlane, uploads
from jinzhi.casework.actions.movement import Withdraw
from jinzhi.casework.models import PERSONAL, Case, Draft, Step
from jinzhi.casework.procedures import Outcome, StepDef
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.people.access import enterprise_required
from jinzhi.foundation.places.services import name_path
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.services.licensing import intake, records
from jinzhi.services.licensing.drafting import actor_of, lacking_answer, page

SHOWN = (*PERSONAL, "subprocess", "timer")  # steps at which a case can stand
ANSWER = "resubmit"  # the applicant's outcome that is a new submission of the form


@require_GET
@enterprise_required
def my(request):
    """The enterprise's desk: what it must do, its drafts, cases and licences."""
    cases = list(Case.objects.select_related("procedure", "agency").order_by("-id")[:100])
    open_steps = Step.objects.filter(state="open", kind__in=SHOWN)
    waiting = {s.case_id: s for s in open_steps.filter(role="applicant")}
    current = {s.case_id: s for s in open_steps.order_by("-due_ord")}
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
        "certificates": _certificates(),
        "papers": _licence_papers(),
    }
    return render(request, "licensing/my.html", context)


def _certificates() -> list[tuple[Certificate, list[matters.Matter]]]:
    """The enterprise's certificates, each with the matters that may be applied for about it."""
    certificates = list(Certificate.objects.order_by("-valid_to"))
    if not certificates:
        return []
    versions = matters.in_force(calendar.today())
    about = [
        (m, versions[m.procedure].procedure.licence)
        for m in matters.all_matters()
        if m.procedure in versions
        and not versions[m.procedure].procedure.closed
        and intake.wants_licence(versions[m.procedure].procedure)
    ]
    return [
        (c, [m for m, kind in about if kind in ("", c.kind)] if c.status not in Certificate.ENDED else [])
        for c in certificates
    ]


def _licence_papers() -> dict[str, list[GeneratedDocument]]:
    """Original and duplicate of the enterprise's licences as last printed, by licence number."""
    found: dict[str, dict[str, GeneratedDocument]] = {}
    for document in GeneratedDocument.objects.filter(data__has_key="licence_number").order_by("created_at"):
        found.setdefault(document.data["licence_number"], {})[document.kind] = document
    return {number: list(papers.values()) for number, papers in found.items()}


def _case(request, number: str) -> Case:
    cases = Case.objects.select_related("procedure", "agency")
    return get_object_or_404(cases, number=number, enterprise_id=request.user.enterprise_id)


@dataclass(frozen=True)
class Task:
    """An open step of the applicant: its form, if it asks for one, and the other ways out of it."""

    step: Step
    node: StepDef
    form: str
    label: str
    items: tuple[str, ...]
    buttons: tuple[Outcome, ...]


def tasks(case: Case) -> list[Task]:
    found = []
    for step in case.steps.filter(state="open", kind__in=PERSONAL, role="applicant"):
        node = case.definition.step(step.key)
        own = [o for o in node.outcomes if not actions.registry[o.action].by_system]
        form, asked = "", next((o for o in own if o.action == ANSWER), None)
        items: tuple[str, ...] = ()
        if asked:
            form = reverse("licensing-answer", args=[case.number])
            notice = case.steps.filter(action="correct").order_by("-id").first()
            items = tuple(notice.result["items"]) if notice else ()
        elif node.page:
            asked = next(o for o in own if o.main)
            form = reverse("licensing-record", args=[case.number, step.pk])
        buttons = tuple(o for o in own if o is not asked)
        found.append(Task(step, node, form, asked.label if asked else "", items, buttons))
    return found


@require_GET
@enterprise_required
def case(request, number: str):
    """Where the case stands, until when and why, what was sent, what is to be done."""
    found = _case(request, number)
    submissions = list(found.submissions.order_by("number"))
    clocks = presenting.shown_clocks(found)
    leading = next((c for c in clocks if c.clock.state in ("running", "paused")), None)
    shown = []
    if submissions:
        form = forms.get(submissions[-1].form, submissions[-1].form_version)
        shown = presenting.sections(form, found.data, found.rule_date)
    context = {
        "case": found,
        "matter": matters.of_procedure(found.definition.key),
        "place_path": name_path(found.place),
        "open_steps": list(found.steps.filter(state="open", kind__in=SHOWN).select_related("agency")),
        "tasks": tasks(found),
        "clocks": [c for c in clocks if c.clock.step_id is None and c is not leading],
        "leading": leading,
        "sections": shown,
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
    task = next((t for t in tasks(found) if t.node.outcome(ANSWER)), None)
    if task is None:
        messages.warning(request, "本件目前不需要补正。")
        return redirect("licensing-case", number)
    form = forms.get(found.definition.form, found.definition.form_version)
    data = task.step.result.get("draft") or found.data
    judged = False
    if request.method == "POST":
        data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
        Step.objects.filter(pk=task.step.pk, state="open").update(result={"draft": data})
        if "X-Autosave" in request.headers:
            return lacking_answer(form, data)
        try:
            actions.perform(found.pk, ANSWER, task.step.pk, actor_of(request), payload={"data": data})
        except actions.Refused as refusal:
            judged = True
            messages.error(request, refusal.message)
        else:
            messages.success(request, "补正材料已提交。")
            return redirect("licensing-case", number)
    return page(
        request, form, data, case=found, judged=judged, items=task.items, submit=task.label,
        upload_to=reverse("licensing-answer-upload", args=[number]), save_to=request.path,
    )  # fmt: skip


@enterprise_required
def record(request, number: str, step_id: int):
    """What a step of the applicant asks for in a form of its own: proof of rectification, delivery of a sample."""
    found = _case(request, number)
    task = next((t for t in tasks(found) if t.step.pk == step_id and t.node.page == records.PAGE), None)
    if task is None:
        messages.warning(request, "此环节已办结，或者不需要填写。")
        return redirect("licensing-case", number)
    form = records.form_of(found, task.node)
    data = task.step.result.get("draft") or {}
    judged = False
    if request.method == "POST":
        data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
        Step.objects.filter(pk=task.step.pk, state="open").update(result={"draft": data})
        if "X-Autosave" in request.headers:
            return lacking_answer(form, data)
        main = next(o for o in task.node.outcomes if o.main)
        try:
            actions.perform(
                found.pk, main.action, task.step.pk, actor_of(request), payload={"result": data},
                reason=records.summary(form, data, found.rule_date),
            )  # fmt: skip
        except actions.Refused as refusal:
            judged = True
            messages.error(request, refusal.message)
        else:
            messages.success(request, f"已{main.label}。")
            return redirect("licensing-case", number)
    return page(
        request, form, data, case=found, judged=judged, submit=task.label, save_to=request.path,
        upload_to=reverse("licensing-answer-upload", args=[number]),
    )  # fmt: skip


@require_POST
@enterprise_required
def answer_upload(request, number: str):
    found = _case(request, number)
    return uploads.receive(
        request,
        kind=request.POST.get("kind", "")[:40],
        place=found.place,
        enterprise_id=found.enterprise_id,
        subject=documents.subject(found),
    )


@require_POST
@enterprise_required
def act(request, number: str):
    """What the applicant may do without a form: withdraw, or an outcome of a step of its own."""
    found = _case(request, number)
    key = request.POST.get("action", "")
    step = None
    if key != "withdraw":
        mine = [t for t in tasks(found) if key in {o.action for o in t.buttons}]
        wanted = request.POST.get("step", "")
        task = next((t for t in mine if str(t.step.pk) == wanted), mine[0] if len(mine) == 1 else None)
        if task is None:
            raise Http404
        step = task.step.pk
    try:
        actions.perform(found.pk, key, step, actor_of(request), reason=request.POST.get("reason", "")[:500])
    except actions.Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "已办理。")
    return redirect("licensing-case", number)
