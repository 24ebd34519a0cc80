"""Importing on the workbench: upload, say which column is what, look at what would happen, do it."""

from itertools import islice
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_safe

from jinzhi.foundation import files
from jinzhi.foundation.files import naming, storing
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import code_of
from jinzhi.registry import kinds
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing import reading, running
from jinzhi.registry.importing.records import Reader
from jinzhi.registry.models import ImportBatch, ImportRow
from jinzhi.web import export

KINDS = {mappings.ENTERPRISE: "企业", mappings.CERTIFICATE: "证书及持证企业"}
importer = role_required("administrator", "certificate_clerk")
SAMPLE_ROWS = 8
SHOWN_REFUSALS = 50


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
    batches = ImportBatch.objects.order_by("-id")[:30]
    context = {"batches": batches, "kinds": KINDS, "faults": faults, "kind_names": KINDS}
    return render(request, "registry/imports.html", context, status=422 if faults else 200)


def _take(request) -> ImportBatch:
    upload: UploadedFile | None = request.FILES.get("file")
    if upload is None:
        raise files.Refused("请选择要导入的文件。")
    kind = request.POST.get("kind", "")
    if kind not in KINDS:
        raise files.Refused("请选择导入的内容。")
    name = naming.safe(upload.name or "")
    naming.refuse_secret(name)
    blob = files.store_bytes(upload.read(), "application/octet-stream")
    table = reading.open_table(storing.path_of(blob.sha256), name)
    given = request.FILES.get("map")
    if given:
        try:
            raw = mappings.read_yaml(given.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise mappings.BadMapping("对应文件不是 UTF-8 编码的文本。") from None
        mappings.build(raw, table.columns, kind)
    else:
        raw = {"fields": mappings.guess(table.columns, kind), "source": ""}
    return ImportBatch.objects.create(
        place=request.post.agency.place,
        kind=kind,
        file_name=name,
        sha256=blob.sha256,
        columns=table.columns,
        mapping=raw | {"kind": kind},
        started_by=str(request.user)[:60],
    )


@importer
def batch(request, key):
    """Before the import: which column is what, and what would happen. After it: what became of the rows."""
    found = get_object_or_404(ImportBatch, pk=key)
    if found.state == ImportBatch.State.DONE:
        refused = ImportRow.objects.filter(batch=found)[:SHOWN_REFUSALS]
        answer = {"batch": found, "refused": refused, "kind_name": KINDS[found.kind]}
        return render(request, "registry/import_done.html", answer)
    path = storing.path_of(found.sha256)
    if not path.exists():
        raise Http404("上传的文件已过保存期，请重新上传。")
    context: dict[str, Any] = {"batch": found, "kind_name": KINDS[found.kind]}
    if request.method == "POST":
        found.mapping = _chosen(request, found)
        wanted = request.POST.get("do") == "run"
        try:
            outcome = _run(request, found, path, dry_run=not wanted)
        except (reading.Unreadable, mappings.BadMapping) as fault:
            context["fault"] = str(fault)
        else:
            if wanted:
                messages.success(request, f"已导入 {outcome.accepted} 行，未接受 {outcome.refused} 行。")
                return redirect("registry-import-batch", found.pk)
            found.save(update_fields=["mapping"])
            context |= {"outcome": outcome, "refusals": outcome.refusals[:SHOWN_REFUSALS]}
    context |= {"lines": _lines(request, found), "sample": _sample(found, path)}
    return render(request, "registry/import_map.html", context, status=422 if "fault" in context else 200)


def _run(request, found: ImportBatch, path: Path, *, dry_run: bool = False) -> running.Outcome:
    return running.run(
        path,
        found.mapping,
        kind=found.kind,
        file_name=found.file_name,
        dry_run=dry_run,
        batch=found,
        actor=request.user,
        post=request.post,
    )


def _chosen(request, found: ImportBatch) -> dict:
    """The mapping as chosen in the form; what a mapping file said stays where it was left alone."""
    given = found.mapping.get("fields", {})
    fields: dict[str, object] = {}
    for name in mappings.fields_of(found.kind):
        how, _, value = request.POST.get(f"field-{name}", "").partition(":")
        if how == "column":
            fields[name] = value
        elif how in ("constant", "from"):
            fields[name] = {how: value}
        elif how == "given" and name in given:
            fields[name] = given[name]
    raw = {k: v for k, v in found.mapping.items() if k not in ("fields", "newest_by")}
    if found.mapping.get("newest_by") in fields:
        raw["newest_by"] = found.mapping["newest_by"]
    source = " ".join(request.POST.get("source", "").split())[:60]
    scheme = " ".join(request.POST.get("scheme", "").split())[:40]
    return raw | {"kind": found.kind, "source": source, "scheme": scheme, "fields": fields}


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
        needed = name in mappings.REQUIRED[found.kind]
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
    table = reading.open_table(path, found.file_name)
    rows = list(islice(table.rows, SAMPLE_ROWS))
    try:
        mapping = mappings.build(found.mapping, table.columns, found.kind)
    except mappings.BadMapping:
        return {"columns": table.columns, "rows": [(line, cells, "") for line, cells in rows]}
    eyes = scope.current()
    reader = Reader(mapping, (eyes.lo, eyes.hi))
    judged = [(line, cells, "；".join(p.reason for p in reader.read(cells)[1])) for line, cells in rows]
    return {"columns": table.columns, "rows": judged}


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
    if kind not in KINDS:
        raise Http404
    return export.csv_response(
        f"{KINDS[kind]}导入模板", [title for title, _ in mappings.fields_of(kind).values()], []
    )
