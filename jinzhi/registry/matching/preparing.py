"""Both sides in one form, in the engine that compares: codes and what kind they are, names, addresses, telephones.

A side is a table `<side>_raw` (n, id, code, name, other_name, address, phone), texts, never null; `n` counts its rows.
"""

from jinzhi.foundation.codes.uscc import ALPHABET
from jinzhi.registry import names
from jinzhi.registry.matching import addresses
from jinzhi.registry.matching.dialect import Dialect

SIDES = ("l", "r")
_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACEHOLDER = "^(?:0+|9+|X+|1+|123456789.*|无|N/?A|NULL|NONE)$"


def statements(side: str, d: Dialect) -> list[tuple[str, str]]:
    """(table, query) in order, to be created as tables or views."""
    return [
        (f"{side}_code", codes(side, d)),
        (f"{side}_level", levelled(side, d)),
        (f"{side}_name", named(side, d)),
        (f"{side}_where", placed(side, d)),
        (f"{side}_side", joined(side, d)),
    ]


def codes(side: str, d: Dialect) -> str:
    """Code without spaces and marks, its kind (uscc, org, other, bad, empty) and the organisation code in it."""
    bare = d.sub(
        f"upper(translate(code, {d.literal(names.WIDE)}, {d.literal(names.NARROW)}))", "[^0-9A-Z]", ""
    )
    weights = [pow(3, n, 31) for n in range(17)]
    total = " + ".join(
        f"(instr('{ALPHABET}', substr(c, {n + 1}, 1)) - 1) * {w}" for n, w in enumerate(weights)
    )
    org = " + ".join(
        f"(instr('{_ALNUM}', substr(o, {n + 1}, 1)) - 1) * {w}"
        for n, w in enumerate((3, 7, 9, 10, 5, 8, 4, 2))
    )
    return f"""
    SELECT n, c AS code, kind, CASE WHEN kind IN ('uscc', 'org') THEN o ELSE '' END AS org FROM (
        SELECT n, c, o,
            CASE WHEN c = '' THEN ''
                WHEN {d.matches("c", _PLACEHOLDER)} THEN ''
                WHEN length(c) = 18 AND {d.matches("c", f"^[{ALPHABET}]+$")} AND substr(c, 18, 1) =
                    substr('{ALPHABET}', cast((31 - ({total}) % 31) % 31 AS int) + 1, 1) THEN 'uscc'
                WHEN length(c) = 18 THEN 'bad'
                WHEN length(c) = 9 AND {d.matches("c", "^[0-9A-Z]{8}[0-9X]$")} AND substr(c, 9, 1) =
                    CASE cast(11 - ({org}) % 11 AS int) WHEN 10 THEN 'X' WHEN 11 THEN '0'
                    ELSE cast(cast(11 - ({org}) % 11 AS int) AS varchar(2)) END THEN 'org'
                ELSE 'other' END AS kind
        FROM (SELECT n, c, CASE WHEN length(c) = 18 THEN substr(c, 9, 9) ELSE substr(c, 1, 9) END AS o
              FROM (SELECT n, {bare} AS c FROM {side}_raw) AS a) AS b) AS k"""


def levelled(side: str, d: Dialect) -> str:
    """Names and other names, one row for each, after the first steps; w = 1 for the name, 2 for the other."""
    both = (
        f"SELECT n, 1 AS w, name AS x FROM {side}_raw WHERE name <> '' UNION ALL "
        f"SELECT n, 2 AS w, other_name AS x FROM {side}_raw WHERE other_name <> '' AND other_name <> name"
    )
    return d.chain(f"({both}) AS b", "n, w", "x", names.LEVEL)


def named(side: str, d: Dialect) -> str:
    """plain, core, region, form of each name; the same steps as names.normal_form."""
    han = d.matches("x", f"[{names.HAN}]")
    chinese = d.chain(f"(SELECT * FROM {side}_level WHERE {han}) AS h", "n, w", "x", names.HAN_STEPS)
    form = d.extract("x", names.FORM)
    chinese = f"SELECT n, w, x, {form} AS form FROM ({chinese}) AS f"
    chinese = f"SELECT n, w, x, form, substr(x, 1, length(x) - length(form)) AS body FROM ({chinese}) AS b"
    chinese = f"SELECT *, {d.extract('body', names.REGION)} AS region FROM ({chinese}) AS g"
    chinese = f"SELECT *, substr(body, length(region) + 1) AS rest FROM ({chinese}) AS s"
    chinese = f"SELECT *, rest = {d.extract('rest', names.INDUSTRY)} AS bare FROM ({chinese}) AS i"
    latin = d.chain(f"(SELECT * FROM {side}_level WHERE NOT {han}) AS h", "n, w", "x", names.LATIN_STEPS)
    latin = f"SELECT n, w, x AS plain, x FROM ({latin}) AS p"
    latin = d.chain(f"({latin}) AS q", "n, w, plain", "x", names.LATIN_CORE)
    return f"""
    SELECT n, w, x AS plain, coalesce(nullif(CASE WHEN bare THEN body ELSE rest END, ''), x) AS core,
        CASE WHEN bare THEN '' ELSE region END AS region, form
    FROM ({chinese}) AS c WHERE x <> ''
    UNION ALL
    SELECT n, w, plain, coalesce(nullif(x, ''), replace(plain, ' ', '')) AS core, '' AS region, '' AS form
    FROM ({latin}) AS l WHERE plain <> ''"""


def placed(side: str, d: Dialect) -> str:
    """The address in one form and its key, the telephone's last eight digits."""
    level = d.chain(f"{side}_raw", "n, phone", "address", names.LEVEL)
    han = d.matches("address", f"[{names.HAN}]")
    chinese = d.chain(f"({level}) AS v WHERE {han}", "n, phone", "address", addresses.HAN)
    latin = d.chain(f"({level}) AS v WHERE NOT {han}", "n, phone", "address", addresses.LATIN)
    number, street = (d.extract("address", addresses.LATIN_KEY, g) for g in (1, 2))
    digits = d.sub("phone", "[^0-9]", "")
    return f"""
    SELECT n, address, place_key, CASE WHEN length(p) >= 7 THEN
            substr(p, greatest(length(p) - 7, 1)) ELSE p END AS phone
    FROM (SELECT n, address, {digits} AS p, coalesce(nullif({d.extract("address", addresses.HAN_KEY)}, ''),
                 CASE WHEN length(address) >= 4 THEN address ELSE '' END) AS place_key FROM ({chinese}) AS c
          UNION ALL
          SELECT n, address, {digits} AS p, coalesce(nullif({number} || {street}, ''),
                 CASE WHEN length(address) >= 6 THEN address ELSE '' END) AS place_key FROM ({latin}) AS l) AS w"""


def joined(side: str, d: Dialect) -> str:
    """One row for each row of the side. Empty strings where something is absent."""
    return f"""
    SELECT k.n, k.code, k.kind, k.org, coalesce(a.plain, '') AS plain, coalesce(a.core, '') AS core,
        coalesce(a.region, '') AS region, coalesce(a.form, '') AS form,
        coalesce(b.plain, '') AS other_plain, coalesce(b.core, '') AS other_core,
        w.address, w.place_key, w.phone
    FROM {side}_code AS k JOIN {side}_where AS w ON w.n = k.n
    LEFT JOIN {side}_name AS a ON a.n = k.n AND a.w = 1
    LEFT JOIN {side}_name AS b ON b.n = k.n AND b.w = 2"""
