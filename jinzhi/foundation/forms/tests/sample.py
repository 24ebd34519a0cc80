"""A small form with one question of every type, for the tests of this room."""

from datetime import date

from jinzhi.foundation.forms.definition import Form, _section

ON = date(2026, 3, 2)
USCC = "91330100723456781Y"
KEY = "018f0000-0000-7000-8000-000000000001"

SECTIONS = [
    {
        "key": "who", "title": "申请人", "fields": [
            {"key": "name", "label": "名称", "max_length": 20},
            {"key": "code", "label": "代码", "type": "code", "scheme": "uscc"},
            {"key": "phone", "label": "电话", "type": "phone"},
            {"key": "founded", "label": "成立日期", "type": "date", "not_future": True},
            {"key": "until", "label": "有效期至", "type": "date", "not_past": True, "required": False},
            {"key": "agent", "label": "委托", "type": "choice", "choices": {"no": "否", "yes": "是"}},
            {"key": "agent_name", "label": "代理人", "show_if": {"who.agent": "yes"}},
            {"key": "agreed", "label": "承诺", "type": "boolean"},
            {"key": "remark", "label": "说明", "type": "long_text", "required": False},
        ],
    },
    {
        "key": "site", "title": "场所", "fields": [
            {"key": "county", "label": "县", "type": "place"},
            {"key": "area", "label": "面积", "type": "decimal", "min": 1},
            {"key": "people", "label": "人数", "type": "integer", "min": 0, "max": 1000},
            {"key": "systems", "label": "制度", "type": "multi_choice", "choices": {"a": "甲", "b": "乙"}},
            {"key": "other", "label": "其他", "show_if": {"site.systems": ["b"]}},
        ],
    },
    {
        "key": "goods", "title": "产品", "kind": "table", "min_rows": 1, "max_rows": 3, "row_title": "项", "fields": [
            {"key": "category", "label": "类别", "type": "code_set", "code_set": "food_category", "level": "main"},
            {"key": "name", "label": "品名"},
        ],
    },
    {
        "key": "files", "title": "附件", "kind": "attachments", "fields": [
            {"key": "plan", "label": "平面图", "type": "file"},
            {"key": "letter", "label": "委托书", "type": "file", "show_if": {"who.agent": "yes"}},
        ],
    },
]  # fmt: skip


def form(sections=None, **more) -> Form:
    made = tuple(_section(dict(s)) for s in sections or SECTIONS)
    base = {
        "key": "sample",
        "version": 1,
        "title": "样表",
        "valid_from": date(2020, 1, 1),
        "source": "sample.yaml",
    }
    return Form(**base | more, sections=made)


def filled() -> dict:
    """Complete and right on the day ON."""
    return {
        "who": {
            "name": "样例公司", "code": USCC, "phone": "13800000000", "founded": "2020-05-01", "agent": "no", "agreed": True,
        },
        "site": {"county": "330106", "area": "120.5", "people": 8, "systems": ["a"]},
        "goods": [{"category": "01", "name": "小麦粉"}],
        "files": {"plan": [KEY]},
    }  # fmt: skip
