"""Which candidates are the same. Evidence is weighed (Fellegi and Sunter: log2(m/u) for each level), which orders the
candidates of a row; whether a kind of evidence is worth anything here is measured, without any truth, against chance.

Chance: rows that the cascade has paired need no further partner, so whatever candidate they find among the rows the
other side has left is a coincidence. How often a kind of evidence occurs among them, against how often it occurs among
the rows still looking, is the share of coincidences: 1 − chance/observed is the probability of that kind.
"""

from dataclasses import dataclass

WEIGHTS: dict[str, dict[int, float]] = {
    "name": {6: 8.0, 5: 6.5, 4: 6.0, 3: 3.0, 2: 1.5, 1: -1.0, 0: -4.0},
    "place": {4: 6.5, 3: 5.5, 2: 2.5, 1: 0.0, 0: -3.5, -1: 0.0},
    "phone": {2: 6.5, 1: 2.0, 0: -1.5, -1: 0.0},
    "code": {2: 10.0, 1: 6.5, 0: -1.5, -1: 0.0},
    "region": {1: 0.5, 0: -4.0, -1: 0.0},
}
PRIOR = -4.5
MATCH, REVIEW = 0.55, 0.2
MATCH_UNMEASURED = 0.95  # where the weights alone speak
TRUST = 5.0  # the weights count as much as so many observed rows
ENOUGH = 200  # paired rows; with fewer nothing can be measured

# one number for a kind of evidence: level of the name, level of the place, and whether the rest speaks for or against
KIND = """name * 100 + (place + 1) * 10 + CASE WHEN phone >= 1 OR code >= 1 THEN 2
    WHEN region = 0 OR phone = 0 OR code = 0 THEN 0 ELSE 1 END"""


@dataclass(frozen=True)
class Class:
    """What was observed of one kind of evidence: rows whose best candidate is of it, and how many by chance."""

    kind: int
    weighed: float  # probability by the weights alone
    observed: float
    chance: float

    @property
    def probability(self) -> float:
        measured = 1 - min(1.0, self.chance / self.observed) if self.observed else 0.0
        return (TRUST * self.weighed + self.observed * measured) / (TRUST + self.observed)


def weighed(features: str) -> str:
    """Features with `fine` (order among the candidates of a row), `p` by the weights alone and the kind of evidence."""
    terms = [
        f"CASE {name} " + " ".join(f"WHEN {level} THEN {w}" for level, w in levels.items()) + " ELSE 0.0 END"
        for name, levels in WEIGHTS.items()
    ]
    return f"""
    SELECT ln, rn, kind, w + alike * 0.5 + near * 0.25 AS fine, 1.0 / (1.0 + power(2.0, -w)) AS p FROM (
        SELECT ln, rn, alike, near, {KIND} AS kind, least(greatest({PRIOR} + {" + ".join(terms)}, -40.0), 40.0) AS w
        FROM {features}) AS f"""


def counted(table: str, side: str) -> str:
    """(kind, rows of the side whose best candidate is of this kind, mean p)."""
    return f"""
    SELECT kind, count(*) AS c, avg(p) AS p FROM (
        SELECT kind, p, row_number() OVER (PARTITION BY {side}n ORDER BY fine DESC, ln, rn) AS i FROM {table}) AS x
    WHERE i = 1 GROUP BY kind"""


def classes(observed: dict[str, dict], chance: dict[str, dict], ratio: dict[str, float]) -> list[Class]:
    """One for each kind; `ratio` is rows still looking for each paired row sampled. The two sides are averaged."""
    found = []
    for kind in sorted(set(observed["l"]) | set(observed["r"])):
        seen = [observed[s].get(kind, (0, 0.0)) for s in "lr"]
        lucky = [chance[s].get(kind, (0, 0.0))[0] * ratio[s] for s in "lr"]
        rows = sum(count for count, _ in seen)
        mean = sum(count * p for count, p in seen) / rows if rows else 0.0
        by_chance = sum(min(c, n[0]) for c, n in zip(lucky, seen, strict=True))
        found.append(Class(kind, mean, rows / 2, by_chance / 2))
    return found


def judged(found: list[Class]) -> str:
    """weighed_open with the probability of its kind of evidence as `score`."""
    cases = " ".join(f"WHEN {c.kind} THEN {c.probability:.4f}" for c in found)
    score = f"CASE kind {cases} ELSE 0.0 END" if found else "p"
    return f"SELECT ln, rn, fine, {score} AS score FROM weighed_open"


def best(match: float) -> str:
    """Pairs above the threshold that are the best for both their rows (two equally good ones are both kept)."""
    return f"""
    SELECT ln, rn, 'model' AS stage, score FROM (
        SELECT ln, rn, score, count(*) OVER (PARTITION BY ln) AS a, count(*) OVER (PARTITION BY rn) AS b FROM (
            SELECT *, max(fine) OVER (PARTITION BY ln) AS ml, max(fine) OVER (PARTITION BY rn) AS mr
            FROM judged) AS s WHERE fine >= ml - 0.01 AND fine >= mr - 0.01 AND score >= {match}) AS t
    WHERE a <= 2 AND b <= 2"""


def suspected() -> str:
    """Pairs for a person to look at: probable ones that were not taken, at most three of each row."""
    return f"""
    SELECT ln, rn, 'model' AS stage, score FROM (
        SELECT s.*, row_number() OVER (PARTITION BY s.ln ORDER BY fine DESC, s.rn) AS i,
            row_number() OVER (PARTITION BY s.rn ORDER BY fine DESC, s.ln) AS j
        FROM judged AS s LEFT JOIN (SELECT DISTINCT ln FROM p_model) AS a ON a.ln = s.ln
        LEFT JOIN (SELECT DISTINCT rn FROM p_model) AS b ON b.rn = s.rn
        WHERE score >= {REVIEW} AND a.ln IS NULL AND b.rn IS NULL) AS x WHERE i <= 3 AND j <= 3"""
