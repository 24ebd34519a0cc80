"""Random but allowed acts over every procedure there is: whatever people do, a case stays sound.

Guards and effects of the domains are taken off (they have tests of their own); what is walked is the
definition as it is published, with its forks, timers, calls and deadlines.
"""

from datetime import timedelta
from random import Random

import pytest

from jinzhi.casework import actions, clocks, engine, events, timers
from jinzhi.casework.actions.base import Act
from jinzhi.casework.models import PERSONAL, Case, ProcedureVersion
from jinzhi.casework.procedures import files, read
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.test_clocks import by_hand
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.roles import BUSINESS

pytestmark = pytest.mark.django_db
WALKS, ACTS = 3, 22
ASIDE = ("copy", "urge", "reassign", "add_sign", "extend", "suspend", "resume", "return", "fee")


def bare(raw: dict) -> dict:
    """The definition without what a domain hangs on it."""
    raw = {k: v for k, v in raw.items() if k != "panels"}
    raw["steps"] = {key: dict(step) for key, step in raw.get("steps", {}).items()}
    for step in raw["steps"].values():
        step.pop("page", None)
        outcomes = step.get("outcomes", {})
        step["outcomes"] = {
            a: {k: v for k, v in o.items() if k not in ("guard", "effect")} for a, o in outcomes.items()
        }
        if not outcomes:
            del step["outcomes"]
    raw["deadlines"] = [{k: v for k, v in d.items() if k != "effect"} for d in raw.get("deadlines", ())]
    return raw


def definitions() -> list[dict]:
    found = [read(path) for path in files()]
    return [raw for raw in found if not raw.get("closed")] + [every_kind.PARENT]


class Walk:
    """One case and everybody who may act on it."""

    def __init__(self, version: ProcedureVersion, seed: int):
        self.random = Random(seed)
        definition = version.procedure
        self.day = definition.valid_from + timedelta(days=self.random.randrange(200))
        firm = engine.agency_at(sample.COUNTY, "county").pk
        self.owner, _ = Account.objects.get_or_create(
            username="walker", defaults={"name": "企业", "kind": "enterprise", "password": "!"}
        )
        self.case = Case.objects.create(
            place=sample.COUNTY, number=f"W{version.pk}-{seed}", procedure=version, title="样例", subject_name="申请人",
            agency_id=firm, rule_date=self.day, received_on=self.day, applicant=self.owner, facts=self.facts(definition),
        )  # fmt: skip
        Case.objects.filter(pk=self.case.pk).update(enterprise_id=self.case.pk)
        self.owner.enterprise_id = self.case.enterprise_id = self.case.pk
        act = Act(self.case, None, "submit", actions.SYSTEM, sample.at(self.day))
        act.log("submit", "提交。")
        for key in definition.submit_starts:
            clocks.begin(self.case, key, self.day, act.at)
        engine.open_step(act, definition.start)
        self.case.save()
        self.done: list[str] = []

    def facts(self, definition) -> dict:
        """What the domains' own acts would have found out; dates for limits that end on a day of the case."""
        facts: dict = {"size": self.random.choice(("large", "small")), "deciding_level": "city"}
        days = [c.until for c in definition.clocks.values() if c.until]
        wanted = {
            path: (self.day + timedelta(days=self.random.randrange(20, 400))).isoformat() for path in days
        }
        wanted |= {
            p: self._answer(s, n)
            for s in definition.steps.values()
            for n, p in s.inputs
            if p.startswith("facts.")
        }
        for path, value in wanted.items():
            *parents, last = path.split(".")[1:]
            here = facts
            for name in parents:
                here = here.setdefault(name, {})
            here.setdefault(last, value)
        return facts

    def _answer(self, step, name):
        from jinzhi.foundation import rules

        rows = rules.table(step.table, on=self.day).rows
        said = [row["when"][name] for row in rows if name in row["when"]]
        plain = [s for s in said if not isinstance(s, str) or s[:1] not in "<>=!"]
        return self.random.choice(plain) if plain else 1

    def actors(self, cast):
        return [*cast, actions.Actor(self.owner)]

    def step(self, cast) -> bool:
        case = Case.objects.get(pk=self.case.pk)
        self.case = case
        if case.state != "open":
            return False
        kind = self.random.random()
        if kind < 0.2:
            self.day += timedelta(days=self.random.randrange(1, 30))
            timers.run(self.day)
            return True
        steps = list(case.steps.filter(state="open", kind__in=PERSONAL).order_by("id"))
        offers = [
            (key, step, who)
            for step in steps
            for who in self.actors(cast)
            for key, action in actions.registry.items()
            if (kind < 0.45 or key not in ASIDE) and action.open_to(case, step, who)
        ]
        if not offers:  # it waits for time or for another case
            self.day += timedelta(days=10)
            timers.run(self.day)
            for child in Case.objects.filter(parent_step__case=case, state="open"):
                self.finish(child, cast)
            return True
        key, step, who = self.random.choice(offers)
        self.perform(case, key, step, who, cast)
        return True

    def finish(self, child: Case, cast) -> None:
        for _ in range(12):
            child = Case.objects.get(pk=child.pk)
            for step in child.steps.filter(state="open", kind__in=PERSONAL):
                for who in self.actors(cast):
                    for outcome in child.definition.step(step.key).outcomes:
                        if child.state == "open" and actions.registry[outcome.action].open_to(
                            child, step, who
                        ):
                            self.perform(child, outcome.action, step, who, cast)
            self.day += timedelta(days=30)
            timers.run(self.day)

    def perform(self, case, key, step, who, cast) -> None:
        other = next((a for a in cast if a.post and a.post.pk != getattr(who.post, "pk", None)), None)
        payload = {
            "items": ["补充材料"], "days": "3", "ground": "专家评审", "posts": [other.post], "when": "before",
            "recipient": "收件人", "served_on": self.day.isoformat(), "data": case.data,
        }  # fmt: skip
        back = case.definition.step(step.key).back
        if back:
            payload["target"] = self.random.choice(back)
        try:
            actions.perform(
                case.pk, key, step.pk, who, reason="理由", payload=payload, at=sample.at(self.day)
            )
            self.done.append(f"{step.key}.{key}")
        except actions.Refused:
            pass

    def check(self) -> None:
        case = Case.objects.get(pk=self.case.pk)
        live = case.steps.filter(state__in=("open", "waiting"))
        assert events.faults(case) == []
        if case.state == "closed":
            assert case.outcome and not live.exists()
            assert not case.clocks.filter(state__in=("running", "paused")).exists()
            return
        tokens = list(live.select_related("parent"))
        assert [t for t in tokens if t.state == "open" and t.kind not in ("parallel", "countersign")]
        keys = [t.key for t in tokens if t.kind != "sign"]
        assert len(keys) == len(set(keys)), keys
        for token in tokens:
            assert (token.parent.key if token.parent else "") == case.definition.enclosing(token.key)
            assert token.parent is None or token.parent.state == "open"
        running = list(case.clocks.filter(state__in=("running", "paused")).prefetch_related("pauses"))
        assert len({c.key for c in running}) == len(running), [c.key for c in running]
        for clock in running:
            held = clock.due_ord
            clocks.recompute(clock)
            assert held == clock.due_ord
            assert clock.pauses.filter(until=None).exists() == (clock.state == "paused")
            if clock.unit == "workday":
                spans = clocks.merged(clock.pauses.all())
                assert clocks.due_day(clock) == by_hand(clock.start_day, clock.limit + clock.extended, spans)


@pytest.fixture
def cast():
    return [
        sample.person(f"{level}{number}", *sorted(BUSINESS), place=place, level=level)
        for level, place in (("county", sample.COUNTY), ("city", sample.CITY), ("province", 330000000000))
        for number in (1, 2)
    ]


@pytest.mark.parametrize("raw", definitions(), ids=lambda raw: f"{raw['key']}-{raw['version']}")
def test_a_case_stays_sound_whatever_people_do(raw, cast, monkeypatch):
    monkeypatch.setattr("jinzhi.casework.actions.outcomes.forms.examine", lambda form, data, on: (data, []))
    every_kind.publish(every_kind.CHILD)
    walked = bare(raw) | {"key": f"walk_{raw['key']}"[:60]}
    version = every_kind.publish(walked)
    with calendar.pinned():
        for seed in range(WALKS):
            walk = Walk(version, seed)
            walk.check()
            for _ in range(ACTS):
                if not walk.step(cast):
                    break
                walk.check()
            assert walk.done, "nothing could be done"
