"""Whether a holiday notice can be right for its year. Errors refuse it; warnings ask a person to look."""

from collections.abc import Iterator
from datetime import date, timedelta

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.building import LAST, statutory_days
from jinzhi.foundation.calendar.notices import Holiday, days

EARLIEST_YEAR = 2004
DECEMBER = 20  # a New Year block may begin this late in the year before


def errors(holidays: list[Holiday], year: int, annual: bool = True) -> list[str]:
    found = list(_overlaps(holidays))
    for holiday in holidays:
        found += _dates(holiday, year, annual)
    if annual:
        found += _missing(holidays, year)
    return found


def _dates(holiday: Holiday, year: int, annual: bool) -> Iterator[str]:
    first, last = date(year - 1, 12, DECEMBER), date(year, 12, 31)
    for day in [*holiday.days_off(), *holiday.work]:
        if not first <= day <= last:
            yield f"{holiday.name}：{day} 不在 {year} 年内"
    if annual:
        for day in holiday.work:
            if day.weekday() < 5:
                yield f"{holiday.name}：调休上班的 {day} 本来就是周一至周五"


def _overlaps(holidays: list[Holiday]) -> Iterator[str]:
    off: dict[date, str] = {}
    for holiday in holidays:
        for day in holiday.days_off():
            if off.setdefault(day, holiday.name) != holiday.name:
                yield f"{day} 同时列在{off[day]}和{holiday.name}"
    worked: dict[date, str] = {}
    for holiday in holidays:
        for day in holiday.work:
            if day in off:
                yield f"{day} 既放假（{off[day]}）又上班（{holiday.name}）"
            if day in worked:
                yield f"{day} 的调休上班重复列出"
            worked[day] = holiday.name


def _missing(holidays: list[Holiday], year: int) -> Iterator[str]:
    names = "、".join(holiday.name for holiday in holidays)
    for festival in rules.value("calendar.festivals", date(year, 1, 1)).value:
        if festival.removesuffix("节") not in names:
            yield f"缺少{festival}的安排，请粘贴通知全文"
    off = {day for holiday in holidays for day in holiday.days_off()}
    for day in statutory_days(year):
        if day not in off:
            yield f"{day} 是法定放假日，通知中却没有放假"


def warnings(holidays: list[Holiday], year: int) -> list[str]:
    return [*_balance(holidays, year), *_long_stretches(holidays, year)]


def _balance(holidays: list[Holiday], year: int) -> Iterator[str]:
    """Days off won and weekend days worked must differ by the number of statutory days."""
    off = {day for holiday in holidays for day in holiday.days_off() if day.weekday() < 5}
    work = {day for holiday in holidays for day in holiday.work}
    lawful = rules.value("calendar.statutory_day_count", date(year, 1, 1)).value
    if len(off) - len(work) != lawful:
        yield (
            f"周一至周五共放假 {len(off)} 天、周末上班 {len(work)} 天，净放假 {len(off) - len(work)} 天，"
            f"法定为 {lawful} 天，请核对"
        )


def _long_stretches(holidays: list[Holiday], year: int) -> Iterator[str]:
    """Runs of working days beyond the law's rule of thumb that contain a worked weekend day."""
    try:
        longest = rules.value("calendar.consecutive_workdays", date(year, 1, 1))
    except rules.NoRule:
        return
    off = {day for holiday in holidays for day in holiday.days_off()}
    work = {day for holiday in holidays for day in holiday.work}
    run: list[date] = []
    for day in days(date(year, 1, 1), date(year + 1, 1, 1)):
        if day in work or (day.weekday() < 5 and day not in off):
            run.append(day)
            continue
        if len(run) > longest.value and not work.isdisjoint(run):
            yield (
                f"{run[0]} 至 {run[-1]} 连续工作 {len(run)} 天，"
                f"一般不超过 {longest.value} 天（{longest.basis}）"
            )
        run = []


def year_error(year: int, title_year: int | None, today: date) -> str:
    """Why a notice for `year` cannot be loaded now, or nothing."""
    if title_year and title_year != year:
        return f"通知标题写的是 {title_year} 年的安排，与所选的 {year} 年不符"
    if not EARLIEST_YEAR <= year <= LAST.year:
        return f"年份应在 {EARLIEST_YEAR} 至 {LAST.year} 之间，现为 {year}"
    if date(year, 1, 1) > today + timedelta(days=366):
        return f"{year} 年尚早：放假通知只在上一年末发布，请核对年份"
    return ""
