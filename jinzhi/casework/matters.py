"""Public matters (事项): what can be applied for, as the service hall and the guide pages present it.

A room declares `MATTERS` in its `matters.py`; limits and versions come from rules and procedures, not from here.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from jinzhi.casework import clocks
from jinzhi.casework.intake import NotInForce, version_on
from jinzhi.casework.models import ProcedureVersion
from jinzhi.foundation import forms, rules


@dataclass(frozen=True)
class Matter:
    """`procedure` is the key of its procedure; `slug` its address under /services/; fee is the rule's words."""

    procedure: str
    slug: str
    title: str
    summary: str
    audience: str
    result: str
    fee: str
    fee_law: str
    domain: str
    apply: str  # name of the address where an application is begun
    conditions: tuple[str, ...] = ()
    icon: str = "certificate"


@dataclass(frozen=True)
class Guide:
    """What a citizen must be told (行政许可法第三十条), for one matter on one day."""

    matter: Matter
    version: ProcedureVersion
    limits: list[dict]
    materials: list[forms.Field]
    validity: str


@cache
def all_matters() -> tuple[Matter, ...]:
    found: list[Matter] = []
    for app in apps.get_app_configs():
        module = f"{app.name}.matters"
        if app.name.startswith("jinzhi.") and app.name != "jinzhi.casework" and find_spec(module):
            found += import_module(module).MATTERS
    return tuple(found)


def matter(slug: str) -> Matter | None:
    return next((m for m in all_matters() if m.slug == slug), None)


def guide(m: Matter, on: date) -> Guide | None:
    """The guide in force on that day, or None where nothing may be applied for."""
    try:
        version = version_on(m.procedure, on)
    except NotInForce:
        return None
    procedure = version.procedure
    limits = []
    for clock in procedure.clocks.values():
        value = rules.value(clock.rule, on=on)
        limits.append(
            {
                "title": clock.title,
                "limit": clocks.limit_text(int(value.value), value.unit),
                "law": f"《{value.law}》{value.article}",
                "owner": clock.owner,
                "mark": value.mark,
            }
        )
    form = forms.get(procedure.form, procedure.form_version)
    materials = [f for s in form.sections if s.kind == "attachments" for f in s.fields]
    try:
        years = rules.value(f"{m.procedure.removesuffix('_licence')}.validity", on=on)
        validity = clocks.limit_text(int(years.value), years.unit)
    except rules.NoRule:
        validity = ""
    return Guide(m, version, limits, materials, validity)
