"""The public pages open to everybody, lead somewhere, and can be read by everybody."""

import re

import pytest

from jinzhi.registry.laws.models import Article, Law

pytestmark = pytest.mark.django_db
PAGES = [
    "/", "/services/", "/services/?q=食品", "/services/?q=没有这个", "/services/food-production-licence/",
    "/services/measuring-instrument-licence/", "/services/type-approval/",
    "/procedures/food_production_licence/1/", "/procedures/food_production_licence/5/",
    "/laws/?title=行政许可法&article=第三十二条", "/laws/",
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_a_public_page_opens_without_sign_in(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()


@pytest.mark.parametrize(
    "address",
    ["/services/nothing/", "/procedures/food_production_licence/9/", "/procedures/x/1/", "/laws/0/"],
)
def test_what_does_not_exist_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_every_link_of_the_public_pages_leads_somewhere(client):
    links = {
        link
        for page in PAGES
        for link in re.findall(r'href="(/[^"#]*)"', client.get(page).content.decode())
        if not link.startswith("/static/")
    }
    dead = [link for link in links if client.get(link.replace("&amp;", "&")).status_code >= 400]
    assert not dead


def test_the_guide_shows_limits_from_the_rules_in_their_order(client):
    page = client.get("/services/food-production-licence/").content.decode()
    titles = ["受理期限", "补正期限", "许可决定期限", "发证期限"]
    table = page[page.index("办理期限和依据") :]
    assert [table.index(t) for t in titles] == sorted(table.index(t) for t in titles)
    assert "10 个工作日" in page


def test_a_loaded_law_opens_at_the_cited_article_and_an_absent_one_leaves_the_citation(client):
    address = "/laws/?title=中华人民共和国行政许可法&article=第三十二条第一款第（四）项"
    assert "文本尚未收录" in client.get(address).content.decode()
    law = Law.objects.create(
        title="行政许可法", key="行政许可法", published_on="2003-08-27", valid_from="2004-07-01", level="法律"
    )
    Article.objects.create(law=law, number=32, label="第三十二条", text="逾期不告知的，即为受理")
    assert "逾期不告知的，即为受理" in client.get(address).content.decode()
    early = client.get(address + "&on=2001-01-01").content.decode()
    assert "这是库中最早的版本" in early


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["/", "/services/food-production-licence/"])
def test_public_pages_have_no_accessibility_faults(page, phone, accessibility, address):
    for screen in (page, phone):
        screen.goto(address)
        assert not accessibility(screen)
