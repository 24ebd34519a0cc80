"""Between a form's data and a page: what is drawn and posted again is the same; how changes are worded."""

from html.parser import HTMLParser

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinzhi.foundation import forms
from jinzhi.foundation.forms.posted import parse
from jinzhi.foundation.forms.rendering import draw
from jinzhi.foundation.forms.tests.sample import KEY, ON, filled, form

pytestmark = pytest.mark.django_db
FORM = form()


class Browser(HTMLParser):
    """Collects what a browser would post from drawn inputs."""

    def __init__(self):
        super().__init__()
        self.posted: list[tuple[str, str]] = []
        self.name = ""
        self.text: str | None = None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "input":
            box = a.get("type") in ("checkbox", "radio")
            if not box or "checked" in a:
                self.posted.append((a["name"], a.get("value", "on" if box else "")))
        elif tag == "select":
            self.name = a["name"]
        elif tag == "option" and "selected" in a:
            self.posted.append((self.name, a["value"]))
        elif tag == "textarea":
            self.name, self.text = a["name"], ""

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            # The line break after the tag is not content; those in it are sent as CR LF.
            words = self.text.removeprefix("\r\n").removeprefix("\n").replace("\r\n", "\n")
            self.posted.append((self.name, words.replace("\n", "\r\n")))
            self.text = None


def post(drawn) -> QueryDict:
    query = QueryDict(mutable=True)
    for part in drawn:
        for question in [*part.inputs, *(q for row in part.rows for q in row)]:
            browser = Browser()
            browser.feed(str(question.html))
            for name, value in browser.posted:
                assert name == question.name
                query.appendlist(name, value)
            if question.field.type == "file":
                query.setlist(question.name, question.value)
    return query


def through_a_page(data: dict) -> dict:
    return parse(FORM, post(draw(FORM, data, ON)))


def test_a_filled_form_comes_back_from_the_page_as_it_was():
    data = filled()
    data["who"] |= {
        "remark": "一\n二 <b>&amp;</b>",
        "agent": "yes",
        "agent_name": "“引号”'\"",
        "until": "2027-01-01",
    }
    data["goods"] = [{"category": "01", "name": "面"}, {"category": "32", "name": "剂"}]
    back = through_a_page(data)
    assert forms.clean(FORM, back, ON) == forms.clean(FORM, data, ON)
    assert back["who"]["remark"] == data["who"]["remark"]
    assert back["files"] == {"plan": [KEY]}


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=WORDS,
    remark=WORDS,
    rows=st.lists(WORDS.filter(bool), max_size=3),
    many=st.sets(st.sampled_from("ab")),
)
def test_whatever_is_typed_comes_back(name, remark, rows, many):
    data = filled()
    data["who"] |= {"name": name, "remark": remark}
    data["site"]["systems"] = sorted(many)
    data["goods"] = [{"category": "01", "name": r} for r in rows]
    back = through_a_page(data)
    assert (back["who"]["name"], back["who"]["remark"]) == (name, remark)
    assert (back["site"]["systems"], back["goods"]) == (sorted(many), data["goods"])


def test_an_untouched_form_has_the_rows_it_needs_and_no_answers():
    drawn = draw(FORM, FORM.empty(), ON)
    assert [len(p.rows) for p in drawn] == [0, 0, 1, 0]
    back = through_a_page(FORM.empty())
    assert back["goods"] == [] and back["files"] == {}
    assert all(v in ("", [], False) for v in (*back["who"].values(), *back["site"].values()))


def test_rows_may_have_gaps_and_strange_numbers():
    """A row taken away leaves a gap; a made-up number is no row."""
    query = QueryDict(mutable=True)
    for number, name in (
        ("10", "后"),
        ("2", "前"),
        ("²", "怪"),
        ("x", "怪"),
        ("9" * 50, "怪"),
        ("__n__", "样"),
    ):
        query[f"goods-{number}-name"] = name
    assert [r["name"] for r in parse(FORM, query)["goods"]] == ["前", "后"]


def test_errors_stand_beside_their_question_and_are_tied_to_it():
    errors = forms.validate(FORM, filled() | {"goods": [{"category": "01", "name": ""}]}, ON)
    goods = draw(FORM, filled() | {"goods": [{"category": "01"}]}, ON, errors)[2]
    question = goods.rows[0][1]
    assert question.errors == ["请填写"] and goods.errors == errors
    assert (
        'aria-invalid="true"' in question.html and 'aria-describedby="id_goods-0-name-error"' in question.html
    )


def test_details_know_their_category():
    detail = forms.get("food_production_application").section("products")
    drawn = next(d for d in draw(forms.get("food_production_application"), {}, ON) if d.section == detail)
    assert 'value="0101" data-parent="01"' in drawn.blank[1].html


def test_changes_are_worded_with_the_forms_own_labels():
    old, new = filled(), filled()
    new["who"]["name"] = "新名称"
    new["site"]["systems"] = ["a", "b"]
    new["goods"] = [{"category": "01", "name": "大米"}, {"category": "02", "name": "油"}]
    new["files"] = {"plan": [KEY, KEY]}
    changes = [(c.path, c.label, c.old, c.new) for c in forms.diff(FORM, old, new)]
    assert changes == [
        ("who.name", "名称", "样例公司", "新名称"),
        ("site.systems", "制度", ["a"], ["a", "b"]),
        ("goods.0.name", "产品第 1 项 品名", "小麦粉", "大米"),
        ("goods.1.category", "产品第 2 项 类别", None, "02"),
        ("goods.1.name", "产品第 2 项 品名", None, "油"),
        ("files.plan", "平面图", [KEY], [KEY, KEY]),
    ]
    assert forms.diff(FORM, new, new) == []
    assert len(forms.diff(FORM, new, old)) == len(changes)
    assert len(forms.diff(FORM, {}, old)) == 13
