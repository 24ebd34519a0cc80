"""The engine under random but allowed acts: whatever people do in whatever order, a case stays sound."""

import copy
import json
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from uuid_utils.compat import uuid7

from jinzhi.casework import actions, clocks, events
from jinzhi.casework.actions.movement import Recall, Withdraw
from jinzhi.casework.lint import lint
from jinzhi.casework.models import Case, ProcedureVersion, Step
from jinzhi.casework.procedures import parse
from jinzhi.casework.tests import sample
from jinzhi.foundation.people.models import Account

pytestmark = pytest.mark.django_db


def nested() -> dict:
    """The sample with a fork inside the left branch, and ways back into it from inside and outside."""
    raw = copy.deepcopy(sample.DEFINITION) | {"key": "nested", "name": "嵌套"}
    steps = raw["steps"]
    steps["left"]["outcomes"]["pass"]["next"] = "inner"
    steps["inner"] = {"name": "内", "kind": "parallel", "branches": ["a", "b"], "next": "left2"}
    for key in "ab":
        steps[key] = {
            "name": key, "role": "examiner", "law": "x", "back": ["left", "first"],
            "outcomes": {"pass": {"label": "送审", "next": "join"}},
        }  # fmt: skip
    steps["left2"]["back"] += ["a"]
    steps["last"]["back"] += ["b", "right", "both"]
    return raw


def publish(raw: dict) -> ProcedureVersion:
    assert lint(parse(copy.deepcopy(raw))) == []
    return ProcedureVersion.objects.create(
        key=raw["key"], version=1, name=raw["name"], matter="样例", rule_set="T", valid_from=date(2004, 7, 1),
        definition=json.dumps(raw), digest="0" * 64,
    )  # fmt: skip


class Cast:
    """Everybody who may act, made once; the examiner and the approver are two of each."""

    def __init__(self):
        city = {"place": sample.CITY, "level": "city"}
        self.people = [
            sample.person("受理", "window_clerk"),
            sample.person("审查甲", "examiner"),
            sample.person("审查乙", "examiner"),
            sample.person("核查", "inspector"),
            sample.person("审批", "approver", **city),
            sample.person("多面手", "window_clerk", "examiner", "inspector"),
        ]
        holder = uuid7()
        account = Account.objects.create_user("owner", "a long enough word", name="企业", kind="enterprise")
        account.enterprise_id = holder
        account.save()
        self.owner = actions.Actor(account)
        self.holder = holder


def machine(version: ProcedureVersion, cast: Cast) -> type[RuleBasedStateMachine]:
    class Life(RuleBasedStateMachine):
        """One case from its opening, by random acts; every example ends with a rollback."""

        def __init__(self):
            super().__init__()
            self.atomic = transaction.atomic()
            self.atomic.__enter__()
            self.day = date(2026, 2, 9)
            self.case = sample.open_case(self.day)
            Case.objects.filter(pk=self.case.pk).update(procedure=version, enterprise_id=cast.holder)
            self.case = Case.objects.get(pk=self.case.pk)
            self.minute = 0

        def teardown(self):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

        def reread(self) -> Case:
            self.case = Case.objects.get(pk=self.case.pk)
            return self.case

        def open(self):
            return self.reread().state == "open"

        def perform(self, action: str, step: Step | None, actor: actions.Actor, **payload) -> bool:
            self.minute += 1
            try:
                actions.perform(
                    self.case.pk, action, step and step.pk, actor, reason="理由", payload=payload,
                    at=sample.at(self.day) + timedelta(minutes=self.minute),
                )  # fmt: skip
            except actions.Refused:
                return False
            return True

        def offered(self) -> list[tuple[str, Step, actions.Actor]]:
            """Every button of every page of the case."""
            steps = self.case.steps.filter(state="open", kind="user").order_by("id")
            return [
                (key, step, actor)
                for step in steps
                for actor in cast.people
                for key, kind in actions.registry.items()
                if key != "copy" and kind.open_to(self.case, step, actor)
            ]

        @precondition(open)
        @rule(data=st.data())
        def act(self, data):
            choices = self.offered()
            forward = [c for c in choices if c[0] not in ("refuse", "return")]
            key, step, actor = data.draw(st.sampled_from(data.draw(st.sampled_from([forward, choices]))))
            payload = {"days": "3", "ground": "检验"}
            if key == "return":
                payload["target"] = data.draw(st.sampled_from(self.case.definition.step(step.key).back))
            self.perform(key, step, actor, **payload)

        @precondition(open)
        @rule(data=st.data())
        def recall(self, data):
            actor = data.draw(st.sampled_from(cast.people))
            if Recall.recallable(self.case, actor):
                assert self.perform("recall", None, actor)

        @precondition(open)
        @rule(data=st.data())
        def look(self, data):
            step = data.draw(st.sampled_from(list(self.case.steps.filter(state="open", kind="user"))))
            Step.objects.filter(pk=step.pk).update(taken_at=sample.at(self.day))

        @rule(days=st.integers(1, 12))
        def wait(self, days):
            self.day += timedelta(days)
            self.minute = 0

        @precondition(lambda self: self.open() and self.day > date(2026, 3, 1))
        @rule()
        def withdraw(self):
            possible = Withdraw.possible(self.case)
            assert self.perform("withdraw", None, cast.owner) == possible

        @rule(data=st.data())
        def act_at_a_closed_step(self, data):
            closed = list(self.case.steps.exclude(state="open").filter(kind="user"))
            if closed:
                step = data.draw(st.sampled_from(closed))
                assert not self.perform("pass", step, data.draw(st.sampled_from(cast.people)))

        # -- what always holds

        @invariant()
        def somebody_has_the_case_until_it_ends(self):
            case = self.reread()
            tokens = case.steps.filter(state="open")
            if case.state == "open":
                assert tokens.filter(kind="user").exists()
            else:
                assert case.outcome and case.closed_on and not tokens.exists()
                assert not case.clocks.filter(state__in=["running", "paused"]).exists()

        @invariant()
        def no_step_is_open_twice_and_none_outside_its_block(self):
            tokens = list(self.case.steps.filter(state="open").select_related("parent"))
            assert len({t.key for t in tokens}) == len(tokens), [t.key for t in tokens]
            for token in tokens:
                assert (token.parent.key if token.parent else "") == self.case.definition.enclosing(token.key)
                assert token.parent is None or token.parent.state == "open"

        @invariant()
        def a_block_is_open_as_long_as_somebody_works_in_it(self):
            for block in self.case.steps.filter(kind="parallel"):
                assert (block.state == "open") == block.children.filter(state="open").exists()

        @invariant()
        def what_comes_after_a_fork_never_runs_beside_it(self):
            keys = set(self.case.steps.filter(state="open").values_list("key", flat=True))
            assert not ("both" in keys and keys & {"first", "last"})
            assert not ("inner" in keys and keys & {"left", "left2"})

        @invariant()
        def limits_run_once_and_end_on_the_day_they_compute_to(self):
            running = list(
                self.case.clocks.filter(state__in=["running", "paused"]).prefetch_related("pauses")
            )
            assert len({c.key for c in running}) == len(running)
            for clock in running:
                held = (clock.due_ord, clock.paused_ord, clock.start_ord)
                clocks.recompute(clock)
                assert held == (clock.due_ord, clock.paused_ord, clock.start_ord)
                open_pauses = clock.pauses.filter(until=None).count()
                assert bool(open_pauses) == (clock.state == "paused")
            due = min((c.due_ord for c in running if c.state == "running"), default=None)
            assert set(self.case.steps.filter(state="open").values_list("due_ord", flat=True)) <= {due}

        @invariant()
        def the_story_is_whole(self):
            assert events.faults(self.case) == []

    return Life


@pytest.mark.parametrize("definition", [sample.DEFINITION, nested()], ids=["sample", "nested"])
def test_a_case_stays_sound_whatever_people_do(definition):
    life = machine(publish(definition | {"key": f"machine-{definition['key']}"}), Cast())
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=14, stateful_step_count=16, deadline=None, suppress_health_check=checks
        ),
    )
