"""Daily housekeeping of casework."""

from procrastinate.contrib.django import app

from jinzhi.foundation import calendar
from jinzhi.foundation.places import scope


@app.periodic(cron="10 19 * * *")  # UTC: ten past three in China
@app.task(name="casework.clean_up", queueing_lock="casework.clean_up")
def clean_up(timestamp: int) -> None:
    """Answers kept for repeated requests go after their time."""
    from jinzhi.casework import idempotency

    with scope.acting(scope.SYSTEM):
        idempotency.clean_up(calendar.today())
