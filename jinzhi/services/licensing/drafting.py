"""Writing an application of any matter: begun, saved at every pause, handed in. The form alone says what is asked."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from jinzhi.casework import actions, matters, uploads
from jinzhi.casework import intake as casework_intake
from jinzhi.casework.models import Case, Draft
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.foundation.people.access import enterprise_required
from jinzhi.services.licensing import intake


def actor_of(request) -> actions.Actor:
    return actions.Actor(request.user)


@enterprise_required
def start(request, slug: str):
    """Open the draft of a matter; where it is about a licence, the one named or the only one there is."""
    found = matters.matter(slug)
    version = matters.in_force(calendar.today()).get(found.procedure) if found else None
    if found is None or version is None:
        raise Http404
    procedure = version.procedure
    if procedure.closed:
        messages.error(request, procedure.closed)
        return redirect("portal-matter", slug)
    licence = None
    if intake.wants_licence(procedure):
        held = intake.licences_for(procedure, request.user.enterprise_id)
        number = request.GET.get("licence", "")
        licence = next(
            (c for c in held if c.number == number), held[0] if len(held) == 1 and not number else None
        )
        if licence is None:
            context = {"matter": found, "procedure": procedure, "held": held}
            return render(request, "licensing/choose.html", context)
    try:
        draft = intake.draft_for(request.user, found.procedure, calendar.today(), licence)
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


def page(request, form: forms.Form, data: dict, **context):
    """The form as drawn, with the rail that tells which sections still lack something."""
    today = calendar.today()
    lacking = forms.missing(form, data, on=today)
    shown_errors = [e for many in lacking.values() for e in many] if context.get("judged") else []
    drawn = draw(form, data, today, shown_errors)
    rail = [(d.section, len(lacking.get(d.key, ()))) for d in drawn]
    total = sum(n for _, n in rail)
    return render(
        request,
        "licensing/apply.html",
        {
            "form": form,
            "drawn": drawn,
            "rail": rail,
            "lacking": total,
            "errors": shown_errors,
            "files": files_of(form, data),
            **context,
        },
    )


def files_of(form: forms.Form, data: dict) -> dict[str, list[Attachment]]:
    found: dict[str, list[Attachment]] = {}
    for section in form.sections:
        if section.kind == "attachments":
            for key, ids in (data.get(section.key) or {}).items():
                found[key] = list(Attachment.objects.filter(pk__in=ids).select_related("blob"))
    return found


def lacking_answer(form: forms.Form, data: dict, **more) -> JsonResponse:
    """What an autosave is told: when, and how much each section still lacks."""
    lacking = forms.missing(form, data, on=calendar.today())
    counts = {s.key: len(lacking.get(s.key, ())) for s in form.sections}
    saved = {"saved_at": f"{timezone.localtime():%H:%M}", "lacking": counts, "total": sum(counts.values())}
    return JsonResponse(saved | more)


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
            case = intake.submit(found, actor_of(request))
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
    upload_to = reverse("licensing-draft-upload", args=[found.pk])
    return page(request, form, found.data, draft=found, judged=judged, upload_to=upload_to)


@require_POST
@enterprise_required
def save(request, key):
    found, form = _draft(request, key)
    data = intake.own_files(parse(form, request.POST), form, request.user.enterprise_id)
    try:
        kept = casework_intake.save_draft(found, data, _revision(request))
    except actions.Refused as refusal:
        return JsonResponse({"message": refusal.message}, status=409)
    return lacking_answer(form, data, revision=kept.revision)


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
