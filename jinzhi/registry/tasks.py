"""Background work of the register. Every process loads this; only a worker that imports loads the libraries for it."""

from procrastinate.contrib.django import app

from jinzhi.registry import identity


@app.task(name="registry.import", queue="imports")
def import_batch(batch: str) -> None:
    """A queued batch; what is wrong with its file stands in the batch."""
    from jinzhi.registry.importing import jobs

    jobs.import_batch(batch)


@app.periodic(cron="45 * * * *")
@app.task(name="registry.gather")
def gather_links(timestamp: int) -> None:
    """What was entered for a row while it was being merged goes to the survivor."""
    identity.gather()
