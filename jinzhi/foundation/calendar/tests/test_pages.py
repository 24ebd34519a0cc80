"""The administrator reads the calendar and loads a notice in two steps: look, then confirm."""

from datetime import date

import pytest
from django.urls import reverse

from jinzhi.foundation import calendar
from jinzhi.foundation.calendar import views
from jinzhi.foundation.calendar.models import HolidayNotice
from jinzhi.foundation.calendar.tests import texts
from jinzhi.foundation.people.models import Account, Agency, Post, Power

pytestmark = pytest.mark.django_db
NEW = "/desk/calendar/new/"


@pytest.fixture(autouse=True)
def in_november_2026(monkeypatch, settings):
    settings.DEMO = True  # accounts of the tests have no second factor
    monkeypatch.setattr(views, "today", lambda: date(2026, 11, 22))
    monkeypatch.setattr("jinzhi.foundation.calendar.loading.today_in_china", lambda: date(2026, 11, 22))
    calendar.forget()
    yield
    calendar.forget()


def sign_in(client, agency="330000", role="administrator"):
    account = Account.objects.create_user(f"{role}-{agency}", name="王敏", kind="staff", is_demo=True)
    post = Post.objects.create(
        account=account, agency=Agency.objects.get(key=agency), title="管理员", valid_from=date(2020, 1, 1)
    )
    Power.objects.create(post=post, role=role)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")


def test_a_year_shows_its_notice_and_every_special_day(client):
    sign_in(client)
    page = client.get("/desk/calendar/?year=2026").content.decode()
    assert "国办发明电〔2025〕7号" in page and "248" in page
    assert 'title="2026-02-14 春节调休上班"' in page and 'title="2026-02-16 春节放假"' in page
    assert "录入 2027 年通知" in page


def test_a_year_without_a_notice_is_called_provisional(client):
    sign_in(client)
    assert "放假通知尚未录入" in client.get("/desk/calendar/?year=2027").content.decode()


@pytest.mark.parametrize("year", ["1999", "2036", "abc", "²", "9" * 30, "2026'"])
def test_a_year_outside_the_calendar_is_not_found(client, year):
    sign_in(client)
    assert client.get("/desk/calendar/", {"year": year}).status_code == 404


def test_looking_stores_nothing_and_confirming_takes_effect(client):
    sign_in(client)
    windows = texts.OF_2027.replace("\n", "\r\n")
    seen = client.post(NEW, {"step": "preview", "year": 2027, "text": windows})
    preview = seen.context["preview"]
    assert preview.ok and not HolidayNotice.objects.filter(year=2027).exists()
    assert "2027-02-08" in seen.content.decode()
    confirmed = {"step": "confirm", "year": 2027, "text": windows, "digest": preview.digest}
    done = client.post(NEW, confirmed | {"number": "国办发明电〔2026〕9号", "issued_on": "2026-11-10"})
    assert done.headers["Location"] == f"{reverse('calendar-year')}?year=2027"
    notice = HolidayNotice.objects.get(year=2027)
    assert (notice.loaded_by, notice.number, notice.issued_on) == (
        "王敏",
        "国办发明电〔2026〕9号",
        date(2026, 11, 10),
    )
    again = client.post(NEW, confirmed)
    assert again.status_code == 200 and "已于" in again.content.decode()
    assert HolidayNotice.objects.filter(year=2027).count() == 1


def test_a_wrong_year_is_answered_on_the_page(client):
    sign_in(client)
    page = client.post(NEW, {"step": "preview", "year": 2027, "text": texts.OF_2026}).content.decode()
    assert (
        "通知标题写的是 2026 年的安排，与所选的 2027 年不符" in page and "生效" not in page.split("<form")[-1]
    )


def test_text_changed_after_the_preview_is_refused(client):
    sign_in(client)
    other = texts.OF_2027.replace("5月8日（周六）", "5月9日（周日）")
    digest = (
        client.post(NEW, {"step": "preview", "year": 2027, "text": texts.OF_2027}).context["preview"].digest
    )
    page = client.post(NEW, {"step": "confirm", "year": 2027, "text": other, "digest": digest})
    assert "请重新预览" in page.content.decode()
    assert not HolidayNotice.objects.filter(year=2027).exists()


@pytest.mark.parametrize("given", [{}, {"year": "x", "text": "y"}, {"year": 2027, "text": "一" * 30_000}])
def test_an_incomplete_form_comes_back(client, given):
    sign_in(client)
    assert client.post(NEW, {"step": "confirm", **given}).status_code == 200


def test_only_the_province_changes_what_all_share(client):
    sign_in(client, agency="330106")
    assert client.get("/desk/calendar/").status_code == 200
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, {"step": "confirm", "year": 2027, "text": texts.OF_2027}).status_code == 403


def test_others_do_not_see_the_desk(client):
    sign_in(client, role="examiner")
    assert client.get("/desk/calendar/").status_code == 403
    client.logout()
    assert client.get("/desk/calendar/").status_code == 302


def test_the_rules_page_shows_values_over_time_with_their_articles(client):
    sign_in(client)
    page = client.get("/desk/rules/").content.decode()
    assert (
        "全年全体公民放假天数" in page
        and "《全国年节及纪念日放假办法》第二条" in page
        and "凭记忆，待核" in page
    )
    assert "没有符合的参数" in client.get("/desk/rules/?q=zzzz").content.decode()
