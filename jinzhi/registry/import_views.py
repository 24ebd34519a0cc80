"""Importing on the workbench: upload, say which column is what, look at what would happen, do it, take it back."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from jinzhi.foundation import files
from jinzhi.foundation.files import naming, storing
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import code_of
from jinzhi.registry import kinds
from jinzhi.registry.importing import fields, jobs, profiles, reading, running, undoing
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing.checking import Checker
from jinzhi.registry.importing.slices import of_rows
from jinzhi.registry.models import ImportBatch, ImportProfile, ImportRow
from jinzhi.web import export

importer = role_required("administrator", "certificate_clerk")
State = ImportBatch.State
SAMPLE_ROWS = 8
SHOWN_REFUSALS = 50
AT_ONCE = 2_000_000  # bytes; a larger file is worked off in the background
STOP_POLLING = 286  # htmx's status for "no more"


@importer
def imports(request):
    """Upload a table; below, what was imported before."""
    faults = []
    if request.method == "POST":
        try:
            batch = _take(request)
            return redirect("registry-import-batch", batch.pk)
        except (files.Refused, reading.Unreadable, mappings.BadMapping) as fault:
            faults.append(str(fault))
    context = {
        "batches": ImportBatch.objects.order_by("-id")[:30],
        "profiles": ImportProfile.objects.order_by("name")[:100],
        "kinds": mappings.kinds(),
        "templates": {
            k: w for k, w in mappings.kinds().items() if k in (fields.ENTERPRISE, fields.CERTIFICATE)
        },
        "faults": faults,
    }
    return render(request, "registry/imports.html", context, status=422 if faults else 200)


def _take(request) -> ImportBatch:
    upload: UploadedFile | None = request.FILES.get("file")
    if upload is None:
        raise files.Refused("请选择要导入的文件。")
    kind = request.POST.get("kind", "")
    if kind not in mappings.kinds():
        raise files.Refused("请选择导入的内容。")
    name = naming.safe(upload.name or "")
    naming.refuse_secret(name)
    raw = _given_mapping(request)
    blob = files.store_bytes(upload.read(), "application/octet-stream")
    score = mappings.score(raw, kind)
    table = reading.open_table(
        storing.path_of(blob.sha256), name, score, str((raw or {}).get("sheet", "") or "")
    )
    if raw is not None:
        mappings.build(raw, table.columns, kind, table.duplicates)
    elif saved := profiles.fitting(table.columns, kind):
        raw = saved.mapping
        messages.info(request, f"列名与方案“{saved.name}”相符，已按它对应。")
    else:
        raw = mappings.guessed(table.columns, kind)
    return ImportBatch.objects.create(
        place=request.post.agency.place,
        kind=kind,
        file_name=name,
        sha256=blob.sha256,
        size=table.size,
        columns=table.columns,
        mapping=running.plain(raw | {"kind": kind}),
        started_by=str(request.user)[:60],
    )


def _given_mapping(request) -> dict | None:
    """A mapping file, or a saved profile, chosen with the upload."""
    if given := request.FILES.get("map"):
        try:
            return mappings.read_yaml(given.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise mappings.BadMapping("对应文件不是 UTF-8 编码的文本。") from None
    if name := request.POST.get("profile", ""):
        try:
            return profiles.mapping_of(name)
        except profiles.Unknown as fault:
            raise mappings.BadMapping(str(fault)) from None
    return None


@importer
def batch(request, key):
    """Before the import: which column is what, and what would happen. After it: what became of the rows."""
    found = get_object_or_404(ImportBatch, pk=key)
    if found.state in (State.QUEUED, State.RUNNING):
        return render(request, "registry/import_running.html", _running(found))
    if found.state in (State.DONE, State.UNDONE):
        return render(request, "registry/import_done.html", _result(found))
    path = storing.path_of(found.sha256)
    if not path.exists():
        raise Http404("上传的文件已过保存期，请重新上传。")
    context: dict[str, Any] = _result(found) | {"checked": found.dry_run and found.total}
    if request.method == "POST":
        found.mapping = running.plain(_chosen(request, found))
        try:
            if answer := _work(request, found, path):
                return answer
        except (reading.Unreadable, mappings.BadMapping) as fault:
            context["fault"] = str(fault)
        context |= _result(found) | {"checked": "fault" not in context}
    context |= {
        "lines": _lines(request, found),
        "sample": _sample(found, path),
        "facts_wanted": found.kind in fields.ENTRY_KINDS,
    }
    return render(request, "registry/import_map.html", context, status=422 if "fault" in context else 200)


def _work(request, found: ImportBatch, path: Path) -> HttpResponse | None:
    """Check or import; a large file is handed to the worker."""
    running.prepared(path, found.mapping, found.kind, found.file_name)  # says at once what does not fit
    wanted = request.POST.get("do")
    found.save(update_fields=["mapping"])
    if name := " ".join(request.POST.get("profile", "").split()):
        profiles.save(name, found.mapping, found.place, columns=found.columns, by=str(request.user))
        messages.success(request, f"已保存导入方案“{name}”。")
    if wanted == "save":
        return redirect("registry-import-batch", found.pk)
    if found.size > AT_ONCE:
        jobs.begin(found, dry_run=wanted != "run")
        return redirect("registry-import-batch", found.pk)
    outcome = jobs.now(found, actor=request.user, post=request.post, dry_run=wanted != "run")
    if wanted != "run":
        return None
    messages.success(request, f"已导入 {outcome.accepted} 行，未接受 {outcome.refused} 行。")
    return redirect("registry-import-batch", found.pk)


def _result(found: ImportBatch) -> dict:
    refused = ImportRow.objects.filter(batch=found).order_by("line")[:SHOWN_REFUSALS]
    return {"batch": found, "refused": refused, "kind_name": mappings.kinds().get(found.kind, found.kind)}


def _running(found: ImportBatch) -> dict:
    stage = {"reading": "正在读取和检查", "waiting": "等待另一个导入结束", "merging": "正在写入"}.get(
        found.stage, "排队中"
    )
    percent = (
        min(100, found.position * 100 // found.size) if found.size and found.stage == "reading" else None
    )
    if found.stage == "merging":
        percent = 100
    lost = jobs.interrupted(found)
    return _result(found) | {"stage": stage, "percent": percent, "lost": lost}


@require_safe
@importer
def progress(request, key):
    """The progress bar by itself, asked for again and again; the page is loaded anew when all is done."""
    found = get_object_or_404(ImportBatch, pk=key)
    if found.state in (State.QUEUED, State.RUNNING):
        return render(request, "registry/_import_progress.html", _running(found))
    answer = HttpResponse(status=STOP_POLLING)
    answer["HX-Refresh"] = "true"
    return answer


@require_POST
@importer
def act(request, key, act):
    """Cancel, go on, or take back."""
    found = get_object_or_404(ImportBatch, pk=key)
    if act == "cancel":
        jobs.cancel(found)
        messages.info(request, "已要求取消；没有写入的行不会再写入。")
    elif act == "resume":
        jobs.resume(found)
    elif act == "undo":
        try:
            undone = undoing.undo(found.pk, actor=request.user, post=request.post)
        except undoing.CannotUndo as fault:
            messages.error(request, str(fault))
        else:
            messages.success(
                request, f"已撤销：删去 {undone.removed}，恢复 {undone.restored}，保留 {undone.kept}。"
            )
    else:
        raise Http404
    return redirect("registry-import-batch", found.pk)


def _chosen(request, found: ImportBatch) -> dict:
    """The mapping as chosen in the form; what a mapping file said stays where it was left alone."""
    given = found.mapping.get("fields", {})
    chosen: dict[str, object] = {}
    for name in mappings.fields_of(found.kind):
        how, _, value = request.POST.get(f"field-{name}", "").partition(":")
        if how == "column":
            chosen[name] = value
        elif how in ("constant", "from"):
            chosen[name] = {how: value}
        elif how == "given" and name in given:
            chosen[name] = given[name]
    raw = {k: v for k, v in found.mapping.items() if k not in ("fields", "newest_by", "source_on")}
    if found.mapping.get("newest_by") in chosen:
        raw["newest_by"] = found.mapping["newest_by"]
    if day := request.POST.get("source_on", "").strip():
        raw["source_on"] = day
    if found.kind in fields.ENTRY_KINDS:
        shown = request.POST.getlist("facts")
        held = found.mapping.get("facts") or {}
        held = held if isinstance(held, dict) else {c: c for c in held}
        labels = {str(column): label for label, column in held.items()}
        raw["facts"] = {labels.get(c, c): c for c in shown if c in found.columns}
        raw["published"] = bool(request.POST.get("published"))
    source = " ".join(request.POST.get("source", "").split())[:60]
    scheme = " ".join(request.POST.get("scheme", "").split())[:40]
    return raw | {"kind": found.kind, "source": source, "scheme": scheme, "fields": chosen}


def _lines(request, found: ImportBatch) -> list[dict]:
    """One line of the form for each field: title, whether it is needed, choices, what is chosen."""
    columns = [(f"column:{c}", c) for c in found.columns if c]
    own = code_of(request.post.agency.place)
    extra = {
        "kind": [(f"constant:{k.key}", f"全部是{k.name}") for k in kinds.kinds().values()],
        "place": [
            ("from:uscc", "按信用代码中的区划"),
            (f"constant:{own}", f"全部在{request.post.agency.short_name}辖区"),
        ],
    }
    lines = []
    for name, (title, _) in mappings.fields_of(found.kind).items():
        said = found.mapping.get("fields", {}).get(name)
        choices, value = [*extra.get(name, []), *columns], _value(said)
        if value and value not in dict(choices):
            choices, value = [("given:", "按对应文件"), *choices], "given:"
        needed = name in mappings.required_of(found.kind)
        lines.append({"name": name, "title": title, "needed": needed, "choices": choices, "value": value})
    return lines


def _value(said: object) -> str:
    if isinstance(said, str):
        return f"column:{said}"
    if isinstance(said, dict) and len(said) == 1:
        ((how, value),) = said.items()
        return f"{how}:{value}"
    return "given:" if said else ""


def _sample(found: ImportBatch, path: Path) -> dict:
    """The first rows, as the file has them and, when the mapping holds, as they would be read."""
    score = mappings.score(found.mapping, found.kind)
    table = reading.open_table(path, found.file_name, score, str(found.mapping.get("sheet", "") or ""))
    rows = table.head(SAMPLE_ROWS)
    facts = found.mapping.get("facts") or {}
    shown = {"columns": table.columns, "facts": set(facts.values() if isinstance(facts, dict) else facts)}
    try:
        mapping = mappings.build(found.mapping, table.columns, found.kind, table.duplicates)
    except mappings.BadMapping:
        return shown | {"rows": [(line, cells, "") for line, cells in rows]}
    eyes = scope.current()
    width = len(table.columns)
    fit = [(line, cells) for line, cells in rows if len(cells) == width]
    broken = [(line, cells, "格数与表头不一致") for line, cells in rows if len(cells) != width]
    _, refusals = Checker(mapping, (eyes.lo, eyes.hi)).check(of_rows(fit, width, broken))
    why = {r.line: "；".join(p["reason"] for p in r.problems) for r in refusals}
    return shown | {"rows": [(line, cells, why.get(line, "")) for line, cells in rows]}


@require_safe
@importer
def refused_rows(request, key):
    """The rows not accepted, with their reasons and original columns, to correct and import again."""
    found = get_object_or_404(ImportBatch, pk=key)
    rows = ImportRow.objects.filter(batch=found).order_by("line").iterator(chunk_size=1000)
    header, lines = running.refused_rows(found.columns, rows)
    return export.csv_response(f"未接受的行-{Path(found.file_name).stem}", header, lines)


@require_GET
@importer
def template(request, kind):
    """An empty table with the column names that are recognised without saying anything."""
    names = mappings.kinds()
    if kind not in names:
        raise Http404
    titles = [title for title, _ in mappings.fields_of(kind).values()]
    return export.csv_response(f"{names[kind]}导入模板", titles, [])
