"""From a law's text to its articles and paragraphs, and from a citation to title and article. Pure functions."""

import re
from dataclasses import dataclass
from datetime import date

DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000}
_N = "[零〇一二两三四五六七八九十百千]+"
ARTICLE = re.compile(rf"^第({_N})条(?:之([一二三四五六七八九十]+))?[\s\u3000]*")
HEADING = re.compile(r"^#{2,}\s*(.+?)\s*$")
POINT = re.compile(rf"^({_N})、")
CITED = re.compile(rf"第({_N}|\d{{1,4}})条(?:之([一二三四五六七八九十]+))?")
WITHIN = re.compile(rf"第({_N})款")
ITEM = re.compile(r"^[（(]([零〇一二两三四五六七八九十百]+)[）)]")
CITED_ITEM = re.compile(r"[（(]?([零〇一二两三四五六七八九十百]+)[）)]?项")
DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
STARTS = re.compile(r"自\s*(\d{4})年(\d{1,2})月(\d{1,2})日起(?:施行|实施|生效)")
REPEALS = re.compile(r"[^。；]*同时废止")
HEAD_ENDS = "<!-- INFO END -->"
NOTE = re.compile(r"[（(][^（）()]*(?:令|号|\d{4}|修正|修订|公布|版|试行|暂行)[^（）()]*[）)]$")


@dataclass
class ParsedArticle:
    number: int
    suffix: int
    label: str
    chapter: str
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph (款) or an item (项) of an article; `anchor` names it for ever: a32, a16.1p2, a32p1i4."""

    anchor: str
    text: str
    paragraph: int
    item: int = 0


def number(text: str) -> int:
    """A Chinese number up to 9999.

    >>> number("三十二"), number("一百零一"), number("十")
    (32, 101, 10)
    """
    total, digit = 0, 0
    for char in text:
        if char in UNITS:
            total += (digit or 1) * UNITS[char]
            digit = 0
        else:
            digit = DIGITS[char]
    return total + digit


def key(title: str) -> str:
    """The name a law is looked up by: no state, no book marks, no note of order, year or amendment behind it.

    >>> key("《中华人民共和国行政许可法》"), key("食品生产许可管理办法（市场监管总局令第24号）")
    ('行政许可法', '食品生产许可管理办法')
    >>> key("关于适用《合同法》若干问题的解释（二）")
    '关于适用合同法若干问题的解释（二）'
    """
    plain = NOTE.sub("", title.strip(" \u3000")).replace("《", "").replace("》", "")
    return plain.strip(" \u3000").replace("(", "（").replace(")", "）").removeprefix("中华人民共和国")


def articles(text: str) -> tuple[str, list[ParsedArticle]]:
    """(what stands before the first article, the articles with their paragraphs).

    A text without articles (amendments, older interpretations) is cut at its points 一、二、…, else its headings, else not.
    """
    for begins in (_article, _point, _heading):
        preamble, found = _cut(text, begins)
        if found:
            return preamble, found
    return _whole(text)


def _whole(text: str) -> tuple[str, list[ParsedArticle]]:
    """A short interpretation of one piece: all of it as the first article."""
    head, mark, body = text.partition(HEAD_ENDS)
    lines = [line.strip("\u3000 ") for line in body.splitlines() if line.strip("\u3000 ")]
    if not mark or not lines:
        return "", []
    preamble = [line.strip() for line in head.splitlines() if line.strip() and not line.startswith("#")]
    return "\n".join(preamble), [ParsedArticle(1, 0, "正文", "", "\n".join(lines))]


Begins = tuple[int, int, str, str]  # number, suffix, label, what follows in the line


def _article(line: str, before: int) -> Begins | None:
    if match := ARTICLE.match(line):
        return number(match[1]), number(match[2]) if match[2] else 0, match[0].strip(), line[match.end() :]
    return None


def _point(line: str, before: int) -> Begins | None:
    """Points are counted on: quoted text that begins with a number of its own is no new point."""
    if (match := POINT.match(line)) and number(match[1]) == before + 1:
        return number(match[1]), 0, match[1], line[match.end() :]
    return None


def _heading(line: str, before: int) -> Begins | None:
    if match := HEADING.match(line):
        return before + 1, 0, match[1][:30], ""
    return None


def _cut(text: str, begins) -> tuple[str, list[ParsedArticle]]:
    preamble: list[str] = []
    found: list[ParsedArticle] = []
    chapter: list[str] = []
    for line in text.splitlines():
        line = line.strip().lstrip("\u3000")
        if not line or line.startswith("<!--"):
            continue
        if begun := begins(line, found[-1].number if found else 0):
            counted, suffix, label, rest = begun
            found.append(ParsedArticle(counted, suffix, label, " ".join(chapter)[:120], rest))
        elif heading := HEADING.match(line):
            chapter = [*chapter[:1], heading[1]] if line.startswith("###") else [heading[1]]
        elif found:
            found[-1].text += f"\n{line}" if found[-1].text else line
        elif not line.startswith("#"):
            preamble.append(line)
    return "\n".join(preamble), found


def anchor(counted: int, suffix: int = 0) -> str:
    """The name of an article within its law, the same in every version: a32, a16.1 for 第十六条之一."""
    return f"a{counted}.{suffix}" if suffix else f"a{counted}"


def paragraphs(counted: int, suffix: int, text: str) -> list[Paragraph]:
    """The paragraphs and items of an article, each with its anchor.

    >>> [p.anchor for p in paragraphs(32, 0, "有下列情形的：\\n（一）甲；\\n（二）乙。\\n另一款。")]
    ['a32p1', 'a32p1i1', 'a32p1i2', 'a32p2']
    """
    base, found, count = anchor(counted, suffix), [], 0
    for line in text.split("\n"):
        item = ITEM.match(line)
        if item and count:
            n = number(item[1])
            found.append(Paragraph(f"{base}p{count}i{n}", line, count, n))
        else:
            count += 1
            found.append(Paragraph(f"{base}p{count}", line, count))
    return found


def cited_articles(text: str) -> list[tuple[int, int]]:
    """Article numbers named in a citation.

    >>> cited_articles("第三十二条第一款第（四）项、第十六条之一")
    [(32, 0), (16, 1)]
    """
    return [(int(a) if a.isdigit() else number(a), number(b) if b else 0) for a, b in CITED.findall(text)]


def cited_anchor(text: str) -> str:
    """The paragraph or item that a citation of one article names; nothing when it names the article alone.

    >>> cited_anchor("第三十二条第一款第（四）项"), cited_anchor("第十条第二款"), cited_anchor("第十条")
    ('a32p1i4', 'a10p2', '')
    """
    found = cited_articles(text)
    paragraph, item = WITHIN.search(text), CITED_ITEM.search(text)
    if len(found) != 1 or not (paragraph or item):
        return ""
    name = f"{anchor(*found[0])}p{number(paragraph[1]) if paragraph else 1}"
    return f"{name}i{number(item[1])}" if item else name


def article_number(text: str) -> tuple[int, int] | None:
    """An article as an address names it: `32`, `16-1`, `16.1`, `16之1`, `第十六条之一`, `a16.1`.

    >>> article_number("32"), article_number("16-1"), article_number("第十六条之一"), article_number("x")
    ((32, 0), (16, 1), (16, 1), None)
    """
    if match := re.fullmatch(r"a?([0-9]{1,4})(?:[-.之]([0-9]{1,2}))?", text.strip()):
        return int(match[1]), int(match[2] or 0)
    found = cited_articles(text)
    return found[0] if found else None


def days(text: str) -> list[date]:
    """Every date a text names that exists."""
    found = []
    for year, month, day in DAY.findall(text):
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found


def published(preamble: str) -> date | None:
    """The last day on which the text was passed or amended, as its head says."""
    named = [d for line in preamble.splitlines() if "施行" not in line for d in days(line)[:1]]
    return max(named, default=None)


def starts(preamble: str, parsed: list[ParsedArticle], since: date) -> date:
    """The first day of a version published on `since`: from its head, its last articles, else that day."""
    head = [d for line in preamble.splitlines() if "施行" in line for d in days(line)]
    own = [d for a in parsed[-3:] for match in STARTS.finditer(a.text) for d in days(match[0])]
    later = [d for d in (*head, *own) if d >= since and d.year <= since.year + 3]
    return later[-1] if later else since


def repealed_titles(parsed: list[ParsedArticle]) -> list[str]:
    """The laws that the last articles repeal (…《婚姻法》《继承法》…同时废止)."""
    found = []
    for article in parsed[-3:]:
        for sentence in REPEALS.findall(article.text):
            found += re.findall(r"《((?:[^《》]|《[^《》]*》)+)》", sentence)
    return found
