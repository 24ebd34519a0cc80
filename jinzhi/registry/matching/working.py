"""A comparison as background work: own register or files in, findings and a result file out; cancelled between steps."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from django.db import connection as database_connection
from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import files
from jinzhi.foundation.files import storing
from jinzhi.foundation.places import scope
from jinzhi.registry.matching import mapping, results, running, sources, tasks
from jinzhi.registry.matching.models import Comparison, Finding

KEPT = 2000  # findings of a kind kept for decisions; the result file has all
EXAMPLES = 20  # of plain agreement
OWN = "本系统登记"
OWN_ROLES = {role: [role] for role in mapping.ROLES}
_OWN = """
COPY (SELECT id, coalesce(nullif(uscc, ''), org_code) AS code, name, '' AS other_name, address, '' AS phone
      FROM registry_enterprise WHERE merged_into_id IS NULL) TO STDOUT (FORMAT csv, HEADER)"""


def start(comparison: Comparison) -> None:
    """Put a comparison whose columns are mapped in the queue."""
    with transaction.atomic():
        comparison.state, comparison.progress, comparison.cancelled = Comparison.State.WAITING, 0, False
        comparison.message = ""
        comparison.save(update_fields=["state", "progress", "cancelled", "message", "mapping", "title"])
        tasks.compare.defer(comparison_id=str(comparison.pk), place=comparison.place)


def cancel(comparison: Comparison) -> None:
    """Stop before the next step."""
    Comparison.objects.filter(pk=comparison.pk).update(cancelled=True)
    Comparison.objects.filter(pk=comparison.pk, state=Comparison.State.WAITING).update(
        state=Comparison.State.STOPPED, finished_at=timezone.now()
    )


def work(comparison_id: str, place: int) -> None:
    """Sees what the officials of the place see."""
    with scope.acting(scope.staff(place)):
        run(UUID(comparison_id))


def run(key: UUID) -> None:
    """Compare and keep the result. A fault of the files is told in words; nothing half is kept."""
    waiting = (Comparison.State.WAITING, Comparison.State.RUNNING)
    if not Comparison.objects.filter(pk=key, state__in=waiting).update(state=Comparison.State.RUNNING):
        return
    comparison = Comparison.objects.get(pk=key)
    State = Comparison.State
    try:
        _compare(comparison)
        return
    except running.Stopped:
        state, words = State.STOPPED, ""
    except (sources.BadSide, mapping.BadMapping) as fault:
        state, words = State.FAILED, str(fault)
    except duckdb.OutOfMemoryException:
        state, words = State.FAILED, "两份数据太大，超出了可用的内存或磁盘，请分区县比对。"
    Comparison.objects.filter(pk=key).update(state=state, message=words[:300], finished_at=timezone.now())


def _compare(comparison: Comparison) -> None:
    def progress(title: str, done: int) -> None:
        row = Comparison.objects.filter(pk=comparison.pk)
        if row.values_list("cancelled", flat=True).first():
            raise running.Stopped
        row.update(stage=title, progress=done)

    mapped = mapping.build(comparison.mapping)
    left = (
        _own
        if not comparison.left_sha256
        else _loader(comparison.left_sha256, mapped.left, comparison.left_name)
    )
    right = _loader(comparison.right_sha256, mapped.right, comparison.right_name)
    with running.database() as base:
        outcome = running.compare(base, left, right, progress)
        progress("保存结果", 95)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.csv"
            results.write(base, path)
            blob = files.store_bytes(path.read_bytes(), "text/csv")
        findings = _findings(base, comparison)
        with transaction.atomic():
            Finding.objects.filter(comparison=comparison).delete()
            Finding.objects.bulk_create(findings, batch_size=1000)
            Comparison.objects.filter(pk=comparison.pk).update(
                state=Comparison.State.DONE, progress=100, stage="", counts=outcome.counts, changes=outcome.changes,
                left_rows=outcome.left, right_rows=outcome.right, result_sha256=blob.sha256,
                suggested=_suggested(base) if not comparison.left_sha256 else 0, finished_at=timezone.now(),
            )  # fmt: skip


def _loader(sha256: str, roles: dict[str, list[str]], name: str) -> running.Loader:
    path = storing.path_of(sha256)
    if not path.exists():
        raise sources.BadSide(f"{name} 已过保存期，请重新上传。")
    return running.file_loader(path, roles, name)


def _own(base: Any, side: str) -> int:
    """The enterprises that the post may see, by way of a file."""
    with tempfile.NamedTemporaryFile("wb", suffix=".csv") as target:
        with database_connection.cursor() as cursor, cursor.copy(_OWN) as copy:
            for block in copy:
                target.write(block)
        target.flush()
        return sources.load(base, side, Path(target.name), OWN_ROLES, OWN)


def _findings(base: Any, comparison: Comparison) -> list[Finding]:
    """The first of every kind, with both rows."""
    shown = ("id", "code", "name", "other_name", "address", "phone")
    left, right = (", ".join(f"{s}.{c}" for c in shown) for s in "lr")
    found = base.execute(f"""
    SELECT k.kind, k.left_id, k.right_id, k.score, k.stage, {left}, {right}
    FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY score, ln, rn) AS i FROM result) AS k
    LEFT JOIN (SELECT 'l' AS s, * FROM l_raw UNION ALL SELECT 'r', * FROM r_raw) AS l
        ON l.n = k.ln AND l.s = CASE WHEN k.kind = 'duplicate_right' THEN 'r' ELSE 'l' END
    LEFT JOIN (SELECT 'l' AS s, * FROM l_raw UNION ALL SELECT 'r', * FROM r_raw) AS r
        ON r.n = k.rn AND r.s = CASE WHEN k.kind = 'duplicate_left' THEN 'l' ELSE 'r' END
    WHERE i <= CASE WHEN k.kind = 'matched' THEN {EXAMPLES} ELSE {KEPT} END ORDER BY k.kind, i""").fetchall()
    width = len(shown)
    return [
        Finding(
            place=comparison.place,
            comparison=comparison,
            kind=row[0],
            left_id=row[1][:200],
            right_id=row[2][:200],
            score=float(row[3]),
            stage=row[4],
            left={c: v for c, v in zip(shown, row[5 : 5 + width], strict=True) if v},
            right={c: v for c, v in zip(shown, row[5 + width :], strict=True) if v},
        )
        for row in found
    ]


def _suggested(base: Any) -> int:
    """Duplicates inside our own register go to the queue of pairs that a person merges or keeps apart."""
    from jinzhi.registry import suspicions

    rows = base.execute(
        f"SELECT left_id, right_id, score, stage FROM result WHERE kind = 'duplicate_left' LIMIT {KEPT}"
    ).fetchall()
    pairs = [
        {
            "left_id": a,
            "right_id": b,
            "score": float(s),
            "stage": results.STAGES.get(stage, stage),
            "evidence": [],
        }
        for a, b, s, stage in rows
    ]
    return suspicions.suggest(pairs)["new"] if pairs else 0


def decide(finding: Finding, decision: str, reason: str, by: str) -> None:
    """Record what a person decided, or take it back with an empty decision; a reason is always needed."""
    if decision and decision not in Finding.Decision.values:
        raise ValueError("没有这种处理。")
    if decision and not reason.strip():
        raise ValueError("请写明理由。")
    if decision == Finding.Decision.MERGE and not (finding.left and finding.right):
        raise ValueError("只有一方的行不能合并。")
    finding.decision, finding.reason = decision, " ".join(reason.split())[:300] if decision else ""
    finding.decided_by, finding.decided_at = by[:60], timezone.now()
    finding.save(update_fields=["decision", "reason", "decided_by", "decided_at"])
