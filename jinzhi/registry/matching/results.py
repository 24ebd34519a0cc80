"""What the pairs and the rows without one mean: the kinds of a result, one row each, and what changed field by field.

`SAME` are the kinds that say both rows are one enterprise. `suspected` and `code_differs` do not say so.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinzhi.registry.matching.dialect import DUCKDB


@dataclass(frozen=True)
class Kind:
    """A kind of finding; `discrepancies` are those of the business reference (services G.5)."""

    key: str
    title: str
    discrepancies: str
    same: bool = False


KINDS = {
    kind.key: kind
    for kind in (
        Kind("matched", "一致", "", same=True),
        Kind("changed", "同一企业，内容有变", "D06 D08", same=True),
        Kind("name_differs", "代码有效而名称不同", "D03", same=True),
        Kind("code_differs", "名称相同而代码不同", "D04"),
        Kind("suspected", "疑似同一企业", "D11 D05"),
        Kind("missing_right", "仅左方有", "D01"),
        Kind("missing_left", "仅右方有", "D02"),
        Kind("duplicate_left", "左方内部重复", "D07 D12"),
        Kind("duplicate_right", "右方内部重复", "D07 D12"),
    )
}
SAME = tuple(kind.key for kind in KINDS.values() if kind.same)
STAGES = {
    "code": "代码相同",
    "org_code": "组织机构代码在信用代码中",
    "code_unchecked": "无校验位的代码相同",
    "name_place": "名称和地址相同",
    "name_phone": "名称和电话相同",
    "name_division": "名称（含区划）相同",
    "name_only": "名称相同且唯一",
    "core_place": "字号行业和地址相同",
    "model": "综合相似",
    "name": "名称相同",
    "": "",
}
HEADER = ("left_id", "right_id", "kind", "score", "stage")
MOST_NAMESAKES = 5
MOST_DUPLICATES = 1000

_FIELDS = {
    "code": "l.code <> '' AND r.code <> '' AND l.code <> r.code",
    "name": "l.plain <> r.plain",
    "address": "l.address <> '' AND r.address <> '' AND l.address <> r.address",
    "phone": "l.phone <> '' AND r.phone <> '' AND l.phone <> r.phone",
}


def build(connection: Any) -> None:
    """Tables `result` (ln, rn, left_id, right_id, kind, score, stage) from `pairs`, `p_suspected` and the sides."""
    run = connection.execute
    any_change = " OR ".join(f"({rule})" for rule in _FIELDS.values())
    known = "(l.plain = r.plain OR l.plain = r.other_plain OR r.plain = l.other_plain)"
    run(f"""
    CREATE OR REPLACE TABLE found AS
    SELECT p.ln, p.rn, CASE WHEN p.stage IN ('code', 'org_code') AND l.plain <> '' AND r.plain <> '' AND NOT {known}
            THEN 'name_differs' WHEN {any_change} THEN 'changed' ELSE 'matched' END AS kind, p.score, p.stage
    FROM pairs AS p JOIN l_side AS l ON l.n = p.ln JOIN r_side AS r ON r.n = p.rn""")
    for side in "lr":
        run(_duplicates(side))
        run(
            f"CREATE OR REPLACE TABLE {side}_free AS SELECT a.* FROM {side}_side AS a"
            f" WHERE a.n NOT IN (SELECT {side}n FROM pairs)"
        )
    run(_namesakes())
    run("""
    CREATE OR REPLACE TABLE doubt AS SELECT s.ln, s.rn, s.stage, max(s.score) AS score FROM p_suspected AS s
    ANTI JOIN pairs USING (ln, rn) ANTI JOIN namesakes USING (ln, rn) GROUP BY ALL""")
    union = [
        "SELECT ln, rn, kind, score, stage FROM found",
        "SELECT ln, rn, 'code_differs', 0.6, 'name' FROM namesakes",
        "SELECT ln, rn, 'suspected', score, stage FROM doubt",
        "SELECT first, n, 'duplicate_left', 1.0, stage FROM l_duplicates",
        "SELECT first, n, 'duplicate_right', 1.0, stage FROM r_duplicates",
        _missing("l", "n, NULL, 'missing_right'"),
        _missing("r", "NULL, n, 'missing_left'"),
    ]
    run(f"CREATE OR REPLACE TABLE kinds AS {' UNION ALL '.join(union)}")
    run("""
    CREATE OR REPLACE TABLE result AS
    SELECT k.ln, k.rn, coalesce(CASE WHEN kind = 'duplicate_right' THEN rl.id ELSE l.id END, '') AS left_id,
        coalesce(CASE WHEN kind = 'duplicate_left' THEN lr.id ELSE r.id END, '') AS right_id,
        k.kind, round(k.score, 4) AS score, k.stage
    FROM kinds AS k LEFT JOIN l_raw AS l ON l.n = k.ln LEFT JOIN r_raw AS r ON r.n = k.rn
    LEFT JOIN r_raw AS rl ON rl.n = k.ln AND k.kind = 'duplicate_right'
    LEFT JOIN l_raw AS lr ON lr.n = k.rn AND k.kind = 'duplicate_left'""")


def _duplicates(side: str) -> str:
    """Rows of one side that have a right code, or name and address, of an earlier row; each with the first such row."""
    return f"""
    CREATE OR REPLACE TABLE {side}_duplicates AS
    SELECT n, min(first) AS first, min(stage) AS stage FROM (
        SELECT n, min(n) OVER (PARTITION BY code) AS first, 'code' AS stage FROM {side}_side WHERE kind IN ('uscc', 'org')
        UNION ALL
        SELECT n, min(n) OVER (PARTITION BY plain, place_key, org), 'name_place' FROM {side}_side
        WHERE plain <> '' AND place_key <> '' AND kind <> 'other') AS d
    WHERE n <> first GROUP BY n"""


def _namesakes() -> str:
    """Rows without a partner whose names are equal and whose right codes differ."""
    return f"""
    CREATE OR REPLACE TABLE namesakes AS SELECT l.n AS ln, r.n AS rn FROM l_free AS l JOIN r_free AS r
        ON l.plain = r.plain WHERE l.plain <> '' AND l.org <> '' AND r.org <> '' AND l.code <> r.code
    QUALIFY count(*) OVER (PARTITION BY l.n) <= {MOST_NAMESAKES} AND count(*) OVER (PARTITION BY r.n) <= {MOST_NAMESAKES}"""


def _missing(side: str, columns: str) -> str:
    told = " UNION ALL ".join(f"SELECT {side}n FROM {table}" for table in ("namesakes", "doubt"))
    return (
        f"SELECT {columns}, 0.0, '' FROM {side}_free WHERE n NOT IN ({told})"
        f" AND n NOT IN (SELECT n FROM {side}_duplicates)"
    )


def counts(connection: Any) -> dict[str, int]:
    """Every kind with its number of rows, 0 where there is none."""
    found = dict(connection.execute("SELECT kind, count(*) FROM result GROUP BY kind").fetchall())
    return {key: int(found.get(key, 0)) for key in KINDS}


def changes(connection: Any) -> dict[str, int]:
    """Field → pairs of the same enterprise in which it differs."""
    columns = ", ".join(f"count(*) FILTER ({rule})" for rule in _FIELDS.values())
    row = connection.execute(
        f"SELECT {columns} FROM pairs AS p JOIN l_side AS l ON l.n = p.ln JOIN r_side AS r ON r.n = p.rn"
    ).fetchall()[0]
    return dict(zip(_FIELDS, map(int, row), strict=True))


def write(connection: Any, path: Path) -> None:
    """RESULT.csv: one row for each pair, in the order of kinds and rows."""
    order = " ".join(f"WHEN '{key}' THEN {i}" for i, key in enumerate(KINDS))
    connection.execute(
        f"COPY (SELECT {', '.join(HEADER)} FROM result ORDER BY CASE kind {order} END, ln, rn)"
        f" TO {DUCKDB.literal(str(path))} (FORMAT csv, HEADER)"
    )
