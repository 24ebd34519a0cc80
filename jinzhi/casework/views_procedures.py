"""The desk's pages about procedures: the list, one version to read, two compared, open cases moved to a newer one."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from jinzhi.casework import actions, bpmn, comparing, dmn, migrating, reading, swimlane
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.foundation import calendar
from jinzhi.foundation.people.access import role_required

READERS = ("administrator", "security_administrator", "auditor", "supervisor")
SHOWN = 50  # cases listed one by one


def _version(key: str, version: int) -> ProcedureVersion:
    return get_object_or_404(ProcedureVersion, key=key, version=version)


@require_GET
@role_required(*READERS)
def procedures(request):
    """Every published procedure with its versions: what applies since when, by which law."""
    versions = ProcedureVersion.objects.order_by("key", "-version")
    open_cases = dict(
        Case.objects.filter(state="open").order_by().values_list("procedure").annotate(Count("id"))
    )
    context = {"versions": [(v, open_cases.get(v.pk, 0)) for v in versions], "today": calendar.today()}
    return render(request, "casework/procedures.html", context)


@require_GET
@role_required(*READERS)
def procedure(request, key: str, version: int):
    """One version as a legal officer reads it: picture, steps, limits with their rules, form, papers."""
    found = _version(key, version)
    others = ProcedureVersion.objects.filter(key=key).exclude(pk=found.pk).order_by("version")
    return render(
        request,
        "casework/procedure.html",
        {
            "reading": reading.read(found),
            "version": found,
            "procedure": found.procedure,
            "lane": swimlane.svg(found.procedure),
            "others": [(min(found, v, key=_number), max(found, v, key=_number), v) for v in others],
            "moves": migrating.targets(found) if "administrator" in request.roles else [],
            "open_cases": Case.objects.filter(procedure=found, state="open").count(),
        },
    )


def _number(version: ProcedureVersion) -> int:
    return version.version


@require_GET
@role_required(*READERS)
def as_bpmn(request, key: str, version: int):
    """The version as a BPMN 2.0 file."""
    found = _version(key, version)
    return _download(bpmn.xml(found.procedure, reading.day_of(found)), f"{key}_v{version}.bpmn")


@require_GET
@role_required(*READERS)
def as_dmn(request, key: str, version: int, table: str):
    """A decision table of the version as a DMN file."""
    found = _version(key, version)
    tables = bpmn.tables(found.procedure, reading.day_of(found))
    if table not in tables:
        raise Http404
    return _download(dmn.xml(tables[table]), f"{table}.dmn")


def _download(text: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/xml; charset=utf-8", headers=headers)


@require_GET
@role_required(*READERS)
def compare(request, key: str, old: int, new: int):
    """Two versions side by side: only what differs, and how much is the same."""
    found = comparing.compare(_version(key, old), _version(key, new))
    versions = ProcedureVersion.objects.filter(key=key).order_by("version")
    return render(request, "casework/procedure_compare.html", {"found": found, "versions": versions})


@require_http_methods(["GET", "POST"])
@role_required(migrating.ROLE)
def move(request, key: str, old: int, new: int):
    """Open cases of one version: what would become of them under a newer one, and moving them."""
    former, version = _version(key, old), _version(key, new)
    if not migrating.targets(former).filter(pk=version.pk).exists():
        messages.error(request, f"第 {new} 版没有写明怎样接续第 {old} 版的办件，不能转换。")
        return redirect("work-procedure", key, new)
    if request.method == "POST":
        return _moved(request, former, version)
    cases = migrating.waiting(former).select_related("procedure")
    after = _as_uuid(request.GET.get("after", ""))
    listed = list((cases.filter(pk__gt=after) if after else cases)[: SHOWN + 1])
    return render(
        request,
        "casework/procedure_move.html",
        {
            "former": former,
            "version": version,
            "survey": migrating.survey(former, version),
            "previews": [migrating.preview(case, version) for case in listed[:SHOWN]],
            "next": listed[SHOWN - 1].pk if len(listed) > SHOWN else None,
            "most": migrating.MOST,
            "from_": request.GET.get("from", ""),
        },
    )


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _moved(request, former: ProcedureVersion, version: ProcedureVersion) -> HttpResponse:
    """One case, or the next run of all of them; back to the page with what was done."""
    actor = actions.Actor(request.user, request.post, tuple(request.powers))
    reason = request.POST.get("reason", "").strip()[:1000]
    here = redirect("work-procedure-move", former.key, former.version, version.version)
    try:
        if number := request.POST.get("case", ""):
            case = get_object_or_404(Case, number=number[:40], procedure=former)
            migrating.move(case.pk, version, actor, reason=reason)
            messages.success(request, f"{case.number} 已转为第 {version.version} 版办理。")
            return here
        if not reason:
            raise actions.Refused("请写明转换流程版本的理由")
        run = migrating.move_all(former, version, actor, reason, _as_uuid(request.POST.get("after", "")))
    except actions.Refused as refusal:
        messages.error(request, refusal.message)
        return here
    text = f"已转换 {run.moved} 件"
    text += f"，{run.refused} 件不能转换" if run.refused else ""
    if run.last is None:
        messages.success(request, f"{text}。")
        return here
    messages.success(request, f"{text}，还有未处理的办件，请继续。")
    here["Location"] += f"?from={run.last}"
    return here
