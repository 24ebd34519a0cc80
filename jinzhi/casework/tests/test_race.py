"""Two people at once: joins are not lost, steps are not done twice, numbers are not doubled."""

import threading
from datetime import date

import pytest
from django.db import connection

from jinzhi.casework import actions
from jinzhi.casework.tests.sample import go, open_case, open_keys, person
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
