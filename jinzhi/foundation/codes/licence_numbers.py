"""Numbers without a check digit: TS of special-equipment licences, 制 of measuring-instrument licences, type approvals.

What a table of the reference does not hold (activity digits, class letters) is a warning, never an error.
"""

import re

from jinzhi.foundation.codes import regions
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import normalize

TS = re.compile(r"TS([1-9])([1-9F])(\d{2})([0-9A-Z]{3})(20\d{2})")
ACTIVITIES = {
    "1": "设计",
    "2": "制造",
    "3": "安装改造修理",
    "4": "气瓶充装",
    "7": "检验检测",
    "9": "移动式压力容器充装",
}
EQUIPMENT = {
    "1": "锅炉", "2": "压力容器", "3": "电梯", "4": "起重机械",
    "5": "场（厂）内专用机动车辆", "6": "大型游乐设施", "7": "压力管道元件",
    "8": "压力管道", "9": "客运索道", "F": "安全附件",
}  # fmt: skip
STATE_ORGAN = "10"
MADE = re.compile(r"([国\u4e00-\u9fa5])制(\d{2})(\d{2})(\d{4})号")
CPA = re.compile(r"(\d{2}|\d{4})([A-Z])(\d{3,4}?)(\d{2})?")
CLASSES = {"F": "力学"}


def check_special_equipment(value: str) -> Answer:
    """TS + activity + equipment + organ (10 or a province) + 3 characters + `-` + year in which it ends."""
    answer = normalize("special_equipment_licence", value, hyphen_at=9)
    if answer.errors:
        return answer
    code = answer.normalized
    if not code.startswith("TS"):
        answer.error("prefix", f"应以 TS 开头，现为“{code[:2]}”")
        return answer
    if not (found := TS.fullmatch(code)):
        answer.error(
            "format",
            "应为 TS、类别一位、设备种类一位、发证机关两位、顺序号三位、短横、到期年份四位，如 TS2233001-2030",
        )
        return answer
    activity, equipment, organ, serial, year = found.groups()
    answer.normalized = f"{code[:9]}-{year}"
    answer.parts = {
        "activity": ACTIVITIES.get(activity, ""), "equipment": EQUIPMENT[equipment], "organ": organ, "sequence": serial,
        "expiry_year": int(year),
    }  # fmt: skip
    if activity not in ACTIVITIES:
        answer.warn("activity", f"第 3 位类别 {activity} 不在已收录的对照表中，请核对")
    if organ != STATE_ORGAN and not regions.province(organ):
        answer.error("organ", f"第 5–6 位发证机关 {organ} 既不是国家机关（10），也不是省级行政区划代码")
    return answer


def check_measuring_instruments(value: str) -> Answer:
    """Short name of the province (or 国) + 制 + city 2 + county 2 (00: issued higher up) + 4 sequence + 号."""
    answer = normalize("measuring_instrument_licence", value)
    if answer.errors:
        return answer
    if not (found := MADE.fullmatch(answer.normalized)):
        answer.error("format", "应为省份简称加“制”、8 位数字、“号”，如 浙制01060001号")
        return answer
    short, city, county, serial = found.groups()
    answer.parts = {"province": short, "city": city, "county": county, "sequence": serial}
    answer.warn("historical", "制造计量器具许可已于 2017-12-28 取消，此编号没有校验码，请在登记簿中查对")
    return answer


def check_type_approval(value: str) -> Answer:
    """Year + class letter + sequence from 101 + `-` and province, e.g. 2020F123-33; before: 99-F166."""
    answer = normalize("type_approval", value)
    if answer.errors:
        return answer
    if not (found := CPA.fullmatch(answer.normalized)):
        answer.error("format", "应为年份、类别字母、顺序号，可带短横和省份代码，如 2020F123-33")
        return answer
    year, letter, serial, organ = found.groups()
    answer.problems = [p for p in answer.problems if p.code != "normalized_hyphen"]  # it is part of the form
    answer.normalized = f"{year}{'-' if len(year) == 2 else ''}{letter}{serial}{f'-{organ}' if organ else ''}"
    answer.parts = {"year": year, "class": CLASSES.get(letter, ""), "sequence": serial, "organ": organ or ""}
    if letter not in CLASSES:
        answer.warn("class", f"类别字母 {letter} 不在已收录的对照表中，请核对")
    if int(serial) < 101:
        answer.warn("sequence", f"顺序号从 101 起，现为 {serial}，请核对")
    if organ and not regions.province(organ):
        answer.error("organ", f"省份代码 {organ} 不存在")
    return answer
