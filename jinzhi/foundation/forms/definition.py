"""What a form consists of, and the loader that reads `forms/*.yaml` of every installed room."""

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from django.apps import apps

from jinzhi.foundation import codes

FIELD_TYPES = {
    "text", "long_text", "integer", "decimal", "date", "choice", "multi_choice",
    "code", "code_set", "phone", "boolean", "place",
}  # fmt: skip
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast
SECTION_KINDS = {"fields", "table", "attachments"}


class NoForm(LookupError):
    """No definition of that key and version."""


@dataclass(frozen=True)
class Field:
    """One question. `type` is one of FIELD_TYPES; the other attributes belong to some types only."""

    key: str
    label: str
    type: str = "text"
    required: bool = True
    help: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    scheme: str = ""  # type code: a scheme of jinzhi.foundation.codes
    code_set: str = ""  # type code_set: a dated set, at the form's date
    level: str = ""  # type code_set: main (no parent) or detail (with parent)
    unit: str = ""
    min: float | None = None
    max: float | None = None
    max_length: int = 200
    not_future: bool = False
    not_past: bool = False
    prefill: str = (
        ""  # name | licence.valid_to | former: of the enterprise, its licence, its last application
    )
    show_if: dict = field(default_factory=dict, hash=False)  # {"section.field": value}
    rows: int = 0  # height of a long text
    accept: str = ""


@dataclass(frozen=True)
class Section:
    """A page of the form: plain fields, a table of rows, or a list of required attachments."""

    key: str
    title: str
    kind: str = "fields"
    help: str = ""
    fields: tuple[Field, ...] = ()
    min_rows: int = 0
    max_rows: int = 200
    row_title: str = "行"
    prefill: str = ""  # licence.items | former: where the whole section is known from

    def field(self, key: str) -> Field:
        return next(f for f in self.fields if f.key == key)


@dataclass(frozen=True)
class Form:
    key: str
    version: int
    title: str
    sections: tuple[Section, ...]
    valid_from: date
    law: str = ""
    source: str = ""
    declaration: str = ""

    def section(self, key: str) -> Section:
        return next(s for s in self.sections if s.key == key)

    def empty(self) -> dict:
        """The data of a form nobody has touched."""
        shapes = {"table": list, "attachments": dict, "fields": dict}
        return {s.key: shapes[s.kind]() for s in self.sections}


def _field(raw: dict) -> Field:
    choices = raw.pop("choices", ())
    pairs = choices.items() if isinstance(choices, dict) else ((c, c) for c in choices)
    return Field(**raw, choices=tuple((str(k), str(v)) for k, v in pairs))


def _section(raw: dict) -> Section:
    fields = tuple(_field(dict(f)) for f in raw.pop("fields", []))
    return Section(**raw, fields=fields)


def load(path: Path) -> Form:
    """Read one definition; raises TypeError/KeyError with the offending name on a wrong one."""
    raw = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506  a safe loader
    sections = tuple(_section(dict(s)) for s in raw.pop("sections"))
    return Form(**raw, sections=sections, source=str(path.name))


def files() -> list[Path]:
    rooms = [Path(a.path) for a in apps.get_app_configs() if a.name.startswith("jinzhi.")]
    return [p for room in rooms for p in sorted(room.glob("forms/*.yaml"))]


@cache
def all_forms() -> dict[tuple[str, int], Form]:
    found = (load(p) for p in files())
    return {(f.key, f.version): f for f in found}


def get(key: str, version: int | None = None) -> Form:
    """That version of the form, or its newest. Raises NoForm."""
    versions = [v for k, v in all_forms() if k == key]
    if not versions or (version is not None and version not in versions):
        raise NoForm(f"没有表单 {key} 第 {version or '—'} 版")
    return all_forms()[key, version if version is not None else max(versions)]


def lint(form: Form) -> list[str]:
    """What is wrong with a definition, in sentences naming the place."""
    problems = []
    # A condition asks for one answer; a column of a table has many.
    where = {f"{s.key}.{f.key}" for s in form.sections if s.kind == "fields" for f in s.fields}
    if len({s.key for s in form.sections}) != len(form.sections):
        problems.append(f"{form.source}: two sections of one key")
    for s in form.sections:
        at = f"{form.source}: {s.key}"
        if s.kind not in SECTION_KINDS:
            problems.append(f"{at}: unknown kind {s.kind}")
        if not s.fields:
            problems.append(f"{at}: no fields")
        if len({f.key for f in s.fields}) != len(s.fields):
            problems.append(f"{at}: two fields of one key")
        for f in s.fields:
            if s.kind != "attachments" and f.type not in FIELD_TYPES:
                problems.append(f"{at}.{f.key}: unknown type {f.type}")
            if f.type in ("choice", "multi_choice") and not f.choices:
                problems.append(f"{at}.{f.key}: a choice without choices")
            if (f.type == "code") != bool(f.scheme) or (f.type == "code_set") != bool(f.code_set):
                problems.append(f"{at}.{f.key}: scheme or code_set does not fit type {f.type}")
            if f.scheme and f.scheme not in codes.SCHEMES:
                problems.append(f"{at}.{f.key}: unknown scheme {f.scheme}")
            if f.code_set and f.code_set not in codes.sets.names():
                problems.append(f"{at}.{f.key}: unknown code set {f.code_set}")
            problems += [f"{at}.{f.key}: show_if names {n}" for n in f.show_if if n not in where]
    return problems
