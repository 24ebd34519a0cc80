"""Loading law texts and finding the text behind a citation on a day."""

import csv
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import transaction

from jinzhi.registry.laws import parsing
from jinzhi.registry.laws.models import Article, Law

COLUMNS = ("title", "publish_date", "text_markdown")


class Unreadable(Exception):
    """The file is not a table of laws."""


@dataclass
class Loaded:
    added: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)


@contextmanager
def _long_cells() -> Iterator[None]:
    """The text of a law is one cell; the limit of other imports in this process comes back afterwards."""
    former = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(former)


def _rows(path: Path):
    opener = gzip.open if path.suffix == ".gz" else open
    with _long_cells(), opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
            raise Unreadable(f"缺少列：{'、'.join(missing)}")
        yield from enumerate(reader, start=2)


@transaction.atomic
def load(path: Path) -> Loaded:
    """Load a CSV of laws (title, publish_date, valid_from, level, text_markdown). Versions known are kept."""
    result = Loaded()
    have = set(Law.objects.values_list("key", "published_on"))
    for line, row in _rows(path):
        try:
            published = date.fromisoformat(row["publish_date"])
        except ValueError:
            result.refused.append(f"第 {line} 行 {row['title']}：公布日期“{row['publish_date']}”不是日期")
            continue
        key = parsing.key(row["title"])
        if (key, published) in have:
            result.known += 1
            continue
        preamble, articles = parsing.articles(row["text_markdown"])
        if not articles:
            result.refused.append(f"第 {line} 行 {row['title']}：没有找到条文")
            continue
        have.add((key, published))
        _store(row, key, published, preamble, articles)
        result.added += 1
    return result


def _store(row: dict, key: str, published: date, preamble: str, articles: list) -> None:
    try:
        valid_from = date.fromisoformat(row.get("valid_from") or "")
    except ValueError:
        valid_from = published
    law = Law.objects.create(
        title=row["title"], key=key, level=row.get("level", ""), published_on=published,
        valid_from=valid_from, preamble=preamble,
    )  # fmt: skip
    unique = {(a.number, a.suffix): a for a in reversed(articles)}  # the first of a doubled number stands
    Article.objects.bulk_create(
        Article(law=law, number=a.number, suffix=a.suffix, label=a.label, chapter=a.chapter, text=a.text)
        for a in unique.values()
    )


def in_force(title: str, on: date) -> Law | None:
    """The version of a law in force on that day; before the oldest held, that one (and the page says so)."""
    versions = Law.objects.filter(key=parsing.key(title))
    return versions.filter(valid_from__lte=on).order_by("-valid_from", "-published_on").first() or (
        versions.order_by("valid_from").first()
    )


def cited(law: Law, citation: str) -> list[Article]:
    """The articles a citation names, in its order."""
    wanted = parsing.cited_articles(citation)
    found = {(a.number, a.suffix): a for a in law.articles.filter(number__in=[n for n, _ in wanted])}
    return [found[w] for w in wanted if w in found]
