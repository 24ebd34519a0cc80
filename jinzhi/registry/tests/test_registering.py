"""Entering enterprises and certificates: checked, once, and the four ways a certificate ends kept apart."""

from datetime import date

import pytest

from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, kinds, services
from jinzhi.registry.licences import payload
from jinzhi.registry.models import Certificate, Enterprise

from .conftest import LINPING, WESTLAKE

pytestmark = pytest.mark.django_db

DAY = date(2026, 6, 1)
USCC = "91330100723456781Y"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"name": "", "place": WESTLAKE}, "name"),
        ({"name": "甲" * 201, "place": WESTLAKE}, "name"),
        ({"name": "甲", "place": 330104_000000}, "place"),
        ({"name": "甲", "place": 1}, "place"),
        ({"name": "甲", "place": WESTLAKE, "uscc": "913301007234567810"}, "uscc"),
        (
            {"name": "甲", "place": WESTLAKE, "uscc": "91330100723456781Y", "org_code": "732000014"},
            "org_code",
        ),
    ],
)
def test_what_cannot_be_entered_is_refused_by_field(facts, field):
    with pytest.raises(services.Refused) as refused:
        services.register_enterprise(**facts)
    assert set(refused.value.problems) == {field}
    assert not Enterprise.objects.exists()


def test_the_same_code_is_not_entered_twice(enterprise):
    with pytest.raises(services.AlreadyRegistered) as known:
        services.register_enterprise(name="别名", place=LINPING, uscc="９１33010072345678 1y")
    assert known.value.enterprise == enterprise


def test_a_code_registered_in_a_place_one_cannot_see_is_refused_too(enterprise):
    with scope.acting(scope.staff(330113_000000)), pytest.raises(services.Refused):
        services.register_enterprise(name="别名", place=LINPING, uscc="91330100723456781Y")


def test_one_known_by_its_organisation_code_receives_its_credit_code(db):
    old = services.register_enterprise(name="杭州甲制造有限公司", place=WESTLAKE, org_code="73200001-4")
    assert services.archive("91330100732000014Q")["org_code"] == "732000014"
    assert services.find_enterprise("91330100732000014q") == old
    new = services.register_enterprise(
        name="杭州甲制造有限责任公司", place=WESTLAKE, uscc="91330100732000014Q"
    )
    assert new.pk == old.pk and Enterprise.objects.count() == 1
    wrong = "91330100732000014A"
    assert services.archive(wrong) is None and services.find_enterprise(wrong) is None
    found = services.archive("732000014")
    assert found["name"] == "杭州甲制造有限责任公司" and found["uscc"] == "91330100732000014Q"
    assert {i["value"] for i in found["identifiers"]} == {"732000014", "91330100732000014Q"}


def test_same_names_with_different_codes_stay_apart(db):
    one = services.register_enterprise(name="同名公司", place=WESTLAKE, uscc="91330100732000014Q")
    two = services.register_enterprise(name="同名公司", place=WESTLAKE, uscc="913301007882999916")
    assert one.pk != two.pk


def test_a_number_with_a_wrong_check_digit_is_not_issued(enterprise):
    with pytest.raises(services.Refused) as refused:
        certificates.issue(number="SC11333019700025", kind="food_production", holder=enterprise)
    assert "number" in refused.value.problems


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"kind": "no_such_kind"}, "kind"),
        ({"number": " "}, "number"),
        ({"valid_from": date(2026, 1, 2), "valid_to": date(2026, 1, 1)}, "valid_to"),
    ],
)
def test_a_certificate_that_cannot_be_is_refused(enterprise, facts, field):
    given = {"number": "SC11333019700024", "kind": "food_production"} | facts
    with pytest.raises(services.Refused) as refused:
        certificates.issue(holder=enterprise, **given)
    assert field in refused.value.problems


def test_issuing_the_same_number_again_answers_the_one_issued(certificate, enterprise):
    again = certificates.issue(number="SC11333019700024", kind="food_production", holder=enterprise)
    assert again.pk == certificate.pk and Certificate.objects.count() == 1
    other = services.register_enterprise(name="别家", place=WESTLAKE)
    with pytest.raises(services.Refused):
        certificates.issue(number="SC11333019700024", kind="food_production", holder=other)
    with pytest.raises(services.Refused):
        certificates.issue(number="SC1133301970002４", kind="food_production", holder=other)


ENDS = {"withdraw": "withdrawn", "revoke": "revoked", "punish": "punished", "cancel": "cancelled"}


@pytest.mark.parametrize(("act", "status"), ENDS.items())
def test_the_four_ends_are_four_states(certificate, act, status):
    certificates.decide(certificate, act, effective_on=DAY, reason="理由", document_number="处罚〔2026〕1号")
    found = services.certificate(certificate.number)["certificate"]
    assert found["status"] == status and found["changes"][0]["act_name"] == kinds.acts()[act].name
    certificate.refresh_from_db()
    assert certificate.state(date(2026, 5, 31)) == "valid"
    assert certificate.state(DAY) == status


def test_cancelling_is_a_formality_that_follows_the_other_three(certificate):
    for act, later in (("withdraw", ["cancel"]), ("cancel", [])):
        certificates.decide(certificate, act, effective_on=DAY)
        for other in set(kinds.acts()) - set(later):
            with pytest.raises(services.Refused):
                certificates.decide(
                    certificate, other, effective_on=DAY, document_number="文号", **(
                        {"valid_to": date(2031, 1, 1)} if other == "renew" else {}
                    ),
                )  # fmt: skip
    certificate.refresh_from_db()
    assert [c.act for c in certificate.changes.all()] == ["withdraw", "cancel"]
    assert certificate.state(date(2026, 5, 1)) == "valid"


def test_a_penalty_names_its_decision(certificate):
    with pytest.raises(services.Refused) as refused:
        certificates.decide(certificate, "punish", effective_on=DAY)
    assert "document_number" in refused.value.problems


def test_a_decision_is_not_dated_before_the_last_one(certificate):
    certificates.decide(certificate, "suspend", effective_on=DAY)
    with pytest.raises(services.Refused):
        certificates.decide(certificate, "resume", effective_on=date(2026, 5, 1))
    certificates.decide(certificate, "resume", effective_on=date(2026, 7, 1))
    certificate.refresh_from_db()
    assert certificate.state(date(2026, 6, 15)) == "suspended"
    assert certificate.in_force(date(2026, 7, 1))


def test_an_expired_certificate_can_be_renewed_or_cancelled_only(certificate):
    late = date(2030, 1, 1)
    for act in ("suspend", "alter"):
        with pytest.raises(services.Refused):
            certificates.decide(certificate, act, effective_on=late)
    with pytest.raises(services.Refused):
        certificates.decide(certificate, "renew", effective_on=late)
    certificates.decide(certificate, "renew", effective_on=late, valid_to=date(2034, 12, 31))
    certificate.refresh_from_db()
    assert certificate.in_force(date(2034, 12, 31)) and certificate.face_version == 2


def test_changes_are_never_edited(certificate):
    from django.db import DatabaseError

    certificates.decide(certificate, "cancel", effective_on=DAY)
    with pytest.raises(DatabaseError):
        certificate.changes.update(act="revoke")


def test_a_new_face_makes_former_qr_marks_old_but_not_false(certificate):
    first = certificate.qr_token
    assert payload.read(first).face.face_version == 1
    certificates.decide(certificate, "alter", effective_on=DAY, address="新址", items=[{"category": "糕点"}])
    certificate.refresh_from_db()
    assert certificate.qr_token != first
    assert payload.read(first).genuine and payload.read(first).face.face_version == 1
    assert payload.read(certificate.qr_token).face.scope == "糕点"
    assert [i.category for i in certificate.items.all()] == ["糕点"]
