"""Official forms as data: one YAML definition gives the Django form, the JSON Schema and the labelled diff.

`get(key, version)` finds a definition; what a case submitted is checked against the version it was
submitted under, for ever.
"""

from jinzhi.foundation.forms.definition import Field, Form, NoForm, Section, all_forms, get
from jinzhi.foundation.forms.diff import Change, diff
from jinzhi.foundation.forms.validation import FieldError, clean, examine, missing, validate

__all__ = [
    "Change",
    "Field",
    "FieldError",
    "Form",
    "NoForm",
    "Section",
    "all_forms",
    "clean",
    "diff",
    "examine",
    "get",
    "missing",
    "validate",
]
