"""The notices shipped here, compared with an open data set of holidays and make-up days, row by row."""

import csv
import gzip
from collections import Counter
from datetime import date

import pytest
from django.conf import settings

from jinzhi.foundation.calendar import building, checks, notices

PUBLISHED = settings.BASE_DIR.parent / "shared" / "data" / "calendar" / "china_holidays_workdays.csv.gz"
WORKDAYS = {2006: 251, 2007: 249, 2008: 251, 2009: 250, 2024: 251, 2025: 248, 2026: 248}
NOT_PUBLISHED = {date(2005, 12, 31)}  # held here as a change from memory, missing in the data set
ROWS = {row.day: row for row in building.build(notices.shipped())}


@pytest.mark.reference
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the reference data are not beside the project")
def test_every_row_agrees_with_the_published_data():
    with gzip.open(PUBLISHED, "rt", encoding="utf-8") as lines:
        rows = [(date.fromisoformat(row["date"]), row["kind"]) for row in csv.DictReader(lines)]
    off = {day for day, kind in rows if kind in ("holiday", "in_lieu_day")}
    worked = {day for day, kind in rows if kind == "makeup_workday"}
    assert len(rows) == 922
    for day in off:
        assert not ROWS[day].is_workday, day
    for day in worked:
        assert ROWS[day].kind == building.MAKEUP, day
    ours = [row for day, row in ROWS.items() if 2004 <= day.year <= 2026]
    assert {row.day for row in ours if row.kind == building.MAKEUP} - worked == NOT_PUBLISHED
    assert {row.day for row in ours if not row.is_workday and row.day.weekday() < 5} <= off


def test_working_days_of_a_year_are_as_many_as_recomputed_in_the_reference():
    counted = Counter(row.day.year for row in ROWS.values() if row.is_workday)
    assert {year: counted[year] for year in WORKDAYS} == WORKDAYS


def test_the_shipped_notices_are_plausible():
    assert checks.check() == []


def test_years_without_a_notice_are_provisional_and_follow_the_fixed_statutory_days():
    assert not any(row.provisional for row in ROWS.values() if row.day.year <= 2026)
    assert all(row.provisional for row in ROWS.values() if row.day.year >= 2027)
    assert not ROWS[date(2027, 10, 1)].is_workday and not ROWS[date(2028, 5, 2)].is_workday
    assert ROWS[date(2027, 1, 4)].is_workday and ROWS[date(2027, 10, 4)].is_workday


def test_a_day_said_differently_by_a_later_change_follows_the_change():
    assert not ROWS[date(2020, 2, 1)].is_workday  # worked by the annual notice, off by the extension
    assert ROWS[date(2019, 4, 28)].is_workday and not ROWS[date(2019, 5, 3)].is_workday
    assert not ROWS[date(2015, 9, 3)].is_workday and ROWS[date(2015, 9, 6)].is_workday
