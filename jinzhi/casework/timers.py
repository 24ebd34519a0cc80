"""What happens by itself when a limit runs out: 逾期视为受理, 逾期未补正视为撤回.

A periodic job asks which open steps have a timer whose clock has passed its day and takes the declared
outcome as the system. Running twice does no harm: the second finds the step closed.
"""

import logging
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from jinzhi.casework import actions
from jinzhi.casework.models import Case, Clock, Step
from jinzhi.foundation import calendar
from jinzhi.foundation.places import scope

log = logging.getLogger(__name__)


def due_steps(today: date) -> list[tuple[Step, str, Clock]]:
    """Open steps whose timer's clock ended before `today`, with the action to take."""
    late = Clock.objects.filter(
        state=Clock.State.RUNNING,
        due_ord__lte=calendar.ordinal(today - timedelta(days=1)),  # a Friday's limit has ended on Saturday
        case__state=Case.State.OPEN,
    ).select_related("case__procedure")
    found = []
    for clock in late:
        for step in clock.case.steps.filter(state=Step.State.OPEN):
            timer = clock.case.definition.step(step.key).timer
            if timer and timer.clock == clock.key:
                found.append((step, timer.outcome, clock))
    return found


def run(today: date | None = None) -> int:
    """Take every outcome that is due; returns how many. Meant to run as the system."""
    today = today or calendar.today()
    fired = 0
    for step, action, _clock in due_steps(today):
        at = timezone.make_aware(datetime.combine(today, time(0, 5)))
        try:
            actions.perform(step.case_id, action, step.pk, actions.SYSTEM, at=min(at, timezone.now()))
            fired += 1
        except actions.Refused as refusal:
            log.warning("timer at %s of %s: %s", step.key, step.case_id, refusal)
    return fired


@app.periodic(cron="7 * * * *")
@app.task(name="casework.timers")
def hourly(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        run()
