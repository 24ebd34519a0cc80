"""Two people at once: joins are not lost, steps are not done twice, numbers are not doubled."""

import threading
from datetime import date
from itertools import combinations_with_replacement

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from jinzhi.casework import actions, events, timers
from jinzhi.casework.models import Case, Clock
from jinzhi.casework.tests import every_kind
from jinzhi.casework.tests.sample import CITY, at, go, open_case, open_keys, person
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db(transaction=True)


def together(*jobs) -> list:
    """Run the jobs at the same moment, each on a connection of its own; results or exceptions in order."""
    barrier = threading.Barrier(len(jobs))
    results: list = [None] * len(jobs)

    def run(number, job):
        with scope.acting(scope.SYSTEM):
            barrier.wait()
            try:
                results[number] = job()
            except Exception as fault:
                results[number] = fault
            finally:
                connection.close()

    threads = [threading.Thread(target=run, args=(n, j)) for n, j in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_branches_finished_at_once_still_join():
    clerk, examiner, inspector = (
        person("甲", "window_clerk"),
        person("乙", "examiner"),
        person("丙", "inspector"),
    )
    lost = 0
    for _ in range(25):
        case = open_case()
        go(case, "first", "accept", clerk)
        go(case, "left", "pass", examiner)
        left, right = case.steps.get(key="left2", state="open").pk, case.steps.get(key="right").pk
        together(
            lambda c=case, s=left: actions.perform(c.pk, "pass", s, examiner),
            lambda c=case, s=right: actions.perform(c.pk, "pass", s, inspector),
        )
        lost += open_keys(case) != {"last"}
    assert lost == 0


def test_two_clerks_at_one_step_only_one_decides():
    one, two = person("甲", "window_clerk"), person("乙", "window_clerk")
    for _ in range(10):
        case = open_case(date(2026, 3, 2))
        step = case.steps.get(key="first").pk
        results = together(
            lambda c=case, s=step: actions.perform(c.pk, "accept", s, one),
            lambda c=case, s=step: actions.perform(c.pk, "refuse", s, two, reason="不属于本机关"),
        )
        refused = [r for r in results if isinstance(r, actions.AlreadyDone)]
        assert len(refused) == 1, results
        assert case.steps.filter(key="first", state="done").count() == 1


def sound(case) -> None:
    """What holds of every case at every moment."""
    case = Case.objects.get(pk=case.pk)
    live = case.steps.filter(state__in=("open", "waiting"))
    assert events.faults(case) == []
    if case.state == "open":
        assert live.filter(state="open").exclude(kind__in=("parallel", "countersign")).exists()
    else:
        assert not live.exists() and not case.clocks.filter(state__in=("running", "paused")).exists()
    running = list(case.clocks.filter(state__in=("running", "paused")).values_list("key", flat=True))
    assert len(running) == len(set(running))


DAY = date(2026, 3, 2)


def _owner(firm) -> Account:
    made, _ = Account.objects.get_or_create(
        username="owner",
        defaults={"name": "企业", "kind": "enterprise", "password": "!", "enterprise_id": firm},
    )
    return made


def acts_at_the_decision(case, cast, colleague, other) -> dict:
    """Every act that is open while the case waits for its decision, as a job."""
    step = case.steps.get(key="last", state="open").pk
    day = at(DAY)

    def at_step(action, actor=cast.head, **payload):
        return lambda: actions.perform(case.pk, action, step, actor, reason="理由", payload=payload, at=day)

    def whole(action, actor=cast.head, **payload):
        return lambda: actions.perform(case.pk, action, None, actor, reason="理由", payload=payload, at=day)

    owner = actions.Actor(_owner(case.enterprise_id))
    return {
        "approve": at_step("approve"),
        "refuse": at_step("refuse"),
        "extend": at_step("extend", days="5"),
        "suspend": at_step("suspend", ground="专家评审", days="5"),
        "return": at_step("return", target="accept"),
        "reassign": at_step("reassign", post=colleague.post),
        "add_sign": at_step("add_sign", posts=[cast.clerk.post], when="before"),
        "copy": at_step("copy", posts=[cast.clerk.post]),
        "urge": whole("urge"),
        "terminate": whole("terminate", ground="ended"),
        "link": whole("link", other=other.number),
        "merge": whole("merge", other=other.number),
        "withdraw": whole("withdraw", owner),
        "hand_over": whole("hand_over", agency=Agency.objects.get(place=330109000000, level="county")),
        "lapse": lambda: timers.run(date(2026, 4, 1)),
    }


def test_every_act_beside_every_other_leaves_the_case_sound():
    cast = every_kind.Cast()
    colleague = person("审批二", "approver", place=CITY, level="city")
    firm = uuid7()
    first, second = _at_decision(cast, firm), _at_decision(cast, firm)
    names = list(acts_at_the_decision(first, cast, colleague, second))
    for one, two in combinations_with_replacement(names, 2):
        case, other = _at_decision(cast, firm), _at_decision(cast, firm)
        jobs = acts_at_the_decision(case, cast, colleague, other)
        results = together(jobs[one], jobs[two])
        unexpected = [r for r in results if isinstance(r, Exception) and not isinstance(r, actions.Refused)]
        assert not unexpected, (one, two, unexpected)
        assert not all(isinstance(r, Exception) for r in results), (one, two, results)
        sound(case), sound(other)
        Case.objects.filter(state="open").update(state="closed")  # nothing of this pair is due in the next
        Clock.objects.filter(state__in=("running", "paused")).update(state="void")


def _at_decision(cast, firm):
    case = every_kind.open_case(DAY, size="small", expires="2026-03-31")
    Case.objects.filter(pk=case.pk).update(enterprise_id=firm)
    go(case, "accept", "accept", cast.clerk, DAY)
    case.refresh_from_db()
    return case


def test_three_members_at_once_are_counted_once():
    cast = every_kind.Cast()
    for _ in range(8):
        case = every_kind.open_case(DAY)
        go(case, "accept", "accept", cast.clerk, DAY)
        steps = {m: case.steps.get(key=f"opinions.{m}").pk for m in ("law", "tech", "site")}
        jobs = [
            (lambda m=m, s=s, c=case: actions.perform(c.pk, "agree", s, getattr(cast, m), at=at(DAY)))
            for m, s in steps.items()
        ]
        results = together(*jobs)
        assert sum(isinstance(r, actions.AlreadyDone) for r in results) == 1, results
        assert case.steps.filter(key="opinions", state="done").count() == 1
        assert Case.objects.filter(parent_step__case=case).count() == 1
        sound(case)


def test_a_case_that_ends_while_its_caller_ends_too():
    cast = every_kind.Cast()
    for _ in range(8):
        case = every_kind.open_case(DAY)
        go(case, "accept", "accept", cast.clerk, DAY)
        go(case, "opinions.law", "agree", cast.law, DAY)
        go(case, "opinions.tech", "agree", cast.tech, DAY)
        child = Case.objects.get(parent_step__case=case)
        hear = child.steps.get(key="hear").pk
        results = together(
            lambda c=child, s=hear: actions.perform(c.pk, "conclude", s, cast.officer, at=at(DAY)),
            lambda c=case: actions.perform(
                c.pk, "terminate", None, cast.head, reason="注销", payload={"ground": "ended"}, at=at(DAY)
            ),
        )
        faults = [r for r in results if isinstance(r, Exception) and not isinstance(r, actions.Refused)]
        assert not faults, faults
        sound(case), sound(child)
        assert Case.objects.get(pk=child.pk).state == "closed"
