"""The text of a notice is read into the days that the shipped notices hold, or refused with the reason."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinzhi.foundation.calendar import notices, plausibility
from jinzhi.foundation.calendar.parser import LONGEST_TEXT, parse
from jinzhi.foundation.calendar.tests import texts

SHIPPED = {notice.year: notice for notice in notices.shipped() if notice.kind == "annual"}


def _days(holidays):
    off = {day for holiday in holidays for day in holiday.days_off() if day.weekday() < 5}
    return off, {day for holiday in holidays for day in holiday.work}


@pytest.mark.parametrize(
    ("year", "text"),
    [
        (2008, texts.OF_2008),
        (2017, texts.OF_2017),
        (2019, texts.OF_2019),
        (2025, texts.OF_2025),
        (2026, texts.OF_2026),
    ],
)
def test_the_wordings_of_twenty_years_are_read(year, text):
    parsed = parse(text, year)
    assert parsed.errors == []
    assert parsed.title_year == year
    assert _days(parsed.holidays) == _days(SHIPPED[year].holidays)
    assert plausibility.errors(parsed.holidays, year) == []


def test_number_and_date_of_issue_are_read():
    parsed = parse(texts.OF_2026, 2026)
    assert (parsed.number, parsed.issued_on) == ("国办发明电〔2025〕7号", date(2025, 11, 4))
    assert parse(texts.OF_2025, 2025).number == ""


@pytest.mark.parametrize(
    "typed",
    [
        texts.OF_2026.replace("\n", ""),
        texts.OF_2026.replace("\n", "\n\n  　"),
        texts.OF_2026.replace("（", "(").replace("）", ")").replace("：", ":"),
        texts.OF_2026.replace("1", "１").replace("周", "星期"),
        texts.OF_2026.replace("周日", "星期天").replace("至", " 至 "),
    ],
)
def test_how_the_text_was_pasted_does_not_matter(typed):
    parsed = parse(typed, 2026)
    assert parsed.errors == []
    assert _days(parsed.holidays) == _days(SHIPPED[2026].holidays)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("1月1日（周四）", "1月1日（周五）", "2026-01-01 写作周五，实际是周四"),
        ("共9天", "共8天", "写明共 8 天，按所列日期为 9 天"),
        ("至3日（周六）", "至32日（周六）", "不存在"),
        ("2月28日（周六）", "2月29日（周六）", "不存在"),
        ("四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。", "四、劳动节：另行通知。", "没有放假"),
        ("五、端午节：6月19日（周五）至21日（周日）放假，共3天。\n", "", "缺少端午节"),
        ("1月4日（周日）上班", "1月5日（周一）上班", "本来就是周一至周五"),
        ("1月4日（周日）上班", "1月3日（周六）上班", "既放假（元旦）又上班（元旦）"),
        ("9月20日（周日）", "2月28日（周六）", "重复列出"),
        ("10月1日（周四）至7日", "10月2日（周五）至7日", "2026-10-01 是法定放假日"),
        ("6月19日（周五）至21日（周日）", "9月25日（周五）至27日（周日）", "同时列在"),
    ],
)
def test_an_impossible_notice_is_refused_with_the_reason(old, new, says):
    parsed = parse(texts.OF_2026.replace(old, new), 2026)
    problems = parsed.errors + plausibility.errors(parsed.holidays, 2026)
    assert any(says in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("5月9日（周六）上班", "", "净放假 14 天，法定为 13 天"),
        ("2月28日（周六）上班", "2月8日（周日）上班", "连续工作 7 天"),
    ],
)
def test_an_unlikely_notice_is_warned_of(old, new, says):
    parsed = parse(texts.OF_2026.replace(old, new), 2026)
    assert parsed.errors == []
    assert any(says in warning for warning in plausibility.warnings(parsed.holidays, 2026))


@pytest.mark.parametrize("year", [2025, 2026])
def test_real_notices_since_the_rule_of_six_days_keep_it(year):
    assert plausibility.warnings(list(SHIPPED[year].holidays), year) == []


def test_weekdays_tell_which_year_a_text_is_for():
    parsed = parse(texts.ITEMS_2026, 2027)
    assert parsed.wrong_weekdays and 2026 in parsed.years_that_fit and 2027 not in parsed.years_that_fit


@given(st.text(max_size=300) | st.text("一二、元旦：1月2日至（周六）放假上班共3天。\n", max_size=200))
def test_no_text_breaks_the_parser(text):
    parsed = parse(text, 2027)
    assert parsed.errors or parsed.holidays


def test_a_book_is_not_a_notice():
    assert "过长" in parse("一" * (LONGEST_TEXT + 1), 2027).errors[0]
