"""撤回, 撤销, 吊销 and 注销 kept apart; hearings; who may not apply again; licences on a promise; joint handling."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import actions, clocks, documents
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing.models import Bar
from jinzhi.services.licensing.tests import life, world
from jinzhi.services.licensing.tests.life import MONDAY

pytestmark = pytest.mark.django_db
FACTS = {"facts": "查明的事实", "interest": "公共利益", "compensation": "依法补偿", "harm": "no"}


@pytest.fixture
def holder():
    return world.enterprise()


@pytest.fixture
def city():
    return life.Officials(world.CITY)


def told(case: Case, city, day=MONDAY):
    world.go(case, "propose", "pass", city.examiner, day, reason="事实清楚")
    life.serve(case, "tell", city.examiner, day)


def ended(case: Case, city, day):
    """Legal review, decision, service, and the formality that follows."""
    world.go(case, "legal_review", "pass", city.legal_reviewer, day, reason="合法")
    world.go(case, "decide", "approve", city.approver, day, reason="决定")
    life.serve(case, "deliver", city.certificate_clerk, day)
    world.go(case, "cancel", "issue", city.certificate_clerk, day)


@pytest.mark.parametrize(
    ("key", "ground", "act", "bars"),
    [
        ("licence_withdrawal", "circumstances", "withdraw", 0),
        ("licence_revocation", "procedure", "revoke", 0),
        ("licence_revocation", "fraud", "revoke", 1),
    ],
)
def test_a_licence_is_withdrawn_or_revoked_and_then_cancelled(holder, city, key, ground, act, bars):
    licence = life.held(holder)
    case = life.begin(key, licence, {"ground": ground} | FACTS, MONDAY, city.examiner)
    assert case.channel == Case.Channel.EX_OFFICIO and case.enterprise_id == holder.pk
    told(case, city)
    statement = case.clocks.get(key="statement")
    assert (statement.limit, statement.owner) == (5, "applicant")
    life.night_after(clocks.due_day(statement))
    day = clocks.due_day(statement) + timedelta(days=1)
    ended(case, city, day)
    licence.refresh_from_db()
    assert list(licence.changes.values_list("act", flat=True)) == [act, "cancel"]
    assert Bar.objects.count() == bars
    case.refresh_from_db()
    assert (case.state, case.outcome) == ("closed", "done")
    kinds = set(documents.of_case(case).values_list("kind", flat=True))
    assert {"cancellation_decision"} < kinds
    if bars:
        until = date(2029, day.month, day.day)
        assert Bar.objects.get().until == until, "三年内不得再次申请（第七十九条）"
        new = world.application(holder)
        with pytest.raises(actions.Refused, match="不得再次申请"):
            world.submitted(until, holder, new)
        assert world.submitted(until + timedelta(days=1), holder, new).pk


def test_a_penalty_decided_elsewhere_is_entered_and_bars_the_holder_for_five_years(holder, city):
    licence = life.held(holder)
    decision = {
        "document": "杭市监罚〔2026〕8号",
        "decided_on": "2026-02-26",
        "agency": "杭州市市场监督管理局",
        "facts": "违法事实",
    }
    case = life.begin("licence_punishment", licence, decision, MONDAY, city.examiner)
    world.go(case, "check", "pass", city.examiner, MONDAY, reason="处罚决定已生效")
    world.go(case, "decide", "approve", city.approver, MONDAY)
    world.go(case, "cancel", "issue", city.certificate_clerk, MONDAY)
    licence.refresh_from_db()
    assert licence.state(date(2026, 2, 27)) == "punished" and licence.state(MONDAY) == "cancelled"
    assert licence.changes.first().document_number == "杭市监罚〔2026〕8号"
    bar = Bar.objects.get()
    assert bar.until == date(2031, 3, 2) and "第一百三十五条" in bar.law


def test_a_penalty_of_2008_bars_the_same_product_for_three_years(holder, city):
    day = date(2008, 6, 2)
    licence = life.held(holder, number="QS330101010001", granted=date(2007, 6, 4), rule_set="FP-2005")
    decision = {
        "document": "杭质监罚〔2008〕1号",
        "decided_on": "2008-05-26",
        "agency": "杭州市质量技术监督局",
        "facts": "事实",
    }
    case = life.begin("licence_punishment", licence, decision, day, city.examiner)
    world.go(case, "check", "pass", city.examiner, day, reason="已生效")
    world.go(case, "decide", "approve", city.approver, day)
    bar = Bar.objects.get()
    assert bar.scope == ["0101"] and bar.until == date(2011, 6, 2)
    same, other = world.application_2005(holder), world.application_2005(holder)
    other["products"][0] |= {"category": "02", "detail": "0201"}
    with pytest.raises(actions.Refused, match="第五十五条"):
        world.submitted(date(2009, 6, 1), holder, same)
    assert world.submitted(date(2009, 6, 1), holder, other).pk


def test_a_person_is_barred_by_identity_number_and_only_marked_by_name(holder):
    Bar.objects.create(
        place=world.COUNTY, licence="food_production", holder_name="另一家", person_name=holder.legal_representative,
        person_id="330101198002290019", ground="punished", since=MONDAY, until=date(2031, 3, 1), law="《食品安全法》",
    )  # fmt: skip
    namesake = world.submitted(MONDAY, holder)
    assert "同名" in namesake.facts["warnings"][0]
    data = world.application(holder)
    data["applicant"]["legal_representative_id"] = "330101198002290019"
    with pytest.raises(actions.Refused, match="不得再次申请"):
        world.submitted(MONDAY, holder, data)


def test_false_material_is_refused_and_bars_for_one_year(holder):
    clerk = world.official("受理", "window_clerk", world.COUNTY)
    case = world.submitted(MONDAY, holder)
    world.go(case, "accept", "refuse", clerk, MONDAY, reason="隐瞒有关情况或者提供虚假材料申请许可")
    assert Bar.objects.get().until == date(2027, 3, 2)
    assert "不得再次申请" in case.events.get(kind="bar").sentence
    with pytest.raises(actions.Refused, match="第七十八条"):
        world.submitted(date(2027, 3, 2), holder)
    assert world.submitted(date(2027, 3, 3), holder).pk


def test_after_any_other_refusal_one_may_apply_again_at_once(holder):
    clerk = world.official("受理", "window_clerk", world.COUNTY)
    case = world.submitted(MONDAY, holder)
    world.go(case, "accept", "refuse", clerk, MONDAY, reason="申请事项不属于本机关职权范围")
    assert world.submitted(MONDAY, holder).pk


def test_an_expired_licence_is_cancelled_ex_officio_but_not_before_it_has_expired(holder, city):
    licence = life.held(holder, granted=date(2020, 3, 2))  # until 2025-03-01
    valid = life.held(holder, number="SC10133010600028", premises="别处")
    decision = {"ground": "expired", "facts": "届满未延续"}
    with pytest.raises(actions.Refused, match="尚未届满"):
        life.begin("licence_lapse", valid, decision, MONDAY, city.examiner)
    case = life.begin("licence_lapse", licence, decision, MONDAY, city.examiner)
    world.go(case, "check", "pass", city.examiner, MONDAY, reason="有效期届满未延续")
    world.go(case, "decide", "approve", city.approver, MONDAY, reason="同意")
    licence.refresh_from_db()
    assert (licence.state(MONDAY), licence.changes.get().act) == ("cancelled", "cancel")


# -- hearings


@pytest.fixture
def proposed(holder):
    """A food application whose examiner tells of the right to a hearing."""
    county = life.Officials(world.COUNTY)
    owner = world.owner(holder)
    case = world.submitted(MONDAY, holder, actor=owner)
    world.go(case, "accept", "accept", county.window_clerk, MONDAY)
    world.go(
        case,
        "site_inspection",
        "conclude",
        county.inspector,
        MONDAY,
        payload=world.site_check("FP-2020", MONDAY),
    )
    world.go(case, "document_review", "pass", county.examiner, MONDAY, reason="符合")
    world.go(case, "conclude", "conclude", county.examiner, MONDAY, reason="涉及申请人与他人之间重大利益关系")
    return case, owner


def test_a_hearing_from_the_right_to_it_to_its_record(proposed, city):
    case, owner = proposed
    assert case.clocks.get(key="decision").state == "paused"
    hearing = Case.objects.get(parent_step__case=case)
    assert hearing.subject_name == case.subject_name
    life.serve(hearing, "tell", city.examiner, MONDAY)
    asked_by = clocks.due_day(hearing.clocks.get(key="request"))
    assert asked_by == date(2026, 3, 9), "五个工作日"
    world.go(hearing, "applicant_wish", "pass", owner, asked_by)  # on the last day
    world.go(hearing, "party_wish", "conclude", city.examiner, asked_by, reason="没有利害关系人")
    hold = hearing.clocks.get(key="hold")
    assert hold.limit == 20 and hold.start_day == asked_by
    told_on = date(2026, 3, 10)
    earliest = calendar.day_of(calendar.ordinal(told_on) + 7)
    plan = {"time": "上午九时", "place": "杭州市局三楼", "chair": "胡主持"}

    def arranged(on, officer=city.hearing_officer):
        result = {"arrangement": plan | {"held_on": on.isoformat()}}
        world.go(hearing, "arrange", "pass", officer, told_on, payload={"result": result})

    with pytest.raises(actions.Refused, match="7 个工作日前通知"):
        arranged(earliest - timedelta(days=1))
    with pytest.raises(actions.Refused, match="前组织听证"):
        arranged(date(2026, 5, 12))
    reviewer = Case.objects.get(pk=case.pk).steps.get(key="document_review").account
    world.official("兼任", "hearing_officer", world.CITY)
    both = actions.Actor(reviewer, city.hearing_officer.post, city.hearing_officer.powers)
    with pytest.raises(actions.Refused, match="以外的人员"):
        arranged(earliest, both)
    arranged(earliest)
    made = {
        "people": [{"name": "胡主持", "role": "chair"}, {"name": "王样例", "role": "applicant"}],
        "conclusion": {
            "held_on": earliest.isoformat(), "recusal": "none", "record": "审查人员提出意见，申请人申辩", "signed": "王样例",
            "opinion": "建议准予",
        },
    }  # fmt: skip
    world.go(hearing, "hold", "conclude", city.hearing_officer, earliest, payload={"result": made})
    hearing.refresh_from_db()
    assert hearing.outcome == "done" and documents.of_case(hearing).filter(kind="hearing_record").exists()
    case.refresh_from_db()
    assert case.facts["hearing"]["opinion"] == "建议准予"
    decision = case.clocks.get(key="decision")
    held = calendar.ordinal(earliest - timedelta(days=1)) - calendar.ordinal(MONDAY)
    assert decision.state == "running" and decision.paused_ord == held
    assert case.steps.filter(key="conclude", state="open").exists()


def test_a_hearing_nobody_asked_for_in_time_is_given_up(proposed, city):
    case, _ = proposed
    hearing = Case.objects.get(parent_step__case=case)
    life.serve(hearing, "tell", city.examiner, MONDAY)
    life.night_after(date(2026, 3, 9))
    hearing.refresh_from_db()
    case.refresh_from_db()
    assert hearing.outcome == "withdrawn"
    assert case.steps.filter(key="conclude", state="open").exists()


# -- on a promise, and together


def promised(holder) -> dict:
    data = {
        "applicant": life.applicant(holder),
        "premises": {"county": "330106", "address": "杭州市西湖区文一路1号"},
    }
    vows = {"commitment": dict.fromkeys(("premises", "equipment", "staff", "truth"), True)}
    return data | life.products() | vows | life.papers(holder, "signed", "test_report")


@pytest.mark.parametrize(
    ("grade", "outcome", "state"), [("full", "granted", "valid"), ("zero", "terminated", "revoked")]
)
def test_a_licence_on_a_promise_is_verified_afterwards(holder, city, grade, outcome, state):
    county = life.Officials(world.COUNTY)
    case = life.apply("food_production_commitment", promised(holder), MONDAY, holder)
    world.go(case, "accept", "accept", county.window_clerk, MONDAY)
    world.go(case, "decide", "approve", city.approver, MONDAY)
    world.go(case, "certificate", "issue", city.certificate_clerk, MONDAY)
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.in_force(MONDAY) and clocks.due_day(case.clocks.get(key="verification")) == date(
        2026, 6, 2
    )
    day = date(2026, 4, 20)
    check = world.site_check("FP-2020", day, grade)
    world.go(case, "verify", "conclude", county.inspector, day, payload=check)
    if grade == "zero":
        life.night_after(date(2026, 4, 27))
        world.go(case, "revoke", "approve", city.approver, date(2026, 4, 28), reason="作出不实承诺")
        assert Bar.objects.get().ground == "fraud"
    case.refresh_from_db()
    licence.refresh_from_db()
    assert (case.outcome, licence.state(date(2026, 4, 28))) == (outcome, state)


def test_special_food_is_not_granted_on_a_promise(holder):
    data = promised(holder) | life.products("2701")
    with pytest.raises(actions.Refused, match="不适用告知承诺"):
        life.apply("food_production_commitment", data, MONDAY, holder)


def test_licences_handled_together_have_forty_five_days_and_fifteen_more(holder, city):
    data = {"applicant": life.applicant(holder), "premises": {"county": "330106", "address": "文一路1号"}}
    rows = [
        {"matter": "食品生产许可", "content": "小麦粉"},
        {"matter": "特种设备生产许可", "content": "压力容器"},
    ]
    papers = life.papers(holder, "materials")
    with pytest.raises(actions.Refused, match="两项以上"):
        life.apply("joint_licensing", data | {"matters": [rows[0], rows[0]]} | papers, MONDAY, holder)
    case = life.apply("joint_licensing", data | {"matters": rows} | papers, MONDAY, holder)
    world.go(case, "accept", "accept", world.official("受理", "window_clerk", world.COUNTY), MONDAY)
    assert case.clocks.get(key="decision").limit == 45
    for key, role in (("food", "examiner"), ("site", "inspector"), ("law", "legal_reviewer")):
        world.go(case, f"joint_review.{key}", "agree", getattr(city, role), MONDAY)
    with pytest.raises(actions.Refused, match="15 个工作日"):
        world.go(case, "decide", "extend", city.approver, MONDAY, reason="复杂", payload={"days": 16})
    world.go(case, "decide", "extend", city.approver, MONDAY, reason="复杂", payload={"days": 15})
    world.go(case, "decide", "approve", city.approver, MONDAY)
    case.refresh_from_db()
    assert case.outcome == "granted"
