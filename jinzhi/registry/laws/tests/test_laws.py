"""Law texts: parsed into articles, found by citation and date, absent ones said to be absent."""

from datetime import date

import pytest
from django.conf import settings

from jinzhi.registry.laws import parsing, services

TEXT = """# 样例法

2019年1月1日 公布

<!-- INFO END -->

## 第一章 总则

第一条 为了样例。

（一）甲；

第二条 第二条的文字。

## 第二章 分则

第十六条之一 新增一条。
"""
SHARED = settings.BASE_DIR.parent / "shared/data/laws/laws_national_zhejiang.csv.gz"


def test_a_text_is_parsed_into_articles_with_their_chapters():
    preamble, articles = parsing.articles(TEXT)
    assert preamble == "2019年1月1日 公布"
    assert [(a.number, a.suffix, a.label, a.chapter) for a in articles] == [
        (1, 0, "第一条", "第一章 总则"),
        (2, 0, "第二条", "第一章 总则"),
        (16, 1, "第十六条之一", "第二章 分则"),
    ]
    assert articles[0].text == "为了样例。\n（一）甲；"


@pytest.mark.parametrize(
    ("text", "value"),
    [("十", 10), ("二十一", 21), ("一百零一", 101), ("一百一十", 110), ("二百六十", 260), ("三", 3)],
)
def test_chinese_numbers(text, value):
    assert parsing.number(text) == value


@pytest.fixture
def library(tmp_path):
    def load(*rows):
        path = tmp_path / "laws.csv"
        lines = ["title,publish_date,valid_from,level,text_markdown"]
        lines += [f'{t},{p},{v},法律,"{text}"' for t, p, v, text in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
        return services.load(path)

    return load


@pytest.mark.django_db
def test_the_version_in_force_on_the_day_is_found(library):
    library(
        ("样例法", "2003-08-27", "2004-07-01", "第三十二条 旧文。"),
        ("中华人民共和国样例法", "2019-04-23", "2019-04-23", "第三十二条 新文。"),
    )
    old = services.in_force("《中华人民共和国样例法》", date(2015, 10, 1))
    new = services.in_force("样例法（修正）", date(2019, 4, 23))
    assert services.cited(old, "第三十二条第一款")[0].text == "旧文。"
    assert services.cited(new, "第三十二条")[0].text == "新文。"


@pytest.mark.django_db
def test_loading_twice_changes_nothing_and_bad_rows_are_named(library):
    rows = (
        ("样例法", "2003-08-27", "", "第一条 文。"),
        ("坏", "很久以前", "", "第一条 文。"),
        ("空", "2003-01-01", "", "没有条"),
    )
    first = library(*rows)
    assert (first.added, len(first.refused)) == (1, 2)
    assert "第 3 行 坏：公布日期“很久以前”不是日期" in first.refused
    assert library(*rows).known == 1


@pytest.mark.django_db
def test_a_file_that_is_no_table_of_laws_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(services.Unreadable, match="缺少列"):
        services.load(path)


@pytest.mark.reference
@pytest.mark.skipif(not SHARED.exists(), reason="the reference law texts are not beside this checkout")
@pytest.mark.django_db
def test_the_real_texts_load_and_the_cited_articles_open():
    result = services.load(SHARED)
    assert result.added > 1000
    law = services.in_force("中华人民共和国行政许可法", date(2026, 1, 1))
    assert (
        "逾期不告知的，自收到申请材料之日起即为受理"
        in services.cited(law, "第三十二条第一款第（四）项")[0].text
    )
    order = services.in_force("工业产品生产许可证管理条例", date(2007, 1, 1))
    assert order.published_on == date(2005, 7, 9)
    assert (
        "60" in services.cited(order, "第二十四条")[0].text
        or "六十" in services.cited(order, "第二十四条")[0].text
    )
