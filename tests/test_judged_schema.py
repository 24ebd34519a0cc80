"""The published JSON Schema refuses what the server refuses: an application without its papers."""

from datetime import date

import pytest

from jinzhi.foundation import forms
from jinzhi.foundation.forms.definition import all_forms
from jinzhi.foundation.forms.schema import json_schema

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)
PAPERS = [
    (key, section.key)
    for key, form in sorted(all_forms().items())
    for section in form.sections
    if section.kind == "attachments"
]


@pytest.mark.parametrize(
    ("key", "section"), PAPERS, ids=lambda v: "-".join(map(str, v)) if isinstance(v, tuple) else v
)
def test_papers_that_must_be_there_are_required_by_the_schema(key, section):
    form = forms.get(*key)
    schema = json_schema(form, TODAY)
    missing = {e.path.partition(".")[0] for e in forms.validate(form, {}, on=TODAY)}
    assert (section in missing) == (section in schema["required"])
