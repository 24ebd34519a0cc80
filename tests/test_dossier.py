"""The case file: what it holds, what breaks none of it, who may have it, that it stands still."""

import io
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pyhanko.pdf_utils.reader import PdfFileReader

from jinzhi.casework import documents, dossier
from jinzhi.casework.models import Case
from jinzhi.foundation import files
from jinzhi.foundation.files import documents as papers
from jinzhi.foundation.files import storing, typst
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.files.tests import samples
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.services.licensing.tests import world
from tests.visitors import enter

pytestmark = pytest.mark.django_db
DAY, LATER = date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


@pytest.fixture
def clerk():
    return world.official("受理岗", "window_clerk", world.COUNTY)


@pytest.fixture
def case(clerk) -> Case:
    """An accepted case with every sort of file: pages, a picture, an office document, a broken PDF."""
    found = world.submitted(DAY)
    world.go(found, "accept", "accept", clerk, LATER)
    found.refresh_from_db()
    for name, content in (
        ("三页.pdf", three_pages()), ("照片.png", samples.png()), ("表格.xlsx", samples.xlsx()), ("坏的.pdf", samples.PDF),
    ):  # fmt: skip
        upload = SimpleUploadedFile(name, content)
        files.store(
            upload,
            kind="photo",
            place=found.place,
            enterprise_id=found.enterprise_id,
            subject=documents.subject(found),
        )
    return found


def three_pages() -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "t.typ"
        template.write_text("一 #pagebreak() 二 #pagebreak() 三", encoding="utf-8")
        return typst.render(template, {}, passing=True)


def contents(case: Case, document: GeneratedDocument, tmp_path) -> dict:
    return dossier._contents(case, document, dossier._Folder(tmp_path))


def pages(document: GeneratedDocument) -> int:
    pdf = storing.path_of(document.blob.sha256).read_bytes()
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def test_it_holds_the_whole_case(case, clerk, tmp_path):
    made = dossier.order(case, clerk)
    data = contents(case, made, tmp_path)
    kinds = [e["kind"] for e in data["entries"]]
    assert (
        kinds[:2] == ["story", "opinions"] and kinds[-1] == "proof" and {"clocks", "submission"} <= set(kinds)
    )
    story = data["entries"][0]["rows"]
    assert len(story) == case.story_length and any("受理" in r["sentence"] for r in story)
    titles = [e["title"] for e in data["entries"]]
    assert {"附件：三页.pdf", "附件：照片.png", "附件：表格.xlsx", "附件：坏的.pdf"} <= set(titles)
    assert [d.title for d in documents.of_case(case)] == [
        t for t in titles if t in {d.title for d in documents.of_case(case)}
    ]
    proof = data["entries"][-1]
    assert (case.story_hash in dict(proof["chain"]).values()) and dict(proof["chain"])[
        "制卷时核对"
    ] == "逐条相符"
    assert all(len(r["digest"]) == 64 for r in proof["rows"])


def test_pages_of_attachments_are_in_it_and_what_cannot_be_shown_is_named(case, clerk, tmp_path):
    made = dossier.order(case, clerk)
    files_of = {
        e["title"]: e["files"] for e in contents(case, made, tmp_path)["entries"] if e["kind"] == "files"
    }
    assert [f["page"] for f in files_of["附件：三页.pdf"]] == [1, 2, 3]
    assert "不能按页收入" in files_of["附件：表格.xlsx"][0]["note"]
    assert "打不开" in files_of["附件：坏的.pdf"][0]["note"]
    made.refresh_from_db()
    embedded = sum(len(f) for f in files_of.values())
    assert pages(made) >= embedded + 5, "cover, index, story, limits, application, proof"


def test_what_was_recorded_at_a_step_is_in_it(case, clerk, tmp_path):
    made = dossier.order(case, clerk)
    form = case.submissions.get(number=1)
    step = next(iter(case.definition.steps))
    case.facts |= {"records": {step: [form.form, form.form_version], "gone": ["x", 1]}, step: form.data}
    titles = [e["title"] for e in contents(case, made, tmp_path)["entries"]]
    assert f"环节记录：{case.definition.step(step).name}" in titles


def test_it_is_signed_and_the_same_for_every_reader(case, clerk):
    made = dossier.order(case, clerk)
    pdf = storing.path_of(made.blob.sha256).read_bytes()
    assert len(PdfFileReader(io.BytesIO(pdf)).embedded_signatures) == 1
    assert papers.rendered(made) == made.blob


def test_it_ends_where_the_story_ended_when_it_was_asked_for(case, clerk, tmp_path):
    made = dossier.order(case, clerk)
    length = case.story_length
    made.data["story_length"] = length - 1
    assert len(contents(case, made, tmp_path)["entries"][0]["rows"]) == length - 1


def test_a_story_that_does_not_fit_is_said_in_it(case, clerk, tmp_path):
    made = dossier.order(case, clerk)
    case.story_length += 1
    proof = contents(case, made, tmp_path)["entries"][-1]
    assert "只有" in dict(proof["chain"])["制卷时核对"]


def test_an_applicant_and_a_neighbour_never_see_it(case, clerk, client):
    made = dossier.order(case, clerk)
    neighbour = enter(world.official("邻县", "window_clerk", 330105000000).account)
    applicant = enter(case.applicant)
    page = reverse("work-dossier", args=[case.number])
    for stranger in (neighbour, applicant):
        assert stranger.get(made.url).status_code == 404
        assert stranger.get(page).status_code in (403, 404)
        assert stranger.post(page).status_code in (403, 404)
    assert client.get(made.url).status_code == 404 and client.get(page).status_code == 302
    assert made not in documents.of_case(case)


def test_an_official_makes_it_from_the_page_and_leaves_a_trace(case, clerk):
    browser = enter(clerk.account)
    page = reverse("work-dossier", args=[case.number])
    assert "还没有制作过卷宗" in browser.get(page).content.decode()
    assert browser.post(page).status_code == 302
    shown = browser.get(page).content.decode()
    made = GeneratedDocument.objects.get(kind="dossier")
    assert made.url in shown and b"".join(browser.get(made.url).streaming_content).startswith(b"%PDF")
    assert AuditEntry.objects.filter(kind="casework.dossier", subject=case.number).exists()
    assert page in browser.get(reverse("work-case", args=[case.number])).content.decode()


def test_a_heavy_one_is_made_by_the_worker(case, clerk, monkeypatch):
    monkeypatch.setattr(dossier, "AT_ONCE", 10)
    asked = []
    monkeypatch.setattr(documents.render_document, "defer", lambda **job: asked.append(job))
    made = dossier.order(case, clerk)
    assert made.blob is None and asked == [{"document_id": str(made.pk)}]
    browser = enter(clerk.account)
    assert "正在制作" in browser.get(reverse("work-dossier", args=[case.number])).content.decode()
    papers.rendered(made)
    assert pages(made) > 5
