"""The worked examples in cases/*.yaml: what the rules give on a day, as a person with a calendar finds it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from jinzhi.casework import actions, clocks, intake, timers
from jinzhi.casework.models import Clock, ClockPause
from jinzhi.casework.tests import sample
from jinzhi.foundation import codes, rules
from jinzhi.foundation.people.pack import deciding_level
from jinzhi.foundation.rules.library import read_yaml
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import applying, bars, licence, special_equipment
from jinzhi.services.licensing.tests import world

pytestmark = pytest.mark.django_db
FOLDER = Path(licence.__file__).parent / "cases"


def examples(name: str):
    """One parametrization for a file; every example names its source."""
    cases = read_yaml(FOLDER / f"{name}.yaml")["cases"]
    assert all(set(c) <= {"input", "date", "expected", "source"} and c["source"] for c in cases)
    return pytest.mark.parametrize(
        "case", [pytest.param(c, id=f"{n}-{c['date']}") for n, c in enumerate(cases, 1)]
    )


def test_every_file_of_examples_is_run():
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f'@examples("{path.stem}")' in text for path in FOLDER.glob("*.yaml"))


@examples("rule_sets")
def test_one_application_under_the_rules_of_its_day(case):
    on, wanted = case["date"], case["expected"]
    version = intake.version_on("food_production_licence", on)
    definition = version.procedure

    def most(key: str):
        try:
            return int(rules.value(key, on=on).value)
        except rules.NoRule:
            return None

    decision = definition.clocks["decision"]
    assert wanted == {
        "version": version.version,
        "rule_set": version.rule_set,
        "form_version": definition.form_version,
        "acceptance": most(definition.clocks["acceptance"].rule),
        "decision": most(decision.rule),
        "extension": most(decision.extension),
        "certificate": most("food_production.certificate"),
        "validity": most("food_production.validity"),
        "inspectors": [most("food_production.inspectors_min"), most("food_production.inspectors_max")],
        "number": rules.value("food_production.number_scheme", on=on).value,
        "level": deciding_level("food_production", on, ["01"]),
    }


@examples("matters")
def test_a_matter_on_the_borders_of_its_rule_sets(case):
    on, wanted = case["date"], case["expected"]
    definition = intake.version_on(case["input"], on).procedure
    assert definition.rule_set == wanted["rule_set"]
    assert wanted.get("closed", "") in definition.closed and bool(definition.closed) == ("closed" in wanted)
    decision = definition.clocks.get("decision")
    if "decision" in wanted:
        assert rules.value(decision.rule, on=on).value == wanted["decision"]
    if "extension" in wanted:
        assert rules.value(decision.extension, on=on).value == wanted["extension"]
    if "validity" in wanted:
        assert rules.value(f"{definition.licence}.validity", on=on).value == wanted["validity"]


@examples("renewal_window")
def test_the_last_day_of_applying_for_a_renewal(case):
    """The rules of the day of applying decide: the last day itself."""
    found, _ = applying.latest_application(case["input"], case["date"], case["expected"])
    assert found == case["expected"]


@examples("bars")
def test_until_when_one_may_not_apply_again(case):
    given, on = case["input"], case["date"]
    bar = bars.impose(
        licence=given["licence"], ground=given["ground"], on=on, place=world.COUNTY, holder_name="样例"
    )
    assert (bar.until if bar else None) == case["expected"]
    if bar:
        assert bar.law and bar.holds_on(bar.until) and not bar.holds_on(bar.until + timedelta(days=1))


@examples("mirrors")
def test_a_mirror_record(case):
    given = case["input"]
    holder = world.enterprise()
    found = outcome(
        lambda: special_equipment.mirror(
            number=given["number"], holder=holder, valid_from=case["date"], valid_to=given["valid_to"],
            agency_name="国家市场监督管理总局", items=[],
        )
    )  # fmt: skip
    if case["expected"] == "kept":
        assert not found and Certificate.objects.get(number=given["number"]).source.startswith("市场监管总局")
    else:
        assert case["expected"] in found["refused"]


def put(data: dict, path: str, value) -> None:
    *way, last = path.split(".")
    part = data
    for name in way:
        part = part[int(name)] if isinstance(part, list) else part[name]
    part[last] = value


@examples("bad_inputs")
def test_a_bad_input_is_refused(case):
    holder, on = world.enterprise(), case["date"]
    data = world.application(holder) if on >= date(2020, 3, 1) else world.application_2005(holder)
    for path, value in case["input"].items():
        put(data, path, value)
    found = outcome(lambda: world.submitted(on, holder, data))
    assert case["expected"] in found["refused"]


@examples("limits")
def test_the_last_day_of_a_limit(case):
    on, given = case["date"], case["input"]
    clock = clocks.start(sample.open_case(on), "x", "期限", given["rule"], on)
    assert (clock.unit, clock.limit) == (given["unit"], given["limit"])
    assert clocks.due_day(clock) == case["expected"], clocks.why(clock)


@examples("deemed_acceptance")
def test_silence_is_acceptance(case):
    wanted = case["expected"]
    made = world.submitted(case["date"])
    assert clocks.due_day(made.clocks.get(key="acceptance")) == wanted["last"]
    assert timers.run(wanted["last"]) == 0
    assert timers.run(wanted["fires"]) == 1
    made.refresh_from_db()
    decision = made.clocks.get(key="decision")
    assert made.accepted_on == decision.start_day == wanted["accepted"]
    assert clocks.due_day(decision) == wanted["decision"]


@examples("suspension")
def test_days_that_are_not_counted(case):
    on, given, wanted = case["date"], case["input"], case["expected"]
    clock = clocks.start(sample.open_case(on), "x", "决定期限", "food_production.decision", on)
    assert clock.limit == given["limit"]
    for since, until in given["pauses"]:
        ClockPause.objects.create(
            clock=clock, place=clock.place, since=since, until=until, ground="检验", law="x"
        )
    clocks.recompute(clock)
    assert (clock.paused_ord, clocks.due_day(clock)) == (wanted["paused"], wanted["due"])


def before_decision(day: date):
    """A case accepted and examined on that day."""
    case = world.submitted(day)
    clerk, examiner, inspector = (
        world.official(r, r, world.COUNTY) for r in ("window_clerk", "examiner", "inspector")
    )
    world.go(case, "accept", "accept", clerk, day)
    world.go(case, "site_inspection", "conclude", inspector, day, payload=world.site_check("FP-2020", day))
    world.go(case, "document_review", "pass", examiner, day, reason="符合")
    world.go(case, "conclude", "pass", examiner, day, reason="拟准予")
    return case


def outcome(act) -> dict:
    """What an example expects of an act: its refusal's words, or nothing."""
    try:
        act()
    except actions.Refused as refusal:
        return {"refused": refusal.message}
    return {}


@examples("extension")
def test_an_extension(case):
    given, wanted = case["input"], case["expected"]
    made = before_decision(case["date"])
    head = world.official("审批", "approver", world.CITY)
    found = outcome(
        lambda: world.go(
            made, "decide", "extend", head, given["asked"], reason="案情复杂", payload={"days": given["days"]}
        )
    )
    if "refused" in wanted:
        assert wanted["refused"] in found["refused"]
    else:
        assert not found and clocks.due_day(Clock.objects.get(case=made, key="decision")) == wanted["due"]


@examples("correction")
def test_a_correction_notice(case):
    given, wanted, day = case["input"], case["expected"], case["date"]
    holder = world.enterprise()
    owner = world.owner(holder)
    made = world.submitted(day, holder, actor=owner)
    clerk = world.official("受理", "window_clerk", world.COUNTY)
    for _ in range(given["notices"] - 1):
        world.go(made, "accept", "correct", clerk, day, payload={"items": ["先补一项"]})
        world.go(made, "correction", "resubmit", owner, day, payload={"data": world.application(holder)})
    found = outcome(
        lambda: world.go(
            made, "accept", "correct", clerk, day, reason=given["reason"], payload={"items": given["items"]}
        )
    )
    if "refused" in wanted:
        assert wanted["refused"] in found["refused"]
    else:
        assert not found
        assert made.steps.filter(action="correct").last().result["again"] is wanted["again"]


@examples("numbers")
def test_a_number_is_made_of_its_parts(case):
    given = case["input"]
    if rules.value("food_production.number_scheme", on=case["date"]).value == "QS":
        found = licence.qs_number(given["county"][:4], given["detail"], given["serial"])
    else:
        category = given.get("category") or licence.sc_category(given["main"], given["detail"])
        found = licence.sc_number(category, given["county"], given["serial"])
    assert found == case["expected"]


@examples("checks")
def test_a_number_as_read(case):
    answer = codes.check("food_licence", case["input"], case["date"])
    assert answer.valid is case["expected"]["valid"]
    assert case["expected"]["says"] in [p.code for p in answer.problems]


@examples("validity")
def test_the_last_day_of_validity(case):
    assert licence.last_day(case["date"], case["date"]) == case["expected"]
