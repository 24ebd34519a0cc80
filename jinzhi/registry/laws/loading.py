"""Loading law texts: a table of laws becomes versions with articles, pairs for the search and periods of validity."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

from django.db import connection, transaction

from jinzhi.foundation.codes import tabular
from jinzhi.registry.laws import parsing
from jinzhi.registry.laws.models import Article, Law

COLUMNS = ("title", "publish_date", "text_markdown")
Unreadable = tabular.Unreadable
_LETTERS = re.compile(r"[^0-9a-z\u3005-\u3007\u3400-\u9fff]+")


@dataclass
class Loaded:
    """`added + known + doubled + len(refused) = read`."""

    read: int = 0
    added: int = 0
    known: int = 0
    doubled: int = 0  # the same version twice in the file
    articles: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass
class Text:
    """A version as it is read."""

    title: str
    key: str
    level: str
    region: str
    published: date
    valid_from: date
    repealed: bool
    preamble: str
    articles: list[parsing.ParsedArticle]


def load(path: Path) -> Loaded:
    """Load a table of laws: title, publish_date, text_markdown; level, region, valid_from, expired_flag may be absent.

    CSV, xlsx or Parquet in any usual encoding. Versions known (the same name, published on the same day) are left
    alone. Raises Unreadable; then nothing is loaded.
    """
    try:
        return _load(path, careful=False)
    except tabular.Ragged:
        return _load(path, careful=True)


@transaction.atomic
def _load(path: Path, *, careful: bool) -> Loaded:
    result = Loaded()
    known = set(Law.objects.values_list("key", "published_on"))
    seen: set[tuple[str, date]] = set()
    texts = []
    for row in _rows(path, careful):
        result.read += 1
        found = _text(row)
        if isinstance(found, str):
            result.refused.append(f"第 {result.read + 1} 行 {row['title'][:60]}：{found}")
        elif (version := (found.key, found.published)) in seen:
            result.doubled += 1
        elif version in known:
            result.known += 1
        else:
            seen.add(version)
            texts.append(found)
    _store(texts)
    result.added, result.articles = len(texts), sum(len(t.articles) for t in texts)
    if texts:
        settle(texts)
    return result


def _rows(path: Path, careful: bool) -> Iterable[dict[str, str]]:
    with tabular.opened(path, careful=careful) as table:
        if missing := [c for c in COLUMNS if c not in table.columns]:
            raise Unreadable(f"缺少列：{'、'.join(missing)}")
        for frame in table.frames:
            named = frame.rename(dict(zip(frame.columns, table.columns, strict=True)))
            for row in named.iter_rows(named=True):
                if any(row.values()):
                    yield {column: cell or "" for column, cell in row.items()}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _text(row: dict[str, str]) -> Text | str:
    """A version, or why the row is none."""
    title = row["title"].strip()
    if not title or len(title) > 200:
        return "没有名称" if not title else "名称过长"
    preamble, articles = parsing.articles(row["text_markdown"])
    stated = row["publish_date"].strip()
    published = _day(stated) if stated else parsing.published(preamble)
    if published is None:
        return f"公布日期“{stated}”不是日期" if stated else "没有公布日期，题注中也没有"
    if not articles:
        return "没有找到条文"
    unique = {(a.number, a.suffix): a for a in reversed(articles)}  # the first of a doubled number stands
    articles = [a for a in articles if unique[a.number, a.suffix] is a]
    valid_from = _day(row.get("valid_from", "")) or parsing.starts(preamble, articles, published)
    return Text(
        title, parsing.key(title), row.get("level", "")[:40], row.get("region", "")[:40], published, valid_from,
        row.get("expired_flag", "") in ("1", "true", "True"), preamble, articles,
    )  # fmt: skip


def grams(text: str) -> str:
    """The pairs of characters of `text` as the literal of a tsvector; the last character stands alone."""
    found: set[str] = set()
    for run in _LETTERS.split(text.lower()):
        found.update(map("".join, pairwise(run)))
        found.add(run[-1:])
    found.discard("")
    return " ".join(found)


def enter(texts: list[Text]) -> None:
    """Enter versions that were read elsewhere, and settle how long each version of their laws holds."""
    _store(texts)
    settle(texts)


def _store(texts: list[Text]) -> None:
    laws = Law.objects.bulk_create(
        [
            Law(
                title=t.title, key=t.key, level=t.level, region=t.region, published_on=t.published,
                valid_from=t.valid_from, repealed=t.repealed, preamble=t.preamble,
            )
            for t in texts
        ],
        batch_size=500,
    )  # fmt: skip
    columns = "law_id, number, suffix, label, chapter, text, grams"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {Article._meta.db_table} ({columns}) FROM STDIN") as copy,
    ):
        for law, text in zip(laws, texts, strict=True):
            for a in text.articles:
                copy.write_row((law.pk, a.number, a.suffix, a.label[:30], a.chapter, a.text, grams(a.text)))


def settle(texts: list[Text]) -> None:
    """Each version ends where the next of the same law begins; then what later laws say they repeal."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE laws_law AS l SET valid_to = f.following
               FROM (SELECT id, lead(valid_from) OVER (PARTITION BY key ORDER BY valid_from, published_on) AS following
                     FROM laws_law) AS f
               WHERE f.id = l.id AND f.following IS NOT NULL AND l.valid_to IS DISTINCT FROM f.following"""
        )
        repeals = [
            (parsing.key(title), t.valid_from, t.title, t.key)
            for t in texts
            for title in parsing.repealed_titles(t.articles)
        ]
        cursor.executemany(
            """UPDATE laws_law SET valid_to = %s, repealed = true, repealed_by = %s
               WHERE key = %s AND key <> %s AND valid_to IS NULL AND valid_from < %s""",
            [(day, by[:200], key, own, day) for key, day, by, own in repeals],
        )
