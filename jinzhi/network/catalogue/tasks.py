"""The catalogue's nightly work."""

from procrastinate.contrib.django import app

from jinzhi.foundation.places import scope


@app.periodic(cron="50 17 * * *")  # UTC: ten to two in China
@app.task(name="catalogue.nightly", queueing_lock="catalogue.nightly")
def nightly(timestamp: int) -> None:
    """Grants that ended, doubts that were settled elsewhere, quality of each dataset."""
    from jinzhi.network.catalogue import challenging, holding, measuring, requesting

    with scope.acting(scope.SYSTEM):
        requesting.expire()
        challenging.settle_corrected()
        measuring.measure_all()
        holding.forget()


@app.periodic(cron="*/5 * * * *")
@app.task(name="catalogue.held", queueing_lock="catalogue.held")
def held(timestamp: int) -> None:
    """The second look at receivers to whom sending went on."""
    from jinzhi.network.catalogue import holding

    holding.finish()
