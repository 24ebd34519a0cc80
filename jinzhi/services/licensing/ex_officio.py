"""What the agency begins itself: withdrawal, revocation, the entry of a penalty, cancellation ex officio."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework import actions, documents, matters, uploads
from jinzhi.casework import intake as casework_intake
from jinzhi.casework.models import ProcedureVersion
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.foundation.forms.validation import keys
from jinzhi.foundation.people.access import role_required
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import intake
from jinzhi.services.licensing.drafting import files_of

ROLES = ("examiner", "approver")
OFFERED = ("revocation", "cancellation")


def _versions() -> list[ProcedureVersion]:
    """What may be begun ex officio today, about a licence."""
    held = matters.in_force(calendar.today()).values()
    return [v for v in held if v.procedure.ex_officio and v.procedure.kind in OFFERED]


@require_GET
@role_required(*ROLES)
def index(request):
    number = request.GET.get("licence", "").strip()[:60]
    licence = Certificate.objects.filter(number=number).first() if number else None
    context = {"versions": _versions(), "licence": licence, "number": number}
    return render(request, "licensing/ex_officio.html", context)


def _subject(request) -> str:
    return f"post:{request.post.pk}"


@role_required(*ROLES)
def begin(request, key: str):
    """The form of the procedure, filled in by the official who proposes it."""
    version = next((v for v in _versions() if v.key == key), None)
    if version is None:
        raise Http404
    number = request.GET.get("licence", "").strip()[:60]
    licence = Certificate.objects.filter(number=number).first()
    if licence is None:
        messages.error(request, f"登记簿中没有您可以查看的许可证 {number}")
        return redirect("licensing-ex-officio")
    form = forms.get(version.procedure.form, version.procedure.form_version)
    data = intake.prefill(form, intake.Known(licence=licence))
    today = calendar.today()
    errors: list[forms.FieldError] = []
    if request.method == "POST":
        data = _own_files(parse(form, request.POST), form, request)
        data["licence"]["number"] = licence.number
        data, errors = forms.examine(form, data, on=today)
        if not errors:
            try:
                case = _open(request, version, data, licence)
            except actions.Refused as refusal:
                messages.error(request, refusal.message)
            else:
                messages.success(request, f"已启动，编号 {case.number}。")
                return redirect("work-case", case.number)
    context = {
        "version": version, "licence": licence, "form": form, "drawn": draw(form, data, today, errors), "errors": errors,
        "files": files_of(form, data), "upload_to": reverse("licensing-ex-officio-upload"),
    }  # fmt: skip
    return render(request, "licensing/ex_officio_form.html", context)


def _open(request, version: ProcedureVersion, data: dict, licence: Certificate):
    actor = actions.Actor(request.user, request.post, tuple(request.powers))
    case = casework_intake.begin(
        version, data, actor, place=licence.place, subject_name=licence.holder_name, subject_code=licence.holder_code,
        enterprise_id=licence.holder_id, is_demo=licence.is_demo,
    )  # fmt: skip
    ids = [
        i for part in data.values() if isinstance(part, dict) for many in part.values() for i in keys(many)
    ]
    mine = Attachment.objects.filter(pk__in=ids, subject=_subject(request))
    mine.update(subject=documents.subject(case), place=case.place, enterprise_id=case.enterprise_id)
    return case


def _own_files(data: dict, form: forms.Form, request) -> dict:
    """Only files this post has put in itself."""
    for section in form.sections:
        if section.kind == "attachments":
            part = data.get(section.key) or {}
            ids = keys([i for many in part.values() for i in many])
            found = Attachment.objects.filter(pk__in=ids, subject=_subject(request)).values_list(
                "pk", flat=True
            )
            mine = {str(k) for k in found}
            data[section.key] = {k: [i for i in many if i in mine] for k, many in part.items()}
    return data


@require_POST
@role_required(*ROLES)
def upload(request) -> JsonResponse:
    return uploads.receive(
        request, kind=request.POST.get("kind", "")[:40], place=request.post.agency.place, enterprise_id=None,
        subject=_subject(request), remove=reverse("licensing-ex-officio-remove", args=[UUID(int=0)]),
    )  # fmt: skip


@require_POST
@role_required(*ROLES)
def remove(request, file) -> JsonResponse:
    gone, _ = Attachment.objects.filter(pk=file, subject=_subject(request)).delete()
    return JsonResponse({"removed": gone}, status=200 if gone else 404)
