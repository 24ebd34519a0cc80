"""What changed between two submissions of one form, in the words of the form."""

from dataclasses import dataclass

from jinzhi.foundation.forms.definition import Form


@dataclass(frozen=True)
class Change:
    """`old` or `new` is None where the value did not exist on that side."""

    path: str
    label: str
    old: object
    new: object


def _compare(fields, old: dict, new: dict, at: str, label: str) -> list[Change]:
    return [
        Change(f"{at}.{f.key}", f"{label}{f.label}", old.get(f.key), new.get(f.key))
        for f in fields
        if old.get(f.key) != new.get(f.key)
    ]


def diff(form: Form, old: dict, new: dict) -> list[Change]:
    """Changes in the order of the form; rows of tables are compared by position."""
    changes: list[Change] = []
    for section in form.sections:
        was, now = old.get(section.key), new.get(section.key)
        if section.kind != "table":
            changes += _compare(section.fields, was or {}, now or {}, section.key, "")
            continue
        was, now = was or [], now or []
        for row in range(max(len(was), len(now))):
            label = f"{section.title}第 {row + 1} {section.row_title} "
            before = was[row] if row < len(was) else {}
            after = now[row] if row < len(now) else {}
            changes += _compare(section.fields, before, after, f"{section.key}.{row}", label)
    return changes
