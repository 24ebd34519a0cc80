"""The signed text: its one writing, what is found out about a changed one, keys and their rotation."""

import base64
import json
from datetime import timedelta

import gmssl_pyx
import pytest
from django.db import connection
from django.utils import timezone

from jinzhi.foundation.places import scope
from jinzhi.registry import certificates
from jinzhi.registry.licences import keys, payload, status_list
from jinzhi.registry.licences.models import SignedFace, SigningKey
from jinzhi.registry.models import Certificate

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_keys(settings, tmp_path):
    """A key store of this test's own with one fresh key."""
    settings.KEYS = tmp_path / "keys"
    with scope.acting(scope.SYSTEM):
        SigningKey.objects.update(state="retired")
    return keys.new(note="试验")


def forged(token: str, **changed) -> str:
    """The text with other members under the old signature."""
    _, signature, face = payload.split(token)
    return payload.join(payload.text_of(payload.Face(**(vars(face) | changed))), signature)


def test_the_text_says_what_stands_on_the_face(certificate):
    reading = payload.read(payload.token(certificate))
    assert reading.genuine
    face = reading.face
    assert (face.number, face.holder, face.scope) == (
        certificate.number,
        certificate.holder_name,
        "茶叶及相关制品",
    )
    assert (face.valid_from, face.valid_to, face.face_version) == (20240110, 20290109, 1)


def test_one_face_is_signed_once(certificate):
    assert payload.token(certificate) == payload.token(certificate)
    assert SignedFace.objects.filter(certificate=certificate).count() == 1


def test_the_qr_of_a_long_face_still_fits_a_printed_square(certificate):
    import segno

    certificate.holder_name, certificate.premises = "某" * 40, "浙江省某市某区某街道" * 9
    text = "https://zlzj.example.gov.cn" + payload.verification_path(certificate)
    assert segno.make(text, error="m", micro=False).version <= 25


@pytest.mark.parametrize(
    "change",
    [{"holder": "别人"}, {"valid_to": 20991231}, {"number": "SC11464010500015"}, {"face_version": 2},
     {"scope": "婴幼儿配方食品"}],
)  # fmt: skip
def test_a_changed_member_is_found_out(certificate, change):
    assert payload.read(forged(payload.token(certificate), **change)).state == "forged"


def test_every_changed_character_is_found_out(certificate):
    token = payload.token(certificate)
    for n in range(0, len(token), 7):
        other = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :]
        assert not payload.read(other).genuine, n


def test_a_text_signed_by_a_stranger_names_no_key_of_ours(certificate):
    public, private = gmssl_pyx.sm2_key_generate()
    own = keys.key_id("04" + public.hex())
    message = payload.text_of(payload.face(certificate, own, timezone.localdate()))
    stranger = payload.join(message, gmssl_pyx.sm2_sign(private, public, message))
    assert payload.read(stranger).state == "unknown_key"
    ours = SigningKey.objects.first().pk  # the stranger says that it was our key
    message = payload.text_of(payload.face(certificate, ours, timezone.localdate()))
    assert payload.read(payload.join(message, gmssl_pyx.sm2_sign(private, public, message))).state == "forged"


@pytest.mark.parametrize(
    "members",
    [[], {}, [1], [2] + [0] * 14, [1] + ["x"] * 14, [1] + [None] * 14, [True, "a"] + [1] * 13, "x", 7],
)
def test_what_is_no_licence_is_malformed(db, members):
    raw = json.dumps(members).encode()
    text = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert payload.read(f"{text}.AAAA").state == "malformed"


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "é.é", "A" * 5000, "=.=", "WzFd.", "[" * 3000 + "."])
def test_garbage_is_malformed(db, text):
    assert payload.read(text).state == "malformed"


def test_a_retired_key_keeps_what_it_signed_and_signs_no_more(own_keys, certificate):
    first = payload.token(certificate)
    second = keys.new()
    keys.retire(own_keys)
    assert payload.read(first).genuine
    assert payload.token(certificate) == first, "an old face is not signed again"
    certificates.decide(certificate, "alter", effective_on=timezone.localdate(), address="新址")
    certificate.refresh_from_db()
    assert payload.read(payload.token(certificate)).key == second


def test_a_key_signs_nothing_after_its_last_day(own_keys, certificate):
    token = payload.token(certificate)
    SigningKey.objects.filter(pk=own_keys.pk).update(
        state="retired",
        valid_from=timezone.localdate() - timedelta(9),
        valid_to=timezone.localdate() - timedelta(1),
    )
    assert payload.read(token).state == "bad_key"


def test_a_compromised_key_is_believed_in_nothing_and_faces_are_signed_anew(own_keys, certificate):
    token = payload.token(certificate)
    keys.new()
    keys.retire(own_keys, compromised=True)
    assert payload.read(token).state == "bad_key"
    assert payload.read(payload.token(certificate)).genuine


def test_private_halves_are_readable_by_nobody_else_and_never_published(own_keys):
    path = keys.folder() / f"{own_keys.pk}.key"
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_text() not in json.dumps(keys.published())


def test_a_server_without_the_private_half_says_so(own_keys, certificate):
    (keys.folder() / f"{own_keys.pk}.key").unlink()
    with pytest.raises(keys.KeyMissing, match="jinzhi licences keys new"):
        payload.token(certificate)


def test_a_key_may_come_from_the_environment(settings, tmp_path, monkeypatch, certificate):
    settings.KEYS = tmp_path
    SigningKey.objects.update(state="retired")
    public, private = gmssl_pyx.sm2_key_generate()
    monkeypatch.setenv("JINZHI_LICENCE_KEY", f"{private.hex()}:{public.hex()}")
    made = keys.ensure()
    assert made and keys.ensure() is None and not list(tmp_path.iterdir())
    assert payload.read(payload.token(certificate)).key == made


def test_the_list_names_what_ended_early_and_is_signed(certificate):
    assert certificate.number not in status_list.issue().body
    certificates.decide(certificate, "suspend", effective_on=timezone.localdate())
    made = status_list.issue()
    body = json.loads(made.body)
    assert body["ended"][certificate.number][0] == "suspended"
    signature = base64.urlsafe_b64decode(made.signature + "==")
    assert keys.genuine(made.key, made.body.encode(), signature)
    certificates.decide(certificate, "resume", effective_on=timezone.localdate())
    certificates.decide(certificate, "alter", effective_on=timezone.localdate(), address="新址")
    body = json.loads(status_list.issue().body)
    assert certificate.number not in body["ended"] and body["faces"][certificate.number] == 2


def test_a_young_list_is_published_again_until_something_is_decided(certificate):
    first = status_list.newest()
    assert status_list.newest() == first
    certificates.decide(certificate, "revoke", effective_on=timezone.localdate())
    assert certificate.number in status_list.newest().body, "nobody waits for the next hour"


@pytest.mark.django_db(transaction=True)
def test_the_list_is_read_by_its_own_index(certificate, test_database):
    Certificate.objects.bulk_create(
        Certificate(
            number=f"T{n}", kind="food_production", holder=certificate.holder, place=certificate.place,
            valid_to=certificate.valid_to, status="revoked" if n % 500 == 0 else "valid",
        )
        for n in range(5000)
    )  # fmt: skip
    with test_database.cluster.connect(test_database.name) as administrator:
        administrator.execute("ANALYZE registry_certificate")
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN {status_list._ENTRIES}", {"ended": ["revoked"], "today": timezone.localdate()}
        )
        assert "certificate_listed" in str(cursor.fetchall())
    assert len(json.loads(status_list.issue().body)["ended"]) == 10


def test_the_public_may_ask_for_all_of_it_without_signing_in(client, certificate):
    answer = client.get("/.well-known/jinzhi-licence-keys.json")
    assert answer.json()["keys"] and answer["Access-Control-Allow-Origin"] == "*"
    listed = client.get("/.well-known/jinzhi-licence-status.json").json()
    assert json.loads(listed["body"])["fresh_until"] and listed["signature"]
    answer = client.get(f"/api/v1/licences/{certificate.number.lower()}/payload").json()
    assert payload.read(answer["payload"]).genuine and answer["face"]["number"] == certificate.number
    assert answer["url"].endswith(f"/verify/{certificate.number}?t={answer['payload']}")
    assert answer["metadata"]["certificateHolderCode"] == certificate.holder_code
    assert "内部" not in json.dumps(answer, ensure_ascii=False)
    assert client.get("/api/v1/licences/nothing/payload").status_code == 404


def test_nobody_writes_keys_or_signed_faces_but_the_system(certificate):
    from django.db import DatabaseError, transaction

    for face in (scope.PUBLIC, scope.staff(330106_000000), scope.enterprise(certificate.holder_id)):
        with scope.acting(face), pytest.raises(DatabaseError), transaction.atomic():
            SigningKey.objects.update(state="active")
        with scope.acting(face), pytest.raises(DatabaseError), transaction.atomic():
            SignedFace.objects.update(token="x")
