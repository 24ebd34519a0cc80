"""Names that are nearly what was typed: one character wrong, missing or too many, or other ones read alike.

Both ways use the index of pairs. A wrong character spoils two neighbouring pairs, so the question is asked as
an alternative of all ways to leave two of them out. Characters that sound alike share the initials, of which
three in a row are indexed too. What is found that way is then measured against what was typed.
"""

import time
import unicodedata
from collections import Counter
from collections.abc import Iterable

from django.db import connection
from rapidfuzz import fuzz

from jinzhi.foundation.places import scope as scopes
from jinzhi.registry import names, pinyin
from jinzhi.registry.search_schema import PLAIN

CANDIDATES = 300  # rows measured for each way
ALIKE = 100 * 2 / 3  # of the pairs of a short name two thirds agree when one of six characters is wrong
SHORTEST = 3  # characters; of two, one wrong leaves nothing to go by
LONGEST = 16  # characters a question is made of
FREQUENT = (
    0.001  # share of all names from which on walking through them is quicker than fetching all that fit
)
COMMON = 0.004  # and from which on a pair alone says nothing of a name
_SAMPLE = 20_000  # names looked at to learn which pairs are common
_REFRESH = 3600.0  # seconds
_LEARN = """SELECT lexeme, count(*) FROM (SELECT tsvector_to_array(name_grams) AS lexemes FROM registry_enterprise
    TABLESAMPLE SYSTEM (%s)) AS sampled, unnest(sampled.lexemes) AS lexeme GROUP BY lexeme HAVING count(*) >= %s"""
_SEEN = 2  # times a pair must be met in it
_known: tuple[float, dict[str, float]] = (-_REFRESH, {})


def plain(text: str) -> str:
    """As the database keeps a name for searching (`registry_plain`): letters and figures, half width, lower case."""
    return PLAIN.sub("", unicodedata.normalize("NFKC", text).lower())


def simplified(text: str) -> str:
    """Traditional and variant characters as they are written in the register."""
    return text.translate(str.maketrans(*names.traditional()))


def pairs(text: str) -> list[str]:
    return [text[i : i + 2] for i in range(len(text) - 1)]


def together(lexemes: Iterable[str]) -> str:
    """The tsquery of what holds all of these."""
    return " & ".join(f"'{lexeme}'" for lexeme in dict.fromkeys(lexemes))


def threes(letters: str) -> list[str]:
    """The lexemes of initials in a row."""
    return [f"~{letters[i : i + 3]}" for i in range(len(letters) - 2)]


def initials_query(letters: str) -> str:
    """The tsquery of names whose initials hold these letters in a row (two at least)."""
    return f"'~{letters}':*" if len(letters) == 2 else together(rarest(threes(letters)))


def frequencies() -> dict[str, float]:
    """Share of the names that hold a pair (^杭州: begin with it), where it is frequent enough to be met in a sample."""
    global _known
    if time.monotonic() - _known[0] > _REFRESH:
        with scopes.acting(scopes.SYSTEM), connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'registry_enterprise'::regclass")
            (rows,) = cursor.fetchone()
            cursor.execute(_LEARN, [min(100.0, 100 * _SAMPLE / max(rows, 1)), _SEEN])
            _known = (time.monotonic(), _shares(cursor.fetchall()))
    return _known[1]


def _shares(counted: list[tuple[str, int]]) -> dict[str, float]:
    """Of pairs as counted; a character alone is as frequent as all that begins with it."""
    found: Counter[str] = Counter(dict(counted))
    for lexeme, count in counted:
        if len(lexeme) == 2 and lexeme[0] not in "~^@":
            found[lexeme[0]] += count
    return {lexeme: count / _SAMPLE for lexeme, count in found.items()}


def is_common(lexemes: list[str]) -> bool:
    """Whether none of these is rare, so that some names with all of them are soon met."""
    known = frequencies()
    return all(known.get(lexeme, 0) >= FREQUENT for lexeme in lexemes)


def rarest(lexemes: list[str], most: int = 3) -> list[str]:
    """Those that narrow a search most; the rest is proven by LIKE."""
    known = frequencies()
    return sorted(dict.fromkeys(lexemes), key=lambda lexeme: known.get(lexeme, 0))[:most]


def share(lexemes: list[str]) -> float:
    """At most this share of all names holds all of these."""
    known = frequencies()
    return min((known.get(lexeme, 0.0) for lexeme in lexemes), default=1.0)


def nearly_query(text: str) -> tuple[str, float]:
    """Names that hold all pairs of the text but two neighbouring ones, as a tsquery and the share they may have.

    Ways that leave nothing rare are left out; the tsquery is empty where none is left.
    """
    all_pairs = pairs(text[:LONGEST])
    ways, together_share = {}, 0.0
    for left_out in range(len(all_pairs) + 1):
        kept = all_pairs[: max(0, left_out - 1)] + all_pairs[left_out + 1 :]
        if kept and (found := share(kept)) < COMMON:
            ways[f"({together(rarest(kept))})"] = True
            together_share += found
    return " | ".join(ways), together_share


def questions(wanted: str) -> list[tuple[str, float]]:
    """The tsqueries whose answers are worth measuring, with their shares: spoilt in one place, or read alike."""
    asked = [nearly_query(wanted)]
    letters = pinyin.initials(wanted)[:LONGEST]
    if len(letters) > SHORTEST:
        asked.append((initials_query(letters), share(threes(letters))))
    return [(question, part) for question, part in asked if question]


def essence(q: str) -> str:
    """What is left of a typed name without its region and form, the part people get wrong; else the whole."""
    parts = names.normal_form(q)
    core = plain(parts.core)
    return core if len(core) >= SHORTEST else plain(q)


def likeness(wanted: str, name: str) -> float:
    """0 to 100: how well the best stretch of the name agrees with what was typed, or how alike both are read."""
    found = plain(name)
    by_sight = fuzz.partial_ratio(wanted, found) if len(found) >= len(wanted) else fuzz.ratio(wanted, found)
    by_sound = fuzz.partial_ratio(pinyin.initials(wanted), pinyin.initials(found))
    # Initials alone agree by chance: they help a name that looks half right already.
    return max(by_sight, (by_sight + by_sound) / 2 if by_sight >= ALIKE / 2 else 0)
