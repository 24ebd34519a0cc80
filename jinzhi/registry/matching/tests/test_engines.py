"""The same definitions give the same pairs on DuckDB and on Spark, and the same names as the Python function."""

import random
import shutil
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from jinzhi.registry import names
from jinzhi.registry.matching import engine, preparing
from jinzhi.registry.matching.dialect import DUCKDB

ROLES = ("id", "code", "name", "other_name", "address", "phone")
CASES = yaml.safe_load((Path(names.__file__).parent / "cases" / "names.yaml").read_text(encoding="utf-8"))
BRAND, TRADES = "华兴隆盛源泰丰裕恒昌达通顺安康宁德信", ("食品", "茶叶", "机械制造", "电子商务")


def registers(count: int, seed: int) -> tuple[list[tuple], list[tuple]]:
    """(n, id, code, name, other_name, address, phone) of two sides: mistyped, moved, without codes, Latin ones too."""
    from jinzhi.foundation.codes.organization_code import check_character as org_check
    from jinzhi.foundation.codes.uscc import check_character

    chance = random.Random(seed)
    left, right = [], []
    for n in range(1, count + 1):
        body = f"{10000000 + n * 37}"
        org = body + org_check(body)
        code = "91330106" + org
        code += check_character(code)
        brand = "".join(chance.sample(BRAND, 3))
        name = f"杭州{brand}{chance.choice(TRADES)}有限公司"
        place, phone = (
            f"浙江省杭州市西湖区文{chance.choice('一二三')}路{chance.randint(1, 400)}号",
            f"0571-8{n:07d}",
        )
        if n % 5 == 0:
            name, place = (
                f"{chance.choice(['Oak', 'Red Lion', 'Corner'])} Cafe #{n} Inc.",
                f"{n} N Main Street",
            )
        left.append((n, f"l{n}", code if n % 4 else "", name, "", place, phone if n % 3 else ""))
        wrong = (
            name.replace(brand[1], "鑫") if n % 7 == 0 else name.replace("有限公司", "有限责任公司").upper()
        )
        given = {0: "", 1: org, 2: code}[n % 3]
        moved = place.replace("路", "新路") if n % 11 == 0 else place
        right.append((n, f"r{n}", given, wrong, "", moved, phone if n % 2 else ""))
    chance.shuffle(right)
    return left[: int(count * 0.9)], [(i, *row[1:]) for i, row in enumerate(right, 1)][: int(count * 0.9)]


def on_duckdb(left, right) -> engine.DuckDB:
    connection = duckdb.connect(config={"threads": 1})
    for side, rows in (("l", left), ("r", right)):
        connection.execute(f"CREATE TABLE {side}_raw (n bigint, {', '.join(f'{r} varchar' for r in ROLES)})")
        if rows:
            connection.executemany(f"INSERT INTO {side}_raw VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return engine.DuckDB(connection)


def pairs(which: engine.Engine) -> set[tuple]:
    return {(ln, rn, stage, round(score, 4)) for ln, rn, stage, score in which.rows("SELECT * FROM pairs")}


def test_names_in_sql_are_those_of_the_function():
    said = [n for group in ("same", "apart", "same_core") for listed in CASES[group] for n in listed]
    said += [case["name"] for case in CASES["parts"]]
    chance = random.Random(1)
    alphabet = "杭州宁波省市区县华兴食品有限责任公司（集团）()#&' .,-12一十ＡBcé國"
    said += ["".join(chance.choices(alphabet, k=chance.randint(1, 18))) for _ in range(3000)]
    rows = [(n, str(n), "", name, "", "", "") for n, name in enumerate(said, 1)]
    found = on_duckdb(rows, [])
    for table, query in preparing.statements("l", DUCKDB):
        found.table(table, query)
    for n, plain, core, region, form in found.rows("SELECT n, plain, core, region, form FROM l_side"):
        parts = names.normal_form(said[n - 1])
        assert (plain, core, region, form) == (parts.plain, parts.core, parts.region, parts.form), said[n - 1]


def test_most_pairs_of_spoiled_registers_are_found_and_all_are_right():
    left, right = registers(1500, 3)
    which = on_duckdb(left, right)
    engine.compare(which)
    wrong, found = which.rows(
        "SELECT count(*) FILTER (substr(l.id, 2) <> substr(r.id, 2)), count(*) FROM pairs"
        " JOIN l_raw AS l ON l.n = ln JOIN r_raw AS r ON r.n = rn"
    )[0]
    shared = len({row[1][1:] for row in left} & {row[1][1:] for row in right})
    assert wrong <= 0.01 * found and found - wrong >= 0.97 * shared


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_spark_finds_the_same_pairs(tmp_path, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    left, right = registers(320, 5)
    which = on_duckdb(left, right)
    measured = engine.compare(which)
    builder = sql.SparkSession.builder.master("local[2]").appName("jinzhi")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
        "spark.local.dir": str(tmp_path),
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        columns = "n bigint, " + ", ".join(f"{role} string" for role in ROLES)
        for side, rows in (("l", left), ("r", right)):
            session.createDataFrame(rows, columns).createOrReplaceTempView(f"{side}_raw")
        other = engine.Spark(session)
        again = engine.compare(other)
        assert pairs(other) == pairs(which) and len(pairs(which)) > 200
        assert {c.kind: round(c.probability, 6) for c in again} == {
            c.kind: round(c.probability, 6) for c in measured
        }
        doubts = "SELECT ln, rn, stage FROM p_suspected"
        assert set(other.rows(doubts)) == set(which.rows(doubts))
    finally:
        session.stop()
