"""One licence from registration to public verification, in a browser, by everybody who has a hand in it."""

import re
from random import Random

import pytest

from jinzhi.casework.models import Case, Draft
from jinzhi.demo import people
from jinzhi.foundation import codes
from jinzhi.registry.models import Certificate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
CODE = "91330100723456781Y"
NAME = "杭州清溪样例食品有限公司"


@pytest.fixture
def officials(transactional_db):
    people.make(Random(1))


def sign_in(page, username: str) -> None:
    page.context.clear_cookies()
    page.goto("/demo/")
    page.locator(f'form[action="/demo/enter/{username}"] button').click()
    page.wait_for_load_state()


def register(page) -> None:
    page.context.clear_cookies()
    page.goto("/register/")
    answers = {
        "uscc": CODE[:-1] + "7", "name": NAME, "legal_representative": "清样例", "address": "西湖区文一路1号",
        "person": "经办甲", "phone": "13800000000", "username": "qingxi", "password": "qing-xi-2026", "password2": "qing-xi-2026",
    }  # fmt: skip
    for name, value in answers.items():
        page.fill(f'[name="{name}"]', value)
    page.select_option('[name="county"]', "330106")
    page.click("text=开通账号")
    assert page.locator(".invalid-feedback", has_text="第 18 位").count()
    page.fill('[name="uscc"]', CODE)
    page.fill('[name="password"]', "qing-xi-2026")
    page.fill('[name="password2"]', "qing-xi-2026")
    page.click("text=开通账号")
    page.wait_for_url("**/my/")


def enter(page) -> None:
    """The enterprise signs in again with its password."""
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.fill('[name="login"]', "qingxi")
    page.fill('[name="password"]', "qing-xi-2026")
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/my/")


def fill_application(page) -> None:
    page.goto("/services/food-production-licence/")
    page.click("text=在线申请")
    page.wait_for_url("**/my/drafts/**")
    assert page.input_value('[name="applicant-name"]') == NAME, "known facts are filled in"
    page.fill('[name="applicant-contact"]', "经办甲")
    page.fill('[name="applicant-phone"]', "13800000000")
    page.select_option('[name="applicant-agent"]', "no")
    page.select_option('[name="premises-county"]', "330106")
    page.fill('[name="premises-address"]', "西湖区文一路1号")
    page.fill('[name="premises-area"]', "1200")
    page.fill('[name="premises-layout"]', "一层生产，二层库房")
    page.select_option('[name="premises-surroundings"]', "none")
    page.select_option('[name="products-0-category"]', "01")
    assert page.locator('[name="products-0-detail"] option[value="0201"]').is_disabled()
    page.select_option('[name="products-0-detail"]', "0101")
    page.fill('[name="products-0-varieties"]', "通用小麦粉")
    page.locator("[data-saved]", has_text=re.compile(r"已保存 \d\d:\d\d")).wait_for()
    page.reload()  # the browser was closed; nothing is lost
    assert page.input_value('[name="products-0-varieties"]') == "通用小麦粉"
    page.fill('[name="equipment-0-name"]', "磨粉机")
    page.fill('[name="equipment-0-count"]', "2")
    page.select_option('[name="equipment-0-use"]', "production")
    page.fill('[name="staff-0-name"]', "张样例")
    page.select_option('[name="staff-0-duty"]', "officer")
    page.fill('[name="staff-0-training"]', "考核合格")
    page.fill('[name="process-flow"]', "清理、磨粉、筛理、包装")
    page.fill('[name="process-control_points"]', "金属检测")
    page.check('[name="process-systems"][value="purchase"]')
    page.select_option('[name="process-report"]', "own")
    for kind in ("floor_plan", "flow_chart"):
        upload(page, f"attachments-{kind}", f"{kind}.pdf")


def upload(page, name: str, file_name: str) -> None:
    zone = page.locator(f'.drop[data-name="{name}"]')
    files = [{"name": file_name, "mimeType": "application/pdf", "buffer": PDF}]
    zone.locator("input[type=file][multiple]").set_input_files(files)
    zone.locator("li[data-id]").first.wait_for()


def submit(page) -> str:
    page.check("#declare")
    page.click("[data-submit]")
    page.wait_for_load_state()
    return page.url


def act(page, label: str, reason: str = "") -> None:
    """Press a button of the bar, give the reason, confirm."""
    page.locator(".bar button", has_text=re.compile(f"^{label}$")).click()
    dialog = page.locator("dialog[open]")
    if reason:
        dialog.locator("textarea[name=reason]").fill(reason)
    dialog.locator("button[type=submit]").last.click()
    page.locator(".notice-success").wait_for()


def open_from_todo(page, number: str) -> None:
    page.goto("/office/todo/")
    page.click(f'a:has-text("{number}")')
    page.wait_for_url(f"**/office/cases/{number}/")


def inspect(phone, number: str) -> None:
    open_from_todo(phone, number)
    phone.locator(".bar a", has_text="提交核查结论").click()
    phone.locator("form.check").wait_for()
    for field, values in (("inspector", ("章核查", "程核查")), ("certificate", ("HC001", "HC002"))):
        for position, value in enumerate(values):
            phone.locator(f'[name="{field}"]').nth(position).fill(value)
    phone.click("text=提交核查结论")
    phone.locator(".notice-error", has_text="项未评定").wait_for()
    assert phone.locator('[name="inspector"]').first.input_value() == "章核查", "what was typed is kept"
    for choice in phone.locator(".grade-full").all():
        choice.tap()
    assert phone.locator("[data-score]", has_text="全部评定").count()
    phone.fill('[name="signature"]', "无异议，张样例")
    phone.locator('.drop input[data-for="album"]').set_input_files(
        [{"name": "现场.png", "mimeType": "image/png", "buffer": png()}]
    )
    phone.locator(".drop li[data-id]").wait_for()
    phone.click("text=提交核查结论")
    phone.locator(".notice-success").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def png() -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x40\x80\xc0" * 8 for _ in range(8))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_a_licence_from_registration_to_verification(officials, page, phone, accessibility):
    register(page)
    fill_application(page)
    refused = submit(page)
    assert "/my/drafts/" in refused
    assert page.locator(".error-summary a", has_text="试制食品检验合格报告").count() == 1
    upload(page, "attachments-test_report", "report.pdf")
    submit(page)
    page.wait_for_url("**/my/cases/**")
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    assert page.locator("text=受理期限").first.is_visible()
    assert not accessibility(page)

    sign_in(page, "demo-clerk")
    open_from_todo(page, number)
    assert not accessibility(page)
    page.locator(".bar button", has_text="一次性告知补正").click()
    page.fill("dialog[open] input[name=items]", "补充平面图中的面积")
    page.locator("dialog[open] button[type=submit]").last.click()
    page.locator(".notice-success").wait_for()

    enter(page)
    page.click("text=去办理")
    page.click("text=去补正")
    page.fill('[name="premises-area"]', "1500")
    submit(page)
    page.wait_for_url(f"**/my/cases/{number}/")

    sign_in(page, "demo-clerk")
    open_from_todo(page, number)
    assert page.locator(".was", has_text="1200").count(), "what changed is marked"
    act(page, "受理")
    sign_in(page, "demo-examiner")
    open_from_todo(page, number)
    act(page, "提交审查意见", "材料符合要求")
    sign_in(phone, "demo-inspector")
    inspect(phone, number)
    sign_in(page, "demo-examiner")
    open_from_todo(page, number)
    act(page, "送审", "拟准予许可")
    sign_in(page, "demo-approver")
    open_from_todo(page, number)
    act(page, "准予许可")
    sign_in(page, "demo-certificate")
    open_from_todo(page, number)
    act(page, "制证发证")

    licence = Certificate.objects.get(case_number=number)
    assert codes.check("food_licence", licence.number).valid
    enter(page)
    page.goto(f"/my/cases/{number}/")
    link = page.locator("a", has_text="食品生产许可证（正本）").get_attribute("href")
    answer = page.request.get(link)
    assert answer.headers["content-type"] == "application/pdf", answer.text()[:2000]
    assert answer.body().startswith(b"%PDF")

    phone.context.clear_cookies()
    phone.goto(f"/verify/{licence.number}?t={licence.qr_token}")
    assert phone.locator(".verdict-good").is_visible()
    assert phone.locator("body").inner_text().count(NAME)
    assert not accessibility(phone)
    phone.goto(f"/verify/{licence.number}?t=1.AAAAAAAAAAAAAAAAAAAA")
    assert phone.locator("text=不符").first.is_visible()
    assert Case.objects.get(number=number).outcome == "granted"
    assert Draft.objects.filter(submitted_at=None).count() == 0


def test_a_keyboard_alone_decides_a_case(officials, page):
    from datetime import date

    from jinzhi.services.licensing.tests import world

    case = world.submitted(date.today())
    sign_in(page, "demo-clerk")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/office/todo/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/office/cases/{case.number}/")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.locator(".notice-success", has_text="已受理").wait_for()
    case.refresh_from_db()
    assert case.accepted_on is not None
