"""The JSON Schema says what the validation does, as far as a schema can."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from jinzhi.foundation import forms
from jinzhi.foundation.forms.schema import json_schema
from jinzhi.foundation.forms.tests.sample import KEY, ON, filled, form

pytestmark = pytest.mark.django_db
FORM = form()


def validator(of=FORM) -> Draft202012Validator:
    return Draft202012Validator(json_schema(of, ON), format_checker=FormatChecker())


def test_schemas_are_schemas():
    for each in [FORM, *forms.all_forms().values()]:
        Draft202012Validator.check_schema(json_schema(each, max(ON, each.valid_from)))


def test_a_complete_form_fits_the_schema():
    assert list(validator().iter_errors(filled())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("who.name", "  "), ("who.name", "长" * 21), ("who.name", 5), ("who.founded", "2025-02-29"),
        ("who.agent", "maybe"), ("site.county", "320106"), ("site.people", 1001), ("site.people", "x"),
        ("site.area", "九"), ("site.systems", []), ("site.systems", ["z"]), ("goods", []), ("goods", [{}]),
        ("goods", [{"category": "99", "name": "x"}]), ("goods", filled()["goods"] * 4),
        ("files", {}), ("files", {"plan": []}), ("files", {"plan": ["x"]}),
    ],
)  # fmt: skip
def test_what_the_schema_refuses_the_form_refuses(path, value):
    data = copy.deepcopy(filled())
    *way, last = path.split(".")
    (data[way[0]] if way else data)[last] = value
    assert not validator().is_valid(data)
    assert (path == "who.name" and value == 5) or forms.validate(
        FORM, data, ON
    )  # a number is taken as its digits


WORDS = st.text(max_size=25)
CHANGES = {
    "who": {
        "name": WORDS,
        "phone": st.sampled_from(["13800000000", "12", "0571-85123456"]),
        "founded": st.dates().map(str),
        "until": st.dates().map(str) | st.just(""),
        "agent": st.sampled_from(["no", "yes", "?"]),
        "agent_name": WORDS,
        "agreed": st.booleans(),
        "remark": WORDS,
    },
    "site": {
        "area": st.decimals(0, 10**6, places=2).map(str) | WORDS,
        "people": st.integers(-5, 1005),
        "systems": st.lists(st.sampled_from("abz"), max_size=3),
        "other": WORDS,
    },
}
DATA = st.fixed_dictionaries(
    {},
    optional={
        "who": st.fixed_dictionaries({}, optional=CHANGES["who"]),
        "site": st.fixed_dictionaries({}, optional=CHANGES["site"]),
        "goods": st.lists(
            st.fixed_dictionaries({"category": st.sampled_from(["01", "32", "77"]), "name": WORDS}),
            max_size=4,
        ),
        "files": st.fixed_dictionaries({"plan": st.lists(st.just(KEY), max_size=2)}),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=DATA)
def test_what_the_form_keeps_fits_its_schema(changes):
    """Whatever passes the form is, as kept, valid under the schema: API and browser agree."""
    data = filled()
    for section, part in changes.items():
        data[section] = data[section] | part if isinstance(part, dict) else part
    cleaned, problems = forms.examine(FORM, data, ON)
    faults = list(validator().iter_errors(cleaned))
    assert problems or not faults, faults
    assert not faults or problems


PLAIN = form(
    [
        {
            "key": "s", "title": "节", "fields": [
                {"key": "a", "label": "甲", "max_length": 10},
                {"key": "b", "label": "乙", "type": "long_text", "required": False},
                {"key": "c", "label": "丙", "type": "integer", "min": 1, "max": 9},
                {"key": "d", "label": "丁", "type": "choice", "choices": ["x", "y"]},
                {"key": "e", "label": "戊", "type": "multi_choice", "choices": ["p", "q"], "required": False},
                {"key": "f", "label": "己", "type": "date"},
            ],
        },
        {
            "key": "t", "title": "表", "kind": "table", "min_rows": 1, "max_rows": 2,
            "fields": [{"key": "g", "label": "庚", "max_length": 5}],
        },
    ]
)  # fmt: skip
CLEAR = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf"]), max_size=12)
ANY = st.fixed_dictionaries(
    {
        "s": st.fixed_dictionaries(
            {
                "a": CLEAR,
                "c": st.integers(-1, 11),
                "d": st.sampled_from(["x", "y", "z"]),
                "f": st.dates().map(str) | CLEAR,
            },
            optional={"b": CLEAR, "e": st.lists(st.sampled_from(["p", "q", "r"]), max_size=2)},
        ),
        "t": st.lists(st.fixed_dictionaries({"g": CLEAR}), max_size=3),
    }
)


@settings(max_examples=120, deadline=None)
@given(data=ANY)
def test_without_check_digits_and_conditions_the_schema_says_all(data):
    valid = validator(PLAIN).is_valid(data)
    problems = forms.validate(PLAIN, data, ON)
    if valid:
        assert not problems
    if not problems:
        assert validator(PLAIN).is_valid(forms.clean(PLAIN, data, ON))
