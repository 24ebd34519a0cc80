"""What the measurements share: a database of their own, timing and CPU in one run, one way to print a line."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections

from jinzhi.foundation.places import scope
from jinzhi.runtime import locations, testing

NAME = "jinzhi_bench"
LARGE = {"shared_buffers": "2GB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB", "work_mem": "64MB"}
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def database(*, large: bool = False) -> Iterator[None]:
    """Django on a fresh clone of the template, as the runtime role, in the system's scope.

    `large` gives it a server with memory of its own instead of the tests' one.
    """
    if large:
        testing.VAR = locations.ROOT / "var" / "bench"
        testing.SETTINGS = testing.SETTINGS | LARGE
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


def superuser() -> psycopg.Connection:
    """For filling tables set by set: the owner's rules and row security do not apply."""
    return testing.server().connect(NAME)


def analyzed() -> None:
    """Statistics for the planner, as the owner: the runtime role may not analyze what it does not own."""
    with superuser() as owner:
        owner.execute("ANALYZE")


def times(action: Callable[[], object], count: int = 60) -> list[float]:
    """Wall seconds of each of `count` calls after five that do not count."""
    for _ in range(5):
        action()
    found = []
    for _ in range(count):
        began = time.perf_counter()
        action()
        found.append(time.perf_counter() - began)
    return sorted(found)


def median(action: Callable[[], object], count: int = 60) -> float:
    """Median wall seconds of `action`."""
    return statistics.median(times(action, count))


def percentile(found: list[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]


def backend_cpu(pid: int) -> float:
    """CPU seconds that the database has spent for one connection."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu(action: Callable[[int], object], count: int) -> tuple[float, float]:
    """(own, database's) CPU seconds of one of `count` calls action(n) on the default connection."""
    connections["default"].ensure_connection()
    pid = connections["default"].connection.info.backend_pid
    began = time.process_time(), backend_cpu(pid)
    for number in range(count):
        action(number)
    return (time.process_time() - began[0]) / count, (backend_cpu(pid) - began[1]) / count


def line(name: str, what: str, seconds: float, base: float) -> None:
    print(f"{name} | {what} | {seconds * 1000:.2f} ms | {seconds / base:.1f}x", flush=True)
