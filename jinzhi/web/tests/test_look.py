"""The common look: tags, menu, error pages, static files, what the content policy forbids."""

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template import Context, Template
from django.test import RequestFactory, override_settings

from jinzhi.foundation.people.tests.cast import HANGZHOU, WEST_LAKE, person, sign_in
from jinzhi.web import errors, export, navigation, static
from jinzhi.web.templatetags import jinzhi as tags


def render(source: str, **context) -> str:
    return Template("{% load jinzhi %}" + source).render(Context(context))


# -- tags


@pytest.mark.parametrize(("state", "shape", "word"), [(k, *v) for k, v in tags.LAMPS.items()])
def test_a_lamp_has_shape_and_word_beside_its_colour(state, shape, word):
    shown = render("{% lamp s %}", s=state)
    assert shape in shown and word in shown and f"lamp-{state}" in shown


def test_lamps_have_different_shapes():
    assert len({shape for shape, _ in tags.LAMPS.values()}) == len(tags.LAMPS)


def test_tags_escape_what_they_are_given():
    evil = "<script>alert(1)</script>"
    for source in (
        "{% lamp 'red' x title=x %}",
        "{% state x x %}",
        "{{ x|code }}",
        "{% icon x label=x %}",
        "{% nothing x x url=x action=x %}",
        "{% field x was=x %}{{ x }}{% endfield %}",
    ):
        assert "<script" not in render(source, x=evil), source


def test_a_code_is_grouped_on_screen_and_unbroken_when_copied():
    shown = render("{{ v|code }}", v="913301067429301234")
    assert shown.count("<span>") == 5
    assert re.sub(r"<[^>]+>", "", shown) == "913301067429301234"


def test_dates_in_sentences_and_in_tables():
    assert render("{{ d|law_date }} {{ d|cn_date }}", d=date(2026, 1, 5)) == "2026年1月5日 2026-01-05"
    late = datetime(2026, 1, 5, 17, 30, tzinfo=ZoneInfo("UTC"))  # already the 6th in China
    assert render("{{ d|law_date }} {{ d|cn_time }}", d=late) == "2026年1月6日 2026-01-06 01:30"
    assert render("{{ d|law_date }}{{ d|cn_date }}{{ d|cn_time }}", d=None) == "None"[:0]


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (999, "999"), (1234, "约 1,200"), (12_345, "约 1.2 万"), (30_001, "约 3 万")],
)
def test_large_numbers_of_results_are_told_roughly(count, words):
    assert tags.about(count) == words


def test_money_in_cents():
    assert [tags.yuan(v) for v in (None, 0, 5, 1234500)] == ["", "0.00", "0.05", "12,345.00"]


def test_an_empty_field_says_so():
    assert "未填" in render("{% field '电话' %}{{ v }}{% endfield %}", v="")


def test_a_query_string_changes_one_parameter():
    request = RequestFactory().get("/?a=1&b=2&after=x")
    shown = Template("{% load jinzhi %}{% query a=None b=3 after=None %}").render(
        Context({"request": request})
    )
    assert shown == "?b=3"


def test_an_unknown_icon_is_a_square_not_a_fault():
    assert "<rect" in render("{% icon '../../etc/passwd' %}")
    assert "<path" in render("{% icon 'home' %}")


# -- export


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+2", "@x", "\t=1", "\r=1"])
def test_cells_a_spreadsheet_would_run_become_text(cell):
    assert export.safe(cell) == f"'{cell}"


def test_numbers_and_plain_words_stay_as_they_are():
    assert [export.safe(v) for v in (-5, 3.5, None, "杭州", "a=b")] == ["-5", "3.5", "", "杭州", "a=b"]


# -- menu


@pytest.mark.django_db
@override_settings(DEMO=True)
def test_the_menu_shows_what_the_post_may_open_and_marks_the_page(client):
    sign_in(client, person("aud", HANGZHOU, "auditor"))
    page = client.get("/desk/people/").content.decode()
    assert re.search(r'href="/desk/people/" class="active" aria-current="page"', page)
    assert page.count('aria-current="page"') == 2  # menu and breadcrumb
    sign_in(client, person("li", WEST_LAKE, "examiner"))
    assert "/desk/people/" not in client.get("/accounts/").content.decode()


def test_every_entry_leads_somewhere_and_keys_are_unique_for_each_role():
    from django.urls import reverse

    entries = navigation.entries()
    assert entries
    for entry in entries:
        assert reverse(entry.url_name).startswith("/")
        assert tags._icon_body(entry.icon) != tags._icon_body("no such icon"), entry.icon
    for role in {r for e in entries for r in e.roles}:
        keys = [e.key for e in entries if e.key and (not e.roles or role in e.roles) and "staff" in e.faces]
        assert len(keys) == len(set(keys)), f"{role}: {sorted(keys)}"


# -- errors


@pytest.mark.django_db
def test_a_missing_page_says_what_happened_what_was_kept_what_to_do(client):
    answer = client.get("/no/such/page/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert all(words in page for words in ("发生了什么", "保住了什么", "接下来怎么做"))


@pytest.mark.django_db
def test_a_stale_form_is_told_apart_from_a_missing_right():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x", "password": "y"})
    assert answer.status_code == 403
    assert "这次操作没有执行" in answer.content.decode()


def test_the_fault_page_needs_nothing_to_work():
    answer = errors.server_error(RequestFactory().get("/boom/"))
    assert answer.status_code == 500
    assert "系统出了差错" in answer.content.decode()


@pytest.mark.django_db
def test_a_fragment_gets_its_error_as_a_sentence(client):
    answer = client.get("/no/such/", headers={"HX-Request": "true"})
    assert answer.status_code == 404 and b"<html" not in answer.content


# -- static files and content policy


def test_package_files_are_found_by_their_names_only():
    assert finders.find("tabler/tabler.min.css")
    assert finders.find("htmx/htmx.min.js")
    assert finders.find("tabler/tabler.css") is None


def test_files_are_collected_with_hashes_although_source_maps_are_left_out(tmp_path):
    storages = {"staticfiles": {"BACKEND": "jinzhi.web.static.ManifestStorage"}}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=settings.STORAGES | storages):
        call_command("collectstatic", interactive=False, verbosity=0)
        storage = static.ManifestStorage()
        assert re.search(r"web/jinzhi\.[0-9a-f]{12}\.css", storage.url("web/jinzhi.css"))
        assert storage.url("no/such/file.css").endswith("no/such/file.css")
        assert list(Path(tmp_path).glob("tabler/tabler.min.*.css.gz"))


def _templates() -> list[Path]:
    folders = {
        Path(app.path) / "templates" for app in apps.get_app_configs() if app.name.startswith("jinzhi.")
    }
    return sorted(path for folder in folders for path in folder.rglob("*.html"))


@pytest.mark.parametrize("path", _templates(), ids=lambda p: "/".join(p.parts[-2:]))
def test_templates_hold_no_inline_style_or_script(path):
    source = re.sub(
        r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(encoding="utf-8"), flags=re.S
    )
    assert not re.search(r"<[^>]*\sstyle\s*=", source)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=\s*[\"']", source)
    assert not re.search(r"<style\b", source)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script\b[^>]*>", source))


@pytest.mark.django_db
def test_the_policy_allows_nothing_inline(client):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'self'" in policy


def test_every_role_has_an_icon_that_exists():
    from jinzhi.foundation.people.roles import ROLES

    assert set(tags.ROLE_ICONS) == set(ROLES)
    assert all(tags._icon_body(name) != tags._icon_body("no such icon") for name in tags.ROLE_ICONS.values())


# -- ways home


@pytest.mark.django_db
@override_settings(DEMO=True)
@pytest.mark.parametrize(
    ("role", "way"),
    [
        ("examiner", "/office/"),
        ("supervisor", "/office/board/"),
        ("administrator", "/desk/"),
        ("auditor", "/desk/"),
    ],
)
def test_home_is_where_the_post_works(client, role, way):
    sign_in(client, person("li", HANGZHOU, role))
    assert client.get("/home/").url == way


@pytest.mark.django_db
def test_home_of_a_stranger_is_the_sign_in(client):
    assert client.get("/home/").url == "/accounts/login/?next=%2Fhome%2F"
