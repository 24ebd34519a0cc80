"""Archives and certificates as they are read: one statement, the right columns for each face."""

from datetime import date

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.models import Certificate, Enterprise, Identifier

from .conftest import TEA, WESTLAKE

pytestmark = pytest.mark.django_db

PRIVATE = {"remark", "version", "contacts"}


def test_an_archive_tells_identity_numbers_and_certificates(certificate, enterprise):
    found = services.archive(enterprise)
    assert found["name"] == enterprise.name and found["status_name"] == "存续"
    assert found["place_name"] == "浙江省 / 杭州市 / 西湖区"
    assert {i["scheme"] for i in found["identifiers"]} == {"uscc", "organization_code"}
    (held,) = found["certificates"]
    assert held["number"] == "SC11333019700024" and held["kind_name"] == "食品生产许可证"
    assert held["items"] == [TEA]


def test_the_public_reads_no_inner_column(certificate, enterprise):
    with scope.acting(scope.PUBLIC):
        found = services.archive(enterprise.uscc)
        assert PRIVATE.isdisjoint(found)
        assert "case_number" not in found["certificates"][0]
        assert "内部" not in services.archive_json(enterprise.uscc)
        with pytest.raises(DatabaseError):
            services.archive(enterprise.uscc, inner=True)


@pytest.mark.parametrize("column", ["remark", "version", "owner_node", "*"])
def test_the_database_itself_refuses_inner_columns_to_the_public(enterprise, column):
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM registry_enterprise")


def test_the_public_writes_nothing(enterprise):
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_enterprise SET name = 'x'")


def test_contacts_have_no_public_face(enterprise):
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM registry_enterprisecontact")


def test_officials_see_inner_columns_in_their_place_only(certificate, enterprise):
    with scope.acting(scope.staff(330106_000000)):
        found = services.archive(enterprise, inner=True)
        assert found["remark"] == "内部备注不公开" and found["contacts"][0]["phone"] == "13800000000"
        assert found["certificates"][0]["case_number"] == "内部办件号"
    with scope.acting(scope.staff(330113_000000)):
        assert services.archive(enterprise, inner=True) is None
    for place in (330100_000000, 330000_000000):
        with scope.acting(scope.staff(place)):
            assert services.archive(enterprise, inner=True)["contacts"]


def test_an_enterprise_reads_its_own_and_changes_nothing(certificate, enterprise):
    other = Enterprise.objects.create(name="别家", place=WESTLAKE)
    with scope.acting(scope.enterprise(enterprise.pk)):
        assert services.archive(enterprise, inner=True)["contacts"]
        assert services.archive(other, inner=True) is None
        assert Enterprise.objects.update(name="改名") == 0
        assert Certificate.objects.update(status="valid") == 0
        assert services.certificate(certificate.number)["certificate"]["items"]


def test_reading_contacts_leaves_a_trace(enterprise):
    from jinzhi.foundation.history.models import AuditEntry

    services.inner_archive(enterprise, actor="张三", address="10.0.0.1")
    entry = AuditEntry.objects.filter(chain="personal-data").latest("seq")
    assert entry.subject == f"enterprise:{enterprise.pk}" and entry.actor == "张三"


def test_an_archive_is_one_statement(certificate, enterprise):
    with CaptureQueriesContext(connection) as queries:
        services.archive(enterprise.uscc)
    assert len(queries) == 0  # bound on the server, past Django's own cursor: one round trip


def test_unknown_codes_find_nothing(db):
    for key in ("91330100723456781Y", "", "x" * 3000, "'; --", "00000000-0000-0000-0000-000000000000"):
        assert services.archive(key) is None
        assert services.find_enterprise(key) is None


@pytest.mark.parametrize(
    "number",
    ["SC11333019700024", "sc11333019700024", "ＳＣ１１３３３０１９７０００２４", "SC 1133301-9700024"],
)
def test_a_certificate_is_found_in_any_writing(certificate, number):
    found = services.certificate(number)
    assert found["certificate"]["number"] == "SC11333019700024"
    assert found["holder"]["name"] == "杭州西湖龙井食品有限公司"


def test_a_number_the_holder_is_registered_under_leads_to_its_latest_certificate(certificate, enterprise):
    Identifier.objects.create(
        enterprise=enterprise, place=WESTLAKE, scheme="us-chicago-licence", value="1475890"
    )
    assert services.certificate("1475890")["certificate"]["number"] == "SC11333019700024"
    assert services.certificate(enterprise.uscc) is None


@pytest.mark.parametrize(
    ("on", "status"),
    [
        (date(2024, 1, 9), "future"),
        (date(2024, 1, 10), "valid"),
        (date(2029, 1, 9), "valid"),
        (date(2029, 1, 10), "expired"),
    ],
)
def test_expiry_is_worked_out_on_the_day_it_is_read(certificate, on, status):
    assert services.certificate(certificate.number, on=on)["certificate"]["status"] == status
    assert certificate.state(on) == status
    assert certificate.in_force(on) is (status == "valid")
