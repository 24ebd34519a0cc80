"""A small procedure, people and cases for the engine's tests: draft -> (left | right) -> last -> end."""

import json
from datetime import date, datetime, time
from itertools import count

from django.utils import timezone

from jinzhi.casework import actions, clocks, engine
from jinzhi.casework.actions.base import Act
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.foundation.people.models import Account, Agency, Post, Power

COUNTY, CITY = 330106000000, 330100000000
_number = count(1)

DEFINITION = {
    "key": "sample",
    "version": 1,
    "name": "样例流程",
    "matter": "样例",
    "rule_set": "T",
    "valid_from": "2004-07-01",
    "law": "样例",
    "form": {"key": "food_production_application", "version": 2},
    "start": "first",
    "submit": {"starts": ["acceptance"]},
    "clocks": {
        "acceptance": {"title": "受理期限", "rule": "licensing.acceptance"},
        "decision": {
            "title": "决定期限",
            "rule": "licensing.decision",
            "extension": "licensing.decision_extension",
        },
    },
    "steps": {
        "first": {
            "name": "受理",
            "role": "window_clerk",
            "law": "x",
            "outcomes": {
                "accept": {
                    "label": "受理", "next": "both", "stops": ["acceptance"], "starts": ["decision"], "mark": "accepted",
                },
                "refuse": {"label": "不予受理", "next": "end:not_accepted", "reason": True},
            },
        },
        "both": {"name": "审查", "kind": "parallel", "branches": ["left", "right"], "next": "last"},
        "left": {
            "name": "左", "role": "examiner", "law": "x", "outcomes": {"pass": {"label": "送审", "next": "left2"}},
        },
        "left2": {
            "name": "左二", "role": "examiner", "law": "x", "back": ["left", "first"],
            "outcomes": {"pass": {"label": "送审", "next": "join"}},
        },
        "right": {
            "name": "右", "role": "inspector", "law": "x", "outcomes": {"pass": {"label": "送审", "next": "join"}},
        },
        "last": {
            "name": "决定", "role": "approver", "level": "city", "law": "x", "back": ["left", "first"],
            "not_same_as": ["left"], "extend": "decision",
            "outcomes": {
                "approve": {"label": "准予", "next": "end:granted", "stops": ["decision"], "mark": "decided"}
            },
        },
    },
}  # fmt: skip


def version() -> ProcedureVersion:
    found = ProcedureVersion.objects.filter(key="sample").first()
    return found or ProcedureVersion.objects.create(
        key="sample", version=1, name="样例流程", matter="样例", rule_set="T", valid_from=date(2004, 7, 1),
        definition=json.dumps(DEFINITION), digest="0" * 64,
    )  # fmt: skip


def person(name: str, *roles: str, place: int = COUNTY, level: str = "county") -> actions.Actor:
    """Somebody in the bureau of `place` with these roles."""
    agency = Agency.objects.get(place=place, level=level)
    account = Account.objects.create_user(
        f"{name}{next(_number)}", "a long enough word", name=name, kind="staff"
    )
    post = Post.objects.create(account=account, agency=agency, title="岗位", valid_from=date(2004, 1, 1))
    powers = tuple(Power.objects.create(post=post, role=role) for role in roles)
    return actions.Actor(account, post, powers)


def at(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(10)))


def open_case(day: date = date(2026, 3, 2), place: int = COUNTY) -> Case:
    """A case that stands at its first step."""
    number = next(_number)
    case = Case.objects.create(
        place=place, number=f"T{number:06d}", procedure=version(), title="样例", subject_name=f"申请人{number}",
        agency=engine.agency_at(place, "county"), rule_date=day, received_on=day,
    )  # fmt: skip
    clocks.start(case, "acceptance", "受理期限", "licensing.acceptance", day)
    act = Act(case, None, "submit", actions.SYSTEM, at(day))
    act.log("submit", "提交。")
    engine.open_step(act, "first")
    case.save()
    clocks.refresh_urgency(case)
    return case


def go(case: Case, key: str, action: str, actor: actions.Actor, day: date | None = None, **more):
    """Act at the open step `key`."""
    step = case.steps.get(key=key, state="open")
    return actions.perform(case.pk, action, step.pk, actor, at=at(day or date(2026, 3, 3)), **more)


def open_keys(case: Case) -> set[str]:
    return set(case.steps.filter(state="open", kind="user").values_list("key", flat=True))
