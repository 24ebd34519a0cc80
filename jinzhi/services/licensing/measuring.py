"""Measuring instruments: the manufacturing licence (until 2017-12-27) and type approval, with their numbers."""

from datetime import date

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook, run
from jinzhi.foundation import codes, numbering, rules
from jinzhi.foundation.people.pack import deciding_level, province
from jinzhi.services.licensing import applying, kinds

MADE, APPROVED = "measuring_instruments", "type_approval"
FIRST = 100  # the sequence of type approvals begins after it


def made_number(short: str, place: int, level: str, n: int) -> str:
    """`浙制` + city 2 + county 2 + sequence 4 + `号`; 00 where a higher level issued.

    >>> made_number("浙", 330106000000, "city", 1)
    '浙制01000001号'
    """
    code = f"{place // 1_000_000:06d}"
    city, county = (code[2:4], code[4:6])
    if level != "county":
        county = "00"
    if level == "province":
        city = "00"
    return f"{short}制{city}{county}{n:04d}号"


def _made(act: Act, ends: date | None) -> str:
    level = act.case.facts["deciding_level"]
    short = province()["short"]
    head = made_number(short, act.case.place, level, 0)[:6]
    return made_number(short, act.case.place, level, numbering.take("CMC", head, maximum=9999))


def approval_number(year: int, letter: str, n: int, organ: str) -> str:
    """Year + class letter + sequence from 101 + province.

    >>> approval_number(2026, "F", 101, "33")
    '2026F101-33'
    """
    return f"{year}{letter}{n}-{organ}"


def _approved(act: Act, ends: date | None) -> str:
    year = (act.case.decided_on or act.day).year
    letter = act.case.data["instrument"]["letter"]
    organ = province()["code"][:2]
    n = FIRST + numbering.take("CPA", f"{letter}-{organ}", year=year, maximum=9999 - FIRST)
    return approval_number(year, letter, n, organ)


def lines(act: Act) -> list[dict]:
    """The scope line allows either a specification or a range with its accuracy."""
    return [
        {
            "category": row["name"],
            "detail": row["model"],
            "varieties": "；".join(filter(None, (row.get("range", ""), row.get("accuracy", "")))),
        }
        for row in act.case.data.get("items") or []
    ]


kinds.register(kinds.LicenceKind(MADE, _made, lines))
kinds.register(kinds.LicenceKind(APPROVED, _approved, lines))


def _items(act: Act) -> None:
    act.case.facts["items"] = [
        {"text": " ".join(filter(None, (x["category"], x["detail"], x["varieties"])))} for x in lines(act)
    ]


def _level(act: Act, kind: str) -> None:
    listed = act.case.data.get("instruments", {}).get("key_list") == "yes"
    act.case.facts["deciding_level"] = deciding_level(kind, act.case.rule_date, ["key"] if listed else [])


@hook("measuring_instrument_licence.submit")
@hook("measuring_instrument_renewal.submit")
def manufacture(act: Act) -> None:
    """Each product has passed one of the two gates: type approval, or a prototype test (实施细则第十五、十六条)."""
    data = act.case.data
    individual = data.get("instruments", {}).get("holder_kind") == "individual"
    if individual and data["instruments"].get("simple") != "yes":
        raise Refused("个体工商户只能制造简易计量器具（计量法第十七条）", "instruments.holder_kind")
    for row in data.get("items") or []:
        if row.get("gate") == "type":
            answer = codes.check("type_approval", row["gate_number"])
            if not answer.valid:
                raise Refused(f"{row['name']} 的型式批准证书编号有误：{answer.errors[0].message}", "items")
    applying.check(act)
    _level(act, MADE)
    _items(act)


@hook("type_approval.submit")
def approval(act: Act) -> None:
    what = act.case.data["instrument"]
    if what["maker"] == "foreign":
        raise Refused(
            "进口计量器具的型式批准由国家机关办理（计量法实施细则第十九条），请向市场监管总局申请",
            "instrument.maker",
        )
    try:
        only = rules.value("type_approval.mandatory_only", on=act.case.rule_date)
    except rules.NoRule:
        only = None
    if only and only.value and what["catalogue"] == "none":
        raise Refused(
            f"未列入目录或者未标注 P 的计量器具不需要型式批准（{only.basis}），可以自愿委托型式试验",
            "instrument.catalogue",
        )
    applying.check(act)
    act.case.facts["deciding_level"] = deciding_level(APPROVED, act.case.rule_date)
    _items(act)


@hook("measuring.assessed")
def assessed(act: Act) -> None:
    run("licensing.record", act)
    act.case.facts["conclusion"] = act.payload["result"]["conclusion"]["result"]


@hook("measuring.excluded")
def excluded(act: Act) -> None:
    """Assessment and evaluation do not count against the limit; the applicant is told in writing."""
    word = "检测" if act.case.definition.licence == APPROVED else "专家评审"
    act.case.facts["suspension"] = {"ground": word, "reason": "", "days": ""}


@hook("measuring.may_grant")
def may_grant(act: Act) -> None:
    if act.case.facts.get("conclusion") != "pass":
        raise Refused("考核（型式评价）没有合格结论，不能准予")
