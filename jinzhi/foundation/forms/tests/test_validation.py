"""What a form refuses and in which words; what it keeps; that nothing sent to it makes it fall over."""

import copy
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinzhi.foundation import forms
from jinzhi.foundation.forms.tests.sample import KEY, ON, USCC, filled, form

pytestmark = pytest.mark.django_db
FORM = form()


def given_answer(path: str, value) -> dict:
    """The complete form with one answer changed; `path` as in FieldError."""
    data = copy.deepcopy(filled())
    *way, last = path.split(".")
    part = data
    for key in way:
        part = part[int(key)] if key.isdecimal() else part[key]
    part[last] = value
    return data


def said(data, on: date = ON) -> list[tuple[str, str]]:
    return [(e.path, e.message) for e in forms.validate(FORM, data, on)]


def test_a_complete_form_is_kept_as_typed():
    cleaned, problems = forms.examine(FORM, filled(), ON)
    assert (problems, cleaned) == ([], filled())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("who.name", "", "请填写"),
        ("who.name", "   ", "请填写"),
        ("who.name", "长" * 21, "20"),
        ("who.name", "样例\x07公司", "控制字符"),
        ("who.name", "样例\u202e司公", "控制字符"),
        ("who.name", "\ud800", "控制字符"),
        ("who.name", {"first": "样例"}, "应为文字"),
        ("who.name", ["样例"], "应为文字"),
        ("who.code", USCC[:-1] + "7", "第 18 位"),
        ("who.code", {}, "应为文字"),
        ("who.phone", "12345", "11 位手机号"),
        ("who.founded", "2026-03-03", "不能晚于今天（2026-03-02）"),
        ("who.founded", "2025-02-29", "日期"),
        ("who.founded", 20260302, "日期"),
        ("who.founded", {"day": 2}, "日期"),
        ("who.until", "2026-03-01", "已于 2026-03-01 到期"),
        ("who.agent", "", "请选择"),
        ("who.agent", "maybe", "“maybe”不在可选范围内"),
        ("who.agent", {"yes": 1}, "不在可选范围内"),
        ("who.agreed", False, "请确认此项"),
        ("site.county", "320106", "请从列表中选择本省的县"),
        ("site.area", "0.5", "1"),
        ("site.area", "九", "数"),
        ("site.area", "1e400000", "18 个数字"),
        ("site.area", [1], "数"),
        ("site.people", "8.5", "数"),
        ("site.people", 10**30, "1000"),
        ("site.people", "9" * 5000, ""),
        ("site.systems", [], "请选择"),
        ("site.systems", "a", "一系列值"),
        ("site.systems", ["a", "z"], "“z”不在可选范围内"),
        ("site.systems", [{"a": 1}], ""),
        ("goods.0.category", "99", "类别 99 不在 2026-03-02 施行的目录中"),
        ("goods.0.name", "", "请填写"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_refused_where_it_stands(path, value, words):
    problems = said(given_answer(path, value))
    assert [p for p, _ in problems] == [path]
    assert words in problems[0][1]


def test_a_category_is_judged_by_the_list_of_the_day():
    """32 food additives came with the list of 2015; before it the number was unknown."""
    data = given_answer("goods.0.category", "32")
    assert said(data) == []
    on = date(2010, 3, 2)
    data["who"]["founded"] = "2005-05-01"
    assert said(data, on) == [("goods.0.category", "类别 32 不在 2010-03-02 施行的目录中")]


def test_days_are_kept_in_one_writing_and_codes_in_normal_form():
    data = filled()
    data["who"] |= {"founded": "2020年5月1日", "code": f" {USCC.lower()} "}
    kept = forms.clean(FORM, data, ON)["who"]
    assert (kept["founded"], kept["code"]) == ("2020-05-01", USCC)


def test_a_conditional_question_is_asked_only_then():
    data = given_answer("who.agent", "yes")
    assert said(data) == [("who.agent_name", "请填写"), ("files.letter", "请上传此项材料")]
    data["who"]["agent_name"], data["files"]["letter"] = "代理人", [KEY]
    assert said(data) == []
    data["who"]["agent"] = "no"
    cleaned = forms.clean(FORM, data, ON)
    assert "agent_name" not in cleaned["who"] and "letter" not in cleaned["files"]


@pytest.mark.parametrize(("systems", "asked"), [(["a"], False), (["b"], True), (["a", "b"], True)])
def test_a_condition_on_many_choices_holds_when_one_is_chosen(systems, asked):
    problems = said(given_answer("site.systems", systems))
    assert problems == ([("site.other", "请填写")] if asked else [])


def test_a_condition_on_an_answer_of_the_wrong_kind_does_not_hold():
    assert ("site.other", "请填写") not in said(given_answer("site.systems", [{"b": 1}, ["b"]]))
    assert ("who.agent_name", "请填写") not in said(given_answer("who.agent", {"yes": "yes"}))


@pytest.mark.parametrize("rows", [[], None, "x", {}, [1, "x", None], [{}], [{"category": "", "name": ""}]])
def test_too_few_rows(rows):
    assert said(filled() | {"goods": rows}) == [("goods", "至少填写 1 项")]


def test_too_many_rows_are_counted():
    row = filled()["goods"][0]
    problems = said(filled() | {"goods": [row] * 5})
    assert problems == [("goods", "最多填写 3 项，现有 5 项")]


def test_a_fault_in_a_row_names_its_number():
    rows = [{"category": "01", "name": "小麦粉"}, {"category": "01", "name": ""}]
    (problem,) = forms.validate(FORM, filled() | {"goods": rows}, ON)
    assert (problem.path, problem.label) == ("goods.1.name", "产品第 2 项 品名")


def test_unknown_fields_and_sections_are_dropped():
    data = filled() | {"secret": {"a": 1}}
    data["who"]["is_admin"] = True
    data["goods"][0]["price"] = "9"
    data["files"]["photo"] = [KEY]
    assert forms.examine(FORM, data, ON) == (filled(), [])


def test_only_keys_of_files_are_kept():
    data = filled() | {"files": {"plan": ["x", 5, None, KEY, "-" * 36, KEY.upper(), {"a": 1}]}}
    assert forms.clean(FORM, data, ON)["files"] == {"plan": [KEY]}
    for nothing in ("018f", 5, {}, [5], ["../../etc/passwd"]):
        assert said(filled() | {"files": {"plan": nothing}}) == [("files.plan", "请上传此项材料")]


def test_what_is_missing_is_told_by_section():
    lacking = forms.missing(FORM, {}, ON)
    assert set(lacking) == {"who", "site", "goods", "files"}
    assert len(lacking["who"]) == 6  # the conditional question and those that may stay empty are not asked


def test_a_value_of_great_size_is_refused_and_its_message_is_short():
    for path in ("who.name", "goods.0.category", "who.agent", "site.county", "who.code", "who.phone"):
        problems = forms.validate(FORM, given_answer(path, "9" * 1_000_000), ON)
        assert problems and all(len(p.message) < 200 for p in problems), path
    (problem,) = forms.validate(FORM, given_answer("site.systems", ["9" * 1_000_000]), ON)
    assert len(problem.message) < 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["yes", "b", "01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        s.key: JSON
        | st.fixed_dictionaries({}, optional={f.key: JSON for f in s.fields})
        | st.lists(st.fixed_dictionaries({}, optional={f.key: JSON for f in s.fields}), max_size=5)
        for s in FORM.sections
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=JSON | ANSWERS)
def test_whatever_is_sent_is_answered_in_words(data):
    cleaned, problems = forms.examine(FORM, data, ON)
    assert problems and set(cleaned) == {"who", "site", "goods", "files"}
    assert all(p.label and p.message for p in problems)
