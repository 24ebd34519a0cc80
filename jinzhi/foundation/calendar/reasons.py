"""Why a period ends on its day, as sentences: articles, special days on the way, what is uncertain."""

from collections.abc import Iterator
from datetime import date, timedelta

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.table import Special, Table

WEEK = "一二三四五六日"
LISTED = 3  # weekdays off named one by one up to here, as a span beyond
SAME_BLOCK = 4  # days between two days off of one block, a weekend between them included
LATE_DECEMBER = 24  # from here on the next year's notice has moved days (New Year 2007, 2008, 2012, 2019)


def shown(day: date) -> str:
    return f"{day}（周{WEEK[day.weekday()]}）"


def _article(key: str, on: date) -> str:
    """`（《民法典》第二百零一条）`, or nothing where no rule was in force."""
    try:
        return f"（{rules.value(key, on).basis}）"
    except rules.NoRule:
        return ""


def workdays(days: Table, start: date, limit: int, end: date) -> list[str]:
    sentences = [
        _beginning(start),
        f"按工作日计算，不含法定节假日{_article('calendar.workdays_only', start)}",
    ]
    met = days.specials_between(start, end)
    sentences += list(_specials(met))
    sentences += _notices(days, met)
    weekends = sum(1 for _ in _plain_weekend_days(days, start, end))
    if weekends:
        sentences.append(f"其间另有 {weekends} 个普通周六、周日，不计")
    sentences.append(f"第 {limit} 个工作日为 {shown(end)}")
    return sentences + _uncertainty(days, start + timedelta(1), end)


def rolled(days: Table, start: date, limit: int, unit: str, raw: date, end: date) -> list[str]:
    sentences = [_beginning(start)]
    if unit == "day":
        sentences.append(f"按自然日计算，第 {limit} 日为 {shown(raw)}")
    else:
        word = "个月" if unit == "month" else "年"
        clamped = "，该月没有对应日，以月末日为准" if raw.day != start.day else ""
        article = _article("calendar.corresponding_day", start)
        sentences.append(f"{limit} {word}后的对应日为 {shown(raw)}{clamped}{article}")
    if raw == end:
        if raw.weekday() >= 5:
            sentences += list(_specials(days.specials_between(raw - timedelta(1), raw)))
        return sentences + _uncertainty(days, raw, end)
    sentences.append(
        f"{shown(raw)}{_rest(days, raw)}，顺延至休息日结束的次日{_article('calendar.roll_forward', raw)}"
    )
    met = days.specials_between(raw - timedelta(1), end)
    sentences += list(_specials(met))
    sentences += _notices(days, met)
    sentences.append(f"期限届满日为 {shown(end)}")
    return sentences + _uncertainty(days, raw, end)


def _beginning(start: date) -> str:
    next_day = start + timedelta(1)
    article = _article("calendar.start_day_excluded", start)
    return f"{shown(start)}为起算当日，不计入，自 {shown(next_day)}起算{article}"


def _rest(days: Table, day: date) -> str:
    name = days.kind_and_note(day)[1]
    return f"在{name}假期内" if name else "是休息日"


def _specials(met: list[Special]) -> Iterator[str]:
    """One sentence for each worked weekend day and for each festival's weekdays off."""
    for block in _blocks(met):
        first, last, name = shown(block[0].day), shown(block[-1].day), block[0].name
        if block[0].works:
            yield from (f"{shown(special.day)}因{name}调休上班，计为工作日" for special in block)
        elif len(block) <= LISTED:
            yield f"{'、'.join(shown(special.day) for special in block)}因{name}放假，不计"
        else:
            yield f"{first}至 {last}因{name}放假，其间周一至周五的 {len(block)} 天不计"


def _blocks(met: list[Special]) -> Iterator[list[Special]]:
    """Special days of one festival that follow each other closely."""
    block: list[Special] = []
    for special in met:
        if block and (special[1:] != block[-1][1:] or (special.day - block[-1].day).days > SAME_BLOCK):
            yield block
            block = []
        block.append(special)
    if block:
        yield block


def _notices(days: Table, met: list[Special]) -> list[str]:
    """The notices that made the days special; a New Year in December is of the next year's notice."""
    years = {special.day.year + (special.day.month == 12 and "元旦" in special.name) for special in met}
    labels = [days.notices[year] for year in sorted(years) if year in days.notices]
    return [f"放假与调休依据{'、'.join(labels)}"] if labels else []


def _plain_weekend_days(days: Table, start: date, end: date) -> Iterator[date]:
    day = start + timedelta(1)
    while day <= end:
        if day.weekday() >= 5 and not days.is_workday(day):
            yield day
        day += timedelta(1)


def _uncertainty(days: Table, first: date, last: date) -> list[str]:
    """What a notice that is still to come may change."""
    years = [
        year
        for year in range(first.year, last.year + 1)
        if not days.covers(date(year, 12, 31)) or days.is_provisional(date(year, 12, 31))
    ]
    if years:
        named = "、".join(f"{year} 年" for year in years)
        return [f"{named}的放假通知尚未录入，暂按周一至周五并扣除日期固定的法定节日推算，通知发布后可能变动"]
    late = date(last.year, 12, LATE_DECEMBER)
    following = date(last.year + 1, 1, 1)
    if last >= late and (not days.covers(following) or days.is_provisional(following)):
        return [f"{following.year} 年的放假通知尚未录入，元旦调休可能影响 12 月末的日期"]
    return []
