"""Keys and signatures of partners: Ed25519 with SHA-256, or SM2 with SM3 (GB/T 32918, 32905).

What a request signs is text that any tool can make (see docs/partners.md); what a batch signs is its header as
canonical JSON. This installation signs what it hands out with a key of its own.
"""

import base64
import binascii
import contextlib
import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path

import gmssl_pyx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

SHOWN = 16
_SM2_HEAD = bytes.fromhex(
    "3059301306072a8648ce3d020106082a811ccf5501822d03420004"
)  # SubjectPublicKeyInfo of a point


class BadKey(ValueError):
    """Not a public key of this algorithm; the message says what is wanted."""


def digest(algorithm: str, content: bytes) -> str:
    """The hash that goes with the signature: SHA-256 for ed25519, SM3 for sm2; hexadecimal."""
    if algorithm == "sm2":
        return str(gmssl_pyx.sm3_hash(content).hex())
    return hashlib.sha256(content).hexdigest()


def _decoded(text: str) -> bytes:
    """What a person pastes: PEM, base64 or hexadecimal."""
    text = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----", "", text)
    text = "".join(text.split())
    try:
        if re.fullmatch(r"[0-9A-Fa-f]+", text) and len(text) in (64, 128, 130):
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise BadKey("公钥应为 PEM、Base64 或者十六进制") from None


def read_public(algorithm: str, text: str) -> str:
    """A public key in the form it is kept: hexadecimal (nkey: as it is). Raises BadKey."""
    text = text.strip()
    if "PRIVATE" in text:
        raise BadKey("这是私钥。请只登记公钥，并立即更换这一对密钥")
    if algorithm == "nkey":
        if not re.fullmatch(r"U[A-Z2-7]{55}", text):
            raise BadKey("NKey 公钥是 U 开头的 56 个字符")
        return text
    content = _decoded(text)
    if algorithm == "ed25519":
        if len(content) == 44 and content.startswith(bytes.fromhex("302a300506032b6570032100")):
            content = content[12:]
        if len(content) != 32:
            raise BadKey("Ed25519 公钥应为 32 字节")
        return content.hex()
    if algorithm == "sm2":
        if content.startswith(_SM2_HEAD):
            content = content[len(_SM2_HEAD) :]
        if len(content) == 65 and content[0] == 4:
            content = content[1:]
        if len(content) != 64:
            raise BadKey("SM2 公钥应为 64 字节的点（前面可有 04）")
        return content.hex()
    raise BadKey(f"不认识的算法 {algorithm[:20]}")


def key_id(public: str) -> str:
    """The number of a key: the beginning of the SHA-256 of its kept form."""
    return hashlib.sha256(public.encode()).hexdigest()[:SHOWN]


def verify(algorithm: str, public: str, message: bytes, signature: str) -> bool:
    """Whether `signature` (base64; SM2 as DER) is this key's over `message`."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    if algorithm == "ed25519":
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(raw, message)
        except (InvalidSignature, ValueError):
            return False
        return True
    if algorithm == "sm2":
        try:
            return bool(gmssl_pyx.sm2_verify(bytes.fromhex(public), message, raw))
        except gmssl_pyx.GmsslInnerError:
            return False
    return False


# -- this installation's own key


@lru_cache(maxsize=4)
def _own(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_bytes(fresh)
        with contextlib.suppress(FileExistsError):  # another process was quicker: its key stays
            os.link(draft, path)
        draft.unlink()
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def own_key() -> Ed25519PrivateKey:
    return _own(Path(settings.KEYS) / "partners" / "gateway.pem")


def own_public() -> str:
    """Hexadecimal; partners check receipts and files with it."""
    raw = own_key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


def sign(message: bytes) -> str:
    """This installation's Ed25519 signature, base64."""
    return base64.b64encode(own_key().sign(message)).decode()


def canonical(said: dict) -> bytes:
    """The bytes of a description or receipt that are signed: all but the signature, keys sorted, no spaces, UTF-8."""
    kept = {key: value for key, value in said.items() if key != "signature"}
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return text.encode("utf-8", "replace")
