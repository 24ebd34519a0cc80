"""What happens by itself when a limit runs out: 逾期视为受理, 逾期未补正视为撤回, 到期未决定视为准予延续.

A periodic job asks which open steps have a timer whose clock has passed its day, which waiting steps are
over and which cases have a deadline that has passed, and takes the declared outcome as the system.
Running twice does no harm: the second finds the step closed. Old cases entered later (补录) move only when
a day is given for them: their acts are entered as they happened.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app

from jinzhi.casework import actions
from jinzhi.casework.models import Case, ProcedureVersion, published
from jinzhi.foundation import calendar
from jinzhi.foundation.places import scope

log = logging.getLogger(__name__)

# A running clock whose end is past: a day to end on, a moment for hours, else a working-day ordinal.
_OVER = """
    k.state = 'running' AND c.state = 'open' AND (c.entered_on IS NULL AND %(live)s OR c.entered_on IS NOT NULL AND %(old)s)
    AND CASE k.unit WHEN 'date' THEN k.base_due < %(today)s WHEN 'hour' THEN k.due_at <= %(now)s
                    WHEN 'minute' THEN k.due_at <= %(now)s ELSE k.due_ord <= %(over)s END
    AND (NOT %(moments)s OR k.due_at IS NOT NULL AND k.due_ord <= %(near)s)
"""
_STEPS = f"""
    SELECT s.case_id, s.id, t.action FROM casework_clock k
      JOIN casework_case c ON c.id = k.case_id
      JOIN unnest(%(versions)s::int[], %(steps)s::text[], %(clocks)s::text[], %(actions)s::text[])
           AS t(version, step, clock, action) ON t.version = c.procedure_id AND t.clock = k.key
      JOIN casework_step s ON s.case_id = c.id AND s.key = t.step AND s.state = 'open'
                          AND (k.step_id IS NULL OR k.step_id = s.id)
     WHERE {_OVER} AND (k.due_ord <= %(over)s OR k.unit IN ('date', 'hour', 'minute')) ORDER BY c.received_on, c.id, s.id
"""  # noqa: S608
_CASES = f"""
    SELECT k.case_id, k.key FROM casework_clock k JOIN casework_case c ON c.id = k.case_id
      JOIN unnest(%(versions)s::int[], %(clocks)s::text[]) AS t(version, clock)
           ON t.version = c.procedure_id AND t.clock = k.key
     WHERE {_OVER} ORDER BY c.received_on, c.id
"""  # noqa: S608


@dataclass(frozen=True)
class Due:
    """Something that has to happen by itself: an outcome of a step, or (without a step) the end of a case's limit."""

    case_id: object
    step_id: int | None
    action: str
    clock: str = ""


def due(
    today: date, *, old: bool = False, now: datetime | None = None, moments: bool = False
) -> Iterator[Due]:
    """What has run out before `today`, oldest cases first; `moments`: only limits in hours and minutes."""
    values: dict[str, Any] = {
        "today": today, "now": now or timezone.now(), "old": old,
        "live": today <= calendar.today(),  # nothing is deemed to have happened before its day has come
        "moments": moments, "near": calendar.ordinal(today) + 1,
        "over": calendar.ordinal(today - timedelta(days=1)),  # a Friday's limit has ended on Saturday
    }  # fmt: skip
    timed, ends = _declared()
    with connection.cursor() as cursor:
        if ends:
            versions, clocks = zip(*ends, strict=True)
            cursor.execute(_CASES, values | {"versions": list(versions), "clocks": list(clocks)})
            yield from (Due(case, None, "lapse_case", clock) for case, clock in cursor.fetchall())
        if timed:
            names = ("versions", "steps", "clocks", "actions")
            columns = dict(zip(names, map(list, zip(*timed, strict=True)), strict=True))
            cursor.execute(_STEPS, values | columns)
            yield from (Due(*row) for row in cursor.fetchall())


def _declared() -> tuple[list[tuple[int, str, str, str]], list[tuple[int, str]]]:
    """(version, step, clock, action) of every timer and (version, clock) of every deadline that is published."""
    timed, ends = [], []
    for key in ProcedureVersion.objects.values_list("pk", flat=True):
        definition = published(key).procedure
        ends += [(key, d.clock) for d in definition.deadlines]
        for step in definition.steps.values():
            if step.timer:
                timed.append((key, step.key, step.timer.clock, step.timer.outcome))
            if step.kind == "timer":
                timed.append((key, step.key, f"step:{step.key}", "elapse"))
    return timed, ends


def run(today: date | None = None, *, old: bool = False, moments: bool = False) -> int:
    """Take every outcome that is due; returns how many. Meant to run as the system.

    With `moments` only what ends at a moment and not on a day is looked at: that is asked every minute.
    """
    today = today or calendar.today()
    at = (
        timezone.now()
        if moments
        else min(timezone.make_aware(datetime.combine(today, time(0, 5))), timezone.now())
    )
    fired = 0
    for one in list(due(today, old=old, moments=moments)):
        try:
            actions.perform(
                one.case_id, one.action, one.step_id, actions.SYSTEM, payload={"clock": one.clock}, at=at
            )
            fired += 1
        except (actions.Refused, Case.DoesNotExist) as refusal:
            log.warning("timer %s of %s: %s", one.action, one.case_id, refusal)
    return fired


@app.periodic(cron="7 * * * *")
@app.task(name="casework.timers")
def hourly(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        run()


@app.periodic(cron="* * * * *")
@app.task(name="casework.moments")
def minutely(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        run(moments=True)
