"""Background work of comparisons. Every process loads this; only a worker that compares loads the engine."""

from procrastinate.contrib.django import app


@app.task(name="registry.compare", queue="comparing")
def compare(comparison_id: str, place: int) -> None:
    """Sees what the officials of the place see."""
    from jinzhi.registry.matching import working

    working.work(comparison_id, place)
