"""Imports in the background: queued by a page, worked off by the worker, gone on with after a stop."""

from pathlib import Path
from uuid import UUID

from django.db import transaction

from jinzhi.foundation.files import storing
from jinzhi.foundation.places import scope
from jinzhi.registry import tasks
from jinzhi.registry.importing import mapping, reading, running
from jinzhi.registry.models import ImportBatch

State = ImportBatch.State
GOES_ON = (State.QUEUED, State.RUNNING, State.CANCELLED, State.FAILED)


class CannotGoOn(ValueError):
    """The batch is not one to go on with; says why."""


def begin(batch: ImportBatch, *, dry_run: bool = False) -> None:
    """Queue a batch whose columns are mapped; one that is queued or at work already stays so."""
    with transaction.atomic():
        changes = {
            "state": State.QUEUED, "stage": "", "cancel_asked": False, "message": "", "dry_run": dry_run,
            "total": 0, "position": 0,
        }  # fmt: skip
        taken = ImportBatch.objects.filter(
            pk=batch.pk, state__in=(State.READY, State.CANCELLED, State.FAILED)
        ).update(**changes)
        if taken:
            tasks.import_batch.defer(batch=str(batch.pk))


def cancel(batch: ImportBatch) -> None:
    """Stop at the next slice or statement; nothing will have been written."""
    ImportBatch.objects.filter(pk=batch.pk, state=State.QUEUED).update(
        state=State.CANCELLED, message="按要求取消"
    )
    ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING).update(cancel_asked=True)


def resume(batch: ImportBatch) -> None:
    """Queue a batch again that was cancelled, failed or lost its process."""
    if interrupted(batch):
        ImportBatch.objects.filter(pk=batch.pk, state=State.RUNNING).update(state=State.CANCELLED)
    begin(batch, dry_run=batch.dry_run)


def now(batch: ImportBatch, *, actor=None, post=None, dry_run: bool = False) -> running.Outcome:
    """Work on a small file within the request."""
    path = storing.path_of(batch.sha256)
    return _work(batch, path, actor=actor, post=post, dry_run=dry_run)


def interrupted(batch: ImportBatch) -> bool:
    """Whether the batch is said to run but nobody works on it: its process was killed."""
    return batch.state == State.RUNNING and not running.is_alive(batch)


def go_on(key: object) -> running.Outcome:
    """Work on a batch now, from where it stopped; raises CannotGoOn."""
    try:
        found = ImportBatch.objects.filter(pk=UUID(str(key))).first()
    except ValueError:
        found = None
    if found is None:
        raise CannotGoOn(f"没有批次 {str(key)[:60]}。")
    if found.state not in GOES_ON:
        raise CannotGoOn(f"这一批的状态是“{found.get_state_display()}”，不能继续。")
    path = storing.path_of(found.sha256)
    if not path.exists():
        raise CannotGoOn("文件不在系统中（命令行导入的文件不保存），请再导入一次；已入库的行不会重复。")
    with scope.acting(scope.staff(found.place)):
        return _work(found, path, actor=found.started_by, dry_run=found.dry_run)


def _work(batch: ImportBatch, path: Path, *, actor=None, post=None, dry_run: bool = False) -> running.Outcome:
    changes = {"state": State.RUNNING, "cancel_asked": False, "message": "", "total": 0, "dry_run": dry_run}
    ImportBatch.objects.filter(pk=batch.pk).update(**changes)
    batch.refresh_from_db()
    outcome = running.run(
        path, batch.mapping, kind=batch.kind, file_name=batch.file_name, batch=batch, actor=actor, post=post,
        dry_run=dry_run,
    )  # fmt: skip
    if dry_run:
        running.note_check(batch, outcome)
    return outcome


def import_batch(batch: str) -> None:
    """Work on a queued batch; what is wrong with its file stands in the batch."""
    with scope.acting(scope.SYSTEM):
        found = ImportBatch.objects.filter(pk=batch, state=State.QUEUED).first()
        if found is None:
            return
        try:
            go_on(found.pk)
        except (reading.Unreadable, mapping.BadMapping, running.Cancelled, running.Busy):
            return
        except CannotGoOn as fault:
            ImportBatch.objects.filter(pk=batch).update(state=State.FAILED, message=str(fault)[:300])
