"""An import from file to register in one transaction, with every row answered for."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import history
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import place_of
from jinzhi.registry import written
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing import reading
from jinzhi.registry.importing.merging import Merge, Merged, holder_key
from jinzhi.registry.importing.records import Problem, Reader
from jinzhi.registry.models import ImportBatch, ImportRow

SHOWN = 200  # problems kept in memory for the answer; all are in the batch


@dataclass
class Refusal:
    """A row that was not accepted."""

    line: int
    original: list[str]
    problems: list[dict]


@dataclass
class Outcome:
    """What became of a file. `batch` is None after a dry run."""

    total: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    dry_run: bool = False
    batch: str | None = None
    columns: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.changed + self.unchanged

    def as_dict(self) -> dict:
        found = asdict(self)
        del found["columns"], found["refusals"]
        rows = [{"line": r.line, "problems": r.problems} for r in self.refusals[:SHOWN]]
        return found | {"accepted": self.accepted, "rows": rows}


def sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def run(
    path: Path,
    raw_mapping: dict,
    *,
    kind: str = "",
    file_name: str = "",
    dry_run: bool = False,
    batch: ImportBatch | None = None,
    actor=None,
    post=None,
) -> Outcome:
    """Import a file; raises reading.Unreadable or mapping.BadMapping before anything is written.

    Under an official's scope rows of other places are refused. Running it again changes nothing.
    """
    table = reading.open_table(path, file_name)
    mapping = mappings.build(raw_mapping, table.columns, kind)
    range_ = (scope.current().lo, scope.current().hi) if scope.current().face == "staff" else None
    outcome = Outcome(dry_run=dry_run, columns=table.columns)
    with transaction.atomic():
        merge = Merge(mapping)
        merge.stage(_good_rows(table, Reader(mapping, range_), mapping, outcome))
        _count(outcome, merge.merge())
        for line, original, name, value, reason in merge.refusals():
            problem = Problem(
                mapping.fields[name].shown if name in mapping.fields else "", value or "", reason
            )
            outcome.refusals.append(Refusal(line, json.loads(original), [problem.as_dict()]))
        outcome.refusals.sort(key=lambda r: r.line)
        outcome.refused = len(outcome.refusals)
        if dry_run:
            transaction.set_rollback(True)
        else:
            _record(outcome, path, raw_mapping, mapping, file_name or path.name, batch, actor, post)
    return outcome


def _good_rows(
    table: reading.Table, reader: Reader, mapping: mappings.Mapping, outcome: Outcome
) -> Iterator[tuple[int, str, dict]]:
    """Rows fit to be staged; the others are noted in `outcome` while the file is read."""
    seen: dict[str, int] = {}
    for line, cells in table.rows:
        outcome.total += 1
        record, problems = reader.read(cells)
        if not problems and (problem := _repeated(record, mapping, seen, line)):
            problems = [problem]
        if problems:
            outcome.refusals.append(Refusal(line, cells, [p.as_dict() for p in problems]))
        else:
            yield line, json.dumps(cells, ensure_ascii=False), record


def _repeated(record: dict, mapping: mappings.Mapping, seen: dict[str, int], line: int) -> Problem | None:
    """The same certificate, or the same enterprise, a second time in the file."""
    if mapping.kind == mappings.CERTIFICATE:
        key, name = written.normal(record["number"]), "number"
    else:
        key, name = holder_key(record, mapping.scheme), "uscc" if record.get("uscc") else "identifier"
    first = seen.setdefault(key, line)
    if first == line:
        return None
    column = mapping.fields[name].shown if name in mapping.fields else ""
    return Problem(column, str(record.get(name) or ""), f"与第 {first} 行重复")


def _count(outcome: Outcome, merged: Merged) -> None:
    outcome.created, outcome.changed, outcome.unchanged = merged.created, merged.changed, merged.unchanged


def _record(outcome, path, raw_mapping, mapping, file_name, batch, actor, post) -> None:
    """Write the batch with its refused rows, and that it happened."""
    eyes = scope.current()
    place = post.agency.place if post else eyes.lo if eyes.face == "staff" else place_of(settings.NODE)
    batch = batch or ImportBatch(place=place, file_name=file_name[:200], sha256=sha256_of(path))
    batch.kind, batch.mapping, batch.columns = mapping.kind, raw_mapping, outcome.columns
    batch.total, batch.refused = outcome.total, outcome.refused
    batch.created, batch.changed, batch.unchanged = outcome.created, outcome.changed, outcome.unchanged
    batch.state, batch.finished_at = ImportBatch.State.DONE, timezone.now()
    batch.started_by = str(actor or "")[:60]
    batch.save()
    batch.rows.all().delete()
    ImportRow.objects.bulk_create(
        (
            ImportRow(
                place=batch.place, batch=batch, line=r.line, original=_clean(r.original), problems=r.problems
            )
            for r in outcome.refusals
        ),
        batch_size=1000,
    )
    outcome.batch = str(batch.pk)
    history.append(
        "registry",
        "registry.imported",
        actor=actor,
        post=post,
        subject=f"import:{batch.pk}",
        data={
            "file": file_name,
            "sha256": batch.sha256,
            "kind": mapping.kind,
            "total": outcome.total,
            "created": outcome.created,
            "changed": outcome.changed,
            "unchanged": outcome.unchanged,
            "refused": outcome.refused,
        },
    )


def _clean(cells: list[str]) -> list[str]:
    return [c.replace("\0", "") for c in cells]


def refused_rows(header: list[str], refusals) -> tuple[list[str], Iterator[list[str]]]:
    """The refused rows as a table: line, problems, and the original columns to correct and import again."""

    def lines():
        for r in refusals:
            words = "；".join(
                f"{p['column']}“{p['value']}”：{p['reason']}" if p["column"] else p["reason"]
                for p in r.problems
            )
            yield [str(r.line), words, *r.original]

    return ["行号", "问题", *header], lines()
