"""Background work of exchange (procrastinate)."""

from procrastinate.contrib.django import app

from jinzhi.foundation.exchange import documents, retention
from jinzhi.foundation.places import scope


@app.periodic(cron="20 2 * * *")
@app.task(name="tidy_exchange", queue="documents")
def tidy_exchange(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        retention.tidy()


@app.periodic(cron="*/10 * * * *")
@app.task(name="offer_reference_sets", queue="documents")
def offer_reference_sets(timestamp: int) -> None:
    """Code sets, laws, standards and holiday notices that were entered at the hub go down to the cities."""
    with scope.acting(scope.SYSTEM):
        documents.offer()
