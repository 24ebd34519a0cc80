# ruff: noqa: S608  statements are put together from constants of this file; values are bound
"""The SQL of searching for enterprises, stage by stage; what it reads is indexed in `search_schema.py`."""

from functools import cache

from jinzhi.registry.models import Enterprise
from jinzhi.registry.queries import BY_ORG, place_name, words

_HIT = "id, uscc, org_code, name, status, place, is_demo"


def _stage(rank: int, condition: str, narrow: bool) -> str:
    """`narrow`: for eyes that see a small part of the rows, sort what the conditions find.

    Otherwise the newest rows are gone through until enough fit, which ends soon for a common word. A word
    common elsewhere (another city's name) would send a city's official through the whole table.
    """
    order = "id::text" if narrow else "id"
    return f"""(SELECT {rank} AS rank, {_HIT} FROM registry_enterprise
        WHERE {condition} AND (%(rank)s < {rank} OR (%(rank)s = {rank} AND id < %(last)s::uuid))
        ORDER BY {order} DESC LIMIT %(limit)s)"""


def _listed(stages: list[str]) -> str:
    return f"""SELECT h.rank, h.id::text, h.uscc, h.org_code, h.name, h.status,
            {words("h.status", Enterprise.Status.choices)}, h.place, {place_name("h.place")}, h.is_demo
        FROM ({" UNION ALL ".join(stages)}) AS h ORDER BY h.rank, h.id DESC LIMIT %(limit)s"""


# The plain form of a name holds letters and figures only, so no wildcard of LIKE.
_PLAIN = "registry_plain(%(q)s)"
_BEGINS = f"name_plain LIKE {_PLAIN} || '%%'"


@cache
def search_beginnings(narrow: bool) -> str:
    """Enterprises by code (rank 0), whole name (1), beginning of the name (2); newest first in each rank.

    Parameters of both searches: q, code, org, rank and last (where the former page ended), limit.
    """
    by_code = (
        "id IN (SELECT id FROM registry_enterprise WHERE uscc = %(code)s AND NOT uscc = ''"
        f" UNION SELECT id FROM registry_enterprise WHERE {BY_ORG}"
        " UNION SELECT enterprise_id FROM registry_identifier WHERE value = %(code)s"
        " UNION SELECT holder_id FROM registry_certificate"
        " WHERE number_key = registry_number_key(%(q)s))"
    )
    return _listed(
        [
            _stage(0, by_code, narrow),
            _stage(1, f"name_plain = {_PLAIN} AND {_PLAIN} <> ''", narrow),
            _stage(2, f"{_BEGINS} AND name_plain <> {_PLAIN} AND {_PLAIN} <> ''", narrow),
        ]
    )


@cache
def search_parts(narrow: bool) -> str:
    """Enterprises with the words inside their names (rank 3), found by pairs of characters, proven by LIKE.

    A statement of its own, run when beginnings do not fill the page: where nearly all names with a common
    word begin with it, looking for the others reads the whole table.
    """
    part = f"name_grams @@ registry_gram_query(%(q)s) AND name_plain LIKE '%%' || {_PLAIN} || '%%'"
    return _listed([_stage(3, f"{part} AND NOT {_BEGINS}", narrow)])
