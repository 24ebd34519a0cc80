# ruff: noqa: S608  statements are put together from constants of this file; values are bound
"""The SQL of searching for enterprises, stage by stage; what it reads is indexed in `search_schema.py`.

How a fragment is looked for is decided by `finding`, which knows how frequent its pairs of characters are: the
planner takes a common one for rare and reads two hundred thousand rows to show twenty.
"""

from functools import cache

from jinzhi.registry.models import Enterprise
from jinzhi.registry.queries import BY_ORG, place_name, words

_HIT = "id, uscc, org_code, name, status, place, is_demo"
# The plain form of a name holds letters and figures only, so no wildcard of LIKE.
_PLAIN = "registry_plain(%(q)s)"
_FITS = {2: f"name_plain LIKE {_PLAIN} || '%%' AND name_plain <> {_PLAIN}",
         3: f"name_plain LIKE '%%' || {_PLAIN} || '%%' AND name_plain NOT LIKE {_PLAIN} || '%%'"}  # fmt: skip
# The order of a list, and what comes after the row (%(place)s, %(last)s) in it. Eyes that see a city or less go
# through the index of places.
_ORDER = {False: "id DESC", True: "place, id DESC"}
_AFTER = {
    False: "id < %(last)s::uuid",
    True: "(place > %(place)s OR (place = %(place)s AND id < %(last)s::uuid))",
}


def _shown(selected: str, narrow: bool, note: str = "") -> str:
    return f"""SELECT h.rank, h.id::text, h.uscc, h.org_code, h.name, h.status,
            {words("h.status", Enterprise.Status.choices)}, h.place, {place_name("h.place")}, h.is_demo{note}
        FROM ({selected}) AS h ORDER BY h.rank, {", ".join(f"h.{part}" for part in _ORDER[narrow].split(", "))}
        LIMIT %(limit)s"""


_LIVES = "merged_into_id IS NULL"  # a row that was made one with another is found as that one


def _picked(rank: object, condition: str, narrow: bool, *, ordered: bool = True) -> str:
    order = f"ORDER BY {_ORDER[narrow]} " if ordered else ""
    return f"(SELECT {rank} AS rank, {_HIT} FROM registry_enterprise WHERE {condition} AND {_LIVES} {order}LIMIT %(limit)s)"


@cache
def search_exact(narrow: bool) -> str:
    """Enterprises by code (rank 0) and by whole name (1). Parameters: q, code, org, rank, place, last, limit."""
    by_code = (
        "id IN (SELECT coalesce(merged_into_id, id) FROM registry_enterprise"
        " WHERE uscc = %(code)s AND NOT uscc = ''"
        f" UNION SELECT coalesce(merged_into_id, id) FROM registry_enterprise WHERE {BY_ORG}"
        " UNION SELECT enterprise_id FROM registry_identifier WHERE value = %(code)s"
        " UNION SELECT holder_id FROM registry_certificate"
        " WHERE number_key = registry_number_key(%(q)s))"
    )
    stages = [
        _picked(
            rank, f"{condition} AND (%(rank)s < {rank} OR (%(rank)s = {rank} AND {_AFTER[narrow]}))", narrow
        )
        for rank, condition in ((0, by_code), (1, f"name_plain = {_PLAIN} AND {_PLAIN} <> ''"))
    ]
    return _shown(" UNION ALL ".join(stages), narrow)


@cache
def search_walking(rank: int, narrow: bool) -> str:
    """Names that begin with (rank 2) or hold (3) a common fragment: rows in their order until enough fit.

    Parameters: q, place, last, limit, far (rows looked at, at most).
    """
    walked = f"""(SELECT {_HIT}, name_plain, merged_into_id FROM registry_enterprise WHERE {_AFTER[narrow]}
        ORDER BY {_ORDER[narrow]} LIMIT %(far)s)"""
    return _shown(
        f"SELECT {rank} AS rank, {_HIT} FROM {walked} AS w WHERE {_FITS[rank]} AND {_LIVES} LIMIT %(limit)s",
        narrow,
    )


@cache
def search_indexed(rank: int, narrow: bool, by_pairs: bool) -> str:
    """The same by an index: pairs of characters (`tsquery`), or the beginnings of names.

    What fits is fetched first and ordered then, whatever the planner would like better.
    Parameters: q, tsquery, place, last, limit.
    """
    pairs = "name_grams @@ %(tsquery)s::tsquery AND " if by_pairs else ""
    fitting = f"""SELECT {rank} AS rank, {_HIT} FROM registry_enterprise
        WHERE {pairs}{_FITS[rank]} AND {_LIVES} AND {_AFTER[narrow]}"""
    return f"WITH fitting AS MATERIALIZED ({fitting}) {_shown('SELECT * FROM fitting', narrow)}"


@cache
def search_some(column: str, narrow: bool) -> str:
    """The first enterprises in the order of the list whose `column` (name_plain, initials) fits all patterns.

    Parameters: patterns, rank, place, last, limit, far.
    """
    walked = f"""(SELECT {_HIT}, {column}, merged_into_id FROM registry_enterprise WHERE {_AFTER[narrow]}
        ORDER BY {_ORDER[narrow]} LIMIT %(far)s)"""
    fitting = f"{column} LIKE ALL(%(patterns)s::text[]) AND {_LIVES}"
    return _shown(
        f"SELECT %(rank)s AS rank, {_HIT} FROM {walked} AS w WHERE {fitting} LIMIT %(limit)s", narrow
    )


@cache
def search_initials() -> str:
    """Some enterprises whose names are read so. Parameters: tsquery, letters, limit, rank."""
    condition = "name_grams @@ %(tsquery)s::tsquery AND initials LIKE '%%' || %(letters)s || '%%'"
    return _shown(_picked("%(rank)s", condition, False, ordered=False), False)


@cache
def search_lexemes() -> str:
    """Some enterprises that fit a tsquery, in no order. Parameters: tsquery, limit, rank."""
    return _shown(_picked("%(rank)s", "name_grams @@ %(tsquery)s::tsquery", False, ordered=False), False)


@cache
def search_former() -> str:
    """Enterprises by a former name or one stated elsewhere. Parameters: q, rank, limit; the note is that name."""
    named = f"""SELECT DISTINCT ON (e.id) %(rank)s AS rank, e.id, e.uscc, e.org_code, e.name, e.status, e.place,
            e.is_demo, f.value AS note
        FROM registry_fact AS f JOIN registry_enterprise AS e ON e.id = f.enterprise_id
        WHERE f.field = 'name' AND f.name_grams @@ registry_gram_query(%(q)s)
            AND f.name_plain LIKE '%%' || {_PLAIN} || '%%' AND f.value <> e.name AND e.merged_into_id IS NULL
        ORDER BY e.id LIMIT %(limit)s"""
    return _shown(named, False, ", h.note")


@cache
def search_numbers() -> str:
    """Certificates by the beginning of their number. Parameters: q, limit."""
    return """SELECT number, holder_name FROM registry_certificate
        WHERE registry_number_key(%(q)s) <> '' AND number_key LIKE registry_number_key(%(q)s) || '%%'
        ORDER BY number_key USING ~<~ LIMIT %(limit)s"""
