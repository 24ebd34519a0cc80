"""Verification on a phone whose network is cut: every verdict it can come to, in the real browser."""

import json
from datetime import date, timedelta

import gmssl_pyx
import pytest
from django.utils import timezone

from jinzhi.foundation.places import scope
from jinzhi.registry import certificates
from jinzhi.registry.licences import keys, payload, status_list
from jinzhi.registry.licences.models import SigningKey

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TODAY = timezone.localdate


def issued(enterprise, number="SC11333019700024", **facts):
    today = TODAY()
    facts = {
        "valid_from": today - timedelta(400),
        "valid_to": today + timedelta(400),
        "issued_on": today,
    } | facts
    return certificates.issue(
        number=number, kind="food_production", holder=enterprise, agency_name="杭州市西湖区市场监督管理局",
        items=[{"category": "茶叶及相关制品"}], **facts,
    )  # fmt: skip


@pytest.fixture
def prepared(phone, live):
    """A phone that has opened the verification once; `cut()` takes its network away and scans a text."""

    def cut(path: str) -> str:
        phone.context.set_offline(False)
        phone.goto("/verify/")
        phone.get_by_text("已保存到这部手机").wait_for()
        phone.context.set_offline(True)
        phone.goto(path)
        phone.wait_for_selector("#verdict:not([hidden])")
        return phone.get_attribute("#verdict", "data-state")

    yield cut
    phone.context.set_offline(False)


def heading(phone) -> str:
    return phone.inner_text("#verdict-heading")


def test_a_good_licence_without_network(phone, prepared, enterprise, accessibility):
    certificate = issued(enterprise)
    assert prepared(payload.verification_path(certificate)) == "good"
    assert heading(phone) == "有效" and "verdict-good" in phone.get_attribute("#verdict", "class")
    shown = phone.inner_text("#face-fields")
    for words in (
        certificate.number,
        certificate.holder_name,
        "茶叶及相关制品",
        "杭州市西湖区市场监督管理局",
    ):
        assert words in shown, words
    assert "分钟前" in phone.inner_text("#list-age")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert accessibility(phone) == []


def test_a_forged_licence_without_network(phone, prepared, enterprise):
    certificate = issued(enterprise)
    public, private = gmssl_pyx.sm2_key_generate()
    ours = SigningKey.objects.filter(state="active").first().pk
    message = payload.text_of(payload.face(certificate, ours, TODAY()))
    forged = payload.join(message, gmssl_pyx.sm2_sign(private, public, message))
    assert prepared(f"/verify/{certificate.number}?t={forged}") == "forged"
    assert "伪造" in heading(phone) and phone.is_hidden("#face"), "nothing of a forged text is shown"


def test_an_altered_licence_without_network(phone, prepared, enterprise):
    certificate = issued(enterprise)
    _, signature, face = payload.split(payload.token(certificate))
    altered = payload.join(payload.text_of(payload.Face(**(vars(face) | {"valid_to": 20991231}))), signature)
    assert prepared(f"/verify/{certificate.number}?t={altered}") == "forged"
    assert "2099" not in phone.inner_text("main")


def test_the_text_of_another_licence_without_network(prepared, enterprise):
    certificate = issued(enterprise)
    assert prepared(f"/verify/SC11464010500015?t={payload.token(certificate)}") == "mismatch"


@pytest.mark.parametrize(
    ("act", "word"),
    [
        ("revoke", "已撤销"),
        ("withdraw", "已撤回"),
        ("punish", "已吊销"),
        ("cancel", "已注销"),
        ("suspend", "已暂停"),
    ],
)
def test_an_ended_licence_without_network(phone, prepared, enterprise, act, word):
    certificate = issued(enterprise)
    path = payload.verification_path(certificate)
    certificates.decide(certificate, act, effective_on=TODAY(), document_number="〔2026〕1号")
    prepared(path)
    assert heading(phone) == word and "verdict-bad" in phone.get_attribute("#verdict", "class")
    assert f"{TODAY().year}年" in phone.inner_text("#verdict-words")


def test_an_expired_licence_without_network(prepared, enterprise):
    certificate = issued(enterprise, valid_from=date(2015, 10, 1), valid_to=date(2020, 9, 30))
    assert prepared(payload.verification_path(certificate)) == "expired"


def test_a_licence_of_an_unknown_key_without_network(phone, prepared, enterprise):
    certificate = issued(enterprise)
    public, private = gmssl_pyx.sm2_key_generate()
    message = payload.text_of(payload.face(certificate, keys.key_id("04" + public.hex()), TODAY()))
    stranger = payload.join(message, gmssl_pyx.sm2_sign(private, public, message))
    assert prepared(f"/verify/{certificate.number}?t={stranger}") == "unknown_key"
    assert "verdict-bad" in phone.get_attribute("#verdict", "class")


def test_a_retired_key_keeps_and_a_compromised_key_loses_its_word(phone, prepared, enterprise):
    certificate = issued(enterprise)
    path = payload.verification_path(certificate)
    former = SigningKey.objects.get(state="active")
    keys.new()
    keys.retire(former)
    status_list.issue()
    assert prepared(path) == "good" and "已停用" in phone.inner_text("#face-fields")
    keys.retire(former, compromised=True)
    assert prepared(path) == "bad_key"


def test_a_face_that_was_replaced_without_network(phone, prepared, enterprise):
    certificate = issued(enterprise)
    path = payload.verification_path(certificate)
    certificates.decide(certificate, "alter", effective_on=TODAY(), address="新址")
    status_list.issue()
    assert prepared(path) == "replaced" and "旧证" in phone.inner_text("#verdict-words")


def test_a_stale_list_says_how_old_it_is(phone, prepared, enterprise):
    certificate = issued(enterprise)
    with scope.acting(scope.SYSTEM):
        made = status_list.issue()
        day = timedelta(days=1)
        old = json.loads(made.body) | {
            "issued_at": (made.issued_at - 9 * day).isoformat(), "fresh_until": (made.issued_at - 6 * day).isoformat()
        }  # fmt: skip
        key, private = keys.signing_key()
        made.body = json.dumps(old)
        made.signature = payload.coded(keys.sign_with(key, private, made.body.encode()))
        made.save()
    assert prepared(payload.verification_path(certificate)) == "stale"
    assert "9 天前" in phone.inner_text("#list-age") and "verdict-unsure" in phone.get_attribute(
        "#verdict", "class"
    )


def test_an_altered_list_counts_as_none(prepared, enterprise):
    certificate = issued(enterprise)
    with scope.acting(scope.SYSTEM):
        made = status_list.issue()
        made.body = made.body.replace('"ended":{', '"ended": {')
        made.save()
    assert prepared(payload.verification_path(certificate)) == "no_list"


def test_without_network_a_number_alone_proves_nothing(phone, prepared, enterprise):
    certificate = issued(enterprise)
    prepared(payload.verification_path(certificate))
    phone.goto(f"/verify/{certificate.number}")
    phone.wait_for_selector("#no-network:not([hidden])")


@pytest.mark.parametrize(
    "text", ["nonsense", "http://elsewhere.example/verify/x?t=a.b", "A.A", "<script>alert(1)</script>"]
)
def test_garbage_that_is_pasted_is_no_licence(phone, live, text):
    phone.goto("/verify/offline/")
    phone.fill("#text", text)
    phone.click("#typed button")
    phone.wait_for_selector("#verdict:not([hidden])")
    assert phone.get_attribute("#verdict", "data-state") == "malformed"


def test_what_a_pasted_text_says_is_shown_as_words(phone, live, enterprise):
    certificate = issued(enterprise, holder_name="<img src=x onerror=alert(1)>")
    phone.goto("/verify/offline/")
    phone.fill("#text", "https://any.example" + payload.verification_path(certificate))
    phone.click("#typed button")
    phone.wait_for_selector("#face:not([hidden])")
    assert "<img src=x" in phone.inner_text("#face-fields") and phone.query_selector("#face img") is None


def test_online_the_register_answers_and_needs_no_script(phone, live, enterprise, accessibility):
    certificate = issued(enterprise)
    phone.goto(payload.verification_path(certificate))
    assert accessibility(phone) == []
    assert phone.inner_text(".verdict-head") == "有效"
    phone.get_by_text("已保存到这部手机").wait_for()


def test_with_network_the_kept_page_stands_in_nobodys_way(phone, live, enterprise):
    certificate = issued(enterprise)
    phone.goto("/verify/")
    phone.get_by_text("已保存到这部手机").wait_for()
    phone.fill("[name=number]", certificate.number.lower())
    phone.click("main button, .p-find button")
    phone.wait_for_url(f"**/verify/{certificate.number}")
    assert phone.inner_text(".verdict-head") == "有效"
    phone.goto(payload.verification_path(certificate))
    assert "发证日期" in phone.inner_text("main") and phone.query_selector("#list-age") is None
