"""Brings a typed code to its standard form and tells what had to be changed. Never repairs a character."""

from jinzhi.foundation.codes.answer import Answer

LONGEST = 64  # no code of any scheme comes near, even with separators
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPACES = dict.fromkeys(map(ord, " \t\r\n\v\f\u00a0\u3000\u2002\u2003\u2009\u200a\u202f"))
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u00ad"))
_DASHES = dict.fromkeys(map(ord, "-‐‑‒–—―−﹣ー"))
_UNPRINTABLE = "（不可见字符）"


def normalize(scheme: str, value: str, *, hyphen_at: int | None = None) -> Answer:
    """An answer with the value in half-width capitals without separators; each change is a warning.

    `hyphen_at`: position of the one hyphen that is part of the printed form and not worth a warning.
    """
    answer = Answer(scheme, value, "")
    if len(value) > LONGEST:
        answer.normalized = value[: LONGEST + 1]
        answer.error("length", f"内容过长（{len(value)} 个字符），不是一个代码")
        return answer
    text = value.translate(_FULL_WIDTH)
    if text != value:
        answer.warn("normalized_width", "含全角字符，已按半角核对")
    bare = text.translate(_SPACES | _INVISIBLE)
    if bare != text:
        answer.warn("normalized_space", "含空格，已略去")
    if hyphen_at is not None and bare[hyphen_at : hyphen_at + 1] == "-":
        bare = bare[:hyphen_at] + bare[hyphen_at + 1 :]
    joined = bare.translate(_DASHES)
    if joined != bare:
        answer.warn("normalized_hyphen", "含连字符，已略去")
    answer.normalized = _upper(joined)
    if answer.normalized != joined:
        answer.warn("normalized_case", "含小写字母，已按大写核对")
    if not answer.normalized:
        answer.error("blank", "没有填写代码")
    return answer


def _upper(text: str) -> str:
    """ASCII letters in capitals; other scripts stay, so that lengths and messages stay true."""
    return "".join(c.upper() if c.isascii() else c for c in text)


def length(answer: Answer, *allowed: int) -> bool:
    """Whether the normalised value has an allowed length; records an error when not."""
    found = len(answer.normalized)
    if found in allowed or answer.errors:
        return not answer.errors
    expected = "、".join(map(str, allowed))
    answer.error("length", f"应为 {expected} 位，现有 {found} 位")
    return False


def only(answer: Answer, alphabet: str, kind: str, start: int = 0, end: int | None = None) -> bool:
    """Whether positions `start`–`end` hold only characters of `alphabet`; names three that do not."""
    wrong = [
        (place, c) for place, c in enumerate(answer.normalized[start:end], start + 1) if c not in alphabet
    ]
    for place, c in wrong[:3]:
        answer.error("character", f"第 {place} 位“{c if c.isprintable() else _UNPRINTABLE}”不是{kind}")
    return not wrong


DIGITS = "0123456789"
