"""Cases over the interface: what the pages do, with the same powers, once, and back-dated only by who may."""

import copy
import threading
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from jinzhi.casework import events, idempotency
from jinzhi.casework.models import Answered, Case, Step
from jinzhi.casework.tests import sample
from jinzhi.foundation import calendar
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.files.tests import samples
from jinzhi.foundation.people import tokens
from jinzhi.foundation.people.models import AccessToken, Account, Delegation, Power
from jinzhi.foundation.people.tests.cast import BACKEND
from jinzhi.foundation.places import scope
from jinzhi.services.licensing.tests import world
from tests.visitors import NEIGHBOUR, OTHER_CODE

pytestmark = pytest.mark.django_db
CASES = "/api/v1/cases"
FOOD = "food_production_licence"


@pytest.fixture(autouse=True)
def _demo(settings):
    cache.clear()
    settings.DEMO = True


class Program:
    """A program that has signed in for somebody."""

    def __init__(self, account: Account):
        Account.objects.filter(pk=account.pk).update(is_demo=True)
        body = {"username": account.username}
        told = Client().post("/api/v1/tokens", body, content_type="application/json").json()
        self.account = account
        self.client = Client(headers={"authorization": f"Bearer {told['token']}"})

    def get(self, address: str):
        return self.client.get(address)

    def post(self, address: str, body, key: str = "", **more):
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(address, body, content_type="application/json", headers=headers, **more)

    def upload(self, kind: str, content: bytes = samples.PDF, name="平面图.pdf"):
        body = {"file": SimpleUploadedFile(name, content), "kind": kind}
        return self.client.post("/api/v1/attachments", body)

    def case(self, number: str) -> dict:
        answer = self.get(f"{CASES}/{number}")
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()

    def act(self, number: str, action: str, key: str = "", **body):
        return self.post(f"{CASES}/{number}/actions/{action}", body, key)


def official(role: str, *more: str, place: int = world.COUNTY) -> Program:
    actor = world.official(role, role, place)
    for another in more:
        Power.objects.create(post=actor.post, role=another)
    return Program(actor.account)


@pytest.fixture
def holder():
    return world.enterprise()


@pytest.fixture
def firm(holder):
    return Program(world.owner(holder).account)


@pytest.fixture
def clerk():
    return official("window_clerk")


def complete(program: Program, holder) -> dict:
    """A complete application whose files this program has uploaded."""
    data = world.application(holder)
    for kind in data["attachments"]:
        data["attachments"][kind] = [program.upload(kind).json()["id"]]
    return data


def apply(program: Program, holder, key: str = "", **more):
    body = {"procedure": FOOD, "data": complete(program, holder)} | more
    return program.post(CASES, body, key)


def told(answer, status: int) -> dict:
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


def field_of(answer) -> str:
    return answer.json()["problems"][0]["field"]


# -- procedures


def test_procedures_are_public_and_list_their_versions():
    lines = {line["key"]: line for line in told(Client().get("/api/v1/procedures"), 200)}
    versions = lines[FOOD]["versions"]
    assert {"version", "valid_from", "valid_to", "law"} == set(versions[0])
    assert [v["valid_from"] for v in versions] == sorted((v["valid_from"] for v in versions), reverse=True)


def test_the_definition_in_force_on_a_day_comes_with_its_limits_and_the_schema_of_its_form():
    now = told(Client().get(f"/api/v1/procedures/{FOOD}"), 200)
    then = told(Client().get(f"/api/v1/procedures/{FOOD}?on=2006-05-01"), 200)
    assert then["version"] < now["version"] and then["rule_set"] != now["rule_set"]
    decision = {c["key"]: c for c in now["clocks"]}["decision"]
    assert decision["value"] == 10 and decision["unit"] == "workday" and "第" in decision["law"]
    assert now["form"]["data_schema"]["properties"]["applicant"]
    accept = next(s for s in now["steps"] if s["key"] == "accept")
    assert accept["role_name"] == "窗口受理" and accept["outcomes"][0]["label"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("?on=1990-01-01", 404), ("?on=x", 422), ("?on=2006-13-01", 422), ("?on=2006-05-01T08:00", 422)],
)
def test_a_day_without_a_procedure_is_said_so(query, status):
    assert told(Client().get(f"/api/v1/procedures/{FOOD}{query}"), status)["message"]
    assert Client().get("/api/v1/procedures/nothing").status_code == 404


# -- opening


def test_an_enterprise_applies_and_reads_its_case(firm, holder):
    case = told(apply(firm, holder), 201)
    assert case["state"] == "open" and case["enterprise"] == str(holder.pk) and case["channel"] == "interface"
    assert case["entered_on"] is None and case["received_on"] == calendar.today().isoformat()
    kept = Case.objects.get(number=case["number"])
    assert kept.applicant == firm.account
    files = Attachment.objects.filter(subject=f"case:{kept.pk}")
    assert files.count() == len(kept.data["attachments"]) and {f.place for f in files} == {kept.place}
    assert firm.case(case["number"]) == case


def test_what_the_form_lacks_is_named_field_by_field(firm, holder):
    data = complete(firm, holder)
    data["applicant"]["name"] = ""
    data["products"][0]["detail"] = "9999"
    refused = told(firm.post(CASES, {"procedure": FOOD, "data": data}), 422)
    fields = {p["field"] for p in refused["problems"]}
    assert {"data.applicant.name", "data.products.0.detail"} <= fields
    assert not Case.objects.exists()


def test_nobody_hands_in_files_of_another(firm, holder, clerk):
    theirs = clerk.upload("floor_plan").json()["id"]
    data = complete(firm, holder)
    data["attachments"]["floor_plan"] = [theirs]
    assert field_of(firm.post(CASES, {"procedure": FOOD, "data": data})) == "data.attachments.floor_plan"
    data["attachments"]["floor_plan"] = ["0190a7c4-0000-7000-8000-000000000001"]
    assert firm.post(CASES, {"procedure": FOOD, "data": data}).status_code == 422


def test_a_file_is_examined_when_it_is_uploaded(firm):
    refused = firm.upload("floor_plan", b"MZ\x90\0" + b"\0" * 200, "x.pdf")
    assert refused.status_code == 422 and "程序" in refused.json()["message"]
    assert firm.client.post("/api/v1/attachments", {"kind": "x"}).status_code == 422
    assert Client().post("/api/v1/attachments", {}).status_code == 401


def test_an_enterprise_applies_for_itself_only(firm, holder):
    other = world.enterprise(name="别家", uscc=OTHER_CODE)
    assert apply(firm, holder, enterprise=OTHER_CODE).status_code == 403
    assert apply(firm, holder, enterprise=holder.uscc).status_code == 201
    data = complete(firm, holder)
    data["applicant"]["code"] = other.uscc
    answer = firm.post(CASES, {"procedure": FOOD, "data": data})
    assert answer.status_code == 422 and field_of(answer) == "data.applicant.code"
    assert Case.objects.count() == 1


def test_the_window_enters_an_application_for_an_enterprise(clerk, holder):
    case = told(apply(clerk, holder, enterprise=holder.uscc), 201)
    assert case["channel"] == "window" and case["enterprise"] == str(holder.pk)
    by_form = told(apply(clerk, holder), 201)
    assert by_form["enterprise"] == str(holder.pk)  # found by the code in the form
    assert apply(clerk, holder, enterprise="91330000000000000X").status_code == 422


def test_the_window_of_another_county_does_not(holder):
    far = official("window_clerk", place=NEIGHBOUR)
    answer = apply(far, holder, enterprise=holder.uscc)
    assert answer.status_code == 403 and not Case.objects.exists()


@pytest.mark.parametrize("role", ["examiner", "approver", "supervisor"])
def test_other_officials_enter_nothing(role, holder):
    assert apply(official(role), holder).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"procedure": FOOD},
        {"procedure": FOOD, "data": []},
        {"procedure": FOOD, "data": "x"},
        {"procedure": FOOD, "data": None},
        {"procedure": 7, "data": {}},
        {"procedure": "nothing", "data": {}},
        {"procedure": "../../x", "data": {}},
        {"procedure": FOOD, "data": {"applicant": 7, "products": {"a": 1}, "attachments": [1]}},
        {"procedure": FOOD, "data": {"applicant": {"name": ["x"], "code": {"a": 1}}}},
        {"procedure": FOOD, "data": {"products": [1, None, "x"], "attachments": {"floor_plan": "x"}}},
        {"procedure": FOOD, "data": {}, "enterprise": 3},
        {"procedure": FOOD, "data": {}, "enterprise": "\0"},
        {"procedure": FOOD, "data": {}, "on": "gestern"},
        {"procedure": FOOD, "data": {}, "on": 5},
        {"procedure": FOOD, "data": {"applicant": {"name": "\0"}}},
        [],
        "x",
    ],
)
def test_anything_else_is_refused_in_words(firm, body):
    answer = firm.post(CASES, body)
    assert answer.status_code in (400, 403, 422), answer.content.decode()
    assert not answer.json()["message"].isascii() and not Case.objects.exists()


@pytest.mark.parametrize(
    "value",
    [
        '"\\ud800"',
        "NaN",
        "1e999",
        f"{'[' * 60}1{']' * 60}",
        f"{'[' * 50000}1{']' * 50000}",
        "9" * 6000,
        "{",
        "",
    ],
)
def test_what_json_can_say_and_nobody_means_is_refused(firm, value):
    raw = f'{{"procedure": "{FOOD}", "data": {{"a": {value}}}}}'
    answer = firm.client.generic("POST", CASES, raw.encode(), content_type="application/json")
    assert answer.status_code in (400, 422), answer.content.decode()


# -- reading


@pytest.fixture
def number(firm, holder):
    return told(apply(firm, holder), 201)["number"]


def test_a_case_says_what_may_be_done_and_until_when(number, clerk):
    case = clerk.case(number)
    (step,) = case["steps"]
    offered = {a["key"]: a for a in step["actions"]}
    assert {"accept", "refuse", "correct"} <= set(offered)
    assert offered["refuse"]["reason_required"] and not offered["accept"]["reason_required"]
    assert offered["correct"]["fields"][0] == {
        "name": "items", "label": "需要补正的内容，一项一条", "type": "texts", "required": True, "choices": [], "most": None,
        "data_schema": None,
    }  # fmt: skip
    assert not any(a in offered for a in ("deem_accepted", "lapse"))
    clock = next(c for c in case["clocks"] if c["key"] == "acceptance")
    assert (clock["kind"], clock["state"], clock["lamp"], clock["remaining"]) == (
        "legal",
        "running",
        "green",
        5,
    )
    assert date.fromisoformat(clock["due"]) > calendar.today() and len(clock["why"]) >= 2
    assert "提交" in case["events"][0]["sentence"]


def test_an_enterprise_sees_its_own_case_and_what_is_public_of_it(number, firm, clerk):
    told(clerk.act(number, "accept", step="accept"), 200)
    inner, outer = clerk.case(number), firm.case(number)
    internal = [s["key"] for s in inner["steps"]]
    assert not any(s["actions"] for s in outer["steps"]) and [s["key"] for s in outer["steps"]] == internal
    hidden = Case.objects.get(number=number).events.filter(public=False)
    assert len(outer["events"]) == len(inner["events"]) - hidden.count()
    assert {c["step"] for c in outer["clocks"]} == {""}
    assert "withdraw" in {a["key"] for a in outer["actions"]}


def test_another_enterprise_or_county_finds_nothing(number, clerk):
    other = Program(world.owner(world.enterprise(name="别家", uscc=OTHER_CODE)).account)
    for program in (other, official("window_clerk", "examiner", "approver", place=NEIGHBOUR)):
        assert program.get(f"{CASES}/{number}").status_code == 404
        answer = program.act(number, "accept", step="accept")
        assert answer.status_code == 404 and number not in str(program.get(f"{CASES}/x").content)
    assert Case.objects.get(number=number).accepted_on is None


def test_reading_takes_the_step_like_opening_its_page(number, clerk, firm):
    firm.case(number)
    official("examiner").case(number)
    assert Step.objects.get(case__number=number).taken_at is None
    clerk.case(number)
    assert Step.objects.get(case__number=number).taken_at


@pytest.mark.parametrize("number_", ["x", "%00", "x" * 100, "..", "' OR 1=1", "%ED%A0%80"])
def test_an_invented_number_is_not_found(clerk, number_):
    assert clerk.get(f"{CASES}/{number_}").status_code in (404, 422)


# -- acting


def test_an_act_moves_the_case_and_answers_with_where_it_stands(number, clerk):
    case = told(clerk.act(number, "accept", step="accept"), 200)
    assert case["accepted_on"] == calendar.today().isoformat()
    assert "accept" not in {s["key"] for s in case["steps"]}
    assert any(d["kind"] == "acceptance_notice" for d in case["documents"])


def test_the_step_may_be_named_by_key_or_id_or_left_out(firm, holder, clerk):
    for name in ("key", "id", ""):
        number = told(apply(firm, holder), 201)["number"]
        step = clerk.case(number)["steps"][0]
        body = {"step": step[name]} if name else {}
        told(clerk.act(number, "accept", **body), 200)


def test_a_refusal_needs_its_reason_and_says_so(number, clerk):
    answer = clerk.act(number, "refuse", step="accept")
    assert answer.status_code == 422 and field_of(answer) == "reason"
    case = told(clerk.act(number, "refuse", step="accept", reason="不属于本机关职权范围"), 200)
    assert (case["state"], case["outcome"], case["steps"]) == ("closed", "not_accepted", [])


def test_a_correction_goes_to_the_enterprise_and_comes_back(number, clerk, firm, holder):
    told(clerk.act(number, "correct", step="accept", data={"items": ["补平面图", " "]}), 200)
    (step,) = firm.case(number)["steps"]
    offered = {a["key"]: a for a in step["actions"]}
    assert offered["resubmit"]["fields"][0]["type"] == "form"
    short = firm.act(number, "resubmit", step=step["key"], data={})
    assert short.status_code == 422 and len(short.json()["problems"]) > 3
    data = complete(firm, holder)
    data["premises"]["area"] = "1500"
    case = told(firm.act(number, "resubmit", step=step["key"], data=data), 200)
    assert case["data"]["premises"]["area"] == "1500" and case["steps"][0]["key"] == "accept"
    kept = Case.objects.get(number=number)
    assert kept.submissions.count() == 2
    assert not Attachment.objects.filter(subject__startswith="interface:").exists()


def test_who_has_no_power_at_the_step_is_refused(number, firm):
    for program in (official("examiner"), official("window_clerk", place=world.CITY), firm):
        answer = program.act(number, "accept", step="accept")
        assert answer.status_code == 403 and answer.json()["message"]
    assert Case.objects.get(number=number).accepted_on is None


def test_a_delegated_power_acts_and_the_story_names_both(number):
    giver = world.official("请假的", "window_clerk", world.COUNTY)
    taker = world.official("代办的", "examiner", world.COUNTY)
    today = calendar.today()
    Delegation.objects.create(
        from_post=giver.post, to_post=taker.post, starts=today, ends=today, reason="出差"
    )
    case = told(Program(taker.account).act(number, "accept", step="accept"), 200)
    assert f"（代 {giver.account.name}）" in case["events"][-1]["sentence"] + case["events"][-2]["sentence"]


def test_a_step_that_is_done_is_a_conflict_and_says_who_was_first(number, clerk):
    told(clerk.act(number, "accept", step="accept"), 200)
    second = official("window_clerk").act(number, "accept", step="accept")
    assert second.status_code == 409 and "已由" in second.json()["message"]


def test_the_applicant_withdraws_the_whole_case(number, firm, clerk):
    assert clerk.act(number, "withdraw", reason="x").status_code == 422
    assert firm.act(number, "withdraw").status_code == 422  # without a reason
    case = told(firm.act(number, "withdraw", reason="不再申请"), 200)
    assert case["outcome"] == "withdrawn" and case["actions"] == []
    again = firm.act(number, "withdraw", reason="不再申请")
    assert again.status_code == 409


def test_a_colleague_gets_the_step_by_name(number, clerk):
    other = world.official("同事", "window_clerk", world.COUNTY)
    stranger = world.official("他处", "window_clerk", NEIGHBOUR)
    wrong = clerk.act(number, "reassign", step="accept", reason="忙", data={"post": stranger.post.pk})
    assert wrong.status_code == 422
    told(clerk.act(number, "reassign", step="accept", reason="忙", data={"post": other.post.pk}), 200)
    assert clerk.act(number, "accept", step="accept").status_code == 403
    told(Program(other.account).act(number, "accept", step="accept"), 200)


@pytest.mark.parametrize("action", ["nothing", "deem_accepted", "lapse", "lapse_case", "approve", "issue"])
def test_acts_that_are_not_offered_are_not_done(number, clerk, action):
    assert clerk.act(number, action, step="accept").status_code in (403, 404, 422)
    assert Case.objects.get(number=number).story_length == 1


@pytest.mark.parametrize(
    "body",
    [
        {"step": True},
        {"step": []},
        {"step": 1.5},
        {"step": 2**80},
        {"step": -1},
        {"step": "\0"},
        {"step": "nothing"},
        {"step": "x" * 500},
        {"step": "accept", "data": []},
        {"step": "accept", "data": {"items": "x"}},
        {"step": "accept", "data": {"items": [1, {}]}},
        {"step": "accept", "data": {"items": ["x"] * 99}},
        {"step": "accept", "data": {"items": 7}},
        {"step": "accept", "data": {"items": ["x\0"]}},
        {"step": "accept", "reason": 7},
        {"step": "accept", "reason": "x" * 9000},
        {"step": "accept", "reason": "\0"},
        {"step": "accept", "on": "2026"},
        [],
        None,
    ],
)
def test_garbage_in_an_act_is_refused_in_words(number, clerk, body):
    answer = clerk.post(f"{CASES}/{number}/actions/correct", body)
    assert answer.status_code in (403, 422), answer.content.decode()
    assert not answer.json()["message"].isascii()
    assert Case.objects.get(number=number).story_length == 1


@pytest.mark.parametrize("action", ["suspend", "extend", "return", "copy", "reassign", "add_sign", "fee", "terminate",
                                    "link", "merge", "hand_over", "reopen", "urge", "recall"])  # fmt: skip
@pytest.mark.parametrize("wrong", [7, "x", [], {}, [1], ["x"], {"a": 1}, None, True, "x" * 300])
def test_no_act_breaks_on_wrong_types(number, clerk, action, wrong):
    names = ("ground", "days", "target", "posts", "post", "when", "outcome", "item", "amount", "waived", "other",
             "agency", "order", "result")  # fmt: skip
    answer = clerk.act(number, action, step="accept", reason="x", data=dict.fromkeys(names, wrong))
    assert answer.status_code in (403, 409, 422), answer.content.decode()


def test_a_session_of_a_page_may_read_with_its_cookie(number, clerk):
    client = Client()
    client.force_login(clerk.account, backend=BACKEND)
    assert client.get(f"{CASES}/{number}").json()["number"] == number


# -- once


def test_the_same_key_acts_once_and_answers_the_same(firm, holder, clerk):
    body = {"procedure": FOOD, "data": complete(firm, holder)}
    first, second = (told(firm.post(CASES, body, key="a-1"), 201) for _ in range(2))
    assert first == second and Case.objects.count() == 1
    number = first["number"]
    acts = [told(clerk.act(number, "accept", "k-1", step="accept"), 200) for _ in range(2)]
    assert acts[0] == acts[1]
    assert Case.objects.get(number=number).events.filter(kind="accept").count() == 1


def test_a_key_belongs_to_one_request_and_one_account(number, firm, holder, clerk):
    told(clerk.act(number, "accept", "k-1", step="accept"), 200)
    other = clerk.act(number, "refuse", "k-1", step="accept", reason="x")
    assert other.status_code == 422 and field_of(other) == "Idempotency-Key"
    assert told(apply(firm, holder, "k-1"), 201)["number"] != number  # another account's key is another key


def test_a_refused_request_keeps_no_key(number, clerk):
    assert clerk.act(number, "refuse", "k-2", step="accept").status_code == 422
    assert clerk.act(number, "refuse", "k-2", step="accept", reason="不属于本机关").status_code == 200
    assert Answered.objects.count() == 1


def test_whoever_lost_the_power_gets_no_first_answer(number, clerk):
    told(clerk.act(number, "accept", "k-1", step="accept"), 200)
    Power.objects.filter(post__account=clerk.account).delete()
    again = clerk.act(number, "accept", "k-1", step="accept")
    assert again.status_code in (401, 403, 404) and "events" not in again.json()


def test_answers_and_tokens_are_kept_for_a_time(number, clerk):
    told(clerk.act(number, "accept", "k-1", step="accept"), 200)
    today = calendar.today()
    assert idempotency.clean_up(today) == 0
    Answered.objects.update(at=timezone.now() - timedelta(days=32))
    assert idempotency.clean_up(today) == 1
    before = AccessToken.objects.count()
    assert tokens.clean_up() == 0
    ended = AccessToken.objects.filter(account=clerk.account)
    ended.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert tokens.clean_up() == 1 and AccessToken.objects.count() == before - 1


@pytest.mark.parametrize("key", ["x" * 101, "有", "a b"])
def test_a_key_is_short_and_plain(number, clerk, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = clerk.client.post(
        f"{CASES}/{number}/actions/accept", {}, content_type="application/json", headers=headers
    )
    assert answer.status_code == 422


def at_once(*calls):
    """Answers of calls that start together."""
    barrier, answers = threading.Barrier(len(calls)), []

    def run(call):
        with scope.acting(scope.NOBODY):
            barrier.wait()
            answers.append(call())
            connection.close()

    threads = [threading.Thread(target=run, args=(c,)) for c in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_acts_once():
    holder = world.enterprise()
    firm = Program(world.owner(holder).account)
    body = {"procedure": FOOD, "data": complete(firm, holder)}
    answers = at_once(*[lambda: firm.post(CASES, body, key="once")] * 4)
    assert [a.status_code for a in answers] == [201] * 4
    assert len({a.json()["number"] for a in answers}) == 1 and Case.objects.count() == 1
    number, clerk = answers[0].json()["number"], official("window_clerk")
    acts = at_once(*[lambda: clerk.act(number, "accept", "act", step="accept")] * 4)
    assert [a.status_code for a in acts] == [200] * 4
    assert Case.objects.get().events.filter(kind="accept").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_at_one_step_at_once():
    holder = world.enterprise()
    number = told(apply(Program(world.owner(holder).account), holder), 201)["number"]
    one, two = official("window_clerk"), official("window_clerk")
    answers = at_once(
        lambda: one.act(number, "accept", "a", step="accept"),
        lambda: two.act(number, "refuse", "a", step="accept", reason="不属于本机关"),
    )
    assert sorted(a.status_code for a in answers) == [200, 409]


# -- back-dating


@pytest.fixture
def archivist():
    """Enters old cases and works at the window."""
    return official("records_clerk", "window_clerk")


def test_an_old_case_is_entered_on_its_day_and_says_so(archivist, holder):
    case = told(apply(archivist, holder, on="2021-03-01"), 201)
    assert case["received_on"] == case["rule_date"] == "2021-03-01"
    assert case["entered_on"] == calendar.today().isoformat()
    assert "补录" in case["events"][0]["sentence"]
    assert case["events"][0]["at"].startswith("2021-03-01")
    assert case["events"][0]["recorded_at"][:10] >= (calendar.today() - timedelta(days=1)).isoformat()
    clock = next(c for c in case["clocks"] if c["key"] == "acceptance")
    assert (clock["started_on"], clock["due"]) == ("2021-03-01", "2021-03-08")
    assert events.faults(Case.objects.get()) == []


def test_its_acts_are_dated_back_in_their_order(archivist, holder):
    number = told(apply(archivist, holder, on="2021-03-01"), 201)["number"]
    early = archivist.act(number, "accept", step="accept", on="2021-02-26")
    assert early.status_code == 422 and field_of(early) == "on"
    case = told(archivist.act(number, "accept", step="accept", on="2021-03-03"), 200)
    assert case["accepted_on"] == "2021-03-03"
    assert [c["state"] for c in case["clocks"] if c["key"] == "acceptance"] == ["met"]
    decision = next(c for c in case["clocks"] if c["key"] == "decision")
    assert decision["started_on"] == "2021-03-03"


def test_what_the_applicant_did_then_is_entered_by_the_archivist_of_an_old_case_only(archivist, firm, holder):
    number = told(apply(archivist, holder, on="2021-03-01"), 201)["number"]
    asked = {"step": "accept", "data": {"items": ["补平面图"]}, "on": "2021-03-02"}
    case = told(archivist.act(number, "correct", **asked), 200)
    (step,) = case["steps"]
    assert step["role"] == "applicant" and "resubmit" in {a["key"] for a in step["actions"]}
    data = complete(archivist, holder)
    answered = told(archivist.act(number, "resubmit", step=step["key"], data=data, on="2021-03-09"), 200)
    assert answered["received_on"] == "2021-03-09" and answered["steps"][0]["key"] == "accept"
    clock = next(c for c in answered["clocks"] if c["key"] == "acceptance" and c["state"] == "running")
    assert (clock["started_on"], clock["due"]) == ("2021-03-09", "2021-03-16")
    today = told(apply(firm, holder), 201)["number"]
    told(archivist.act(today, "correct", step="accept", data={"items": ["补平面图"]}), 200)
    own = archivist.act(today, "resubmit", step=step["key"], data=data)
    assert own.status_code == 403  # of a case of today the applicant answers


def test_a_case_of_another_era_runs_under_the_procedure_of_its_day(archivist, holder):
    holder.org_code = holder.uscc[8:17]
    holder.save()
    data = world.application_2005(holder)
    for kind in data["attachments"]:
        data["attachments"][kind] = [archivist.upload(kind).json()["id"]]
    case = told(archivist.post(CASES, {"procedure": FOOD, "data": data, "on": "2007-03-01"}), 201)
    then = told(Client().get(f"/api/v1/procedures/{FOOD}?on=2007-03-01"), 200)
    assert case["procedure"]["version"] == then["version"]


@pytest.mark.parametrize("roles", [("window_clerk",), ("approver", "window_clerk", "supervisor")])
def test_without_the_power_nothing_is_dated_back(roles, holder, number):
    program = official(*roles)
    answer = apply(program, holder, on="2021-03-01")
    assert answer.status_code == 403 and field_of(answer) == "on"
    acted = program.act(number, "accept", step="accept", on=calendar.today().isoformat())
    assert acted.status_code == 403
    assert Case.objects.count() == 1


def test_an_enterprise_dates_nothing_back(firm, holder, number):
    assert apply(firm, holder, on="2021-03-01").status_code == 403
    assert firm.act(number, "withdraw", reason="x", on="2021-03-01").status_code == 403


def test_a_delegated_power_to_date_back_does_not_count(archivist, holder):
    taker = world.official("代办的", "window_clerk", world.COUNTY)
    today = calendar.today()
    giver = archivist.account.posts.get()
    Delegation.objects.create(from_post=giver, to_post=taker.post, starts=today, ends=today, reason="出差")
    assert apply(Program(taker.account), holder, on="2021-03-01").status_code == 403


def test_nothing_is_dated_forward_or_outside_the_calendar(archivist, holder):
    tomorrow = (calendar.today() + timedelta(days=1)).isoformat()
    for day in (tomorrow, "2031-01-01", "1901-01-01", "0001-01-01", "9999-12-31"):
        answer = apply(archivist, holder, on=day)
        assert answer.status_code == 422, answer.content.decode()
    number = told(apply(archivist, holder, on="2021-03-01"), 201)["number"]
    assert archivist.act(number, "accept", step="accept", on=tomorrow).status_code == 422


def test_today_is_an_ordinary_case(archivist, holder):
    case = told(apply(archivist, holder, on=calendar.today().isoformat()), 201)
    assert case["entered_on"] is None
    assert case["events"][0]["at"][:16] <= timezone.now().isoformat()


def test_an_ordinary_case_is_not_dated_before_its_application(archivist, firm, holder):
    number = told(apply(firm, holder), 201)["number"]
    yesterday = (calendar.today() - timedelta(days=1)).isoformat()
    assert archivist.act(number, "accept", step="accept", on=yesterday).status_code == 422


# -- acts of the sample procedure: a fork, a return, an extension


def test_every_act_offered_is_described_and_can_be_done_as_described():
    case = sample.open_case(calendar.today() - timedelta(days=1))
    clerk = Program(sample.person("受理", "window_clerk").account)
    examiner = Program(sample.person("审查", "examiner").account)
    told(clerk.act(case.number, "accept", step="first"), 200)
    offered = {a["key"]: a for s in examiner.case(case.number)["steps"] for a in s["actions"]}
    ground = offered["suspend"]["fields"][0]["choices"][0]["value"]
    told(
        examiner.act(case.number, "suspend", step="left", reason="检验", data={"ground": ground, "days": 3}),
        200,
    )
    paused = next(c for c in examiner.case(case.number)["clocks"] if c["key"] == "decision")
    assert (
        paused["state"] == "paused" and paused["lamp"] == "grey" and paused["pauses"][0]["ground"] == ground
    )
    told(examiner.act(case.number, "resume", step="left"), 200)
    told(examiner.act(case.number, "pass", step="left"), 200)
    back = {a["key"]: a for s in examiner.case(case.number)["steps"] for a in s["actions"]}["return"]
    assert [c["value"] for c in back["fields"][0]["choices"]] == ["left", "first"]
    told(examiner.act(case.number, "return", step="left2", reason="再看", data={"target": "left"}), 200)
    assert {s["key"] for s in clerk.case(case.number)["steps"]} == {"left", "right"}


def test_a_case_handed_over_leaves_the_sight_of_who_had_it():
    case = sample.open_case(calendar.today())
    clerk = Program(sample.person("受理", "window_clerk").account)
    told(clerk.act(case.number, "hand_over", reason="不属本区", data={"agency": "330105"}), 200)
    assert clerk.get(f"{CASES}/{case.number}").status_code == 404
    there = Program(sample.person("对方", "window_clerk", place=NEIGHBOUR).account)
    told(there.act(case.number, "accept", step="first"), 200)


def test_answers_are_copies_nobody_can_change(number, clerk):
    first = clerk.case(number)
    assert copy.deepcopy(first) == clerk.case(number)


def test_a_case_of_its_own_day_is_not_dated_back_even_with_the_power(archivist, number):
    """Otherwise an overdue acceptance could be entered as if it had been in time."""
    answer = archivist.act(number, "accept", step="accept", on=calendar.today().isoformat())
    assert answer.status_code == 422 and field_of(answer) == "on"
    assert Case.objects.get(number=number).accepted_on is None
