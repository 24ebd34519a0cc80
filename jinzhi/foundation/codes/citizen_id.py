"""Citizen identity number 公民身份号码 (GB 11643-1999): region, birth date, sequence, ISO 7064 MOD 11-2.

The 15-digit numbers of first-generation cards stand only in records before 2013. Also residence permits of
Hong Kong, Macao and Taiwan residents (81–83) and foreigners' permanent residence cards (leading 9).
"""

from datetime import date

from stdnum.iso7064 import mod_11_2

from jinzhi.foundation.codes import regions
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import DIGITS, length, normalize, only

FIRST_GENERATION_ENDED = date(2013, 1, 1)
OLDEST = 150  # years
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_BY_REMAINDER = "10X98765432"
CENTENARIANS = {"996", "997", "998", "999"}  # sequences of 15-digit numbers kept for people born before 1900
RESIDENCE_PERMITS = {
    "810000": "港澳台居民居住证（香港）",
    "820000": "港澳台居民居住证（澳门）",
    "830000": "港澳台居民居住证（台湾）",
}


def check_character(body: str) -> str:
    """Check character of the 17-digit `body`."""
    return mod_11_2.calc_check_digit(body)


def lengthened(code15: str) -> str:
    """The 18-character number of a 15-digit one.

    >>> lengthened("330106751231123")
    '330106197512311235'
    """
    body = f"{code15[:6]}{'18' if code15[12:] in CENTENARIANS else '19'}{code15[6:]}"
    return body + check_character(body)


def check(value: str, on: date) -> Answer:
    """`on`: the day of the record the number stands in; ages and the 15-digit form are judged by it."""
    answer = normalize("citizen_id", value)
    if not length(answer, 18, 15):
        return answer
    if len(answer.normalized) == 15:
        return _fifteen(answer, on)
    code = answer.normalized
    if not only(answer, DIGITS, "数字", 0, 17) or not only(answer, DIGITS + "X", "数字或 X", 17):
        return answer
    _parts(answer, on)
    expected = check_character(code[:17])
    if code[17] != expected:
        answer.error("check_digit", f"第 18 位校验码应为 {expected}，现为 {code[17]}")
    return answer


def _fifteen(answer: Answer, on: date) -> Answer:
    if not only(answer, DIGITS, "数字"):
        return answer
    answer.normalized = lengthened(answer.normalized)
    if on >= FIRST_GENERATION_ENDED:
        answer.error("retired", f"15 位号码自 {FIRST_GENERATION_ENDED} 起停用，请填写 18 位公民身份号码")
    else:
        answer.warn("lengthened", "15 位号码，已换算为 18 位")
    _parts(answer, on)
    return answer


def _parts(answer: Answer, on: date) -> None:
    code = answer.normalized
    answer.parts = {"sex": "男" if int(code[16]) % 2 else "女"}
    judge_birth(answer, code[6:14], on)
    judge_kind(answer, code[:6])


def judge_birth(answer: Answer, digits: str, on: date) -> None:
    shown = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        answer.error("birth_date", f"第 7–14 位出生日期 {shown} 不存在")
        return
    answer.parts["birth_date"] = born.isoformat()
    if born > on:
        answer.error("birth_date", f"第 7–14 位出生日期 {shown} 晚于 {on}")
    elif on.year - born.year > OLDEST:
        answer.error("birth_date", f"第 7–14 位出生日期 {shown} 距今超过 {OLDEST} 年")


def judge_kind(answer: Answer, code: str) -> None:
    """The first six digits: a division, a residence permit or a foreigner's card."""
    if code[0] == "9":
        answer.parts |= {"kind": "外国人永久居留身份证", "nationality": code[3:6]}
    elif code in RESIDENCE_PERMITS:
        answer.parts |= {"kind": RESIDENCE_PERMITS[code]}
    else:
        answer.parts |= {"kind": "居民身份证", "region": code}
        _region(answer, code)


def _region(answer: Answer, code: str) -> None:
    """Judged leniently: the code is that of the first registration, often abolished since or never listed."""
    known = regions.periods(code)
    if not known:
        answer.warn("region_unknown", f"第 1–6 位区划码 {code} 未查到，请核对（早年号码可能用当时的代码）")
    else:
        answer.parts["region_name"] = known[-1].name
