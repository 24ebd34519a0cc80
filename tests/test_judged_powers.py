"""Attacks over the interface and the pages: what is sent beside the question, other people's keys, posts and places."""

import json
import zipfile
from datetime import date
from io import BytesIO

import pytest
from django.core.cache import cache

from jinzhi.casework import documents, intake
from jinzhi.casework.esupervision import running
from jinzhi.casework.models import Case
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.people.models import Agency, Post, Power
from jinzhi.services.licensing.tests import test_measuring, test_special_equipment, world
from tests.test_judged_dates import Program, told, with_files
from tests.visitors import NEIGHBOUR, OTHER_CODE, enter

pytestmark = pytest.mark.django_db
FOOD = "food_production_licence"


@pytest.fixture(autouse=True)
def _demo(settings):
    cache.clear()
    settings.DEMO = True


def official(role: str, *more: str, place: int = world.COUNTY) -> Program:
    actor = world.official(role, role, place)
    for another in more:
        Power.objects.create(post=actor.post, role=another)
    program = Program(actor.account)
    program.post_row = actor.post
    return program


@pytest.fixture
def holder():
    return world.enterprise()


@pytest.fixture
def firm(holder):
    return Program(world.owner(holder).account)


def handed_in(firm: Program, holder, procedure: str = FOOD, data: dict | None = None, **more) -> dict:
    body = {"procedure": procedure, "data": with_files(firm, data or world.application(holder))} | more
    return told(firm.post("/cases", body), 201)


@pytest.fixture
def number(firm, holder):
    return handed_in(firm, holder)["number"]


# -- what is sent beside the question


def test_nothing_but_the_form_is_taken_from_an_application(firm, holder):
    more = {
        "entered_on": "2001-01-01", "outcome": "granted", "place": 330000000000, "state": "closed", "number": "XK1",
        "rule_date": "2006-01-01", "channel": "window", "accepted_on": "2026-01-01", "facts": {"special": True},
    }  # fmt: skip
    data = world.application(holder) | {"facts": {"deciding_level": "county"}, "licence": {"number": "SC1"}}
    data["applicant"]["role"] = "administrator"
    case = Case.objects.get(number=handed_in(firm, holder, data=data, **more)["number"])
    assert (case.entered_on, case.outcome, case.state, case.place) == (None, "", "open", world.COUNTY)
    assert (case.channel, case.accepted_on, case.rule_date) == ("interface", None, case.received_on)
    assert case.facts["deciding_level"] == "city" and case.facts["special"] is False
    assert "facts" not in case.data and "licence" not in case.data and "role" not in case.data["applicant"]


def test_an_act_takes_nothing_but_what_it_asks_for(number):
    clerk = official("window_clerk")
    data = {
        "facts": {"x": 1},
        "outcome": "approve",
        "target": "decide",
        "agency": "330105",
        "accepted_on": "2001-01-01",
    }
    told(clerk.act(number, "accept", "accept", data=data, accepted_on="2001-01-01", actor=1))
    case = Case.objects.get(number=number)
    assert case.accepted_on == case.received_on and "x" not in case.facts


def test_the_inspector_does_not_give_the_marks_himself(number):
    told(official("window_clerk").act(number, "accept", "accept"))
    case = Case.objects.get(number=number)
    check = world.site_check("FP-2020", case.received_on)
    check["result"] |= {"verdict": "pass", "score": 10**9, "rate": 5}
    told(official("inspector").act(number, "conclude", "site_inspection", data=check))
    case.refresh_from_db()
    assert case.facts["site_check"]["score"] == case.facts["site_check"]["full"]


# -- steps, posts and agencies of elsewhere


def test_a_step_of_another_case_is_no_step_of_this_one(firm, holder, number):
    data = world.application(holder)
    data["premises"]["address"] = "另一处"
    other = handed_in(firm, holder, data=data)["number"]
    step = Case.objects.get(number=other).steps.get(state="open").pk
    clerk = official("window_clerk")
    assert clerk.act(number, "accept", step).status_code == 422
    page = enter(clerk.account).post(f"/office/cases/{number}/act/", {"action": "accept", "step": step})
    assert page.status_code == 404
    assert not Case.objects.filter(accepted_on__isnull=False).exists()


@pytest.mark.parametrize(
    ("action", "payload"), [("copy", "posts"), ("add_sign", "posts"), ("reassign", "post")]
)
def test_nobody_outside_is_brought_in(number, action, payload):
    clerk, outside = official("window_clerk"), official("window_clerk", place=NEIGHBOUR)
    key = outside.post_row.pk
    data = {payload: [key] if payload == "posts" else key, "when": "before"}
    assert clerk.act(number, action, "accept", reason="x", data=data).status_code == 422
    assert outside.client.get(f"/api/v1/cases/{number}").status_code == 404


@pytest.mark.parametrize("agency", ["330106", "330000", "999999", "", "' OR 1=1"])
def test_a_case_is_handed_over_to_another_agency_of_the_level_only(number, agency):
    clerk = official("window_clerk")
    assert clerk.act(number, "hand_over", reason="x", data={"agency": agency}).status_code == 422


def test_papers_and_files_go_with_a_case_that_is_handed_over(number):
    clerk, new = official("window_clerk"), official("window_clerk", place=NEIGHBOUR)
    case = Case.objects.get(number=number)
    file = Attachment.objects.filter(subject=documents.subject(case)).first()
    paper = documents.of_case(case).first()
    told(clerk.act(number, "hand_over", reason="属于拱墅区管辖", data={"agency": "330105"}))
    then, now = enter(clerk.account), enter(new.account)
    for address in (file.url, paper.url, f"/office/cases/{number}/"):
        assert (then.get(address).status_code, now.get(address).status_code) == (404, 200), address


@pytest.mark.parametrize("role", ["administrator", "security_administrator"])
def test_administrators_of_the_system_read_no_case(number, role):
    program = official(role)
    assert program.client.get(f"/api/v1/cases/{number}").status_code in (403, 404)
    page = enter(program.account)
    assert page.get(f"/office/cases/{number}/").status_code in (403, 404)
    assert page.post(f"/office/cases/{number}/dossier/").status_code in (403, 404)


# -- days


def test_a_living_case_is_not_dated_back_into_its_limit(holder):
    day = date(2026, 9, 1)
    version = intake.version_on(FOOD, day)
    case = intake.submit(
        version, world.application(holder), world.owner(holder), at=world.at(day), enterprise_id=holder.pk
    )
    clerk = official("window_clerk", "records_clerk")
    answer = clerk.act(case.number, "accept", "accept", date(2026, 9, 2))
    assert answer.status_code in (403, 422), answer.content.decode()


# -- an enterprise at its own step


def own_step(firm: Program, holder) -> str:
    number = handed_in(firm, holder, "type_approval", test_measuring.approval(holder))["number"]
    told(official("window_clerk", place=world.PROVINCE).act(number, "accept", "accept"))
    return number


INNER = (
    "suspend", "resume", "copy", "add_sign", "reassign", "return", "extend", "fee", "hand_over", "terminate", "link",
)  # fmt: skip


@pytest.mark.parametrize("action", INNER)
def test_an_enterprise_does_no_act_of_an_official(firm, holder, action):
    number = own_step(firm, holder)
    examiner = official("examiner", place=world.PROVINCE).post_row.pk
    offered = {a["key"] for s in firm.case(number)["steps"] for a in s["actions"]}
    assert action not in offered
    data = {"ground": "检验", "days": 9, "posts": [examiner], "post": examiner, "when": "before"}
    answer = firm.act(number, action, "send", reason="x", data=data)
    assert answer.status_code in (403, 422), answer.content.decode()
    clock = Case.objects.get(number=number).clocks.get(key="decision")
    assert clock.state == "paused" and clock.pauses.count() == 1


def test_the_record_of_a_step_takes_no_file_of_another(firm, holder):
    stranger = Program(world.owner(world.enterprise(name="别家", uscc=OTHER_CODE)).account)
    theirs = stranger.upload("proof")
    number = handed_in(firm, holder, "special_equipment_licence", test_special_equipment.application(holder))[
        "number"
    ]
    told(official("window_clerk", place=world.PROVINCE).act(number, "accept", "accept"))
    today = Case.objects.get(number=number).received_on.isoformat()
    told(firm.act(number, "pass", "engage", data={"conclusion": {"body": "省特检院", "planned_on": today}}))
    team = [{"name": n, "certificate": n, "duty": "member"} for n in "甲乙"]
    said = {"report": "J", "begun_on": today, "ended_on": today, "result": "rectify", "problems": "不全"}
    appraiser = official("appraiser", place=world.PROVINCE)
    told(appraiser.act(number, "conclude", "appraisal", data={"team": team, "conclusion": said}))
    record = {"conclusion": {"finished_on": today, "account": "已改"}, "attachments": {"proof": [theirs]}}
    assert firm.act(number, "pass", "rectify", data=record).status_code == 422


# -- bodies


@pytest.mark.parametrize(
    "body",
    [
        '{"step":"受理"}'.encode("gbk"), b"step=accept", b"\x1f\x8b\x08\x00", b'{"step":' + b"9" * 5000 + b"}",
        b'{"step":"nope","step":"nope2"}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_question_is_refused_in_words(number, body):
    clerk = official("window_clerk")
    address = f"/api/v1/cases/{number}/actions/accept"
    answer = clerk.client.generic("POST", address, body, content_type="application/json")
    assert answer.status_code in (400, 422) and not answer.json()["message"].isascii()


def test_a_body_of_twelve_megabytes_is_refused_and_no_failure(number):
    clerk = official("window_clerk")
    body = b'{"reason":"' + b"x" * 12_000_000 + b'"}'
    address = f"/api/v1/cases/{number}/actions/accept"
    answer = clerk.client.generic("POST", address, body, content_type="application/json")
    assert answer.status_code in (400, 413)


def test_a_repetition_from_another_post_shows_nothing_of_the_first(number):
    clerk = official("window_clerk")
    told(clerk.post(f"/cases/{number}/actions/accept", {"step": "accept"}, "k1"))
    agency = Agency.objects.get(place=NEIGHBOUR)
    second = Post.objects.create(
        account=clerk.account, agency=agency, title="兼", valid_from=date(2004, 1, 1)
    )
    Power.objects.create(post=second, role="window_clerk")
    body = {"username": clerk.account.username, "post": second.pk}
    token = clerk.client.post("/api/v1/tokens", body, content_type="application/json").json()["token"]
    again = clerk.client.post(
        f"/api/v1/cases/{number}/actions/accept", json.dumps({"step": "accept"}), content_type="application/json",
        headers={"Idempotency-Key": "k1", "authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert again.status_code in (403, 404, 422)


# -- exports


def test_a_name_that_is_a_formula_runs_in_no_spreadsheet():
    evil = '=HYPERLINK("http://x","a")'
    holder = world.enterprise(name=evil, uscc=OTHER_CODE)
    own = Program(world.owner(holder).account)
    handed_in(own, holder)
    running.run(date(2026, 12, 20), fire=False)
    page = enter(official("supervisor", "approver").account)
    for address in ("/office/supervision/cards/?export=xlsx", "/registry/enterprises/?export=csv"):
        answer = page.get(address)
        content = b"".join(answer.streaming_content)
        assert answer.status_code == 200
        if content[:2] == b"PK":
            book = zipfile.ZipFile(BytesIO(content))
            sheets = " ".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))
            assert "<f>" not in sheets
        else:
            assert evil[:11] in content.decode() and f"'{evil[:11]}" in content.decode()
