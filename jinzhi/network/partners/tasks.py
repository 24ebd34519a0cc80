"""Regular work on partners, for the worker."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope


@app.periodic(cron="*/5 * * * *")
@app.task(name="partners.watch", queueing_lock="partners.watch")
def watch(timestamp: int) -> None:
    """Who does not acknowledge, whose receipts are late."""
    from jinzhi.network.partners import watching

    watching.watch()


@app.periodic(cron="10 18 * * *")  # UTC: ten past two in China
@app.task(name="partners.clean_up", queueing_lock="partners.clean_up")
def clean_up(timestamp: int) -> None:
    from jinzhi.network.partners import watching

    with scope.acting(scope.SYSTEM):
        watching.clean_up()


@app.periodic(cron="* * * * *")
@app.task(name="partners.front", queueing_lock="partners.front", lock="partners.front")
def front(timestamp: int) -> None:
    """The front-end machines: folders and bridge tables."""
    from jinzhi.network.partners import bridge, files

    files.work_off()
    bridge.work_off()
