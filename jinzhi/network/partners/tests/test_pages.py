"""The pages of catalogue and partners: who may open and do what, and that everything offered works."""

from datetime import timedelta

import pytest
from django.urls import reverse

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.people.tests import cast
from jinzhi.network.catalogue import challenging, measuring
from jinzhi.network.catalogue.models import Challenge, Grant, Request
from jinzhi.network.partners.models import Batch, Key, Partner
from jinzhi.network.partners.tests import client as programs
from jinzhi.network.partners.tests.conftest import batch, carry, ready, recall
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True  # accounts of the tests have no second factor


@pytest.fixture
def sign(client):
    def enter(name, key, *roles):
        return cast.sign_in(client, cast.person(name, key, *roles))

    return enter


def page(client, name, *args, query="", status=200):
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == status, answer.content.decode()[:300]
    return answer.content.decode()


def send(client, url_name, /, *args, **data):
    return client.post(reverse(url_name, args=args), data, follow=True).content.decode()


def test_everybody_reads_the_catalogue_and_only_officials_its_figures(client, sign):
    said = page(client, "catalogue-index", query="?q=召回")
    assert "长三角缺陷产品召回" in said and "近三十日" not in said
    said = page(client, "catalogue-dataset", "registry.certificate")
    assert "330001/XKZS-0001" in said and "交换情况" not in said and "申请使用" not in said
    page(client, "catalogue-dataset", "nothing", status=404)
    for name in (
        "catalogue-requests",
        "catalogue-grants",
        "catalogue-challenges",
        "partners-index",
        "partners-delta",
    ):
        assert client.get(reverse(name)).status_code == 302, name
    sign("reader", cast.WEST_LAKE, "examiner")
    assert "交换情况" in page(client, "catalogue-dataset", "registry.certificate")
    assert "近三十日发出" in page(client, "catalogue-index")
    assert page(client, "catalogue-index", query="?q=nothing&share=no&flow=x")
    for name in ("partners-index", "partners-batches", "partners-new"):
        page(client, name, status=403)


def test_a_request_goes_from_the_form_to_the_answer(client, sign):
    sign("asks", cast.PROVINCE, "administrator")
    said = page(client, "catalogue-ask", "registry.certificate", query="?for=partner:health")
    assert "来函登记" in said and "许可证" in said
    data = {
        "consumer": "partner:health", "area": 330000_000000, "chosen": ["number", "status"], "purpose": "餐饮许可比对核验",
        "since": calendar.today(), "until": calendar.today() + timedelta(300), "existing": "on",
    }  # fmt: skip
    said = send(client, "catalogue-ask", "registry.certificate", **(data | {"until": ""}))
    assert "请选择期限止" in said and not Request.objects.exists()
    said = send(
        client,
        "catalogue-ask",
        "registry.certificate",
        **(data | {"until": calendar.today() + timedelta(3000)}),
    )
    assert "一次授权不超过" in said
    said = send(client, "catalogue-ask", "registry.certificate", **data)
    row = Request.objects.get()
    assert row.number in said and "申请人不能答复自己的申请" in said
    sign("answers", cast.PROVINCE, "supervisor")
    assert row.number in page(client, "catalogue-requests", query="?state=open")
    assert "同意提供" in page(client, "catalogue-request", row.pk)
    said = send(client, "catalogue-request", row.pk, accept="1", chosen=["number"], text="", until=row.until)
    assert "请填写答复意见" in said
    said = send(
        client, "catalogue-request", row.pk, accept="1", chosen=["number"], text="同意", until=row.until
    )
    assert "已同意并授权" in said
    grant = Grant.objects.get()
    assert grant.fields == ["number"] and "省卫生健康委员会" in page(client, "catalogue-grants")
    assert "不能答复这项申请" in send(client, "catalogue-request", row.pk, accept="1", text="再来")
    assert "授权已终止" in send(client, "catalogue-grant-end", grant.pk, reason="用途已经实现")


def test_a_county_sees_its_own_requests_only(client, sign):
    sign("city", cast.HANGZHOU, "supervisor")
    data = {
        "consumer": "agency:330100", "area": 330100_000000, "chosen": ["title", "state"], "purpose": "监督检查结果分析",
        "since": calendar.today(), "until": calendar.today() + timedelta(300), "legal_basis": "产品质量法第八条",
    }  # fmt: skip
    send(client, "catalogue-ask", "registry.entry", **data)
    row = Request.objects.get()
    assert "撤回申请" in page(client, "catalogue-request", row.pk)
    sign("other", cast.NINGBO, "supervisor")
    page(client, "catalogue-request", row.pk, status=404)
    assert row.number not in page(client, "catalogue-requests")
    sign("city2", cast.HANGZHOU, "supervisor")
    assert "已撤回" in send(client, "catalogue-withdraw", row.pk)


def test_a_records_way_and_a_doubt(client, sign):
    made = Enterprise.objects.create(
        name="样例企业", place=330106_000000, kind="company", uscc="91330106MA27XYZ12X", address="旧址"
    )
    far = Enterprise.objects.create(name="宁波企业", place=330203_000000, kind="company")
    sign("examines", cast.WEST_LAKE, "examiner")
    said = page(client, "catalogue-lineage", "registry.enterprise", query=f"?q={made.uscc}")
    assert "样例企业" in said and "没有送出过" in said
    assert "没有找到" in page(client, "catalogue-lineage", "registry.enterprise", query=f"?q={far.pk}")
    page(client, "catalogue-challenge", "registry.enterprise", far.pk, status=404)
    page(client, "catalogue-challenge", "registry.enterprise", made.pk)
    said = send(
        client,
        "catalogue-challenge",
        "registry.enterprise",
        made.pk,
        field="address",
        wanted="新址",
        reason="核查",
    )
    assert "疑义已送" in said
    row = Challenge.objects.get()
    assert (
        client.post(
            reverse("catalogue-challenge-answer", args=[row.pk]), {"text": "x", "accept": "1"}
        ).status_code
        == 403
    )
    sign("approves", cast.WEST_LAKE, "approver")
    assert "更正记录" in page(client, "catalogue-challenges")
    assert "记录已更正" in send(client, "catalogue-challenge-answer", row.pk, text="属实", accept="1")
    made.refresh_from_db()
    assert made.address == "新址" and challenging.settle_corrected() == 0


def test_keeping_a_dataset(client, sign):
    measuring.measure_all()
    sign("keeps", cast.PROVINCE, "supervisor")
    assert "暂停受理" in send(client, "catalogue-suspend", "registry.entry", suspended="1", reason="核对中")
    assert "核对中" in page(client, "catalogue-dataset", "registry.entry")
    assert "恢复受理" in send(client, "catalogue-suspend", "registry.entry", suspended="0")
    assert "条记录测算" in send(client, "catalogue-measure", "registry.entry")
    sign("city", cast.HANGZHOU, "supervisor")
    assert "提供方是另一个机构" in send(
        client, "catalogue-suspend", "registry.entry", suspended="1", reason="x"
    )


def test_a_partner_is_set_up_on_the_pages(client, sign):
    sign("admin", cast.PROVINCE, "administrator")
    assert "国家认证认可监督管理委员会" in page(client, "partners-index")
    data = {
        "name": "省税务局", "kind": "department", "code": "tax", "area": 330000_000000, "delivery": "http", "accepts": ["http"],
        "file_format": "csv", "file_encoding": "UTF-8", "max_payload": 1_000_000, "rate": 60, "connections": 2,
        "max_unacknowledged": 5000, "addresses": "10.0.0.0/8\n",
    }  # fmt: skip
    assert "小写字母" in send(client, "partners-new", **(data | {"code": "TAX"}))
    assert "已登记省税务局" in send(client, "partners-new", **data)
    assert "网段" in send(client, "partners-change", "tax", **(data | {"addresses": "somewhere"}))
    assert "已保存" in send(client, "partners-change", "tax", **(data | {"rate": 90}))
    assert Partner.objects.get(code="tax").rate == 90
    page(client, "partners-key", "tax", status=403)
    said = send(
        client, "partners-deliver", "tax", dataset="faren.registration", until=calendar.today() + timedelta(100),
        purpose="按协议提供登记信息",
    )  # fmt: skip
    assert "可以提供法人登记信息" in said and "没有登记签名公钥" in said
    assert "还不能启用" in send(client, "partners-on", "tax")
    sign("guard", cast.PROVINCE, "security_administrator")
    page(client, "partners-key", "tax")
    pem = programs.Partner("tax", carry).public_text
    assert "公钥应为" in send(client, "partners-key", "tax", algorithm="ed25519", text="abc")
    assert "公钥已登记" in send(client, "partners-key", "tax", algorithm="ed25519", text=pem)
    assert client.post(reverse("partners-on", args=["tax"])).status_code == 403
    sign("admin2", cast.PROVINCE, "administrator")
    assert "已启用" in send(client, "partners-on", "tax")
    assert "停用" in send(client, "partners-off", "tax", reason="协议到期")
    sign("guard2", cast.PROVINCE, "security_administrator")
    key = Key.objects.get(partner__code="tax")
    assert "密钥已停用" in send(client, "partners-key-revoke", "tax", key.pk)


def test_a_county_cannot_open_partners(client, sign):
    sign("county", cast.WEST_LAKE, "administrator")
    page(client, "partners-partner", "cnca", status=404)
    assert "中心节点" in send(
        client, "partners-new", name="某局", kind="other", code="some", area=0, delivery="http", file_format="csv",
        file_encoding="UTF-8", max_payload=100_000, rate=1, connections=1, max_unacknowledged=1000,
    )  # fmt: skip


def test_exchanges_are_shown_with_their_receipts(client, sign, shanghai):
    shanghai.post("/batches", batch("SHOWN-0001", recall("SH-1"), recall("SH-2", state="？")))
    shanghai.post("/batches", batch("B2") | {"count": 8})
    shanghai.get("/me", nonce="short")
    sign("admin", cast.PROVINCE, "administrator")
    said = page(client, "partners-partner", "shanghai")
    assert "提交批次" in said and "X-Jinzhi-Nonce" in said
    assert "SHOWN-0001" in page(client, "partners-batches") and "SHOWN-0001" not in page(
        client, "partners-batches", query="?state=refused"
    )
    said = page(client, "partners-batch", Batch.objects.get(number="SHOWN-0001").pk)
    assert "SH-2" in said and "E04" in said and "R3 入库" in said
    assert "声明 8 条" in page(client, "partners-batch", Batch.objects.get(state="refused").pk)
    assert client.get(reverse("partners-batches") + "?export=csv").status_code == 200


def test_the_delta_is_read_by_officials_of_any_county(client, sign, shanghai):
    shanghai.post("/batches", batch("B1", recall("SH-1")))
    sign("inspects", cast.WEST_LAKE, "inspector")
    said = page(client, "partners-delta")
    assert "上海样例电器厂" in said and "上海市市场监督管理局" in said
    assert "没有符合" in page(client, "partners-delta", query="?set=yangtze.recall&q=飞机")
    assert page(client, "partners-delta", query="?set=nothing")
    assert "没有收到过这份报告" in page(client, "partners-recognition", query="?report=X&on=2026-13-45")
    cnca = ready("cnca", gives=("cnca.laboratory",))
    assert cnca.get("/me").status_code == 200


def test_a_doubt_about_a_mirror_record_reaches_its_keeper_and_settles_itself(client, sign, shanghai):
    shanghai.post("/batches", batch("B1", recall("SH-1", producer="写错的厂")))
    sign("inspects", cast.WEST_LAKE, "inspector")
    said = page(client, "catalogue-lineage", "yangtze.recall", query="?q=SH-1")
    assert "写错的厂" in said and "上海市市场监督管理局" in said
    record = Document.objects.get(key="SH-1").pk
    send(
        client,
        "catalogue-challenge",
        "yangtze.recall",
        record,
        field="producer",
        wanted="写对的厂",
        reason="营业执照",
    )
    (doubt,) = shanghai.get("/challenges").json()
    assert (doubt["wanted"], doubt["record"]) == ("写对的厂", str(record))
    shanghai.post("/batches", batch("B2", recall("SH-1", producer="写对的厂")))
    assert challenging.settle_corrected() == 1 and shanghai.get("/challenges").json() == []
