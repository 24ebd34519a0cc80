"""Who relies on an article: rooms declare what they cite, an article lists what depends on it.

A room declares in its `citations.py`: `citations() -> Iterable[Citation]`. This module declares the legal
parameters of `rules/*.yaml`, whose floor knows nothing of laws.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from jinzhi.foundation import rules
from jinzhi.registry.laws import parsing

MARKS = {"verified", "seen"}


@dataclass(frozen=True)
class Citation:
    """Something that rests on an article while `valid_from` ≤ day ≤ `valid_to` (None: open)."""

    law: str  # the title as cited
    article: str  # 第三十二条第一款
    kind: str  # 规则参数, 程序环节, 期限, 文书 …
    title: str
    detail: str = ""
    url: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


def split(citation: str) -> Iterator[tuple[str, str]]:
    """(title, articles) of each law named in a citation.

    >>> list(split("《行政许可法》第三十二条、第三十三条；特种设备安全法第十条"))
    [('行政许可法', '第三十二条、第三十三条'), ('特种设备安全法', '第十条')]
    """
    for part in citation.replace(";", "；").split("；"):
        if match := parsing.CITED.search(part):
            title = part[: match.start()].strip("《》 ，,、")
            yield title, part[match.start() :].strip()


def cite(citation: str, **facts) -> Iterator[Citation]:
    """The citations that a text of one or more laws holds."""
    for title, article in split(citation):
        if title:
            yield Citation(title, article, **facts)


def citations() -> Iterator[Citation]:
    """The legal parameters and decision tables."""
    for parameter in rules.all_parameters():
        for value in parameter.values:
            facts = {"valid_from": value.valid_from, "valid_to": value.valid_to, "detail": value.shown}
            yield from cite(f"{value.law}{value.article}", kind="规则参数", title=parameter.title, **facts)
    for table in rules.all_tables():
        facts = {"valid_from": table.valid_from, "valid_to": table.valid_to}
        yield from cite(f"{table.law}{table.article}", kind="决策表", title=table.title, **facts)


def declared() -> Iterator[Citation]:
    for config in apps.get_app_configs():
        name = f"{config.name}.citations"
        if config.name.startswith("jinzhi.") and find_spec(name):
            found: Iterable[Citation] = import_module(name).citations()
            yield from found


@cache
def index() -> dict[tuple[str, int, int], tuple[Citation, ...]]:
    """(key of the law, article, suffix) -> what rests on it. What the files say is read once for each process."""
    found: dict[tuple[str, int, int], dict[Citation, None]] = {}
    for citation in declared():
        for number, suffix in parsing.cited_articles(citation.article):
            found.setdefault((parsing.key(citation.law), number, suffix), {})[citation] = None
    return {place: tuple(cited) for place, cited in found.items()}


def dependents(key: str, number: int, suffix: int = 0, on: date | None = None) -> list[Citation]:
    """What rests on an article (of a law's `key`), on a day or ever."""
    found = index().get((key, number, suffix), ())
    return [c for c in found if on is None or c.holds_on(on)]
