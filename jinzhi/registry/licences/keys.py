"""SM2 keys that sign licences: made here, published, rotated. Private halves lie in files of mode 0600.

A key's number is the beginning of the SM3 digest of its public half, so that a number cannot be given to another
key. Where the private halves may not lie on disk, JINZHI_LICENCE_KEY holds one as `private:public`, hexadecimal.
"""

import os
from datetime import date
from pathlib import Path

import gmssl_pyx
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import history
from jinzhi.foundation.places import scope
from jinzhi.registry.licences.models import SigningKey

USER_ID = "1234567812345678"  # the identity of GB/T 35276 where none is agreed; sm-crypto's default, too
STATES = SigningKey.State


class KeyMissing(RuntimeError):
    """No private half of a key in use is on this machine."""


def folder() -> Path:
    return Path(settings.KEYS) / "licences"


def key_id(public: str) -> str:
    """
    >>> len(key_id("04" + "0" * 128))
    8
    """
    return gmssl_pyx.sm3_hash(bytes.fromhex(public)).hex()[:8]


def private_half(key: SigningKey) -> bytes | None:
    private, _, public = os.environ.get("JINZHI_LICENCE_KEY", "").partition(":")
    if public and key.public in (public.lower(), "04" + public.lower()):
        return bytes.fromhex(private)
    path = folder() / f"{key.pk}.key"
    return bytes.fromhex(path.read_text().strip()) if path.is_file() else None


def signing_key() -> tuple[SigningKey, bytes]:
    """The newest key in use whose private half is here; the first one is made when there has never been any."""
    found = _usable()
    if found is None and not SigningKey.objects.exists():
        ensure()
        found = _usable()
    if found is None:
        raise KeyMissing(
            "本机没有可用的证照签发密钥。请恢复 var/keys，或者执行 jinzhi licences keys new 启用新密钥。"
        )
    return found


def _usable() -> tuple[SigningKey, bytes] | None:
    for key in SigningKey.objects.filter(state=STATES.ACTIVE):
        if private := private_half(key):
            return key, private
    return None


def ensure() -> SigningKey | None:
    """Make the first key, or enter the one given by the environment; answers it when it is new."""
    with scope.acting(scope.SYSTEM), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('licences.keys'))")
        _, _, public = os.environ.get("JINZHI_LICENCE_KEY", "").partition(":")
        if public:
            public = public.lower() if len(public) == 130 else "04" + public.lower()
            if SigningKey.objects.filter(public=public).exists():
                return None
            return _enter(public, note="由环境变量提供")
        if SigningKey.objects.exists():
            return None
        return new(
            note="首次启动时生成", told=False
        )  # part of the installation: nobody's act, so not in the trail


def new(*, note: str = "", actor=None, told: bool = True) -> SigningKey:
    """A fresh key, in use from now on; keys in use before it stay so until they are retired."""
    public, private = gmssl_pyx.sm2_key_generate()
    text = "04" + public.hex()
    path = folder() / f"{key_id(text)}.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_text(private.hex())
    return _enter(text, note=note, actor=actor, told=told)


def _enter(public: str, *, note: str, actor=None, told: bool = True) -> SigningKey:
    with scope.acting(scope.SYSTEM), transaction.atomic():
        key = SigningKey.objects.create(
            id=key_id(public), public=public, valid_from=timezone.localdate(), note=note[:200]
        )
        if told:
            _log("licences.key_new", key, actor)
    return key


def retire(key: SigningKey, *, compromised: bool = False, note: str = "", actor=None) -> SigningKey:
    """Sign no more with this key; with `compromised` nothing it ever signed is believed any longer."""
    with scope.acting(scope.SYSTEM), transaction.atomic():
        key = SigningKey.objects.select_for_update().get(pk=key.pk)
        key.state = STATES.COMPROMISED if compromised else STATES.RETIRED
        key.valid_to = key.valid_to or timezone.localdate()
        key.note = note[:200] or key.note
        key.save()
        _log("licences.key_retired", key, actor)
    return key


def _log(kind: str, key: SigningKey, actor) -> None:
    history.append(
        "registry",
        kind,
        actor=actor,
        subject=f"key:{key.pk}",
        data={"state": str(key.state), "note": key.note},
    )


def sign_with(key: SigningKey, private: bytes, message: bytes) -> bytes:
    """The DER signature with SM3."""
    return gmssl_pyx.sm2_sign(private, bytes.fromhex(key.public)[1:], message)


def genuine(key: SigningKey, message: bytes, signature: bytes) -> bool:
    try:
        return gmssl_pyx.sm2_verify(bytes.fromhex(key.public)[1:], message, signature)
    except gmssl_pyx.GmsslInnerError:  # what is no signature at all
        return False


def believed(key: SigningKey, signed_on: date) -> bool:
    """Whether this key may have signed something on that day."""
    return (
        key.state != STATES.COMPROMISED
        and signed_on >= key.valid_from
        and (key.valid_to is None or signed_on <= key.valid_to)
    )


def published() -> dict:
    """What /.well-known/jinzhi-licence-keys.json says."""
    return {
        "version": 1,
        "algorithm": "SM2-SM3",
        "signature": "DER",
        "user_id": USER_ID,
        "issued_at": timezone.now().isoformat(timespec="seconds"),
        "keys": [
            {
                "id": key.pk,
                "public": key.public,
                "valid_from": key.valid_from.isoformat(),
                "valid_to": key.valid_to.isoformat() if key.valid_to else None,
                "state": str(key.state),
            }
            for key in SigningKey.objects.order_by("created_at")
        ],
    }
