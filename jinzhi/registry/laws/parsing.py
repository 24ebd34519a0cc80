"""From a law's text to its articles, and from a citation to title and article number. Pure functions."""

import re
from dataclasses import dataclass

DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000}
ARTICLE = re.compile(r"^第([零〇一二两三四五六七八九十百千]+)条(?:之([一二三四五六七八九十]+))?[\s\u3000]*")
HEADING = re.compile(r"^#{2,}\s*(.+?)\s*$")
CITED = re.compile(r"第([零〇一二两三四五六七八九十百千]+)条(?:之([一二三四五六七八九十]+))?")


@dataclass
class ParsedArticle:
    number: int
    suffix: int
    label: str
    chapter: str
    text: str


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
    """The name a law is looked up by: no state, no book marks, no note in brackets.

    >>> key("《中华人民共和国行政许可法》"), key("食品生产许可管理办法（市场监管总局令第24号）")
    ('行政许可法', '食品生产许可管理办法')
    """
    plain = re.sub(r"[（(].*?[)）]", "", title).strip("《》 \u3000")
    return plain.removeprefix("中华人民共和国")


def articles(text: str) -> tuple[str, list[ParsedArticle]]:
    """(what stands before the first article, the articles with their paragraphs)."""
    preamble: list[str] = []
    found: list[ParsedArticle] = []
    chapter: list[str] = []
    for line in text.splitlines():
        line = line.strip().lstrip("\u3000")
        if not line or line.startswith("<!--"):
            continue
        if heading := HEADING.match(line):
            chapter = [*chapter[:1], heading[1]] if line.startswith("###") else [heading[1]]
        elif match := ARTICLE.match(line):
            suffix = number(match[2]) if match[2] else 0
            label = match[0].strip()
            found.append(
                ParsedArticle(number(match[1]), suffix, label, " ".join(chapter), line[match.end() :])
            )
        elif found:
            found[-1].text += f"\n{line}"
        elif not line.startswith("#"):
            preamble.append(line)
    return "\n".join(preamble), found


def cited_articles(text: str) -> list[tuple[int, int]]:
    """Article numbers named in a citation.

    >>> cited_articles("第三十二条第一款第（四）项、第十六条之一")
    [(32, 0), (16, 1)]
    """
    return [(number(a), number(b) if b else 0) for a, b in CITED.findall(text)]
