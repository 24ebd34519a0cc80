"""The demonstration province is alive, deterministic, and passes the checks real data would."""

from collections import Counter
from datetime import date

import pytest

from jinzhi.casework import events
from jinzhi.casework.models import Case, Step
from jinzhi.demo import bootstrap, lives
from jinzhi.foundation import codes
from jinzhi.foundation.people.models import Account
from jinzhi.registry.models import Certificate, Enterprise

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


def test_a_small_province_has_people_everywhere_and_cases_in_every_state():
    made = bootstrap.generate(0.06, today=TODAY)
    assert made["enterprises"] == 300 and made["cases"] == 98 + len(lives.LIVES)
    assert Enterprise.objects.values("place").distinct().count() == 90
    for code in Enterprise.objects.exclude(uscc="").values_list("uscc", flat=True):
        assert codes.check("uscc", code).valid, code
    # without a code are only the rows entered twice, and each of them waits in the queue of doubles
    for row in Enterprise.objects.filter(uscc=""):
        assert row.suspected_left.exists() or row.suspected_right.exists(), row
    for number in Certificate.objects.values_list("number", flat=True):
        by_prefix = {"SC": "food_licence", "QS": "food_licence_qs", "TS": "special_equipment_licence"}
        scheme = by_prefix.get(
            number[:2], "measuring_instrument_licence" if "制" in number else "type_approval"
        )
        assert codes.check(scheme, number).valid, number
    assert Certificate.objects.filter(number__startswith="QS", valid_to__lt=TODAY).count() == 6
    wanted = {life.procedure for life in lives.LIVES}
    assert wanted <= set(Case.objects.values_list("procedure__key", flat=True))
    steps = Counter(Step.objects.filter(state="open", kind="user").values_list("key", flat=True))
    assert {"accept", "correction", "site_inspection", "decide"} <= set(steps)
    outcomes = set(Case.objects.filter(state="closed").values_list("outcome", flat=True))
    assert "granted" in outcomes
    assert not [f for case in Case.objects.all() for f in events.faults(case)]
    assert Account.objects.filter(is_demo=True).count() == 11


def test_the_same_seed_gives_the_same_province():
    from django.db import transaction

    def snapshot():
        with transaction.atomic():
            bootstrap.generate(0.02, today=TODAY)
            found = (
                list(Enterprise.objects.order_by("uscc", "name").values_list("uscc", "name")),
                list(Case.objects.order_by("number").values_list("number", "subject_name", "state")),
                list(Certificate.objects.order_by("number").values_list("number", "valid_to")),
            )
            transaction.set_rollback(True)
        return found

    assert snapshot() == snapshot()


@pytest.mark.parametrize("city", ["330100", "330900"])
def test_a_city_s_node_has_its_own_places_only(city):
    made = bootstrap.generate(1, today=TODAY, city=city)
    lo = int(city) * 10**6
    for model in (Enterprise, Certificate, Case):
        assert model.objects.exists()
        assert not model.objects.exclude(place__range=(lo, lo + 99_999_999)).exists(), model
    assert not Account.objects.filter(posts__agency__level="province").exists()
    assert Account.objects.filter(is_demo=True).count() == 11
    assert made["cases"] == Case.objects.count()


def test_the_hub_has_the_provincial_bureau_and_waits_for_the_cities():
    bootstrap.generate(1, today=TODAY, city="330000")
    assert not Enterprise.objects.exists() and not Case.objects.exists()
    assert set(Account.objects.exclude(posts=None).values_list("posts__agency__key", flat=True)) == {"330000"}
    assert Account.objects.filter(username="demo-admin", is_demo=True).exists()
