"""A form as inputs for a page: names `section-field` and `section-row-column`, values as typed.

Judging happens in `validation`; this module only draws what a person fills in and the errors found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms as django_forms
from django.utils.safestring import SafeString

from jinzhi.foundation import codes
from jinzhi.foundation.forms.definition import Field, Form, Section
from jinzhi.foundation.forms.fields import build
from jinzhi.foundation.forms.validation import FieldError


@dataclass
class Input:
    """One question as drawn; `errors` are shown beside it."""

    field: Field
    id: str
    name: str
    html: SafeString | str
    errors: list[str]
    value: Any = None


@dataclass
class Drawn:
    """A section as drawn: inputs, or rows of inputs with an empty row to copy."""

    section: Section
    inputs: list[Input] = field(default_factory=list)
    rows: list[list[Input]] = field(default_factory=list)
    blank: list[Input] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.section.key


class _Grouped(django_forms.Select):
    """Options that know their parent, so that the page can narrow them to the chosen category."""

    def __init__(self, parents: dict[str, str], **kwargs):
        super().__init__(**kwargs)
        self.parents = parents

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        if parent := self.parents.get(str(value)):
            option["attrs"]["data-parent"] = parent
        return option


def _widget(field: Field, on: date):
    built = build(field, on)
    widget = built.widget
    if field.type == "code_set" and field.level == "detail":
        parents = {i.code: i.parent for i in codes.sets.get(field.code_set, on=on).items.values() if i.parent}
        widget = _Grouped(parents, choices=widget.choices)
    if field.type == "multi_choice":
        widget = django_forms.CheckboxSelectMultiple(choices=field.choices)
    if field.type == "date":
        widget = django_forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return widget


def _css(widget) -> str:
    if isinstance(widget, django_forms.CheckboxInput):
        return "form-check-input"
    return "form-select" if isinstance(widget, django_forms.Select) else "form-control"


def _input(field: Field, name: str, value, on: date, errors: list[str], widget=None) -> Input:
    if field.type == "file":
        return Input(field, f"id_{name}", name, "", errors, value or [])
    widget = widget or _widget(field, on)
    key = f"id_{name}"
    attrs = {"id": key}
    if not isinstance(widget, django_forms.CheckboxSelectMultiple):  # its own boxes are styled by the page
        attrs["class"] = _css(widget) + (" is-invalid" if errors else "")
    if field.required and not isinstance(widget, django_forms.CheckboxSelectMultiple):
        attrs["aria-required"] = "true"
    if field.placeholder:
        attrs["placeholder"] = field.placeholder
    if field.type == "phone":
        attrs["inputmode"] = "tel"
    if field.type in ("integer", "decimal"):
        attrs["inputmode"] = "decimal"
    if errors:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{key}-error"}
    return Input(field, key, name, widget.render(name, value, attrs), errors, value)


def draw(form: Form, data: dict, on: date, errors: Sequence[FieldError] = ()) -> list[Drawn]:
    """Every section with the values typed so far."""
    by_path: dict[str, list[str]] = {}
    for error in errors:
        by_path.setdefault(error.path, []).append(error.message)
    drawn = []
    for section in form.sections:
        part = data.get(section.key)
        mine = [e for e in errors if e.path.split(".")[0] == section.key]
        one = Drawn(section, errors=mine)
        if section.kind == "table":
            widgets = {f.key: _widget(f, on) for f in section.fields}  # built once, drawn for every row
            given = part if isinstance(part, list) else []
            rows = given or [{} for _ in range(section.min_rows)]
            for number, row in enumerate(rows):
                one.rows.append(
                    [
                        _input(
                            f,
                            f"{section.key}-{number}-{f.key}",
                            row.get(f.key),
                            on,
                            by_path.get(f"{section.key}.{number}.{f.key}", []),
                            widgets[f.key],
                        )
                        for f in section.fields
                    ]
                )
            one.blank = [
                _input(f, f"{section.key}-__n__-{f.key}", None, on, [], widgets[f.key])
                for f in section.fields
            ]
        else:
            part = part if isinstance(part, dict) else {}
            one.inputs = [
                _input(
                    f,
                    f"{section.key}-{f.key}",
                    part.get(f.key),
                    on,
                    by_path.get(f"{section.key}.{f.key}", []),
                )
                for f in section.fields
            ]
        drawn.append(one)
    return drawn
