"""Signatures on PDFs (PAdES by pyHanko): by the organ's own certificate, else by one made for this installation.

The installation's own is self-signed: it proves that a document came from here unaltered, not who we are. An organ's
PKCS#12 goes to var/keys/organs/<agency key>/signature.p12, its passphrase beside it into `passphrase` (mode 0600).
pyHanko is large and is loaded by the process that signs; every process imports this module.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

from jinzhi.foundation.files import seals

if TYPE_CHECKING:
    from pyhanko.sign import signers

FIELD = "Jinzhi"
YEARS = 10


class SigningFault(RuntimeError):
    """The certificate cannot be used; the sentence says which and what to do."""


def own_certificate() -> Path:
    """The installation's PKCS#12, made when first needed."""
    path = Path(settings.KEYS) / "documents" / "signature.p12"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "wb") as content:
            content.write(_make())
        with contextlib.suppress(FileExistsError):  # another process was quicker: its certificate stays
            os.link(draft, path)
        Path(draft).unlink()
    return path


def _make() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "金质 Jinzhi（自签证书，仅证明文件未被改动）"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"文书签名 {settings.NODE}"),
        ]
    )
    now = timezone.now()
    usage = x509.KeyUsage(True, True, *[False] * 7)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=366 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(
        "金质".encode(), key, certificate, None, serialization.NoEncryption()
    )


def certificate_of(agency_key: str) -> Path:
    """The PKCS#12 that signs for an organ."""
    given = seals.organ_folder(agency_key) / "signature.p12"
    return given if agency_key and given.is_file() else own_certificate()


@lru_cache(maxsize=256)
def _signer(path: Path, changed: int) -> signers.SimpleSigner:
    from pyhanko.sign import signers

    words = path.with_name("passphrase")
    passphrase = words.read_bytes().strip() if words.is_file() else None
    signer = signers.SimpleSigner.load_pkcs12(str(path), passphrase=passphrase)
    if signer is None:
        raise SigningFault(f"签名证书 {path.name}（{path.parent.name}）读不出来，请核对文件和口令。")
    return signer


def signer_of(agency_key: str) -> signers.SimpleSigner:
    path = certificate_of(agency_key)
    return _signer(path, path.stat().st_mtime_ns)


def sign(pdf: bytes, *, agency_key: str, agency: str, title: str) -> bytes:
    """The PDF with an invisible signature over every byte of it."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    signer = signer_of(agency_key)

    def work() -> bytes:
        meta = signers.PdfSignatureMetadata(field_name=FIELD, name=agency or None, reason=title or None)
        made = io.BytesIO()
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=signer, output=made)
        return made.getvalue()

    with ThreadPoolExecutor(1) as apart:  # pyHanko starts an event loop of its own
        return apart.submit(work).result()
