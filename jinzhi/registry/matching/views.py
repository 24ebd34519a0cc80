"""Comparing on the workbench: two files or our register and a file, columns, progress, findings, decisions."""

import csv
from collections.abc import Iterator

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation import files
from jinzhi.foundation.files import naming, storing
from jinzhi.foundation.people.access import role_required
from jinzhi.registry.matching import mapping, results, sources, working
from jinzhi.registry.matching.models import Comparison, Finding
from jinzhi.web import export

comparer = role_required("administrator", "certificate_clerk")
PAGE = 30
TITLES = {"code": "代码", "name": "名称", "other_name": "其他名称", "address": "地址", "phone": "电话"}


@comparer
def comparisons(request):
    """Upload one or two tables; below, what was compared before."""
    fault = ""
    if request.method == "POST":
        try:
            return redirect("matching-comparison", _take(request).pk)
        except (files.Refused, sources.BadSide) as refused:
            fault = str(refused)
    context = {"comparisons": Comparison.objects.all()[:30], "fault": fault, "own": working.OWN}
    return render(request, "matching/comparisons.html", context, status=422 if fault else 200)


def _take(request) -> Comparison:
    own = request.POST.get("left") != "file"
    left = None if own else _stored(request.FILES.get("left_file"), "左方")
    right = _stored(request.FILES.get("right_file"), "右方")
    names = working.OWN if left is None else left[1], right[1]
    guessed = {"right": mapping.guess(right[2])}
    guessed["left"] = {role: role for role in mapping.ROLES} if left is None else mapping.guess(left[2])
    return Comparison.objects.create(
        place=request.post.agency.place,
        title=" ".join(request.POST.get("title", "").split())[:120] or f"{names[0]} 与 {names[1]}"[:120],
        left_name=names[0],
        right_name=names[1],
        left_sha256=left[0] if left else "",
        right_sha256=right[0],
        mapping=guessed,
        started_by=str(request.user)[:60],
    )


def _stored(upload: UploadedFile | None, side: str) -> tuple[str, str, list[str]]:
    """Digest, name and columns of an uploaded table."""
    if upload is None:
        raise files.Refused(f"请选择{side}的文件。")
    name = naming.safe(upload.name or "")
    naming.refuse_secret(name)
    blob = files.store_bytes(upload.read(), "application/octet-stream")
    return blob.sha256, name, sources.columns_of(storing.path_of(blob.sha256), name)


@comparer
def comparison(request, key):
    """By state: which column is what, how far it is, what was found."""
    found = get_object_or_404(Comparison, pk=key)
    if found.state == Comparison.State.DONE:
        return _result(request, found)
    if found.busy:
        return render(request, "matching/running.html", {"comparison": found})
    fault = found.message
    if request.method == "POST":
        found.mapping = {side: _chosen(request, found, side) for side in mapping.SIDES}
        try:
            mapping.build(found.mapping)
        except mapping.BadMapping as bad:
            fault = str(bad)
        else:
            working.start(found)
            return redirect("matching-comparison", found.pk)
    context = {"comparison": found, "fault": fault, "sides": [_side(found, side) for side in mapping.SIDES]}
    return render(request, "matching/columns.html", context, status=422 if request.method == "POST" else 200)


def _chosen(request, found: Comparison, side: str) -> dict[str, str]:
    if side == "left" and not found.left_sha256:
        return {role: role for role in mapping.ROLES}
    given = {role: request.POST.get(f"{side}-{role}", "") for role in mapping.ROLES}
    return {role: column for role, column in given.items() if column}


def _side(found: Comparison, side: str) -> dict:
    """One half of the form: the columns of the file and what is chosen for each role."""
    sha256 = found.left_sha256 if side == "left" else found.right_sha256
    name = found.left_name if side == "left" else found.right_name
    if not sha256:
        return {"key": side, "title": mapping.SIDES[side], "name": name, "own": True}
    path = storing.path_of(sha256)
    if not path.exists():
        raise Http404("上传的文件已过保存期，请重新上传。")
    said = found.mapping.get(side, {})
    roles = [
        {"key": role, "title": title, "needed": role in mapping.NEEDED, "value": said.get(role, "")}
        for role, title in mapping.ROLES.items()
    ]
    columns = [c for c in sources.columns_of(path, name) if c]
    return {"key": side, "title": mapping.SIDES[side], "name": name, "columns": columns, "roles": roles}


def _result(request, found: Comparison):
    kind = request.GET.get("kind", "")
    kinds = [
        {
            "key": k.key,
            "title": k.title,
            "same": k.same,
            "codes": k.discrepancies,
            "count": found.counts.get(k.key, 0),
        }
        for k in results.KINDS.values()
    ]
    if kind not in results.KINDS:
        kind = next((k["key"] for k in kinds if k["count"] and k["key"] != "matched"), "matched")
    page = Paginator(Finding.objects.filter(comparison=found, kind=kind), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "comparison": found,
        "kinds": kinds,
        "kind": results.KINDS[kind],
        "count": found.counts.get(kind, 0),
        "page": page,
        "rows": [(finding, _lines(finding), results.STAGES.get(finding.stage, "")) for finding in page],
        "decisions": Finding.Decision.choices,
        "changes": [(TITLES[field], count) for field, count in found.changes.items() if count],
        "duplicate": kind.startswith("duplicate"),
    }
    return render(request, "matching/result.html", context)


def _lines(finding: Finding) -> list[dict]:
    """Both rows field by field; blanks on both sides are left out."""
    return [
        {"title": title, "left": finding.left.get(f, ""), "right": finding.right.get(f, ""),
         "differs": bool(finding.left and finding.right) and finding.left.get(f, "") != finding.right.get(f, "")}
        for f, title in TITLES.items() if finding.left.get(f) or finding.right.get(f)
    ]  # fmt: skip


@require_POST
@comparer
def decide(request, key, finding):
    row = get_object_or_404(Finding, pk=finding, comparison_id=key)
    try:
        working.decide(
            row, request.POST.get("decision", ""), request.POST.get("reason", ""), str(request.user)
        )
    except ValueError as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, "已记录处理意见。" if row.decision else "已撤回处理意见。")
    back = f"?kind={row.kind}&page={request.POST.get('page', '1')}#finding-{row.pk}"
    return redirect(f"{_address(key)}{back}")


def _address(key) -> str:
    return reverse("matching-comparison", args=[key])


@require_POST
@comparer
def cancel(request, key):
    working.cancel(get_object_or_404(Comparison, pk=key))
    messages.success(request, "将在当前步骤结束后取消。")
    return redirect("matching-comparison", key)


@require_safe
@comparer
def download(request, key):
    """The whole result: the five columns of the command, with the decisions beside."""
    found = get_object_or_404(Comparison, pk=key, state=Comparison.State.DONE)
    path = storing.path_of(found.result_sha256)
    if not path.exists():
        raise Http404("结果文件已过保存期，请重新比对。")
    decided = {
        (f.left_id, f.right_id, f.kind): (f.get_decision_display(), f.reason, f.decided_by)
        for f in Finding.objects.filter(comparison=found).exclude(decision="")
    }
    header = (*results.HEADER, "类别", "处理", "理由", "处理人")
    return export.csv_response(f"比对结果-{found.title}"[:60], header, _rows(path, decided))


def _rows(path, decided) -> Iterator[tuple]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            told = decided.get((row["left_id"], row["right_id"], row["kind"]), ("", "", ""))
            yield (*(row[c] for c in results.HEADER), results.KINDS[row["kind"]].title, *told)
