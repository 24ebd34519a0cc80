"""A procedure with every limit that supervision asks about, people along its way, and days on which things happen.

accept -> review (county) -> decide (city) -> certificate -> end; limits: acceptance 5, first review 5, decision 20
(promised 10), delivery 10, the review's own 5 working days.
"""

import json
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import count
from unittest import mock

from django.utils import timezone

from jinzhi.casework import actions, clocks, engine, events
from jinzhi.casework.actions.base import Act
from jinzhi.casework.esupervision import running
from jinzhi.casework.esupervision.models import Signal
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.casework.tests import sample

COUNTY, CITY, PROVINCE = 330106000000, 330100000000, 330000000000
NEIGHBOUR = 330105000000
_number = count(1)

DEFINITION = {
    "key": "supervised", "version": 1, "name": "受监察的流程", "matter": "样例许可", "rule_set": "S",
    "valid_from": "2004-07-01", "law": "样例", "form": {"key": "food_production_application", "version": 2},
    "start": "accept", "submit": {"starts": ["acceptance"]},
    "fees": [{"key": "review", "title": "审查费", "rule": "licensing.acceptance"}],
    "clocks": {
        "acceptance": {"title": "受理期限", "rule": "licensing.acceptance"},
        "first": {"title": "初审期限", "rule": "licensing.inspection_start"},
        "decision": {
            "title": "决定期限", "rule": "licensing.decision", "promised": "licensing.delivery",
            "extension": "licensing.decision_extension",
        },
        "delivery": {"title": "发证期限", "rule": "licensing.delivery"},
    },
    "steps": {
        "accept": {
            "name": "受理", "role": "window_clerk", "law": "x",
            "timer": {"clock": "acceptance", "outcome": "deem_accepted"},
            "outcomes": {
                "accept": {"label": "受理", "next": "review", "stops": ["acceptance"],
                           "starts": ["decision", "first"], "mark": "accepted"},
                "correct": {"label": "补正", "next": "answer", "stops": ["acceptance"]},
                "refuse": {"label": "不予受理", "next": "end:not_accepted", "stops": ["acceptance"], "reason": True},
                "deem_accepted": {"label": "视为受理", "next": "review", "stops": ["acceptance"],
                                  "starts": ["decision", "first"], "mark": "accepted", "law": "x"},
            },
        },
        "answer": {
            "name": "补正", "role": "applicant", "law": "x",
            "outcomes": {"pass": {"label": "已补正", "next": "accept", "starts": ["acceptance"]}},
        },
        "review": {
            "name": "审查", "role": "examiner", "law": "x", "limit": "licensing.inspection_start",
            "outcomes": {"pass": {"label": "送审", "next": "decide", "stops": ["first"]}},
        },
        "decide": {
            "name": "决定", "role": "approver", "level": "city", "law": "x", "extend": "decision", "back": ["review"],
            "outcomes": {
                "approve": {"label": "准予", "next": "certificate", "stops": ["decision"], "starts": ["delivery"],
                            "mark": "decided"},
                "refuse": {"label": "不予", "next": "end:refused", "stops": ["decision"], "mark": "decided",
                           "reason": True},
            },
        },
        "certificate": {
            "name": "发证", "role": "certificate_clerk", "level": "city", "law": "x",
            "outcomes": {"issue": {"label": "发证", "next": "end:granted", "stops": ["delivery"]}},
        },
    },
}  # fmt: skip


def version(definition: dict = DEFINITION) -> ProcedureVersion:
    found = ProcedureVersion.objects.filter(key=definition["key"], version=definition["version"]).first()
    return found or ProcedureVersion.objects.create(
        key=definition["key"], version=definition["version"], name=definition["name"], matter=definition["matter"],
        rule_set=definition["rule_set"], valid_from=date(2004, 7, 1), definition=json.dumps(definition), digest="0" * 64,
    )  # fmt: skip


class World:
    """Officials of West Lake and of Hangzhou."""

    def __init__(self):
        self.clerk = sample.person("受理", "window_clerk")
        self.examiner = sample.person("审查", "examiner")
        self.approver = sample.person("审批", "approver", place=CITY, level="city")
        self.certifier = sample.person("制证", "certificate_clerk", place=CITY, level="city")
        self.supervisor = sample.person("督查", "supervisor", place=PROVINCE, level="province")
        self.city_supervisor = sample.person("市督查", "supervisor", place=CITY, level="city")

    def act(self, case: Case, key: str, action: str, day: date, actor=None, **more) -> actions.Act:
        who = actor or {
            "accept": self.clerk, "review": self.examiner, "decide": self.approver, "certificate": self.certifier,
        }.get(key, actions.SYSTEM)  # fmt: skip
        step = case.steps.get(key=key, state="open")
        with recorded(day):
            return actions.perform(case.pk, action, step.pk, who, at=at(day), **more)

    def accepted(self, received: date, accepted: date, **fields) -> Case:
        case = begun(received, **fields)
        self.act(case, "accept", "accept", accepted)
        return case

    def decided(self, received: date, accepted: date, reviewed: date, decided: date, **fields) -> Case:
        case = self.accepted(received, accepted, **fields)
        self.act(case, "review", "pass", reviewed)
        self.act(case, "decide", "approve", decided)
        return case


def at(day: date, hour: int = 10) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))


@contextmanager
def recorded(day: date):
    """What is logged inside was written on that very day."""
    with mock.patch.object(events.timezone, "now", return_value=at(day)):
        yield


def begun(day: date, definition: dict = DEFINITION, place: int = COUNTY, **fields) -> Case:
    """A case handed in on `day`."""
    number = next(_number)
    case = Case.objects.create(
        place=place, number=f"S{number:06d}", procedure=version(definition), title="样例许可：申请人",
        subject_name=f"申请人{number}",
        agency=engine.agency_at(place, "county"), rule_date=day, received_on=day, **fields,
    )  # fmt: skip
    for key in definition["submit"]["starts"]:
        clocks.begin(case, key, day)
    act = Act(case, None, "submit", actions.SYSTEM, at(day, 9))
    with recorded(day):
        act.log("submit", "提交。")
        engine.open_step(act, definition["start"])
    case.save()
    clocks.refresh_urgency(case)
    return case


def supervise(day: date, fire: bool = False) -> running.Result:
    """One pass that reads every case again."""
    return running.run(day, since=at(date(2004, 7, 1)), fire=fire)


def found(case: Case) -> dict[str, str]:
    """rule -> colour of the case's signals."""
    return dict(Signal.objects.filter(case=case).values_list("rule", "colour"))


def signal(case: Case, rule: str) -> Signal:
    return Signal.objects.get(case=case, rule=rule)


def log(case: Case, kind: str, day: date, actor=None, *, public: bool = True, step: str = "", **data) -> None:
    """A sentence as an act or an import writes it, without the engine's own checks."""
    case.refresh_from_db()
    who = actor or actions.Actor(None)
    with recorded(day):
        events.record(
            case, kind, "记述。", at(day, 11), actor=who.account, post=who.post, public=public,
            data=({"step": step} if step else {}) | data,
        )  # fmt: skip
    case.save()
