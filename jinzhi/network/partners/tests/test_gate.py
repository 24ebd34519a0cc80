"""The gate of the signed interface: forged, replayed, late, oversized, unknown, switched off."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from jinzhi.foundation import calendar
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.people.tests import cast
from jinzhi.foundation.places import scope
from jinzhi.network.partners import gate, partnering, signatures
from jinzhi.network.partners.models import Call, Key, Partner
from jinzhi.network.partners.tests import client
from jinzhi.network.partners.tests.conftest import batch, carry, ready

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["shanghai", "jiangsu"])
def test_a_signed_request_is_let_in(who, request):
    program = request.getfixturevalue(who)
    answer = program.get("/me")
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["code"] == who and {g["direction"] for g in said["grants"]} == {"in", "out"}
    assert Call.objects.filter(partner__code=who, status=200, what="查询自身状态").exists()


def test_a_pem_a_hex_and_a_base64_key_are_the_same():
    program = client.Partner("x", carry)
    pem = program.public_text
    hexed = signatures.read_public("ed25519", pem)
    assert signatures.read_public("ed25519", hexed) == hexed and len(hexed) == 64
    with pytest.raises(signatures.BadKey, match="私钥"):
        signatures.read_public("ed25519", "-----BEGIN PRIVATE KEY-----\nabc")
    for algorithm, text in (
        ("ed25519", "abc"),
        ("sm2", hexed),
        ("nkey", hexed),
        ("rsa", hexed),
        ("ed25519", "中文"),
    ):
        with pytest.raises(signatures.BadKey):
            signatures.read_public(algorithm, text)


def test_without_signature_nobody_comes_in(shanghai):
    assert carry("GET", "/api/v1/partner/me", "", {}, b"").status_code == 401
    headers = shanghai.headers("GET", "/api/v1/partner/me", "", b"")
    for missing in headers:
        rest = {name: value for name, value in headers.items() if name != missing}
        assert carry("GET", "/api/v1/partner/me", "", rest, b"").status_code == 401


def test_a_forged_signature_is_refused_and_kept(shanghai):
    stranger = client.Partner("shanghai", carry)
    answer = stranger.get("/me")
    assert answer.status_code == 401 and "不符" in answer.json()["message"]
    assert Call.objects.filter(partner__code="shanghai", status=401).count() == 1
    assert client.Partner("nobody", carry).get("/me").json()["message"] == answer.json()["message"]
    assert client.Partner("' or 1=1 --", carry).get("/me").status_code == 401
    assert client.Partner("samr", carry).get("/me").status_code == 401  # known, without a key


def test_one_partner_cannot_sign_for_another(shanghai, jiangsu):
    shanghai.code = "jiangsu"
    assert shanghai.get("/me").status_code == 401


def test_every_signed_part_counts(shanghai):
    path, body = "/api/v1/partner/messages", b""
    headers = shanghai.headers("GET", path, "limit=5", body)
    assert carry("GET", path, "limit=6", headers, body).status_code == 401
    assert carry("GET", "/api/v1/partner/me", "limit=5", headers, body).status_code == 401
    assert carry("POST", path, "limit=5", headers, body).status_code in (401, 405)
    pushed = shanghai.headers("POST", "/api/v1/partner/batches", "", b"{}")
    assert carry("POST", "/api/v1/partner/batches", "", pushed, b"{ }").status_code == 401
    assert carry("GET", path, "limit=5", headers, body).status_code == 200


def test_a_replayed_request_is_refused_once_taken(shanghai):
    headers = shanghai.headers("GET", "/api/v1/partner/me", "", b"")
    assert carry("GET", "/api/v1/partner/me", "", headers, b"").status_code == 200
    again = carry("GET", "/api/v1/partner/me", "", headers, b"")
    assert again.status_code == 409 and "重放" in again.json()["message"]


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_wrong_by_a_day_is_told_so(shanghai, days):
    wrong = (datetime.now(UTC) + timedelta(days)).isoformat()
    answer = shanghai.get("/me", timestamp=wrong)
    assert answer.status_code == 401 and "校准时钟" in answer.json()["message"]


@pytest.mark.parametrize("text", ["now", "2026-11-23T02:00:00", "99999999999999", "", "-1", "²"])
def test_a_time_that_is_none_is_refused(shanghai, text):
    assert shanghai.get("/me", timestamp=text).status_code == 401


def test_unix_seconds_will_do(shanghai):
    assert shanghai.get("/me", timestamp=str(int(timezone.now().timestamp()))).status_code == 200


@pytest.mark.parametrize("nonce", ["short", "x" * 65, "空" * 20, "a b" * 8])
def test_a_nonce_has_a_form(shanghai, nonce):
    assert shanghai.get("/me", nonce=nonce).status_code == 401


def test_an_oversized_request_is_refused_by_its_length(shanghai):
    Partner.objects.filter(code="shanghai").update(max_payload=10_000)
    answer = shanghai.post("/batches", batch("B1") | {"padding": "x" * 20_000})
    assert answer.status_code == 413 and "E10" in answer.json()["message"]


def test_whoever_is_switched_off_is_refused(shanghai):
    partner = Partner.objects.get(code="shanghai")
    partnering.switch_off(None, partner, "协议到期")
    answer = shanghai.get("/me")
    assert answer.status_code == 403 and "停用" in answer.json()["message"]
    partnering.switch_on(None, partner)
    assert shanghai.get("/me").status_code == 200


def test_a_revoked_and_an_expired_key_open_nothing(shanghai):
    key = Key.objects.get(partner__code="shanghai")
    Key.objects.filter(pk=key.pk).update(valid_to=calendar.today() - timedelta(1))
    assert "到期" in shanghai.get("/me").json()["message"]
    Key.objects.filter(pk=key.pk).update(valid_to=calendar.today())
    assert shanghai.get("/me").status_code == 200
    partnering.revoke_key(None, key)
    assert shanghai.get("/me").status_code == 401
    with pytest.raises(Refused, match="已经停用"):
        partnering.revoke_key(None, key)


def test_addresses_outside_what_was_agreed_are_refused(shanghai):
    partner = Partner.objects.get(code="shanghai")
    with pytest.raises(Refused, match="网段"):
        partnering.change(None, partner, {"addresses": ["somewhere"]})
    partnering.change(None, partner, {"addresses": ["10.9.0.0/16"]})
    assert shanghai.get("/me").status_code == 403
    partnering.change(None, partner, {"addresses": ["127.0.0.0/8"]})
    assert shanghai.get("/me").status_code == 200


def test_the_rate_is_kept_to_and_others_go_on(shanghai, jiangsu):
    Partner.objects.filter(code="shanghai").update(rate=3)
    assert [shanghai.get("/me").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert jiangsu.get("/me").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_connections_are_counted_over_all_processes():
    with scope.acting(scope.SYSTEM):
        ready("cnca", gives=("cnca.certificate",))
        Partner.objects.filter(code="cnca").update(connections=1)
        partner = Partner.objects.get(code="cnca")
        other = connections.create_connection("default")
        try:
            lock = [gate.SLOT_CLASS, gate.first_slot(partner)]
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
                with pytest.raises(gate.Denied, match="同时连接"), gate.slot(partner):
                    pass
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
        finally:
            other.close()
        with gate.slot(partner):
            pass
        with gate.slot(partner):
            pass
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s",
                [gate.SLOT_CLASS],
            )
            assert cursor.fetchone()[0] == 0


# -- setting up


def test_a_partner_is_switched_on_only_with_key_and_grant():
    partner = Partner.objects.get(code="cnca")
    with pytest.raises(Refused, match="签名公钥；没有任何有效的数据授权"):
        partnering.switch_on(None, partner)
    with pytest.raises(Refused, match="NKey"):
        partnering.switch_on(None, Partner.objects.get(code="samr"))


def test_who_sets_up_and_who_gives_keys():
    partner = Partner.objects.get(code="cnca")
    county = cast.actor(cast.person("county", cast.WEST_LAKE, "administrator"))
    with pytest.raises(Refused, match="中心节点"):
        partnering.change(county, partner, {"rate": 5})
    admin = cast.actor(cast.person("admin", cast.PROVINCE, "administrator"))
    guard = cast.actor(cast.person("guard", cast.PROVINCE, "security_administrator"))
    text = client.Partner("cnca", carry).public_text
    with pytest.raises(Refused, match="安全管理"):
        partnering.add_key(admin, partner, algorithm="ed25519", text=text)
    with pytest.raises(Refused, match="系统管理"):
        partnering.change(guard, partner, {"rate": 5})
    key = partnering.add_key(guard, partner, algorithm="ed25519", text=text)
    with pytest.raises(Refused, match="已经登记过"):
        partnering.add_key(guard, partner, algorithm="ed25519", text=text)
    assert partnering.change(admin, partner, {"rate": 5}).rate == 5
    with pytest.raises(Refused, match="有效期"):
        partnering.add_key(
            guard, partner, algorithm="sm2", text=client.Partner("c", carry, "sm2").public_text,
            valid_to=calendar.today() + timedelta(4000),
        )  # fmt: skip
    assert key.valid_to > calendar.today()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_payload", 1),
        ("rate", 0),
        ("connections", 1000),
        ("max_unacknowledged", 1),
        ("accepts", ["pigeon"]),
    ],
)
def test_limits_have_limits(field, value):
    with pytest.raises(Refused):
        partnering.change(None, Partner.objects.get(code="cnca"), {field: value})


def test_a_code_is_taken_once_and_has_a_form():
    for code in ("CNCA", "x", "a" * 13, "330100", "a.b", "cnca", "中"):
        with pytest.raises(Refused):
            partnering.create(None, code=code, name="某局", kind="other", area=0)
    assert not partnering.create(
        None, code="tax", name="税务局", kind="department", area=330000_000000
    ).is_open


def test_no_official_outside_the_province_reads_partners():
    with scope.acting(scope.staff(330106_000000)):
        assert not Partner.objects.exists() and not Key.objects.exists() and not Call.objects.exists()
