"""The workbench pages of casework: home of a post, lists, the case page, the board."""

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework import (
    actions,
    board,
    documents,
    forms_of_acts,
    hooks,
    presenting,
    swimlane,
    todo,
    uploads,
)
from jinzhi.casework.actions.movement import Recall
from jinzhi.casework.models import PERSONAL, CarbonCopy, Case, ProcedureVersion, Step, published
from jinzhi.casework.navigation import counts
from jinzhi.foundation import calendar, forms, history
from jinzhi.foundation.people.access import reader_required, role_required
from jinzhi.foundation.people.roles import BUSINESS
from jinzhi.foundation.places.models import Division
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import name_path


def actor_of(request) -> actions.Actor:
    return actions.Actor(request.user, request.post, tuple(request.powers))


def whole_number(text: str) -> int | None:
    """A key from an address or a form; anything else is none."""
    return int(text) if text.isdecimal() and len(text) < 16 else None


def counties(request) -> list[tuple[str, str]]:
    """Counties of the post's jurisdiction, for filters."""
    lo, hi = jurisdiction(request.post.agency.place)
    found = Division.objects.filter(valid_to=None, level="county").order_by("code")
    return [(d.code, d.name) for d in found if lo <= d.place <= hi]


def place_names(page: todo.Page) -> dict[int, str]:
    """The county of every place on the page, asked once for each."""
    return {place: name_path(place).split(" / ")[-1] for place in {item.place for item in page.items}}


@require_GET
@reader_required
def home(request):
    """The first page of a post: what must be done today, and the most urgent of it."""
    actor = actor_of(request)
    page = todo.todo(actor)
    context = {"counts": counts(request), "page": page, "today": calendar.today()}
    context["place_names"] = place_names(page)
    return render(request, "casework/home.html", context)


@require_GET
@reader_required
def lists(request, tab: str = "todo"):
    """待办、已办、抄送、我发起; the address holds the whole state of the list."""
    actor = actor_of(request)
    query = todo.Filters(
        text=request.GET.get("q", "").strip()[:60],
        procedure=request.GET.get("procedure", ""),
        step=request.GET.get("step", ""),
        colour=request.GET.get("lamp", ""),
        county=county if whole_number(county := request.GET.get("county", "")) else "",
    )
    page = getattr(todo, tab)(actor, query, request.GET.get("after", "")[:40])
    steps = {
        s.key: s.name
        for key in ProcedureVersion.objects.values_list("pk", flat=True)
        for s in published(key).procedure.steps.values()
        if s.by_person and s.role != "applicant"
    }
    inside = counties(request)
    names = {int(code) * 1_000_000: name for code, name in inside}
    context = {
        "tab": tab,
        "tabs": [t for t in todo.TABS.items() if t[0] != "started" or "window_clerk" in request.roles],
        "page": page,
        "filters": query,
        "steps": steps,
        "counties": inside,
        "lamps": [
            ("red", "超期"),
            ("orange", "紧急"),
            ("yellow", "将到期"),
            ("green", "正常"),
            ("grey", "暂停"),
        ],
        "counts": counts(request),
        "bulk": dict(act for item in page.items for act in item.bulk) if tab == "todo" else {},
        "place_names": {
            p: names.get(p) or name_path(p).split(" / ")[-1] for p in {i.place for i in page.items}
        },
    }
    template = (
        "casework/_rows.html" if request.htmx and request.htmx.target == "rows" else "casework/lists.html"
    )
    return render(request, template, context)


def _case(request, number: str) -> Case:
    return get_object_or_404(Case.objects.select_related("procedure", "agency"), number=number)


def _read(case: Case, actor: actions.Actor, steps: list[Step]) -> None:
    """Opening the page takes the step (its sender can no longer recall) and reads a carbon copy."""
    for step in steps:
        if step.taken_at is None:
            Step.objects.filter(pk=step.pk, taken_at=None).update(taken_at=timezone.now())
    CarbonCopy.objects.filter(case=case, post=actor.post, read_at=None).update(read_at=timezone.now())


@require_GET
@reader_required
def case(request, number: str):
    found = _case(request, number)
    actor = actor_of(request)
    if not request.roles & BUSINESS:  # an auditor reads: that is recorded
        history.append("casework", "casework.read", actor=request.user, post=request.post, subject=f"case:{found.pk}",
                       data={"number": found.number}, place=found.place)  # fmt: skip
    open_steps = list(found.steps.filter(state=Step.State.OPEN, kind__in=PERSONAL).select_related("agency"))
    mine = [s for s in open_steps if s.role != "applicant" and actions.may_act(actor, found, s)]
    _read(found, actor, mine)
    return render(request, "casework/case.html", case_context(request, found, open_steps, mine))


def case_context(request, found: Case, open_steps: list[Step], mine: list[Step]) -> dict:
    actor = actor_of(request)
    submissions = list(found.submissions.order_by("number"))
    form = forms.get(submissions[-1].form, submissions[-1].form_version)
    former = submissions[-2].data if len(submissions) > 1 else None
    clocks = presenting.shown_clocks(found)
    return {
        "case": found,
        "place_path": name_path(found.place),
        "sections": presenting.sections(form, found.data, found.rule_date, former),
        "resubmitted": len(submissions) > 1,
        "clocks": clocks,
        "leading": next((c for c in clocks if c.clock.state in ("running", "paused")), None),
        "opinions": presenting.opinions(found),
        "events": found.events.order_by("-seq"),
        "documents": documents.of_case(found),
        "lane": swimlane.svg(found.definition, presenting.lane_states(found)),
        "open_steps": open_steps,
        "work": [_work(found, step, actor) for step in mine],
        "recall": Recall.recallable(found, actor) if not mine else None,
        "whole": _whole(found, actor),
        "kept": _kept(request, found),
    }


def _kept(request, found: Case) -> dict:
    """What was typed into an act that was refused, once: the dialog opens again with it."""
    kept = request.session.get("kept_act") or {}
    if kept.get("case") != found.number:
        return {}
    del request.session["kept_act"]
    return kept


def _work(found: Case, step: Step, actor: actions.Actor) -> dict:
    """What the bar at the bottom offers for one open step."""
    node = found.definition.step(step.key)
    offered = [
        forms_of_acts.describe(found, step, key, actor)
        for key, action in actions.registry.items()
        if action.open_to(found, step, actor)
    ]
    offered.sort(key=lambda o: not o["main"])
    power = actions.matching_power(actor, found, step)
    behalf = power.post if power and power.post_id != actor.office.pk else None
    extra = [o for o in offered if o["extra"]]
    return {"step": step, "node": node, "offered": offered, "extra": extra, "behalf": behalf}


def _whole(found: Case, actor: actions.Actor) -> list[dict]:
    """The acts on the case as a whole that this post may do now; taking back is a button of its own."""
    offered = [k for k, a in actions.registry.items() if k != "recall" and a.open_on(found, actor)]
    return [forms_of_acts.describe(found, None, key, actor) for key in offered]


@require_POST
@reader_required
def act(request, number: str):
    """One act on the case; a refusal comes back as a message with everything else untouched."""
    found = _case(request, number)
    key = request.POST.get("action", "")
    if key not in actions.registry:
        raise Http404
    step_id = request.POST.get("step", "")
    reason, payload = forms_of_acts.read(key, request, found)
    try:
        actions.perform(
            found.pk,
            key,
            whole_number(step_id),
            actor_of(request),
            reason=reason,
            payload=payload,
        )
    except actions.AlreadyDone as refusal:
        messages.warning(request, refusal.message)
    except actions.Refused as refusal:
        messages.error(request, refusal.message)
        request.session["kept_act"] = {
            "case": found.number,
            "action": key,
            "reason": reason,
            "items_typed": payload.get("items", []),
        }
        return _back(request, found)
    except Step.DoesNotExist:
        raise Http404 from None
    else:
        request.session.pop("kept_act", None)
        label = forms_of_acts.label(found, step_id, key)
        messages.success(request, f"{found.number} 已{label}")
    return _next(request, found)


def _step(request, number: str, step_id: int) -> tuple[Case, Step]:
    """An open step with a page of its own that the post may act at; 404 otherwise."""
    found = _case(request, number)
    step = get_object_or_404(found.steps, pk=step_id)
    if not found.definition.step(step.key).page:
        raise Http404
    return found, step


@reader_required
def step_page(request, number: str, step_id: int):
    """A step that needs more than a dialog: the on-site checklist, the test report."""
    found, step = _step(request, number, step_id)
    actor = actor_of(request)
    if step.state != Step.State.OPEN or not actions.may_act(actor, found, step):
        messages.warning(request, "此环节已办结，或者不由您当前的任职办理。")
        return redirect("work-case", found.number)
    node = found.definition.step(step.key)
    page = hooks.page_of(node.page)
    refusal = None
    if request.method == "POST":
        reason, payload = page.read(request)
        main = next(o for o in node.outcomes if o.main)
        try:
            actions.perform(found.pk, main.action, step.pk, actor, reason=reason, payload=payload)
        except actions.Refused as fault:
            refusal = fault
            Step.objects.filter(pk=step.pk, state=Step.State.OPEN).update(result={"draft": payload["result"]})
            step.refresh_from_db()
        else:
            messages.success(request, f"{found.number} 已{main.label}")
            return redirect("work-case", found.number)
    _read(found, actor, [step])
    context = {
        "case": found,
        "step": step,
        "node": node,
        "refusal": refusal,
        "draft": step.result.get("draft", {}),
    }
    return render(request, node.page, context | page.context(found, step))


@require_POST
@reader_required
def step_save(request, number: str, step_id: int):
    """Keep a half-filled step page: a phone on a poor connection loses nothing."""
    found, step = _step(request, number, step_id)
    if not actions.may_act(actor_of(request), found, step):
        raise Http404
    _, payload = hooks.page_of(found.definition.step(step.key).page).read(request)
    kept = Step.objects.filter(pk=step.pk, state=Step.State.OPEN).update(result={"draft": payload["result"]})
    if not kept:
        return JsonResponse({"message": "此环节已办结，不再保存"}, status=409)
    return JsonResponse({"saved_at": f"{timezone.localtime():%H:%M}"})


@require_POST
@reader_required
def step_upload(request, number: str, step_id: int):
    """A photograph taken at the step; it belongs to the case."""
    found, step = _step(request, number, step_id)
    if step.state != Step.State.OPEN or not actions.may_act(actor_of(request), found, step):
        raise Http404
    return uploads.receive(
        request,
        kind=step.key,
        place=found.place,
        enterprise_id=found.enterprise_id,
        subject=documents.subject(found),
    )


def _back(request, found: Case) -> HttpResponse:
    page = request.POST.get("back", "")
    if page.startswith(f"/office/cases/{found.number}/"):
        return redirect(page)
    return redirect("work-case", found.number)


def _next(request, found: Case) -> HttpResponse:
    """To the next most urgent case of the post, if the person wants to go on; else back to this one."""
    if request.POST.get("then") == "next":
        following = todo.todo(actor_of(request)).items
        if following:
            return redirect("work-case", following[0].number)
        return redirect("work-todo")
    return redirect("work-case", found.number)


WIDTHS = {"province": 100_000_000, "city": 1_000_000}


@require_GET
@role_required("supervisor", "approver")
def overview(request, code: str = ""):
    """Open cases by place with lamps; down to a county and to its cases."""
    own = request.post.agency.place
    division = whole_number(code)
    if code and division is None:
        raise Http404
    place = division * 1_000_000 if division is not None else own
    lo, hi = jurisdiction(place)
    own_lo, own_hi = jurisdiction(own)
    if not own_lo <= lo <= hi <= own_hi:
        raise Http404
    level = "province" if place % 10_000_000_000 == 0 else "city" if place % 100_000_000 == 0 else "county"
    colour = request.GET.get("lamp", "")
    context: dict = {
        "place": place,
        "name": name_path(place).split(" / ")[-1],
        "level": level,
        "colour": colour,
    }
    context["crumbs"] = _crumbs(place, own)
    if level == "county" or colour:
        ranked = board.cases(lo, hi, colour if colour in board.COLOURS else "")
        by_id = Case.objects.select_related("procedure").in_bulk([i for i, _ in ranked])
        context["cases"] = [(by_id[i], c, _leading(by_id[i])) for i, c in ranked if i in by_id]
    if level != "county":
        children = Division.objects.filter(valid_to=None, parent=f"{place // 1_000_000:06d}").order_by("code")
        context["rows"] = board.by_place(WIDTHS[level], lo, hi, {d.place: d.name for d in children})
        context["total"] = {c: sum(r.counts[c] for r in context["rows"]) for c in board.COLOURS}
    return render(request, "casework/board.html", context)


def _leading(found: Case):
    step = (
        found.steps.filter(state=Step.State.OPEN, kind__in=PERSONAL)
        .select_related("agency")
        .order_by("due_ord")
        .first()
    )
    return step


def _crumbs(place: int, own: int) -> list[tuple[str, str]]:
    chain: list[tuple[str, str, int]] = []
    for width in (10_000_000_000, 100_000_000, 1_000_000):
        seat = place // width * width
        if seat >= own and (not chain or seat != chain[-1][2]):
            chain.append((f"{seat // 1_000_000:06d}", name_path(seat).split(" / ")[-1], seat))
    return [(code, name) for code, name, _ in chain[:-1]]
