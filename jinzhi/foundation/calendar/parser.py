"""Reads the text of a State Council holiday notice into blocks of days off and worked weekend days.

Reads only; whether what was read makes sense is judged in plausibility.py, and a person confirms.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from jinzhi.foundation.calendar.notices import Holiday, days

WEEK = "一二三四五六日"
LONGEST_TEXT = 20_000
_ITEM = re.compile(r"(?:^|(?<=[\n。;]))\s*[一二三四五六七八九十]{1,3}、\s*([^::\n。,]{2,20}):")
_DATE = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^)]*)\))?")
_RANGE_MARK = re.compile(r"^\s*(?:至|到|—+|–|-|~)\s*$")
_WEEKDAY = re.compile(r"(?:星期|周|礼拜)([一二三四五六日天])")
_COUNT = re.compile(r"(?:共|放假)(\d{1,2})天")
_TITLE = re.compile(r"(?:关于|现将)(\d{4})年.{0,12}?(?:放假|节假日|假期|元旦)")
_NUMBER = re.compile(r"国(?:办)?发(?:明电)?[〔\[(](\d{4})[〕\])]\d{1,3}号")
_SIGNED = re.compile(r"^\s*(\d{4})年(\d{1,2})月(\d{1,2})日\s*$", re.MULTILINE)


@dataclass
class Parsed:
    """What the text says. `errors` forbid using it; `years_that_fit` are years its weekdays agree with."""

    year: int
    title_year: int | None = None
    title: str = ""
    number: str = ""
    issued_on: date | None = None
    holidays: list[Holiday] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wrong_weekdays: int = 0
    years_that_fit: list[int] = field(default_factory=list)


@dataclass
class _Mention:
    """A date as written, with the weekday written behind it (0 = Monday) when there is one."""

    day: date
    weekday: int | None
    ends_range: bool


def parse(text: str, year: int) -> Parsed:
    """Read `text` as the notice for `year`. Never raises on bad text: see `errors`."""
    parsed = Parsed(year)
    if len(text) > LONGEST_TEXT:
        parsed.errors.append(f"文字过长（{len(text)} 字），请只粘贴通知正文")
        return parsed
    text = _plain(text)
    _head(text, parsed)
    items = list(_items(text))
    if not items:
        parsed.errors.append("没有找到“一、元旦：…”这样的条目，请粘贴通知全文")
    mentions: list[_Mention] = []
    for name, body in items:
        parsed.holidays.append(_holiday(name, body, parsed, mentions))
    _weekdays(mentions, parsed)
    return parsed


def _plain(text: str) -> str:
    """Half-width digits and punctuation, no spaces inside lines."""
    text = unicodedata.normalize("NFKC", text)
    return "\n".join(re.sub(r"\s+", "", line) for line in text.splitlines())


def _head(text: str, parsed: Parsed) -> None:
    if title := _TITLE.search(text.replace("\n", "")):
        parsed.title_year = int(title[1])
    if number := _NUMBER.search(text):
        parsed.number = re.sub(r"[\[(](\d{4})[\])]", r"〔\1〕", number[0])
    if signed := _SIGNED.findall(text):
        try:
            parsed.issued_on = date(*map(int, signed[-1]))
        except ValueError:
            parsed.errors.append("落款日期不存在：{}年{}月{}日".format(*signed[-1]))


def _items(text: str) -> Iterator[tuple[str, str]]:
    """(festival, what follows until the next item)."""
    found = list(_ITEM.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=False):
        yield match[1], text[match.end() : end]


def _holiday(name: str, body: str, parsed: Parsed, mentions: list[_Mention]) -> Holiday:
    off: set[date] = set()
    work: list[date] = []
    reader = _Dates(name, parsed)
    for clause in re.split(r"[。;,\n]", body):
        found = list(reader.read(clause))
        if "上班" in clause:
            work += [mention.day for mention in found]
        elif re.search("放假|补休|调休|休息", clause) and "公休日调至" not in clause:
            off |= set(_spans(found))
        if "与周末连休" in clause:
            off |= _touching_weekend(off)
        if (count := _COUNT.search(clause)) and int(count[1]) != len(off):
            parsed.errors.append(f"{name}：写明共 {count[1]} 天，按所列日期为 {len(off)} 天")
        mentions += found
    if not off and not work:
        parsed.errors.append(f"{name}：没有读出放假日期")
    return Holiday(name, tuple(_blocks(off)), tuple(sorted(set(work))))


class _Dates:
    """Reads dates of one item in order; a month or year not repeated is that of the date before."""

    def __init__(self, name: str, parsed: Parsed):
        self.name, self.parsed = name, parsed
        self.year: int | None = None
        self.month: int | None = None

    def read(self, clause: str) -> Iterator[_Mention]:
        end = 0
        for match in _DATE.finditer(clause):
            ranged = bool(end and _RANGE_MARK.match(clause[end : match.start()]))
            end = match.end()
            if day := self._day(match):
                weekday = _WEEKDAY.search(match[4] or "")
                yield _Mention(day, WEEK.index(weekday[1].replace("天", "日")) if weekday else None, ranged)

    def _day(self, match: re.Match) -> date | None:
        month = int(match[2]) if match[2] else self.month
        if month is None:
            return None
        year = int(match[1]) if match[1] else self._year_of(month)
        self.month, self.year = month, year
        try:
            return date(year, month, int(match[3]))
        except ValueError:
            self.parsed.errors.append(f"{self.name}：{year}年{month}月{match[3]}日不存在")
            return None

    def _year_of(self, month: int) -> int:
        """New Year's item may begin in December of the year before, with or without saying so."""
        if "元旦" in self.name and month == 12:
            return self.parsed.year - 1
        return self.parsed.year


def _spans(mentions: list[_Mention]) -> Iterator[date]:
    former: date | None = None
    for mention in mentions:
        if mention.ends_range and former and former < mention.day and (mention.day - former).days < 32:
            yield from days(former + timedelta(1), mention.day)
        else:
            yield mention.day
        former = mention.day


def _touching_weekend(off: set[date]) -> set[date]:
    """Weekend days directly before or after the days off."""
    found: set[date] = set()
    for step in (timedelta(1), timedelta(-1)):
        for day in off:
            following = day + step
            while following.weekday() >= 5:
                found.add(following)
                following += step
    return found


def _blocks(off: set[date]) -> Iterator[tuple[date, date]]:
    blocks: list[list[date]] = []
    for day in sorted(off):
        if blocks and (day - blocks[-1][-1]).days == 1:
            blocks[-1].append(day)
        else:
            blocks.append([day])
    yield from ((block[0], block[-1]) for block in blocks)


def _weekdays(mentions: list[_Mention], parsed: Parsed) -> None:
    """Compare the weekdays written with the real ones, and say which years they would fit."""
    stated = [m for m in mentions if m.weekday is not None]
    wrong = [m for m in stated if m.day.weekday() != m.weekday]
    parsed.wrong_weekdays = len(wrong)
    for mention in wrong:
        written = WEEK[mention.weekday or 0]
        real = WEEK[mention.day.weekday()]
        parsed.errors.append(f"{mention.day} 写作周{written}，实际是周{real}")
    if wrong:
        around = range(parsed.year - 6, parsed.year + 7)
        parsed.years_that_fit = [year for year in around if all(_fits(m, year - parsed.year) for m in stated)]


def _fits(mention: _Mention, shift: int) -> bool:
    try:
        return mention.day.replace(year=mention.day.year + shift).weekday() == mention.weekday
    except ValueError:
        return False
