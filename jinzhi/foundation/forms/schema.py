"""JSON Schema (2020-12) of a form, for the API; the server still runs the form's own validation."""

from datetime import date

from jinzhi.foundation.forms.definition import Field, Form, Section
from jinzhi.foundation.forms.fields import longest, place_choices, set_choices


def _field(field: Field, on: date) -> dict:
    schema: dict = {"title": field.label}
    if field.help:
        schema["description"] = field.help
    match field.type:
        case "integer":
            schema["type"] = "integer"
        case "boolean":
            schema["type"] = "boolean"
        case "date":
            schema |= {"type": "string", "format": "date"}
        case "choice":
            schema |= {"type": "string", "enum": [k for k, _ in field.choices]}
        case "multi_choice":
            schema |= {"type": "array", "items": {"enum": [k for k, _ in field.choices]}}
            if field.required:
                schema["minItems"] = 1
        case "code_set":
            schema |= {"type": "string", "enum": [k for k, _ in set_choices(field, on)]}
        case "place":
            schema |= {"type": "string", "enum": [k for k, _ in place_choices()]}
        case "decimal":
            schema |= {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
        case _:
            schema |= {"type": "string", "maxLength": longest(field)}
            if field.required:
                schema["pattern"] = r"\S"  # not blanks alone
    if field.type == "integer":
        schema |= {k: v for k, v in (("minimum", field.min), ("maximum", field.max)) if v is not None}
    return schema


def _object(fields: tuple[Field, ...], on: date) -> dict:
    return {
        "type": "object",
        "properties": {f.key: _field(f, on) for f in fields},
        "required": [f.key for f in fields if f.required and not f.show_if],
        "additionalProperties": False,
    }


def _section(section: Section, on: date) -> dict:
    if section.kind == "table":
        rows = {"minItems": section.min_rows, "maxItems": section.max_rows}
        return {"title": section.title, "type": "array", "items": _object(section.fields, on), **rows}
    if section.kind == "attachments":
        ids = {"type": "array", "items": {"type": "string", "format": "uuid"}}
        needed = [f.key for f in section.fields if f.required and not f.show_if]
        properties = {
            f.key: {"title": f.label, **ids} | ({"minItems": 1} if f.required else {}) for f in section.fields
        }
        return {"title": section.title, "type": "object", "properties": properties, "required": needed}
    return {"title": section.title, **_object(section.fields, on)}


def _needed(section: Section) -> bool:
    """Whether a submission without this section lacks something."""
    if section.kind == "attachments":
        return any(f.required and not f.show_if for f in section.fields)
    return section.kind == "fields" or section.min_rows > 0


def json_schema(form: Form, on: date) -> dict:
    """The schema of a complete submission on that day."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": form.title,
        "type": "object",
        "properties": {s.key: _section(s, on) for s in form.sections},
        "required": [s.key for s in form.sections if _needed(s)],
    }
