"""Pinyin initials of names, for people who type `hzlj` for 杭州龙井. Pure.

One reading for each character: the usual one of names, with the words below where a place or a trade reads
otherwise. Latin letters and figures stand for themselves; everything else is left out.
"""

import re
import unicodedata
from functools import cache

# Readings of characters in enterprise names that differ from the first reading of the dictionary.
_USUAL = {
    "长": "c", "乐": "l", "行": "h", "厦": "x", "都": "d", "重": "z", "曾": "z", "单": "d", "朝": "c", "车": "c",
    "石": "s", "和": "h", "大": "d", "宿": "s", "蔚": "w", "尉": "w", "会": "h", "参": "c", "藏": "c", "盛": "s",
    "省": "s", "调": "t", "洗": "x", "卡": "k", "广": "g", "万": "w", "柏": "b", "薄": "b", "贾": "j", "覃": "q",
    "仇": "q", "解": "j", "区": "q", "传": "c", "莎": "s", "茄": "q", "澄": "c", "蒙": "m", "阿": "a", "谷": "g",
}  # fmt: skip
_WORDS = {
    "重庆": "cq",
    "乐清": "yq",
    "音乐": "yy",
    "台州": "tz",
    "银行": "yh",
    "商行": "sh",
    "会计": "kj",
    "长大": "zd",
}
_KEPT = re.compile(r"[^0-9a-z]+")


@cache
def _table() -> dict[int, str]:
    """Code point -> first letter of its usual reading."""
    from pypinyin.constants import PINYIN_DICT

    table = {}
    for point, readings in PINYIN_DICT.items():
        first = unicodedata.normalize("NFD", readings.split(",", 1)[0])
        letter = next((c for c in first.lower() if "a" <= c <= "z"), "")
        table[point] = letter
    return table | {ord(char): letter for char, letter in _USUAL.items()}


def initials(name: str) -> str:
    """The first letters of how a name is read.

    >>> initials("杭州西湖龙井茶叶有限公司"), initials("乐清A8电子厂"), initials("ＫＦＣ（中国）")
    ('hzxhljcyyxgs', 'yqa8dzc', 'kfczg')
    """
    text = unicodedata.normalize("NFKC", name)
    for word, letters in _WORDS.items():
        if word in text:
            text = text.replace(word, letters)
    return _KEPT.sub("", text.translate(_table()).lower())
