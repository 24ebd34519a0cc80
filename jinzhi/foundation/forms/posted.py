"""From a browser's flat form fields to the nested data of a form: `section-field`, `section-0-column`."""

from django.http import QueryDict

from jinzhi.foundation.forms.definition import Field, Form, Section


def _value(field: Field, post: QueryDict, name: str):
    if field.type == "multi_choice":
        return post.getlist(name)
    if field.type == "boolean":
        return post.get(name) in ("on", "true", "1")
    text = post.get(name, "")
    return text.strip() if field.type != "long_text" else text.replace("\r\n", "\n")


def _rows(section: Section, post: QueryDict) -> list[dict]:
    prefix = f"{section.key}-"
    numbers = {n.split("-")[1] for n in post if n.startswith(prefix) and n.count("-") == 2}
    rows = []
    for number in sorted((n for n in numbers if n.isdecimal() and len(n) < 10), key=int):
        rows.append({f.key: _value(f, post, f"{prefix}{number}-{f.key}") for f in section.fields})
    return [r for r in rows if any(v not in ("", [], False) for v in r.values())]


def parse(form: Form, post: QueryDict) -> dict:
    """What the person typed, as nested data; nothing is judged here."""
    data: dict = {}
    for section in form.sections:
        if section.kind == "table":
            data[section.key] = _rows(section, post)
        elif section.kind == "attachments":
            lists = ((f.key, post.getlist(f"{section.key}-{f.key}")) for f in section.fields)
            data[section.key] = {key: ids for key, ids in lists if ids}
        else:
            data[section.key] = {f.key: _value(f, post, f"{section.key}-{f.key}") for f in section.fields}
    return data
