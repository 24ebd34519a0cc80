"""Finding enterprises by whatever people know of them."""

from contextlib import nullcontext
from dataclasses import dataclass

from jinzhi.foundation.places import scope as scopes
from jinzhi.registry import pinyin, queries
from jinzhi.registry.searching import similar, statements
from jinzhi.registry.written import as_uuid, clean, code_parameters

PAGE = 20
MOST = 100
PROVINCE = 10_000_000_000  # places in a province's range
_LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

RARE = 0.0003  # share of all names below which those of other places may be fetched too
FAR = 20_000  # names looked at one by one for a common fragment
LIKE_SHOWN = 10  # names that only resemble what was typed

RANKS = {
    0: "代码或编号一致",
    1: "名称一致",
    2: "名称开头相同",
    3: "名称中包含",
    4: "曾用名或其他来源的名称",
    5: "拼音首字母相符",
    6: "名称相近，是不是要找",
}


@dataclass(frozen=True)
class Hit:
    """One line of a search's answer."""

    rank: int
    id: str
    uscc: str
    org_code: str
    name: str
    status: str
    status_name: str
    place: int
    place_name: str
    is_demo: bool
    note: str = ""  # the former name it was found by

    @property
    def link(self) -> str:
        """What stands in the address of its page: a code where it has one."""
        return self.uscc or self.org_code or self.id


@dataclass(frozen=True)
class Found:
    """Hits in order, and where the next page begins (empty on the last page)."""

    hits: list[Hit]
    after: str = ""


def search(q: str, limit: int = PAGE, *, after: str = "", within: scopes.Scope | None = None) -> Found:
    """Enterprises by either code, any number of theirs, or a fragment of the name (one character is enough).

    Where that does not fill the first page: by words in any order, former names, pinyin initials, and names that
    nearly agree. Seen with the eyes of `within`, else of the scope in force. `after` is `Found.after` of the page
    before.
    """
    q = clean(q)
    if not q:
        return Found([])
    limit = max(1, min(limit, MOST))
    with scopes.acting(within) if within else nullcontext():
        narrow = _is_narrow(scopes.current())
        found = _ranked(q, limit + 1, narrow, after)
        hits = found[:limit]
        more = len(found) > limit
        if not more and not after:
            hits += _further(q, hits, limit)
    return Found(hits, _cursor(hits[-1]) if more else "")


def _cursor(hit: Hit) -> str:
    return f"{hit.rank}.{hit.place}.{hit.id}"


def _ranked(q: str, limit: int, narrow: bool, after: str) -> list[Hit]:
    """Hits of rank 0 to 3 after the row where the former page ended."""
    said = after.split(".") if after.count(".") == 2 else ["", "", ""]
    start = int(said[0]) if said[0] in {"0", "1", "2", "3"} else -1
    begin = {"place": -1, "last": _LAST_ID}
    row = (
        {"place": int(said[1]) if said[1].isdecimal() else -1, "last": as_uuid(said[2])}
        if start >= 0
        else begin
    )
    parameters = code_parameters(q) | {"q": q, "rank": start, "limit": limit}
    found = _rows(statements.search_exact(narrow), parameters | row) if start < 2 else []
    plain = similar.plain(q)
    for rank in (2, 3):
        if plain and rank >= start and len(found) < limit:
            rest = parameters | (row if rank == start else begin) | {"limit": limit - len(found)}
            found += _holding(rank, plain, narrow, rest)
    return found


def _holding(rank: int, plain: str, narrow: bool, parameters: dict) -> list[Hit]:
    """Names that begin with (2) or hold (3) the fragment: by walking if it is common, else by an index."""
    lexemes = similar.pairs(plain) or [plain]
    beginnings = [f"^{plain[:2]}"] if rank == 2 else []
    if similar.is_common(beginnings + lexemes):
        found = _rows(statements.search_walking(rank, narrow), parameters | {"far": FAR})
        if len(found) == parameters["limit"]:
            return found
    asked = beginnings + similar.rarest(lexemes) if len(plain) > 1 else beginnings
    wanted = _inside(similar.together(asked) or f"'{plain}':*", similar.share(beginnings + lexemes))
    by_pairs = rank == 3 or (narrow and similar.is_common(beginnings))
    return _rows(statements.search_indexed(rank, narrow, by_pairs), parameters | {"tsquery": wanted})


def _inside(tsquery: str, share: float) -> str:
    """The question narrowed to the county, or the city, that holds everything these eyes see.

    Not where it is rare anyway: looking at a few hundred rows is quicker than going through a city's million.
    """
    eyes = scopes.current()
    if share < RARE or eyes.face != "staff" or not _is_narrow(eyes):
        return tsquery
    place = eyes.lo // 1_000_000
    return f"({tsquery}) & '@{place // 100 if eyes.hi // 1_000_000 != place else place}'"


def _some(column: str, fragments: list[str], rank: int, limit: int) -> list[Hit]:
    """The first hits for fragments that are all common."""
    narrow = _is_narrow(scopes.current())
    patterns = [f"%{fragment}%" for fragment in fragments]
    start = {"place": -1, "last": _LAST_ID, "rank": rank, "limit": limit, "far": FAR, "patterns": patterns}
    return _rows(statements.search_some(column, narrow), start)


def _rows(statement: str, parameters: dict) -> list[Hit]:
    return [Hit(*row) for row in queries.rows(statement, parameters, prepare=False)]


def _further(q: str, hits: list[Hit], limit: int) -> list[Hit]:
    """What else may be meant, as long as the page has room; nothing once a code or a whole name was hit."""
    if any(hit.rank <= 1 for hit in hits):
        return []
    seen = {hit.id for hit in hits}
    more: list[Hit] = []
    for way in (_by_words, _by_former_name, _by_initials, _by_likeness):
        if way is _by_likeness and (hits or more):
            break  # the word itself was found: nobody asked for others like it
        for hit in way(q, limit):
            if hit.id not in seen and len(hits) + len(more) < limit:
                seen.add(hit.id)
                more.append(hit)
    return more


def _by_words(q: str, limit: int) -> list[Hit]:
    """Words with spaces between, each somewhere in the name."""
    words = [w for w in map(similar.plain, q.split()) if w]
    if len(words) < 2 or all(len(w) < 2 for w in words):
        return []
    lexemes = [lexeme for word in words for lexeme in similar.pairs(word)]
    hits = _some("name_plain", words, 3, limit) if similar.is_common(lexemes) else []
    if not hits:
        found = _fitting(
            similar.together(similar.rarest(lexemes)), 3, similar.CANDIDATES, similar.share(lexemes)
        )
        hits = [hit for hit in found if all(w in similar.plain(hit.name) for w in words)]
    return sorted(hits, key=lambda hit: len(hit.name))


def _by_former_name(q: str, limit: int) -> list[Hit]:
    return _rows(statements.search_former(), {"q": q, "rank": 4, "limit": limit})


def _by_initials(q: str, limit: int) -> list[Hit]:
    """Typed in Latin letters: those first whose name, or the part after its place, begins so."""
    letters = similar.plain(q)
    if len(letters) < 2 or not letters.isascii() or letters.isdigit():
        return []
    hits = (
        _some("initials", [letters], 5, similar.CANDIDATES)
        if similar.is_common(similar.threes(letters))
        else []
    )
    if not hits:
        wanted = _inside(similar.initials_query(letters), similar.share(similar.threes(letters)))
        parameters = {"tsquery": wanted, "letters": letters, "rank": 5, "limit": similar.CANDIDATES}
        hits = _rows(statements.search_initials(), parameters)
    return sorted(hits, key=lambda hit: (pinyin.initials(hit.name).find(letters), len(hit.name), hit.id))


def _by_likeness(q: str, limit: int) -> list[Hit]:
    """Names that nearly agree, or are read alike, the most alike first.

    Asked with all that was typed; where that leads nowhere, with what is left without region and form.
    """
    typed = similar.simplified(q)
    whole, core = similar.plain(typed), similar.essence(typed)
    for wanted in dict.fromkeys((whole, core)):
        if len(wanted) < similar.SHORTEST or wanted.isdigit():
            continue
        hits: dict[str, Hit] = {}
        for tsquery, share in similar.questions(wanted):
            hits |= {hit.id: hit for hit in _fitting(tsquery, 6, similar.CANDIDATES, share)}
        measured = [
            (similar.likeness(whole, h.name), similar.likeness(wanted, h.name), h) for h in hits.values()
        ]
        alike = [m for m in measured if m[1] >= similar.ALIKE]
        if alike:
            alike.sort(key=lambda m: (-m[0], -m[1], len(m[2].name), m[2].id))
            return [hit for _, _, hit in alike[:LIKE_SHOWN]]
    return []


def _fitting(tsquery: str, rank: int, limit: int, share: float) -> list[Hit]:
    if not tsquery:
        return []
    return _rows(
        statements.search_lexemes(), {"tsquery": _inside(tsquery, share), "rank": rank, "limit": limit}
    )


def certificates(q: str, limit: int) -> list[tuple[str, str]]:
    """(number, holder) of certificates whose number begins so, in any width, case or grouping."""
    q = clean(q)
    if len(q) < 3:
        return []
    return queries.rows(statements.search_numbers(), {"q": q, "limit": limit}, prepare=False)


def _is_narrow(eyes: scopes.Scope) -> bool:
    """Whether these eyes see a city or less."""
    return eyes.face == "enterprise" or (eyes.face == "staff" and eyes.hi - eyes.lo < PROVINCE - 1)
