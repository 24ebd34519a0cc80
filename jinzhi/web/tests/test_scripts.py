"""The small scripts in a real browser, on a page made for them: drafts, uploads, double clicks, side panel."""

import json

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGE = """<!doctype html><html lang="zh-Hans" data-bs-theme="light" class="workbench"><head><title>t</title>
<link rel="stylesheet" href="/static/tabler/tabler.min.css"><link rel="stylesheet" href="/static/web/jinzhi.css">
<script src="/static/htmx/htmx.min.js" defer></script><script src="/static/web/shell.js" defer></script>
<script src="/static/web/forms.js" defer></script><script src="/static/web/upload.js" defer></script></head>
<body hx-headers='{"X-CSRFToken": "token"}'>
<dialog class="ask" id="ask"><form method="dialog"><h2 id="ask-title"></h2><p class="ask-text"></p>
<div class="ask-reason" hidden><span class="ask-reason-label"></span><textarea id="ask-reason"></textarea>
<p class="ask-error" hidden></p></div><button type="button" data-ask="no">取消</button>
<button type="submit" data-ask="yes">确定</button></form></dialog>
<form id="draft" data-autosave="/sink/draft"><input name="name"><select name="kind"><option>甲<option>乙</select>
<input type="checkbox" name="tick" value="1"><span class="saved" data-saved></span></form>
<div class="drop" data-upload="/sink/upload" data-name="files" data-max-mb="1" data-fields='{"kind":"photo"}'>
<button type="button" data-pick="file">选择</button><input type="file" data-for="file" multiple>
<ul class="drop-list"></ul></div>
<form id="once" method="post" action="/sink/once"><button>受理</button></form>
<a id="side" href="/sink/panel" data-drawer>档案</a><div class="drawer" id="drawer" hidden></div>
<div id="toasts"></div></body></html>"""


@pytest.fixture
def sink(page):
    """Serves the page and notes what its scripts send."""
    sent: list = []
    answers = {
        "/sink/draft": (200, {"saved_at": "14:03"}),
        "/sink/upload": (200, {"id": "7", "name": "a.png"}),
    }

    def serve(route):
        path = "/" + route.request.url.split("/", 3)[3]
        if path == "/sink/":
            return route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")
        sent.append((path, route.request.post_data, route.request.headers))
        if path == "/sink/panel":
            return route.fulfill(
                body="<button data-drawer-close>关闭</button>档案内容", content_type="text/html"
            )
        if answers.get(path) == "offline":
            return route.abort()
        status, answer = answers.get(path, (204, {}))
        return route.fulfill(status=status, body=json.dumps(answer), content_type="application/json")

    page.route("**/sink/**", serve)
    page.goto("/sink/")
    page.sent, page.answers = sent, answers
    return page


def saved(page, words):
    page.locator(".saved", has_text=words).wait_for(timeout=8000)


def test_a_draft_saves_itself_and_tells_when(sink):
    sink.fill("[name=name]", "龙井")
    saved(sink, "已保存 14:03")
    path, body, headers = sink.sent[-1]
    assert path == "/sink/draft" and "name=%E9%BE%99%E4%BA%95" in body and headers["x-csrftoken"] == "token"
    assert len(sink.sent) == 1  # once for many keys


def test_without_network_a_draft_is_kept_here_and_sent_later(sink):
    sink.answers["/sink/draft"] = "offline"
    sink.fill("[name=name]", "绿茶")
    sink.check("[name=tick]")
    saved(sink, "暂存在本机")
    sink.on("dialog", lambda d: d.accept())
    sink.goto("/sink/")
    sink.get_by_role("button", name="恢复").click()
    assert sink.input_value("[name=name]") == "绿茶" and sink.is_checked("[name=tick]")
    sink.answers["/sink/draft"] = (200, {"saved_at": "15:00"})
    sink.evaluate("window.dispatchEvent(new Event('online'))")
    saved(sink, "已保存 15:00")
    sink.goto("/sink/")
    assert sink.get_by_role("button", name="恢复").count() == 0


def test_a_refused_draft_says_why(sink):
    sink.answers["/sink/draft"] = (409, {"message": "另一窗口已经提交"})
    sink.fill("[name=name]", "x")
    saved(sink, "另一窗口已经提交")
    sink.on("dialog", lambda d: d.accept())


def upload(page, name, size=10):
    page.set_input_files("[data-for=file]", {"name": name, "mimeType": "image/png", "buffer": b"x" * size})


def test_an_upload_shows_its_result_and_joins_the_form(sink):
    upload(sink, "厂区.png")
    sink.locator(".drop-list li[data-id='7']").wait_for()
    assert sink.locator(".drop-list input[name=files]").input_value() == "7"
    assert "photo" in sink.sent[-1][1]


def test_a_file_that_is_too_large_is_not_even_sent(sink):
    upload(sink, "大.png", 1_100_000)
    assert "超过 1 MB" in sink.locator(".drop-error").inner_text()
    assert not sink.sent


def test_a_refused_upload_says_why(sink):
    sink.answers["/sink/upload"] = (422, {"message": "这是可执行文件，不是图片"})
    upload(sink, "假.png")
    sink.locator(".drop-error", has_text="这是可执行文件").wait_for()


def test_a_second_click_sends_nothing(sink):
    sink.evaluate("for (const _ of [1, 2, 3]) document.querySelector('#once button').click()")
    sink.wait_for_timeout(500)
    assert [path for path, _, _ in sink.sent] == ["/sink/once"]


def test_the_side_panel_opens_beside_the_page_and_gives_the_focus_back(sink):
    sink.click("#side")
    sink.locator("#drawer", has_text="档案内容").wait_for()
    sink.keyboard.press("Escape")
    assert sink.locator("#drawer").is_hidden()
    assert sink.evaluate("document.activeElement.id") == "side"
