"""In a real browser: keyboard, dialog, lists, dark mode, phone, weight, accessibility."""

import pytest

from jinzhi.foundation.people.models import Account, Power
from jinzhi.foundation.people.tests.cast import PROVINCE, WEST_LAKE, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(live):
    """Demonstration people; the live server reads the same database."""
    for role in ("administrator", "security_administrator", "auditor"):
        person(role, PROVINCE, role)
    for n in range(60):
        person(f"official{n:02d}", WEST_LAKE, "examiner")


def enter(page, username):
    page.goto("/demo/")
    page.locator(f'form[action="/demo/enter/{username}"] button').click()
    page.wait_for_url("**/desk/")


def test_keyboard_goes_everywhere(page, cast):
    enter(page, "administrator")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/desk/people/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/people/*/")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()


def test_columns_density_and_theme_are_remembered(page, cast):
    enter(page, "administrator")
    page.goto("/desk/people/")
    assert page.locator("th", has_text="工号").is_visible()
    page.get_by_role("button", name="列").click()
    page.locator(".columns-menu label", has_text="工号").locator("input").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="行高").click()
    page.get_by_role("button", name="紧凑").click()
    page.get_by_role("button", name="administrator姓名 的菜单").click()
    page.get_by_role("button", name="深色显示").click()
    page.reload()
    assert not page.locator("th", has_text="工号").is_visible()
    assert page.locator("html.density-compact[data-bs-theme=dark]").count() == 1
    assert page.locator("table.list tbody tr").first.bounding_box()["height"] < 33


def test_a_reason_is_asked_before_an_account_is_disabled(page, cast):
    account = Account.objects.get(username="official01")
    enter(page, "administrator")
    page.goto(f"/desk/people/{account.pk}/")
    page.get_by_role("button", name="停用").click()
    dialog = page.locator("#ask")
    dialog.get_by_role("button", name="停用").click()
    assert dialog.locator(".ask-error").is_visible()
    dialog.locator("textarea").fill("已经调离本单位")
    dialog.get_by_role("button", name="停用").click()
    page.get_by_text("现有登录随即失效").wait_for()
    assert not Account.objects.get(pk=account.pk).is_active


def test_power_granted_in_the_page(page, cast):
    post = Account.objects.get(username="official02").posts.get()
    enter(page, "security_administrator")
    page.goto(f"/desk/posts/{post.pk}/")
    by_role = page.locator("section", has_text="按角色授权")
    by_role.locator("tr", has_text="现场核查").get_by_role("button", name="授予").click()
    page.locator("#ask").get_by_role("button", name="授予").click()
    page.get_by_text("下一次操作起生效").wait_for()
    assert Power.objects.filter(post=post, role="inspector").exists()


def test_a_list_on_a_phone_needs_no_sideways_scrolling(phone, cast):
    enter(phone, "administrator")
    for path in (
        "/desk/",
        "/desk/people/",
        "/desk/posts/",
        "/desk/agencies/330106/",
        "/accounts/",
        "/desk/log/",
    ):
        phone.goto(path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path
    phone.goto("/desk/people/")
    phone.locator(".top [data-menu]").click()
    phone.locator(".side a", has_text="任职").click()
    phone.wait_for_url("**/desk/posts/")


def test_large_print_is_remembered_and_fits_a_phone(phone, cast):
    phone.goto("/demo/")
    before = phone.locator("h1").bounding_box()["height"]
    phone.get_by_role("button", name="大字版").click()
    for path in ("/demo/", "/accounts/login/", "/no/such/page/"):
        phone.goto(path)
        assert phone.locator("html.large-print").count() == 1
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path
    phone.goto("/demo/")
    assert phone.locator("h1").bounding_box()["height"] > before


def test_a_page_is_light(page, cast):
    enter(page, "administrator")
    page.wait_for_load_state("networkidle")
    sizes, requests = [], []
    page.on("response", lambda r: sizes.append(int(r.headers.get("content-length") or len(r.body()))))
    page.on("request", lambda r: requests.append(r.url))
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto("/desk/people/")
    page.wait_for_load_state("networkidle")
    assert len(requests) < 10, requests
    assert sum(sizes) < 500_000


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/demo/", "/accounts/password/reset/", "/no/such/page/", "/accounts/signup/"]
)
def test_public_pages_are_accessible(page, cast, accessibility, path):
    page.goto(path)
    assert accessibility(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_workbench_is_accessible(page, cast, accessibility, theme):
    page.goto("/demo/")
    page.context.add_cookies([{"name": "jz-theme", "value": theme, "url": page.url}])
    enter(page, "administrator")
    account = Account.objects.get(username="official01")
    post = account.posts.get()
    for path in (
        "/desk/",
        "/desk/people/",
        f"/desk/people/{account.pk}/",
        f"/desk/posts/{post.pk}/",
        "/desk/people/new/",
        "/desk/log/",
        "/desk/agencies/330106/",
        "/accounts/",
    ):
        page.goto(path)
        assert accessibility(page) == [], path
