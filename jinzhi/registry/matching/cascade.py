"""The certain pairs, in order of certainty: equal codes, the organisation code inside a credit code, then names with
a place. After that the candidates for what is left, from blocks of bounded size. All statements run on DuckDB and Spark.

A pair is (ln, rn, stage, score). Two rows whose organisation codes are right and differ are never the same (`VETO`).
"""

from dataclasses import dataclass

from jinzhi.registry.matching.dialect import Dialect

MOST_ALIKE = 2  # rows on either side with one name and place that are all paired; more are paired one by one
MOST_WITH_ONE_CODE = 20
MOST_IN_BLOCK = 60  # rows of either side under one key; larger blocks say nothing
LONGEST_CORE = 24  # names longer than this are not searched for single edits
VETO = (
    "(l.org <> '' AND r.org <> '' AND"
    " (l.org <> r.org OR (l.kind = 'uscc' AND r.kind = 'uscc' AND l.code <> r.code)))"
)


@dataclass(frozen=True)
class Judged:
    """What was found out about the data before matching: are codes without a check digit comparable?"""

    opaque_same: bool = False  # an equal one means the same
    opaque_differs: bool = False  # a differing one means another


def veto(d: Dialect, judged: Judged) -> str:
    if not judged.opaque_differs:
        return VETO
    far = f"{d.distance('l.code', 'r.code')} > 3"
    outvoted = "l.phone <> '' AND l.phone = r.phone AND (l.place_key = r.place_key OR l.plain = r.plain)"
    return f"({VETO} OR (l.kind = 'other' AND r.kind = 'other' AND l.code <> r.code AND {far} AND NOT ({outvoted})))"


def opaque_codes() -> str:
    """(identifying, agreeing): share of different ones among such codes; share that agrees where name and place do."""
    return """
    SELECT (SELECT count(DISTINCT code) / cast(greatest(count(*), 1) AS double) FROM l_side WHERE kind = 'other') AS l,
        (SELECT count(DISTINCT code) / cast(greatest(count(*), 1) AS double) FROM r_side WHERE kind = 'other') AS r,
        (SELECT avg(CASE WHEN l.code = r.code THEN 1.0 ELSE 0.0 END) FROM l_side AS l JOIN r_side AS r
         ON l.plain = r.plain AND l.place_key = r.place_key
         WHERE l.kind = 'other' AND r.kind = 'other' AND l.plain <> '' AND l.place_key <> '') AS agree,
        (SELECT count(*) FROM l_side AS l JOIN r_side AS r ON l.code = r.code
         WHERE l.kind = 'other' AND r.kind = 'other') AS equal"""


def by_code(d: Dialect, judged: Judged) -> str:
    """Equal codes; then the organisation code of one inside the credit code of the other."""

    def ranked(side: str, key: str, kinds: str) -> str:
        return (
            f"(SELECT n, kind, code, {key} AS k, row_number() OVER (PARTITION BY {key} ORDER BY n) AS i"
            f" FROM {side}_side WHERE kind IN ({kinds}))"
        )

    def equal(key: str, kinds: str, more: str) -> str:
        return (
            f"FROM {ranked('l', key, kinds)} AS l JOIN {ranked('r', key, kinds)} AS r ON l.k = r.k"
            f" WHERE l.i <= {MOST_WITH_ONE_CODE} AND r.i <= {MOST_WITH_ONE_CODE} AND {more}"
        )

    kinds = "'bad', 'other'" if judged.opaque_same else "'bad'"
    return f"""
    SELECT l.n AS ln, r.n AS rn, 'code' AS stage, 1.0 AS score {equal("code", "'uscc', 'org'", "true")}
    UNION ALL
    SELECT l.n, r.n, 'org_code', 0.99 {equal("org", "'uscc', 'org'", "l.kind <> r.kind")}
    UNION ALL
    SELECT l.n, r.n, 'code_unchecked', 0.97 {equal("code", kinds, "true")}"""


def by_name_and_place(d: Dialect, judged: Judged) -> str:
    """Equal names at an equal address. Who was already paired by a code on both sides takes no part."""

    fresh = " UNION ALL ".join(f"SELECT plain, place_key FROM {s}_fresh WHERE place_key <> ''" for s in "lr")

    def side(s: str) -> str:
        return f"""
        (SELECT a.*, row_number() OVER (PARTITION BY a.plain, a.place_key ORDER BY a.address, a.n) AS i,
             count(*) OVER (PARTITION BY a.plain, a.place_key) AS k, CASE WHEN p.n IS NULL THEN 0 ELSE 1 END AS done
         FROM {s}_side AS a
         JOIN (SELECT DISTINCT plain, place_key FROM ({fresh}) AS f) AS u
             ON u.plain = a.plain AND u.place_key = a.place_key
         LEFT JOIN (SELECT DISTINCT {s}n AS n FROM p_code) AS p ON p.n = a.n)"""

    return f"""
    SELECT l.n AS ln, r.n AS rn, 'name_place' AS stage, 0.96 AS score
    FROM {side("l")} AS l JOIN {side("r")} AS r ON l.plain = r.plain AND l.place_key = r.place_key
    WHERE (l.done = 0 OR r.done = 0) AND NOT {veto(d, judged)}
        AND ((l.k <= {MOST_ALIKE} AND r.k <= {MOST_ALIKE}) OR l.i = r.i)"""


def left_over(side: str, done: list[str]) -> str:
    """Rows not yet in a pair."""
    paired = " UNION ALL ".join(f"SELECT {side}n AS n FROM {table}" for table in done)
    return f"""
    SELECT a.* FROM {side}_side AS a LEFT JOIN (SELECT DISTINCT n FROM ({paired}) AS x) AS p ON p.n = a.n
    WHERE p.n IS NULL AND a.plain <> ''"""


def by_name(d: Dialect, judged: Judged) -> str:
    """Names of what is left that occur once on either whole side: with the telephone, with the division in the name,
    alone where one side has no address."""

    def once(s: str) -> str:
        return f"""
        (SELECT a.* FROM {s}_rest AS a JOIN (
            SELECT plain FROM {s}_side WHERE plain <> '' GROUP BY plain HAVING count(*) = 1) AS u
         ON u.plain = a.plain)"""

    phone = "l.phone <> '' AND l.phone = r.phone"
    division = "l.region <> '' AND l.form <> ''"
    lacking = "(l.place_key = '' OR r.place_key = '') AND (l.phone = '' OR r.phone = '')"
    return f"""
    SELECT ln, rn, stage, score FROM (
        SELECT l.n AS ln, r.n AS rn, CASE WHEN {phone} THEN 'name_phone' WHEN {division} THEN 'name_division'
                WHEN {lacking} THEN 'name_only' ELSE '' END AS stage,
            CASE WHEN {phone} THEN 0.96 WHEN {division} THEN 0.9 ELSE 0.85 END AS score
        FROM {once("l")} AS l JOIN {once("r")} AS r ON l.plain = r.plain WHERE NOT {veto(d, judged)}) AS x
    WHERE stage <> ''"""


def by_core_and_place(d: Dialect, judged: Judged) -> str:
    """Trade name and industry agree at one address, with nobody else of that name there on either side."""

    def cores(s: str) -> str:
        return f"""
        (SELECT DISTINCT n, k, plain, place_key, phone, region, org, code, kind FROM (
            SELECT n, core AS k, plain, place_key, phone, region, org, code, kind FROM {s}_left WHERE core <> ''
            UNION ALL SELECT n, other_core, plain, place_key, phone, region, org, code, kind FROM {s}_left
            WHERE other_core <> '') AS x WHERE place_key <> '')"""

    return f"""
    SELECT ln, rn, 'core_place' AS stage, 0.93 AS score FROM (
        SELECT ln, rn, count(*) OVER (PARTITION BY ln) AS a, count(*) OVER (PARTITION BY rn) AS b FROM (
            SELECT DISTINCT l.n AS ln, r.n AS rn FROM {cores("l")} AS l JOIN {cores("r")} AS r
            ON l.place_key = r.place_key AND l.k = r.k
            WHERE (l.region = '' OR r.region = '' OR l.region LIKE '%' || r.region OR r.region LIKE '%' || l.region)
                AND NOT {veto(d, judged)}) AS p) AS q
    WHERE a <= {MOST_ALIKE} AND b <= {MOST_ALIKE}"""


def certain_sample(side: str, done: list[str], share: int) -> str:
    """Every `share`-th row that was paired; among what the other side has left, none is the same as such a row."""
    paired = " UNION ALL ".join(f"SELECT {side}n AS n FROM {table}" for table in done)
    return f"""
    SELECT a.* FROM {side}_side AS a JOIN (SELECT DISTINCT n FROM ({paired}) AS x) AS p ON p.n = a.n
    WHERE a.plain <> '' AND a.n % {share} = 0"""


def keys(rows: str, d: Dialect) -> str:
    """Blocking keys of the rows of a table: address, telephone, code, name one edit away, a word of the name with a number."""
    number = d.extract("place_key", "[0-9]+")
    words = d.exploded(d.words("plain"))
    pairs = d.exploded(d.pieces("core", 2))
    short = f"CASE WHEN length(core) <= {LONGEST_CORE} THEN core ELSE substr(core, 1, {LONGEST_CORE}) END"
    return f"""
    SELECT DISTINCT n, b, k FROM (
        SELECT n, 'a' AS b, place_key AS k FROM {rows} WHERE place_key <> ''
        UNION ALL SELECT n, 'p', phone FROM {rows} WHERE length(phone) >= 7
        UNION ALL SELECT n, 'c', code FROM {rows} WHERE kind IN ('bad', 'other')
        UNION ALL SELECT n, 'o', org FROM {rows} WHERE org <> ''
        UNION ALL SELECT n, 'f', plain FROM {rows}
        UNION ALL SELECT n, 'f', other_plain FROM {rows} WHERE other_plain <> ''
        UNION ALL SELECT n, 'e', {d.exploded(d.shorter_by_one("c"))} FROM (
            SELECT n, {short} AS c FROM {rows} WHERE length(core) >= 3) AS s
        UNION ALL SELECT n, 'w', w || '|' || m FROM (
            SELECT n, {number} AS m, {words} AS w FROM {rows}) AS t WHERE m <> '' AND length(w) >= 3
        UNION ALL SELECT n, 'h', w || '|' || m FROM (
            SELECT n, address AS m, {pairs} AS w FROM {rows}
            WHERE region <> '' OR form <> '') AS t WHERE m <> ''
        UNION ALL SELECT n, 's', substr(core, 1, 4) || '|' || m FROM (
            SELECT n, core, {number} AS m FROM {rows}) AS u WHERE m <> '' AND length(core) >= 4) AS k
    WHERE k <> ''"""


def blocks(left: str, right: str) -> str:
    """Keys that both sides have and that are not too common."""
    return f"""
    SELECT l.b, l.k FROM (SELECT b, k, count(*) AS c FROM {left} GROUP BY b, k) AS l
    JOIN (SELECT b, k, count(*) AS c FROM {right} GROUP BY b, k) AS r ON r.b = l.b AND r.k = l.k
    WHERE l.c <= {MOST_IN_BLOCK} AND r.c <= {MOST_IN_BLOCK}"""


def candidates(found: str, left: str, right: str, d: Dialect, judged: Judged) -> str:
    """Pairs under one key at least; rows with different right codes are left out."""
    return f"""
    SELECT c.ln, c.rn FROM (
        SELECT DISTINCT l.n AS ln, r.n AS rn FROM {found} AS b
        JOIN {left} AS l ON l.b = b.b AND l.k = b.k JOIN {right} AS r ON r.b = b.b AND r.k = b.k) AS c
    JOIN l_side AS l ON l.n = c.ln JOIN r_side AS r ON r.n = c.rn WHERE NOT {veto(d, judged)}"""


def features(pairs: str, d: Dialect) -> str:
    """How alike candidates are, in levels that the model of the rest compares. -1 means: not known on one side."""
    names = ("core", "other_core")
    alike = ", ".join(d.similarity(f"l.{a}", f"r.{b}") for a in names for b in names)
    wide = d.similarity("l.plain", "r.plain")
    common = d.size(f"array_intersect({d.words('l.plain')}, {d.words('r.plain')})")
    fewer = f"least({d.size(d.words('l.plain'))}, {d.size(d.words('r.plain'))})"
    equal = " OR ".join(f"(l.{a} <> '' AND l.{a} = r.{b})" for a in names for b in names)
    number_l, number_r = (d.extract(f"{s}.place_key", "[0-9]+") for s in "lr")
    shop_l, shop_r = (d.extract(f"{s}.plain", "NO [0-9]+") for s in "lr")  # two branches of a chain
    return f"""
    SELECT ln, rn, CASE WHEN plain THEN 6 WHEN core AND NOT shop THEN 5 WHEN NOT shop AND (alike >= 0.88 OR wide >= 0.92) THEN 4
            WHEN alike >= 0.75 THEN 3
            WHEN common = fewer OR alike >= 0.6 THEN 2 WHEN common > 0 OR alike >= 0.4 THEN 1 ELSE 0 END AS name,
        CASE WHEN place = -1 THEN -1 WHEN key AND place >= 0.8 THEN 4 WHEN key THEN 3 WHEN place >= 0.75 AND number THEN 2
            WHEN number OR place >= 0.75 THEN 1 ELSE 0 END AS place,
        phone, code, region, greatest(alike, wide) AS alike, CASE WHEN place < 0 THEN 0 ELSE place END AS near FROM (
    SELECT c.ln, c.rn, l.plain = r.plain OR (l.plain = r.other_plain) OR (l.other_plain = r.plain) AS plain,
        {shop_l} <> '' AND {shop_r} <> '' AND {shop_l} <> {shop_r} AS shop,
        {equal} AS core, greatest({alike}) AS alike, {wide} AS wide, {common} AS common, {fewer} AS fewer,
        CASE WHEN l.address = '' OR r.address = '' THEN -1 ELSE {d.similarity("l.address", "r.address")} END AS place,
        l.place_key = r.place_key AND l.place_key <> '' AS key, {number_l} = {number_r} AND {number_l} <> '' AS number,
        CASE WHEN l.phone = '' OR r.phone = '' THEN -1 WHEN l.phone = r.phone THEN 2
            WHEN {d.distance("l.phone", "r.phone")} <= 1 THEN 1 ELSE 0 END AS phone,
        CASE WHEN l.code = '' OR r.code = '' OR l.kind = '' OR r.kind = '' THEN -1 WHEN l.code = r.code THEN 2
            WHEN length(l.code) = length(r.code) AND {d.distance("l.code", "r.code")} <= 2 THEN 1
            ELSE 0 END AS code,
        CASE WHEN l.region = '' OR r.region = '' THEN -1 WHEN l.region = r.region
            OR l.region LIKE '%' || r.region OR r.region LIKE '%' || l.region THEN 1 ELSE 0 END AS region
    FROM {pairs} AS c JOIN l_side AS l ON l.n = c.ln JOIN r_side AS r ON r.n = c.rn) AS f"""


def one_organisation_two_codes() -> str:
    """Two right credit codes around one organisation code: never the same by themselves, a person decides."""
    return """
    SELECT l.n AS ln, r.n AS rn, 'org_code' AS stage, 0.5 AS score FROM l_side AS l JOIN r_side AS r ON l.org = r.org
    WHERE l.kind = 'uscc' AND r.kind = 'uscc' AND l.code <> r.code"""
