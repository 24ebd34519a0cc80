"""An import from file to register: read and checked slice by slice, merged in one transaction.

Until the last statement of the merge nothing of the file is in the register; after a kill nothing is there. What
was read is kept in the spool, so the import can go on where it stopped. Two imports at once take turns.
"""

import fcntl
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import uuid4

import polars as pl
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import history
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import place_of
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing import reading, spool
from jinzhi.registry.importing.checking import Checker, Refusal
from jinzhi.registry.importing.fields import ENTERPRISE
from jinzhi.registry.importing.merging import Merge, Merged, insert_rows, with_keys
from jinzhi.registry.importing.records import Problem
from jinzhi.registry.models import ImportBatch, ImportRow

SHOWN = 200  # refusals kept in memory for the answer; all are in the batch or the errors file
LAY_DOWN_FROM = 200_000  # rows from which an empty register is filled without its indexes
ROWS_AT_ONCE = 20_000
TURN = 0.5  # seconds between looks whether another import has ended
_FORM = "3"  # of the spool; another one is not gone on with

State = ImportBatch.State


class Cancelled(Exception):
    """The import was told to stop; nothing was written."""


class Busy(Exception):
    """This very batch is being imported by another process."""


@dataclass
class Outcome:
    """What became of a file. `batch` is None after a dry run."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    dry_run: bool = False
    batch: str | None = None
    errors_file: str | None = None
    columns: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.inserted + self.updated + self.unchanged

    def as_dict(self) -> dict:
        keys = ("read", "accepted", "refused", "inserted", "updated", "unchanged", "errors_file")
        return {"batch": self.batch} | {key: getattr(self, key) for key in keys}


def sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def run(
    path: Path,
    raw_mapping: dict | None,
    *,
    kind: str = "",
    file_name: str = "",
    dry_run: bool = False,
    batch: ImportBatch | None = None,
    actor=None,
    post=None,
    errors: Path | None = None,
) -> Outcome:
    """Import a file; raises reading.Unreadable or mapping.BadMapping before anything is written.

    Without a mapping the columns are guessed. Under an official's scope rows of other places are refused.
    Running it again changes nothing. `errors`: a CSV for the refused rows, written when there are any.
    """
    table, mapping, raw_mapping = prepared(path, raw_mapping, kind, file_name)
    digest = sha256_of(path)
    if batch is None and not dry_run:
        batch = _begun(path, digest, raw_mapping, mapping, file_name, actor, post)
    work = _Import(table, mapping, batch, dry_run=dry_run)
    try:
        outcome = work.done(_signature(digest, raw_mapping, mapping.kind), raw_mapping, actor, post, errors)
    except (reading.Unreadable, mappings.BadMapping) as fault:
        _ended(batch, State.FAILED, str(fault), dry_run)
        raise
    except Cancelled:
        _ended(batch, State.CANCELLED, "按要求取消，没有写入任何行", dry_run)
        raise
    except Busy:
        raise
    except Exception:
        if not connection.needs_rollback:
            _ended(batch, State.FAILED, "导入时发生意外，没有写入任何行；可以再试一次", dry_run)
        raise
    return outcome


def prepared(
    path: Path, raw: dict | None, kind: str = "", file_name: str = ""
) -> tuple[reading.Table, mappings.Mapping, dict]:
    """The table with its header found, and the mapping (guessed when none is given)."""
    sheet = str((raw or {}).get("sheet", "") or "")
    table = reading.open_table(path, file_name, mappings.score(raw, kind), sheet)
    if raw is None:
        raw = mappings.guessed(table.columns, kind)
        try:
            mapping = mappings.build(raw, table.columns, kind, table.duplicates)
        except mappings.BadMapping as fault:
            raise mappings.BadMapping(
                f"按列名猜不全对应关系：{fault}请用 --map 或 --profile 指定。"
            ) from None
        return table, mapping, raw
    return table, mappings.build(raw, table.columns, kind, table.duplicates), raw


def _signature(digest: str, raw_mapping: dict, kind: str) -> str:
    eyes = scope.current()
    said = json.dumps(raw_mapping, sort_keys=True, ensure_ascii=False, default=str)
    text = f"{_FORM}\n{digest}\n{kind}\n{said}\n{eyes.face} {eyes.lo} {eyes.hi} {timezone.localdate()}"
    return hashlib.sha256(text.encode()).hexdigest()


def _begun(path: Path, digest: str, raw_mapping: dict, mapping, file_name: str, actor, post) -> ImportBatch:
    eyes = scope.current()
    place = post.agency.place if post else eyes.lo if eyes.face == "staff" else place_of(settings.NODE)
    return ImportBatch.objects.create(
        place=place,
        file_name=(file_name or path.name)[:200],
        sha256=digest,
        kind=mapping.kind,
        mapping=plain(raw_mapping),
        state=State.RUNNING,
        size=path.stat().st_size,
        started_by=str(actor or "")[:60],
    )


def plain(raw: dict) -> dict:
    """A mapping as JSON can hold it (YAML knows dates)."""
    return json.loads(json.dumps(raw, ensure_ascii=False, default=str))


def _ended(batch: ImportBatch | None, state: str, message: str, dry_run: bool) -> None:
    if batch is not None:
        state = State.READY if dry_run else state
        ImportBatch.objects.filter(pk=batch.pk).update(
            state=state, message=message[:300], stage="", cancel_asked=False
        )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Only one process works in a spool; the lock ends with the process, however it ends."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("这一批正在导入中。") from None
        yield


def is_alive(batch: ImportBatch) -> bool:
    """Whether a process works on the batch at this moment."""
    place = spool.folder(str(batch.pk))
    if not place.exists():
        return False
    try:
        with _alone(place):
            return False
    except Busy:
        return True


class _Import:
    """One run over a file."""

    def __init__(
        self, table: reading.Table, mapping: mappings.Mapping, batch: ImportBatch | None, *, dry_run: bool
    ):
        self.table, self.mapping, self.batch, self.dry_run = table, mapping, batch, dry_run
        eyes = scope.current()
        self.range = (eyes.lo, eyes.hi) if eyes.face == "staff" else None
        self.place = spool.folder(str(batch.pk) if batch else f"check-{uuid4()}")
        self.stage = ""

    def done(self, signature: str, raw_mapping: dict, actor, post, errors: Path | None) -> Outcome:
        finished = False
        with _alone(self.place):
            try:
                self.tell("reading")
                held = spool.Spool(self.place, signature)
                if not held.progress.complete:
                    self._read(held)
                twice = spool.repeated(held)
                outcome = self._merge(held, twice, raw_mapping, actor, post, errors)
                finished = True
            finally:
                if finished or self.dry_run:
                    spool.Spool(self.place, signature).remove()
        return outcome

    def _read(self, held: spool.Spool) -> None:
        checker = Checker(self.mapping, self.range)
        done = held.progress.slices
        for number, piece in enumerate(self.table.slices()):
            if number < done:
                continue  # checked before it was interrupted
            records, refusals = checker.check(piece)
            held.add(with_keys(records, self.mapping), refusals, piece.height, piece.position)
            self.tell("reading", total=held.progress.read, position=held.progress.position)
        held.finish()

    def _merge(self, held, twice: dict[int, int], raw_mapping: dict, actor, post, errors) -> Outcome:
        while True:
            with transaction.atomic():
                merge = Merge(self.mapping, str(self.batch.pk) if self.batch else None, self.tell)
                if merge.may_begin():
                    return self._merged(merge, held, twice, raw_mapping, actor, post, errors)
            self.tell("waiting")
            time.sleep(TURN)

    def _merged(self, merge: Merge, held, twice, raw_mapping, actor, post, errors) -> Outcome:
        self.tell("merging")
        repeated = pl.Series(list(twice), dtype=pl.Int64)

        def records() -> Iterable[pl.DataFrame]:
            for part in held.slices():
                yield part.filter(~pl.col("line").is_in(repeated.implode())) if twice else part

        refused = [(line, *self._repeated_words(first)) for line, first in twice.items()]
        fit = held.progress.read - held.progress.refused - len(twice)
        if merge.register_is_empty():
            merged = Merged(fit)
            if not self.dry_run:
                merged = merge.fill(records(), lay_down_indexes=fit >= LAY_DOWN_FROM)
        else:
            merge.stage(records())
            merged, lines = merge.judge()
            refused += lines
            if not self.dry_run:
                merge.write()
        outcome = Outcome(
            held.progress.read, merged.created, merged.changed, merged.unchanged,
            held.progress.refused + len(refused), self.dry_run, columns=self.table.columns,
        )  # fmt: skip
        if outcome.accepted + outcome.refused != outcome.read:
            raise RuntimeError(f"import counts do not add up: {outcome.as_dict()}")
        later = list(self._originals(refused))
        outcome.refusals = _first(held.refusals(later), SHOWN)
        if errors is not None and outcome.refused:
            _write_errors(errors, self.table.columns, held.refusals(later))
            outcome.errors_file = str(errors)
        if not self.dry_run and self.batch is not None:
            _record(self.batch, outcome, raw_mapping, self.mapping, held.refusals(later), actor, post)
        return outcome

    def _repeated_words(self, first: int) -> tuple[str, str, str]:
        if self.mapping.kind == ENTERPRISE:
            name = next(
                (n for n in ("uscc", "org_code", "registration_number") if n in self.mapping.fields),
                "identifier",
            )
        else:
            name = "source_key" if self.mapping.is_entry else "number"
        return name, "", f"与第 {first} 行重复"

    def _originals(self, refused: list[tuple[int, str, str, str]]) -> Iterator[Refusal]:
        """Rows refused after reading, with the cells they came with: the file is read once more for them."""
        if not refused:
            return
        why = {line: (name, value, reason) for line, name, value, reason in refused}
        wanted = pl.Series(list(why), dtype=pl.Int64)
        for piece in self.table.slices():
            mask = piece.lines.is_in(wanted.implode())
            if not mask.any():
                continue
            for line, cells in zip(piece.lines.filter(mask), piece.cells.filter(mask).rows(), strict=True):
                name, value, reason = why[line]
                source = self.mapping.fields.get(name)
                shown = source.shown if source else ""
                if not value and source and source.columns:
                    value = cells[source.columns[0]].strip()
                yield Refusal(line, list(cells), [Problem(shown, value, reason).as_dict()])

    def tell(self, stage: str, **more) -> None:
        """Note how far it is, and stop when that was asked for."""
        if self.batch is None:
            return
        found = ImportBatch.objects.filter(pk=self.batch.pk)
        if found.values_list("cancel_asked", flat=True).first():
            raise Cancelled
        if more or stage != self.stage:
            self.stage = stage
            if stage != "merging" or not connection.in_atomic_block:
                found.update(stage=stage, alive_at=timezone.now(), **more)


def _first(refusals: Iterator[Refusal], count: int) -> list[Refusal]:
    return list(islice(refusals, count))


def note_check(batch: ImportBatch, outcome: Outcome) -> None:
    """Keep what a dry run of a batch found, with its first refusals; the batch waits for its import."""
    batch.total, batch.refused, batch.columns = outcome.read, outcome.refused, outcome.columns
    batch.created, batch.changed, batch.unchanged = outcome.inserted, outcome.updated, outcome.unchanged
    batch.state, batch.stage, batch.dry_run, batch.position = State.READY, "", True, batch.size
    with transaction.atomic():
        batch.save()
        _keep_rows(batch, iter(outcome.refusals))


def _record(batch: ImportBatch, outcome: Outcome, raw_mapping, mapping, refusals, actor, post) -> None:
    """Write what became of the batch with its refused rows, and that it happened."""
    batch.kind, batch.mapping, batch.columns = mapping.kind, plain(raw_mapping), outcome.columns
    batch.total, batch.refused = outcome.read, outcome.refused
    batch.created, batch.changed, batch.unchanged = outcome.inserted, outcome.updated, outcome.unchanged
    batch.state, batch.finished_at, batch.stage, batch.message = State.DONE, timezone.now(), "", ""
    batch.position, batch.cancel_asked, batch.dry_run = batch.size, False, False
    if actor and not batch.started_by:
        batch.started_by = str(actor)[:60]
    batch.save()
    _keep_rows(batch, refusals)
    outcome.batch = str(batch.pk)
    data = {"file": batch.file_name, "sha256": batch.sha256, "kind": batch.kind} | outcome.as_dict()
    del data["batch"], data["errors_file"]
    history.append(
        "registry", "registry.imported", actor=actor, post=post, subject=f"import:{batch.pk}", data=data
    )


def _keep_rows(batch: ImportBatch, refusals: Iterator[Refusal]) -> None:
    ImportRow.objects.filter(batch=batch).delete()
    with connection.cursor() as cursor:
        while rows := _first(refusals, ROWS_AT_ONCE):
            insert_rows(cursor, "registry_importrow", _as_frame(batch, rows))


def _as_frame(batch: ImportBatch, rows: list[Refusal]) -> pl.DataFrame:
    cells = ([_clean(c) for c in r.original] for r in rows)
    problems = ([{k: _clean(v) for k, v in p.items()} for p in r.problems] for r in rows)
    return pl.DataFrame(
        {
            "line": [r.line for r in rows],
            "original": [json.dumps(c, ensure_ascii=False) for c in cells],
            "problems": [json.dumps(p, ensure_ascii=False) for p in problems],
        }
    ).with_columns(place=pl.lit(batch.place), batch_id=pl.lit(str(batch.pk)))


def _clean(text: str) -> str:
    return text.replace("\0", "")


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


def _write_errors(path: Path, columns: list[str], refusals) -> None:
    from jinzhi.web import export

    path.parent.mkdir(parents=True, exist_ok=True)
    header, rows = refused_rows(columns, refusals)
    with path.open("w", encoding="utf-8", newline="") as target:
        target.writelines(export.lines(header, rows))
