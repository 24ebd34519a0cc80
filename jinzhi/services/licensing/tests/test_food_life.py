"""Change, renewal, reissue and cancellation of a food production licence, under the rules of both times."""

from datetime import date

import pytest

from jinzhi.casework import actions, clocks, documents
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import applying
from jinzhi.services.licensing.tests import life, world
from jinzhi.services.licensing.tests.life import MONDAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def holder():
    return world.enterprise()


@pytest.fixture
def county():
    return life.Officials(world.COUNTY)


@pytest.fixture
def city():
    return life.Officials(world.CITY)


def desk(case, county, city, day=MONDAY):
    """Acceptance, review of the papers, proposal."""
    world.go(case, "accept", "accept", county.window_clerk, day)
    world.go(case, "desk_review", "pass", county.examiner, day, reason="材料符合要求")
    world.go(case, "conclude", "pass", county.examiner, day, reason="拟准予")


def test_a_change_of_name_is_decided_on_papers_and_keeps_number_and_period(holder, county, city):
    licence = life.held(holder)
    data = life.change(licence, ["name"], MONDAY)
    data["applicant"]["name"] = "杭州样例粮油股份有限公司"
    case = life.apply("food_production_change", data, MONDAY, holder)
    assert case.facts["licence"]["number"] == licence.number
    desk(case, county, city)
    assert case.clocks.get(key="decision").limit == 10
    world.go(case, "decide", "approve", city.approver, MONDAY)
    world.go(case, "certificate", "issue", city.certificate_clerk, MONDAY)
    changed = Certificate.objects.get(number=licence.number)
    assert changed.holder_name == "杭州样例粮油股份有限公司"
    assert (changed.valid_to, changed.face_version) == (licence.valid_to, licence.face_version + 1)
    assert changed.changes.get().act == "alter"
    assert documents.of_case(case).filter(kind="change_decision").count() == 1
    assert documents.of_case(case).get(kind="licence_original").data["holder"] == "杭州样例粮油股份有限公司"
    case.refresh_from_db()
    assert case.outcome == "granted"


@pytest.mark.parametrize(
    ("items", "scope"), [(["layout"], "check"), (["name", "category"], "check"), (["detail"], "desk")]
)
def test_what_changes_decides_how_it_is_examined(holder, county, items, scope):
    case = life.apply("food_production_change", life.change(life.held(holder), items, MONDAY), MONDAY, holder)
    world.go(case, "accept", "accept", county.window_clerk, MONDAY)
    open_steps = set(case.steps.filter(state="open", kind="user").values_list("key", flat=True))
    assert open_steps == ({"document_review", "site_inspection"} if scope == "check" else {"desk_review"})


def test_a_moved_site_is_a_new_application(holder):
    licence = life.held(holder)
    with pytest.raises(actions.Refused, match="应当重新申请"):
        life.apply("food_production_change", life.change(licence, ["moved"], MONDAY), MONDAY, holder)
    with pytest.raises(actions.Refused, match="请申请变更"):
        world.submitted(MONDAY, holder)
    moved = world.application(holder)
    moved["premises"]["address"] = "杭州市西湖区文三路2号"
    assert world.submitted(MONDAY, holder, moved).pk


def test_a_late_change_is_handled_and_marked(holder):
    late = life.apply(
        "food_production_change", life.change(life.held(holder), ["name"], date(2026, 2, 1)), MONDAY, holder
    )
    assert "逾期申请" in late.facts["warnings"][0]


def test_another_enterprises_licence_is_not_ours_to_change(holder):
    stranger = world.enterprise(uscc=world.USCC, name="别家样例")
    licence = life.held(stranger)
    with pytest.raises(actions.Refused, match="不是本企业持有"):
        life.apply("food_production_change", life.change(licence, ["name"], MONDAY), MONDAY, holder)


def test_a_mirror_record_is_changed_where_it_was_granted(holder):
    licence = life.held(holder, source="市场监管总局特种设备行政许可系统")
    with pytest.raises(actions.Refused, match="镜像记录"):
        life.apply("food_production_change", life.change(licence, ["name"], MONDAY), MONDAY, holder)


def test_a_category_is_added_while_the_renewal_is_pending_but_nothing_twice(holder):
    licence = life.held(holder, granted=date(2021, 6, 2))
    life.apply("food_production_renewal", life.renewal(licence), MONDAY, holder)
    assert life.apply("food_production_change", life.change(licence, ["category"], MONDAY), MONDAY, holder).pk
    with pytest.raises(actions.Refused, match="正在办理"):
        life.apply("food_production_renewal", life.renewal(licence), MONDAY, holder)


def test_the_same_application_twice_is_one():
    holder = world.enterprise()
    data = world.application(holder)
    first = world.submitted(MONDAY, holder, data)
    with pytest.raises(actions.Refused, match=first.number):
        world.submitted(MONDAY, holder, data)


# -- renewal


def test_a_renewal_decided_in_time(holder, county, city):
    licence = life.held(holder, granted=date(2021, 6, 2))  # until 2026-06-01
    case = life.apply("food_production_renewal", life.renewal(licence), MONDAY, holder)
    desk(case, county, city)
    expiry = case.clocks.get(key="expiry")
    assert clocks.due_day(expiry) == licence.valid_to == date(2026, 6, 1)
    world.go(case, "decide", "approve", city.approver, MONDAY)
    world.go(case, "certificate", "issue", city.certificate_clerk, MONDAY)
    renewed = Certificate.objects.get(number=licence.number)
    assert (renewed.state(date(2026, 7, 1)), renewed.valid_to) == ("valid", date(2031, 3, 1))
    assert renewed.changes.get().act == "renew"
    assert Case.objects.get(pk=case.pk).clocks.get(key="expiry").state == "met"


def test_an_undecided_renewal_counts_as_granted_from_the_day_after(holder, county, city):
    """行政许可法第五十条; wherever the case stands, and the new period follows without a gap."""
    licence = life.held(holder, granted=date(2021, 6, 2))
    case = life.apply("food_production_renewal", life.renewal(licence, changed="yes"), MONDAY, holder)
    world.go(case, "accept", "accept", county.window_clerk, MONDAY)
    world.go(case, "document_review", "pass", county.examiner, MONDAY, reason="符合")
    life.night_after(date(2026, 5, 31))
    case.refresh_from_db()
    assert case.decided_on is None, "the last day of the licence is still the agency's"
    life.night_after(date(2026, 6, 1))
    case.refresh_from_db()
    assert case.decided_on == date(2026, 6, 1) and case.facts["deemed_renewal"]
    assert [s.key for s in case.steps.filter(state="open")] == ["certificate"]
    assert documents.of_case(case).filter(kind="deemed_renewal_notice").exists()
    assert life.night_after(date(2026, 6, 2)) == 0, "it happens once"
    world.go(case, "certificate", "issue", city.certificate_clerk, date(2026, 6, 8))
    renewed = Certificate.objects.get(number=licence.number)
    assert renewed.valid_to == date(2031, 6, 1)
    assert renewed.state(date(2026, 6, 2)) == "valid", "no gap"
    case.refresh_from_db()
    assert (case.outcome, case.facts["certificate"]["valid_from"]) == ("granted", "2026-06-02")


def test_a_renewal_that_waits_for_the_applicant_is_not_deemed_granted(holder, county):
    licence = life.held(holder, granted=date(2021, 4, 28))  # until 2026-04-27
    case = life.apply("food_production_renewal", life.renewal(licence), MONDAY, holder)
    world.go(case, "accept", "correct", county.window_clerk, MONDAY, payload={"items": ["补自查报告"]})
    life.night_after(date(2026, 4, 27))
    case.refresh_from_db()
    assert case.decided_on is None and case.outcome == "withdrawn"


@pytest.mark.parametrize(
    ("kind", "valid_to", "on", "last"),
    [
        ("food_production", date(2026, 6, 1), MONDAY, date(2026, 4, 16)),
        ("food_production", date(2010, 7, 9), date(2010, 1, 1), date(2010, 1, 9)),
        ("food_production", date(2008, 8, 31), date(2008, 1, 1), date(2008, 2, 29)),
    ],
)
def test_the_last_day_of_applying_for_a_renewal(kind, valid_to, on, last):
    found, rule = applying.latest_application(kind, valid_to, on)
    assert found == last
    if rule.unit == "workday":
        assert calendar.ordinal(valid_to) - calendar.ordinal(found) == 30


def test_a_renewal_asked_for_too_late_is_a_new_application(holder):
    licence = life.held(holder, granted=date(2021, 6, 2))
    on_time, late = date(2026, 4, 16), date(2026, 4, 17)
    with pytest.raises(actions.Refused, match="请按首次申请办理"):
        life.apply("food_production_renewal", life.renewal(licence), late, holder)
    assert life.apply("food_production_renewal", life.renewal(licence), on_time, holder).pk


def test_a_qs_licence_is_renewed_as_an_sc_licence(holder, county, city):
    """2015-10-01: the former number ends with the former licence."""
    day = date(2016, 3, 1)
    former = life.held(holder, number="QS330101010001", granted=date(2013, 6, 3), rule_set="FP-2010")
    data = life.renewal(former) | {"products": [{"category": "01", "varieties": "通用小麦粉"}]}
    case = life.apply("food_production_renewal", data, day, holder)
    desk(case, county, city, day)
    world.go(case, "decide", "approve", city.approver, day)
    world.go(case, "certificate", "issue", city.certificate_clerk, day)
    renewed = Certificate.objects.get(case_number=case.number)
    assert renewed.number.startswith("SC101330106") and renewed.valid_to == date(2021, 2, 28)
    assert Certificate.objects.get(number=former.number).state(day) == "cancelled"


# -- reissue and cancellation


def test_a_lost_licence_is_issued_again_with_a_new_face(holder, city):
    licence = life.held(holder)
    case = life.apply("licence_reissue", life.reissue(licence), MONDAY, holder)
    world.go(case, "accept", "accept", city.window_clerk, MONDAY)
    world.go(case, "review", "pass", city.examiner, MONDAY, reason="情况属实")
    world.go(case, "decide", "approve", city.approver, MONDAY)
    world.go(case, "certificate", "issue", city.certificate_clerk, MONDAY)
    again = Certificate.objects.get(number=licence.number)
    assert (again.valid_to, again.face_version, again.state(MONDAY)) == (licence.valid_to, 2, "valid")


def test_a_licence_is_cancelled_on_application(holder, city):
    licence = life.held(holder)
    case = life.apply("licence_cancellation", life.cancellation(licence), MONDAY, holder)
    world.go(case, "accept", "accept", city.window_clerk, MONDAY)
    world.go(case, "review", "pass", city.examiner, MONDAY, reason="情况属实")
    with pytest.raises(actions.NoPower):
        world.go(case, "decide", "approve", world.official("县局", "approver", world.COUNTY), MONDAY)
    world.go(case, "decide", "approve", city.approver, MONDAY)
    assert Certificate.objects.get(number=licence.number).state(MONDAY) == "cancelled"
    with pytest.raises(actions.Refused, match="已注销"):
        life.apply("food_production_change", life.change(licence, ["name"], MONDAY), MONDAY, holder)
