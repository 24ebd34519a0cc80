"""Law texts as they stood on a day: versions, articles, full-text search, what changed between two versions."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import F, Q
from rapidfuzz import fuzz

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.laws import loading, parsing
from jinzhi.registry.laws.loading import Loaded, Unreadable, load
from jinzhi.registry.laws.models import Article, Law

__all__ = ["Loaded", "Unreadable", "load"]

PAGE, MOST = 20, 100
AROUND = 40  # characters shown before a hit
SHOWN = 160
LIKE_TEXTS = 60  # an article of another number with this much in common is the same article
LEVELS = ("宪法", "法律", "行政法规", "部门规章", "地方性法规", "司法解释")


# -- versions


def versions(law: Law) -> list[Law]:
    """Every version held of the same law, newest first."""
    return list(Law.objects.filter(key=law.key).order_by("-valid_from", "-published_on"))


def held_on(day: date) -> Q:
    """Versions in force on a day; one repealed on an unknown day counts for days before today."""
    open_ended = Q(valid_to=None) & (Q(repealed=False) if day >= today() else Q())
    return Q(valid_from__lte=day) & (Q(valid_to__gt=day) | open_ended)


def on_day(law: Law, day: date) -> Law | None:
    """The version of the same law in force on a day."""
    return Law.objects.filter(held_on(day), key=law.key).order_by("-valid_from", "-published_on").first()


def in_force(title: str, on: date) -> Law | None:
    """The version of a law in force on that day; before the oldest held, that one (and the page says so)."""
    found = Law.objects.filter(key=parsing.key(title))
    return found.filter(valid_from__lte=on).order_by("-valid_from", "-published_on").first() or (
        found.order_by("valid_from").first()
    )


def state(law: Law, on: date) -> tuple[str, str]:
    """(state, the word for it) of a version on a day."""
    if law.valid_from > on:
        return "future", "尚未施行"
    if law.valid_to and law.valid_to <= on:
        return ("repealed", "已废止") if law.repealed_by else ("superseded", "已被新文本取代")
    if law.repealed and not law.valid_to:
        return "repealed_unknown", "已失效，失效日期未载明"
    return "in_force", "现行有效" if on >= today() else "当日有效"


def find(key: str) -> Law | None:
    """A law by the number of one of its versions or by its name."""
    text = key.strip()
    if text.isascii() and text.isdigit():
        return Law.objects.filter(pk=int(text)).first() if len(text) < 18 else None
    return Law.objects.filter(key=parsing.key(text)).order_by("-valid_from").first()


def cited(law: Law, citation: str) -> list[Article]:
    """The articles a citation names, in its order."""
    wanted = parsing.cited_articles(citation)
    found = {(a.number, a.suffix): a for a in law.articles.filter(number__in=[n for n, _ in wanted])}
    return [found[w] for w in wanted if w in found]


def article(law: Law, number: int, suffix: int = 0) -> Article | None:
    return law.articles.filter(number=number, suffix=suffix).first()


# -- search


@dataclass
class Hit:
    """A law whose name fits, or an article whose text does; `marks` are the ranges of `snippet` to be marked."""

    law: Law
    article: Article | None
    snippet: str
    marks: list[tuple[int, int]] = field(default_factory=list)

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The snippet cut into marked and plain pieces."""
        found, at = [], 0
        for start, end in self.marks:
            found += [(self.snippet[at:start], False), (self.snippet[start:end], True)]
            at = end
        return [piece for piece in [*found, (self.snippet[at:], False)] if piece[0]]


@dataclass
class Found:
    hits: list[Hit]
    more: bool = False


def words_of(q: str) -> list[str]:
    """The words looked for: as typed, without book marks; each must be found."""
    return list(
        dict.fromkeys(w for w in q.replace("《", " ").replace("》", " ").split() if loading.grams(w))
    )[:8]


def search(q: str, on: date | None = None, *, limit: int = PAGE, after: int = 0) -> Found:
    """Laws by name and articles by text, in force on `on` (default today), names first, then the higher law.

    `after`: how many hits came before.
    """
    day, words = on or today(), words_of(q)
    if not words:
        return Found([])
    limit = max(1, min(limit, MOST))
    titles = [Hit(law, None, law.title, marks_in(law.title, words)) for law in _titles(q, words, day)]
    hits = titles[after : after + limit + 1]
    if len(hits) <= limit:
        hits += _articles(words, day, limit + 1 - len(hits), max(0, after - len(titles)))
    return Found(hits[:limit], more=len(hits) > limit)


def _titles(q: str, words: list[str], day: date) -> list[Law]:
    fits = Q()
    for word in words:
        fits &= Q(title__icontains=word)
    found = Law.objects.filter(fits | Q(key=parsing.key(q)), held_on(day)).defer("preamble")
    order = {level: n for n, level in enumerate(LEVELS)}
    return sorted(
        found, key=lambda law: (law.key != parsing.key(q), order.get(law.level, 9), len(law.title), law.pk)
    )[:50]


_ORDER = "array_position(ARRAY[{}]::text[], l.level)".format(",".join(f"'{level}'" for level in LEVELS))


def _articles(words: list[str], day: date, limit: int, after: int) -> list[Hit]:
    """Articles that hold every word: by the index of pairs, proven on the text itself."""
    pairs = " & ".join(
        f"{gram}:*" if len(gram) == 1 else gram
        for word in words
        for gram in loading.grams(word).split()
        if len(gram) == 2 or len(word) == 1
    )
    if not pairs:
        return []
    contains = " AND ".join(["strpos(lower(a.text), %s) > 0"] * len(words))
    sql = f"""SELECT a.id FROM laws_article AS a JOIN laws_law AS l ON l.id = a.law_id
        WHERE a.grams @@ %s::tsquery AND {contains} AND l.valid_from <= %s
          AND (l.valid_to > %s OR l.valid_to IS NULL AND (NOT l.repealed OR %s))
        ORDER BY {_ORDER} NULLS LAST, l.published_on DESC, l.id, a.number, a.suffix
        LIMIT %s OFFSET %s"""  # noqa: S608  the words are parameters
    lower = [w.lower() for w in words]
    with connection.cursor() as cursor:
        cursor.execute(sql, [pairs, *lower, day, day, day < today(), limit, after])
        keys = [row[0] for row in cursor.fetchall()]
    found = Article.objects.select_related("law").defer("law__preamble").in_bulk(keys)
    return [_hit(found[key], words) for key in keys]


def _hit(found: Article, words: list[str]) -> Hit:
    text = found.text.replace("\n", " ")
    first = min((at for w in words if (at := text.lower().find(w.lower())) >= 0), default=0)
    start = max(0, first - AROUND)
    snippet = (
        ("…" if start else "") + text[start : start + SHOWN] + ("…" if start + SHOWN < len(text) else "")
    )
    return Hit(found.law, found, snippet, marks_in(snippet, words))


def marks_in(text: str, words: Iterable[str]) -> list[tuple[int, int]]:
    """Where the words stand, overlapping ranges joined."""
    lower, found = text.lower(), []
    if len(lower) != len(text):  # a letter whose small form is longer: ranges would not fit
        return []
    for word in words:
        at = lower.find(word.lower())
        while at >= 0:
            found.append((at, at + len(word)))
            at = lower.find(word.lower(), at + 1)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


# -- what changed


@dataclass
class Change:
    """An article beside the one it was: `kind` is same, renumbered, changed, added or removed."""

    kind: str
    old: Article | None
    new: Article | None

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """(same | added | removed, text): the old and the new text in one."""
        old, new = self.old.text if self.old else "", self.new.text if self.new else ""
        found = []
        for op, a1, a2, b1, b2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if op == "equal":
                found.append(("same", old[a1:a2]))
                continue
            found += [("removed", old[a1:a2])] * (a2 > a1) + [("added", new[b1:b2])] * (b2 > b1)
        return found


KINDS = {"changed": "修改", "renumbered": "只变条号", "added": "新增", "removed": "删去", "same": "未变"}


def compare(old: Law, new: Law) -> list[Change]:
    """Each article of two versions beside its counterpart: the same text, else the same number, else the most like."""
    before, after = list(old.articles.all()), list(new.articles.all())
    pairs: dict[int, Article] = {}  # id of the new article -> the old one
    left = {a.pk: a for a in before}
    for fits in (_same_text, _same_number, _alike):
        for a in after:
            if a.pk not in pairs and (was := fits(a, left)):
                pairs[a.pk] = left.pop(was.pk)
    changes = [Change(_kind(pairs.get(a.pk), a), pairs.get(a.pk), a) for a in after]
    changes += [Change("removed", a, None) for a in left.values()]
    return sorted(changes, key=lambda c: _place(c.new or c.old))


def _same_text(a: Article, left: dict[int, Article]) -> Article | None:
    same = [b for b in left.values() if b.text == a.text]
    return min(same, key=lambda b: abs(b.number - a.number), default=None)


def _same_number(a: Article, left: dict[int, Article]) -> Article | None:
    return next(
        (b for b in left.values() if _place(b) == _place(a) and fuzz.ratio(a.text, b.text) >= LIKE_TEXTS),
        None,
    )


def _alike(a: Article, left: dict[int, Article]) -> Article | None:
    scored = [(fuzz.ratio(a.text, b.text), -abs(b.number - a.number), b) for b in left.values()]
    best = max(scored, key=lambda s: s[:2], default=None)
    return best[2] if best and best[0] >= LIKE_TEXTS else None


def _kind(was: Article | None, now: Article) -> str:
    if was is None:
        return "added"
    if was.text != now.text:
        return "changed"
    return "same" if _place(was) == _place(now) else "renumbered"


def _place(a: Article | None) -> tuple[int, int]:
    return (a.number, a.suffix) if a else (0, 0)


def through_versions(law: Law, number: int, suffix: int) -> list[tuple[Law, Article | None]]:
    """An article under this number in each version, newest first."""
    held = versions(law)
    found = {
        a.law_id: a
        for a in Article.objects.filter(law__in=held, number=number, suffix=suffix).select_related("law")
    }
    return [(one, found.get(one.pk)) for one in held]


def overview() -> list[tuple[str, int]]:
    """(level, number of laws in force today), in the order of their rank."""
    counts: dict[str, int] = {}
    for level in Law.objects.filter(held_on(today())).order_by().values_list(F("level"), flat=True):
        counts[level or "其他"] = counts.get(level or "其他", 0) + 1
    return sorted(counts.items(), key=lambda c: LEVELS.index(c[0]) if c[0] in LEVELS else 9)
