"""Downloads: only to those in whose scope the file lies, and harmless whatever it contains."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from uuid_utils.compat import uuid7

from jinzhi.foundation import files
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.people.models import Account, Agency, Post, Power

from . import samples

pytestmark = pytest.mark.django_db
WESTLAKE = 330106_000000


@pytest.fixture(autouse=True)
def _plain_demo(settings, tmp_path):
    settings.DEMO = True
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def sign_in(client):
    def enter(agency: str = "", enterprise=None):
        kind = Account.Kind.ENTERPRISE if enterprise else Account.Kind.STAFF
        account = Account.objects.create_user(
            f"u{uuid7()}", name="某人", kind=kind, enterprise_id=enterprise, is_demo=True
        )
        if agency:
            post = Post.objects.create(
                account=account,
                agency=Agency.objects.get(key=agency),
                title="科员",
                valid_from=date(2020, 1, 1),
            )
            Power.objects.create(post=post, role="window_clerk")
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return enter


@pytest.fixture
def kept():
    owner = uuid7()
    return files.store(
        SimpleUploadedFile("营业执照 正本.pdf", samples.PDF),
        place=WESTLAKE,
        enterprise_id=owner,
        subject="case:x",
    )


@pytest.mark.parametrize(
    ("agency", "status"),
    [("330106", 200), ("330100", 200), ("330000", 200), ("330113", 404), ("330200", 404)],
)
def test_officials_open_files_of_their_place_only(sign_in, kept, agency, status):
    assert sign_in(agency).get(kept.url).status_code == status


def test_an_enterprise_opens_its_own_files_only(sign_in, kept):
    assert sign_in(enterprise=kept.enterprise_id).get(kept.url).status_code == 200
    assert sign_in(enterprise=uuid7()).get(kept.url).status_code == 404


def test_anybody_else_gets_404(client, kept):
    assert client.get(kept.url).status_code == 404
    assert client.get(f"/files/{uuid7()}/").status_code == 404


def test_a_file_is_sent_so_that_it_can_do_nothing(sign_in, kept):
    answer = sign_in("330106").get(kept.url)
    assert b"".join(answer.streaming_content) == samples.PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert (
        "sandbox" in answer["Content-Security-Policy"] and "script" not in answer["Content-Security-Policy"]
    )
    assert answer["Content-Disposition"] == (
        "inline; filename*=utf-8''%E8%90%A5%E4%B8%9A%E6%89%A7%E7%85%A7%20%E6%AD%A3%E6%9C%AC.pdf"
    )
    again = sign_in("330106").get(kept.url, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_office_files_are_only_downloaded(sign_in):
    kept = files.store(
        SimpleUploadedFile('坏"名\r\n字.docx', samples.docx()), place=WESTLAKE, subject="case:x"
    )
    answer = sign_in("330106").get(kept.url)
    assert (
        answer["Content-Disposition"].startswith("attachment;") and "\n" not in answer["Content-Disposition"]
    )


def test_a_request_of_300_mb_is_sent_away_unread(client):
    class Endless:
        def read(self, *_):
            raise AssertionError("the body was read")

        readline = read

    said = {"CONTENT_LENGTH": str(300 * 1024 * 1024), "HTTP_ACCEPT": "application/json"}
    answer = client.generic(
        "POST", "/files/", content_type="multipart/form-data; boundary=x", **said, **{"wsgi.input": Endless()}
    )
    assert answer.status_code == 413 and "300.0 MB" in answer.json()["message"]


def test_a_document_is_rendered_when_first_opened_and_then_kept(sign_in, tmp_path, monkeypatch):
    from jinzhi.foundation.files import documents

    template = tmp_path / "t.typ"
    template.write_text(
        '#let d = json(bytes(sys.inputs.at("data")))\n#text(font: "Noto Serif CJK SC")[#d.words]'
    )
    monkeypatch.setattr(documents, "template_path", lambda name: template)
    document = GeneratedDocument.objects.create(
        place=WESTLAKE, subject="case:x", kind="notice", title="受理通知书", number="浙市监许受〔2026〕1号",
        template="t.typ", data={"words": "准予许可"},
    )  # fmt: skip
    answer = sign_in("330106").get(document.url)
    assert answer.status_code == 200 and b"".join(answer.streaming_content).startswith(b"%PDF-")
    document.refresh_from_db()
    first = document.blob_id
    template.unlink()
    assert sign_in("330106").get(document.url).status_code == 200
    document.refresh_from_db()
    assert document.blob_id == first
    assert sign_in("330113").get(document.url).status_code == 404
