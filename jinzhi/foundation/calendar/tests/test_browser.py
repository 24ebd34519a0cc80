"""The desk's calendar in a real browser, on a wide screen and on a phone."""

from datetime import date

import pytest

from jinzhi.foundation.calendar.models import HolidayNotice
from jinzhi.foundation.calendar.tests import texts
from jinzhi.foundation.people.models import Account, Agency, Post, Power

pytestmark = pytest.mark.browser
SHELL = (".side", ".person", ".top")  # parts of the frame around every page, proved with the frame


@pytest.fixture
def administrator(live, client):
    """The session cookie of an administrator of the province."""
    account = Account.objects.create_user("calendar-admin", name="王敏", kind="staff", is_demo=True)
    agency = Agency.objects.get(key="330000")
    post = Post.objects.create(account=account, agency=agency, title="管理员", valid_from=date(2020, 1, 1))
    Power.objects.create(post=post, role="administrator")
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live}


@pytest.mark.parametrize("screen", ["page", "phone"])
def test_a_notice_is_pasted_looked_at_and_confirmed(screen, request, administrator, accessibility):
    page = request.getfixturevalue(screen)

    def faults():
        return [v for v in accessibility(page) if not any(part in v for part in SHELL)]

    page.context.add_cookies([administrator])
    page.goto("/desk/calendar/?year=2026")
    assert page.locator("table.month").count() == 12 and faults() == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.goto("/desk/calendar/new/")
    page.get_by_label("通知安排的年份").fill("2026")
    page.get_by_label("通知正文").fill(texts.OF_2026.replace("5月9日（周六）", "5月10日（周日）"))
    page.get_by_role("button", name="读取并预览").click()
    page.get_by_text("2026-05-10", exact=True).first.wait_for()
    assert faults() == []
    page.get_by_label("替换已生效的通知").check()
    page.get_by_role("button", name="核对无误，生效").click()
    page.get_by_text("已生效").first.wait_for()
    assert HolidayNotice.objects.filter(year=2026, status="superseded").exists()
    assert page.locator('td[title="2026-05-10 劳动节调休上班"]').count() == 1
