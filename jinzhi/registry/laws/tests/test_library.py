"""The library of laws: validity by date, search, anchors, what changed, and who depends on an article."""

import csv
import time
from datetime import date

import pytest
from django.conf import settings

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.laws import citations, loading, parsing, services
from jinzhi.registry.laws.models import Article, Law

SHARED = settings.BASE_DIR.parent / "shared/data/laws/laws_national_zhejiang.csv.gz"
needs_texts = pytest.mark.skipif(
    not SHARED.exists(), reason="the reference law texts are not beside this checkout"
)

OLD = """# 样例食品法

## 第一章 总则

第一条 为了保证样例食品安全，制定本法。

第二条 有下列情形的，应当检验：
（一）甲类样品；
（二）乙类样品。
检验不得收费。

第三条 违反本法的，处一百元罚款。

第四条 本法自2009年6月1日起施行。《中华人民共和国样例卫生法》同时废止。
"""
NEW = """# 样例食品法

## 第一章 总则

第一条 为了保证样例食品安全，制定本法。

第二条 国家建立追溯制度，生产经营者应当保存凭证。

第三条 有下列情形的，应当抽样检验：
（一）甲类样品；
（二）乙类样品。
检验不得收费。

第五条 本法自2015年10月1日起施行。
"""
HEALTH = "第一条 样例卫生的旧规定。\n第二条 本法自1995年10月30日起施行。"


@pytest.fixture
def library(db, tmp_path):
    path = tmp_path / "laws.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["title", "publish_date", "level", "valid_from", "expired_flag", "text_markdown"])
        lines.writerow(["中华人民共和国样例食品法", "2009-02-28", "法律", "", "0", OLD])
        lines.writerow(["样例食品法", "2015-04-24", "法律", "", "0", NEW])
        lines.writerow(["样例卫生法", "1995-10-30", "法律", "1995-10-30", "0", HEALTH])
        lines.writerow(["样例旧规", "1990-01-01", "行政法规", "", "1", "第一条 旧规的文字。"])
        lines.writerow(["样例解释（一）", "2001-01-01", "司法解释", "", "0", "一、甲。\n二、乙。"])
        lines.writerow(["样例解释（二）", "2003-01-01", "司法解释", "", "0", "一、丙。"])
    return loading.load(path)


def test_each_version_ends_where_the_next_begins_and_a_repeal_is_read_from_the_text(library):
    assert (library.read, library.added, library.refused) == (6, 6, [])
    old, new = Law.objects.filter(key="样例食品法").order_by("valid_from")
    assert (old.valid_from, old.valid_to) == (date(2009, 6, 1), date(2015, 10, 1))
    assert (new.valid_from, new.valid_to) == (date(2015, 10, 1), None)
    health = Law.objects.get(key="样例卫生法")
    assert (health.valid_to, health.repealed_by) == (date(2009, 6, 1), "中华人民共和国样例食品法")


@pytest.mark.parametrize(
    ("on", "published"),
    [("2009-05-31", None), ("2009-06-01", 2009), ("2015-09-30", 2009), ("2015-10-01", 2015)],
)
def test_the_text_in_force_on_a_day(library, on, published):
    law = services.on_day(services.find("样例食品法"), date.fromisoformat(on))
    assert (law.published_on.year if law else None) == published


def test_numbered_interpretations_are_laws_of_their_own(library):
    one, two = services.find("样例解释（一）"), services.find("样例解释（二）")
    assert one.valid_to is None and two.valid_to is None and one.articles.count() == 2


def test_a_repeal_of_an_unknown_day_counts_today_but_not_for_the_past(library):
    old = services.find("样例旧规")
    assert services.on_day(old, date(2000, 1, 1)) == old and services.on_day(old, today()) is None
    assert services.state(old, today())[0] == "repealed_unknown"


def test_names_come_before_articles_and_hits_are_marked(library):
    found = services.search("样例 检验", date(2026, 11, 22))
    assert [(h.law.published_on.year, h.article.number) for h in found.hits] == []
    found = services.search("样例食品", date(2026, 11, 22)).hits
    assert found[0].article is None and found[1].article.number == 1
    assert found[1].snippet[slice(*found[1].marks[0])] == "样例食品"
    assert services.search("抽样检验", date(2010, 1, 1)).hits == []
    assert [h.article.number for h in services.search("应当检验", date(2010, 1, 1)).hits] == [2]


@pytest.mark.parametrize(
    "words", ["", " ", "!", "'", "\\", "%", "a' | b", "\0", "法" * 500, "𠮷", ":*", "& |", "İ"]
)
def test_any_words_are_answered(library, words):
    services.search(words.replace("\0", ""), date(2026, 1, 1))


def test_anchors_name_paragraphs_and_items():
    text = "有下列情形的，应当检验：\n（一）甲；\n（二）乙。\n检验不得收费。"
    assert [p.anchor for p in parsing.paragraphs(2, 0, text)] == ["a2p1", "a2p1i1", "a2p1i2", "a2p2"]
    assert parsing.anchor(16, 1) == "a16.1"


def test_what_changed_is_told_article_by_article(library):
    old, new = Law.objects.filter(key="样例食品法").order_by("valid_from")
    told = {(c.kind, c.old and c.old.number, c.new and c.new.number) for c in services.compare(old, new)}
    assert told == {
        ("same", 1, 1), ("added", None, 2), ("changed", 2, 3), ("removed", 3, None),
        ("removed", 4, None), ("added", None, 5),
    }  # fmt: skip
    change = next(c for c in services.compare(old, new) if c.new and c.new.number == 3)
    assert ("added", "抽样") in change.pieces


def test_every_legal_parameter_is_found_from_the_article_it_rests_on():
    index = citations.index()
    kinds = {c.kind for found in index.values() for c in found}
    assert {"规则参数", "程序环节", "文书"} <= kinds
    acceptance = citations.dependents("行政许可法", 32, 0, date(2026, 11, 22))
    assert any(c.kind == "规则参数" for c in acceptance) and any(
        c.url.startswith("/procedures/") for c in acceptance
    )


def test_every_citation_of_the_rules_that_names_an_article_is_taken_apart():
    for citation in citations.declared():
        assert parsing.cited_articles(citation.article), citation
        assert citation.law and "第" not in citation.law[:1], citation


@pytest.mark.reference
@needs_texts
@pytest.mark.django_db
def test_the_reference_texts_load_in_seconds_and_every_row_is_answered():
    began = time.process_time()
    result = services.load(SHARED)
    assert result.read == 1922 == result.added + result.known + result.doubled + len(result.refused)
    assert result.added > 1900 and len(result.refused) < 5, result.refused
    assert time.process_time() - began < 30
    assert Article.objects.count() == result.articles
    review = services.find("行政复议法")
    assert services.on_day(review, date(2023, 12, 31)).published_on == date(2017, 9, 1)
    assert services.on_day(review, date(2024, 1, 1)).published_on == date(2023, 9, 1)
    assert services.search("电子监察", date(2026, 1, 1)).hits is not None


# -- pages and interface


def test_the_interface_answers_by_day(library, client):
    found = client.get("/api/v1/laws", {"q": "样例食品", "on": "2012-01-01"}).json()
    assert found["results"][0]["matched"] == "title" and found["results"][1]["article"]["n"] == "1"
    key = found["results"][0]["law"]["id"]
    old = client.get(f"/api/v1/laws/{key}/articles/3", {"on": "2015-09-30"}).json()
    new = client.get(f"/api/v1/laws/{key}/articles/3", {"on": "2015-10-01"}).json()
    assert "罚款" in old["text"] and "抽样" in new["text"]
    assert [p["anchor"] for p in new["paragraphs"]] == ["a3p1", "a3p1i1", "a3p1i2", "a3p2"]
    assert [v["same"] for v in new["versions"]] == [True, False]
    assert (
        client.get("/api/v1/laws/样例食品法/articles/第三条", {"on": "2016-01-01"}).json()["text"]
        == new["text"]
    )
    missing = client.get(f"/api/v1/laws/{key}/articles/3", {"on": "1999-01-01"})
    assert missing.status_code == 404 and "2009-06-01" in missing.json()["message"]
    assert client.get(f"/api/v1/laws/{key}/articles/99").status_code == 404
    assert client.get(f"/api/v1/laws/{key}/articles/x").status_code == 422
    assert client.get(f"/api/v1/laws/{key}/articles/3", {"on": "2015"}).status_code == 422
    changes = client.get(f"/api/v1/laws/{key}/changes", {"since": "2012-01-01"}).json()["changes"]
    assert {c["kind"] for c in changes} == {"added", "changed", "removed"}


def test_the_pages_open(library, client):
    old, new = Law.objects.filter(key="样例食品法").order_by("valid_from")
    for address in (
        "/laws/", "/laws/?q=样例食品", "/laws/?q=检验&on=2010-01-01", "/laws/?q=没有这个词", "/laws/?q=检验&after=x&on=y",
        f"/laws/{old.pk}/", f"/laws/{new.pk}/?on=2010-01-01", f"/laws/{new.pk}/?on=1900-01-01",
        f"/laws/{new.pk}/articles/3/", f"/laws/{new.pk}/changes/{old.pk}/",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "style=" not in answer.content.decode()
    assert "<mark>" in client.get("/laws/?q=样例食品").content.decode()
    assert "<ins>抽样</ins>" in client.get(f"/laws/{new.pk}/changes/{old.pk}/").content.decode()
    for address in ("/laws/99999999/", f"/laws/{new.pk}/articles/88/", f"/laws/{new.pk}/articles/x/"):
        assert client.get(address).status_code == 404
    other = services.find("样例旧规").pk
    assert client.get(f"/laws/{new.pk}/changes/{other}/").status_code == 404
