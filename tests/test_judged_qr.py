"""The signed QR seen from outside: OpenSSL agrees with the published key, a phone whose clock is behind is told so."""

import base64
import json
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jinzhi.registry import certificates
from jinzhi.registry.licences import payload
from jinzhi.services.licensing.tests import world

# a public key on sm2p256v1: SubjectPublicKeyInfo up to the point
HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
NUMBER = "SC11333019700024"


def issued(**facts):
    today = timezone.localdate()
    given = {
        "valid_from": today - timedelta(400),
        "valid_to": today + timedelta(400),
        "issued_on": today,
    } | facts
    holder = world.enterprise()
    return certificates.issue(
        number=NUMBER, kind="food_production", holder=holder, agency_name="杭州市西湖区市场监督管理局",
        items=[{"category": "茶叶及相关制品"}], **given,
    )  # fmt: skip


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def believed(message: bytes, signature: bytes, public: str, user: str, folder) -> bool:
    """What OpenSSL makes of it."""
    (folder / "key.der").write_bytes(HEAD + bytes.fromhex(public))
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER", "-rawin", "-digest", "sm3",
               "-in", "message", "-sigfile", "signature", "-pkeyopt", f"distid:{user}"]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.django_db
@pytest.mark.skipif(not shutil.which("openssl"), reason="no OpenSSL here")
def test_another_implementation_believes_the_text_and_no_altered_one(tmp_path):
    issued()
    told = Client().get(f"/api/v1/licences/{NUMBER}/payload").json()
    published = Client().get("/.well-known/jinzhi-licence-keys.json").json()
    message, signature = map(decoded, told["payload"].split("."))
    face = json.loads(message)
    key = next(k for k in published["keys"] if k["id"] == face[1])
    user = published["user_id"]
    assert NUMBER in face and believed(message, signature, key["public"], user, tmp_path)
    for change in (lambda m: m.replace(b"2026", b"2036", 1), lambda m: m + b" ", lambda m: m[:-1]):
        assert not believed(change(message), signature, key["public"], user, tmp_path)
    status = Client().get("/.well-known/jinzhi-licence-status.json").json()
    signer = next(k for k in published["keys"] if k["id"] == status["key"])
    assert believed(status["body"].encode(), decoded(status["signature"]), signer["public"], user, tmp_path)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("behind", "state"), [(timedelta(days=30), "clock"), (timedelta(), "expired")])
def test_a_phone_whose_clock_is_behind_calls_nothing_valid(phone, live, behind, state):
    """Set back by a month the phone would find a licence in force that ended yesterday."""
    certificate = issued(valid_to=timezone.localdate() - timedelta(1))
    phone.clock.set_fixed_time(timezone.now() - behind)
    phone.goto("/verify/")
    phone.get_by_text("已保存到这部手机").wait_for()
    phone.context.set_offline(True)
    phone.goto(payload.verification_path(certificate))
    phone.wait_for_selector("#verdict:not([hidden])")
    assert phone.get_attribute("#verdict", "data-state") == state
    assert "verdict-good" not in phone.get_attribute("#verdict", "class")
    phone.context.set_offline(False)
