"""Every kind of step does what it says: tables decide, quorums are counted, limits stop and go on, papers are served."""

from datetime import date

import pytest

from jinzhi.casework import actions, clocks, events, timers
from jinzhi.casework.models import Case, Service
from jinzhi.casework.procedures import parse
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.every_kind import CHILD, PARENT, Cast, changed, open_case
from jinzhi.casework.tests.sample import at, go, open_keys
from jinzhi.foundation import calendar

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


@pytest.fixture
def cast():
    return Cast()


def signed(case, cast, day=DAY, **opinions):
    """Opinions of the countersigning by member, in the order given."""
    for member, action in opinions.items():
        go(case, f"opinions.{member}", action, getattr(cast, member), day, reason="意见")


def live(case) -> set[str]:
    return set(case.steps.filter(state__in=("open", "waiting")).values_list("key", flat=True))


@pytest.fixture
def countersigning(cast):
    case = open_case()
    go(case, "accept", "accept", cast.clerk, DAY)
    return case


class TestDecision:
    @pytest.mark.parametrize(("size", "there"), [("large", "opinions.law"), ("small", "last")])
    def test_the_row_that_fits_says_where_the_case_goes(self, cast, size, there):
        case = open_case(size=size)
        go(case, "accept", "accept", cast.clerk, DAY)
        assert there in live(case)
        step = case.steps.get(key="route")
        assert (step.state, step.result["inputs"]) == ("done", {"size": size})
        assert case.events.filter(kind="decision").count() == 1

    def test_facts_no_row_fits_leave_the_case_where_it_was(self, cast):
        case = open_case(size="unknown")
        with pytest.raises(actions.Refused, match="没有适用于这些条件的行"):
            go(case, "accept", "accept", cast.clerk, DAY)
        case.refresh_from_db()
        assert open_keys(case) == {"accept"} and case.accepted_on is None


class TestCountersign:
    def test_two_of_three_are_enough_and_the_third_is_no_longer_asked(self, countersigning, cast):
        signed(countersigning, cast, law="agree", site="agree")
        assert live(countersigning) == {"child"}
        assert countersigning.steps.get(key="opinions.tech").state == "cancelled"
        block = countersigning.steps.get(key="opinions")
        assert block.result["opinions"] == {"opinions.law": "agree", "opinions.site": "agree"}

    def test_it_fails_as_soon_as_the_quorum_cannot_be_reached(self, countersigning, cast):
        signed(countersigning, cast, law="disagree", tech="disagree")
        assert live(countersigning) == {"last"}
        opinions = countersigning.steps.filter(key__startswith="opinions.").exclude(opinion="")
        assert set(opinions.values_list("opinion", flat=True)) == {"意见"}

    def test_one_against_does_not_decide_two_thirds(self, countersigning, cast):
        signed(countersigning, cast, law="disagree")
        assert live(countersigning) == {"opinions", "opinions.tech", "opinions.site"}
        signed(countersigning, cast, tech="agree", site="agree")
        assert live(countersigning) == {"child"}

    @pytest.mark.parametrize(
        ("quorum", "given", "there"),
        [
            ("all", {"law": "agree", "tech": "agree", "site": "agree"}, "child"),
            ("all", {"law": "disagree"}, "last"),
            ("any", {"site": "agree"}, "child"),
            ("any", {"law": "disagree", "tech": "disagree", "site": "disagree"}, "last"),
            ("1/3", {"law": "agree"}, "child"),
        ],
    )
    def test_all_any_and_shares(self, cast, quorum, given, there):
        name = f"sample_q{quorum.replace('/', '')}"
        case = open_case(raw=changed(PARENT, opinions={"quorum": quorum}) | {"key": name})
        go(case, "accept", "accept", cast.clerk, DAY)
        signed(case, cast, **given)
        assert live(case) == {there}

    def test_one_after_another_asks_the_next_only_then(self, cast):
        case = open_case(raw=changed(PARENT, opinions={"sequential": True}) | {"key": "sample_seq"})
        go(case, "accept", "accept", cast.clerk, DAY)
        assert open_keys(case) == {"opinions.law"}
        signed(case, cast, law="agree")
        assert open_keys(case) == {"opinions.tech"}
        signed(case, cast, tech="agree")
        assert live(case) == {"child"}
        assert not case.steps.filter(key="opinions.site").exists()

    def test_only_the_member_asked_may_give_the_opinion(self, countersigning, cast):
        with pytest.raises(actions.NoPower):
            go(countersigning, "opinions.law", "agree", cast.tech)


class TestSubprocess:
    @pytest.fixture
    def hearing(self, countersigning, cast):
        signed(countersigning, cast, law="agree", tech="agree")
        child = Case.objects.get(parent_step__case=countersigning)
        return countersigning, child

    def test_the_limit_does_not_count_until_the_other_case_is_over(self, hearing, cast):
        parent, child = hearing
        assert child.subject_name == parent.subject_name and child.channel == "ex_officio"
        clock = parent.clocks.get(key="decision")
        assert clock.state == "paused" and parent.clocks.get(key="decision:promised").state == "paused"
        go(child, "hear", "conclude", cast.officer, date(2026, 3, 9))
        clock.refresh_from_db()
        assert (clock.state, clock.paused_ord) == (
            "running",
            4,
        )  # 3–6 March; the day it began does not count anyway
        parent.refresh_from_db()
        assert live(parent) == {"publicity"} and parent.facts["child"] == {
            "case": child.number,
            "outcome": "done",
        }
        assert events.faults(parent) == [] and events.faults(Case.objects.get(pk=child.pk)) == []

    def test_a_parent_that_goes_another_way_ends_the_case_it_called(self, hearing, cast):
        parent, child = hearing
        actions.perform(
            parent.pk,
            "terminate",
            None,
            cast.head,
            reason="公司注销",
            payload={"ground": "ended"},
            at=at(DAY),
        )
        child.refresh_from_db()
        assert (child.state, child.outcome) == ("closed", "terminated")
        assert not child.steps.filter(state="open").exists()

    def test_a_case_that_ended_otherwise_takes_the_way_for_it(self, hearing, cast):
        parent, child = hearing
        head = sample.person("县审批", "approver")
        actions.perform(
            child.pk, "terminate", None, head, reason="撤回听证申请", payload={"ground": "moot"}, at=at(DAY)
        )
        assert live(parent) == {"last"}
        assert parent.clocks.get(key="decision").state == "running"


class TestTimer:
    def test_it_goes_on_by_itself_the_day_after_its_limit(self, countersigning, cast):
        signed(countersigning, cast, law="agree", tech="agree")
        child = Case.objects.get(parent_step__case=countersigning)
        go(child, "hear", "conclude", cast.officer, DAY)
        last = calendar.due(DAY, 5, "workday").date
        assert timers.run(last) == 0
        assert timers.run(date.fromordinal(last.toordinal() + 1)) == 1
        assert live(countersigning) == {"last"}
        assert timers.run(date.fromordinal(last.toordinal() + 2)) == 0

    def test_nobody_can_push_it(self, countersigning, cast):
        signed(countersigning, cast, law="agree", tech="agree")
        child = Case.objects.get(parent_step__case=countersigning)
        go(child, "hear", "conclude", cast.officer, DAY)
        for who in vars(cast).values():
            with pytest.raises(actions.NoPower):
                go(countersigning, "publicity", "elapse", who)

    def test_hours_count_from_the_moment(self, cast, monkeypatch):
        from jinzhi.foundation.rules import library
        from jinzhi.foundation.rules.values import Parameter, Value

        value = Value(
            key="sample.hours", title="样例", unit="hour", value=24, valid_from=date(2004, 7, 1), valid_to=None, law="样例",
            article="第一条", mark="reconstructed",
        )  # fmt: skip
        library.library().parameters["sample.hours"] = Parameter(
            "sample.hours", "样例", "hour", "r", "f", (value,)
        )
        raw = changed(
            PARENT,
            publicity={"limit": "sample.hours"},
            route={"outcomes": {"full": {"label": "x", "next": "publicity"}}},
        )
        case = open_case(raw=raw | {"key": "sample_hours"})
        go(case, "accept", "accept", cast.clerk, DAY)
        due = case.clocks.get(key="step:publicity").due_at
        assert due == at(date(2026, 3, 3))
        now = at(date(2026, 3, 3))
        assert list(timers.due(date(2026, 3, 3), now=now.replace(hour=9))) == []
        assert [d.action for d in timers.due(date(2026, 3, 3), now=now)] == ["elapse"]


class TestNotice:
    @pytest.fixture
    def decided(self, cast):
        case = open_case(size="small")
        go(case, "accept", "accept", cast.clerk, DAY)
        go(case, "last", "approve", cast.head, DAY)
        return case

    def serve(self, case, cast, day=date(2026, 3, 12), **more):
        payload = {
            "method": "mail",
            "served_on": "2026-03-10",
            "recipient": "王某某",
            "proof": "EMS123",
        } | more
        go(case, "tell", "serve", cast.certifier, day, payload=payload)

    def test_limits_count_from_the_day_of_service(self, decided, cast):
        self.serve(decided, cast)
        service = Service.objects.get(case=decided)
        assert (service.served_on, service.method, service.document.kind) == (
            date(2026, 3, 10),
            "mail",
            "grant_decision",
        )
        assert decided.clocks.get(key="remedy").start_day == date(2026, 3, 10)

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"served_on": "2026-03-01"}, "送达日期应在"), ({"served_on": "2026-03-13"}, "送达日期应在"),
            ({"served_on": "昨天"}, "年-月-日"), ({"method": "pigeon"}, "送达方式只能是"), ({"recipient": " "}, "签收人"),
        ],
    )  # fmt: skip
    def test_service_is_proved(self, decided, cast, wrong, said):
        with pytest.raises(actions.Refused, match=said):
            self.serve(decided, cast, **wrong)
        assert open_keys(decided) == set() and live(decided) == {"tell"}

    def test_who_has_an_account_is_served_at_once_where_nobody_is_named_for_it(self, cast):
        from jinzhi.foundation.people.models import Account

        raw = changed(PARENT, tell={"role": ""}) | {"key": "sample_electronic"}
        case = open_case(raw=raw, size="small")
        case.applicant = Account.objects.create_user(
            "firm", "a long enough word", name="企业", kind="enterprise"
        )
        case.save()
        go(case, "accept", "accept", cast.clerk, DAY)
        go(case, "last", "approve", cast.head, DAY)
        assert live(case) == {"wait"}
        assert Service.objects.get(case=case).method == "electronic"

    def test_without_an_account_the_window_serves(self, cast):
        case = open_case(
            raw=changed(PARENT, tell={"role": "", "level": "county"}) | {"key": "sample_paper"}, size="small"
        )
        go(case, "accept", "accept", cast.clerk, DAY)
        go(case, "last", "approve", cast.head, DAY)
        go(case, "tell", "serve", cast.clerk, DAY, payload={"recipient": "本人"})
        assert live(case) == {"wait"}


class TestClocks:
    def test_the_promised_limit_runs_beside_the_legal_one_and_both_end_together(self, cast):
        case = open_case(size="small")
        go(case, "accept", "accept", cast.clerk, DAY)
        legal, promised = case.clocks.get(key="decision"), case.clocks.get(key="decision:promised")
        assert (legal.limit, promised.limit, promised.kind) == (20, 5, "promised")
        assert case.steps.get(state="open").due_ord == promised.due_ord
        go(case, "last", "approve", cast.head, date(2026, 3, 11))
        legal.refresh_from_db(), promised.refresh_from_db()
        assert (legal.state, promised.state) == ("met", "missed")

    def test_undecided_on_its_last_day_the_law_decides(self, cast):
        case = open_case(size="small", expires="2026-03-15")  # a Sunday
        go(case, "accept", "accept", cast.clerk, DAY)
        clock = case.clocks.get(key="expiry")
        assert (clock.unit, clock.base_due, clocks.due_day(clock)) == (
            "date",
            date(2026, 3, 15),
            date(2026, 3, 13),
        )
        assert timers.run(date(2026, 3, 15)) == 0
        assert timers.run(date(2026, 3, 16)) == 1
        case.refresh_from_db()
        assert live(case) == {"tell"} and case.decided_on == date(2026, 3, 16)
        assert "视为准予延续" in case.events.get(kind="lapse_case").sentence
        assert timers.run(date(2026, 3, 17)) == 0

    def test_an_old_case_waits_for_its_own_dates(self, cast):
        case = open_case(size="small", expires="2026-03-15")
        go(case, "accept", "accept", cast.clerk, DAY)
        Case.objects.filter(pk=case.pk).update(entered_on=date(2026, 11, 1))
        assert timers.run(date(2026, 3, 16)) == 0
        assert timers.run(date(2026, 3, 16), old=True) == 1

    def test_every_due_day_agrees_with_why(self, cast):
        case = open_case()
        go(case, "accept", "accept", cast.clerk, DAY)
        for clock in case.clocks.all():
            shown = clock.base_due if clock.unit == "date" else clocks.due_day(clock)
            assert any(
                f"{shown:%Y-%m-%d}" in line or f"{shown:%-m月%-d日}" in line for line in clocks.why(clock)
            )


def test_the_definitions_of_these_tests_are_sound():
    from jinzhi.casework.lint import lint

    every_kind.library().tables["sample.route"] = (every_kind.TABLE,)
    assert lint(parse(CHILD)) == []
    assert [x for x in lint(parse(PARENT)) if "sample_child" not in x] == []


def test_no_timer_moves_a_live_case_before_its_day_has_come(cast):
    today = calendar.today()
    case = open_case(today, size="small")
    assert list(timers.due(date(today.year + 1, 6, 1))) == []
    Case.objects.filter(pk=case.pk).update(entered_on=today)
    assert list(timers.due(date(today.year + 1, 6, 1))) == []  # nor an old one unless it is asked for
