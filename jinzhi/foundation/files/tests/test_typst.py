"""Documents by Typst: Chinese in installed fonts, long tables over pages, clear words when fonts lack."""

import re
from datetime import UTC, date, datetime

import pytest

from jinzhi.foundation.files import typst

TABLE = """
#let d = json(bytes(sys.inputs.at("data")))
#set text(font: "Noto Serif CJK SC")
= #d.title
#table(columns: 2, table.header([序号], [名称]), ..d.rows.enumerate().map(((n, r)) => ([#n], [#r])).flatten())
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "table.typ"
    path.write_text(TABLE, encoding="utf-8")
    return path


def pages(pdf: bytes) -> int:
    return max(int(n) for n in re.findall(rb"/Count (\d+)", pdf))


def test_chinese_text_and_long_tables_become_pages(template):
    short = typst.render(template, {"title": "准予许可", "rows": ["大米"]})
    long = typst.render(template, {"title": "许可明细", "rows": [f"品种{n}" for n in range(400)]})
    assert short.startswith(b"%PDF-") and pages(short) == 1
    assert pages(long) > 5


def test_words_of_people_are_no_typst(template):
    hostile = '#panic("x") $x$ *b* \\ ] } " @ #import "../../etc/passwd"'
    assert typst.render(template, {"title": hostile, "rows": [hostile]}).startswith(b"%PDF-")


def test_the_same_data_and_time_give_the_same_bytes(template):
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    data = {"title": "通知", "rows": [], "on": date(2026, 1, 2)}
    assert typst.render(template, data, issued_at=at) == typst.render(template, data, issued_at=at)


def test_a_template_cannot_read_outside_its_folder(tmp_path):
    (tmp_path / "secret.txt").write_text("x")
    inner = tmp_path / "documents"
    inner.mkdir()
    path = inner / "t.typ"
    path.write_text('#read("../secret.txt")')
    with pytest.raises(typst.TemplateFault):
        typst.render(path, {})


def test_a_faulty_template_names_itself(tmp_path):
    path = tmp_path / "faulty.typ"
    path.write_text("#unknown-thing")
    with pytest.raises(typst.TemplateFault, match=r"faulty\.typ"):
        typst.render(path, {})


def test_missing_fonts_are_named_with_what_to_do(monkeypatch, template):
    monkeypatch.setattr(typst, "NEEDED_FONTS", ("No Such Song",))
    typst._compiler.cache_clear()
    with pytest.raises(typst.FontsMissing, match=r"No Such Song.*apt install"):
        typst.render(template, {"title": "x", "rows": []})
    typst._compiler.cache_clear()


def test_a_qr_is_plain_svg():
    svg = typst.qr_svg("http://127.0.0.1:8000/verify/SC11333019700024?t=1.ABC")
    assert svg.startswith("<svg") and "script" not in svg


def test_every_room_imports_the_common_library_instead_of_copying_it(tmp_path):
    path = tmp_path / "t.typ"
    path.write_text(
        '#import "@jinzhi/house:1.0.0": *\n#show: paper\n#head\n#d.text\n#closing', encoding="utf-8"
    )
    data = {
        "agency": "某市局",
        "title": "通知",
        "number": "某许〔2026〕1号",
        "text": "内容",
        "date": "2026-03-02",
    }
    assert typst.render(path, data).startswith(b"%PDF-")


def test_nothing_is_fetched_from_outside(tmp_path):
    path = tmp_path / "t.typ"
    path.write_text('#import "@local/unknown:1.0.0": *')
    with pytest.raises(typst.TemplateFault):
        typst.render(path, {})
