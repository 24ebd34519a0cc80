"""Finding enterprises by whatever people know of them."""

from contextlib import nullcontext
from dataclasses import dataclass

from jinzhi.foundation.places import scope as scopes
from jinzhi.registry import queries
from jinzhi.registry.searching import statements
from jinzhi.registry.written import as_uuid, clean, code_parameters

PAGE = 20
MOST = 100
PROVINCE = 10_000_000_000  # places in a province's range
_LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

RANKS = {0: "代码或编号一致", 1: "名称一致", 2: "名称开头相同", 3: "名称中包含"}


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

    Seen with the eyes of `within`, else of the scope in force. `after` is `Found.after` of the page before.
    """
    q = clean(q)
    if not q:
        return Found([])
    rank, _, last = after.partition(".")
    parameters = code_parameters(q) | {
        "q": q,
        "rank": int(rank) if rank in {"0", "1", "2", "3"} else -1,
        "last": as_uuid(last) if last else _LAST_ID,
        "limit": max(1, min(limit, MOST)) + 1,
    }
    with scopes.acting(within) if within else nullcontext():
        narrow = _is_narrow(scopes.current())
        found = queries.rows(statements.search_beginnings(narrow), parameters, prepare=False)
        if wanted := parameters["limit"] - len(found):
            parts = statements.search_parts(narrow)
            found += queries.rows(parts, parameters | {"limit": wanted}, prepare=False)
    hits = [Hit(*row) for row in found[: parameters["limit"] - 1]]
    more = len(found) == parameters["limit"]
    return Found(hits, f"{hits[-1].rank}.{hits[-1].id}" if more else "")


def _is_narrow(eyes: scopes.Scope) -> bool:
    """Whether these eyes see a city or less."""
    return eyes.face == "enterprise" or (eyes.face == "staff" and eyes.hi - eyes.lo < PROVINCE - 1)
