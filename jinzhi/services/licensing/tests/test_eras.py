"""One application under each of the rule sets, from acceptance to the licence served."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import actions, documents
from jinzhi.casework.models import Case
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing.tests import life, world

pytestmark = pytest.mark.django_db
REPORT = {"laboratory": "省质检院", "report": "R-1", "standard": "GB 1355-1986", "conclusion": "pass"}


def old_way(day: date, rule_set: str) -> Case:
    """City, test in between, province; a proof of service at the end."""
    holder = world.enterprise()
    owner = world.owner(holder)
    city, province = life.Officials(world.CITY), life.Officials(world.PROVINCE)
    case = world.submitted(day, holder, actor=owner)
    assert case.procedure.rule_set == rule_set
    world.go(case, "accept", "accept", city.window_clerk, day)
    world.go(case, "document_review", "pass", city.examiner, day, reason="符合")
    check = world.site_check(rule_set, day)
    world.go(case, "site_inspection", "conclude", city.inspector, day, payload=check)
    world.go(case, "sample_delivery", "pass", owner, day)
    running = "lower_review" if rule_set == "FP-2003" else "decision"
    assert case.clocks.get(key=running).state == "paused", "检验时间不计入"
    world.go(case, "licence_test", "pass", city.examiner, day, payload={"result": REPORT})
    assert case.clocks.get(key=running).state == "running"
    world.go(case, "conclude", "pass", city.examiner, day, reason="拟准予")
    world.go(case, "decide", "approve", province.approver, day)
    world.go(case, "certificate", "issue", province.certificate_clerk, day)
    assert case.clocks.get(key="certificate").state == "running", "the ten days end with the service"
    life.serve(case, "deliver", province.certificate_clerk, day)
    return case


@pytest.mark.parametrize(
    ("day", "rule_set", "decision", "ends"),
    [
        (date(2004, 9, 1), "FP-2003", 20, date(2007, 8, 31)),
        (date(2005, 8, 31), "FP-2003", 20, date(2008, 8, 30)),
        (date(2005, 9, 1), "FP-2005", 60, date(2008, 8, 31)),
        (date(2010, 5, 31), "FP-2005", 60, date(2013, 5, 30)),
        (date(2010, 6, 1), "FP-2010", 60, date(2013, 5, 31)),
        (date(2015, 9, 30), "FP-2010", 60, date(2018, 9, 29)),
    ],
)
def test_a_qs_licence(day, rule_set, decision, ends):
    case = old_way(day, rule_set)
    assert case.clocks.get(key="decision").limit == decision
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.number == "QS330101010001" and licence.valid_to == ends
    assert documents.of_case(case).filter(kind="delivery_notice").exists()
    assert case.services.get(document__kind="delivery_notice").recipient == "王样例"
    case.refresh_from_db()
    assert (case.outcome, case.clocks.get(key="certificate").state) == ("granted", "met")


@pytest.mark.parametrize("day", [date(2015, 10, 1), date(2020, 2, 28)])
def test_an_sc_licence_of_the_rules_of_2015(day):
    holder = world.enterprise()
    county, city = life.Officials(world.COUNTY), life.Officials(world.CITY)
    data = world.application(holder)
    data["products"] = [{"category": "01", "detail_name": "0101 小麦粉", "varieties": "通用小麦粉"}]
    case = world.submitted(day, holder, data)
    assert case.procedure.rule_set == "FP-2015"
    world.go(case, "accept", "accept", county.window_clerk, day)
    assert case.clocks.get(key="decision").limit == 20
    assert case.clocks.get(key="step:site_inspection").limit == 10
    check = world.site_check("FP-2015", day)
    world.go(case, "site_inspection", "conclude", county.inspector, day, payload=check)
    world.go(case, "document_review", "pass", county.examiner, day, reason="符合")
    world.go(case, "conclude", "pass", county.examiner, day, reason="拟准予")
    world.go(case, "decide", "approve", city.approver, day)
    world.go(case, "certificate", "issue", city.certificate_clerk, day)
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.number.startswith("SC101330106")
    assert licence.valid_to == day.replace(year=day.year + 5) - timedelta(days=1)
    assert licence.items.get().detail_code == "0101"


def test_an_inspector_whose_certificate_had_run_out_makes_the_check_void():
    day = date(2026, 3, 2)
    case = world.submitted(day)
    county = life.Officials(world.COUNTY)
    world.go(case, "accept", "accept", county.window_clerk, day)
    people = [
        {"name": "甲", "certificate": "1", "valid_to": "2026-03-01"},
        {"name": "乙", "certificate": "2", "valid_to": "2027-01-01"},
    ]
    check = world.site_check("FP-2020", day, inspectors=people)
    with pytest.raises(actions.Refused, match="核查无效"):
        world.go(case, "site_inspection", "conclude", county.inspector, day, payload=check)
