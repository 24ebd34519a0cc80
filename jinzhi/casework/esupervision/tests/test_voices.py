"""Complaints and ratings: their days, their grounds, who may write and read them."""

from datetime import date
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from jinzhi.casework.esupervision import complaints, rating
from jinzhi.casework.esupervision.handling import NoPower, Refused
from jinzhi.casework.esupervision.models import Complaint, FollowUp, Satisfaction, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import at, begun
from jinzhi.casework.models import Case
from jinzhi.casework.tests import sample
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db
D = date.fromisoformat
TEXT = "三月二日在窗口交材料，当场要求另交无关的证明"


@pytest.fixture
def w():
    return world.World()


def lodged(**more) -> Complaint:
    values = {
        "text": TEXT,
        "subject": "material",
        "agency": Agency.objects.get(place=world.COUNTY),
        "at": at(D("2026-02-12")),
    }
    return complaints.lodge(**values | more)[0]


def test_five_days_to_accept_ten_to_answer(w):
    one = lodged()
    assert complaints.due(one) == D("2026-02-26")  # 13, 14 (worked), 24, 25, 26
    assert not complaints.is_late(one, D("2026-02-26")) and complaints.is_late(one, D("2026-02-27"))
    one = complaints.perform(one.pk, "accept", w.supervisor, text="属于受理范围", at=at(D("2026-02-26")))
    assert complaints.due(one) == D("2026-03-11")  # Sat 28 February is worked
    one = complaints.perform(
        one.pk,
        "close",
        w.supervisor,
        text="窗口确实多要了一份证明，已改正",
        finding="true",
        at=at(D("2026-03-11")),
    )
    assert one.status == "closed" and [e.kind for e in one.entries.all()] == ["received", "accept", "close"]


def test_found_true_is_a_card_by_its_result_found_false_is_none(w):
    case = begun(D("2026-02-10"))
    for finding, worse, expected in (
        ("true", False, "yellow"),
        ("partly", True, "red"),
        ("false", False, None),
    ):
        one = lodged(case=case, agency=None)
        complaints.perform(one.pk, "accept", w.supervisor, text="属于受理范围", at=at(D("2026-02-26")))
        complaints.perform(
            one.pk,
            "close",
            w.supervisor,
            text="调查情况如下",
            finding=finding,
            worse=worse,
            at=at(D("2026-03-02")),
        )
        card = Signal.objects.filter(rule="C1", basis__complaint=one.number).first()
        assert (card.colour if card else None) == expected


def test_not_accepted_has_its_reason(w):
    one = lodged()
    with pytest.raises(Refused, match="理由"):
        complaints.perform(one.pk, "refuse", w.supervisor, text="")
    one = complaints.perform(
        one.pk, "refuse", w.supervisor, text="应当向信访部门反映", at=at(D("2026-02-13"))
    )
    assert one.status == "refused" and one.result
    with pytest.raises(Refused, match="已办结"):
        complaints.perform(one.pk, "accept", w.supervisor, text="又要受理")


def test_only_a_supervisor_of_the_range_handles(w):
    one = lodged()
    for who in (w.clerk, sample.person("宁波督查", "supervisor", place=330200000000, level="city")):
        with pytest.raises((NoPower, Complaint.DoesNotExist)):
            complaints.perform(one.pk, "accept", who, text="属于受理范围")


@pytest.mark.parametrize(("field", "value"), [("text", "太短"), ("subject", "nonsense"), ("agency", None)])
def test_bad_complaints_are_refused(field, value):
    with pytest.raises(Refused):
        lodged(**{field: value})
    assert not Complaint.objects.exists()


def test_its_sender_finds_it_with_number_and_code_only():
    one, code = complaints.lodge(text=TEXT, subject="late", agency=Agency.objects.get(place=world.COUNTY))
    assert complaints.look_up(one.number.lower(), code.lower()) == one
    assert complaints.look_up(one.number, "AAAAAAAA") is None and complaints.look_up("TS1", code) is None
    assert code not in str(Complaint.objects.values().get())


def test_an_enterprise_sees_its_own_complaints_and_nobody_elses():
    mine, other = uuid4(), uuid4()
    lodged(enterprise_id=mine)
    lodged(enterprise_id=other)
    with scope.acting(scope.enterprise(mine)):
        assert [c.enterprise_id for c in Complaint.objects.all()] == [mine]
        assert Complaint.objects.update(result="改") == 0
    with scope.acting(scope.staff(world.NEIGHBOUR)):
        assert not Complaint.objects.exists()
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError), transaction.atomic():
        Complaint.objects.count()


# -- ratings


def closed(holder=None, day="2026-02-11") -> Case:
    w = world.World()
    case = begun(D("2026-02-10"), enterprise_id=holder)
    w.act(case, "accept", "refuse", D(day), reason="不属于本机关职权")
    case.refresh_from_db()
    return case


def test_a_closed_case_is_rated_once():
    case = closed()
    one = rating.rate(case, 5, at=at(D("2026-02-12")))
    assert one.agency.place == world.COUNTY and not one.is_bad
    with pytest.raises(Refused, match="评价过"):
        rating.rate(case, 1, "改主意了")


def test_an_open_or_withdrawn_case_is_not_rated():
    with pytest.raises(Refused, match="办结后"):
        rating.rate(begun(D("2026-02-10")), 5)
    case = closed()
    case.outcome = "withdrawn"
    assert not rating.may_rate(case)


def test_a_bad_rating_says_why_and_is_called_about_within_a_day():
    case = closed()
    with pytest.raises(Refused, match="原因"):
        rating.rate(case, 2)
    one = rating.rate(case, 2, "等了两个小时", at=at(D("2026-02-14")))
    assert rating.waiting(one) == "call" and rating.due(one, "call") == D("2026-02-24")
    assert rating.due(one, "rectify") == D("2026-03-13")


def test_called_then_put_right_each_once_by_its_own_bureau(w):
    one = rating.rate(closed(), 1, "等了两个小时", at=at(D("2026-02-14")))
    with pytest.raises(Refused, match="先登记回访"):
        rating.follow_up(one.pk, "rectify", w.clerk, "已经增设窗口")
    with pytest.raises(NoPower):
        rating.follow_up(
            one.pk, "call", sample.person("邻区", "window_clerk", place=world.NEIGHBOUR), "已经回访"
        )
    rating.follow_up(one.pk, "call", w.clerk, "电话核实，情况属实")
    rating.follow_up(one.pk, "rectify", w.clerk, "已增设一个窗口")
    one = Satisfaction.objects.get(pk=one.pk)
    assert rating.waiting(one) == "" and FollowUp.objects.count() == 2
    with pytest.raises(Refused):
        rating.follow_up(one.pk, "call", w.clerk, "再登记一次")


def test_the_enterprise_rates_its_own_closed_case_and_no_other():
    mine, other = uuid4(), uuid4()
    own, foreign = closed(mine), closed(other)
    still_open = begun(D("2026-02-10"), enterprise_id=mine)
    with scope.acting(scope.enterprise(mine)):
        rating.rate(Case.objects.get(pk=own.pk), 4)
        assert Satisfaction.objects.count() == 1
        for case in (foreign, still_open):
            with pytest.raises(DatabaseError), transaction.atomic():
                Satisfaction.objects.create(
                    case=case, place=case.place, agency=case.agency, enterprise_id=mine, grade=1, rated_on=D("2026-02-12"),
                    at=at(D("2026-02-12")),
                )  # fmt: skip
    with scope.acting(scope.enterprise(other)):
        assert not Satisfaction.objects.exists()


def test_a_rating_is_never_changed():
    one = rating.rate(closed(), 1, "等了两个小时")
    for attempt in (lambda: Satisfaction.objects.update(grade=5), one.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_link_opens_its_own_case_and_a_forged_one_none():
    case = closed()
    token = rating.link(case).split("/")[2]
    assert rating.case_of(token) == case.pk
    assert (
        rating.case_of(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
        and rating.case_of("x") is None
    )
