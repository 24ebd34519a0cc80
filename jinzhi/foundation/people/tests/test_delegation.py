"""Delegation: days, parties, no chains, revocation."""

import threading

import pytest
from django.db import connection

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people import delegation, services
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.people.models import Account, Delegation
from jinzhi.foundation.places import scope

from .cast import HANGZHOU, WEST_LAKE, actor, day, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def giver():
    return person("li", WEST_LAKE, "approver")


@pytest.fixture
def taker():
    return person("wu", WEST_LAKE, "examiner")


def give(giver, taker, starts=0, ends=5, reason="参加培训"):
    return delegation.delegate(actor(giver), taker, day(starts), day(ends), reason)


def refused(*args, **kwargs) -> str:
    with pytest.raises(Refused) as caught:
        give(*args, **kwargs)
    return caught.value.message


def test_a_delegation_is_logged_with_both_names(giver, taker):
    give(giver, taker)
    entry = AuditEntry.objects.latest("id")
    assert entry.kind == "people.delegation.given"
    assert "li姓名" in entry.data["委托人"] and "wu姓名" in entry.data["受托人"]


@pytest.mark.parametrize(("starts", "ends"), [(-1, 3), (5, 4)])
def test_days_in_the_past_or_reversed_are_refused(giver, taker, starts, ends):
    assert "不能早于" in refused(giver, taker, starts, ends)


def test_one_day_is_enough(giver, taker):
    assert give(giver, taker, 0, 0).starts == day(0)


def test_it_cannot_outlast_either_post(taker):
    ending = person("li", WEST_LAKE, "approver", valid_to=day(3))
    assert "为止" in refused(ending, taker, 0, 4)
    give(ending, taker, 0, 3)
    short = person("xu", WEST_LAKE, "examiner", valid_to=day(1))
    assert "为止" in refused(person("he", WEST_LAKE, "approver"), short, 0, 2)


def test_days_of_two_delegations_of_one_post_do_not_overlap(giver, taker):
    give(giver, taker, 0, 5)
    other = person("xu", WEST_LAKE, "examiner")
    assert "已经有委托" in refused(giver, other, 5, 8)
    give(giver, other, 6, 8)


def test_after_revocation_the_days_are_free_again(giver, taker):
    given = give(giver, taker)
    delegation.revoke(actor(giver), given)
    give(giver, person("xu", WEST_LAKE, "examiner"))


def test_a_delegation_is_never_passed_on(giver, taker):
    give(giver, taker, 2, 6)
    third = person("xu", WEST_LAKE, "examiner")
    assert "受托期间不能再委托" in refused(taker, third, 6, 9)
    give(taker, third, 7, 9)  # after it has ended


def test_one_who_is_away_receives_nothing(giver, taker):
    give(taker, person("xu", WEST_LAKE, "examiner"), 0, 3)
    assert "不能受托" in refused(giver, taker, 3, 4)


def test_parties_must_be_two_people_of_one_agency(giver):
    assert "不能委托给自己" in refused(giver, person("li", WEST_LAKE, "examiner"))
    assert "本机构" in refused(giver, person("far", HANGZHOU, "examiner"))
    gone = person("gone", WEST_LAKE, "examiner")
    Account.objects.filter(pk=gone.account_id).update(is_active=False)
    gone.account.refresh_from_db()
    assert "停用" in refused(giver, gone)


def test_administrators_neither_give_nor_take(giver):
    administrator = person("sys", WEST_LAKE, "administrator")
    assert "不能代办业务" in refused(giver, administrator)
    assert "不能委托" in refused(administrator, giver)


def test_nothing_to_give_and_no_reason_are_refused(giver, taker):
    assert "没有可以委托" in refused(person("new", WEST_LAKE), taker)
    assert "事由" in refused(giver, taker, reason=" ")


def test_whoever_stands_in_gets_no_administrators_role(giver, taker):
    give(giver, taker)
    taker.powers.all().delete()
    security = actor(person("sec", WEST_LAKE, "security_administrator"))
    with pytest.raises(Refused, match="受托代办"):
        services.grant(security, taker, "auditor")


def test_candidates_are_colleagues_who_do_business(giver, taker):
    person("sys", WEST_LAKE, "administrator")
    person("far", HANGZHOU, "examiner")
    person("old", WEST_LAKE, "examiner", valid_to=day(-1))
    assert [p.account.username for p in delegation.candidates(giver)] == ["wu"]


def test_a_stranger_cannot_revoke(giver, taker):
    given = give(giver, taker)
    with pytest.raises(Refused):
        delegation.revoke(actor(taker), given)
    delegation.revoke(actor(person("sec", HANGZHOU, "security_administrator")), given)
    given.refresh_from_db()
    assert given.revoked_at


@pytest.mark.django_db(transaction=True)
def test_two_crossing_delegations_at_once_leave_one():
    first, second = person("li", WEST_LAKE, "approver"), person("wu", WEST_LAKE, "examiner")
    start = threading.Barrier(2)
    refusals = []

    def run(from_post, to_post):
        with scope.acting(scope.SYSTEM):
            start.wait()
            try:
                give(from_post, to_post)
            except Refused as refusal:
                refusals.append(refusal)
        connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Delegation.objects.count(), len(refusals)) == (1, 1)


def test_only_the_matters_named_are_handed_over(giver, taker, monkeypatch):
    from jinzhi.foundation.people import identity, roles

    choices = [roles.StepChoice(key, key, "decide", "决定", "approver") for key in ("food", "lift")]
    monkeypatch.setattr(roles, "steps_provider", lambda: choices)
    given = delegation.delegate(actor(giver), taker, day(0), day(2), "参加培训", ["food"])
    held = identity.load(taker.account, day(0)).powers
    assert {(p.role, p.procedure, bool(p.on_behalf)) for p in held} == {
        ("examiner", "", False),
        ("approver", "food", True),
    }
    assert given.matters_text == "food"
    with pytest.raises(Refused, match="没有这些事项"):
        delegation.delegate(actor(giver), taker, day(3), day(4), "参加培训", ["boat"])


def test_a_power_in_one_matter_is_not_widened_by_the_others(taker, monkeypatch):
    from jinzhi.foundation.people import identity, roles
    from jinzhi.foundation.people.models import Power

    choices = [roles.StepChoice(key, key, "decide", "决定", "approver") for key in ("food", "lift")]
    monkeypatch.setattr(roles, "steps_provider", lambda: choices)
    narrow = person("qi", WEST_LAKE, "inspector")
    Power.objects.create(post=narrow, role="approver", procedure="lift")
    delegation.delegate(actor(narrow), taker, day(0), day(2), "参加培训", ["lift"])
    held = [p for p in identity.load(taker.account, day(0)).powers if p.on_behalf]
    assert {(p.role, p.procedure) for p in held} == {("inspector", "lift"), ("approver", "lift")}
