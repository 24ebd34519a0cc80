"""Small registers to compare, and one way to compare them."""

import csv

import pytest

from jinzhi.registry.matching import mapping, running

COLUMNS = ("id", "code", "name", "other_name", "address", "phone")


def write(path, rows, columns=COLUMNS, encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        writer.writerows([[row.get(c, "") for c in columns] for row in rows])
    return path


@pytest.fixture
def compared(tmp_path):
    """compared(left rows, right rows) → (counts, {(left_id, right_id): (kind, stage)})."""

    def run(left, right):
        roles = {role: [role] for role in COLUMNS}
        one, other = write(tmp_path / "l.csv", left), write(tmp_path / "r.csv", right)
        out = tmp_path / "out.csv"
        outcome = running.compare_files(one, other, mapping.Mapping(roles, roles), out)
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return outcome.counts, {(r["left_id"], r["right_id"]): (r["kind"], r["stage"]) for r in rows}

    return run


def of(id_, name, code="", address="", phone="", other_name=""):
    return {
        "id": id_,
        "name": name,
        "code": code,
        "address": address,
        "phone": phone,
        "other_name": other_name,
    }
