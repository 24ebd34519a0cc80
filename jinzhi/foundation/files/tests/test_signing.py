"""Signatures and seals: a changed document is found out, an organ's own certificate and seal take precedence."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from jinzhi.foundation.files import documents, seals, signing, storing, typst
from jinzhi.foundation.files.models import GeneratedDocument

ORGAN = "杭州市西湖区市场监督管理局"
DATA = {
    "agency": ORGAN, "agency_key": "330106", "title": "准予行政许可决定书", "number": "杭西市监许准〔2026〕12号",
    "applicant": "某公司", "applicant_code": "", "agency_phone": "", "text": "准予许可。", "law": "", "demo": True,
    "date": "2026-03-05", "case": "XK1", "matter": "食品生产许可",
}  # fmt: skip
COMMON = Path(documents.__file__).parent / "documents"


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.KEYS = tmp_path / "keys"
    return settings.KEYS


@pytest.fixture
def document(db):
    return GeneratedDocument.objects.create(
        place=330106000000, subject="case:x", kind="grant_decision", number=DATA["number"], title=DATA["title"],
        template="decision.typ", data=DATA, issued_at=datetime(2026, 3, 5, 2, tzinfo=UTC),
    )  # fmt: skip


def status(pdf: bytes, trusted):
    """pyHanko's verdict on the only signature, trusting this certificate."""
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    context = ValidationContext(trust_roots=[trusted])
    return validate_pdf_signature(signature, context), signature


def test_a_document_is_signed_over_all_of_it_in_its_organs_name(document):
    pdf = storing.path_of(documents.rendered(document).sha256).read_bytes()
    verdict, signature = status(pdf, signing.signer_of("330106").signing_cert)
    assert verdict.bottom_line and verdict.intact and verdict.valid
    assert verdict.coverage.name == "ENTIRE_FILE"
    assert signature.sig_object["/Name"] == ORGAN and signature.sig_object["/Reason"] == DATA["title"]


def test_a_changed_byte_is_found_out(document):
    pdf = bytearray(storing.path_of(documents.rendered(document).sha256).read_bytes())
    pdf[len(pdf) // 3] ^= 1
    try:
        verdict, _ = status(bytes(pdf), signing.signer_of("330106").signing_cert)
        assert not verdict.bottom_line
    except Exception as fault:  # what can no longer be read as PDF is found out as well
        assert "AssertionError" not in type(fault).__name__


def test_the_certificate_is_made_once_and_readable_by_nobody_else(own_keys):
    first = signing.own_certificate()
    assert first.stat().st_mode & 0o077 == 0
    content = first.read_bytes()
    assert signing.own_certificate().read_bytes() == content


def test_two_that_need_it_at_once_get_the_same(own_keys):
    with ThreadPoolExecutor(4) as pool:
        found = {p.read_bytes() for p in pool.map(lambda _: signing.own_certificate(), range(4))}
    assert len(found) == 1 and [p.name for p in (own_keys / "documents").iterdir()] == ["signature.p12"]


def test_an_organs_own_certificate_signs_for_it_alone(own_keys):
    folder = seals.organ_folder("330106")
    folder.mkdir(parents=True)
    key, certificate, _ = pkcs12.load_key_and_certificates(signing._make(), None)
    sealed = serialization.BestAvailableEncryption("口令".encode())
    (folder / "signature.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, sealed)
    )
    (folder / "passphrase").write_text("口令\n")
    organ, other = signing.signer_of("330106"), signing.signer_of("330105")
    assert organ.signing_cert.serial_number == certificate.serial_number != other.signing_cert.serial_number


def test_an_unreadable_certificate_is_named_and_nothing_is_made(document, own_keys):
    folder = seals.organ_folder("330106")
    folder.mkdir(parents=True)
    (folder / "signature.p12").write_bytes(b"no certificate")
    with pytest.raises(signing.SigningFault, match="330106"):
        documents.rendered(document)
    document.refresh_from_db()
    assert document.blob is None, "it can be made when the certificate has been put right"


def test_a_generated_seal_says_that_it_is_none():
    svg = seals.image("330106", ORGAN)
    assert "演示印章" in svg and "不具法律效力" in svg
    assert all(letter in svg for letter in ORGAN)
    assert "<script" not in seals.generated("<script>") and seals.generated("")


def test_an_organs_own_seal_takes_precedence(own_keys):
    folder = seals.organ_folder("330106")
    folder.mkdir(parents=True)
    (folder / "seal.png").write_bytes(b"\x89PNG picture")
    assert "data:image/png;base64," in seals.image("330106", ORGAN) and "演示" not in seals.image(
        "330106", ORGAN
    )
    assert "演示印章" in seals.image("330105", ORGAN)
    (folder / "seal.svg").write_text("<svg>own</svg>")
    assert seals.image("330106", ORGAN) == "<svg>own</svg>"


@pytest.mark.parametrize("key", ["../..", "/etc", "a/b", "..", ""])
def test_an_agencys_key_leads_to_no_other_folder(key):
    assert seals.organ_folder(key).name == "-"


@pytest.mark.parametrize("layout", ["1999", "2012"])
@pytest.mark.parametrize("template", ["decision.typ", "notice.typ", "service_receipt.typ"])
def test_common_templates_take_any_words_and_both_layouts(template, layout):
    words = '#panic("x") $x$ *b* \\ ] } " @'
    data = DATA | {"text": words, "applicant": words, "layout": layout, "seal": seals.generated(ORGAN)}
    for more in (
        {},
        {"served": {"document": words, "served_on": "2026-03-06", "proof": words}, "copies_to": words},
    ):
        assert typst.render(COMMON / template, data | more).startswith(b"%PDF-")


def test_the_day_is_written_as_the_layout_of_its_time_wants_it(document):
    made = []
    for day in (datetime(2006, 12, 5, 2, tzinfo=UTC), datetime(2012, 7, 1, 2, tzinfo=UTC)):
        document.issued_at = day
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(typst, "render", lambda template, data, **_: made.append(data["layout"]) or b"")
            patch.setattr(signing, "sign", lambda content, **_: content)
            documents._made(document)
    assert made == ["1999", "2012"]


def test_the_operator_sees_which_agency_seals_with_what(db, own_keys):
    import json

    from typer.testing import CliRunner

    from jinzhi.foundation.files.commands import app

    folder = seals.organ_folder("330106")
    folder.mkdir(parents=True)
    (folder / "seal.png").write_bytes(b"x")
    rows = {r["agency"]: r for r in json.loads(CliRunner().invoke(app, ["seals", "--json"]).output)}
    assert rows["330106"]["own_seal"] and not rows["330105"]["own_seal"]
    assert rows["330106"]["certificate_until"] and not rows["330106"]["own_certificate"]
