"""The acts beside the declared outcomes: who may, what they ask, what they leave behind."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import actions, clocks, events, forms_of_acts, todo
from jinzhi.casework.models import Case, CaseLink, Submission
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.sample import at, go, open_keys, person
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 3)


@pytest.fixture
def clerk():
    return person("受理", "window_clerk")


@pytest.fixture
def examiner():
    return person("审查", "examiner")


@pytest.fixture
def inspector():
    return person("核查", "inspector")


@pytest.fixture
def head():
    return person("审批", "approver", place=sample.CITY, level="city")


@pytest.fixture
def case(clerk):
    """Accepted; left and right branches open."""
    case = sample.open_case()
    go(case, "first", "accept", clerk)
    return case


def whole(case, action, actor, day=DAY, reason="理由", **payload):
    return actions.perform(case.pk, action, None, actor, reason=reason, payload=payload, at=at(day))


def titles(actor) -> list[str]:
    return [i.number for i in todo.todo(actor).items]


class TestReassign:
    def test_the_other_has_it_now_and_the_giver_no_longer(self, case, examiner):
        other = person("审查二", "examiner")
        go(case, "left", "reassign", examiner, reason="出差", payload={"post": other.post})
        assert case.number in titles(other) and case.number not in titles(examiner)
        with pytest.raises(actions.NoPower):
            go(case, "left", "pass", examiner)
        go(case, "left", "pass", other)

    @pytest.mark.parametrize("wrong", ["nobody", "self", "other agency", "other role"])
    def test_only_to_a_colleague_with_the_same_power(self, case, examiner, inspector, wrong):
        elsewhere = person("外县", "examiner", place=330109000000)
        post = {
            "nobody": None,
            "self": examiner.post,
            "other agency": elsewhere.post,
            "other role": inspector.post,
        }[wrong]
        with pytest.raises(actions.Refused):
            go(case, "left", "reassign", examiner, reason="出差", payload={"post": post})

    def test_not_to_who_must_be_another_person(self, case, examiner, inspector, head):
        for key, who in (("left", examiner), ("left2", examiner), ("right", inspector)):
            go(case, key, "pass", who)
        city = Agency.objects.get(place=sample.CITY, level="city")
        post = examiner.account.posts.create(agency=city, title="兼任", valid_from=date(2004, 1, 1))
        post.powers.create(role="approver")
        with pytest.raises(actions.Refused, match="已办理“左”"):
            go(case, "last", "reassign", head, reason="出差", payload={"post": post})


class TestAddSign:
    def test_the_step_waits_for_every_opinion_and_comes_back(self, case, examiner, head, inspector):
        asked = [head.post, inspector.post]
        go(
            case,
            "left",
            "add_sign",
            examiner,
            reason="请对配方提意见",
            payload={"posts": asked, "when": "before"},
        )
        step = case.steps.get(key="left", kind="user")
        assert step.state == "waiting" and case.number not in titles(examiner)
        assert case.number in titles(head)
        with pytest.raises(actions.AlreadyDone):
            actions.perform(case.pk, "pass", step.pk, examiner, at=at(DAY))
        for who in (head, inspector):
            sign = case.steps.get(kind="sign", assignee=who.post)
            with pytest.raises(actions.NoPower):
                actions.perform(case.pk, "opine", sign.pk, examiner, reason="代答", at=at(DAY))
            actions.perform(case.pk, "opine", sign.pk, who, reason="无意见", at=at(DAY))
        step.refresh_from_db()
        assert step.state == "open" and case.number in titles(examiner)
        go(case, "left", "pass", examiner)

    def test_afterwards_the_opinion_goes_on_by_itself(self, case, examiner, head):
        payload = {"posts": [head.post], "when": "after", "outcome": "pass"}
        go(case, "left", "add_sign", examiner, reason="符合要求", payload=payload)
        assert "left2" not in open_keys(case)
        sign = case.steps.get(kind="sign")
        actions.perform(case.pk, "opine", sign.pk, head, reason="同意", at=at(DAY))
        assert "left2" in open_keys(case)

    def test_a_decision_cannot_wait_for_an_opinion(self, head, clerk, examiner, inspector, case):
        for key, who in (("left", examiner), ("left2", examiner), ("right", inspector)):
            go(case, key, "pass", who)
        payload = {"posts": [clerk.post], "when": "after", "outcome": "approve"}
        with pytest.raises(actions.Refused, match="后加签只能"):
            go(case, "last", "add_sign", head, reason="x", payload=payload)

    def test_going_back_across_the_fork_ends_the_request(self, case, examiner, inspector, head):
        go(
            case,
            "right",
            "add_sign",
            inspector,
            reason="请看",
            payload={"posts": [head.post], "when": "before"},
        )
        go(case, "left", "pass", examiner)
        go(case, "left2", "return", examiner, reason="重来", payload={"target": "first"})
        assert not case.steps.filter(kind="sign", state="open").exists()
        assert open_keys(case) == {"first"}

    @pytest.mark.parametrize("posts", [[], "self"])
    def test_somebody_else_is_asked(self, case, examiner, posts):
        posts = [examiner.post] if posts == "self" else posts
        with pytest.raises(actions.Refused):
            go(case, "left", "add_sign", examiner, reason="x", payload={"posts": posts})


class TestUrge:
    def test_once_a_day_and_it_shows(self, case, head):
        whole(case, "urge", head)
        assert set(case.steps.filter(state="open", kind="user").values_list("urged", flat=True)) == {1}
        with pytest.raises(actions.Refused, match="每 1 个工作日"):
            whole(case, "urge", head)
        whole(case, "urge", head, DAY + timedelta(days=1))

    def test_the_applicant_may_and_no_other_enterprise(self, case):
        own = Account.objects.create_user(
            "own", "a long enough word", name="甲", kind="enterprise", enterprise_id=case.pk
        )
        other = Account.objects.create_user(
            "other", "a long enough word", name="乙", kind="enterprise", enterprise_id=head_id()
        )
        Case.objects.filter(pk=case.pk).update(enterprise_id=case.pk)
        whole(case, "urge", actions.Actor(own))
        with pytest.raises(actions.NoPower):
            whole(case, "urge", actions.Actor(other))

    def test_a_clerk_of_another_county_cannot(self, case):
        with pytest.raises(actions.NoPower):
            whole(case, "urge", person("外县", "supervisor", place=330109000000))


def head_id():
    from uuid_utils.compat import uuid7

    return uuid7()


class TestTerminate:
    def test_it_ends_everything_with_its_ground(self, case, head):
        whole(case, "terminate", head, ground="ended")
        case.refresh_from_db()
        assert (case.state, case.outcome) == ("closed", "terminated")
        assert not case.steps.filter(state__in=("open", "waiting")).exists()
        assert not case.clocks.filter(state__in=("running", "paused")).exists()
        with pytest.raises(actions.AlreadyDone):
            whole(case, "terminate", head, ground="ended")

    def test_a_ground_of_the_law_and_the_power_to_decide(self, case, head, examiner):
        with pytest.raises(actions.Refused, match="事由"):
            whole(case, "terminate", head, ground="tired")
        with pytest.raises(actions.NoPower):
            whole(case, "terminate", examiner, ground="ended")


class TestMergeAndLink:
    @pytest.fixture
    def second(self, case, clerk):
        firm = head_id()
        second = sample.open_case()
        Case.objects.filter(pk__in=(case.pk, second.pk)).update(enterprise_id=firm)
        return second

    def test_the_second_case_goes_on_in_the_first(self, case, second, clerk):
        whole(second, "merge", clerk, other=case.number)
        second.refresh_from_db(), case.refresh_from_db()
        assert (second.outcome, case.state) == ("merged", "open")
        assert CaseLink.objects.get(case=second).other == case
        assert case.events.filter(kind="merged").exists()
        assert events.faults(case) == [] and events.faults(second) == []

    def test_not_with_another_applicants_case_nor_with_itself(self, case, second, clerk):
        stranger = sample.open_case()
        for number in (stranger.number, second.number, "", "XK999"):
            with pytest.raises(actions.Refused):
                whole(second, "merge", clerk, other=number)
        assert second.steps.filter(state="open").exists()

    def test_a_link_is_seen_on_the_case(self, case, second, clerk):
        whole(second, "link", clerk, other=case.number)
        assert second.links.get().kind == "related"


class TestReopen:
    @pytest.fixture
    def refused(self):
        cast = every_kind.Cast()
        case = every_kind.open_case(DAY, size="small")
        go(case, "accept", "accept", cast.clerk, DAY)
        go(case, "last", "refuse", cast.head, DAY, reason="不符合条件")
        return case, cast

    def test_by_order_it_is_decided_again_with_a_limit_of_its_own(self, refused):
        case, cast = refused
        whole(case, "reopen", cast.head, date(2026, 6, 1), order="杭政复〔2026〕3号")
        case.refresh_from_db()
        assert (case.state, case.outcome, case.decided_on) == ("open", "", None)
        assert open_keys(case) == {"last"}
        clock = case.clocks.get(key="decision", state="running")
        assert clocks.due_day(clock) == calendar.due(date(2026, 6, 1), 20, "workday").date

    @pytest.mark.parametrize("payload", [{}, {"order": " "}])
    def test_the_order_is_named(self, refused, payload):
        case, cast = refused
        with pytest.raises(actions.Refused, match="文号"):
            whole(case, "reopen", cast.head, date(2026, 6, 1), **payload)

    def test_not_an_open_case_and_not_by_anybody(self, refused, case, head):
        closed, cast = refused
        with pytest.raises(actions.Refused):
            whole(case, "reopen", head, order="x")
        with pytest.raises(actions.NoPower):
            whole(closed, "reopen", cast.clerk, order="x")


class TestHandOver:
    OTHER = 330109000000

    def test_the_limits_go_on_and_the_new_agency_has_it(self, case, examiner, inspector, clerk):
        other = Agency.objects.get(place=self.OTHER, level="county")
        due = case.clocks.get(key="decision").due_ord
        whole(case, "hand_over", examiner, agency=other, reason="生产地址在萧山")
        case.refresh_from_db()
        assert (case.place, case.agency) == (self.OTHER, other)
        assert case.clocks.get(key="decision", state="running").due_ord == due
        assert open_keys(case) == {"left", "right"}
        assert set(case.steps.filter(state="open", kind="user").values_list("agency", flat=True)) == {
            other.pk
        }
        there = person("萧山审查", "examiner", place=self.OTHER)
        go(case, "left", "pass", there)
        with scope.acting(scope.staff(self.OTHER)):
            assert events.faults(Case.objects.get(pk=case.pk)) == []
        with scope.acting(scope.staff(sample.COUNTY)):
            assert not Case.objects.filter(pk=case.pk).exists()

    def test_within_the_scope_of_the_giver(self, case, examiner):
        other = Agency.objects.get(place=self.OTHER, level="county")
        with scope.acting(scope.staff(sample.COUNTY)):
            whole(case, "hand_over", examiner, agency=other)
        case.refresh_from_db()
        assert case.place == self.OTHER

    @pytest.mark.parametrize("wrong", ["none", "itself", "the city"])
    def test_only_to_another_agency_of_the_same_level(self, case, examiner, wrong):
        agency = {
            "none": None, "itself": case.agency, "the city": Agency.objects.get(place=sample.CITY, level="city"),
        }[wrong]  # fmt: skip
        with pytest.raises(actions.Refused):
            whole(case, "hand_over", examiner, agency=agency)

    def test_nobody_who_does_not_have_the_case(self, case, head):
        with pytest.raises(actions.NoPower):
            whole(case, "hand_over", head, agency=Agency.objects.get(place=self.OTHER, level="county"))


def test_no_act_goes_before_the_one_before_it(case, examiner):
    with pytest.raises(actions.Refused, match="不能早于上一次办理"):
        go(case, "left", "pass", examiner, date(2026, 3, 2))
    go(case, "left", "pass", examiner, DAY)


def test_a_clock_set_back_does_not_turn_the_story_round(case, examiner, monkeypatch):
    later = at(date(2026, 3, 9))
    Case.objects.filter(pk=case.pk).update(story_at=later)
    monkeypatch.setattr("jinzhi.casework.actions.base.timezone.now", lambda: at(date(2026, 3, 4)))
    step = case.steps.get(key="left", state="open")
    act = actions.perform(case.pk, "pass", step.pk, examiner)
    assert act.at == later


def test_every_act_is_in_the_story_with_its_step(case, examiner):
    go(case, "left", "pass", examiner, reason="好")
    event = case.events.get(kind="pass")
    assert event.data["step"] == "left" and event.recorded_at >= event.at
    assert events.faults(Case.objects.get(pk=case.pk)) == []


class TestOldCases:
    """补录: an archivist enters what was done then, by everybody, on its own days."""

    @pytest.fixture
    def old(self, case):
        Case.objects.filter(pk=case.pk).update(entered_on=date(2026, 11, 20), enterprise_id=case.pk)
        return case

    @pytest.fixture
    def archivist(self):
        return person("补录", "records_clerk", place=330000000000, level="province")

    def test_every_officials_act_is_entered_and_says_so(self, old, archivist):
        go(old, "left", "pass", archivist, date(2026, 3, 5), reason="符合要求")
        event = old.events.get(kind="pass")
        assert "（补录）" in event.sentence and event.at == at(date(2026, 3, 5))
        go(old, "left2", "pass", archivist, date(2026, 3, 5))
        go(old, "right", "pass", archivist, date(2026, 3, 6))
        act = go(
            old, "last", "approve", archivist, date(2026, 3, 9)
        )  # one person entered all: not one who decided all
        assert act.agency == Agency.objects.get(place=sample.CITY, level="city")

    def test_the_applicants_withdrawal_too(self, old, archivist):
        whole(old, "withdraw", archivist, date(2026, 3, 5))
        old.refresh_from_db()
        assert old.outcome == "withdrawn"

    def test_a_case_of_its_own_day_is_none_of_his_business(self, case, archivist):
        with pytest.raises(actions.NoPower):
            go(case, "left", "pass", archivist)
        with pytest.raises(actions.Refused):
            whole(case, "withdraw", archivist)

    def test_a_delegated_power_does_not_enter_old_cases(self, old, archivist):
        deputy = person("副手", place=330000000000, level="province")
        borrowed = actions.Actor(deputy.account, deputy.post, archivist.powers)
        with pytest.raises(actions.NoPower):
            go(old, "left", "pass", borrowed)


def test_the_papers_of_a_case_go_with_it(case, examiner):
    from jinzhi.casework import documents
    from jinzhi.foundation.files.models import Attachment, Blob, GeneratedDocument

    blob = Blob.objects.create(sha256="b" * 64, size=3, media_type="application/pdf")
    subject = documents.subject(case)
    kept = Attachment.objects.create(place=case.place, subject=subject, name="a.pdf", blob=blob)
    paper = GeneratedDocument.objects.create(
        place=case.place, subject=subject, kind="receipt", title="凭证", template="notice.typ", template_version=1,
        data={}, issued_at=at(DAY),
    )  # fmt: skip
    other = Agency.objects.get(place=330109000000, level="county")
    whole(case, "hand_over", examiner, agency=other, reason="生产地址在萧山")
    with scope.acting(scope.staff(other.place)):
        assert (
            Attachment.objects.filter(pk=kept.pk).exists()
            and GeneratedDocument.objects.filter(pk=paper.pk).exists()
        )
    with scope.acting(scope.staff(sample.COUNTY)):
        assert not Attachment.objects.filter(pk=kept.pk).exists()
        assert not GeneratedDocument.objects.filter(pk=paper.pk).exists()


@pytest.mark.parametrize(
    ("role", "sees"), [("administrator", False), ("security_administrator", False), ("auditor", True)]
)
def test_administrators_do_not_read_cases(case, client, settings, role, sees):
    settings.DEMO = True
    who = person("管理", role, place=330000000000, level="province")
    Account.objects.filter(pk=who.account.pk).update(is_demo=True)
    client.force_login(who.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    form = {"form": "food_production_application", "form_version": 3, "data": {}, "at": at(DAY)}
    Submission.objects.create(case=case, place=case.place, number=1, **form)
    page = client.get(f"/office/cases/{case.number}/")
    assert page.status_code == (200 if sees else 403)
    assert who.post not in forms_of_acts.readers(case)
    if sees:
        from jinzhi.foundation.history.models import AuditEntry

        assert AuditEntry.objects.filter(kind="casework.read", subject=f"case:{case.pk}").exists()


class TestTheApplicantsOwnSteps:
    """At its own step an applicant has what the step declares, and nothing an official does."""

    @pytest.fixture
    def corrected(self, clerk):
        case = sample.open_case()
        firm = Account.objects.create_user(
            "firm17", "a long enough word", name="企业", kind="enterprise", enterprise_id=case.pk
        )
        Case.objects.filter(pk=case.pk).update(enterprise_id=case.pk)
        raw = {
            **sample.DEFINITION, "key": "sample_applicant",
            "steps": {
                **sample.DEFINITION["steps"],
                "left": {
                    "name": "补正", "role": "applicant", "law": "x", "timer": {"clock": "decision", "outcome": "lapse"},
                    "outcomes": {"pass": {"label": "送达样品", "next": "left2"}, "lapse": {"label": "逾期", "next": "left2"}},
                },
            },
        }  # fmt: skip
        Case.objects.filter(pk=case.pk).update(procedure=every_kind.publish(raw))
        go(case, "first", "accept", clerk)
        return Case.objects.get(pk=case.pk), actions.Actor(firm)

    def test_only_what_is_declared_is_open(self, corrected):
        case, firm = corrected
        step = case.steps.get(key="left", state="open")
        assert [k for k, a in actions.registry.items() if a.open_to(case, step, firm)] == ["pass"]

    @pytest.mark.parametrize(
        "action", ["resume", "suspend", "copy", "add_sign", "reassign", "extend", "return", "fee"]
    )
    def test_an_officials_act_is_refused(self, corrected, action):
        case, firm = corrected
        payload = {"ground": "检验", "days": "5", "posts": [], "when": "before", "item": "x"}
        with pytest.raises(actions.NoPower):
            go(case, "left", action, firm, reason="x", payload=payload)


def test_what_only_time_may_do_is_not_done_by_asking_for_an_opinion(case, examiner, head):
    raw = {**sample.DEFINITION, "key": "sample_lapse"}
    raw["steps"] = {**raw["steps"], "left": {**raw["steps"]["left"], "outcomes": {
        "pass": {"label": "送审", "next": "left2"}, "lapse": {"label": "逾期", "next": "left2"}}}}  # fmt: skip
    Case.objects.filter(pk=case.pk).update(procedure=every_kind.publish(raw))
    payload = {"posts": [head.post], "when": "after", "outcome": "lapse"}
    with pytest.raises(actions.Refused, match="期限届满"):
        go(case, "left", "add_sign", examiner, reason="x", payload=payload)
