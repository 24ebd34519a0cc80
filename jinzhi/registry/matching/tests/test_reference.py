"""Precision and recall on real businesses named by three offices, and on made-up people with mistakes."""

from pathlib import Path

import duckdb
import pytest
from django.conf import settings

from jinzhi.registry.matching import running

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(
        not (DATA / "linkage_chicago_business").is_dir(), reason="no reference data beside the project"
    ),
]
SAME = "('matched', 'changed', 'name_differs')"


def quality(base, truth: str) -> tuple[float, float]:
    said, right, both = base.execute(f"""
    WITH s AS (SELECT DISTINCT left_id, right_id FROM result WHERE kind IN {SAME}), t AS ({truth})
    SELECT (SELECT count(*) FROM s), (SELECT count(*) FROM t), (SELECT count(*) FROM s JOIN t USING (left_id, right_id))
    """).fetchall()[0]
    return both / said, both / right


@pytest.mark.parametrize(
    ("left", "right", "precision", "recall"),
    [("inspection", "licence", 0.94, 0.94), ("inspection", "inspector", 0.81, 0.93), ("licence", "inspector", 0.85, 0.92)],
)  # fmt: skip
def test_businesses_of_three_offices(tmp_path, left, right, precision, recall):
    folder = DATA / "linkage_chicago_business"
    roles = {"id": ["record_id"], "name": ["name"], "other_name": ["alt_name"], "address": ["address", "zip"]}
    for source in (left, right):
        duckdb.execute(
            f"COPY (SELECT * FROM read_csv('{folder}/records.csv.gz', all_varchar = true) WHERE source = '{source}')"
            f" TO '{tmp_path}/{source}.csv' (HEADER)"
        )
    with running.database() as base:
        running.compare(base, *(running.file_loader(tmp_path / f"{s}.csv", roles) for s in (left, right)))
        found = quality(
            base,
            f"""SELECT l.id AS left_id, r.id AS right_id FROM l_raw AS l
            JOIN read_csv('{folder}/truth.csv.gz', all_varchar = true) AS a ON a.record_id = l.id
            JOIN read_csv('{folder}/truth.csv.gz', all_varchar = true) AS b ON b.entity_id = a.entity_id
            JOIN r_raw AS r ON r.id = b.record_id""",
        )
    assert found[0] >= precision and found[1] >= recall


def test_people_with_mistakes():
    folder = DATA / "linkage_benchmarks"
    address = ["street_number", "address_1", "address_2", "suburb", "postcode", "state"]
    roles = {"id": ["rec_id"], "name": ["given_name", "surname"], "address": address}
    with running.database() as base:
        sides = (folder / f"febrl_dataset{n}.csv.gz" for n in ("4a", "4b"))
        running.compare(base, *(running.file_loader(path, roles) for path in sides))
        found = quality(
            base,
            """SELECT l.id AS left_id, r.id AS right_id FROM l_raw AS l
            JOIN r_raw AS r ON split_part(l.id, '-', 2) = split_part(r.id, '-', 2)""",
        )
    assert found[0] >= 0.99 and found[1] >= 0.88
