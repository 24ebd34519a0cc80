"""Background work of running the network (procrastinate)."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope
from jinzhi.network.operations import watching


@app.periodic(cron="* * * * *")
@app.task(name="operations.watch", queueing_lock="operations.watch")
def watch(timestamp: int) -> None:
    """Thresholds, alarms nobody looked at, tickets of other nodes."""
    with scope.acting(scope.SYSTEM):
        watching.watch()
