"""The administrator's desk over HTTP: reach, separation, mass assignment, secrets, cost of lists."""

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.models import Account, Agency, Delegation, Post, Power, SignIn
from jinzhi.foundation.people.tests.cast import (
    BEILUN,
    HANGZHOU,
    PROVINCE,
    WEST_LAKE,
    agency,
    day,
    person,
    sign_in,
)

pytestmark = pytest.mark.django_db
LISTS = ("agencies", "people", "posts", "powers", "delegations", "log", "signins")


@pytest.fixture(autouse=True)
def _demo():
    with override_settings(DEMO=True):
        yield


@pytest.fixture
def system(client):
    return sign_in(client, person("sys", HANGZHOU, "administrator"))


@pytest.fixture
def security(client):
    return sign_in(client, person("sec", HANGZHOU, "security_administrator"))


@pytest.fixture
def auditor(client):
    return sign_in(client, person("aud", HANGZHOU, "auditor"))


def text(answer) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode()


def test_a_city_administrator_sees_his_own_range(system):
    person("near", WEST_LAKE, "examiner")
    person("away", BEILUN, "examiner")
    for name in ("people", "posts", "powers"):
        page = text(system.get(f"/desk/{name}/"))
        assert "near姓名" in page and "away姓名" not in page
    page = text(system.get("/desk/agencies/"))
    assert "西湖区" in page and "北仑区" not in page


def test_what_lies_beyond_the_range_is_not_found(system, client):
    away = person("away", BEILUN, "examiner")
    account, post = away.account_id, away.pk
    for path in (
        f"/desk/agencies/{BEILUN}/",
        f"/desk/agencies/{PROVINCE}/edit/",
        f"/desk/people/{account}/",
        f"/desk/people/{account}/edit/",
        f"/desk/people/{account}/appoint/",
        f"/desk/posts/{post}/",
        f"/desk/posts/{post}/edit/",
    ):
        assert system.get(path).status_code == 404, path
    assert system.post(f"/desk/posts/{post}/end/").status_code == 404
    assert system.post(f"/desk/people/{account}/active/", {"active": "false"}).status_code == 404
    sign_in(client, person("sec", HANGZHOU, "security_administrator"))
    for path in (
        f"/desk/people/{account}/password/",
        f"/desk/people/{account}/unlock/",
        f"/desk/people/{account}/second-factor/",
        f"/desk/posts/{post}/powers/",
        f"/desk/posts/{post}/powers/{away.powers.get().pk}/revoke/",
    ):
        assert client.post(path, {"role": "approver"}).status_code == 404, path


def test_the_filter_offers_and_accepts_only_agencies_of_the_range(system):
    foreign = agency(BEILUN).pk
    answer = system.get("/desk/people/", {"agency": foreign})
    assert f'value="{foreign}"' not in text(answer)
    departments = text(system.get("/desk/departments/", {"agency": foreign}))
    assert departments.count("<option") == 1


def test_business_posts_and_enterprises_do_not_enter(client):
    sign_in(client, person("li", PROVINCE, "supervisor", "approver"))
    for name in LISTS:
        assert client.get(f"/desk/{name}/").status_code == 403
    firm = Account.objects.create(username="firm", name="企业", kind="enterprise")
    client.force_login(firm, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/desk/people/").status_code == 403


def test_each_administrator_writes_his_own_part_only(system, client):
    post = person("li", WEST_LAKE, "examiner")
    assert system.post(f"/desk/posts/{post.pk}/powers/", {"role": "approver"}).status_code == 403
    assert system.post(f"/desk/people/{post.account_id}/password/").status_code == 403
    sign_in(client, person("sec", HANGZHOU, "security_administrator"))
    assert client.get("/desk/people/new/").status_code == 403
    assert client.post(f"/desk/posts/{post.pk}/end/").status_code == 403
    sign_in(client, person("aud", HANGZHOU, "auditor"))
    assert client.post(f"/desk/posts/{post.pk}/powers/", {"role": "approver"}).status_code == 403
    assert client.get(f"/desk/people/{post.account_id}/edit/").status_code == 403
    assert client.get("/desk/log/").status_code == 200
    assert Power.objects.filter(post=post).count() == 1


def test_granting_and_revoking_through_the_page(security):
    post = person("li", WEST_LAKE, "examiner")
    security.post(f"/desk/posts/{post.pk}/powers/", {"role": "inspector"})
    power = Power.objects.get(post=post, role="inspector")
    security.post(f"/desk/posts/{post.pk}/powers/{power.pk}/revoke/")
    assert [p.role for p in post.powers.all()] == ["examiner"]


def test_a_security_administrator_cannot_widen_himself(security):
    own = Post.objects.get(account__username="sec")
    answer = security.post(f"/desk/posts/{own.pk}/powers/", {"role": "approver"}, follow=True)
    assert "不能给自己授权" in text(answer)
    assert own.powers.count() == 1


def test_a_power_of_another_post_is_not_revoked_under_this_one(security):
    one, two = person("li", WEST_LAKE, "examiner"), person("wu", WEST_LAKE, "examiner")
    path = f"/desk/posts/{one.pk}/powers/{two.powers.get().pk}/revoke/"
    assert security.post(path).status_code == 404
    assert two.powers.count() == 1


def test_opening_an_account_shows_its_password_once(system):
    form = {
        "name": "张三",
        "username": "zhang.san",
        "agency": agency(WEST_LAKE).pk,
        "title": "科员",
        "valid_from": str(day(0)),
    }
    answer = system.post("/desk/people/new/", form)
    page = text(answer)
    account = Account.objects.get(username="zhang.san")
    password = page.split('class="one-time">')[1].split("<")[0]
    assert account.check_password(password)
    assert "no-store" in answer["Cache-Control"]
    assert password not in text(system.get(f"/desk/people/{account.pk}/"))
    again = text(system.post("/desk/people/new/", form))
    assert "已经有人使用" in again and "填写的内容都还在" in again


def test_fields_beside_the_form_change_nothing(system):
    post = person("li", WEST_LAKE, "examiner")
    account = post.account
    hashed = Account.objects.get(pk=account.pk).password
    system.post(
        f"/desk/people/{account.pk}/edit/",
        {
            "name": "改名",
            "staff_number": "1",
            "password": "x",
            "kind": "enterprise",
            "is_demo": "",
            "is_active": "false",
            "username": "root",
            "enterprise_id": "0190a7c4-0000-7000-8000-000000000001",
            "must_change_password": "on",
        },
    )
    changed = Account.objects.get(pk=account.pk)
    assert (changed.name, changed.staff_number) == ("改名", "1")
    assert (changed.password, changed.kind, changed.username) == (hashed, "staff", "li")
    assert changed.is_demo and changed.is_active and not changed.must_change_password
    system.post(
        f"/desk/posts/{post.pk}/edit/",
        {"title": "科长", "valid_from": "2020-01-01", "agency": agency(PROVINCE).pk, "account": 1},
    )
    post.refresh_from_db()
    assert (post.title, post.agency.key, post.account_id) == ("科长", WEST_LAKE, account.pk)


def test_an_agency_keeps_its_place_and_key(system):
    form = {
        "name": "西湖局",
        "short_name": "西湖",
        "document_word": "杭西",
        "place": "330000000000",
        "key": "1",
    }
    system.post(f"/desk/agencies/{WEST_LAKE}/edit/", form)
    changed = Agency.objects.get(key=WEST_LAKE)
    assert (changed.name, changed.place) == ("西湖局", 330106000000)


def test_no_answer_carries_a_password_hash(client):
    post = person("li", WEST_LAKE, "examiner")
    other = person("wu", WEST_LAKE, "approver")
    Delegation.objects.create(from_post=other, to_post=post, starts=day(0), ends=day(1), reason="出差")
    hashes = list(Account.objects.exclude(password="").values_list("password", flat=True))
    assert all(len(h) > 20 for h in hashes)
    for role in ("administrator", "security_administrator", "auditor"):
        sign_in(client, person(role, PROVINCE, role))
        hashes.append(Account.objects.get(username=role).password)
        paths = [f"/desk/{name}/{query}" for name in LISTS for query in ("", "?export=csv")]
        paths += [
            f"/desk/people/{post.account_id}/",
            f"/desk/posts/{post.pk}/",
            f"/desk/agencies/{WEST_LAKE}/",
        ]
        paths += [f"/desk/people/{post.account_id}/edit/", "/accounts/", "/desk/"]
        for path in paths:
            answer = client.get(path)
            page = text(answer)
            assert answer.status_code in (200, 403), path
            assert not any(h in page or h.split("$")[-1] in page for h in hashes), path


def test_exports_are_logged_and_defuse_formulas(system):
    post = person("li", WEST_LAKE, title="=1+1")
    Account.objects.filter(pk=post.account_id).update(name="@SUM(A1)")
    sheet = text(system.get("/desk/people/?export=csv&q=li"))
    assert sheet.startswith("\ufeff姓名,用户名")
    assert "'@SUM(A1)" in sheet and "\n@SUM" not in sheet
    assert "'=1+1" in text(system.get("/desk/posts/?export=csv"))
    entry = AuditEntry.objects.filter(kind="desk.exported").earliest("id")
    assert (entry.subject, entry.data["条数"]) == ("人员", 1)


@pytest.mark.parametrize("name", ["people", "posts", "powers", "agencies"])
def test_a_list_costs_the_same_for_many_rows(system, name):
    for n in range(3):
        person(f"few{n}", WEST_LAKE, "examiner")
    system.get(f"/desk/{name}/")  # the first request of a session also notes the time of activity
    with CaptureQueriesContext(connection) as few:
        system.get(f"/desk/{name}/")
    for n in range(30):
        person(f"many{n}", WEST_LAKE, "examiner", "inspector")
    with CaptureQueriesContext(connection) as many:
        system.get(f"/desk/{name}/")
    assert len(many) == len(few) <= 9


def test_pages_follow_each_other_without_gap_or_repeat(system):
    for n in range(120):
        person(f"n{n:03d}", WEST_LAKE)
    seen, url = [], "/desk/people/?q=n&sort=username"
    while url:
        answer = system.get(url)
        seen += [row.record.username for row in answer.context["table"].rows]
        after = answer.context["page"].after
        url = after and f"/desk/people/?q=n&sort=username&after={after}"
    assert seen == [f"n{n:03d}" for n in range(120)]


@pytest.mark.parametrize(
    "query", ["after=garbage", "after=W10", "before=garbage", "sort=password", "sort=-x__y", "role=x"]
)
def test_made_up_addresses_are_harmless(system, query):
    answer = system.get(f"/desk/people/?{query}")
    assert answer.status_code == 200


def test_an_address_no_browser_sends_is_refused(system):
    """A NUL has no place in text and PostgreSQL takes none; every page refuses it in the same words."""
    assert system.get("/desk/people/?before=%00").status_code == 400


def test_the_log_shows_the_range_and_reading_it_leaves_a_trace(auditor, client):
    page = text(auditor.get("/desk/log/"))
    assert "共 0 条" in page
    assert AuditEntry.objects.get(kind="desk.log.read").actor == "aud姓名"
    assert "查阅操作日志" in text(auditor.get("/desk/log/?kind=desk.log.read"))
    sign_in(client, person("far", BEILUN, "auditor"))
    assert "aud姓名" not in text(client.get("/desk/log/?reading=on"))
    entry = AuditEntry.objects.filter(actor="aud姓名").first()
    assert client.get(f"/desk/log/{entry.pk}/").status_code == 404


def test_the_auditor_proves_the_chain(auditor):
    auditor.get("/desk/log/")
    answer = auditor.post("/desk/log/verify/", follow=True)
    assert "没有被改动或者删除" in text(answer)
    assert AuditEntry.objects.filter(kind="desk.log.verified").exists()


def test_sign_ins_are_shown_for_people_of_the_range(auditor, client):
    near, away = person("near", WEST_LAKE).account, person("away", BEILUN).account
    for account in (near, away, None):
        SignIn.objects.create(
            username=account.username if account else "stranger", account=account, result="failed"
        )
    page = text(auditor.get("/desk/signins/"))
    assert "near" in page and "away" not in page and "stranger" not in page
    sign_in(client, person("top", PROVINCE, "auditor"))
    page = text(client.get("/desk/signins/"))
    assert "away" in page and "stranger" in page


def test_reading_pages_changes_nothing(system):
    post = person("li", WEST_LAKE, "examiner")
    for name, key in (
        ("desk-person-active", post.account_id),
        ("desk-person-unlock", post.account_id),
        ("desk-person-password", post.account_id),
        ("desk-post-end", post.pk),
        ("desk-grant", post.pk),
    ):
        assert system.get(reverse(name, args=[key])).status_code in (403, 405)
