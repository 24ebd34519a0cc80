"""Checking and normalising submitted data against a form, with errors a person can act on.

Data is nested JSON: {section: {field: value}} for fields, {section: [{column: value}]} for tables and
{section: {kind: [attachment ids]}} for attachments. The browser and the API pass through the same code.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from jinzhi.foundation.forms.definition import Field, Form, Section
from jinzhi.foundation.forms.fields import build

EMPTY: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True)
class FieldError:
    """`path` is section.field or section.row.column (rows from 0); `label` is what the person reads."""

    path: str
    label: str
    message: str


def shown(field: Field, data: dict) -> bool:
    """Whether the conditions under which the question is asked are met."""
    for path, wanted in field.show_if.items():
        section, key = path.split(".")
        part = data.get(section)
        value = part.get(key) if isinstance(part, dict) else None
        accepted = wanted if isinstance(wanted, list) else [wanted]
        if value not in accepted and not (isinstance(value, list) and any(v in accepted for v in value)):
            return False
    return True


def _clean_fields(fields, raw: Any, data: dict, at: str, on: date) -> tuple[dict, list[FieldError]]:
    raw = raw if isinstance(raw, dict) else {}
    out: dict = {}
    errors = []
    for field in fields:
        if not shown(field, data):
            continue
        value = raw.get(field.key)
        try:
            cleaned = build(field, on).clean(value)
        except ValidationError as problem:
            errors += [FieldError(f"{at}.{field.key}", field.label, m) for m in problem.messages]
            if value not in EMPTY:
                out[field.key] = value
            continue
        if cleaned not in EMPTY:
            out[field.key] = cleaned
    return out, errors


def _clean_table(section: Section, raw: Any, data: dict, on: date) -> tuple[list, list[FieldError]]:
    rows = [r for r in raw if isinstance(r, dict)] if isinstance(raw, list) else []
    rows = [r for r in rows if any(v not in EMPTY for v in r.values())]
    errors = []
    if len(rows) < section.min_rows:
        message = f"至少填写 {section.min_rows} {section.row_title}"
        errors.append(FieldError(section.key, section.title, message))
    if len(rows) > section.max_rows:
        message = f"最多填写 {section.max_rows} {section.row_title}，现有 {len(rows)} {section.row_title}"
        errors.append(FieldError(section.key, section.title, message))
    out = []
    for number, row in enumerate(rows[: section.max_rows]):
        cleaned, problems = _clean_fields(section.fields, row, data, f"{section.key}.{number}", on)
        out.append(cleaned)
        errors += [
            FieldError(p.path, f"{section.title}第 {number + 1} {section.row_title} {p.label}", p.message)
            for p in problems
        ]
    return out, errors


def keys(values: Any) -> list[str]:
    """The keys of attachments in what came from outside; anything else among them is left out."""
    return [str(v) for v in values if _is_key(v)] if isinstance(values, list) else []


def _is_key(value: Any) -> bool:
    try:
        return str(UUID(str(value))) == str(value)
    except ValueError:
        return False


def _clean_attachments(section: Section, raw: Any, data: dict) -> tuple[dict, list[FieldError]]:
    raw = raw if isinstance(raw, dict) else {}
    out: dict[str, list[str]] = {}
    errors: list[FieldError] = []
    for field in section.fields:
        ids = keys(raw.get(field.key)) if shown(field, data) else []
        if ids:
            out[field.key] = ids
        elif field.required and shown(field, data):
            errors.append(FieldError(f"{section.key}.{field.key}", field.label, "请上传此项材料"))
    return out, errors


def examine(form: Form, data: Any, on: date) -> tuple[dict, list[FieldError]]:
    """(the data as it is kept, everything that keeps it from being submitted on that day)."""
    data = data if isinstance(data, dict) else {}
    cleaned: dict = {}
    errors: list[FieldError] = []
    for section in form.sections:
        raw = data.get(section.key)
        part: list | dict
        if section.kind == "table":
            part, problems = _clean_table(section, raw, data, on)
        elif section.kind == "attachments":
            part, problems = _clean_attachments(section, raw, data)
        else:
            part, problems = _clean_fields(section.fields, raw, data, section.key, on)
        cleaned[section.key] = part
        errors += problems
    return cleaned, errors


def validate(form: Form, data: Any, on: date) -> list[FieldError]:
    """Everything that keeps `data` from being submitted on that day; empty when it may be."""
    return examine(form, data, on)[1]


def clean(form: Form, data: Any, on: date) -> dict:
    """The data as it is kept: known fields only, normalised; wrong values stay as typed."""
    return examine(form, data, on)[0]


def missing(form: Form, data: Any, on: date) -> dict[str, list[FieldError]]:
    """The errors by section key, for the progress rail; a section without errors is absent."""
    found: dict[str, list[FieldError]] = {}
    for error in validate(form, data, on):
        found.setdefault(error.path.split(".")[0], []).append(error)
    return found
