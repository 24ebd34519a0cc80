"""`/api/v1/laws…`: laws by words, articles as they stood on a day, who depends on them, what changed. Public."""

from datetime import date
from typing import Annotated

from django.http import Http404
from ninja import Path, Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.laws import citations, parsing, services
from jinzhi.registry.laws.models import Article, Law

PREFIX = "/laws"
router = Router(tags=["法规"])


class LawHead(Schema):
    """A version of a law; `id` is what the other operations take."""

    id: int
    title: str
    level: str
    region: str
    published_on: date
    valid_from: date
    valid_to: date | None
    state: str
    state_name: str
    repealed_by: str


class ArticleHead(Schema):
    n: str
    label: str
    chapter: str
    anchor: str


class LawHit(Schema):
    """`marks`: ranges of `snippet` (start, end) in which the words stand."""

    matched: str
    law: LawHead
    article: ArticleHead | None
    snippet: str
    marks: list[list[int]]


class LawHits(Schema):
    on: date
    results: list[LawHit]
    next: int | None


class Paragraph(Schema):
    anchor: str
    paragraph: int
    item: int
    text: str


class Dependent(Schema):
    kind: str
    title: str
    detail: str
    article: str
    url: str
    valid_from: date | None
    valid_to: date | None


class OtherVersion(Schema):
    law: LawHead
    text: str | None
    same: bool


class ArticleAnswer(Schema):
    on: date
    law: LawHead
    article: ArticleHead
    text: str
    paragraphs: list[Paragraph]
    dependents: list[Dependent]
    versions: list[OtherVersion]


class LawAnswer(Schema):
    on: date
    law: LawHead
    preamble: str
    articles: list[ArticleHead]
    versions: list[LawHead]


class Changed(Schema):
    kind: str
    kind_name: str
    old: ArticleHead | None
    new: ArticleHead | None
    old_text: str | None
    new_text: str | None
    dependents: list[Dependent]


class Changes(Schema):
    old: LawHead
    new: LawHead
    changes: list[Changed]


On = Annotated[str, Query(max_length=20, description="哪一天施行的文本（年-月-日），缺省为今天")]
Key = Annotated[str, Path(max_length=200, description="编号，或者法规名称")]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else today()
    except ValueError:
        raise HttpError(422, f"日期 on 应写作 2015-10-01，现为“{text}”") from None


def _law(key: str) -> Law:
    found = services.find(key.replace("\0", ""))
    if found is None:
        raise Http404(f"法规库中没有“{key[:60]}”。")
    return found


def _on_day(law: Law, day: date) -> Law:
    found = services.on_day(law, day)
    if found is None:
        first = min(v.valid_from for v in services.versions(law))
        why = f"库中最早的文本自 {first} 起施行" if day < first else "最后的文本已失效"
        raise Http404(f"没有收录《{law.title}》在 {day} 施行的文本：{why}。")
    return found


def head(law: Law, on: date) -> dict:
    state, word = services.state(law, on)
    return {
        "id": law.pk, "title": law.title, "level": law.level, "region": law.region,
        "published_on": law.published_on, "valid_from": law.valid_from, "valid_to": law.valid_to,
        "state": state, "state_name": word, "repealed_by": law.repealed_by,
    }  # fmt: skip


def article_head(a: Article | None) -> dict | None:
    if a is None:
        return None
    n = f"{a.number}-{a.suffix}" if a.suffix else str(a.number)
    return {"n": n, "label": a.label, "chapter": a.chapter, "anchor": parsing.anchor(a.number, a.suffix)}


@router.get("", response=LawHits, summary="按名称和条文检索法规")
def search(
    request,
    q: Annotated[str, Query(max_length=200, description="一个或几个词，空格隔开")],
    on: On = "",
    limit: Annotated[int, Query(ge=1, le=services.MOST)] = services.PAGE,
    after: Annotated[int, Query(ge=0, le=10_000, description="上一页的 next")] = 0,
):
    """Laws by name, then articles by text, in force on a day."""
    day = _day(on)
    found = services.search(q.replace("\0", ""), day, limit=limit, after=after)
    results = [
        {
            "matched": "article" if h.article else "title",
            "law": head(h.law, day),
            "article": article_head(h.article),
            "snippet": h.snippet,
            "marks": [list(mark) for mark in h.marks],
        }
        for h in found.hits
    ]
    return {"on": day, "results": results, "next": after + limit if found.more else None}


@router.get("/{id}", response=LawAnswer, summary="一部法规：某日施行的版本、目录和各个版本")
def law(request, id: Key, on: On = ""):
    """The version in force on a day, its articles, and every version held."""
    day = _day(on)
    found = _law(id)
    held = _on_day(found, day)
    return {
        "on": day,
        "law": head(held, day),
        "preamble": held.preamble,
        "articles": [article_head(a) for a in held.articles.defer("text")],
        "versions": [head(v, day) for v in services.versions(held)],
    }


@router.get("/{id}/articles/{n}", response=ArticleAnswer, summary="某日施行的一条")
def article(
    request,
    id: Key,
    n: Annotated[str, Path(max_length=40, description="条号：32，16-1 为第十六条之一，也可以写第三十二条")],
    on: On = "",
):
    """An article as it stood on a day, with its paragraphs, what rests on it, and its text in other versions."""
    day = _day(on)
    place = parsing.article_number(n.replace("\0", ""))
    if place is None:
        raise HttpError(422, f"条号应写作 32、16-1 或第三十二条，现为“{n}”")
    held = _on_day(_law(id), day)
    found = services.article(held, *place)
    if found is None:
        raise Http404(f"《{held.title}》（{held.published_on} 公布）没有这一条：{n}。")
    versions = [
        {"law": head(v, day), "text": a.text if a else None, "same": bool(a and a.text == found.text)}
        for v, a in services.through_versions(held, *place)
    ]
    return {
        "on": day,
        "law": head(held, day),
        "article": article_head(found),
        "text": found.text,
        "paragraphs": [vars(p) for p in parsing.paragraphs(found.number, found.suffix, found.text)],
        "dependents": [vars(c) for c in citations.dependents(held.key, *place, on=day)],
        "versions": versions,
    }


@router.get("/{id}/changes", response=Changes, summary="两个版本之间逐条的变化")
def changes(
    request,
    id: Key,
    since: Annotated[str, Query(max_length=20, description="与哪一天施行的文本比较")],
    on: On = "",
):
    """What changed from the version of `since` to that of `on`, and what rests on the articles concerned."""
    day, former = _day(on), _day(since)
    found = _law(id)
    old, new = _on_day(found, former), _on_day(found, day)
    rows = [
        {
            "kind": c.kind,
            "kind_name": services.KINDS[c.kind],
            "old": article_head(c.old),
            "new": article_head(c.new),
            "old_text": c.old.text if c.old else None,
            "new_text": c.new.text if c.new else None,
            "dependents": [vars(d) for d in concerned(old, c)],
        }
        for c in services.compare(old, new)
        if c.kind != "same"
    ]
    return {"old": head(old, former), "new": head(new, day), "changes": rows}


def concerned(law: Law, change: services.Change) -> list[citations.Citation]:
    """What rests on the former or the present article of a change."""
    found: dict[citations.Citation, None] = {}
    for a in (change.old, change.new):
        if a is not None:
            found |= dict.fromkeys(citations.dependents(law.key, a.number, a.suffix))
    return list(found)
