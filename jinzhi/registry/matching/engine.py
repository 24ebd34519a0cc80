"""The whole comparison as a sequence of statements, for whichever engine holds the two sides as `l_raw` and `r_raw`.

Afterwards `pairs` (ln, rn, stage, score) are the same, `p_suspected` may be, and `l_side`, `r_side` hold the forms.
"""

from collections.abc import Callable
from typing import Any, Protocol

from jinzhi.registry.matching import cascade, deciding, preparing
from jinzhi.registry.matching.dialect import DUCKDB, SPARK, Dialect

SAMPLE = 50_000
CERTAIN = ["p_code", "p_place", "p_name", "p_core"]
Progress = Callable[[str, int], None]


class Engine(Protocol):
    """What holds tables and runs SQL."""

    dialect: Dialect

    def table(self, name: str, query: str) -> None: ...

    def rows(self, query: str) -> list[tuple]: ...


class DuckDB:
    """Tables in a DuckDB database; what does not fit into its memory goes to its temporary directory."""

    dialect = DUCKDB

    def __init__(self, connection: Any):
        self.connection = connection

    def table(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()


class Spark:
    """Views in a Spark session, each computed once."""

    dialect = SPARK

    def __init__(self, session: Any):
        self.session = session

    def table(self, name: str, query: str) -> None:
        self.session.sql(query).localCheckpoint().createOrReplaceTempView(name)

    def rows(self, query: str) -> list[tuple]:
        return [tuple(row) for row in self.session.sql(query).collect()]


def compare(engine: Engine, progress: Progress = lambda title, done: None) -> list[deciding.Class]:
    """Run all stages; what was measured of each kind of evidence is returned for the record."""
    d, table = engine.dialect, engine.table
    for done, side in ((5, "l"), (20, "r")):
        progress("统一写法", done)
        for name, query in preparing.statements(side, d):
            table(name, query)
    progress("按代码比对", 35)
    known = _opaque(engine)
    table("p_code", cascade.by_code(d, known))
    progress("按名称和地址比对", 45)
    for side in preparing.SIDES:
        table(f"{side}_fresh", cascade.left_over(side, CERTAIN[:1]))
    table("p_place", cascade.by_name_and_place(d, known))
    for step, rule in ((2, cascade.by_name), (3, cascade.by_core_and_place)):
        for side in preparing.SIDES:
            table(f"{side}_{'rest' if step == 2 else 'left'}", cascade.left_over(side, CERTAIN[:step]))
        table(CERTAIN[step], rule(d, known))
    progress("查找相近的", 60)
    for side in preparing.SIDES:
        table(f"{side}_open", cascade.left_over(side, CERTAIN))
        table(f"{side}_open_keys", cascade.keys(f"{side}_open", d))
    _weigh(engine, known, "open", "l_open_keys", "r_open_keys")
    progress("判断相近的", 75)
    found = _measure(engine, known)
    table("judged", deciding.judged(found))
    table("p_model", deciding.best(deciding.MATCH if found else deciding.MATCH_UNMEASURED))
    table("p_doubt", deciding.suspected())
    table("p_suspected", f"SELECT * FROM p_doubt UNION ALL {cascade.one_organisation_two_codes()}")
    union = " UNION ALL ".join(f"SELECT ln, rn, stage, score FROM {name}" for name in [*CERTAIN, "p_model"])
    table(
        "pairs",
        f"SELECT ln, rn, min(stage) AS stage, max(score) AS score FROM ({union}) AS u GROUP BY ln, rn",
    )
    progress("归类", 85)
    return found


def _opaque(engine: Engine) -> cascade.Judged:
    """Codes without check characters count where nearly each row has its own; they tell apart where they mostly agree."""
    left, right, agree, equal = engine.rows(cascade.opaque_codes())[0]
    own = min(left or 0, right or 0) > 0.5
    return cascade.Judged(opaque_same=own and bool(equal), opaque_differs=own and (agree or 0) >= 0.5)


def _weigh(engine: Engine, known: cascade.Judged, name: str, left: str, right: str) -> None:
    engine.table(f"blocks_{name}", cascade.blocks(left, right))
    engine.table(f"cand_{name}", cascade.candidates(f"blocks_{name}", left, right, engine.dialect, known))
    engine.table(f"features_{name}", cascade.features(f"cand_{name}", engine.dialect))
    engine.table(f"weighed_{name}", deciding.weighed(f"features_{name}"))


def _measure(engine: Engine, known: cascade.Judged) -> list[deciding.Class]:
    """The kinds of evidence of the open rows against those of paired rows, from both sides."""
    observed: dict[str, dict] = {}
    chance: dict[str, dict] = {}
    ratio: dict[str, float] = {}
    for side, other in (("l", "r"), ("r", "l")):
        observed[side] = _counts(engine, "weighed_open", side)
        paired = " UNION ALL ".join(f"SELECT {side}n AS n FROM {name}" for name in CERTAIN)
        certain = engine.rows(f"SELECT count(DISTINCT n) FROM ({paired}) AS p")[0][0]
        if certain < deciding.ENOUGH:
            return []
        engine.table(f"{side}_certain", cascade.certain_sample(side, CERTAIN, max(1, certain // SAMPLE)))
        engine.table(f"{side}_certain_keys", cascade.keys(f"{side}_certain", engine.dialect))
        keys = {side: f"{side}_certain_keys", other: f"{other}_open_keys"}
        _weigh(engine, known, f"{side}_chance", keys["l"], keys["r"])
        chance[side] = _counts(engine, f"weighed_{side}_chance", side)
        sampled, looking = (
            engine.rows(f"SELECT count(*) FROM {side}_{t}")[0][0] for t in ("certain", "open")
        )
        ratio[side] = looking / max(sampled, 1)
    return deciding.classes(observed, chance, ratio)


def _counts(engine: Engine, table: str, side: str) -> dict[int, tuple[int, float]]:
    return {kind: (count, p) for kind, count, p in engine.rows(deciding.counted(table, side))}
