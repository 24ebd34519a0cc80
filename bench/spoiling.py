"""Two registers of the same enterprises with a known truth, the second with everyday mistakes. Written by DuckDB from
the row's number alone. Names, addresses and codes come from `generating`; shares are of the enterprises.
"""

import time
from pathlib import Path

import duckdb
import generating

OVERLAP = 0.85  # on both sides; the rest on one side each
NO_CODE, BAD_CODE, ORG_CODE = 0.30, 0.03, 0.10  # right side; 0.10 of the left side have no code either
TYPO, FORM, WRITING, MOVED = 0.12, 0.10, 0.15, 0.06
TRADITIONAL = dict(zip("华兴龙东长丰义宝电机", "華興龍東長豐義寶電機", strict=True))


def _chance(salt: int) -> str:
    return f"(hash(i * 131 + {salt}) % 10000) / 10000.0"


def write(rows: int, folder: Path) -> float:
    """left.parquet and right.parquet (id, code, name, address, phone); the ids carry the enterprise's number."""
    started = time.monotonic()
    base = duckdb.connect(config={"memory_limit": "3GB", "threads": 2, "temp_directory": str(folder)})
    base.execute(
        f"CREATE TABLE e AS SELECT row_number() OVER () - 1 AS i, * FROM ({generating.statement()}) AS r",
        generating._given(int(rows / 0.925), 0),
    )
    old, new = "".join(TRADITIONAL), "".join(TRADITIONAL.values())
    at = "(2 + hash(i * 7919) % 4)::int"  # the character that is mistyped: in the trade name
    wrong = f"'{generating._BRAND}'[1 + (hash(i * 104729) % {len(generating._BRAND)})::int]"
    name = f"""
        CASE WHEN {_chance(1)} < {TYPO} THEN CASE (hash(i * 3571) % 3)::int
                WHEN 0 THEN substr(n, 1, {at}) || {wrong} || substr(n, {at} + 2)
                WHEN 1 THEN substr(n, 1, {at}) || substr(n, {at} + 2)
                ELSE substr(n, 1, {at}) || {wrong} || substr(n, {at} + 1) END
             WHEN {_chance(2)} < {FORM} THEN replace(n, '有限公司', '有限责任公司')
             WHEN {_chance(3)} < {WRITING} THEN CASE (hash(i * 2221) % 3)::int
                WHEN 0 THEN translate(n, '{old}', '{new}')
                WHEN 1 THEN substr(n, 3) || '（' || substr(n, 1, 2) || '）' ELSE '浙江省' || n END
             ELSE n END"""
    left = f"""
        SELECT 'L' || i AS id, CASE WHEN {_chance(4)} < 0.1 THEN '' ELSE "统一社会信用代码" END AS code,
            "企业名称" AS name, "住所" AS address, '0571' || (80000000 + hash(i) % 9999999)::varchar AS phone
        FROM e WHERE {_chance(9)} < 0.925"""
    code = '"统一社会信用代码"'
    right = f"""
        SELECT 'R' || i AS id, CASE WHEN {_chance(5)} < {NO_CODE} THEN ''
                WHEN {_chance(6)} < {BAD_CODE} THEN substr({code}, 1, 10) || '7' || substr({code}, 12)
                WHEN {_chance(6)} < {BAD_CODE + ORG_CODE} THEN substr({code}, 9, 9) ELSE {code} END AS code,
            {name} AS name, CASE WHEN {_chance(7)} < {MOVED} THEN replace("住所", '路', '新路') ELSE "住所" END AS address,
            CASE WHEN {_chance(8)} < 0.3 THEN '' ELSE '0571-' || (80000000 + hash(i) % 9999999)::varchar END AS phone
        FROM (SELECT *, "企业名称" AS n FROM e) AS e WHERE {_chance(9)} >= 0.075"""
    for side, query in (("left", left), ("right", right)):
        target = folder / f"{side}.parquet"
        base.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    base.close()
    return time.monotonic() - started


def truth(connection, rows_left: str = "l_raw", rows_right: str = "r_raw") -> None:
    """The table `truth` (left_id, right_id) of two sides written above."""
    connection.execute(
        f"CREATE OR REPLACE TABLE truth AS SELECT l.id AS left_id, r.id AS right_id FROM {rows_left} AS l"
        f" JOIN {rows_right} AS r ON substr(l.id, 2) = substr(r.id, 2)"
    )
