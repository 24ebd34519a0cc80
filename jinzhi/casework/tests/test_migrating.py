"""Open cases on their way to a newer version of their procedure: mapped, previewed, told, or refused."""

import threading
from datetime import date

import pytest
from django.db import connection

from jinzhi.casework import actions, events, migrating
from jinzhi.casework.models import Case, ProcedureVersion
from jinzhi.casework.tests import every_kind, sample
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db


def second(takes_over=None, **steps) -> ProcedureVersion:
    """A second version of the sample that says how cases of the first go on."""
    raw = every_kind.changed(sample.DEFINITION, **steps) | {"version": 2, "valid_from": "2026-01-01"}
    raw["takes_over"] = {1: takes_over or {}}
    return every_kind.publish(raw)


def renamed() -> ProcedureVersion:
    """The second version calls the left branch otherwise and lets the city look at the first step."""
    raw = every_kind.changed(sample.DEFINITION) | {"version": 2, "takes_over": {1: {"left2": "check"}}}
    steps = raw["steps"]
    steps["check"] = steps.pop("left2") | {"name": "复核", "role": "legal_reviewer"}
    steps["left"]["outcomes"]["pass"]["next"] = "check"
    steps["first"]["level"] = "city"
    return every_kind.publish(raw)


@pytest.fixture
def boss():
    return sample.person("管理", "administrator", place=330000000000, level="province")


@pytest.fixture
def examined():
    """A case whose left branch has come to its second step."""
    case = sample.open_case()
    sample.go(case, "first", "accept", sample.person("受理", "window_clerk"))
    sample.go(case, "left", "pass", sample.person("审查", "examiner"))
    return Case.objects.get(pk=case.pk)


def test_the_mapping_decides_which_step_goes_on_and_who_has_it(examined, boss):
    version = renamed()
    found = migrating.preview(examined, version)
    assert found.possible and ("左二", "复核") in found.open and ("右", "右") in found.open
    clocks = list(examined.clocks.order_by("id").values())
    migrating.move(examined.pk, version, boss, reason="新办法施行")
    case = Case.objects.get(pk=examined.pk)
    assert case.procedure == version and sample.open_keys(case) == {"check", "right"}
    step = case.steps.get(key="check", state="open")
    assert (step.name, step.role, step.assignee) == ("复核", "legal_reviewer", None)
    assert list(case.clocks.order_by("id").values()) == clocks  # limits keep their numbers and days
    assert case.rule_date == examined.rule_date
    said = case.events.order_by("-seq").first()
    assert said.kind == "migrate" and "“左二”由“复核”接续" in said.sentence and "新办法施行" in said.sentence
    assert said.data["former"] == 1 and said.data["version"] == 2 and events.faults(case) == []
    sample.go(case, "check", "pass", sample.person("法制", "legal_reviewer"), date(2026, 11, 23))
    sample.go(case, "right", "pass", sample.person("核查", "inspector"), date(2026, 11, 23))
    assert sample.open_keys(case) == {"last"}


def test_a_preview_changes_nothing(examined):
    before = list(examined.steps.order_by("id").values())
    migrating.preview(examined, renamed())
    assert list(examined.steps.order_by("id").values()) == before


def test_an_agency_that_has_the_step_from_now_on_finds_it_in_its_list(boss):
    case = sample.open_case()
    migrating.move(case.pk, renamed(), boss, reason="x")
    step = case.steps.get()
    assert step.agency.place == sample.CITY
    clerk = sample.person("市受理", "window_clerk", place=sample.CITY, level="city")
    assert actions.may_act(clerk, Case.objects.get(pk=case.pk), step)


def test_a_version_that_says_nothing_of_the_old_one_takes_nothing_over(examined, boss):
    raw = every_kind.changed(sample.DEFINITION) | {"version": 2}
    version = every_kind.publish(raw)
    assert not migrating.targets(examined.procedure).exists()
    with pytest.raises(actions.Refused, match="没有写明"):
        migrating.move(examined.pk, version, boss, reason="x")
    assert Case.objects.get(pk=examined.pk).procedure_id == examined.procedure_id


def without_left2(**more) -> ProcedureVersion:
    raw = every_kind.changed(sample.DEFINITION) | {
        "version": 2,
        "takes_over": {1: more.pop("takes_over", {})},
    }
    raw["steps"]["last"]["back"] = ["left"]
    raw["steps"]["left"]["outcomes"]["pass"]["next"] = "join"
    del raw["steps"]["left2"]
    return every_kind.publish(raw | more)


@pytest.mark.parametrize(
    ("takes_over", "why"),
    [({}, "没有对应的环节"), ({"left2": "nothing"}, "没有对应的环节"), ({"left2": "both"}, "另一种环节"),
     ({"left2": "last"}, "并联审查")],
)  # fmt: skip
def test_a_case_whose_step_has_no_place_stays_where_it_is(examined, boss, takes_over, why):
    version = without_left2(takes_over=takes_over)
    with pytest.raises(actions.Refused, match=why):
        migrating.move(examined.pk, version, boss, reason="x")
    assert sample.open_keys(examined) == {"left2", "right"}


def test_a_running_limit_needs_its_counterpart(examined, boss):
    raw = every_kind.changed(sample.DEFINITION) | {"version": 2, "takes_over": {1: {}}}
    raw["clocks"]["verdict"] = raw["clocks"].pop("decision")
    raw["steps"]["first"]["outcomes"]["accept"]["starts"] = ["verdict"]
    raw["steps"]["last"] |= {"extend": "verdict"}
    raw["steps"]["last"]["outcomes"]["approve"]["stops"] = ["verdict"]
    found = migrating.preview(examined, every_kind.publish(raw))
    assert found.problems == ("“决定期限”在新版本中没有对应的期限",)


def test_a_countersigning_goes_with_its_members(boss):
    case = every_kind.open_case(size="large")
    every_kind_cast = sample.person("受理", "window_clerk")
    sample.go(case, "accept", "accept", every_kind_cast)
    raw = every_kind.changed(every_kind.PARENT) | {"version": 2, "takes_over": {1: {"opinions": "joint"}}}
    raw["steps"] = {("joint" if k == "opinions" else k): v for k, v in raw["steps"].items()}
    raw["steps"]["route"]["outcomes"]["full"]["next"] = "joint"
    version = every_kind.publish(raw)
    migrating.move(case.pk, version, boss, reason="x")
    case = Case.objects.get(pk=case.pk)
    assert sample.open_keys(case) == {"joint.law", "joint.tech", "joint.site"}
    for key, role in (("joint.law", "legal_reviewer"), ("joint.tech", "examiner")):
        sample.go(case, key, "agree", sample.person(key[-4:], role), date(2026, 11, 23))
    assert case.steps.filter(key="child", state="open").exists()


def test_a_pause_that_nobody_would_end_is_refused(boss):
    case = every_kind.open_case(size="large")
    sample.go(case, "accept", "accept", sample.person("受理", "window_clerk"))
    for key, role in (("opinions.law", "legal_reviewer"), ("opinions.tech", "examiner")):
        sample.go(case, key, "agree", sample.person(key[-4:], role))
    raw = every_kind.changed(every_kind.PARENT, child={"pauses": []}) | {"version": 2, "takes_over": {1: {}}}
    assert "不会恢复" in migrating.preview(case, every_kind.publish(raw)).problems[0]


def test_a_version_that_is_not_yet_in_force_takes_nothing_over(examined, boss):
    version = renamed()
    version.valid_from = date(2099, 1, 1)
    assert "施行" in migrating.preview(examined, version).problems[0]


@pytest.mark.parametrize("role", ["approver", "supervisor", "security_administrator", "window_clerk"])
def test_only_a_system_administrator_moves_cases(examined, role):
    with pytest.raises(actions.NoPower):
        migrating.move(examined.pk, renamed(), sample.person("甲", role), reason="x")


def test_it_needs_a_reason_and_an_open_case_and_happens_once(examined, boss):
    version = renamed()
    with pytest.raises(actions.Refused, match="理由"):
        migrating.move(examined.pk, version, boss, reason=" ")
    migrating.move(examined.pk, version, boss, reason="x")
    with pytest.raises(actions.AlreadyDone):
        migrating.move(examined.pk, version, boss, reason="x")
    closed = sample.open_case()
    sample.go(closed, "first", "refuse", sample.person("受理", "window_clerk"), reason="不属于")
    with pytest.raises(actions.Refused, match="已办结"):
        migrating.move(closed.pk, version, boss, reason="x")


def test_a_post_moves_only_what_it_sees(examined):
    far = sample.person("别市", "administrator", place=330200000000, level="city")
    with scope.acting(scope.staff(330200000000)), pytest.raises(Case.DoesNotExist):
        migrating.move(examined.pk, renamed(), far, reason="x")


def test_many_at_once_count_what_goes_and_what_stays(examined, boss, monkeypatch):
    others = [sample.open_case() for _ in range(3)]
    version = without_left2()
    former = ProcedureVersion.objects.get(key="sample", version=1)
    found = migrating.survey(former, version)
    assert (found.total, found.possible) == (4, 3)
    assert found.reasons == (("“左二”在新版本中没有对应的环节", 1),) and found.moves == (("受理", "受理", 3),)
    monkeypatch.setattr(migrating, "MOST", 2)
    first = migrating.move_all(former, version, boss, "x")
    rest = migrating.move_all(former, version, boss, "x", first.last)
    assert first.moved + rest.moved == 3 and first.refused + rest.refused == 1 and rest.last is None
    assert all(Case.objects.get(pk=c.pk).procedure == version for c in others)
    assert Case.objects.get(pk=examined.pk).procedure == former


@pytest.mark.django_db(transaction=True)
def test_an_act_and_a_move_at_once_leave_one_sound_case():
    case = sample.open_case()
    boss, clerk = sample.person("管理", "administrator"), sample.person("受理", "window_clerk")
    version = second()
    barrier, outcomes = threading.Barrier(2), []

    def run(call):
        with scope.acting(scope.SYSTEM):
            barrier.wait()
            try:
                call()
                outcomes.append("done")
            except actions.Refused as refusal:
                outcomes.append(refusal.message)
            connection.close()

    calls = [
        lambda: migrating.move(case.pk, version, boss, reason="x"),
        lambda: sample.go(case, "first", "accept", clerk, date(2026, 11, 23)),
    ]
    threads = [threading.Thread(target=run, args=(c,)) for c in calls]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    case = Case.objects.get(pk=case.pk)
    # Accepting moves the case to the version of that day; whoever comes second finds it there.
    assert (
        set(outcomes) <= {"done", "本件已按第 2 版办理"} and "done" in outcomes and case.procedure == version
    )
    assert sample.open_keys(case) == {"left", "right"} and events.faults(case) == []
