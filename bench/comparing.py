"""Two registers compared: time, peak memory, precision and recall on a known truth, beside Splink alone in the same run.

`python bench/comparing.py [ROWS …]`: spoiled registers of so many rows on each side (200,000; --full: one and ten million),
then the three offices of the Chicago businesses and the Febrl sets where the reference data lie beside the repository.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import spoiling

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")

from jinzhi.registry.matching import results, running

SHARED = Path(__file__).parents[2] / "shared" / "data"
SAME = ", ".join(f"'{kind}'" for kind in results.SAME)
CHICAGO = (("inspection", "licence"), ("inspection", "inspector"), ("licence", "inspector"))


def quality(base, found: str) -> str:
    """Precision, recall and F1 of the pairs of a table (left_id, right_id) against `truth`."""
    said, right, both = base.execute(f"""
    SELECT (SELECT count(*) FROM (SELECT DISTINCT left_id, right_id FROM {found})), (SELECT count(*) FROM truth),
        (SELECT count(*) FROM (SELECT DISTINCT left_id, right_id FROM {found}) JOIN truth USING (left_id, right_id))
    """).fetchall()[0]
    p, r = both / max(said, 1), both / max(right, 1)
    return f"precision {p:.4f}, recall {r:.4f}, F1 {2 * p * r / max(p + r, 1e-9):.4f}"


def judge(base, title: str, seconds: float) -> None:
    base.execute(
        f"CREATE OR REPLACE TABLE same AS SELECT left_id, right_id FROM result WHERE kind IN ({SAME})"
    )
    print(
        f"compare | {title}, cascade and measured evidence | {seconds:.1f} s | {quality(base, 'same')}",
        flush=True,
    )


def alone(base, title: str) -> None:
    """Splink alone on the sides as prepared."""
    try:
        import splinking
    except ImportError as missing:
        print(f"compare | {title}, Splink alone | left out | {missing}")
        return
    began = time.perf_counter()
    rows = splinking.pairs(base)
    seconds = time.perf_counter() - began
    base.execute("CREATE OR REPLACE TABLE splink_pairs (ln bigint, rn bigint)")
    base.execute(
        "INSERT INTO splink_pairs SELECT unnest($l), unnest($r)",
        {"l": [r[0] for r in rows], "r": [r[1] for r in rows]},
    )
    base.execute("""CREATE OR REPLACE TABLE splink_same AS SELECT l.id AS left_id, r.id AS right_id FROM splink_pairs
        JOIN l_raw AS l ON l.n = ln JOIN r_raw AS r ON r.n = rn""")
    print(f"compare | {title}, Splink alone | {seconds:.1f} s | {quality(base, 'splink_same')}", flush=True)


def spoiled(rows: int) -> None:
    roles = {role: [role] for role in ("id", "code", "name", "address", "phone")}
    steps: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        spoiling.write(rows, Path(folder))
        with running.database("6GB" if rows > 2_000_000 else "4GB") as base:
            began = time.perf_counter()
            sides = (
                running.file_loader(Path(folder) / f"{side}.parquet", roles) for side in ("left", "right")
            )
            running.compare(base, *sides, lambda title, done: steps.append((title, time.perf_counter())))
            seconds = time.perf_counter() - began
            spoiling.truth(base)
            judge(base, f"{rows:,} × {rows:,}", seconds)
            if rows <= 200_000:
                alone(base, f"{rows:,} × {rows:,}")
    ends = [at for _, at in steps[1:]] + [began + seconds]
    told = ", ".join(f"{title} {end - at:.0f} s" for (title, at), end in zip(steps, ends, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    print(
        f"compare | {rows:,} × {rows:,}, steps | {told} | peak of the process so far {peak:.1f} GB",
        flush=True,
    )


def chicago() -> None:
    folder = SHARED / "linkage_chicago_business"
    roles = {"id": ["record_id"], "name": ["name"], "other_name": ["alt_name"], "address": ["address", "zip"]}
    with tempfile.TemporaryDirectory() as temporary:
        for source in {name for pair in CHICAGO for name in pair}:
            duckdb.execute(
                f"COPY (SELECT * FROM read_csv('{folder}/records.csv.gz', all_varchar = true)"
                f" WHERE source = '{source}') TO '{temporary}/{source}.csv' (HEADER)"
            )
        for pair in CHICAGO:
            with running.database() as base:
                began = time.perf_counter()
                running.compare(
                    base, *(running.file_loader(Path(temporary) / f"{s}.csv", roles) for s in pair)
                )
                seconds = time.perf_counter() - began
                base.execute(f"""CREATE TABLE truth AS WITH t AS (
                    SELECT * FROM read_csv('{folder}/truth.csv.gz', all_varchar = true))
                    SELECT l.id AS left_id, r.id AS right_id FROM l_raw AS l JOIN t AS a ON a.record_id = l.id
                    JOIN t AS b USING (entity_id) JOIN r_raw AS r ON r.id = b.record_id""")
                judge(base, f"Chicago {pair[0]}–{pair[1]}", seconds)
                alone(base, f"Chicago {pair[0]}–{pair[1]}")


def febrl() -> None:
    folder = SHARED / "linkage_benchmarks"
    address = ["street_number", "address_1", "address_2", "suburb", "postcode", "state"]
    roles = {"id": ["rec_id"], "name": ["given_name", "surname"], "address": address}
    for title, more in (("names and addresses", {}), ("with date of birth", {"phone": ["date_of_birth"]})):
        with running.database() as base:
            began = time.perf_counter()
            sides = (folder / f"febrl_dataset{n}.csv.gz" for n in ("4a", "4b"))
            running.compare(base, *(running.file_loader(path, roles | more) for path in sides))
            seconds = time.perf_counter() - began
            base.execute("""CREATE TABLE truth AS SELECT l.id AS left_id, r.id AS right_id FROM l_raw AS l
                JOIN r_raw AS r ON split_part(l.id, '-', 2) = split_part(r.id, '-', 2)""")
            judge(base, f"Febrl 4, {title}", seconds)
            alone(base, f"Febrl 4, {title}")


if __name__ == "__main__":
    sizes = [int(a) for a in sys.argv[1:] if a.isdigit()]
    for count in sizes or ([1_000_000, 10_000_000] if "--full" in sys.argv else [200_000]):
        spoiled(count)
    if SHARED.is_dir():
        chicago()
        febrl()
