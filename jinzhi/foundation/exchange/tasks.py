"""Background work of exchange (procrastinate)."""

from procrastinate.contrib.django import app

from jinzhi.foundation.exchange import retention
from jinzhi.foundation.places import scope


@app.periodic(cron="20 2 * * *")
@app.task(name="tidy_exchange", queue="documents")
def tidy_exchange(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        retention.tidy()
