"""Food production licence numbers: SC + 14 digits (since 2015-10-01) and the historical QS + 12 digits.

SC: 3 category, 2 province, 2 city, 2 county, 4 sequence, 1 check digit (ISO 7064 MOD 11,10 = GB/T 17710).
QS: 4 accepting region, 4 product category, 4 sequence; no check digit.
"""

from functools import cache

from stdnum.iso7064 import mod_11_10

from jinzhi.foundation.codes import regions, sets
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import DIGITS, LONGEST, length, normalize, only

ADDITIVES_CATEGORY = "32"
CHECK_WORDS = "第 16 位校验码应为 {expected}，现为 {given}"


def food_licence_check_digit(body13: str) -> str:
    """Check digit of the 13 digits between `SC` and the last.

    >>> food_licence_check_digit("1133301970002")
    '4'
    """
    if len(body13) != 13 or any(c not in DIGITS for c in body13):
        raise ValueError(f"校验位按 13 位数字计算，现为“{body13[:LONGEST]}”")
    return mod_11_10.calc_check_digit(body13)


@cache
def categories() -> dict[str, str]:
    """Three-digit category code in numbers -> name, from the category list in force now."""
    listed = sets.latest("food_category")
    found = {f"1{item.code}": item.name for item in listed.main() if item.code != ADDITIVES_CATEGORY}
    for item in listed.items.values():
        if item.parent == ADDITIVES_CATEGORY:
            found[f"2{item.code[2:]}"] = item.name
    return found


def check(value: str) -> Answer:
    answer = normalize("food_licence", value)
    if answer.errors:
        return answer
    code = answer.normalized
    if code.startswith("QS"):
        return _legacy(answer)
    if not code.startswith("SC"):
        answer.error("prefix", f"应以 SC 开头，现为“{code[:2]}”")
        return answer
    if not length(answer, 16) or not only(answer, DIGITS, "数字", 2):
        return answer
    judge_category(answer, code[2:5])
    judge_region(answer, code[5:11])
    answer.parts["sequence"] = code[11:15]
    expected = food_licence_check_digit(code[2:15])
    if code[15] != expected:
        answer.error("check_digit", CHECK_WORDS.format(expected=expected, given=code[15]))
    return answer


def judge_category(answer: Answer, code: str) -> None:
    known = categories()
    answer.parts |= {"category": code, "category_name": known.get(code, "")}
    if code in known:
        return
    if code == f"1{ADDITIVES_CATEGORY}":
        answer.error("category", "食品类别编码 132 不使用：食品添加剂的编码为 201、202、203")
    elif code[0] not in "12":
        answer.error("category", f"食品类别编码 {code} 的首位应为 1（食品）或 2（食品添加剂）")
    else:
        answer.error("category", f"食品类别编码 {code} 不在食品生产许可分类目录中")


def judge_region(answer: Answer, code: str) -> None:
    """The codes of the first issue, kept for life; development zones use codes of their own."""
    answer.parts |= {"region": code, "province": regions.province(code)}
    if not regions.province(code):
        answer.error("province", f"第 6–7 位省级代码 {code[:2]} 不存在")
        return
    known = regions.periods(code)
    if known:
        answer.parts["region_name"] = known[-1].name
        return
    place = regions.name(f"{code[:4]}00") or regions.province(code)
    answer.warn("region_unknown", f"第 6–11 位区划码 {code} 未查到（{place}），可能是开发区自用码，请核对")


def check_legacy(value: str) -> Answer:
    """QS + 12 digits, the number of 2003–2015."""
    answer = normalize("food_licence_qs", value)
    return answer if answer.errors else _legacy(answer)


def _legacy(answer: Answer) -> Answer:
    code = answer.normalized
    if not code.startswith("QS"):
        answer.error("prefix", f"应以 QS 开头，现为“{code[:2]}”")
        return answer
    if not length(answer, 14) or not only(answer, DIGITS, "数字", 2):
        return answer
    region, category = code[2:6], code[6:10]
    listed = sets.version("food_category", "2006")
    name = listed.name_of(category)
    answer.parts = {"scheme": "food_licence_qs", "region": region, "province": regions.province(region)}
    answer.parts |= {"category": category, "category_name": name, "sequence": code[10:14]}
    if not regions.province(region):
        answer.error("province", f"第 3–4 位省级代码 {region[:2]} 不存在")
    if category[:2] not in listed.items:
        answer.error("category", f"第 7–8 位产品大类 {category[:2]} 不在 28 大类目录中")
    answer.warn("historical", "QS 编号为 2003–2015 年的旧制，没有校验码，请在登记簿中查对")
    return answer
