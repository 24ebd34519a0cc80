"""Measuring instruments: the manufacturing licence of its time, its end on 2017-12-28, and type approval."""

from datetime import date

import pytest

from jinzhi.casework import actions, clocks
from jinzhi.casework.models import Case
from jinzhi.foundation import codes
from jinzhi.registry import certificates
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import measuring
from jinzhi.services.licensing.tests import life, world
from jinzhi.services.licensing.tests.life import MONDAY

pytestmark = pytest.mark.django_db
TEAM = [{"name": n, "certificate": "K1", "duty": "member"} for n in ("考评甲", "考评乙")]


@pytest.fixture
def holder():
    return world.enterprise()


def application(holder, key_list="no", **more) -> dict:
    row = {
        "name": "电子计价秤",
        "model": "ACS-15",
        "range": "0–15 kg",
        "accuracy": "III",
        "gate": "type",
        "gate_number": "99-F166",
    }
    told = {"holder_kind": "company", "simple": "no", "key_list": key_list} | more
    return {
        "applicant": life.applicant(holder), "premises": {"county": "330106", "address": "文一路1号"}, "instruments": told,
        "items": [row],
    } | life.papers(holder, "business_licence", "gate_certificate", "standards", "self_check")  # fmt: skip


def assessed(case, appraiser, day, result="pass"):
    said = {"report": "KH-1", "assessed_on": day.isoformat(), "result": result, "account": "符合"}
    payload = {"result": {"team": TEAM, "conclusion": said}}
    world.go(case, "assessment", "conclude", appraiser, day, payload=payload)


@pytest.mark.parametrize(
    ("day", "rule_set", "key_list", "place", "number", "ends"),
    [
        (date(2006, 9, 4), "MI-1999", "no", world.CITY, "浙制01000001号", date(2009, 9, 3)),
        (date(2008, 5, 5), "MI-2008", "no", world.CITY, "浙制01000001号", date(2011, 5, 4)),
        (date(2017, 12, 27), "MI-2008", "yes", world.PROVINCE, "浙制00000001号", date(2020, 12, 26)),
    ],
)
def test_a_manufacturing_licence_of_its_time(holder, day, rule_set, key_list, place, number, ends):
    deciding, appraiser = life.Officials(place), world.official("考评", "appraiser", world.PROVINCE)
    case = life.apply("measuring_instrument_licence", application(holder, key_list), day, holder)
    assert case.procedure.rule_set == rule_set
    world.go(case, "accept", "accept", deciding.window_clerk, day)
    decision = case.clocks.get(key="decision")
    assert (decision.limit, decision.state) == (20, "paused"), "考核不计入"
    assert decision.pauses.get().notice, "told in writing"
    assessed(case, appraiser, day)
    world.go(case, "review", "pass", deciding.examiner, day, reason="考核合格")
    world.go(case, "decide", "approve", deciding.approver, day)
    world.go(case, "certificate", "issue", deciding.certificate_clerk, day)
    life.serve(case, "deliver", deciding.certificate_clerk, day)
    licence = Certificate.objects.get(case_number=case.number)
    assert (licence.number, licence.valid_to) == (number, ends)
    assert codes.check("measuring_instrument_licence", licence.number).valid
    assert licence.items.get().varieties == "0–15 kg；III"


def test_from_2017_12_28_nothing_is_applied_for_any_more(holder):
    with pytest.raises(actions.Refused, match="型式批准"):
        life.apply("measuring_instrument_licence", application(holder), date(2017, 12, 28), holder)
    with pytest.raises(actions.Refused, match="已于 2017-12-28 取消"):
        life.apply("measuring_instrument_renewal", {}, MONDAY, holder)


def test_an_application_accepted_before_the_end_is_finished_under_its_rules(holder):
    """Non-retroactivity: what was accepted on the last day is decided afterwards."""
    city, appraiser = life.Officials(world.CITY), world.official("考评", "appraiser", world.PROVINCE)
    day, after = date(2017, 12, 27), date(2018, 1, 10)
    case = life.apply("measuring_instrument_licence", application(holder), day, holder)
    world.go(case, "accept", "accept", city.window_clerk, day)
    assessed(case, appraiser, after)
    world.go(case, "review", "pass", city.examiner, after, reason="考核合格")
    world.go(case, "decide", "refuse", city.approver, after, reason="许可事项已取消")
    assert Case.objects.get(pk=case.pk).outcome == "refused"


def test_an_individual_makes_simple_instruments_only_and_the_gate_is_checked(holder):
    day = date(2008, 5, 5)
    with pytest.raises(actions.Refused, match="简易计量器具"):
        life.apply("measuring_instrument_licence", application(holder, holder_kind="individual"), day, holder)
    data = application(holder)
    data["items"][0]["gate_number"] = "1234"
    with pytest.raises(actions.Refused, match="型式批准证书编号有误"):
        life.apply("measuring_instrument_licence", data, day, holder)


def test_a_renewal_is_asked_for_three_months_before(holder):
    licence = certificates.issue(
        number="浙制01000007号", kind=measuring.MADE, holder=holder, place=world.COUNTY, valid_from=date(2008, 6, 2),
        valid_to=date(2011, 6, 1), issued_on=date(2008, 6, 2), agency_key="330100", premises="文一路1号",
    )  # fmt: skip
    data = life.about(licence) | {
        k: v for k, v in application(holder).items() if k in ("instruments", "items", "attachments")
    }
    with pytest.raises(actions.Refused, match="最迟应于 2011-03-01"):
        life.apply("measuring_instrument_renewal", data, date(2011, 3, 2), holder)
    assert life.apply("measuring_instrument_renewal", data, date(2011, 3, 1), holder).pk


# -- type approval


def approval(holder, **more) -> dict:
    what = {"maker": "domestic", "catalogue": "P", "letter": "F", "never_made": "no"} | more
    row = {"name": "非自动衡器", "model": "TCS-300"}
    papers = life.papers(holder, "business_licence", "photo", "manual", "drawings", "standard", "test_report")
    applicant = {
        "applicant": life.applicant(holder),
        "premises": {"county": "330106", "address": "文一路1号"},
    }
    return applicant | {"instrument": what, "items": [row]} | papers


@pytest.mark.parametrize(("day", "rule_set"), [(date(2008, 9, 1), "TA-2005"), (MONDAY, "TA-2023")])
def test_a_type_is_approved_for_good(holder, day, rule_set):
    owner, province = world.owner(holder), life.Officials(world.PROVINCE)
    case = life.apply("type_approval", approval(holder), day, holder, owner)
    assert case.procedure.rule_set == rule_set
    world.go(case, "accept", "accept", province.window_clerk, day)
    assert case.clocks.get(key="decision").state == "paused"
    world.go(case, "send", "pass", owner, day)
    evaluation = case.clocks.get(key="evaluation_limit")
    assert (evaluation.limit, evaluation.unit, evaluation.owner) == (3, "month", "laboratory")
    said = {"body": "省计量院", "report": "XP-1", "finished_on": day.isoformat(), "result": "pass"}
    world.go(
        case, "evaluation", "conclude", province.appraiser, day, payload={"result": {"conclusion": said}}
    )
    assert case.clocks.get(key="report_decision").limit == 10
    world.go(case, "review", "pass", province.examiner, day, reason="型式评价合格")
    world.go(case, "decide", "approve", province.approver, day)
    world.go(case, "certificate", "issue", province.certificate_clerk, day)
    life.serve(case, "deliver", province.certificate_clerk, day)
    approved = Certificate.objects.get(case_number=case.number)
    assert approved.number == f"{day.year}F101-33" and approved.valid_to is None
    assert approved.state(date(2090, 1, 1)) == "valid"
    assert codes.check("type_approval", approved.number).valid
    assert not clocks.is_provisional(case.clocks.get(key="decision"))


def test_what_is_not_listed_needs_no_approval_and_foreign_makers_go_to_the_state(holder):
    with pytest.raises(actions.Refused, match="不需要型式批准"):
        life.apply("type_approval", approval(holder, catalogue="none"), MONDAY, holder)
    assert life.apply("type_approval", approval(holder, catalogue="none"), date(2008, 9, 1), holder).pk
    with pytest.raises(actions.Refused, match="国家机关"):
        life.apply("type_approval", approval(holder, maker="foreign"), MONDAY, holder)


def test_the_scope_line_takes_a_specification_or_a_range():
    assert measuring.made_number("浙", 330106000000, "county", 12) == "浙制01060012号"
