"""Rules are dated, have an article and a mark, and a bad file is refused with a sentence that names it."""

import threading
from datetime import date
from pathlib import Path

import pytest

from jinzhi.foundation import rules
from jinzhi.foundation.rules import library

GOOD = """
parameters:
  - key: demo.limit
    title: 受理期限
    unit: workday
    values:
      - {from: 2004-07-01, value: 5, law: 行政许可法, article: 第三十二条, mark: verified}
      - {from: 2019-04-23, to: 2030-12-31, value: 3, law: 行政许可法, article: 第三十二条, mark: memory,
         note: 缩短}
tables:
  - key: demo.level
    title: 许可机关
    from: 2020-03-01
    law: 食品生产许可管理办法
    article: 第七条
    mark: memory
    inputs: [special, staff]
    outputs: [level]
    rows:
      - {when: {special: true}, then: {level: province}}
      - {when: {staff: ">= 300"}, then: {level: city}}
      - {when: {special: false, staff: [1, 2]}, then: {level: office}}
      - {when: {special: "-", staff: "< 300"}, then: {level: county}}
"""


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """A library made of one file; the shipped one comes back afterwards."""

    def use(text=GOOD):
        path = tmp_path / "demo.yaml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setattr(library, "rule_files", lambda: iter([("demo", path)]))
        rules.forget()
        return path

    yield use
    monkeypatch.undo()
    rules.forget()


def test_every_shipped_rule_is_in_order():
    assert rules.lint() == []
    assert rules.value("calendar.statutory_day_count", date(2026, 1, 1)).value == 13


def test_the_value_in_force_depends_on_the_day(demo):
    demo()
    former, now = rules.value("demo.limit", date(2007, 1, 1)), rules.value("demo.limit", date(2026, 1, 1))
    assert (former.value, former.valid_to, now.value) == (5, date(2019, 4, 22), 3)
    assert (now.shown, now.basis, now.mark_title) == (
        "3 个工作日",
        "《行政许可法》第三十二条",
        "凭记忆，待核",
    )
    assert rules.history("demo.limit") == [former, now]
    assert rules.value("demo.limit", date(2019, 4, 22)) == former
    assert rules.values("demo.", date(2026, 1, 1)) == {"demo.limit": now}


@pytest.mark.parametrize(
    ("key", "day", "says"),
    [
        ("demo.limit", date(2003, 1, 1), "最早的规定自 2004-07-01 起"),
        ("demo.limit", date(2031, 1, 1), "当日没有有效的规定"),
        ("demo.unknown", date(2026, 1, 1), "没有名为 demo.unknown 的参数"),
    ],
)
def test_no_rule_is_said_in_words(demo, key, day, says):
    demo()
    with pytest.raises(rules.NoRule, match=says):
        rules.value(key, day)


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"special": True, "staff": 1}, "province"),
        ({"special": False, "staff": 300}, "city"),
        ({"special": False, "staff": 2}, "office"),
        ({"special": False, "staff": 3}, "county"),
    ],
)
def test_the_first_row_that_fits_decides(demo, facts, level):
    demo()
    assert rules.table("demo.level", date(2026, 1, 1)).decide(**facts) == {"level": level}


def test_a_table_wants_all_its_facts_and_no_others(demo):
    demo()
    table = rules.table("demo.level", date(2026, 1, 1))
    with pytest.raises(rules.NoDecision, match="缺少条件：staff"):
        table.decide(special=True)
    with pytest.raises(rules.NoDecision, match="没有这些条件：colour"):
        table.decide(special=True, staff=1, colour="red")
    with pytest.raises(rules.NoRule, match="没有有效版本"):
        rules.table("demo.level", date(2010, 1, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("value: 5", "value: five"), "应为整数"),
        (("value: 5", "value: true"), "应为整数"),
        (("value: 5", "value: -5"), "负数"),
        (("unit: workday", "unit: fortnight"), "未知单位 fortnight"),
        (("article: 第三十二条, mark: verified", "mark: verified"), "缺少 article"),
        (("mark: verified", "mark: sure"), "mark 应为"),
        ((", mark: verified", ""), "mark 应为"),
        (("from: 2004-07-01", "from: 2020-01-01"), "未按先后排列"),
        (("from: 2004-07-01,", "from: 2004-07-01, to: 2020-01-01,"), "有效期重叠"),
        (("from: 2004-07-01", "from: soon"), "from 应为日期"),
        (("to: 2030-12-31", "to: 2010-12-31"), "早于 from"),
        (("title: 受理期限", "titel: 受理期限"), "未知的键 titel"),
        (("note: 缩短", "notes: 缩短"), "未知的键 notes"),
        (("tables:", "table:"), "未知的键 table"),
        (("{when: {special: true}", "{when: {speciality: true}"), "未声明的条件 speciality"),
        (("then: {level: city}", "then: {}"), "缺少结果 level"),
        (("{when: {special: true}", "{when: {}"), "永远轮不到"),
        (("title: 受理期限", "title: 受理期限\\n    title: 二"), "键重复"),
        (("title: 受理期限", "title: 受理期限\\n    on: 2004-07-01"), "请加引号"),
        (("parameters:", "parameters: ["), "不是有效的 YAML"),
    ],
)
def test_the_linter_refuses(demo, change, says):
    path = demo(GOOD.replace(change[0], change[1].replace("\\n", "\n"), 1))
    problems = rules.lint([("demo", path)])
    assert any(says in problem for problem in problems), problems
    with pytest.raises(rules.RuleError, match="demo"):
        rules.value("demo.limit", date(2026, 1, 1))


def test_a_key_belongs_to_one_file(demo, tmp_path):
    path = demo()
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.split("tables:")[0], encoding="utf-8")
    assert any("已在" in problem for problem in rules.lint([("demo", path), ("other", Path(other))]))


def test_many_threads_read_the_files_once(demo, monkeypatch):
    demo()
    reads, read = [], library.read
    monkeypatch.setattr(library, "read", lambda files: reads.append(1) or read(files))
    threads = [threading.Thread(target=rules.value, args=("demo.limit", date(2026, 1, 1))) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(reads) == 1
