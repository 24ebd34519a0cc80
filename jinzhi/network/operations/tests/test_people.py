"""Certificates, positions, duty: who may be on, and that a gap is seen."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from jinzhi.casework.refusals import Refused
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope
from jinzhi.network.operations import qualifying, rostering
from jinzhi.network.operations.models import Assignment, Duty, Qualification

from .world import CITY, COUNTY, OTHER_CITY, PROVINCE, official

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def bureau():
    return Agency.objects.get(place=CITY)


@pytest.fixture
def person():
    return official(CITY, "operator").account


def certify(person, bureau, issued=TODAY, **fields):
    fields = {
        "kind": "middle",
        "number": f"WG{person.pk}",
        "score": Decimal(80),
        "issued_on": issued,
    } | fields
    return qualifying.certify(person, bureau, **fields)


@pytest.mark.parametrize("score", ["59.9", "0", "100.5"])
def test_who_failed_the_exam_gets_no_certificate(person, bureau, score):
    with pytest.raises(Refused):
        certify(person, bureau, score=Decimal(score))


def test_a_certificate_lasts_three_years_to_the_day(person, bureau):
    assert certify(person, bureau, date(2024, 2, 29)).valid_until == date(2027, 2, 28)


def test_a_certificate_of_tomorrow_and_a_number_given_twice_are_refused(person, bureau):
    with pytest.raises(Refused):
        certify(person, bureau, TODAY + timedelta(days=1))
    certify(person, bureau, number="WG-1")
    with pytest.raises(Refused, match="已经登记"):
        certify(person, bureau, number="WG-1")


def test_with_a_certificate_there_is_no_grace(person, bureau):
    certify(person, bureau)
    assert qualifying.assign(person, bureau, "network", TODAY).grace_until is None


def test_without_one_six_months_and_then_no_duty(person, bureau):
    since = add_months(TODAY, -7)
    held = qualifying.assign(person, bureau, "network", since)
    assert held.grace_until == add_months(since, 6)
    with pytest.raises(Refused, match="宽限期"):
        rostering.put(bureau, person, NOW, NOW + timedelta(hours=8), phone="1")


def test_grace_is_given_once(person, bureau):
    held = qualifying.assign(person, bureau, "network", add_months(TODAY, -8))
    qualifying.leave(held, TODAY - timedelta(days=1))
    with pytest.raises(Refused, match="不能上岗"):
        qualifying.assign(person, bureau, "network", TODAY)


def test_a_certificate_that_ended_does_not_count(person, bureau):
    certify(person, bureau, add_months(TODAY, -40))
    assert qualifying.standing(person, "network", TODAY).state == "none"
    assert qualifying.assign(person, bureau, "network", TODAY).grace_until == add_months(TODAY, 6)


def test_a_network_certificate_does_not_make_a_security_officer(person, bureau):
    certify(person, bureau)
    assert qualifying.standing(person, "security", TODAY).state == "none"


def test_somebody_of_another_bureau_is_not_put_in_charge(bureau):
    stranger = official(OTHER_CITY, "operator").account
    with pytest.raises(Refused, match="没有有效的任职"):
        qualifying.assign(stranger, bureau, "network", TODAY)


@pytest.fixture
def ready(person, bureau):
    certify(person, bureau, add_months(TODAY, -2))
    qualifying.assign(person, bureau, "network", add_months(TODAY, -2))
    return person


def test_one_main_turn_at_a_time_but_any_number_behind_it(ready, bureau):
    rostering.put(bureau, ready, NOW, NOW + timedelta(hours=12), phone="1")
    with pytest.raises(Refused, match="已经排有主班"):
        rostering.put(bureau, ready, NOW + timedelta(hours=11), NOW + timedelta(hours=20), phone="1")
    rostering.put(bureau, ready, NOW + timedelta(hours=12), NOW + timedelta(hours=24), phone="1")
    rostering.put(bureau, ready, NOW, NOW + timedelta(hours=12), phone="1", kind="second")


def test_a_turn_that_ends_before_it_begins_or_lasts_a_month(ready, bureau):
    for hours in (0, -3, 700):
        with pytest.raises(Refused):
            rostering.put(bureau, ready, NOW, NOW + timedelta(hours=hours), phone="1")


def test_gaps_are_what_no_main_turn_covers(ready, bureau):
    hour = timedelta(hours=1)
    rostering.put(bureau, ready, NOW + 2 * hour, NOW + 6 * hour, phone="1")
    rostering.put(bureau, ready, NOW + 8 * hour, NOW + 10 * hour, phone="1")
    rostering.put(bureau, ready, NOW, NOW + 10 * hour, phone="1", kind="second")
    found = rostering.gaps(bureau.key, NOW, NOW + 12 * hour)
    assert found == [
        (NOW, NOW + 2 * hour),
        (NOW + 6 * hour, NOW + 8 * hour),
        (NOW + 10 * hour, NOW + 12 * hour),
    ]


def test_a_county_knows_who_is_on_duty_above_and_changes_nothing_there(ready, bureau):
    rostering.put(bureau, ready, NOW, NOW + timedelta(hours=2), phone="0571-1")
    with scope.acting(scope.staff(COUNTY)):
        assert Duty.objects.get().phone == "0571-1"
        assert Duty.objects.update(phone="x") == 0
        assert not Assignment.objects.exists() and not Qualification.objects.exists()
    with scope.acting(scope.staff(OTHER_CITY)):
        assert not Duty.objects.exists()
    with scope.acting(scope.staff(PROVINCE)):
        assert Duty.objects.count() == 1


def test_coverage_counts_certified_positions(ready, bureau):
    other = official(CITY, "operator").account
    qualifying.assign(other, bureau, "network", TODAY)
    assert qualifying.coverage(TODAY) == (1, 2)
