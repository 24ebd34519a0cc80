"""People and forms of the tests of running the network."""

from datetime import timedelta
from itertools import count

from django.utils import timezone

from jinzhi.casework import actions
from jinzhi.casework.models import Case, Step
from jinzhi.foundation.people.models import Account, Agency, Post, Power
from jinzhi.network.operations import moments, opening

COUNTY, CITY, PROVINCE = 330106000000, 330100000000, 330000000000
OTHER_COUNTY, OTHER_CITY = 330206000000, 330200000000
_number = count(1)


def official(place: int, *roles: str, name: str = "") -> actions.Actor:
    number = next(_number)
    account = Account.objects.create_user(
        f"noc{number}", "a long enough word", name=name or f"运维{number}", kind="staff", is_demo=True
    )
    post = Post.objects.create(
        account=account, agency=Agency.objects.get(place=place), title="网管", valid_from="2004-01-01"
    )
    return actions.Actor(account, post, tuple(Power.objects.create(post=post, role=r) for r in roles))


def minutes_ago(minutes: int) -> str:
    return moments.shown(timezone.now() - timedelta(minutes=minutes))


def fault_form(impact: str = "high", urgency: str = "high", **fault) -> dict:
    return {
        "fault": {
            "title": "专网中断", "source": "user", "node": "330100", "equipment": "", "began": minutes_ago(100),
            "symptom": "县局到市局的专线不通",
        } | fault,
        "grading": {"impact": impact, "urgency": urgency},
        "reporter": {"name": "沈窗口", "phone": "0571-85000000"},
    }  # fmt: skip


def fault(actor: actions.Actor, place: int = COUNTY, at=None, **form) -> Case:
    return opening.begin("network_fault", fault_form(**form), actor, place, at=at)


def solved(**changes) -> dict:
    made = {
        "cause_kind": "line", "cause": "光缆被挖断", "solution": "运营商熔接", "interrupted": "yes",
        "restored": minutes_ago(0), "parts": "",
    } | changes  # fmt: skip
    return {"result": {"conclusion": made}}


def confirmed(**changes) -> dict:
    made = {
        "confirmed_by": "沈窗口",
        "satisfied": "good",
        "report": "经过、影响、原因、处置、防范",
        "knowledge": "",
    } | changes
    return {"result": {"conclusion": made}}


def step(case: Case, key: str = "") -> Step:
    found = case.steps.filter(state="open", kind="user")
    return (found.filter(key=key) if key else found).get()


def do(case: Case, action: str, actor: actions.Actor, key: str = "", **more) -> Case:
    actions.perform(case.pk, action, step(case, key).pk, actor, **more)
    case.refresh_from_db()
    return case
