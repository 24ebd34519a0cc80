"""Organisation code 组织机构代码 (GB 11714-1997): eight characters and a mod-11 check character.

Printed `XXXXXXXX-C`. Modulus 11 over 36 characters cannot tell 0, B, M and X (or 1, C, N and Y …) apart;
a digit taken for another digit it always finds.
"""

import string

from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import length, normalize, only

WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ALPHABET = string.digits + string.ascii_uppercase
CHECK_ALPHABET = string.digits + "X"
CHECK_BY_REMAINDER = "0X987654321"
CHECK_WORDS = "第 9 位校验码应为 {expected}，现为 {given}"
NOT_USED_WORDS = f"{CHECK_WORDS}（校验码只用数字或 X）"
PLACEHOLDER = "全为 0，不是实际赋予的代码"


def check_character(body: str) -> str:
    """Check character of the eight-character `body`.

    >>> check_character("D2143569")
    'X'
    """
    total = sum(ALPHABET.index(c) * weight for c, weight in zip(body, WEIGHTS, strict=True))
    return CHECK_BY_REMAINDER[total % 11]


def check(value: str) -> Answer:
    answer = normalize("organization_code", value, hyphen_at=8)
    if not length(answer, 9) or not only(answer, ALPHABET, "数字或大写字母"):
        return answer
    body, given = answer.normalized[:8], answer.normalized[8]
    expected = check_character(body)
    answer.parts = {"printed": f"{body}-{given}"}
    if given not in CHECK_ALPHABET:
        answer.error("check_digit", NOT_USED_WORDS.format(expected=expected, given=given))
    elif given != expected:
        answer.error("check_digit", CHECK_WORDS.format(expected=expected, given=given))
    elif body == "0" * 8:
        answer.error("placeholder", PLACEHOLDER)
    return answer
