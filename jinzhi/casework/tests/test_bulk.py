"""One act on many cases: only where allowed, interrupted and resumed, never twice, with the powers of the moment."""

from datetime import date

import pytest
from django.db import connection

from jinzhi.casework import actions, bulk, succession
from jinzhi.casework.models import BulkRun, Case
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.sample import go, open_keys, person
from jinzhi.foundation.people.models import Agency, Post
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    return person("受理", "window_clerk")


def opened(many: int, **facts) -> list[int]:
    cases = [every_kind.open_case(date(2026, 3, 2), **({"size": "small"} | facts)) for _ in range(many)]
    return [c.steps.get(key="accept").pk for c in cases]


def begin(actor, steps, action="accept", **more) -> BulkRun:
    return bulk.begin(actor, action, steps, start=False, **more)


def test_interrupted_and_resumed_every_case_is_done_once(clerk):
    run = begin(clerk, opened(12), reason="材料齐全")
    assert bulk.work(run, most=5) == 5
    assert bulk.progress(run) == {"waiting": 7, "done": 5, "refused": 0, "total": 12}
    assert bulk.work(run) == 7
    run.refresh_from_db()
    assert run.finished_at and bulk.progress(run)["done"] == 12
    assert bulk.work(run) == 0
    for item in run.items.select_related("case"):
        assert item.case.events.filter(kind="accept").count() == 1
        assert open_keys(item.case) == {"last"}


def test_what_somebody_else_did_meanwhile_is_named_and_the_rest_goes_on(clerk):
    steps = opened(3)
    run = begin(clerk, steps)
    other = person("受理二", "window_clerk")
    first = run.items.first()
    actions.perform(first.case_id, "accept", first.step_id, other)
    bulk.work(run)
    assert bulk.progress(run) == {"waiting": 0, "done": 2, "refused": 1, "total": 3}
    assert "已由" in run.items.get(state="refused").message


def test_a_case_the_rules_refuse_does_not_stop_the_others(clerk):
    steps = opened(1, size="unknown") + opened(2)
    run = begin(clerk, steps)
    bulk.work(run)
    assert bulk.progress(run)["done"] == 2 and "没有适用" in run.items.get(state="refused").message


def test_stopped_it_waits_until_it_is_let_go_on(clerk):
    run = begin(clerk, opened(4))
    bulk.work(run, most=1)
    bulk.cancel(run)
    assert bulk.work(run) == 0
    bulk.resume(run)
    assert bulk.work(run) == 3


def test_not_what_the_procedure_does_not_name_for_many(clerk):
    case = sample.open_case()
    with pytest.raises(actions.Refused, match="不能批量"):
        begin(clerk, [case.steps.get(key="first").pk])
    with pytest.raises(actions.Refused, match="请选择"):
        begin(clerk, [])


def test_whoever_left_the_post_does_nothing_more(clerk):
    run = begin(clerk, opened(2))
    Post.objects.filter(pk=clerk.post.pk).update(valid_to=date(2026, 3, 1))
    run = BulkRun.objects.select_related("account", "post__agency").get(pk=run.pk)
    bulk.work(run)
    assert bulk.progress(run) == {"waiting": 0, "done": 0, "refused": 2, "total": 2}


def test_a_post_of_another_county_neither_sees_nor_does_it(clerk, client):
    run = begin(clerk, opened(1))
    stranger = person("外县", "window_clerk", place=330109000000)
    steps = list(run.items.values_list("step_id", flat=True))
    with scope.acting(scope.staff(stranger.office.agency.place)):
        assert not BulkRun.objects.filter(pk=run.pk).exists()
        with pytest.raises(actions.Refused, match="请选择"):
            begin(stranger, steps)
    client.force_login(stranger.account)
    assert client.get(f"/office/bulk/{run.pk}/").status_code in (302, 403, 404)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_take_the_same_line():
    from jinzhi.casework.tests.test_race import together

    clerk = person("受理", "window_clerk")
    run = begin(clerk, opened(20))
    results = together(lambda: bulk.work(run), lambda: bulk.work(run))
    assert sum(results) == 20 and bulk.progress(run)["done"] == 20
    connection.close()


class TestSuccession:
    def test_open_steps_go_to_the_successor_with_their_limits(self, clerk):
        old = Agency.objects.get(place=sample.COUNTY, level="county")
        new = Agency.objects.get(place=330109000000, level="county")
        case = sample.open_case()
        due = case.clocks.get().due_ord
        assert succession.succeed(old, new, "浙编办〔2026〕1号") >= 1
        case = Case.objects.get(pk=case.pk)
        assert case.agency == new and case.steps.get(state="open").agency == new
        assert case.clocks.get().due_ord == due
        with pytest.raises(actions.NoPower):
            go(case, "first", "accept", clerk, date(2027, 3, 1))
        assert succession.succeed(old, new, "浙编办〔2026〕1号") == 0
