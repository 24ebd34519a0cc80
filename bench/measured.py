"""What the measurements share: a database of their own on the test server, and timing in one run."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

from jinzhi.foundation.places import scope
from jinzhi.runtime import testing

NAME = "jinzhi_bench"


@contextmanager
def database() -> Iterator[None]:
    """Django on a fresh clone of the template, as the runtime role, in the system's scope."""
    use = testing.Use()
    cluster = use.take()
    testing.clone(cluster, testing.template(cluster), NAME)
    place = {"NAME": NAME, "HOST": str(cluster.sockets), "PORT": "5432", "USER": testing.locations.APP_ROLE}
    connections["default"].settings_dict.update(place)
    try:
        with scope.acting(scope.SYSTEM):
            yield
    finally:
        connections.close_all()
        testing.drop(cluster, NAME)
        use.give_back()


def analyzed() -> None:
    """Statistics for the planner, as the owner: the runtime role may not analyze what it does not own."""
    place = connections["default"].settings_dict
    with psycopg.connect(
        host=place["HOST"], port=5432, dbname=NAME, user=testing.locations.OWNER_ROLE, autocommit=True
    ) as owner:
        owner.execute("ANALYZE")


def median(action: Callable[[], object], times: int = 60) -> float:
    """Median wall seconds of `action` after five calls that do not count."""
    for _ in range(5):
        action()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def line(name: str, what: str, seconds: float, base: float) -> None:
    print(f"{name} | {what} | {seconds * 1000:.2f} ms | {seconds / base:.1f}x", flush=True)
