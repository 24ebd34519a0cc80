"""Unified social credit code 统一社会信用代码 (GB 32100-2015).

1 registering department, 1 kind, 6 region, 9 organisation code, 1 mod-31 check character over the rest.
"""

from stdnum.cn import uscc as stdnum_uscc

from jinzhi.foundation.codes import organization_code, regions
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import DIGITS, length, normalize, only

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CONFUSABLE = {"I": "1", "O": "0", "S": "5", "V": "U 或 Y", "Z": "2"}

# registering department -> (its name, kind -> name); from memory but for 1, 5, 9, N, Y
DEPARTMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "1": ("机构编制", {"1": "机关", "2": "事业单位", "3": "编办直接管理机构编制的群众团体", "9": "其他"}),
    "2": ("外交", {"1": "外国常驻新闻机构", "9": "其他"}),
    "3": (
        "司法行政",
        {
            "1": "律师执业机构",
            "2": "公证处",
            "3": "基层法律服务所",
            "4": "司法鉴定机构",
            "5": "仲裁委员会",
            "9": "其他",
        },
    ),
    "4": ("文化", {"1": "外国在华文化中心", "9": "其他"}),
    "5": ("民政", {"1": "社会团体", "2": "民办非企业单位", "3": "基金会", "9": "其他"}),
    "6": ("旅游", {"1": "外国旅游部门常驻代表机构", "2": "港澳台地区旅游部门常驻代表机构", "9": "其他"}),
    "7": ("宗教", {"1": "宗教活动场所", "2": "宗教院校", "9": "其他"}),
    "8": ("工会", {"1": "基层工会", "9": "其他"}),
    "9": ("市场监管（工商）", {"1": "企业", "2": "个体工商户", "3": "农民专业合作社"}),
    "A": ("中央军委改革和编制办公室", {"1": "军队事业单位", "9": "其他"}),
    "N": ("农业", {"1": "组级集体经济组织", "2": "村级集体经济组织", "3": "乡镇级集体经济组织", "9": "其他"}),
    "Y": ("其他", {"1": "其他"}),
}
INDIVIDUAL_BUSINESS = "92"
WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
CHECK_WORDS = "第 18 位校验码应为 {expected}，现为 {given}"


def check_character(body: str) -> str:
    """Check character of the 17-character `body`."""
    return stdnum_uscc.calc_check_digit(body)


def check(value: str) -> Answer:
    answer = normalize("uscc", value)
    if not length(answer, 18) or not _characters(answer):
        return answer
    code = answer.normalized
    judge_kind(answer, code[:2])
    judge_region(answer, code[2:8])
    judge_inner(answer, code)
    expected = check_character(code[:17])
    if code[17] != expected:
        answer.error("check_digit", CHECK_WORDS.format(expected=expected, given=code[17]))
    return answer


def _characters(answer: Answer) -> bool:
    for place, c in enumerate(answer.normalized, 1):
        if c in CONFUSABLE:
            answer.error(
                "confusable",
                f"第 {place} 位是字母 {c}：统一社会信用代码不用 I、O、S、V、Z，"
                f"请核对证照上是否为 {CONFUSABLE[c]}",
            )
    if answer.errors:
        return False
    return only(answer, ALPHABET, "数字或大写字母") and only(answer, DIGITS, "数字（登记机关区划码）", 2, 8)


def judge_kind(answer: Answer, prefix: str) -> None:
    department = DEPARTMENTS.get(prefix[0])
    if department is None:
        answer.error("department", f"第 1 位 {prefix[0]} 不是登记管理部门代码（1–9、A、N、Y）")
        return
    answer.parts |= {"department": department[0], "kind": department[1].get(prefix[1], "")}
    if prefix[1] not in department[1]:
        answer.warn("kind", f"第 2 位 {prefix[1]} 不在“{department[0]}”部门已知的机构类别中，请核对")


def judge_region(answer: Answer, code: str) -> None:
    answer.parts["region"] = code
    if code == regions.CENTRAL:
        answer.parts["region_name"] = "国家级登记机关"
        return
    known = regions.periods(code)
    if not known:
        answer.warn("region_unknown", f"第 3–8 位登记机关区划码 {code} 未查到，可能是开发区自用码，请核对")
        return
    answer.parts["region_name"] = known[-1].name
    if known[-1].last:
        answer.warn("region_abolished", f"登记机关区划码 {code}（{known[-1].name}）已撤销，属正常沿用")


def judge_inner(answer: Answer, code: str) -> None:
    """The organisation code inside (positions 9–17) has its own check character."""
    inner = code[8:17]
    answer.parts["organization_code"] = inner
    expected = organization_code.check_character(inner[:8])
    if inner[8] == expected:
        if inner == "0" * 9:
            answer.error("placeholder", "第 9–17 位主体标识码全为 0，不是实际赋予的代码")
        return
    message = (
        f"第 9–17 位主体标识码（组织机构代码 {inner[:8]}-{inner[8]}）"
        f"的校验码应为 {expected}，即第 17 位应为 {expected}"
    )
    if code[:2] == INDIVIDUAL_BUSINESS:
        answer.warn("inner_check_digit", f"{message}；早期个体工商户代码有此情形，请核对证照")
    else:
        answer.error("inner_check_digit", message)
