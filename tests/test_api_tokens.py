"""Signing in to the interface: the same people, the same locks and the same powers as on the pages."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from jinzhi.foundation.people.models import AccessToken, Account, Power, SignIn
from jinzhi.foundation.people.tests.cast import HANGZHOU, PASSWORD, WEST_LAKE, day, person, sign_in
from jinzhi.foundation.places import scope
from jinzhi.services.licensing.tests import world

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens"


@pytest.fixture(autouse=True)
def _fresh(settings):
    cache.clear()
    settings.DEMO = False


def log_in(username="li", password=PASSWORD, client=None, **more):
    body = {"username": username, "password": password} | more
    return (client or Client()).post(TOKENS, body, content_type="application/json")


def bearing(token: str) -> Client:
    return Client(headers={"authorization": f"Bearer {token}"})


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


def token_of(post, **more) -> str:
    """A token of a demonstration account (which needs no second factor there)."""
    answer = log_in(post.account.username, **more)
    assert answer.status_code == 201, answer.content.decode()
    return answer.json()["token"]


@pytest.fixture
def demo(settings):
    settings.DEMO = True


def whose(token: str) -> int:
    """Asks for something that needs a sign-in: 404 for who is let in, 401 or 403 for who is not."""
    return bearing(token).get("/api/v1/cases/nothing").status_code


def results() -> list[str]:
    return list(SignIn.objects.order_by("id").values_list("result", flat=True))


# -- who is let in


def test_both_factors_give_a_token_that_is_shown_once_and_kept_as_a_hash(official, secret):
    answer = log_in(code=code_of(secret))
    assert answer.status_code == 201
    told = answer.json()
    assert told["post"]["id"] == official.pk and told["post"]["roles"] == ["examiner"]
    assert told["post"]["agency"] == WEST_LAKE and told["enterprise"] is None
    assert whose(told["token"]) == 404
    kept = AccessToken.objects.get()
    assert told["token"] not in str(vars(kept)) and len(kept.digest) == 64
    assert results() == ["signed_in"]


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(official, secret):
    answers = [log_in(password="wrong"), log_in("nobody", "wrong")]
    assert {a.status_code for a in answers} == {401}
    assert answers[0].json() == answers[1].json()
    assert results() == ["failed", "failed"] and not AccessToken.objects.exists()


def test_the_fifth_failure_locks_here_and_on_the_page(official, secret):
    for name in ("li", "LI", " li", "Li"):
        assert log_in(name, "wrong").status_code == 401
    locked = log_in(password="wrong")
    assert locked.status_code == 429 and "15 分钟" in locked.json()["message"]
    assert log_in(code=code_of(secret)).status_code == 429  # the right password does not help now
    page = Client().post("/accounts/login/", {"login": "li", "password": PASSWORD})
    assert page.status_code == 429


def test_failures_on_the_page_lock_the_interface(official, secret):
    for _ in range(5):
        Client().post("/accounts/login/", {"login": "li", "password": "wrong"})
    assert log_in(code=code_of(secret)).status_code == 429


def test_an_official_without_second_factor_gets_no_token(official):
    answer = log_in()
    assert answer.status_code == 403 and "动态口令" in answer.json()["message"]


def test_the_code_is_asked_for_and_checked(official, secret):
    missing = log_in()
    assert missing.status_code == 401 and missing.json()["problems"][0]["field"] == "code"
    wrong = log_in(code="000000")
    assert wrong.status_code == 401 and "动态口令不对" in wrong.json()["message"]
    assert results() == ["failed"]
    good = code_of(secret)
    assert log_in(code=good).status_code == 201
    assert log_in(code=good).status_code == 401  # a code works once


def test_the_code_cannot_be_guessed(official, secret):
    for _ in range(10):
        log_in(code="000000")
    assert "尝试次数过多" in log_in(code=code_of(secret)).json()["message"]


def test_a_password_that_must_be_changed_gets_no_token(official, secret):
    Account.objects.filter(pk=official.account_id).update(must_change_password=True)
    assert log_in(code=code_of(secret)).status_code == 403


def test_a_disabled_account_gets_no_token(official, secret):
    Account.objects.filter(pk=official.account_id).update(is_active=False)
    assert log_in(code=code_of(secret)).status_code == 401


def test_an_enterprise_signs_in_with_its_password_alone():
    holder = world.enterprise()
    account = world.owner(holder).account
    told = log_in(account.username, "a long enough word").json()
    assert told["enterprise"] == str(holder.pk) and told["post"] is None and told["posts"] == []
    assert whose(told["token"]) == 404
    assert log_in(account.username, "a long enough word", post=1).status_code == 422


def test_an_account_of_no_enterprise_gets_no_token():
    Account.objects.create_user("firm", "a long enough word", name="甲", kind="enterprise")
    assert log_in("firm", "a long enough word").status_code == 403


def test_people_of_a_demonstration_need_no_password_only_there(settings):
    person("wu", WEST_LAKE, "examiner")
    assert log_in("wu", "").status_code == 401
    settings.DEMO = True
    assert log_in("wu", "").status_code == 201
    assert log_in("wu", "wrong").status_code == 401  # a password that is given must be right
    post = person("yu", WEST_LAKE, "examiner")
    Account.objects.filter(pk=post.account_id).update(is_demo=False)
    assert log_in("yu", "").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": 1, "password": "x"},
        {"username": "", "password": "x"},
        {"username": "li", "password": ["x"]},
        {"username": "l\0i", "password": "x"},
        {"username": "li", "password": "x" * 300},
        {"username": "li" * 200, "password": "x"},
        {"username": "li", "password": "x", "post": "1"},
        {"username": "li", "password": "x", "post": True},
        {"username": "li", "password": "x", "post": 2**70},
        {"username": "li", "password": "x", "code": {}},
        [],
        None,
    ],
)
def test_anything_else_is_refused_in_words(body):
    answer = Client().post(TOKENS, body, content_type="application/json")
    assert answer.status_code in (401, 422) and answer.json()["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'"' * 50, b"[" * 100_000])
def test_what_is_not_json_is_refused_in_words(raw):
    answer = Client().generic("POST", TOKENS, raw, content_type="application/json")
    assert answer.status_code in (400, 422) and not answer.json()["message"].isascii()


# -- posts


def test_a_token_stands_for_one_post(demo):
    main = person("li", WEST_LAKE, "examiner")
    second = person("li", HANGZHOU, "approver")
    told = log_in("li").json()
    assert told["post"]["id"] == main.pk and [p["id"] for p in told["posts"]] == [main.pk, second.pk]
    other = log_in("li", post=second.pk).json()
    assert other["post"]["roles"] == ["approver"] and other["post"]["agency"] == HANGZHOU


def test_a_post_of_somebody_else_or_one_that_ended_is_refused(demo):
    person("li", WEST_LAKE, "examiner")
    theirs = person("wu", HANGZHOU, "approver")
    ended = person("li", HANGZHOU, "approver", valid_to=day(-1))
    for post in (theirs, ended):
        assert log_in("li", post=post.pk).status_code == 422


def test_without_a_valid_post_there_is_no_token(demo):
    person("li", WEST_LAKE, "examiner", valid_to=day(-1))
    assert log_in("li").status_code == 403


# -- what ends a token


def test_a_token_that_is_handed_back_is_dead(demo):
    token = token_of(person("li", WEST_LAKE, "examiner"))
    assert bearing(token).delete(f"{TOKENS}/current").status_code == 204
    assert whose(token) == 401
    assert bearing(token).delete(f"{TOKENS}/current").status_code == 401
    assert results() == ["signed_in", "signed_out"]


def test_handing_back_needs_a_token_not_a_session(demo):
    client = sign_in(Client(), person("li", WEST_LAKE, "examiner"))
    assert client.delete(f"{TOKENS}/current").status_code == 401


def test_a_token_ends_with_its_time(demo):
    token = token_of(person("li", WEST_LAKE, "examiner"))
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert whose(token) == 401


def test_a_token_ends_with_its_post_even_if_another_is_left(demo):
    post = person("li", WEST_LAKE, "examiner")
    person("li", HANGZHOU, "approver")
    token = token_of(post)
    post.valid_to = day(-1)
    post.save()
    assert whose(token) == 401


def test_a_new_password_ends_every_token(demo):
    post = person("li", WEST_LAKE, "examiner")
    token = token_of(post)
    post.account.set_password("Another-2026-word")
    post.account.save()
    assert whose(token) == 401


def test_a_disabled_account_ends_every_token(demo):
    post = person("li", WEST_LAKE, "examiner")
    token = token_of(post)
    Account.objects.filter(pk=post.account_id).update(is_active=False)
    assert whose(token) == 401


def test_a_second_factor_taken_away_stops_the_token(official, secret):
    token = log_in(code=code_of(secret)).json()["token"]
    assert whose(token) == 404
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM mfa_authenticator WHERE user_id = %s", [official.account_id])
    assert whose(token) == 403


@pytest.mark.parametrize("token", ["", "x", "令牌", "a" * 5000, "' OR 1=1 --"])
def test_an_invented_token_is_nobody_everywhere_in_the_interface(token):
    client = Client(headers={"authorization": f"Bearer {token}"})
    for address in ("/api/v1/cases/x", "/api/v1/procedures", "/api/v1/enterprises?q=x"):
        answer = client.get(address)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["message"]


def test_without_a_token_there_is_no_case():
    assert Client().get("/api/v1/cases/x").status_code == 401
    assert Client(headers={"authorization": "Basic bGk6eA=="}).get("/api/v1/cases/x").status_code == 401


# -- what a token is not


def test_a_token_opens_no_page(demo):
    token = token_of(person("li", WEST_LAKE, "examiner"))
    answer = bearing(token).get("/office/")
    assert answer.status_code == 302 and "/accounts/login/" in answer.url


def test_a_token_counts_beside_a_session_of_somebody_else(demo):
    token = token_of(person("li", WEST_LAKE, "examiner"))
    client = sign_in(Client(headers={"authorization": f"Bearer {token}"}), person("wu", HANGZHOU, "approver"))
    assert client.delete(f"{TOKENS}/current").status_code == 204
    assert not AccessToken.objects.filter(revoked_at=None).exists()


def test_a_power_taken_away_is_gone_on_the_next_request(demo):
    post = person("li", WEST_LAKE, "window_clerk")
    client = bearing(token_of(post))
    body = {"procedure": "food_production_licence", "data": {}}
    first = client.post("/api/v1/cases", body, content_type="application/json")
    assert first.status_code == 422  # may enter applications; this one is empty
    Power.objects.filter(post=post).delete()
    second = client.post("/api/v1/cases", body, content_type="application/json")
    assert second.status_code == 403


def test_the_session_of_a_page_changes_nothing_without_its_csrf_token(demo):
    client = sign_in(Client(enforce_csrf_checks=True), person("li", WEST_LAKE, "window_clerk"))
    assert client.get("/api/v1/cases/x").status_code == 404
    answer = client.post("/api/v1/cases", {"procedure": "x", "data": {}}, content_type="application/json")
    assert answer.status_code == 403


def test_people_and_enterprises_read_no_tokens(official):
    for eyes in (scope.PUBLIC, scope.enterprise("0190a7c4-0000-7000-8000-000000000001")):
        with scope.acting(eyes), transaction.atomic(), pytest.raises(ProgrammingError), transaction.atomic():
            AccessToken.objects.count()
    with scope.acting(scope.staff(330106000000)), pytest.raises(ProgrammingError), transaction.atomic():
        AccessToken.objects.update(expires_at=timezone.now() + timedelta(days=900))
