"""Pages of the register over HTTP: what the public sees, what officials see, and what they do not."""

import re
from datetime import date

import pytest
from uuid_utils.compat import uuid7

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.models import Account, Agency, Post, Power
from jinzhi.registry import certificates
from jinzhi.registry.models import Enterprise

from .conftest import LINPING, WESTLAKE

pytestmark = pytest.mark.django_db
USCC, NUMBER = "91330100723456781Y", "SC11333019700024"
INNER = ("内部备注不公开", "13800000000", "李四", "内部办件号")


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


@pytest.fixture
def sign_in(client):
    def enter(agency: str, role: str = "window_clerk"):
        bureau = Agency.objects.get(key=agency)
        account = Account.objects.create_user(f"u{uuid7()}", name="某人", kind="staff", is_demo=True)
        post = Post.objects.create(account=account, agency=bureau, title="科员", valid_from=date(2020, 1, 1))
        Power.objects.create(post=post, role=role)
        client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return enter


def text(answer) -> str:
    return answer.content.decode()


def test_the_public_finds_an_enterprise_by_two_characters(client, certificate):
    answer = client.get("/enterprises/", {"q": "龙井"})
    assert answer.status_code == 200 and "杭州西湖龙井食品有限公司" in text(answer)
    assert f"/enterprises/{USCC}" in text(answer)


@pytest.mark.parametrize("q", [USCC, USCC.lower(), "723456781", NUMBER])
def test_a_whole_code_leads_straight_to_the_archive(client, certificate, q):
    assert client.get("/enterprises/", {"q": q})["Location"] == f"/enterprises/{USCC}"


def test_the_search_page_says_what_to_do_with_nothing_and_with_nothing_found(client, db):
    assert "两个字就能查" in text(client.get("/enterprises/"))
    assert "没有找到“查无此店”" in text(client.get("/enterprises/", {"q": "查无此店"}))
    assert "请核对营业执照" in text(client.get("/enterprises/", {"q": "91330100723456781A"}))


@pytest.mark.parametrize("q", ["<script>alert(1)</script>", "' OR 1=1 --", "%00", "\x00", "😀" * 500])
def test_hostile_words_are_shown_as_words(client, enterprise, q):
    answer = client.get("/enterprises/", {"q": q})
    assert answer.status_code == (400 if "\0" in q else 200) and "<script>alert" not in text(answer)
    assert enterprise.name not in text(answer)


@pytest.mark.parametrize("code", [USCC, "723456781", USCC.lower()])
def test_the_public_archive_shows_public_facts_only(client, certificate, code):
    answer = client.get(f"/enterprises/{code}")
    page = text(answer)
    assert answer.status_code == 200
    for shown in ("杭州西湖龙井食品有限公司", "王小明", "浙江省 / 杭州市 / 西湖区", NUMBER, "茶叶及相关制品"):
        assert shown in page, shown
    assert not [word for word in INNER if word in page]


def test_an_official_sees_the_public_archive_like_anybody(sign_in, certificate):
    page = text(sign_in("330106").get(f"/enterprises/{USCC}"))
    assert not [word for word in INNER if word in page]


def test_an_unknown_code_is_404_with_a_way_on(client, db):
    answer = client.get("/enterprises/91330100723456781Y")
    assert answer.status_code == 404 and "企业查询" in text(answer)


def test_typing_a_number_in_any_writing_leads_to_its_verdict(client, db):
    answer = client.get("/verify/", {"number": " ｓｃ 1133301-9700024 "})
    assert answer["Location"] == f"/verify/{NUMBER}"
    assert "请输入证书编号" in text(client.get("/verify/", {"number": " "}))


def verdict(client, path):
    answer = client.get(path)
    page = text(answer)
    tone = page.split('class="verdict verdict-', 1)[1].split('"', 1)[0]
    return tone, page, answer.status_code


def test_a_good_certificate_says_so_at_one_glance(client, certificate):
    tone, page, status = verdict(client, f"/verify/{NUMBER}?t={certificate.qr_token}")
    assert (tone, status) == ("good", 200)
    for shown in (
        "有效",
        "2024年1月10日起",
        "至 2029年1月9日",
        "茶叶及相关制品",
        "绿茶",
        "杭州市西湖区市场监督管理局",
    ):
        assert shown in page, shown
    assert not [word for word in INNER if word in page]


@pytest.mark.parametrize("mark", ["", "1.AAAAAAAAAAAAAAAAAAAA", "x", "1", "WzFd.AAAA", "." * 5000, "WzFd.é"])
def test_a_forged_qr_is_called_forged_even_for_a_good_number(client, certificate, mark):
    tone, page, _ = verdict(client, f"/verify/{NUMBER}?t={mark}")
    assert tone == "bad" and "二维码与登记信息不符" in page and "杭州西湖龙井食品有限公司" in page


def test_the_qr_of_a_former_face_is_genuine_but_old(client, certificate):
    former = certificate.qr_token
    certificates.decide(certificate, "alter", effective_on=date(2026, 1, 1), address="新址")
    tone, page, _ = verdict(client, f"/verify/{NUMBER}?t={former}")
    assert tone == "unsure" and "旧版" in page


@pytest.mark.parametrize(
    ("act", "word"),
    [("withdraw", "已撤回"), ("revoke", "已撤销"), ("punish", "已吊销"), ("cancel", "已注销")],
)
def test_an_ended_certificate_is_red_with_its_own_word(client, certificate, act, word):
    certificates.decide(
        certificate,
        act,
        effective_on=date(2026, 1, 1),
        document_number="〔2026〕1号",
        reason="内部备注不公开",
    )
    tone, page, _ = verdict(client, f"/verify/{NUMBER}?t={certificate.qr_token}")
    assert tone == "bad" and word in page and "2026年1月1日" in page and "内部备注" not in page


def test_an_expired_certificate_is_red_without_any_job_having_run(client, enterprise):
    certificates.issue(
        number=NUMBER,
        kind="food_production",
        holder=enterprise,
        valid_from=date(2015, 10, 1),
        valid_to=date(2020, 9, 30),
    )
    tone, page, _ = verdict(client, f"/verify/{NUMBER}")
    assert tone == "bad" and "已过期" in page


def test_an_unknown_number_says_what_to_check(client, certificate):
    tone, page, status = verdict(client, "/verify/SC11333019700025")
    assert (tone, status) == ("bad", 404) and "编号本身有误" in page
    _, page, _ = verdict(client, f"/verify/{USCC}")
    assert "企业的代码，不是证书编号" in page and f"/enterprises/{USCC}" in page


@pytest.mark.parametrize("number", ["'; DROP TABLE x;--", "%00", "<script>", "x" * 900, "..", "%2e%2e%2fetc"])
def test_hostile_numbers_are_no_error(client, db, number):
    answer = client.get("/verify/" + number)
    assert answer.status_code == (400 if "%00" in number else 404) and "<script>" not in text(answer)


def test_officials_list_the_enterprises_of_their_place(sign_in, enterprise):
    Enterprise.objects.create(name="临平丝绸厂", place=LINPING)
    page = text(sign_in("330106").get("/registry/enterprises/"))
    assert enterprise.name in page and "临平丝绸厂" not in page
    page = text(sign_in("330100").get("/registry/enterprises/"))
    assert enterprise.name in page and "临平丝绸厂" in page
    page = text(sign_in("330100").get("/registry/enterprises/", {"place": "330113"}))
    assert enterprise.name not in page and "临平丝绸厂" in page
    page = text(sign_in("330100").get("/registry/enterprises/", {"q": "丝绸"}))
    assert enterprise.name not in page and "临平丝绸厂" in page


def test_pages_of_the_list_follow_each_other_without_losing_a_row(sign_in):
    for n in range(120):
        Enterprise.objects.create(name=f"翻页{n:03d}号", place=WESTLAKE)
    client, seen, query = sign_in("330106"), [], {}
    for _ in range(3):
        answer = client.get("/registry/enterprises/", query)
        seen += re.findall(r"翻页\d{3}号", text(answer))
        query = {"after": answer.context["page"].after}
    assert len(seen) == 120 and len(set(seen)) == 120 and query == {"after": ""}


@pytest.mark.parametrize(
    "q", ["' OR 1=1 --", "%", "\\", "西湖' OR name LIKE '%", USCC.lower(), "723456781", "龙井"]
)
def test_words_in_the_list_are_no_sql(sign_in, enterprise, q):
    page = text(sign_in("330106").get("/registry/enterprises/", {"q": q}))
    assert (enterprise.name in page) is (q in (USCC.lower(), "723456781", "龙井"))


def test_an_official_of_the_place_sees_contacts_and_leaves_a_trace(sign_in, certificate, enterprise):
    before = AuditEntry.objects.filter(kind="contacts_read").count()
    page = text(sign_in("330106").get(f"/registry/enterprises/{enterprise.pk}/"))
    assert "李四" in page and "内部备注不公开" in page
    assert AuditEntry.objects.filter(kind="contacts_read").count() == before + 1


def test_an_official_of_another_place_sees_the_public_face(sign_in, certificate, enterprise):
    page = text(sign_in("330113").get(f"/registry/enterprises/{enterprise.pk}/"))
    assert "只显示公开信息" in page and not [word for word in INNER if word in page]
    assert sign_in("330113").get(f"/registry/enterprises/{uuid7()}/").status_code == 404


def test_the_register_on_the_workbench_is_for_staff(client, enterprise):
    for path in (
        "/registry/enterprises/",
        "/registry/certificates/",
        f"/registry/enterprises/{enterprise.pk}/",
    ):
        assert client.get(path).status_code == 302
    account = Account.objects.create_user("e1", name="企业", kind="enterprise", enterprise_id=enterprise.pk)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/registry/enterprises/").status_code == 403


def test_certificates_are_listed_by_their_state_of_today(sign_in, certificate, enterprise):
    certificates.issue(
        number="SC10133021200158", kind="food_production", holder=enterprise, valid_to=date(2020, 1, 1)
    )
    client = sign_in("330106")
    page = text(client.get("/registry/certificates/", {"state": "valid"}))
    assert NUMBER in page and "SC10133021200158" not in page
    page = text(client.get("/registry/certificates/", {"state": "expired"}))
    assert NUMBER not in page and "SC10133021200158" in page
    assert NUMBER in text(client.get("/registry/certificates/", {"q": NUMBER.lower()}))
    assert NUMBER in text(client.get("/registry/certificates/", {"q": "龙井"}))


def test_an_export_is_a_csv_with_a_trace(sign_in, enterprise):
    Enterprise.objects.create(name="=cmd|' /C calc'!A0", place=WESTLAKE)
    answer = sign_in("330106").get("/registry/enterprises/", {"export": "csv"})
    lines = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert enterprise.name in lines and "'=cmd" in lines
    assert AuditEntry.objects.filter(kind="registry.exported").exists()


@pytest.mark.parametrize(
    "path", ["/enterprises/", "/enterprises/?q=龙井", f"/enterprises/{USCC}", "/verify/", f"/verify/{NUMBER}"]
)
def test_public_pages_obey_the_strict_policy(client, certificate, path):
    page = text(client.get(path))
    assert " style=" not in page and "<script>" not in page and " onclick" not in page
