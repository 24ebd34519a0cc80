"""Background work of the network (procrastinate)."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope
from jinzhi.network import folder, pulse, reconciling


@app.periodic(cron="50 2 * * *")
@app.task(name="forget_pulses", queue="documents")
def forget_pulses(timestamp: int) -> None:
    with scope.acting(scope.SYSTEM):
        pulse.forget()


@app.task(name="reconcile_exchange", queue="documents")
def reconcile(dataset: str = "", peer: str = "", heal: bool = False) -> None:
    """A comparison that somebody asked for."""
    reconciling.reconcile(dataset, peer, heal=heal)


@app.periodic(cron="30 1 * * *")
@app.task(name="reconcile_daily", queue="documents")
def reconcile_daily(timestamp: int) -> None:
    """Each night a city compares with the hub and repairs what it can."""
    if folder.node().get("role") == "city":
        reconciling.reconcile(heal=True)
