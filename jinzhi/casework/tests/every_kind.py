"""A procedure that has a step of every kind, and the one it calls:

accept -> route (decision) -> opinions (countersign) -> child (subprocess) -> publicity (timer) -> last -> tell (notice) -> end
"""

import copy
import json
from datetime import date

from jinzhi.casework import actions, engine
from jinzhi.casework.actions.base import Act
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.casework.tests import sample
from jinzhi.foundation.rules import DecisionTable
from jinzhi.foundation.rules.library import library

FORM = {"key": "food_production_application", "version": 2}
TABLE = DecisionTable(
    key="sample.route", title="分流", valid_from=date(2004, 7, 1), valid_to=None, law="样例", article="第一条",
    mark="reconstructed", inputs=("size",), outputs=("outcome",),
    rows=(
        {"when": {"size": "large"}, "then": {"outcome": "full"}},
        {"when": {"size": "small"}, "then": {"outcome": "short"}},
    ),
)  # fmt: skip

CHILD = {
    "key": "sample_child", "version": 1, "name": "听证样例", "matter": "听证", "rule_set": "T",
    "valid_from": "2004-07-01", "law": "样例", "form": FORM, "start": "hear", "ex_officio": True, "clocks": {},
    "steps": {
        "hear": {
            "name": "举行听证", "role": "hearing_officer", "law": "x",
            "outcomes": {"conclude": {"label": "听证结束", "next": "end:done"}},
        },
    },
}  # fmt: skip

PARENT = {
    "key": "sample_kinds", "version": 1, "name": "各类环节", "matter": "样例", "rule_set": "T",
    "valid_from": "2004-07-01", "law": "样例", "form": FORM, "start": "accept", "reopens": "last",
    "submit": {"starts": ["acceptance"]},
    "clocks": {
        "acceptance": {"title": "受理期限", "rule": "licensing.acceptance"},
        "decision": {
            "title": "决定期限", "rule": "licensing.decision", "extension": "licensing.decision_extension",
            "promised": "licensing.inspection_start",
        },
        "remedy": {"title": "复议期限", "rule": "remedy.reconsideration", "owner": "applicant"},
        "expiry": {"title": "证书到期", "rule": "licensing.delivery", "until": "facts.expires"},
    },
    "deadlines": [
        {"clock": "expiry", "label": "届满未决定，视为准予延续", "next": "tell", "law": "行政许可法第五十条", "mark": "decided"},
    ],
    "steps": {
        "accept": {
            "name": "受理", "role": "window_clerk", "law": "x",
            "outcomes": {
                "accept": {
                    "label": "受理", "next": "route", "stops": ["acceptance"], "starts": ["decision", "expiry"],
                    "mark": "accepted", "bulk": True,
                },
            },
        },
        "route": {
            "name": "分流", "kind": "decision", "law": "x", "table": "sample.route", "inputs": {"size": "facts.size"},
            "outcomes": {"full": {"label": "一般程序", "next": "opinions"}, "short": {"label": "简易程序", "next": "last"}},
        },
        "opinions": {
            "name": "会签", "kind": "countersign", "law": "x", "quorum": "2/3",
            "signers": [
                {"key": "law", "name": "法制会签", "role": "legal_reviewer"},
                {"key": "tech", "name": "技术会签", "role": "examiner"},
                {"key": "site", "name": "现场会签", "role": "inspector"},
            ],
            "outcomes": {
                "agreed": {"label": "会签通过", "next": "child"}, "disagreed": {"label": "会签未通过", "next": "last"},
            },
        },
        "child": {
            "name": "听证", "kind": "subprocess", "procedure": "sample_child", "law": "x", "pauses": ["decision"],
            "ground": "听证", "outcomes": {
                "done": {"label": "听证结束", "next": "publicity"}, "*": {"label": "未听证", "next": "last"},
            },
        },
        "publicity": {
            "name": "公示", "kind": "timer", "law": "x", "limit": "licensing.inspection_start",
            "outcomes": {"elapse": {"label": "公示期满", "next": "last"}},
        },
        "last": {
            "name": "决定", "role": "approver", "level": "city", "law": "x", "back": ["accept"], "extend": "decision",
            "outcomes": {
                "approve": {"label": "准予", "next": "tell", "stops": ["decision"], "mark": "decided"},
                "refuse": {"label": "不予", "next": "end:refused", "stops": ["decision"], "mark": "decided", "reason": True},
            },
        },
        "tell": {
            "name": "送达", "kind": "notice", "document": "grant_decision", "role": "certificate_clerk", "level": "city",
            "law": "x", "outcomes": {"serve": {"label": "登记送达", "next": "wait", "stops": ["expiry"], "starts": ["remedy"]}},
        },
        "wait": {
            "name": "归档", "role": "certificate_clerk", "level": "city", "law": "x",
            "outcomes": {"conclude": {"label": "归档", "next": "end:granted"}},
        },
    },
}  # fmt: skip


def changed(raw: dict, **steps: dict) -> dict:
    """The definition with some words of some steps replaced."""
    raw = copy.deepcopy(raw)
    for key, words in steps.items():
        raw["steps"][key].update(words)
    return raw


def publish(raw: dict) -> ProcedureVersion:
    library().tables["sample.route"] = (TABLE,)
    known = ProcedureVersion.objects.filter(key=raw["key"], version=raw["version"]).first()
    return known or ProcedureVersion.objects.create(
        key=raw["key"], version=raw["version"], name=raw["name"], matter=raw["matter"], rule_set="T",
        valid_from=date(2004, 7, 1), definition=json.dumps(raw, default=str), digest="0" * 64,
    )  # fmt: skip


def open_case(day: date = date(2026, 3, 2), raw: dict = PARENT, **facts) -> Case:
    """A case of the procedure at its first step; `facts` are there from the beginning."""
    publish(CHILD)
    version = publish(raw)
    number = next(sample._number)
    case = Case.objects.create(
        place=sample.COUNTY, number=f"K{number:06d}", procedure=version, title="样例", subject_name=f"申请人{number}",
        agency=engine.agency_at(sample.COUNTY, "county"), rule_date=day, received_on=day,
        facts={"size": "large", "expires": "2027-01-31"} | facts,
    )  # fmt: skip
    act = Act(case, None, "submit", actions.SYSTEM, sample.at(day))
    act.log("submit", "提交。")
    for key in version.procedure.submit_starts:
        from jinzhi.casework import clocks

        clocks.begin(case, key, day, act.at)
    engine.open_step(act, version.procedure.start)
    case.save()
    return case


class Cast:
    """One official for every role the procedure asks for."""

    def __init__(self):
        city = {"place": sample.CITY, "level": "city"}
        self.clerk = sample.person("受理", "window_clerk")
        self.law = sample.person("法制", "legal_reviewer")
        self.tech = sample.person("技术", "examiner")
        self.site = sample.person("现场", "inspector")
        self.officer = sample.person("主持", "hearing_officer")
        self.head = sample.person("审批", "approver", **city)
        self.certifier = sample.person("制证", "certificate_clerk", **city)
