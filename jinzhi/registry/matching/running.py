"""A comparison from two files to its result, in a database of its own that is thrown away afterwards."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings

from jinzhi.registry.matching import deciding, engine, results, sources
from jinzhi.registry.matching.mapping import Mapping

MEMORY = "4GB"
THREADS = 2


class Stopped(Exception):
    """Somebody cancelled the comparison."""


@dataclass
class Outcome:
    """Rows of both sides, counts by kind, fields that differ in pairs, and how much each kind of evidence was worth."""

    left: int
    right: int
    counts: dict[str, int]
    changes: dict[str, int] = field(default_factory=dict)
    measured: list[deciding.Class] = field(default_factory=list)


Loader = Callable[[Any, str], int]


@contextmanager
def database(memory: str = MEMORY) -> Iterator[Any]:
    """A DuckDB file in a temporary folder; what exceeds `memory` is written beside it."""
    parent = Path(settings.VAR_DIR) / "tmp" if getattr(settings, "VAR_DIR", None) else None
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=parent) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "threads": THREADS,
            "temp_directory": folder,
            "preserve_insertion_order": False,
        }
        connection = duckdb.connect(str(Path(folder) / "compare.duckdb"), config=config)
        try:
            yield connection
        finally:
            connection.close()


def file_loader(path: Path, roles: dict[str, list[str]], name: str = "") -> Loader:
    return lambda connection, side: sources.load(connection, side, path, roles, name)


def compare(
    connection: Any, left: Loader, right: Loader, progress: engine.Progress = lambda title, done: None
) -> Outcome:
    """Load, match, classify. Afterwards the table `result` and the two sides are in `connection`."""
    progress("读取左方", 1)
    rows_left = left(connection, "left")
    progress("读取右方", 3)
    rows_right = right(connection, "right")
    measured = engine.compare(engine.DuckDB(connection), progress)
    results.build(connection)
    return Outcome(rows_left, rows_right, results.counts(connection), results.changes(connection), measured)


def compare_files(left: Path, right: Path, mapping: Mapping, out: Path, memory: str = MEMORY) -> Outcome:
    """Two files to RESULT.csv. Raises sources.BadSide with what is wrong."""
    with database(memory) as connection:
        outcome = compare(connection, file_loader(left, mapping.left), file_loader(right, mapping.right))
        results.write(connection, out)
        return outcome
