"""Names of enterprises in one form, so that two spellings of the same name become equal. Pure, no database.

A Chinese name is 行政区划 + 字号 + 行业 + 组织形式 (企业名称登记管理规定). What is levelled, in this order:
full and half width and case, traditional and variant characters, numerals (壹, ①, 十二 → digits), brackets
(甲（杭州）有限公司 = 杭州甲有限公司, 甲（集团）有限公司 = 甲集团有限公司), punctuation, spaces, words of the same form
(有限责任公司 = 有限公司), administrative words of the leading divisions (浙江省杭州市 = 浙江杭州). Latin names lose
punctuation and apostrophes, `&` becomes AND, usual abbreviations are written out; `core` also drops legal
forms, articles and shop numbers.

The steps are data (`LEVEL`, `HAN_STEPS`, `LATIN_STEPS` …): regular expressions that Python, DuckDB (RE2) and Java
read alike, without look-around, so that `registry.matching` runs the very same steps as SQL over millions of names.
Words are in `name_words.yaml`, traditional characters with their simplified ones in `traditional.txt`.

`plain` is for equality of whole names; `core` (trade name and industry) for asking whether two names could be the
same once form and region are set aside. Neither identifies an enterprise: names never do.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml
from stdnum import numdb

_HERE = Path(__file__).parent
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "
_ACCENTED, _BARE = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŠŽ", "AAAAAACEEEEIIIINOOOOOOUUUUYSZ"
_MARKS = "【〔〈《「『[{" + "】〕〉》」』]}" + "\u2018\u2019`\u00b4"
_MARKED = "(" * 8 + ")" * 8 + "'" * 4
_NUMERALS = "零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖两①②③④⑤⑥⑦⑧⑨ⅠⅡⅢⅣⅤⅥⅦⅧⅨ拾"
_DIGITS = "00" + "123456789" * 2 + "2" + "123456789" * 2 + "十"
_PROVINCE_WORD = "壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市"


class Step(NamedTuple):
    """What is done to a text. `only`: a character without which there is nothing to do (spares time in SQL).

    "map": the characters of `find` become those of `put`; "sub": a regular expression is replaced; "head": `put` is
    taken out of what `find` finds at the beginning; "upper": capitals.
    """

    kind: str
    find: str = ""
    put: str = ""
    only: str = ""


def _any(words: Iterable[str]) -> str:
    """Alternatives, the longer first."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda w: (-len(w), w)))


@lru_cache(maxsize=1)
def _words() -> dict:
    return yaml.safe_load((_HERE / "name_words.yaml").read_text(encoding="utf-8"))


def _provinces() -> list[str]:
    return _words()["provinces"].split()


@lru_cache(maxsize=1)
def traditional() -> tuple[str, str]:
    """Traditional and variant characters, and what is written for each."""
    first, second = (_HERE / "traditional.txt").read_text(encoding="utf-8").split()
    return first, second


@lru_cache(maxsize=1)
def _divisions() -> tuple[list[str], list[str], list[str]]:
    """Short names of cities, short names of counties, full names of districts; all that ever were, levelled."""
    cities, counties, districts = set(), set(), set()
    ordinary = set(_words()["ordinary"].split())
    for province in numdb.get("cn/loc").prefixes:
        for _, code, _, props, _ in province[4]:
            for name in re.sub(r"\[\d*-\d*\]", ",", props.get("county", "")).split(","):
                short = re.sub(r"(地区|市|县|盟)$", "", name.strip())
                if len(short) < 2 or short == "市辖区" or not re.fullmatch(f"[{HAN}]+", short):
                    continue
                if name == short or short.endswith(("区", "旗", "自治州", "自治县")) or short in ordinary:
                    districts.add(name)
                elif code.endswith("00"):
                    cities.add(short)
                else:
                    counties.add(short)
    counties -= cities
    return _digits(cities), _digits(counties), _digits(districts)


def _digits(words: Iterable[str]) -> list[str]:
    return sorted(word.translate(_table(_NUMERALS, _DIGITS)) for word in words)


@lru_cache(maxsize=32)
def _table(find: str, put: str) -> dict[int, int]:
    return str.maketrans(find, put)


def _region_pattern() -> str:
    """Province, city, county and district at the beginning of a levelled name, each if it is there."""
    cities, counties, districts = _divisions()
    return (
        f"^(?:(?:{_any(_provinces())})(?:{_PROVINCE_WORD})?)?(?:(?:{_any(cities)})(?:市|地区|盟)?)?"
        f"(?:(?:{_any(counties)})(?:市|县)?)?(?:{_any(districts)})?"
    )


def _region_words() -> str:
    cities, counties, districts = _divisions()
    inner = [name[:-1] for name in districts if name.endswith("区") and len(name) > 2]
    short = _any([*_provinces(), *cities, *counties, *inner])
    return f"(?:(?:{short})(?:省|市|县|区)?)+(?:{_any(districts)})?|{_any(districts)}"


def _level() -> list[Step]:
    return [
        Step("map", WIDE, NARROW),
        Step("upper"),
        Step("map", _ACCENTED, _BARE),
        Step("map", _MARKS, _MARKED),
        Step("map", *traditional()),
    ]


def _han_steps() -> list[Step]:
    words = _words()
    return [
        Step("map", _NUMERALS, _DIGITS),
        Step("sub", "([0-9])十([0-9])", r"\1\2"),
        Step("sub", "([1-9])十", r"\g<1>0"),
        Step("sub", "十([0-9])", r"1\1"),
        Step("sub", f"[^0-9A-Z{HAN}()]", ""),
        Step("sub", rf"\((?:{_any(words['asides'].split())})\)", ""),
        Step("sub", rf"^((?:{_any(_provinces())})省?)([^()]+)\(({_region_words()})\)", r"\1\3\2", "("),
        Step("sub", rf"^([^()]+)\(({_region_words()})\)", r"\2\1", "("),
        Step("sub", "[()]", ""),
        *(Step("sub", f"{old}$", new) for old, new in _same_form(words)),
        Step("head", REGION, f"{_PROVINCE_WORD}|县|地区|盟"),
    ]


def _same_form(words: dict) -> list[tuple[str, str]]:
    return sorted(words["same_form"].items(), key=lambda pair: -len(pair[0]))


def _latin_steps() -> list[Step]:
    by_target: dict[str, list[str]] = {}
    for word, target in _words()["latin_same"].items():
        by_target.setdefault(target, []).append(word)
    return [
        Step("sub", "['.]", ""),
        Step("sub", "[&+]", " AND "),
        Step("sub", "@", " AT "),
        Step("sub", "#", " NO "),
        Step("sub", "[^0-9A-Z]+", " "),
        Step("sub", "^ *(.*?) *$", r" \1 "),
        *(Step("sub", f" (?:{_any(words)}) ", f" {target} ") for target, words in by_target.items()),
        Step("sub", "^ +| +$", ""),
    ]


def _latin_core() -> list[Step]:
    words = _words()
    drop = _any([*words["latin_forms"].split(), *words["latin_fillers"].split()])
    return [
        Step("sub", "^(.*)$", r" \1 "),
        Step("sub", " NO [0-9]+ ", " "),
        Step("sub", "([A-Z]) [0-9][0-9][0-9]+ $", r"\1 "),
        Step("sub", f"(?: (?:{drop}))+ ", " "),
        Step("sub", " ", ""),
    ]


REGION = _region_pattern()
FORM = f"(?:{_any(_digits(_words()['forms'].split()))})$"
INDUSTRY = f"(?:{_any(_digits(_words()['industries'].split()))})+$"
LEVEL: list[Step] = _level()
HAN_STEPS: list[Step] = _han_steps()
LATIN_STEPS: list[Step] = _latin_steps()
LATIN_CORE: list[Step] = _latin_core()


@dataclass(frozen=True)
class NameParts:
    """`plain`: the whole name levelled. `core`: trade name and industry. Empty strings where a part is absent."""

    region: str
    trade_name: str
    industry: str
    form: str
    plain: str
    core: str


def _run(steps: list[Step], text: str) -> str:
    for kind, find, put, _ in steps:
        if kind == "map":
            text = text.translate(_table(find, put))
        elif kind == "upper":
            text = text.upper()
        elif kind == "head":
            head = _found(find, text)
            text = _compiled(put).sub("", head) + text[len(head) :]
        else:
            text = _compiled(find).sub(put, text)
    return text


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def is_han(levelled: str) -> bool:
    return bool(_compiled(f"[{HAN}]").search(levelled))


def plain(name: str) -> str:
    """The whole name levelled; equal for spellings of one name.

    >>> plain("浙江省杭州市甲食品有限责任公司") == plain("浙江杭州甲食品有限公司")
    True
    >>> plain("McDonald's #1204") == plain("MCDONALDS NO. 1204")
    True
    """
    levelled = _run(LEVEL, name)
    return _run(HAN_STEPS if is_han(levelled) else LATIN_STEPS, levelled)


def normal_form(name: str) -> NameParts:
    """The parts of a name. Never fails; of a text without letters or digits all parts are empty.

    >>> normal_form("杭州甲乙食品有限责任公司")
    NameParts(region='杭州', trade_name='甲乙', industry='食品', form='有限公司', plain='杭州甲乙食品有限公司', core='甲乙食品')
    >>> normal_form("甲乙（杭州）科技有限公司").plain
    '杭州甲乙科技有限公司'
    """
    whole = plain(name)
    if not is_han(whole):
        core = _run(LATIN_CORE, whole) or whole.replace(" ", "")
        return NameParts("", whole, "", "", whole, core)
    form = _found(FORM, whole)
    body = whole[: len(whole) - len(form)]
    region = _found(REGION, body)
    rest = body[len(region) :]
    industry = _found(INDUSTRY, rest)
    if industry == rest:  # no trade name left: what looked like a division is the trade name
        region, rest, industry = "", body, _found(INDUSTRY, body)
        industry = "" if industry == body else industry
    return NameParts(region, rest[: len(rest) - len(industry)], industry, form, whole, rest or whole)


def _found(pattern: str, text: str) -> str:
    hit = _compiled(pattern).search(text)
    return hit[0] if hit else ""
