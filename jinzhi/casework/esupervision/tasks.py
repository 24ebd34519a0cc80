"""Every night: supervise the day; on the first days of a month the scores of the month before are computed."""

import logging

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope

log = logging.getLogger(__name__)


@app.periodic(cron="30 21 * * *")  # UTC: half past five in China
@app.task(name="esupervision.daily", queueing_lock="esupervision.daily")
def daily(timestamp: int) -> None:
    """Before the offices open: yesterday's limits are over, today's tips are there at half past eight."""
    from jinzhi.casework.esupervision import running, scoring

    with scope.acting(scope.SYSTEM):
        result = running.run()
        log.info("supervision of %s: %s", result.on, result.plain())
        scoring.refresh(result.on)
