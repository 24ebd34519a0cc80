"""Division codes against the published lists: what exists today, and what existed in Zhejiang since 1980."""

import csv
import gzip
from datetime import date

import pytest
from django.conf import settings

from jinzhi.foundation.codes import check, regions

FOLDER = settings.BASE_DIR.parent / "shared" / "data" / "admin_divisions"
pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif(not FOLDER.exists(), reason="the reference data are not beside the project"),
    pytest.mark.django_db,
]

# what python-stdnum's table lacks: places without counties of their own, islands of 2020, an administrative committee
NOT_LISTED = {"460321", "460322", "460323", "620201", "632857"}


def _rows(name):
    with gzip.open(FOLDER / f"{name}.csv.gz", "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(autouse=True)
def fresh_table():
    regions.forget()


def test_every_county_of_the_2023_list_exists_today():
    rows = _rows("nbs2023_areas")
    answers = [check("division", row["code"], date(2023, 6, 30)) for row in rows]
    assert len(rows) == 2978
    assert {answer.value for answer in answers if not answer.valid} == NOT_LISTED
    told = {problem.code for answer in answers for problem in answer.warnings}
    assert told == {"zone"}


def test_every_code_zhejiang_ever_had_is_known():
    codes = {row["code"] for row in _rows("gb2260_revisions") if row["code"].startswith("33")}
    unknown = [code for code in sorted(codes) if not check("division", code).valid]
    assert unknown == []
