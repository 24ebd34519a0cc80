"""Comparing on the workbench, by those whose post may, each seeing their own place's only."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, transaction

from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.matching import working
from jinzhi.registry.matching.models import Comparison, Finding
from jinzhi.registry.tests.conftest import NINGBO, WESTLAKE
from jinzhi.registry.tests.test_pages import sign_in, text  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db

RIGHT = (
    "编号,统一社会信用代码,企业名称,地址\n"
    "1,91330100723456781Y,杭州西湖龙井食品有限责任公司,杭州市西湖区龙井路1号\n"
    "2,,<b>杭州丙厂</b>,文二路2号\n"
)


@pytest.fixture(autouse=True)
def _own(settings, tmp_path):
    settings.DEMO = True
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def own(db):
    tea = services.register_enterprise(
        name="杭州西湖龙井食品有限公司",
        place=WESTLAKE,
        uscc="91330100723456781Y",
        address="杭州市西湖区龙井路1号",
        source="登记",
    )
    services.register_enterprise(name="宁波乙厂", place=NINGBO, uscc="91330100732000014Q", source="登记")
    return tea


def file(content: str, name: str = "税务.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode("gb18030"))


@pytest.fixture
def clerk(sign_in, own):  # noqa: F811
    return sign_in("330106", "certificate_clerk")


@pytest.fixture
def done(clerk):
    """(client, address) of a finished comparison of our own register with a file."""
    client = clerk
    answer = client.post("/registry/compare/", {"left": "own", "right_file": file(RIGHT), "title": "与税务"})
    assert answer.status_code == 302
    path = answer["Location"]
    page = text(client.get(path))
    assert '<option value="企业名称" selected>' in page and '<option value="编号" selected>' in page
    chosen = {
        "right-id": "编号",
        "right-code": "统一社会信用代码",
        "right-name": "企业名称",
        "right-address": "地址",
    }
    assert client.post(path, chosen)["Location"] == path
    assert "正在排队" in text(client.get(path))
    comparison = Comparison.objects.get()
    with scope.acting(scope.staff(WESTLAKE)):
        working.run(comparison.pk)
    return client, path


def test_our_register_against_a_file(done):
    client, path = done
    page = text(client.get(path))
    assert "一致 <b>1</b>" in page and "仅右方有 <b>1</b>" in page
    assert "仅左方有 <b>0</b>" in page  # the enterprise of Ningbo is not this bureau's
    assert "&lt;b&gt;杭州丙厂" in page and "<b>杭州丙厂" not in page


def test_a_decision_needs_a_reason_and_stands_in_the_download(done):
    client, path = done
    finding = Finding.objects.get(kind="missing_left")
    client.post(f"{path}{finding.pk}/", {"decision": "right", "reason": " "})
    finding.refresh_from_db()
    assert not finding.decision
    client.post(f"{path}{finding.pk}/", {"decision": "merge", "reason": "一方没有"})
    finding.refresh_from_db()
    assert not finding.decision
    client.post(f"{path}{finding.pk}/", {"decision": "right", "reason": "已电话核实"})
    finding.refresh_from_db()
    assert finding.decision == "right" and finding.decided_by
    content = b"".join(client.get(f"{path}result.csv").streaming_content).decode("utf-8-sig")
    assert (
        "以右方为准" in content
        and "已电话核实" in content
        and content.startswith("left_id,right_id,kind,score,stage")
    )
    client.post(f"{path}{finding.pk}/", {"decision": ""})
    finding.refresh_from_db()
    assert not finding.decision


def test_two_files_and_a_wrong_choice_of_columns(clerk):
    client = clerk
    given = {"left": "file", "left_file": file(RIGHT, "左.csv"), "right_file": file(RIGHT, "右.csv")}
    path = client.post("/registry/compare/", given)["Location"]
    answer = client.post(path, {"left-id": "编号", "right-id": "编号", "right-name": "企业名称"})
    assert answer.status_code == 422 and "没有写明 name" in text(answer)


def test_bad_uploads_are_refused_in_words(clerk):
    client = clerk
    assert "请选择右方的文件" in text(client.post("/registry/compare/", {"left": "own"}))
    answer = client.post(
        "/registry/compare/", {"left": "own", "right_file": SimpleUploadedFile("x.csv", b"\0\1\2")}
    )
    assert answer.status_code == 422


def test_a_fault_of_the_file_is_told_and_the_columns_can_be_chosen_again(clerk):
    client = clerk
    twice = "id,name\n1,甲\n1,乙\n"
    path = client.post("/registry/compare/", {"left": "own", "right_file": file(twice)})["Location"]
    client.post(path, {"right-id": "id", "right-name": "name"})
    with scope.acting(scope.staff(WESTLAKE)):
        working.run(Comparison.objects.get().pk)
    page = text(client.get(path))
    assert "有重复：1（2 次）" in page and "开始比对" in page and not Finding.objects.exists()


def test_a_waiting_comparison_can_be_cancelled_and_is_not_run(clerk):
    client = clerk
    path = client.post("/registry/compare/", {"left": "own", "right_file": file(RIGHT)})["Location"]
    client.post(path, {"right-id": "编号", "right-name": "企业名称"})
    client.post(f"{path}cancel/")
    with scope.acting(scope.staff(WESTLAKE)):
        working.run(Comparison.objects.get().pk)
    assert Comparison.objects.get().state == "stopped" and "已取消" in text(client.get(path))


def test_a_running_comparison_stops_before_the_next_step(clerk):
    client = clerk
    path = client.post("/registry/compare/", {"left": "own", "right_file": file(RIGHT)})["Location"]
    client.post(path, {"right-id": "编号", "right-name": "企业名称"})
    Comparison.objects.update(cancelled=True)
    with scope.acting(scope.staff(WESTLAKE)):
        working.run(Comparison.objects.get().pk)
    assert Comparison.objects.get().state == "stopped" and not Finding.objects.exists()


def test_another_county_sees_neither_page_nor_rows(done, sign_in):  # noqa: F811
    _, path = done
    other = sign_in("330203", "certificate_clerk")
    for address in (path, f"{path}result.csv"):
        assert other.get(address).status_code == 404
    assert "与税务</a>" not in text(other.get("/registry/compare/"))
    with scope.acting(scope.staff(NINGBO)):
        assert not Comparison.objects.exists() and not Finding.objects.exists()
    with scope.acting(scope.PUBLIC), pytest.raises(ProgrammingError), transaction.atomic():
        Finding.objects.exists()


def test_other_posts_may_not_compare(sign_in, own):  # noqa: F811
    assert sign_in("330106", "inspector").get("/registry/compare/").status_code == 403


def test_the_worker_knows_the_work():
    from importlib import import_module

    assert import_module("jinzhi.registry.matching.tasks").compare.name == "registry.compare"
