"""Sections of an archive: what each domain contributes, newest first, to whom.

A room declares `SECTIONS` in its `archive_sections.py`; nothing here names a room. A section reads rows of one
enterprise with the eyes of the scope in force, and says by `faces` who is asked at all: public, own (the
enterprise itself) and staff (posts that do business, `roles.READERS`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps

PUBLIC, OWN, STAFF = "public", "own", "staff"
FACES = frozenset({PUBLIC, OWN, STAFF})
SHOWN = 20


@dataclass(frozen=True)
class Row:
    """One line: what, when, who says so. `tone` colours the state (green, yellow, red, blue, grey)."""

    title: str
    date: date | str | None = None
    source: str = ""
    agency: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    state: str = ""
    tone: str = "grey"


@dataclass(frozen=True)
class Section:
    """`read(enterprise_id, face, on, limit)` newest first; `count(enterprise_id, face, on)` where there may be more.

    `of(archive, face)` instead of `read`: (rows, count) out of the archive already read, at no further query.
    """

    key: str
    title: str
    order: int
    icon: str = "list"
    faces: frozenset[str] = FACES
    read: Callable[[Any, str, date | None, int], list[Row]] | None = None
    count: Callable[[Any, str, date | None], int] | None = None
    of: Callable[[dict, str], tuple[list[Row], int]] | None = None


@dataclass(frozen=True)
class Shown:
    """A section as it stands on a page."""

    section: Section
    rows: list[Row]
    count: int


@cache
def declared() -> tuple[Section, ...]:
    """Every declared section in order; a key is declared once."""
    found: dict[str, Section] = {}
    for app in apps.get_app_configs():
        name = f"{app.name}.archive_sections"
        if app.name.startswith("jinzhi.") and find_spec(name):
            for section in import_module(name).SECTIONS:
                if section.key in found:
                    raise ValueError(f"archive section declared twice: {section.key}")
                found[section.key] = section
    return tuple(sorted(found.values(), key=lambda s: (s.order, s.key)))


def titles() -> dict[str, str]:
    return {section.key: section.title for section in declared()}


def shown(archive: dict, face: str, on: date | None = None, limit: int = SHOWN) -> list[Shown]:
    """The sections that have something for this face."""
    return [s for s in _read(archive, face, on, limit) if s.rows]


def _read(archive: dict, face: str, on: date | None, limit: int) -> Iterable[Shown]:
    for section in declared():
        if face not in section.faces:
            continue
        if section.of is not None:
            rows, count = section.of(archive, face)
        elif section.read is not None:
            rows = section.read(archive["id"], face, on, limit)
            count = len(rows) if section.count is None else section.count(archive["id"], face, on)
        else:
            continue
        yield Shown(section, rows, count)
