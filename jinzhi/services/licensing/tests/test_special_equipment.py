"""Special-equipment production: the appraisal and its own limits, TS numbers, renewals, mirrors of the national system."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import actions, clocks
from jinzhi.casework.models import Case
from jinzhi.foundation import codes
from jinzhi.registry import certificates
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import special_equipment as se
from jinzhi.services.licensing.tests import life, world
from jinzhi.services.licensing.tests.life import MONDAY

pytestmark = pytest.mark.django_db
LEVEL_B = [{"level": "B", "product": "工业锅炉", "parameters": "额定工作压力≤2.5 MPa"}]


@pytest.fixture
def holder():
    return world.enterprise()


@pytest.fixture
def province():
    return life.Officials(world.PROVINCE)


def application(holder, activity="2", equipment="1", items=None) -> dict:
    scope = {"activity": activity, "equipment": equipment, "trial": "done", "type_test": "not_needed"}
    quality = {
        "engineer": "周样例",
        "staff": "持证焊工 6 人",
        "equipment": "焊机、射线机",
        "run_in": "试运行三个月",
    }
    return {
        "applicant": life.applicant(holder), "premises": {"county": "330106", "address": "文一路1号"}, "scope": scope,
        "items": items or LEVEL_B, "quality": quality,
    } | life.papers(holder, "business_licence", "manual", "trial_report")  # fmt: skip


def engaged(case, owner, day=MONDAY):
    plan = {"body": "省特种设备检验研究院", "planned_on": (day + timedelta(days=10)).isoformat()}
    world.go(case, "engage", "pass", owner, day, payload={"result": {"conclusion": plan}})


def report(day, result="pass", people=2, **more) -> dict:
    team = [
        {"name": f"评审{n}", "certificate": f"P{n}", "duty": "leader" if n == 0 else "member"}
        for n in range(people)
    ]
    said = {"report": "JP-1", "begun_on": day.isoformat(), "ended_on": day.isoformat(), "result": result}
    return {"result": {"team": team, "conclusion": said | more}}


def issued(case, province, day):
    world.go(case, "review", "pass", province.examiner, day, reason="拟准予许可")
    world.go(case, "decide", "approve", province.approver, day)
    world.go(case, "certificate", "issue", province.certificate_clerk, day)
    life.serve(case, "deliver", province.certificate_clerk, day)
    return Certificate.objects.get(case_number=case.number)


@pytest.mark.parametrize(
    ("day", "rule_set", "items", "report_limit"),
    [
        (date(2006, 9, 4), "SE-2003", LEVEL_B, None),
        (date(2009, 5, 4), "SE-2009", LEVEL_B, None),
        (date(2014, 1, 2), "SE-2014", LEVEL_B, None),
        (MONDAY, "SE-2019", LEVEL_B, 20),
    ],
)
def test_a_licence_from_application_to_ts_number(holder, province, day, rule_set, items, report_limit):
    owner = world.owner(holder)
    case = life.apply("special_equipment_licence", application(holder, items=items), day, holder, owner)
    assert case.procedure.rule_set == rule_set
    world.go(case, "accept", "accept", province.window_clerk, day)
    decision, appraisal = case.clocks.get(key="decision"), case.clocks.get(key="appraisal_limit")
    assert (decision.limit, decision.state) == (30, "paused"), "鉴定评审不计入"
    assert (appraisal.limit, appraisal.unit, appraisal.owner) == (1, "year", "applicant")
    engaged(case, owner, day)
    seen = day + timedelta(days=20)
    world.go(case, "appraisal", "conclude", province.appraiser, seen, payload=report(seen))
    decision = case.clocks.get(key="decision")
    assert decision.state == "running" and decision.paused_ord > 0
    found = case.clocks.filter(key="report_decision").values_list("limit", flat=True).first()
    assert found == report_limit
    licence = issued(case, province, seen)
    ends = licence.valid_to
    assert ends == seen.replace(year=seen.year + 4) - timedelta(days=1)
    assert licence.number == f"TS2133001-{ends.year}"
    answer = codes.check("special_equipment_licence", licence.number)
    assert answer.valid and answer.parts["expiry_year"] == ends.year
    assert Case.objects.get(pk=case.pk).outcome == "granted"


def appraising(holder, province, data=None, day=MONDAY):
    owner = world.owner(holder)
    case = life.apply("special_equipment_licence", data or application(holder), day, holder, owner)
    world.go(case, "accept", "accept", province.window_clerk, day)
    engaged(case, owner, day)
    return case, owner


def test_rectification_within_six_months_and_a_second_look(holder, province):
    case, owner = appraising(holder, province)
    seen = date(2026, 3, 16)
    with pytest.raises(actions.Refused, match="写明工作备忘录"):
        world.go(case, "appraisal", "conclude", province.appraiser, seen, payload=report(seen, "rectify"))
    world.go(
        case,
        "appraisal",
        "conclude",
        province.appraiser,
        seen,
        payload=report(seen, "rectify", problems="焊接记录不全"),
    )
    rectification = case.clocks.get(key="rectification")
    assert clocks.due_day(rectification) == date(2026, 9, 16)
    assert case.clocks.get(key="decision").state == "paused"
    done = date(2026, 6, 1)
    account = {"conclusion": {"finished_on": done.isoformat(), "account": "已补齐"}}
    world.go(case, "rectify", "pass", owner, done, payload={"result": account})
    verdict = {"conclusion": {"checked_on": done.isoformat(), "result": "pass"}}
    world.go(case, "recheck", "conclude", province.appraiser, done, payload={"result": verdict})
    assert issued(case, province, done).in_force(done)


def test_rectification_that_is_not_finished_in_time_is_not_granted(holder, province):
    case, _ = appraising(holder, province)
    seen = date(2026, 3, 16)
    world.go(
        case,
        "appraisal",
        "conclude",
        province.appraiser,
        seen,
        payload=report(seen, "rectify", problems="不全"),
    )
    life.night_after(date(2026, 9, 16))
    day = date(2026, 9, 17)
    world.go(case, "review", "pass", province.examiner, day, reason="拟不予许可")
    with pytest.raises(actions.Refused, match="需要整改"):
        world.go(case, "decide", "approve", province.approver, day)
    world.go(case, "decide", "refuse", province.approver, day, reason="鉴定评审结论为不符合条件")
    case.refresh_from_db()
    assert case.outcome == "refused"


@pytest.mark.parametrize(
    ("activity", "equipment", "level", "key", "last"),
    [
        ("2", "1", "A", "appraisal_limit", date(2023, 3, 1)),
        ("3", "1", "A", "appraisal_boiler", date(2024, 3, 1)),
    ],
)
def test_the_appraisal_ends_after_a_year_or_two_for_class_a_boilers(
    holder, province, activity, equipment, level, key, last
):
    data = application(holder, activity, equipment, [{"level": level, "product": "锅炉"}])
    case, _ = appraising(holder, province, data, date(2022, 3, 1))
    assert clocks.due_day(case.clocks.get(key=key)) == last
    life.night_after(last)
    case.refresh_from_db()
    assert case.facts["conclusion"] == "overdue"
    assert [s.key for s in case.steps.filter(state="open")] == ["review"]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (report(MONDAY, people=1), "还有"),
        (report(date(2026, 2, 27)), "不能早于受理日期"),
        (report(MONDAY, ended_on="2026-03-01", begun_on="2026-03-02"), "早于开始日期"),
    ],
)
def test_an_appraisal_that_cannot_be_right(holder, province, payload, message):
    case, _ = appraising(holder, province)
    with pytest.raises(actions.Refused, match=message):
        world.go(case, "appraisal", "conclude", province.appraiser, MONDAY, payload=payload)


def test_a_level_of_another_time_and_a_licence_of_the_state_are_refused(holder):
    old = application(holder, items=[{"level": "D", "product": "锅炉"}])
    with pytest.raises(actions.Refused, match="没有 D 级"):
        life.apply("special_equipment_licence", old, MONDAY, holder)
    assert life.apply("special_equipment_licence", old, date(2007, 3, 1), holder).pk
    design = application(holder, "1", "2", [{"level": "A1", "product": "高压容器"}])
    with pytest.raises(actions.Refused, match="国家机关许可"):
        life.apply("special_equipment_licence", design, date(2007, 3, 1), holder)


def test_the_rules_of_the_day_of_acceptance_hold(holder, province):
    """Received under the regulation, accepted after the law came into force."""
    case = life.apply("special_equipment_licence", application(holder), date(2013, 12, 30), holder)
    world.go(case, "accept", "accept", province.window_clerk, date(2014, 1, 2))
    case.refresh_from_db()
    decision = case.clocks.get(key="decision")
    assert case.definition.rule_set == "SE-2014" and "特种设备安全法" in decision.law


# -- the register


def held(holder, number="TS2133001-2026", granted=date(2022, 9, 20), **face):
    lines = [
        {
            "category_code": "21",
            "category": "锅炉制造",
            "detail_code": "B",
            "detail": "B 级",
            "varieties": "工业锅炉",
        }
    ]
    base = {
        "place": world.COUNTY, "valid_from": granted, "valid_to": granted.replace(year=granted.year + 4) - timedelta(days=1),
        "issued_on": granted, "agency_key": "330000", "agency_name": "浙江省市场监督管理局", "premises": "文一路1号",
    }  # fmt: skip
    return certificates.issue(number=number, kind=se.KIND, holder=holder, items=lines, **base | face)


def renewal(licence, mode="appraisal", day=MONDAY, **more) -> dict:
    holder = licence.holder
    quality = {"engineer": "周样例", "staff": "6 人", "equipment": "焊机", "run_in": "正常"}
    declared = {"mode": mode, "accident": "no", "penalty": "no", "changed": "no", "promise": True} | more
    files = life.papers(holder, "self_check", "statement")
    return life.about(licence) | {"declaration": declared, "quality": quality} | files


def test_a_self_declared_renewal_once_and_then_an_appraisal(holder, province):
    licence = held(holder)  # until 2026-09-19
    with pytest.raises(actions.Refused, match="不能自我声明"):
        life.apply(
            "special_equipment_renewal", renewal(licence, "declaration", accident="yes"), MONDAY, holder
        )
    case = life.apply("special_equipment_renewal", renewal(licence, "declaration"), MONDAY, holder)
    world.go(case, "accept", "accept", province.window_clerk, MONDAY)
    renewed = issued(case, province, MONDAY)
    assert renewed.number == "TS2133001-2030", "the sequence stays, the year is the new one"
    assert (renewed.valid_from, renewed.valid_to) == (date(2026, 9, 20), date(2030, 9, 19))
    licence.refresh_from_db()
    assert licence.state(MONDAY) == "valid" and licence.state(date(2026, 9, 20)) == "expired"
    day = date(2030, 3, 1)
    with pytest.raises(actions.Refused, match="应当经鉴定评审"):
        life.apply("special_equipment_renewal", renewal(renewed, "declaration"), day, holder)
    assert life.apply("special_equipment_renewal", renewal(renewed), day, holder).pk


def test_a_renewal_is_asked_for_six_months_before_the_end(holder):
    licence = held(holder)
    assert life.apply("special_equipment_renewal", renewal(licence), date(2026, 3, 19), holder).pk
    late = held(holder, number="TS2133002-2026")
    with pytest.raises(actions.Refused, match="最迟应于 2026-03-19"):
        life.apply("special_equipment_renewal", renewal(late), date(2026, 3, 20), holder)


def test_an_undecided_renewal_gets_its_new_number_all_the_same(holder, province):
    licence = held(holder)
    case = life.apply("special_equipment_renewal", renewal(licence, "declaration"), MONDAY, holder)
    world.go(case, "accept", "accept", province.window_clerk, MONDAY)
    life.night_after(date(2026, 9, 19))
    world.go(case, "certificate", "issue", province.certificate_clerk, date(2026, 9, 21))
    renewed = Certificate.objects.get(case_number=case.number)
    assert (renewed.number, renewed.valid_from) == ("TS2133001-2030", date(2026, 9, 20))


def test_what_is_licensed_is_not_licensed_again(holder):
    held(holder, number="TS2144001-2026", agency_name="广东省质量技术监督局", agency_key="440000")
    with pytest.raises(actions.Refused, match="不得重复许可"):
        life.apply("special_equipment_licence", application(holder), MONDAY, holder)


def test_a_mirror_record_agrees_with_its_number(holder):
    holder.premises_address = "文一路1号"
    holder.save()
    base = {
        "holder": holder,
        "agency_name": "国家市场监督管理总局",
        "items": [],
        "valid_from": date(2024, 5, 6),
    }
    kept = se.mirror(number="TS2210890-2028", valid_to=date(2028, 5, 5), **base)
    assert kept.source.startswith("市场监管总局") and kept.in_force(MONDAY)
    with pytest.raises(actions.Refused, match="与有效期至 2029-05-05 不符"):
        se.mirror(number="TS2210891-2028", valid_to=date(2029, 5, 5), **base)
    with pytest.raises(actions.Refused, match="发证机关"):
        se.mirror(number="TS2299891-2028", valid_to=date(2028, 5, 5), **base)
    with pytest.raises(actions.Refused, match="镜像记录"):
        life.apply("special_equipment_renewal", renewal(kept), MONDAY, holder)


@pytest.mark.parametrize(
    ("equipment", "have", "want", "on", "good"),
    [("1", "A", "C", date(2010, 1, 4), True), ("1", "C", "A", date(2010, 1, 4), False), ("3", "A1", "B", MONDAY, True),
     ("3", "A1", "A2", MONDAY, False), ("2", "A1", "D", MONDAY, False), ("6", "A", "A", MONDAY, True)],
)  # fmt: skip
def test_a_higher_level_covers_a_lower_one(equipment, have, want, on, good):
    assert se.covers(equipment, have, want, on) is good
