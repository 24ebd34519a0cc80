"""Standard numbers 标准号 read as people write them. Pure functions; what a number means is not asked here.

GB, GB/T, GB/Z, industry (QB/T, JJG, TSG …), local (DB33/T, DB3301/T), group (T/ZZB), enterprise (Q/ABC),
ISO, IEC and others abroad. A number may name an amendment (/XG1-2015) and may be without its year.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

KINDS = {
    "national": "国家标准",
    "industry": "行业标准",
    "local": "地方标准",
    "group": "团体标准",
    "enterprise": "企业标准",
    "international": "国际标准",
    "foreign": "国外标准",
}
NATURES = {"mandatory": "强制性", "recommended": "推荐性", "guide": "指导性技术文件", "": ""}
OLDEST, TWO_DIGITS_FROM = 1947, 50  # 94 is 1994; 20 would be a guess
LONGEST = 80

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－ー─"), "-")
_YEAR = r"(?:-(?P<year>\d{4}|\d{2}))?"
_N = r"(?P<base>\d{1,7})(?P<part>(?:\.\d{1,4})*)"
_AMENDED = r"(?P<amendment>/XG\d{1,2}-\d{4})?"
_N_ABROAD = (
    r"[ /]?(?P<letter>[A-Z]?) ?(?P<base>\d{1,6})(?P<part>(?:[-.]\d{1,3}(?!\d))*)(?:[:-](?P<year>\d{4}))?"
)
_ABROAD = (
    r"(?P<prefix>(?:ISO|IEC|ITU-[TR]|CAC|CODEX STAN|EN|EN ISO|DIN|BS|ASTM|ANSI|JIS|UL|OIML)(?:/(?:IEC|ASTM|CIE|IEEE|HL7))?"
    r"(?:/(?:TS|TR|PAS|GUIDE|IWA|R))?)"
)
_FORMS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, nature, re.compile(pattern))
    for kind, nature, pattern in (
        ("national", "", rf"(?P<prefix>GB(?:/?[TZ])?|GBJ|GBn|GBZ/T) ?{_N}{_YEAR}{_AMENDED}"),
        ("local", "", rf"(?P<prefix>DB ?\d{{2}}(?:\d{{2}})?(?:/?T)?)[ /]?{_N}{_YEAR}{_AMENDED}"),
        ("group", "recommended", rf"(?P<prefix>T/ ?[A-Z0-9]{{2,12}}) {_N}(?P<suffix>[A-Z]?){_YEAR}"),
        ("enterprise", "", rf"(?P<prefix>Q/ ?[A-Z0-9\u4e00-\u9fff]{{2,22}}) {_N}(?P<suffix>S?){_YEAR}"),
        ("industry", "", rf"(?P<prefix>(?:JJG|JJF|TSG)(?:\(\w{{1,4}}\))?) ?(?P<letter>[A-Z]?){_N}{_YEAR}{_AMENDED}"),
        ("industry", "", rf"(?P<prefix>(?!GB|DB|EN|BS|UL)[A-Z]{{2}}(?:/[TZ])?) ?{_N}{_YEAR}{_AMENDED}"),
        ("foreign", "", rf"{_ABROAD}{_N_ABROAD}"),
    )
)  # fmt: skip
_INTERNATIONAL = ("ISO", "IEC", "ITU", "CAC", "CODEX", "OIML")
_ALSO = re.compile(r"^(GB|DB\d{2}(?:\d{2})?|[A-Z]{2})(T)(?=\s?\d)")  # GBT 1.1 as people type it
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9/])(?:GB|DB\s?\d{2}|T/|Q/|JJ[GF]|TSG|ISO|IEC|[A-Z]{2}(?=/[TZ]))[A-Za-z0-9/\u4e00-\u9fff]{0,22}?"
    r"\s?[A-Z]?\d[\d.]*S?(?:[-:]\d{1,4}(?!\d))*(?:/XG\d+-\d{4})?"
)


class BadNumber(ValueError):
    """No standard number; the message says what is wrong."""


@dataclass(frozen=True)
class Number:
    """`text` is the form to show and to compare: `GB/T 7635.1-2002`. `year` 0: cited without its year."""

    text: str
    kind: str
    nature: str
    prefix: str
    base: str  # number and parts: 7635.1
    year: int
    amendment: str = ""

    @property
    def family(self) -> str:
        """The number without its year: what stays when a standard is revised."""
        return f"{self.prefix} {self.base}"

    @property
    def bare(self) -> str:
        """Without its nature too: GB 1234 and GB/T 1234 are one standard renumbered."""
        return f"{re.sub('/[TZ]$', '', self.prefix)} {self.base}"

    @property
    def kind_name(self) -> str:
        return KINDS[self.kind]


def normalize(text: str) -> str:
    """Half width, capitals, one kind of dash, single spaces, no book marks or quotation marks around."""
    plain = unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES).upper()
    plain = re.sub(r"\s+", " ", plain).strip(" 《》“”\"'。，,；;")
    plain = re.sub(r" ?([-/:]) ?", r"\1", plain)
    return _ALSO.sub(r"\1/\2", plain)


def parse(text: str, *, now: int = 0) -> Number:
    """The number in `text`. `now`: the present year; one later than the next is refused. Raises BadNumber."""
    if len(text) > LONGEST:
        raise BadNumber(f"“{text[:30]}…”过长，不是一个标准号")
    return _parse(normalize(text), now)


@lru_cache(maxsize=20_000)
def _parse(plain: str, now: int) -> Number:
    if not plain:
        raise BadNumber("没有填写标准号")
    plain = re.sub(r"^(T|Q)/ ?([A-Z]{2,}?|[A-Z0-9]{2,}?)(\d{3,5}[A-Z]?-\d{4})$", r"\1/\2 \3", plain)
    for kind, nature, form in _FORMS:
        if match := form.fullmatch(plain):
            return _number(match, kind, nature, now)
    raise BadNumber(f"“{plain[:40]}”不是标准号：{_why(plain)}")


def _number(match: re.Match[str], kind: str, nature: str, now: int) -> Number:
    found = match.groupdict()
    prefix = re.sub(r"^(T|Q)/ ", r"\1/", found["prefix"]).replace("DB ", "DB")
    prefix = (
        re.sub(r"^(GB|DB\d+|[A-Z]{2})([TZ])$", r"\1/\2", prefix) if kind in ("national", "local") else prefix
    )
    if prefix == "GB/Z" and match.string.startswith("GBZ"):
        prefix = "GBZ"  # occupational health, a series of its own
    base = (
        f"{found.get('letter') or ''}{found['base']}{found['part'] or ''}"
        if "part" in found
        else found["base"]
    )
    base += found.get("suffix") or ""
    year = _year(found["year"] or "", now, match.string)
    if kind == "foreign" and prefix.startswith(_INTERNATIONAL) and not prefix.startswith("EN"):
        kind = "international"
    amendment = found.get("amendment") or ""
    text = f"{prefix} {base}"
    if year:
        text += f"{':' if kind in ('international', 'foreign') else '-'}{year}"
    return Number(text + amendment, kind, nature or _nature(kind, prefix), prefix, base, year, amendment)


def _nature(kind: str, prefix: str) -> str:
    if kind in ("international", "foreign", "enterprise"):
        return ""
    return {"/T": "recommended", "/Z": "guide"}.get(prefix[-2:], "mandatory")


def _year(digits: str, now: int, text: str) -> int:
    if not digits:
        return 0
    year = int(digits)
    if len(digits) == 2:
        if year < TWO_DIGITS_FROM:
            raise BadNumber(f"“{text}”的年份 {digits} 应写四位：两位年份只用于 1999 年以前")
        year += 1900
    if year < OLDEST or (now and year > now + 1):
        raise BadNumber(f"“{text}”的年份 {year} 不可能")
    return year


def _why(plain: str) -> str:
    if not re.search(r"\d", plain):
        return "没有顺序号"
    if re.search(r"(?:^|[A-Z/] ?)\.\d", plain):
        return "有部分号而没有顺序号"
    if not re.match(r"[A-Z]", plain):
        return "应以标准代号开头，如 GB、GB/T、DB33/T"
    return "应为代号、顺序号、短横和年份，如 GB/T 19580-2012"


def find(text: str) -> Iterator[Number]:
    """Every standard number that a text cites, in its order.

    >>> [n.text for n in find("执行标准：GB 7718—2004 和QB/T1002-2015，参照ISO 9001:2015。")]
    ['GB 7718-2004', 'QB/T 1002-2015', 'ISO 9001:2015']
    """
    plain = unicodedata.normalize("NFKC", text[:20_000].translate(_DASHES)).translate(_DASHES).upper()
    plain = re.sub(r" ?([-/]) ?", r"\1", plain)
    for match in _IN_TEXT.finditer(plain):
        try:
            yield parse(match[0])
        except BadNumber:
            continue
