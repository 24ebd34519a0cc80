"""Keys and certificates: the hub's own authority, TLS client certificates, nkeys, SM2 keys that sign batches.

The authority is a private one: it vouches for nodes and partners of this network and for nothing else.
"""

import base64
import hashlib
import ipaddress
import os
from datetime import UTC, datetime, timedelta

import gmssl_pyx
import nkeys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jinzhi.network import folder

USER_ID = "1234567812345678"  # GB/T 35276, where no other is agreed
BACKDATED = timedelta(days=1)  # a clock that lags a little still takes a new certificate
AUTHORITY_YEARS = 20


class KeyFault(RuntimeError):
    """A key or certificate cannot be used; the sentence says which."""


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Jinzhi quality network"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def make_authority(hub: str) -> None:
    """The hub's authority, unless there is one: ca.pem and ca.key."""
    if folder.path("ca.pem").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(f"Jinzhi network {hub}"))
        .issuer_name(_name(f"Jinzhi network {hub}"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=366 * AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.write("ca.key", _pem(key))
    folder.write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))


def fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate, hexadecimal."""
    return hashlib.sha256(
        x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    ).hexdigest()


def make_request(code: str, name: str = "node") -> bytes:
    """A new private key (<name>.key.new) and the request for its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    folder.write(f"{name}.key.new", _pem(key))
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(code)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def take_certificate(pem: bytes, name: str = "node") -> None:
    """The authority's answer to `make_request`: certificate and key come into use together."""
    folder.write(f"{name}.pem", pem)
    folder.path(f"{name}.key.new").replace(folder.path(f"{name}.key"))


def certify(request_pem: bytes, code: str, days: int, addresses: tuple[str, ...] = ()) -> x509.Certificate:
    """Sign a request as the authority. The name in it is ours to say (`code`), not the applicant's.

    `addresses`: host names and IP addresses of a server. Raises KeyFault for a request that is not well signed.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem)
    except ValueError as error:
        raise KeyFault("证书请求不能读取") from error
    if not request.is_signature_valid:
        raise KeyFault("证书请求的签名不符")
    authority = x509.load_pem_x509_certificate(folder.path("ca.pem").read_bytes())
    key = serialization.load_pem_private_key(folder.path("ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if addresses else [])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(code))
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    if addresses:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(a) for a in addresses]), critical=False
        )
    return builder.sign(key, hashes.SHA256())


def _general(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_until(name: str = "node") -> datetime | None:
    """The last moment of this node's certificate."""
    try:
        return x509.load_pem_x509_certificate(folder.path(f"{name}.pem").read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


# -- nkeys: who may connect


def make_nkey(name: str = "node") -> str:
    """A new user nkey (<name>.nk, unless there is one); answers its public half."""
    file = folder.path(f"{name}.nk")
    if not file.exists():
        folder.write(f"{name}.nk", new_nkey()[0])
    return nkeys.from_seed(file.read_bytes()).public_key.decode()


def new_nkey() -> tuple[bytes, str]:
    """(seed, public key) of a new user."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    return seed, nkeys.from_seed(seed).public_key.decode()


# -- SM2: who signed a batch, an invitation


def make_signing_key() -> str:
    """This node's SM2 key (sign.key, unless there is one); answers its public half, hexadecimal."""
    file = folder.path("sign.key")
    if not file.exists():
        public, private = gmssl_pyx.sm2_key_generate()
        folder.write("sign.key", f"{private.hex()}:{public.hex()}")
    return file.read_text().partition(":")[2]


def well_formed(public: str) -> bool:
    """Whether this can be the public half of an SM2 key: a point, 64 bytes in hexadecimal."""
    return len(public) == 128 and all(letter in "0123456789abcdef" for letter in public)


def sign(content: bytes) -> str:
    """SM2 signature with SM3 over `content`, base64."""
    private, _, public = folder.path("sign.key").read_text().partition(":")
    made = gmssl_pyx.sm2_sign(bytes.fromhex(private), bytes.fromhex(public), content)
    return base64.b64encode(made).decode()


def verify(public: str, content: bytes, signature: str) -> bool:
    """Whether `signature` (base64) is that of the holder of `public` (hexadecimal) over `content`."""
    try:
        return bool(gmssl_pyx.sm2_verify(bytes.fromhex(public), content, base64.b64decode(signature)))
    except (ValueError, TypeError, gmssl_pyx.InvalidValueError, gmssl_pyx.GmsslInnerError):
        return False
