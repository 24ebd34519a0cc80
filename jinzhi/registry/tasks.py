"""Background work of the register, for the worker to find."""

from procrastinate.contrib.django import app

from jinzhi.registry import identity
from jinzhi.registry.importing.jobs import import_batch

__all__ = ["gather_links", "import_batch"]


@app.periodic(cron="45 * * * *")
@app.task(name="registry.gather")
def gather_links(timestamp: int) -> None:
    """What was entered for a row while it was being merged goes to the survivor."""
    identity.gather()
