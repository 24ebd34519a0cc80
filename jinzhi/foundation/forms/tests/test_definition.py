"""What the forms linter refuses, each by its sentence; and how definitions are found."""

import pytest

from jinzhi.foundation import forms
from jinzhi.foundation.forms import checks, definition
from jinzhi.foundation.forms.tests.sample import form


def one(**question) -> list[dict]:
    return [{"key": "s", "title": "节", "fields": [{"key": "q", "label": "问"} | question]}]


def test_the_sample_and_every_form_in_force_pass():
    assert definition.lint(form()) == []
    assert checks.check() == []


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        (one(type="telepathy"), "s.q: unknown type telepathy"),
        (one(type="choice"), "s.q: a choice without choices"),
        (one(type="multi_choice"), "s.q: a choice without choices"),
        (one(type="code"), "s.q: scheme or code_set does not fit type code"),
        (one(scheme="uscc"), "s.q: scheme or code_set does not fit type text"),
        (one(type="code_set"), "s.q: scheme or code_set does not fit type code_set"),
        (one(type="code", scheme="no_such"), "s.q: unknown scheme no_such"),
        (one(type="code_set", code_set="no_such"), "s.q: unknown code set no_such"),
        (one(show_if={"s.missing": "x"}), "s.q: show_if names s.missing"),
        ([{"key": "s", "title": "节", "kind": "maze", "fields": [{"key": "q", "label": "问"}]}], "s: unknown kind maze"),
        ([{"key": "s", "title": "节"}], "s: no fields"),
        (one() + one(), "two sections of one key"),
        ([{"key": "s", "title": "节", "fields": [{"key": "q", "label": "问"}] * 2}], "s: two fields of one key"),
        (
            [*one(show_if={"t.c": "x"}), {"key": "t", "title": "表", "kind": "table", "fields": [{"key": "c", "label": "列"}]}],
            "s.q: show_if names t.c",  # a table has many answers in that column
        ),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_place(sections, sentence):
    assert definition.lint(form(sections)) == [f"sample.yaml: {sentence}"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("key: x\nversion: 1\ntitle: x\nvalid_from: 2020-01-01\nsections: [{key: a, title: a, colour: red}]", "colour"),
        ("key: x\nversion: 1\ntitle: x\nvalid_from: 2020-01-01", "sections"),
        ("key: x\nversion: 1\ntitle: x\nvalid_from: 2020-01-01\nsections: [{key: a, title: a, fields: [{label: x}]}]", "key"),
    ],
)  # fmt: skip
def test_an_unknown_or_missing_word_is_named(tmp_path, monkeypatch, text, word):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    monkeypatch.setattr(checks, "files", lambda: [path])
    (problem,) = checks.check()
    assert problem.startswith("wrong.yaml: ") and word in problem


def test_a_version_is_had_by_number_and_the_newest_without():
    key = "food_production_application"
    versions = [v for k, v in forms.all_forms() if k == key]
    assert forms.get(key).version == max(versions)
    assert forms.get(key, 1).version == 1
    for name, version in (("no_such", None), (key, 99)):
        with pytest.raises(forms.NoForm, match="没有表单"):
            forms.get(name, version)
