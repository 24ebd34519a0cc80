"""Takes the pictures of the user guides: carries one application through a fresh demonstration.

    python docs/screenshots.py http://127.0.0.1:8011 [folder]
    python docs/screenshots.py --network http://10.133.0.10:8000 [folder]     the hub of `make province`, one line cut

Works once on an installation, because it acts (not with --network). With Pillow installed the pictures are reduced to 96 colours.
"""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typst
from playwright.sync_api import Browser, Locator, Page, sync_playwright

try:
    from PIL import Image
except ImportError:
    Image = None

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 760}
NOTICE_2027 = """国务院办公厅关于2027年部分节假日安排的通知
国办发明电〔2026〕0号（示例文本，用于演示）
一、元旦：1月1日（周五）至3日（周日）放假调休，共3天。
二、春节：2月5日（周五）至11日（周四）放假调休，共7天。1月31日（周日）、2月13日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假调休，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。4月25日（周日）、5月8日（周六）上班。
五、端午节：6月9日（周三）放假1天。
六、中秋节：9月15日（周三）放假1天。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
"""


class Album:
    """Pages of the installation, and the folder that their pictures go to."""

    def __init__(self, browser: Browser, address: str, folder: Path):
        self.browser, self.address, self.folder = browser, address, folder

    @contextmanager
    def page(self, who: str = "", phone: bool = False) -> Iterator[Page]:
        """A page of the demonstration's `who`, or of the public."""
        context = self.browser.new_context(
            base_url=self.address, locale="zh-CN", timezone_id="Asia/Shanghai", is_mobile=phone,
            has_touch=phone, viewport=PHONE if phone else DESK,
        )  # fmt: skip
        context.set_default_timeout(15_000)
        page = context.new_page()
        if who:
            page.goto("/demo/")
            page.locator(f'form[action="/demo/enter/demo-{who}"] button').click()
            page.wait_for_load_state()
        yield page
        context.close()

    def take(self, page: Page, name: str, full: bool = False) -> None:
        page.wait_for_timeout(300)  # the last motion ends
        content = page.screenshot(full_page=full)
        target = self.folder / f"{name}.png"
        if Image is None:
            target.write_bytes(content)
        else:
            picture = Image.open(io.BytesIO(content)).convert("RGB")
            picture.quantize(96, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(
                target, optimize=True
            )
        print(f"{target.name}  {target.stat().st_size // 1024} kB")


def act(page: Page, label: str, reason: str = "") -> Locator:
    """Open the dialog of an act, from its menu if it is in one, and fill in the reason."""
    button = page.locator(".bar button", has_text=re.compile(f"^{label}$")).first
    if not button.is_visible():
        button.locator("xpath=ancestor::div[1]").locator(".dropdown-toggle").click()
    button.click()
    dialog = page.locator("dialog[open]")
    if reason:
        dialog.locator("[name=reason]").fill(reason)
    return dialog


def confirm(page: Page, dialog: Locator, label: str) -> None:
    dialog.get_by_role("button", name=label, exact=True).last.click()
    page.wait_for_load_state()
    page.locator(".notice-success").first.wait_for()


def public(album: Album) -> None:
    with album.page() as page:
        for name, path in (
            ("public-home", "/"),
            ("public-guide", "/services/food-production-licence/"),
            ("public-search", "/enterprises/?q=茶叶"),
            ("demo", "/demo/"),
            ("register", "/register/"),
            ("public-services", "/services/"),
            ("public-complain", "/complain/"),
        ):
            page.goto(path)
            album.take(page, name)


def application(album: Album, papers: Path) -> str:
    """Fill in and hand in; answers the number of the case."""
    with album.page("enterprise") as page:
        album.take(page, "enterprise-home")
        page.goto("/services/food-production-licence/")
        page.get_by_text("在线申请").first.click()
        page.wait_for_load_state()
        album.take(page, "enterprise-form")
        page.get_by_text("检查缺什么").click()
        page.wait_for_load_state()
        album.take(page, "enterprise-missing")
        fill(page)
        for number, title in enumerate(("平面图", "工艺流程图", "检验报告")):
            zone = page.locator(".drop").nth(number)
            zone.locator("input[type=file]").first.set_input_files(papers / f"{title}.pdf")
            zone.locator(".drop-list a").first.wait_for()
        page.wait_for_timeout(2500)  # the draft is saved after a pause
        page.locator(".drop").nth(1).evaluate("e => e.scrollIntoView({block: 'center'})")
        album.take(page, "enterprise-files")
        page.locator("input[type=checkbox]").last.check()
        page.get_by_role("button", name="提交申请").click()
        page.wait_for_url("**/my/cases/*/")
        album.take(page, "enterprise-submitted")
        return page.url.rstrip("/").rsplit("/", 1)[1]


def fill(page: Page) -> None:
    texts = {
        "applicant-contact": "许小明", "applicant-phone": "13800001234",
        "premises-address": "杭州市西湖区文一西路 100 号 3 幢", "premises-area": "1200",
        "premises-layout": "一层为原料库、发酵和灌装车间，二层为成品库和检验室，人流、物流分设通道",
        "products-0-varieties": "白酒（固态法）", "products-0-standard": "GB/T 10781.1",
        "equipment-0-name": "蒸馏釜", "equipment-0-model": "ZL-500", "equipment-0-count": "2",
        "staff-0-name": "周安全", "staff-0-training": "2026 年 6 月考核合格",
        "process-flow": "原料验收→蒸煮→糖化发酵→蒸馏→陈酿→勾调→灌装→检验→入库",
        "process-control_points": "蒸馏温度 96 ℃；灌装前过滤精度 0.45 μm",
    }  # fmt: skip
    choices = {
        "applicant-agent": "no", "premises-county": "330106", "premises-surroundings": "none",
        "products-0-category": "15", "products-0-detail": "1501", "equipment-0-use": "production",
        "staff-0-duty": "director", "process-report": "entrusted",
    }  # fmt: skip
    for name, value in choices.items():
        page.locator(f'select[name="{name}"]').select_option(value)
    for name, text in texts.items():
        page.locator(f'[name="{name}"]').fill(text)
    for box in page.locator('input[name="process-systems"]').all():
        box.check()


def correction(album: Album, number: str, papers: Path) -> None:
    with album.page("clerk") as page:
        album.take(page, "clerk-home")
        page.goto("/office/todo/")
        album.take(page, "clerk-todo")
        page.goto(f"/office/cases/{number}/")
        album.take(page, "clerk-case")
        dialog = act(page, "一次性告知补正")
        dialog.locator("[name=items]").first.fill("试制食品检验报告缺少微生物项目，请补充")
        dialog.get_by_text("再加一项").click()
        dialog.locator("[name=items]").nth(1).fill("设备清单与工艺流程不一致，请核对")
        album.take(page, "clerk-correct")
        confirm(page, dialog, "一次性告知补正")
    with album.page("enterprise") as page:
        page.goto(f"/my/cases/{number}/")
        album.take(page, "enterprise-correction")
        page.get_by_text("去补正").click()
        page.wait_for_load_state()
        album.take(page, "enterprise-answer")
        page.locator('[name="equipment-0-name"]').fill("蒸馏釜、糖化锅")
        zone = page.locator(".drop").nth(2)
        zone.locator("input[type=file]").first.set_input_files(papers / "检验报告.pdf")
        page.wait_for_timeout(2500)
        page.locator("input[type=checkbox]").last.check()
        page.locator("button[data-submit]").click()
        page.wait_for_url(f"**/my/cases/{number}/")
    with album.page("clerk") as page:
        page.goto(f"/office/cases/{number}/")
        page.get_by_text("原为").first.scroll_into_view_if_needed()
        album.take(page, "clerk-changes")
        dialog = act(page, "受理")
        album.take(page, "clerk-accept")
        confirm(page, dialog, "受理")


def inspection(album: Album, number: str, papers: Path) -> None:
    with album.page("inspector", phone=True) as page:
        page.goto("/office/todo/")
        album.take(page, "phone-todo")
        page.goto(f"/office/cases/{number}/")
        page.locator(".bar").get_by_text("提交核查结论").click()
        page.wait_for_url("**/office/cases/*/*/")
        album.take(page, "phone-check")
        for n, (name, paper) in enumerate((("章核查", "ZJHC0106"), ("王同行", "ZJHC0107"))):
            page.locator("[name=inspector]").nth(n).fill(name)
            page.locator("[name=certificate]").nth(n).fill(paper)
        items = page.locator("fieldset.check-item")
        for n in range(items.count()):
            items.nth(n).locator("label.grade").nth(1 if n == 5 else 0).click()
        items.nth(5).locator(".check-note").fill("物料离墙距离不足，现场已要求调整")
        items.nth(5).scroll_into_view_if_needed()
        album.take(page, "phone-grades")
        page.locator("input[type=file]").nth(1).set_input_files(papers / "现场.png")
        page.locator(".drop-list a").first.wait_for()
        page.locator("#signature").fill("无异议，唐思勇（法定代表人）")
        page.wait_for_timeout(2500)
        page.locator(".drop").scroll_into_view_if_needed()
        album.take(page, "phone-photo")
        page.get_by_role("button", name="提交核查结论").click()
        page.wait_for_url(f"**/office/cases/{number}/")


def decision(album: Album, number: str) -> None:
    with album.page("examiner") as page:
        page.goto(f"/office/cases/{number}/")
        dialog = act(page, "提交审查意见", "材料真实完整，符合要求")
        album.take(page, "examiner-opinion")
        confirm(page, dialog, "提交审查意见")
        page.locator(".bar").get_by_role("button", name="退回", exact=True).click()
        album.take(page, "examiner-return")
        page.keyboard.press("Escape")
        confirm(page, act(page, "送审", "审查和核查均符合规定，拟准予许可"), "送审")
        album.take(page, "examiner-passed")
    approval(album, number)


def approval(album: Album, number: str) -> None:
    with album.page("approver") as page:
        page.goto(f"/office/cases/{number}/")
        album.take(page, "approver-case")
        act(page, "批准延长期限")
        album.take(page, "approver-extend")
        page.keyboard.press("Escape")
        act(page, "加签")
        album.take(page, "approver-sign")
        page.keyboard.press("Escape")
        page.locator(".more-acts .dropdown-toggle").last.click()
        album.take(page, "approver-more")
        page.keyboard.press("Escape")
        dialog = act(page, "准予许可")
        album.take(page, "approver-grant")
        confirm(page, dialog, "准予许可")
    with album.page("certificate") as page:
        page.goto(f"/office/cases/{number}/")
        dialog = act(page, "制证发证")
        album.take(page, "certificate-issue")
        confirm(page, dialog, "制证发证")
        album.take(page, "certificate-issued")
        page.goto(f"/office/cases/{number}/dossier/")
        page.get_by_role("button", name="制作卷宗").first.click()
        page.wait_for_load_state()
        page.locator('main a[href*="/files/"]').first.wait_for()
        album.take(page, "dossier")


def verification(album: Album, number: str) -> None:
    with album.page("enterprise") as page:
        page.goto(f"/my/cases/{number}/")
        album.take(page, "enterprise-granted")
        page.goto("/my/")
        licence = page.locator('a[href^="/verify/SC"]').first.get_attribute("href")
        page.goto("/my/licences/")
        page.locator('main a[href^="/my/licences/SC"]').first.click()
        page.wait_for_load_state()
        page.locator("[name=purpose]").fill("某超市进场审核")
        page.get_by_role("button", name="生成链接").click()
        page.wait_for_load_state()
        page.locator("[name=purpose]").evaluate("e => e.scrollIntoView({block: 'center'})")
        album.take(page, "enterprise-wallet")
    with album.page(phone=True) as page:
        page.goto(licence)
        album.take(page, "phone-valid")
        page.goto(f"{licence}?t=1.AAAA")
        album.take(page, "phone-forged")


def oversight(album: Album) -> None:
    with album.page("supervisor") as page:
        for name, path in (
            ("supervisor-board", "/office/board/"),
            ("supervisor-county", "/office/board/330106/"),
            ("supervisor-red", "/office/board/?lamp=red"),
            ("supervisor-cards", "/office/supervision/"),
            ("supervisor-scores", "/office/supervision/scores/"),
            ("supervisor-statistics", "/office/supervision/statistics/"),
        ):
            page.goto(path)
            album.take(page, name)
        page.goto("/office/supervision/cards/")
        page.locator("table.list tbody a[href*='/supervision/cards/']").first.click()
        page.wait_for_load_state()
        album.take(page, "supervisor-card")
    with album.page("approver") as page:
        page.goto("/office/supervision/mine/")
        album.take(page, "approver-cards")


def administration(album: Album) -> None:
    pictures = {
        "admin": (("admin-home", "/desk/"), ("admin-people", "/desk/people/"), ("admin-calendar", "/desk/calendar/"),
                  ("admin-rules", "/desk/rules/"), ("admin-procedures", "/desk/procedures/"),
                  ("admin-procedure", "/desk/procedures/food_production_licence/5/"),
                  ("admin-compare", "/desk/procedures/food_production_licence/compare/4/5/")),
        "security": (("security-powers", "/desk/powers/"),),
        "auditor": (("auditor-signins", "/desk/signins/"),),
    }  # fmt: skip
    for who, taken in pictures.items():
        with album.page(who) as page:
            for name, path in taken:
                page.goto(path)
                album.take(page, name)
            if who == "admin":
                page.goto("/desk/calendar/new/")
                page.locator("[name=text]").fill(NOTICE_2027)
                page.get_by_role("button", name="读取并预览").click()
                page.wait_for_load_state()
                album.take(page, "admin-notice")
            if who == "auditor":
                page.goto("/desk/log/")
                page.get_by_role("button", name="核对完整性").click()
                page.wait_for_load_state()
                album.take(page, "auditor-verified")


def network(album: Album) -> None:
    """Pages of a hub: what runs, what travels, what is shared."""
    with album.page("noc-province") as page:
        for name, path in (
            ("network-console", "/office/operations/"),
            ("exchange-overview", "/office/exchange/"),
            ("exchange-log", "/office/exchange/received/"),
            ("catalogue", "/catalogue/"),
        ):
            page.goto(path)
            album.take(page, name)
    with album.page("noc-province", phone=True) as page:
        page.goto("/office/operations/")
        album.take(page, "phone-network")


def make_papers(folder: Path) -> None:
    """What the applicant uploads and the inspector photographs."""
    folder.mkdir(exist_ok=True)
    for title in ("平面图", "工艺流程图", "检验报告", "现场"):
        source = folder / f"{title}.typ"
        source.write_text(
            '#set page(width: 16cm, height: 9cm, fill: rgb("#dde6ee"))\n'
            f'#set text(font: "Noto Sans CJK SC", size: 24pt)\n#align(center + horizon)[{title}（演示）]',
            encoding="utf-8",
        )
        typst.compile(str(source), output=str(folder / f"{title}.{'png' if title == '现场' else 'pdf'}"))


def main(address: str, folder: Path, part: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        album = Album(browser, address, folder)
        if part == "--network":
            network(album)
        else:
            everything(album, folder / "papers")
        browser.close()


def everything(album: Album, papers: Path) -> None:
    make_papers(papers)
    public(album)
    oversight(album)
    administration(album)
    number = application(album, papers)
    correction(album, number, papers)
    inspection(album, number, papers)
    decision(album, number)
    verification(album, number)
    for paper in papers.iterdir():
        paper.unlink()
    papers.rmdir()


if __name__ == "__main__":
    arguments = [one for one in sys.argv[1:] if not one.startswith("--")]
    where = Path(arguments[1]) if len(arguments) > 1 else Path(__file__).parent / "guide" / "images"
    main(arguments[0], where, "--network" if "--network" in sys.argv else "")
