"""A partner's program, written from docs/partners.md alone: it imports nothing of the project."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime

import gmssl_pyx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Partner:
    """Signs requests; `send(method, path, query, headers, body)` carries them."""

    def __init__(self, code, send, algorithm="ed25519"):
        self.code, self.send, self.algorithm = code, send, algorithm
        if algorithm == "sm2":
            self.public, self.private = gmssl_pyx.sm2_key_generate()
        else:
            self.private = Ed25519PrivateKey.generate()

    @property
    def public_text(self):
        if self.algorithm == "sm2":
            return "04" + self.public.hex()
        return (
            self.private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def sign(self, message):
        if self.algorithm == "sm2":
            return base64.b64encode(gmssl_pyx.sm2_sign(self.private, self.public, message)).decode()
        return base64.b64encode(self.private.sign(message)).decode()

    def headers(self, method, path, query, body, **change):
        said = {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"), "nonce": secrets.token_hex(16),
            "partner": self.code,
        } | change  # fmt: skip
        digest = (
            gmssl_pyx.sm3_hash(body).hex() if self.algorithm == "sm2" else hashlib.sha256(body).hexdigest()
        )
        text = "\n".join(
            ("JINZHI-1", method, path, query, said["timestamp"], said["nonce"], said["partner"], digest)
        )
        return {
            "X-Jinzhi-Partner": said["partner"], "X-Jinzhi-Timestamp": said["timestamp"], "X-Jinzhi-Nonce": said["nonce"],
            "X-Jinzhi-Signature": self.sign(text.encode()),
        }  # fmt: skip

    def ask(self, method, path, query="", data=None, **change):
        body = b"" if data is None else json.dumps(data, ensure_ascii=False).encode()
        return self.send(method, path, query, self.headers(method, path, query, body, **change), body)

    def get(self, path, query="", **change):
        return self.ask("GET", f"/api/v1/partner{path}", query, **change)

    def post(self, path, data, **change):
        return self.ask("POST", f"/api/v1/partner{path}", "", data, **change)
