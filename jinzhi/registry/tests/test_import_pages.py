"""Importing on the workbench, from upload to the corrected rows, by those whose post may."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jinzhi.registry.models import Enterprise, ImportBatch

from .test_importing import GOOD
from .test_pages import sign_in, text  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own(settings, tmp_path):
    settings.DEMO = True
    settings.MEDIA_ROOT = tmp_path


COLUMNS = ["统一社会信用代码", "企业名称", "区县", "成立日期", "登记状态"]
FIELDS = ["uscc", "name", "place", "founded_on", "enterprise_status"]


def csv_of(*rows) -> bytes:
    return "\n".join(",".join(row) for row in (COLUMNS, *rows)).encode("gb18030")


@pytest.fixture
def uploaded(sign_in):  # noqa: F811
    client = sign_in("330106", "certificate_clerk")
    content = csv_of(GOOD, ["91330100723456781A", "<b>坏行</b>", "西湖区", "昨天", "存续"])
    answer = client.post(
        "/registry/import/", {"file": SimpleUploadedFile("清单.csv", content), "kind": "enterprise"}
    )
    assert answer.status_code == 302
    return client, answer["Location"]


def chosen(**more) -> dict:
    fields = {f"field-{f}": f"column:{c}" for f, c in zip(FIELDS, COLUMNS, strict=True)}
    return fields | {"source": "登记机关"} | more


def test_columns_are_guessed_and_the_first_rows_judged(uploaded):
    client, path = uploaded
    page = text(client.get(path))
    assert (
        '<option value="column:企业名称" selected>' in page
        and '<option value="column:区县" selected>' in page
    )
    assert "不是日期" in page and "&lt;b&gt;坏行" in page and "<b>坏行" not in page


def test_a_check_writes_nothing_and_an_import_answers_for_every_row(uploaded):
    client, path = uploaded
    page = text(client.post(path, chosen(do="check")))
    assert "如果现在导入" in page and "应为" in page and not Enterprise.objects.exists()
    assert client.post(path, chosen(do="run")).status_code == 302
    assert Enterprise.objects.get().name == GOOD[1]
    page = text(client.get(path))
    assert "下载未接受的行" in page and "不是日期" in page
    batch = ImportBatch.objects.get()
    assert (batch.created, batch.refused, batch.started_by, batch.place) == (1, 1, "某人", 330106_000000)
    rows = b"".join(client.get(f"{path}rows.csv").streaming_content).decode("utf-8-sig")
    assert (
        rows.splitlines()[0] == "行号,问题,统一社会信用代码,企业名称,区县,成立日期,登记状态"
        and "91330100723456781A" in rows
    )
    client.post(path, chosen(do="run"))  # a second click shows the result and imports nothing again
    assert Enterprise.objects.count() == 1 and ImportBatch.objects.count() == 1


def test_what_is_lacking_is_said_in_the_form(uploaded):
    client, path = uploaded
    answer = client.post(path, {"source": "x", "do": "check"})
    assert answer.status_code == 422 and "没有指定：企业名称、地区" in text(answer)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("空.csv", b"", "空的"),
        ("图.csv", b"\x89PNG\r\n\x1a\n\0\0\0\0", "不是"),
        ("机密.csv", b"a\n1\n", "密级"),
        ("旧.xls", b"\xd0\xcf\x11\xe0\0\0\0\0", "旧版"),
    ],
)
def test_a_file_that_cannot_be_imported_is_said_so(sign_in, name, content, words):  # noqa: F811
    client = sign_in("330106", "certificate_clerk")
    answer = client.post(
        "/registry/import/", {"file": SimpleUploadedFile(name, content), "kind": "enterprise"}
    )
    assert answer.status_code == 422 and words in text(answer)
    assert client.post("/registry/import/", {"kind": "enterprise"}).status_code == 422
    assert not ImportBatch.objects.exists()


MAP = """kind: enterprise
source: 旧系统
fields:
  name: 企业名称
  uscc: 统一社会信用代码
  place: {constant: "330106"}
  enterprise_status: {column: 登记状态, values: {存续: active, 吊: revoked}}
"""


def test_a_mapping_file_serves_instead_of_the_form(sign_in):  # noqa: F811
    client = sign_in("330106", "administrator")
    table = SimpleUploadedFile("清单.csv", csv_of([*GOOD[:4], "吊"]))
    sent = {"file": table, "kind": "enterprise", "map": SimpleUploadedFile("m.yaml", MAP.encode())}
    path = client.post("/registry/import/", sent)["Location"]
    page = text(client.get(path))
    assert "按对应文件" in page
    left = {"field-place": "constant:330106", "field-enterprise_status": "given:", "field-founded_on": ""}
    client.post(path, chosen(do="run", **left))
    assert Enterprise.objects.get().status == "revoked"


def test_imports_are_for_their_roles_and_their_place(sign_in, uploaded):  # noqa: F811
    _, path = uploaded
    assert sign_in("330106", "window_clerk").get("/registry/import/").status_code == 403
    assert sign_in("330113", "certificate_clerk").get(path).status_code == 404
    assert sign_in("330113", "certificate_clerk").get(f"{path}rows.csv").status_code == 404
    assert sign_in("330100", "certificate_clerk").get(path).status_code == 200


def test_a_template_has_the_columns_that_are_recognised(sign_in):  # noqa: F811
    from jinzhi.registry.importing import mapping

    client = sign_in("330106", "certificate_clerk")
    for kind in ("enterprise", "certificate"):
        answer = client.get(f"/registry/import/template/{kind}.csv")
        header = b"".join(answer.streaming_content).decode("utf-8-sig").strip().split(",")
        assert mapping.guess(header, kind) == {f: t for f, (t, _) in mapping.fields_of(kind).items()}
    assert client.get("/registry/import/template/x.csv").status_code == 404
