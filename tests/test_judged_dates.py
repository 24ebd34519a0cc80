"""Whole lives dated 2006 to 2026 through the interface, against a calendar of its own.

The calendar below is typed from the published notices and counts day by day; it knows nothing of ours. The limits are typed
from the reference of the law. Every due date of every case is recomputed with them after every act.
"""

import copy
import json
import random
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from jinzhi.casework import events
from jinzhi.casework.esupervision import commands as supervision
from jinzhi.casework.models import Case
from jinzhi.foundation.files.tests import samples
from jinzhi.foundation.people.models import Account, Power
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing.tests import life, test_measuring, test_special_equipment, world

pytestmark = pytest.mark.django_db
ONE = timedelta(days=1)

# -- a calendar of its own: (off, work) by year, MMDD or MMDD-MMDD

NOTICES = {
    2006: ("0101-0103 0129-0204 0501-0507 1001-1007", "0128 0205 0429 0430 0930 1008 1230 1231"),
    2007: ("0101-0103 0218-0224 0501-0507 1001-1007 1230-1231", "0217 0225 0428 0429 0929 0930 1229"),
    2008: ("0101 0206-0212 0404-0406 0501-0503 0607-0609 0913-0915 0929-1005", "0202 0203 0504 0927 0928"),
    2009: ("0101-0103 0125-0131 0404-0406 0501-0503 0528-0530 1001-1008", "0104 0124 0201 0531 0927 1010"),
    2024: ("0101 0210-0217 0404-0406 0501-0505 0610 0915-0917 1001-1007", "0204 0218 0407 0428 0511 0914 0929 1012"),
    2025: ("0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008", "0126 0208 0427 0928 1011"),
    2026: ("0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007", "0104 0214 0228 0509 0920 1010"),
}  # fmt: skip


def spread(text: str, year: int) -> set[date]:
    found = set()
    for part in text.split():
        first, _, last = part.partition("-")
        day, end = (date(year, int(x[:2]), int(x[2:])) for x in (first, last or first))
        while day <= end:
            found.add(day)
            day += ONE
    return found


OFF = {d for y, (off, _) in NOTICES.items() for d in spread(off, y)}
WORK = {d for y, (_, work) in NOTICES.items() for d in spread(work, y)}


def works(day: date) -> bool:
    assert day.year in NOTICES, f"no notice of {day.year} in this test"
    return day in WORK or (day not in OFF and day.weekday() < 5)


def workdays(start: date, number: int, pauses=()) -> date:
    """The last day of `number` working days; the days of the pauses [from, to) do not count."""
    day = start
    while number:
        day += ONE
        if works(day) and not any(a <= day < b for a, b in pauses):
            number -= 1
    return day


def rolled(day: date) -> date:
    while not works(day):
        day += ONE
    return day


def months(start: date, number: int) -> date:
    index = start.year * 12 + start.month - 1 + number
    year, month = divmod(index, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - ONE).day
    return rolled(date(year, month + 1, min(start.day, last)))


def last_valid(start: date, years: int) -> date:
    """The day before the anniversary."""
    try:
        return start.replace(year=start.year + years) - ONE
    except ValueError:
        return date(start.year + years, 2, 28)


# -- people


class Program:
    """A program that signed in for somebody."""

    def __init__(self, account: Account):
        Account.objects.filter(pk=account.pk).update(is_demo=True)
        body = {"username": account.username}
        answer = Client().post("/api/v1/tokens", body, content_type="application/json")
        self.token = answer.json()["token"]
        self.client = Client(headers={"authorization": f"Bearer {self.token}"})
        self.account = account

    def post(self, address: str, body, key: str = ""):
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"/api/v1{address}", body, content_type="application/json", headers=headers)

    def upload(self, kind: str) -> str:
        body = {"file": SimpleUploadedFile("材料.pdf", samples.PDF), "kind": kind}
        return self.client.post("/api/v1/attachments", body).json()["id"]

    def act(self, number: str, action: str, step: str = "", on: date | None = None, **more):
        body = more | ({"step": step} if step else {}) | ({"on": on.isoformat()} if on else {})
        return self.post(f"/cases/{number}/actions/{action}", body)

    def case(self, number: str) -> dict:
        answer = self.client.get(f"/api/v1/cases/{number}")
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()


ROLES = ("window_clerk", "examiner", "inspector", "appraiser", "approver", "certificate_clerk")


class Archive:
    """One person for each role and place, who also enters old cases; made when first asked for."""

    def __init__(self):
        self.made: dict[tuple[int, str], Program] = {}

    def __call__(self, place: int, role: str) -> Program:
        if (place, role) not in self.made:
            actor = world.official(role, role, place)
            Power.objects.create(post=actor.post, role="records_clerk")
            self.made[place, role] = Program(actor.account)
        return self.made[place, role]


@pytest.fixture(autouse=True)
def _demo(settings):
    cache.clear()
    settings.DEMO = True


@pytest.fixture
def archive():
    return Archive()


@pytest.fixture
def holder():
    return world.enterprise(org_code="723456781")


def told(answer, status=200) -> dict:
    assert answer.status_code == status, answer.content.decode()
    return answer.json()


def with_files(program: Program, data: dict) -> dict:
    data = copy.deepcopy(data)
    for kind in data.get("attachments", {}):
        data["attachments"][kind] = [program.upload(kind)]
    return data


class Life:
    """One old case, entered act by act, and what its limits must be."""

    def __init__(self, archive: Archive, procedure: str, data: dict, day: date, place: int):
        self.archive, self.place, self.wanted = archive, place, {}
        clerk = archive(world.COUNTY, "window_clerk")
        body = {"procedure": procedure, "data": with_files(clerk, data), "on": day.isoformat()}
        self.seen = told(clerk.post("/cases", body), 201)
        self.number = self.seen["number"]
        self.at(world.PROVINCE)

    def at(self, place: int) -> "Life":
        self.place = place
        return self

    def act(self, step: str, action: str, role: str, on: date, **more) -> dict:
        program = self.archive(self.place, role)
        self.seen = told(program.act(self.number, action, step, on, **more))
        self.check()
        return self.seen

    def want(self, key: str, due: date) -> None:
        self.wanted[key] = due

    def check(self) -> None:
        found = {c["key"]: c for c in self.seen["clocks"]}
        for key, due in self.wanted.items():
            assert found[key]["due"] == due.isoformat(), (key, due, found[key])

    @property
    def story(self) -> Case:
        return Case.objects.get(number=self.number)


# -- the calendar itself


@pytest.mark.parametrize(
    ("start", "number", "last"),
    [("2006-04-27", 5, "2006-05-09"), ("2006-01-25", 20, "2006-02-27"), ("2006-09-22", 20, "2006-10-25"),
     ("2007-12-26", 5, "2008-01-03"), ("2008-01-31", 20, "2008-03-04"), ("2025-09-26", 5, "2025-10-10"),
     ("2026-02-10", 10, "2026-03-02"), ("2026-09-18", 20, "2026-10-22")],
)  # fmt: skip
def test_the_worked_examples_over_the_interface(start, number, last):
    assert workdays(date.fromisoformat(start), number) == date.fromisoformat(last)
    answer = Client().get(f"/api/v1/calendar/due?start={start}&limit={number}&unit=workday").json()
    assert answer["due"] == last, answer


@pytest.mark.parametrize(("start", "last"), [("2006-04-05", "2006-05-08"), ("2026-01-20", "2026-02-24")])
def test_thirty_days_roll_forward(start, last):
    assert rolled(date.fromisoformat(start) + 30 * ONE) == date.fromisoformat(last)
    answer = Client().get(f"/api/v1/calendar/due?start={start}&limit=30&unit=day").json()
    assert answer["due"] == last, answer


# -- food, new, each era


def food(holder, on: date) -> dict:
    if on < date(2015, 10, 1):
        return world.application_2005(holder)
    data = world.application(holder)
    if on < date(2020, 3, 1):
        data["products"] = [{"category": "01", "detail_name": "0101 小麦粉", "varieties": "通用小麦粉"}]
    return data


@pytest.mark.parametrize(
    "day", ["2006-01-25", "2006-04-27", "2006-09-22", "2007-12-26", "2008-01-31", "2009-01-21"]
)
def test_a_food_licence_of_2005_with_its_test(archive, holder, day):
    chance, received = random.Random(day), date.fromisoformat(day)
    case = Life(archive, "food_production_licence", food(holder, received), received, world.CITY).at(
        world.CITY
    )
    case.want("acceptance", workdays(received, 5))
    assert case.seen["entered_on"] and case.seen["procedure"]["rule_set"] == "FP-2005"
    accepted = workdays(received, chance.randint(1, 5))
    case.want("decision", workdays(accepted, 60))
    case.want("result", workdays(accepted, 30))
    case.want("step:site_inspection", workdays(accepted, 20))
    case.act("accept", "accept", "window_clerk", accepted)
    checked = workdays(accepted, chance.randint(3, 18))
    case.want("delivery", rolled(checked + 7 * ONE))
    check = world.site_check("FP-2005", checked)
    case.act("site_inspection", "conclude", "inspector", checked, data=check)
    sent = checked + chance.randint(1, 5) * ONE
    case.want("test", rolled(sent + 15 * ONE))
    case.act("sample_delivery", "pass", "window_clerk", sent)
    tested = sent + chance.randint(5, 14) * ONE
    result = {"laboratory": "省质检院", "report": "R-1", "standard": "GB 1355-1986", "conclusion": "pass"}
    due = workdays(accepted, 60, [(sent, tested)])
    case.want("decision", due)
    case.act("licence_test", "pass", "examiner", tested, data={"result": result})
    case.act("document_review", "pass", "examiner", tested, reason="符合")
    case.act("conclude", "pass", "examiner", tested, reason="拟准予")
    late = chance.random() < 0.5
    extended = workdays(accepted, 70, [(sent, tested)])
    case.at(world.PROVINCE)
    if late:  # asked on the last day, decided after the first limit
        case.want("decision", extended)
        case.act("decide", "extend", "approver", due, reason="案情复杂", data={"days": 10})
    decided = workdays(tested, 1) if not late else extended
    case.want("certificate", workdays(decided, 10))
    case.act("decide", "approve", "approver", decided)
    assert {c["key"]: c["state"] for c in case.seen["clocks"]}["decision"] == "met"
    case.act("certificate", "issue", "certificate_clerk", decided)
    served = workdays(decided, 10)
    case.act("deliver", "serve", "certificate_clerk", served,
             data={"method": "direct", "recipient": "王样例", "served_on": served.isoformat()})  # fmt: skip
    assert case.seen["outcome"] == "granted", case.seen
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.number.startswith("QS3301") and licence.valid_to == last_valid(decided, 3)
    assert events.faults(case.story) == []


@pytest.mark.parametrize(
    "day", ["2025-09-26", "2026-02-10", "2026-09-18", "2024-02-06", "2024-04-30", "2025-01-24"]
)
def test_a_food_licence_of_2020_with_a_correction(archive, holder, day):
    chance, received = random.Random(day), date.fromisoformat(day)
    case = Life(archive, "food_production_licence", food(holder, received), received, world.COUNTY).at(
        world.COUNTY
    )
    case.want("acceptance", workdays(received, 5))
    case.check()
    asked = workdays(received, 5)
    case.act("accept", "correct", "window_clerk", asked, data={"items": ["补平面图"]})
    found = {c["key"]: c for c in case.seen["clocks"]}
    assert found["correction"]["due"] == workdays(asked, 20).isoformat()
    answered = asked + chance.randint(3, 12) * ONE  # a rest day, too
    clerk = archive(world.COUNTY, "window_clerk")
    data = with_files(clerk, food(holder, received))
    data["premises"]["area"] = "1500"
    case.act("correction", "resubmit", "window_clerk", answered, data=data)
    again = [c for c in case.seen["clocks"] if c["key"] == "acceptance"]
    assert {c["due"] for c in again if c["state"] == "running"} == {workdays(answered, 5).isoformat()}
    case.wanted.pop("acceptance")
    accepted = workdays(answered, chance.randint(1, 5))
    case.want("decision", workdays(accepted, 10))
    case.want("step:site_inspection", workdays(accepted, 5))
    case.act("accept", "accept", "window_clerk", accepted)
    paused = workdays(accepted, 2)
    case.act(
        "document_review",
        "suspend",
        "examiner",
        paused,
        reason="抽样检验",
        data={"ground": "检验", "days": 12},
    )
    resumed = paused + chance.randint(4, 15) * ONE
    due = workdays(accepted, 10, [(paused, resumed)])
    case.want("decision", due)
    case.wanted.pop("step:site_inspection")
    case.act("document_review", "resume", "examiner", resumed)
    check = world.site_check("FP-2020", resumed)
    case.act("site_inspection", "conclude", "inspector", resumed, data=check)
    case.act("document_review", "pass", "examiner", resumed, reason="符合")
    case.act("conclude", "pass", "examiner", resumed, reason="拟准予")
    case.at(world.CITY)
    refused = archive(world.CITY, "approver").act(
        case.number, "extend", "decide", workdays(due, 1), reason="案情复杂", data={"days": 5}
    )
    assert refused.status_code == 422, "an extension one day late"
    case.want("decision", workdays(accepted, 15, [(paused, resumed)]))
    case.act("decide", "extend", "approver", due, reason="案情复杂", data={"days": 5})
    case.want("certificate", workdays(due, 5))
    case.act("decide", "approve", "approver", due)
    case.act("certificate", "issue", "certificate_clerk", workdays(due, 5))
    assert case.seen["outcome"] == "granted"
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.number.startswith("SC101330106") and licence.valid_to == last_valid(due, 5)
    assert events.faults(case.story) == []


def test_the_same_application_under_both_laws(archive, holder):
    """Different limits, forms, numbers and periods of validity; nothing of one in the other."""
    old, new = date(2006, 3, 1), date(2026, 3, 2)
    first = Life(archive, "food_production_licence", food(holder, old), old, 0)
    second = Life(archive, "food_production_licence", food(holder, new), new, 0)
    assert first.seen["procedure"]["version"] != second.seen["procedure"]["version"]
    answers = [told(Client().get(f"/api/v1/procedures/food_production_licence?on={d}")) for d in (old, new)]
    assert [{c["key"]: c["value"] for c in a["clocks"]}["decision"] for a in answers] == [60, 10]
    assert answers[0]["form"]["version"] != answers[1]["form"]["version"]
    clerk = archive(world.COUNTY, "window_clerk")
    body = {
        "procedure": "food_production_licence",
        "data": with_files(clerk, food(holder, old)),
        "on": new.isoformat(),
    }
    assert clerk.post("/cases", body).status_code == 422, "an old form today"


# -- what happens by itself


def run(on: date) -> dict:
    result = CliRunner().invoke(supervision.app, ["run", "--on", on.isoformat(), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    "day", ["2006-04-27", "2006-04-29", "2006-05-03", "2026-02-10", "2026-02-13", "2026-02-14", "2026-02-18"]
)
def test_silence_is_acceptance_from_the_day_of_receipt(archive, holder, day):
    received = date.fromisoformat(day)
    case = Life(archive, "food_production_licence", food(holder, received), received, 0)
    last = workdays(received, 5)
    run(last)
    assert case.story.accepted_on is None, "the last day itself is in time"
    run(last + ONE)
    kept = case.story
    assert kept.accepted_on == received, "accepted from the day the material was received"
    clerk = (
        archive(world.COUNTY, "window_clerk") if received.year > 2015 else archive(world.CITY, "window_clerk")
    )
    seen = clerk.case(case.number)
    decision = next(c for c in seen["clocks"] if c["key"] == "decision")
    assert decision["due"] == workdays(received, 60 if received.year == 2006 else 10).isoformat()
    before = kept.story_length
    run(last + ONE)
    run(last + 2 * ONE)
    assert case.story.story_length == before, "once"
    assert any("视为受理" in e["sentence"] for e in seen["events"])


def test_a_correction_that_never_comes_is_withdrawn(archive, holder):
    received = date(2006, 9, 1)
    case = Life(archive, "food_production_licence", food(holder, received), received, 0).at(world.CITY)
    case.act("accept", "correct", "window_clerk", received, data={"items": ["补平面图"]})
    last = workdays(received, 20)
    run(last)
    assert case.story.state == "open"
    run(last + ONE)
    kept = case.story
    assert (kept.state, kept.outcome, kept.closed_on) == ("closed", "withdrawn", last + ONE)


def test_an_undecided_renewal_counts_as_granted_and_is_continuous(archive, holder):
    """J: applied in time, expiry reached undecided: renewed (行政许可法第五十条)."""
    licence = life.held(holder, granted=date(2021, 3, 2))  # until 2026-03-01, a Sunday
    assert licence.valid_to == date(2026, 3, 1)
    day, left = date(2026, 3, 1), 30
    while left:  # thirty working days before
        left -= works(day)
        day -= ONE
    while not works(day):
        day -= ONE
    clerk = archive(world.COUNTY, "window_clerk")
    late = {"procedure": "food_production_renewal", "data": with_files(clerk, life.renewal(licence))}
    assert clerk.post("/cases", late | {"on": "2026-02-03"}).status_code == 422
    case = Life(archive, "food_production_renewal", life.renewal(licence), day, 0).at(world.COUNTY)
    case.act("accept", "accept", "window_clerk", workdays(day, 1))
    run(date(2026, 3, 1))
    assert case.story.decided_on is None
    run(date(2026, 3, 2))
    kept = case.story
    assert kept.decided_on is not None and kept.state == "open"
    case.at(world.CITY).act("certificate", "issue", "certificate_clerk", date(2026, 3, 6))
    renewed = Certificate.objects.get(number=licence.number)
    assert renewed.in_force(date(2026, 3, 2)) and renewed.valid_from <= date(2026, 3, 2)


def test_a_year_without_a_notice_is_provisional(archive, holder):
    """A licence entered at the end of the last year we know: its limit runs into 2027, and says so."""
    received = date(2026, 11, 20)
    case = Life(archive, "special_equipment_licence", test_special_equipment.application(holder), received, 0)
    case.act("accept", "accept", "window_clerk", received)
    decision = next(c for c in case.seen["clocks"] if c["key"] == "decision")
    if decision["due"] > "2027":
        assert decision["provisional"]
    answer = Client().get("/api/v1/calendar/due?start=2026-12-25&limit=10&unit=workday").json()
    assert answer["provisional"] is True and answer["due"] > "2027", answer


# -- special equipment, measuring instruments, type approval


@pytest.mark.parametrize("day", ["2006-09-22", "2007-12-26", "2009-01-21", "2024-04-30", "2026-02-10"])
def test_special_equipment_with_its_appraisal(archive, holder, day):
    chance, received = random.Random(day), date.fromisoformat(day)
    case = Life(archive, "special_equipment_licence", test_special_equipment.application(holder), received, 0)
    case.want("acceptance", workdays(received, 5))
    accepted = workdays(received, chance.randint(1, 5))
    if (accepted.year + 1) in NOTICES:
        case.want("appraisal_limit", months(accepted, 12))
    case.act("accept", "accept", "window_clerk", accepted)
    engaged = accepted + chance.randint(1, 20) * ONE
    plan = {"body": "省特种设备检验研究院", "planned_on": engaged.isoformat()}
    case.act("engage", "pass", "window_clerk", engaged, data={"conclusion": plan})
    seen = engaged + chance.randint(5, 30) * ONE
    team = [{"name": n, "certificate": n, "duty": "member"} for n in ("甲", "乙")]
    said = {"report": "JP-1", "begun_on": seen.isoformat(), "ended_on": seen.isoformat(), "result": "pass"}
    case.want("decision", workdays(accepted, 30, [(accepted, seen)]))
    if received.year > 2019:
        case.want("report_decision", workdays(seen, 20))
    case.act("appraisal", "conclude", "appraiser", seen, data={"team": team, "conclusion": said})
    case.act("review", "pass", "examiner", seen, reason="拟准予许可")
    decided = workdays(seen, chance.randint(1, 20))
    case.want("certificate", workdays(decided, 10))
    case.act("decide", "approve", "approver", decided)
    case.act("certificate", "issue", "certificate_clerk", decided)
    case.act(
        "deliver", "serve", "certificate_clerk", decided, data={"method": "direct", "recipient": "王样例"}
    )
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.valid_to == last_valid(decided, 4) and licence.number.endswith(f"-{licence.valid_to.year}")


@pytest.mark.parametrize("day", ["2006-04-27", "2008-09-25", "2009-01-21"])
def test_measuring_instruments_with_their_assessment(archive, holder, day):
    chance, received = random.Random(day), date.fromisoformat(day)
    case = Life(archive, "measuring_instrument_licence", test_measuring.application(holder), received, 0)
    case.at(world.CITY).want("acceptance", workdays(received, 5))
    accepted = workdays(received, chance.randint(1, 5))
    case.act("accept", "accept", "window_clerk", accepted)
    seen = accepted + chance.randint(5, 40) * ONE
    said = {"report": "KH-1", "assessed_on": seen.isoformat(), "result": "pass", "account": "符合"}
    case.want("decision", workdays(accepted, 20, [(accepted, seen)]))
    case.at(world.PROVINCE).act("assessment", "conclude", "appraiser", seen,
                                data={"team": test_measuring.TEAM, "conclusion": said})  # fmt: skip
    case.at(world.CITY).act("review", "pass", "examiner", seen, reason="考核合格")
    decided = workdays(seen, chance.randint(1, 19))
    case.want("certificate", workdays(decided, 10))
    case.act("decide", "approve", "approver", decided)
    case.act("certificate", "issue", "certificate_clerk", decided)
    case.act(
        "deliver", "serve", "certificate_clerk", decided, data={"method": "direct", "recipient": "王样例"}
    )
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.valid_to == last_valid(decided, 3)


@pytest.mark.parametrize("day", ["2007-12-26", "2008-01-31", "2024-09-11", "2025-09-26"])
def test_type_approval_with_its_evaluation(archive, holder, day):
    chance, received = random.Random(day), date.fromisoformat(day)
    case = Life(archive, "type_approval", test_measuring.approval(holder), received, 0)
    accepted = workdays(received, chance.randint(1, 5))
    case.act("accept", "accept", "window_clerk", accepted)
    sent = accepted + chance.randint(1, 9) * ONE
    case.want("evaluation_limit", months(sent, 3))
    case.act("send", "pass", "window_clerk", sent)
    done = sent + chance.randint(20, 80) * ONE
    said = {"body": "省计量院", "report": "XP-1", "finished_on": done.isoformat(), "result": "pass"}
    case.want("decision", workdays(accepted, 20, [(accepted, done)]))
    case.want("report_decision", workdays(done, 10))
    case.act("evaluation", "conclude", "appraiser", done, data={"conclusion": said})
    case.act("review", "pass", "examiner", done, reason="合格")
    decided = workdays(done, 10)
    case.act("decide", "approve", "approver", decided)
    case.act("certificate", "issue", "certificate_clerk", decided)
    case.act(
        "deliver", "serve", "certificate_clerk", decided, data={"method": "direct", "recipient": "王样例"}
    )
    licence = Certificate.objects.get(case_number=case.number)
    assert licence.valid_to is None and licence.number.startswith(f"{decided.year}F101")
