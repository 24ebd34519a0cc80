"""Article numbers 商品条码 (GB 12904, GB/T 16830): GTIN-8, -12, -13 and -14, mod 10."""

from stdnum import ean

from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import DIGITS, length, normalize, only

NAMES = {8: "EAN-8", 12: "UPC-A", 13: "EAN-13", 14: "ITF-14"}
CHECK_WORDS = "第 {place} 位校验码应为 {expected}，现为 {given}"
PLACEHOLDER = "全为 0，不是实际赋予的代码"
CHINA = range(690, 700)
IN_STORE = [*range(20, 30), *range(40, 50), *range(200, 300)]
BOOKS = {977: "期刊（ISSN）", 978: "图书（ISBN）", 979: "图书（ISBN、ISMN）"}


def check_digit(body: str) -> str:
    """Check digit of `body` (7, 11, 12 or 13 digits)."""
    return ean.calc_check_digit(body)


def check(value: str) -> Answer:
    answer = normalize("gtin", value)
    if not length(answer, *NAMES) or not only(answer, DIGITS, "数字"):
        return answer
    code = answer.normalized
    expected = check_digit(code[:-1])
    if code[-1] != expected:
        answer.error("check_digit", CHECK_WORDS.format(place=len(code), expected=expected, given=code[-1]))
    elif not code.strip("0"):
        answer.error("placeholder", PLACEHOLDER)
    answer.parts = {"form": NAMES[len(code)], "gtin14": code.zfill(14)}
    judge_prefix(answer, code)
    return answer


def judge_prefix(answer: Answer, code: str) -> None:
    """The three digits that name the issuing member organisation (not in UPC-A alone, but in its GTIN-13)."""
    prefix = int(code[:3] if len(code) == 8 else code.zfill(14)[1:4])
    answer.parts["prefix"] = f"{prefix:03d}"
    answer.parts["chinese"] = prefix in CHINA
    if prefix in IN_STORE and len(code) != 8:
        answer.warn("in_store", f"前缀 {prefix:03d} 为店内自用码，不是注册的商品条码")
    elif prefix in BOOKS and len(code) != 8:
        answer.warn("publication", f"前缀 {prefix} 为{BOOKS[prefix]}专用，不是商品条码系统成员的代码")
