"""Signing in: passwords, lock-out, second factor, idle sessions, resets, the log of all this."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse

from jinzhi.foundation.people import services
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.people.models import Account, SignIn
from jinzhi.foundation.places import scope

from .cast import HANGZHOU, PASSWORD, WEST_LAKE, actor, person, sign_in

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()
    with override_settings(DEMO=False):
        yield


@pytest.fixture
def official():
    """A real (not demonstration) official without a second factor yet."""
    post = person("li", WEST_LAKE, "examiner")
    Account.objects.filter(pk=post.account_id).update(is_demo=False)
    post.account.refresh_from_db()
    return post


@pytest.fixture
def secret(official):
    key = totp.generate_totp_secret()
    totp.TOTP.activate(official.account, key)
    return key


def code_of(secret: str) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, totp.yield_hotp_counters_from_time().__next__()))


def log_in(client, username="li", password=PASSWORD, **data):
    return client.post(LOGIN, {"login": username, "password": password} | data)


def results() -> list[str]:
    return list(SignIn.objects.order_by("id").values_list("result", flat=True))


def test_a_wrong_password_is_told_in_words_and_logged(client, official):
    answer = log_in(client, password="wrong")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "用户名或者密码不对" in text and "wrong" not in text
    assert results() == ["failed"]
    assert SignIn.objects.get().account == official.account


def test_an_unknown_name_gets_the_same_words(client, official):
    known = re.sub(r'(value|content)="[^"]*"', "", log_in(client, password="wrong").content.decode())
    unknown = re.sub(r'(value|content)="[^"]*"', "", log_in(Client(), "nobody", "wrong").content.decode())
    assert "用户名或者密码不对" in unknown and len(known) == len(unknown)


def test_the_fifth_failure_locks_and_says_for_how_long(client, official):
    for _ in range(4):
        assert log_in(client, password="wrong").status_code == 200
    locked = log_in(client, password="wrong")
    assert locked.status_code == 429
    assert "15 分钟" in locked.content.decode()
    assert log_in(client).status_code == 429  # the right password does not help now
    assert results() == ["failed"] * 4 + ["locked"] * 2


def test_another_spelling_of_the_name_gives_no_further_tries(client, official):
    for name in ("li", "LI", "Li", "lI", " li "):
        answer = log_in(client, name, "wrong")
    assert answer.status_code == 429


def test_a_security_administrator_unlocks(client, official, secret):
    for _ in range(5):
        log_in(client, password="wrong")
    services.unlock(actor(person("sec", HANGZHOU, "security_administrator")), official.account)
    assert log_in(client).status_code == 302


def test_an_official_without_second_factor_must_set_it_up_first(client, official):
    assert log_in(client).status_code == 302
    for path in ("/home/", "/desk/", "/accounts/", "/search/"):
        answer = client.get(path)
        assert (answer.status_code, answer.url) == (302, reverse("mfa_activate_totp"))
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200  # no second asking for the password just given
    assert "设置动态口令" in page.content.decode()
    key = re.search(r'class="secret">([A-Z2-7]+)<', page.content.decode()).group(1)
    done = client.post(reverse("mfa_activate_totp"), {"code": code_of(key)})
    assert done.url == reverse("mfa_view_recovery_codes")
    assert client.get("/accounts/").status_code == 200


def test_the_secret_of_the_second_factor_is_not_readable_in_the_database(official, secret):
    stored = Authenticator.objects.get(user=official.account, type="totp").data["secret"]
    assert secret not in stored and stored.startswith("fernet1:")


def test_signing_in_takes_both_factors_and_keeps_the_way(client, official, secret):
    answer = log_in(client, next="/desk/people/?q=li")
    assert answer.url.startswith(reverse("mfa_authenticate"))
    assert client.get("/accounts/").status_code == 302  # not signed in yet
    wrong = client.post(answer.url, {"code": "000000"})
    assert "动态口令不对" in wrong.content.decode()
    right = client.post(answer.url, {"code": code_of(secret)})
    assert right.url == "/desk/people/?q=li"
    assert results() == ["failed", "signed_in"]


def test_the_second_factor_cannot_be_guessed(client, official, secret):
    url = log_in(client).url
    for _ in range(10):
        client.post(url, {"code": "000000"})
    stopped = client.post(url, {"code": code_of(secret)})
    assert stopped.status_code == 200
    assert "尝试次数过多" in stopped.content.decode()


def test_an_official_cannot_drop_the_second_factor(client, official, secret):
    client.force_login(official.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.post(reverse("mfa_deactivate_totp"))
    assert answer.status_code == 200
    assert Authenticator.objects.filter(user=official.account, type="totp").exists()


def test_demonstration_accounts_need_no_second_factor_only_in_a_demonstration(client):
    post = person("wu", WEST_LAKE, "examiner")
    sign_in(client, post)
    assert client.get("/accounts/").status_code == 302
    with override_settings(DEMO=True):
        assert client.get("/accounts/").status_code == 200


def test_an_administrators_password_must_be_changed_first(client, official, secret):
    security = actor(person("sec", HANGZHOU, "security_administrator"))
    password = services.reset_password(security, official.account)
    url = log_in(client, password=password).url
    client.post(url, {"code": code_of(secret)})
    assert client.get("/home/").url == reverse("account_change_password")
    own = "A-Much-better-one-9"
    form = {"oldpassword": password, "password1": own, "password2": own}
    assert client.post(reverse("account_change_password"), form).status_code == 302
    assert client.get("/accounts/").status_code == 200
    official.account.refresh_from_db()
    assert not official.account.must_change_password


def test_a_reset_password_ends_every_session(official, secret):
    clients = [Client(), Client()]
    for client in clients:
        sign_in(client, official)
        assert client.get("/accounts/").status_code == 200
    services.reset_password(actor(person("sec", HANGZHOU, "security_administrator")), official.account)
    for client in clients:
        assert client.get("/accounts/").url.startswith(LOGIN)


def test_a_disabled_account_is_out_at_once(client, official, secret):
    sign_in(client, official)
    services.set_active(actor(person("sys", HANGZHOU, "administrator")), official.account, False, "调离")
    assert client.get("/accounts/").url.startswith(LOGIN)
    assert "已经停用" in log_in(client).client.get("/accounts/inactive/").content.decode()
    assert client.get("/accounts/").url.startswith(LOGIN)


def test_nobody_resets_his_own_password_or_second_factor_from_the_desk():
    security = actor(person("sec", HANGZHOU, "security_administrator"))
    for act in (services.reset_password, services.reset_second_factor):
        with pytest.raises(Refused):
            act(security, security.account)


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("Short-1", "至少要 10 个字符"),
        ("73920184756", "不能全是数字"),
        ("password123", "太常见"),
        ("li姓名-2026-x", "姓名太像"),
    ],
)
def test_weak_passwords_are_refused_in_chinese(client, official, secret, weak, why):
    Account.objects.filter(pk=official.account_id).update(name="li姓名-2026")
    sign_in(client, official)
    form = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
    answer = client.post(reverse("account_change_password"), form)
    assert answer.status_code == 200
    assert why in answer.content.decode()


def test_an_idle_session_ends_and_sign_in_leads_back(client, official, secret):
    sign_in(client, official)
    assert client.get("/accounts/delegations/").status_code == 200
    session = client.session
    session["seen"] -= 1801
    session.save()
    answer = client.get("/accounts/delegations/?a=1")
    assert answer.url == f"{LOGIN}?next=%2Faccounts%2Fdelegations%2F%3Fa%3D1&reason=idle"
    assert "一段时间没有操作" in client.get(answer.url).content.decode()
    assert results()[-1] == "signed_out"


def test_activity_keeps_a_session_alive(client, official, secret):
    sign_in(client, official)
    client.get("/accounts/")
    session = client.session
    session["seen"] -= 1700
    session.save()
    assert client.get("/accounts/").status_code == 200
    assert client.session["seen"] > session["seen"]


def test_a_fragment_request_without_session_sends_the_whole_page_to_sign_in(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/people/?q=1"}
    answer = client.get("/desk/people/?q=2", headers=headers)
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == f"{LOGIN}?next=%2Fdesk%2Fpeople%2F%3Fq%3D1"


def test_the_way_back_never_leaves_our_site(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/desk/"}
    assert client.get("/desk/", headers=headers)["HX-Redirect"] == f"{LOGIN}?next=%2Fhome%2F"
    headers["HX-Current-URL"] = "http://testserver.evil.example/desk/"
    assert client.get("/desk/", headers=headers)["HX-Redirect"] == f"{LOGIN}?next=%2Fhome%2F"


def test_a_form_sent_without_session_leads_back_to_its_page(client):
    answer = client.post("/desk/people/5/unlock/", headers={"Referer": "http://testserver/desk/people/5/"})
    assert answer.url == f"{LOGIN}?next=%2Fdesk%2Fpeople%2F5%2F"


def test_signing_out_is_a_post_and_is_logged(client, official, secret):
    sign_in(client, official)
    assert client.get(reverse("account_logout")).status_code == 200
    assert client.post(reverse("account_logout")).url == "/"
    assert results() == ["signed_in", "signed_out"]


def test_nobody_signs_up_through_this_door(client):
    answer = client.post(
        "/accounts/signup/", {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert "企业注册" in answer.content.decode()
    assert not Account.objects.filter(username="eve").exists()


def denied(face, statement):
    with (
        scope.acting(face),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
    ):
        cursor.execute(statement)


def test_the_sign_in_log_is_never_changed(client, official):
    log_in(client, password="wrong")
    for face in (scope.SYSTEM, scope.staff(330000000000), scope.PUBLIC):
        denied(face, "UPDATE people_signin SET result = 'signed_in'")
        denied(face, "DELETE FROM people_signin")


def test_only_officials_write_who_may_do_what(official):
    for face in (scope.PUBLIC, scope.enterprise("0190a7c4-0000-7000-8000-000000000001")):
        for table in ("power", "post", "agency", "delegation", "department"):
            denied(face, f"DELETE FROM people_{table}")


PAGES = ("account_login", "account_signup", "account_reset_password", "account_logout", "people-forgotten")


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_door_speak_chinese_only(client, name):
    text = client.get(reverse(name), follow=True).content.decode()
    seen = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", " ", text, flags=re.S)
    assert not re.findall(r"\b(?:Sign|Password|Username|Email|Please|Cancel|Confirm)\w*", seen)


def test_mail_pages_of_the_library_are_closed(client, official, secret):
    sign_in(client, official)
    for path in ("email/", "confirm-email/", "password/set/", "password/reset/key/a-b/"):
        answer = client.get(f"/accounts/{path}")
        assert answer.status_code == 302 or "不通过邮件" in answer.content.decode()
