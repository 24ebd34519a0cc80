"""Legal periods end where a day-by-day count ends, and say why."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinzhi.foundation import calendar
from jinzhi.foundation.calendar import arithmetic, building, notices
from jinzhi.foundation.calendar.table import CalendarError, Table
from jinzhi.foundation.rules.library import read_yaml

CASES = read_yaml(Path(calendar.__file__).parent / "cases" / "due.yaml")["cases"]
ROWS = building.build(notices.shipped())
TABLE = Table([(r.day, r.is_workday, r.kind, r.provisional, r.note) for r in ROWS])
WORKED = {row.day for row in ROWS if row.is_workday}
STARTS = st.dates(date(2004, 1, 1), date(2033, 12, 31))


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['start']}+{c['limit']}{c['unit']}")
def test_worked_example(case):
    found = calendar.due(case["start"], case["limit"], case["unit"])
    assert found.date == case["due"], found.why
    assert found.provisional is case.get("provisional", False)
    assert case.get("says", "") in "；".join(found.why)


@given(STARTS, st.integers(1, 400))
def test_workdays_agree_with_counting_day_by_day(start, limit):
    day, left = start, limit
    while left:
        day += timedelta(1)
        left -= day in WORKED
    found = calendar.due(start, limit, table=TABLE)
    assert found.date == day and day in WORKED
    assert found.provisional == (day.year >= 2027)


@given(STARTS, st.integers(1, 365), st.sampled_from(["day", "month", "year"]))
def test_other_limits_end_on_the_first_working_day_from_their_raw_end(start, limit, unit):
    limit = {"day": limit, "month": limit % 12 + 1, "year": limit % 2 + 1}[unit]
    found = calendar.due(start, limit, unit, table=TABLE).date
    months = limit * (12 if unit == "year" else 1)
    raw = start + timedelta(limit) if unit == "day" else arithmetic.add_months(start, months)
    assert found in WORKED and raw <= found
    assert not WORKED.intersection(notices.days(raw, found - timedelta(1)))


@given(STARTS, st.integers(1, 100))
def test_months_end_on_the_corresponding_day_or_the_last_of_the_month(start, months):
    end = arithmetic.add_months(start, months)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(1)).day == 1)


@given(STARTS, STARTS)
def test_ordinals_grow_with_working_days_and_lead_back_to_them(one, other):
    first, last = sorted((one, other))
    assert TABLE.ordinal(first) <= TABLE.ordinal(last)
    step = TABLE.ordinal(first) - TABLE.ordinal(first - timedelta(1))
    assert step == TABLE.is_workday(first) == (first in WORKED)
    worked = TABLE.day_of(TABLE.ordinal(first))
    assert worked <= first and TABLE.ordinal(worked) == TABLE.ordinal(first) and worked in WORKED


@given(STARTS, st.integers(1, 60), st.sampled_from(["workday", "day", "month"]))
def test_the_reasons_name_every_special_day(start, limit, unit):
    found = calendar.due(start, limit, unit, table=TABLE)
    said = "；".join(found.why)
    assert f"{found.date}（周" in said
    for special in TABLE.specials_between(start, found.date):
        if unit == "workday" and special.works:
            assert (
                f"{special.day}（周{'一二三四五六日'[special.day.weekday()]}）因{special.name}调休上班"
                in said
            )
    assert ("放假通知尚未录入" in said) >= found.provisional


@pytest.mark.parametrize(
    ("start", "limit", "unit", "says"),
    [
        (date(2026, 1, 1), 0, "workday", "1 至 2500"),
        (date(2026, 1, 1), -3, "day", "1 至 3660"),
        (date(2026, 1, 1), 121, "month", "1 至 120"),
        (date(2026, 1, 1), 5, "week", "不认识的期限单位"),
        (date(1999, 1, 1), 5, "workday", "不在工作日历范围内"),
        (date(2035, 12, 20), 50, "workday", "超出工作日历范围"),
        (date(9999, 12, 1), 60, "day", "超出可计算的日期范围"),
        (date(9999, 12, 1), 2, "month", "超出可计算的日期范围"),
    ],
)
def test_a_question_without_an_answer_is_refused_in_words(start, limit, unit, says):
    with pytest.raises(CalendarError, match=says):
        calendar.due(start, limit, unit, table=TABLE)


def test_beyond_the_table_natural_limits_are_provisional():
    found = calendar.due(date(2040, 9, 1), 30, "day", table=TABLE)
    assert found.date == date(2040, 10, 4) and found.provisional


def test_an_empty_calendar_says_what_to_do():
    with pytest.raises(CalendarError, match="jinzhi load"):
        calendar.due(date(2026, 1, 5), 5, table=Table([]))


@pytest.mark.django_db
def test_questions_about_single_days():
    assert calendar.is_workday(date(2026, 2, 14)) and not calendar.is_workday(date(2026, 2, 16))
    assert calendar.workdays_between(date(2026, 2, 10), date(2026, 3, 2)) == 10
    assert calendar.is_provisional(date(2027, 1, 4)) and not calendar.is_provisional(date(2026, 1, 4))
    assert calendar.day_of(calendar.ordinal(date(2026, 3, 2))) == date(2026, 3, 2)
