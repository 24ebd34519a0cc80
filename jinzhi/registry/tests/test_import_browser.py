"""An import done with a real browser, on a desk and on a phone."""

import os
from pathlib import Path

import pytest

from .test_import_mess import OTHER, lines, row
from .test_importing import GOOD, HEADER
from .test_pages import sign_in  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_table_is_uploaded_mapped_checked_imported_and_taken_back(
    device,
    request,
    live,
    sign_in,  # noqa: F811
    tmp_path,
    accessibility,
):
    browser = request.getfixturevalue(device)
    client = sign_in("330106", "certificate_clerk")
    browser.context.add_cookies(
        [{"name": c.key, "value": c.value, "url": live} for c in client.cookies.values()]
    )
    table = tmp_path / "企业清单.csv"
    bad = ["9.13301E+17", *row(2)[1:]]
    table.write_text(lines(["西湖区企业清单"], HEADER, GOOD, [*OTHER[:4], "在业"], bad), encoding="utf-8")

    def look(name: str) -> None:
        assert accessibility(browser) == []
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        if folder := os.environ.get("JINZHI_SHOTS"):
            browser.screenshot(path=Path(folder) / f"{name}-{device}.png", full_page=True)

    browser.goto(f"{live}/registry/import/")
    look("imports")
    browser.set_input_files("#file", str(table))
    browser.select_option("#kind", "enterprise")
    browser.get_by_role("button", name="上传并对应各列").click()
    browser.fill("#source", "登记机关")
    look("map")
    browser.get_by_role("button", name="检查全部行").click()
    assert (
        browser.get_by_text("如果现在导入").is_visible()
        and browser.get_by_text("科学记数").first.is_visible()
    )
    look("checked")
    browser.get_by_role("button", name="导入", exact=True).click()
    assert browser.get_by_text("下载未接受的行").is_visible()
    look("done")
    browser.get_by_text("导错了？整批撤销").click()
    browser.get_by_role("button", name="撤销整批").click()
    assert browser.get_by_text("这一批已撤销").is_visible()
    look("undone")
