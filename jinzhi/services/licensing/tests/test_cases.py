"""The worked examples in cases/*.yaml: what the rules give on a day, as a person with a calendar finds it."""

from datetime import date
from pathlib import Path

import pytest

from jinzhi.casework import actions, clocks, intake, timers
from jinzhi.casework.models import Clock, ClockPause
from jinzhi.casework.tests import sample
from jinzhi.foundation import codes, rules
from jinzhi.foundation.people.pack import deciding_level
from jinzhi.foundation.rules.library import read_yaml
from jinzhi.services.licensing import licence
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
