"""One act on many cases (批量办理), where the procedure says that the law allows it.

Each case is a transaction of its own, in which its line of the run is marked too: a run that is killed
half-way goes on where it stopped, and two workers never take the same line. The powers are those the post
has when the line is done.
"""

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from jinzhi.casework import actions
from jinzhi.casework.models import BulkItem, BulkRun, Case, Step
from jinzhi.foundation import calendar
from jinzhi.foundation.people import identity
from jinzhi.foundation.places import scope

MOST = 10_000  # cases in one run
State = BulkItem.State


def begin(
    actor: actions.Actor, action: str, steps: list[int], reason: str = "", *, start: bool = True
) -> BulkRun:
    """Set up a run over open steps; raises Refused when the act is not one for many."""
    found = Step.objects.filter(pk__in=steps[: MOST + 1], state=Step.State.OPEN).select_related(
        "case__procedure"
    )
    lines = list(found.order_by("id"))
    if not lines:
        raise actions.Refused("请选择要办理的件")
    if len(steps) > MOST:
        raise actions.Refused(f"一次最多办理 {MOST} 件")
    label = _allowed(lines, action, reason)
    place = actor.office.agency.place
    with transaction.atomic():
        run = BulkRun.objects.create(
            account=actor.office.account,
            post=actor.office,
            place=place,
            action=action,
            label=label,
            reason=reason,
        )
        BulkItem.objects.bulk_create(
            (BulkItem(run=run, place=s.place, case_id=s.case_id, step_id=s.pk) for s in lines),
            batch_size=1000,
        )
        if start:
            work_off.defer(run_id=run.pk)
    return run


def _allowed(steps: list[Step], action: str, reason: str) -> str:
    label = ""
    for step in steps:
        outcome = step.case.definition.step(step.key).outcome(action)
        if outcome is None or not outcome.bulk:
            raise actions.Refused(f"“{step.name}”环节不能批量办理这个动作")
        if outcome.reason and not reason:
            raise actions.Refused(f"{outcome.label}必须说明理由", "reason")
        label = outcome.label
    return label


def progress(run: BulkRun) -> dict[str, int]:
    counts = dict.fromkeys((str(s) for s in State), 0)
    for state in run.items.values_list("state", flat=True):
        counts[state] += 1
    return counts | {"total": sum(counts.values())}


def work(run: BulkRun, most: int | None = None) -> int:
    """Do the lines that wait, as far as `most`; answers how many were taken. Safe to call again at any time."""
    taken = 0
    with scope.acting(scope.staff(run.post.agency.place)):
        while most is None or taken < most:
            if BulkRun.objects.filter(pk=run.pk, cancelled_at__isnull=False).exists():
                return taken
            if not _one(run):
                break
            taken += 1
        if not run.items.filter(state=State.WAITING).exists():
            BulkRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=timezone.now())
    return taken


def _one(run: BulkRun) -> bool:
    with transaction.atomic():
        item = run.items.select_for_update(skip_locked=True).filter(state=State.WAITING).first()
        if item is None:
            return False
        item.state, item.message = State.DONE, ""
        try:
            actions.perform(item.case_id, run.action, item.step_id, _actor(run), reason=run.reason)
        except actions.Refused as refusal:
            item.state, item.message = State.REFUSED, refusal.message[:300]
        except (Case.DoesNotExist, Step.DoesNotExist):
            item.state, item.message = State.REFUSED, "此件已不在您的管辖范围"
        item.save(update_fields=["state", "message"])
    return True


def _actor(run: BulkRun) -> actions.Actor:
    """The post as it stands now; one that has ended may do nothing any more."""
    held = identity.load(run.account, calendar.today(), run.post_id)
    if held.post is None or held.post.pk != run.post_id or not run.account.is_active:
        raise actions.NoPower("办理人已不再任此职")
    return actions.Actor(run.account, held.post, tuple(held.powers))


def resume(run: BulkRun) -> None:
    """Go on with a run that was interrupted or cancelled."""
    BulkRun.objects.filter(pk=run.pk).update(cancelled_at=None)
    work_off.defer(run_id=run.pk)


def cancel(run: BulkRun) -> None:
    """Stop after the line in hand; what is done stays done."""
    BulkRun.objects.filter(pk=run.pk, finished_at=None).update(cancelled_at=timezone.now())


@app.task(name="casework.bulk")
def work_off(run_id: int) -> None:
    with scope.acting(scope.SYSTEM):
        run = BulkRun.objects.select_related("account", "post__agency").get(pk=run_id)
    work(run)
