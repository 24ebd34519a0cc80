"""A food production licence from application to certificate, under the rules of 2020 and of 2005."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jinzhi.casework import actions, clocks, documents, timers
from jinzhi.foundation import codes
from jinzhi.foundation.files import storing
from jinzhi.foundation.files.tests import samples
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import checklists, licence
from jinzhi.services.licensing.tests import world

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)


@pytest.fixture
def people():
    """The officials of West Lake county and Hangzhou city."""
    return {
        "clerk": world.official("受理员", "window_clerk", world.COUNTY),
        "examiner": world.official("审查员", "examiner", world.COUNTY),
        "inspector": world.official("核查员", "inspector", world.COUNTY),
        "approver": world.official("审批人", "approver", world.CITY),
        "certifier": world.official("制证员", "certificate_clerk", world.CITY),
    }


def through_decision(case, people, day=MONDAY, grade="full"):
    world.go(case, "accept", "accept", people["clerk"], day)
    check = world.site_check("FP-2020", day, grade)
    world.go(case, "site_inspection", "conclude", people["inspector"], day, payload=check)
    world.go(case, "document_review", "pass", people["examiner"], day, reason="材料符合要求")
    world.go(case, "conclude", "pass", people["examiner"], day, reason="拟准予许可")


def granted(case, people, day=MONDAY):
    through_decision(case, people, day)
    world.go(case, "decide", "approve", people["approver"], day)
    world.go(case, "certificate", "issue", people["certifier"], day)
    case.refresh_from_db()
    return Certificate.objects.get(case_number=case.number)


def test_a_licence_today(people):
    case = world.submitted(MONDAY)
    assert case.clocks.get(key="acceptance").limit == 5
    certificate = granted(case, people)
    assert codes.check("food_licence", certificate.number).valid
    assert certificate.number.startswith("SC101330106")
    assert (certificate.valid_from, certificate.valid_to) == (MONDAY, date(2031, 3, 1))
    assert (case.state, case.outcome) == ("closed", "granted")
    kinds = [d.kind for d in documents.of_case(case)]
    assert kinds == [
        "receipt", "acceptance_notice", "site_check_report", "grant_decision", "licence_original", "licence_copy",
    ]  # fmt: skip
    assert not case.clocks.filter(state__in=["running", "paused", "missed"]).exists()


def test_todays_decision_limit_is_ten_working_days_extended_by_five(people):
    case = world.submitted(date(2026, 2, 10))
    world.go(case, "accept", "accept", people["clerk"], date(2026, 2, 10))
    decision = case.clocks.get(key="decision")
    assert (decision.limit, clocks.due_day(decision)) == (10, date(2026, 3, 2))
    assert case.clocks.get(key="step:site_inspection").limit == 5


def test_numbers_of_one_county_follow_each_other_without_a_gap(people):
    numbers = []
    for n in range(3):
        holder = world.enterprise(name=f"第{n}家", uscc="", org_code=f"X{n}")
        data = world.application(holder)
        data["applicant"]["code"] = "91330100723456781Y"
        case = world.submitted(MONDAY, holder, data)
        numbers.append(granted(case, people).number)
    assert [n[11:15] for n in numbers] == ["0001", "0002", "0003"]


def test_correction_stops_the_acceptance_clock_and_the_answer_starts_it_anew(people):
    holder = world.enterprise()
    owner = world.owner(holder)
    case = world.submitted(MONDAY, holder, actor=owner)
    with pytest.raises(actions.Refused, match="一次性列出"):
        world.go(case, "accept", "correct", people["clerk"], MONDAY, payload={"items": [" "]})
    world.go(
        case,
        "accept",
        "correct",
        people["clerk"],
        date(2026, 3, 3),
        payload={"items": ["补平面图", "改地址"]},
    )
    first = case.clocks.get(key="acceptance")
    assert first.state == "met"
    assert case.clocks.get(key="correction").owner == "applicant"
    data = world.application(holder)
    data["premises"]["area"] = "1500"
    world.go(case, "correction", "resubmit", owner, date(2026, 3, 9), payload={"data": data})
    case.refresh_from_db()
    second = case.clocks.filter(key="acceptance").last()
    assert (second.state, second.start_day, case.received_on) == (
        "running",
        date(2026, 3, 9),
        date(2026, 3, 9),
    )
    assert case.submissions.count() == 2
    notice = documents.of_case(case).get(kind="correction_notice")
    assert "1. 补平面图" in notice.data["text"] and "2. 改地址" in notice.data["text"]


def test_a_second_correction_needs_a_reason(people):
    holder = world.enterprise()
    owner = world.owner(holder)
    case = world.submitted(MONDAY, holder, actor=owner)
    world.go(case, "accept", "correct", people["clerk"], MONDAY, payload={"items": ["补平面图"]})
    world.go(case, "correction", "resubmit", owner, MONDAY, payload={"data": world.application(holder)})
    with pytest.raises(actions.Refused, match="一次性告知，再次要求补正须说明理由"):
        world.go(case, "accept", "correct", people["clerk"], MONDAY, payload={"items": ["再补"]})


@pytest.mark.parametrize(
    ("received", "last"), [(date(2006, 4, 27), date(2006, 5, 9)), (date(2026, 2, 10), date(2026, 2, 24))]
)
def test_silence_for_five_working_days_is_acceptance_from_the_day_of_receipt(received, last):
    holder = world.enterprise()
    case = world.submitted(received, holder)
    assert clocks.due_day(case.clocks.get(key="acceptance")) == last
    assert timers.run(last) == 0
    assert timers.run(date.fromordinal(last.toordinal() + 1)) == 1
    case.refresh_from_db()
    assert case.accepted_on == received
    assert case.clocks.get(key="decision").start_day == received
    assert "视为受理" in case.events.get(kind="deem_accepted").sentence
    assert timers.run(date.fromordinal(last.toordinal() + 1)) == 0


def test_a_correction_not_answered_in_time_ends_the_case(people):
    case = world.submitted(MONDAY)
    world.go(case, "accept", "correct", people["clerk"], MONDAY, payload={"items": ["补平面图"]})
    last = clocks.due_day(case.clocks.get(key="correction"))
    assert timers.run(date.fromordinal(last.toordinal() + 1)) == 1
    case.refresh_from_db()
    assert (case.state, case.outcome) == ("closed", "withdrawn")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"people": 1}, "至少由 2 名"),
        ({"date": "2026-03-03"}, "不能晚于今天"),
        ({"date": "2026-02-20"}, "不能早于受理日期"),
        ({"signature": ""}, "申请人签字确认"),
        ({"grades": {}}, "项未评定"),
        ({"inspectors": [{"name": "甲", "certificate": ""}, {"name": "乙", "certificate": "2"}]}, "证件编号"),
        (
            {"inspectors": [{"name": "甲", "certificate": "1"}, {"name": "甲", "certificate": "2"}]},
            "至少由 2 名",
        ),
        (
            {"inspectors": [{"name": "王样例", "certificate": "1"}, {"name": "乙", "certificate": "2"}]},
            "回避",
        ),
    ],
)
def test_an_incomplete_site_check_is_refused(people, change, message):
    case = world.submitted(MONDAY)
    world.go(case, "accept", "accept", people["clerk"], MONDAY)
    with pytest.raises(actions.Refused, match=message):
        payload = world.site_check("FP-2020", MONDAY, **change)
        world.go(case, "site_inspection", "conclude", people["inspector"], MONDAY, payload=payload)
    assert case.steps.get(key="site_inspection").state == "open"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"notes": {"invented": "x"}}, "没有“invented”这一项"),
        ({"notes": ["x"]}, "格式"),
        ({"photos": ["../../etc/passwd"]}, "先上传"),
        ({"photos": [{"a": 1}]}, "先上传"),
        ({"photos": "x" * 5000}, "先上传"),
        ({"photos": ["00000000-0000-4000-8000-000000000000"]}, "先上传"),
        ({"photos": [f"00000000-0000-4000-8000-{n:012d}" for n in range(61)]}, "不超过 60 张"),
        ({"inspectors": "甲乙丙"}, "逐人"),
        ({"inspectors": [{"name": f"人{n}", "certificate": "1"} for n in range(51)]}, "逐人"),
        ({"grades": ["full"]}, "格式"),
    ],
)
def test_a_site_check_keeps_only_what_its_checklist_asks(people, change, message):
    case = world.submitted(MONDAY)
    world.go(case, "accept", "accept", people["clerk"], MONDAY)
    with pytest.raises(actions.Refused, match=message):
        payload = world.site_check("FP-2020", MONDAY, **change)
        world.go(case, "site_inspection", "conclude", people["inspector"], MONDAY, payload=payload)


def test_notes_have_a_length_and_photos_belong_to_the_case(people):
    another = world.enterprise(name="别家", uscc="92330106MA2B00X19A")
    case, other = world.submitted(MONDAY), world.submitted(MONDAY, holder=another)
    world.go(case, "accept", "accept", people["clerk"], MONDAY)
    first = checklists.for_rule_set("FP-2020").items[0].key
    own, foreign = (
        storing.store(SimpleUploadedFile("a.pdf", samples.PDF), place=c.place, subject=documents.subject(c))
        for c in (case, other)
    )
    for change in ({"notes": {first: "x" * 1001}}, {"photos": [str(foreign.pk)]}):
        with pytest.raises(actions.Refused):
            payload = world.site_check("FP-2020", MONDAY, **change)
            world.go(case, "site_inspection", "conclude", people["inspector"], MONDAY, payload=payload)
    payload = world.site_check("FP-2020", MONDAY, photos=[str(own.pk), str(own.pk)])
    world.go(case, "site_inspection", "conclude", people["inspector"], MONDAY, payload=payload)
    case.refresh_from_db()
    assert case.facts["site_check"]["photos"] == [str(own.pk)]


def test_no_grant_on_a_failed_site_check(people):
    case = world.submitted(MONDAY)
    through_decision(case, people, grade="zero")
    with pytest.raises(actions.Refused, match="现场核查结论为不符合"):
        world.go(case, "decide", "approve", people["approver"], MONDAY)
    with pytest.raises(actions.Refused, match="理由"):
        world.go(case, "decide", "refuse", people["approver"], MONDAY)
    world.go(case, "decide", "refuse", people["approver"], MONDAY, reason="现场核查不符合要求")
    case.refresh_from_db()
    decision = documents.of_case(case).get(kind="refusal_decision")
    assert case.outcome == "refused"
    assert "现场核查不符合要求" in decision.data["text"] and "申请行政复议" in decision.data["text"]
    assert "6 个月" in decision.data["text"] and "60 日" in decision.data["text"]


def test_special_food_is_examined_and_decided_by_the_province(people):
    """市场监管总局令第24号第七条: nothing of it is handed down."""
    holder = world.enterprise()
    case = world.submitted(MONDAY, holder, world.application(holder, category="27", detail="2701"))
    examiner, inspector, approver = (
        world.official(r, r, world.PROVINCE) for r in ("examiner", "inspector", "approver")
    )
    world.go(case, "accept", "accept", people["clerk"], MONDAY)
    assert not case.steps.filter(key="site_inspection").exists()
    check = world.site_check("FP-2020", MONDAY)
    with pytest.raises(actions.NoPower):
        world.go(case, "special_inspection", "conclude", people["inspector"], MONDAY, payload=check)
    world.go(case, "special_inspection", "conclude", inspector, MONDAY, payload=check)
    world.go(case, "special_review", "pass", examiner, MONDAY, reason="材料符合要求")
    world.go(case, "special_conclude", "pass", examiner, MONDAY, reason="拟准予许可")
    assert case.steps.get(key="decide").agency.level == "province"
    with pytest.raises(actions.NoPower):
        world.go(case, "decide", "approve", people["approver"], MONDAY)
    world.go(case, "decide", "approve", approver, MONDAY)


def test_the_detail_must_belong_to_its_category():
    holder = world.enterprise()
    with pytest.raises(actions.Refused, match="不属于类别"):
        world.submitted(MONDAY, holder, world.application(holder, category="02", detail="0101"))


def test_a_category_that_is_not_in_the_list_of_the_day_is_refused():
    holder = world.enterprise()
    data = world.application_2005(holder)
    data["products"][0] |= {"category": "32", "detail": "3201"}
    with pytest.raises(actions.Refused, match="不在 2007-06-01 施行的目录中"):
        world.submitted(date(2007, 6, 1), holder, data)


def test_a_licence_of_2007():
    """Order 440: the city accepts, the test does not count, the province decides in sixty days, three years."""
    day = date(2007, 6, 1)
    holder = world.enterprise()
    owner = world.owner(holder)
    clerk = world.official("受理员", "window_clerk", world.CITY)
    examiner = world.official("审查员", "examiner", world.CITY)
    inspector = world.official("核查员", "inspector", world.CITY)
    approver = world.official("审批人", "approver", world.PROVINCE)
    certifier = world.official("制证员", "certificate_clerk", world.PROVINCE)
    case = world.submitted(day, holder, actor=owner)
    assert case.procedure.rule_set == "FP-2005"
    world.go(case, "accept", "accept", clerk, day)
    assert case.clocks.get(key="decision").limit == 60
    world.go(case, "document_review", "pass", examiner, day, reason="符合")
    with pytest.raises(actions.Refused, match="不得多于 4 人"):
        too_many = world.site_check("FP-2005", date(2007, 6, 11), people=5)
        world.go(case, "site_inspection", "conclude", inspector, date(2007, 6, 11), payload=too_many)
    check = world.site_check("FP-2005", date(2007, 6, 11), people=3)
    world.go(case, "site_inspection", "conclude", inspector, date(2007, 6, 11), payload=check)
    world.go(case, "sample_delivery", "pass", owner, date(2007, 6, 15))
    assert case.clocks.get(key="decision").state == "paused"
    report = {
        "result": {
            "laboratory": "省质检院",
            "report": "R-1",
            "standard": "GB 1355-1986",
            "conclusion": "pass",
        }
    }
    world.go(case, "licence_test", "pass", examiner, date(2007, 6, 29), payload=report)
    decision = case.clocks.get(key="decision")
    assert (decision.state, decision.paused_ord) == ("running", 10)
    world.go(case, "conclude", "pass", examiner, date(2007, 7, 2), reason="拟准予")
    world.go(case, "decide", "approve", approver, date(2007, 7, 10))
    world.go(case, "certificate", "issue", certifier, date(2007, 7, 12))
    certificate = Certificate.objects.get(case_number=case.number)
    assert certificate.number == "QS330101010001"
    assert (certificate.valid_from, certificate.valid_to) == (date(2007, 7, 10), date(2010, 7, 9))
    assert certificate.holder_code == holder.org_code
    assert certificate.agency_name == "浙江省质量技术监督局"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 3, 2), date(2031, 3, 1)),
        (date(2024, 2, 29), date(2029, 2, 28)),
        (date(2008, 2, 29), date(2011, 2, 28)),
    ],
)
def test_validity_ends_the_day_before_the_anniversary(start, end):
    assert licence.last_day(start, start) == end


@pytest.mark.parametrize(
    ("category", "detail", "digits"), [("01", "0101", "101"), ("31", "3101", "131"), ("32", "3202", "202")]
)
def test_category_digits_of_the_number(category, detail, digits):
    assert licence.sc_category(category, detail) == digits


def test_the_published_check_digits_come_out():
    """Synthetic numbers of the domain reference."""
    assert licence.sc_number("106", "330106", 1) == "SC10633010600019"


def test_withdrawing_ends_the_case_only_before_the_decision(people):
    holder = world.enterprise()
    owner = world.owner(holder)
    case = world.submitted(MONDAY, holder, actor=owner)
    stranger = world.owner(world.enterprise(uscc="92330106MA2B00X19A", name="别家"))
    with pytest.raises(actions.Refused, match="只有申请人"):
        actions.perform(case.pk, "withdraw", None, stranger, reason="不办了")
    actions.perform(case.pk, "withdraw", None, owner, reason="不办了", at=world.at(MONDAY))
    case.refresh_from_db()
    assert (case.outcome, case.steps.filter(state="open").count()) == ("withdrawn", 0)


def test_every_document_of_a_case_renders_as_pdf(people):
    from jinzhi.foundation.files.documents import rendered
    from jinzhi.foundation.files.storing import path_of

    case = world.submitted(MONDAY)
    granted(case, people)
    for document in documents.of_case(case):
        blob = rendered(document)
        assert path_of(blob.sha256).read_bytes().startswith(b"%PDF")
