"""Public matters (事项): what can be applied for, as the service hall and the guide pages present it.

A room may declare `MATTERS` in its `matters.py` to say more about one; every procedure an applicant can begin
is offered with or without it. Limits, fees and versions come from rules and procedures, not from here.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from jinzhi.casework import clocks, procedures
from jinzhi.casework.models import ProcedureVersion, published
from jinzhi.foundation import forms, rules


@dataclass(frozen=True)
class Matter:
    """`procedure` is the key of its procedure; `slug` its address under /services/; fee is the rule's words."""

    procedure: str
    slug: str
    title: str
    summary: str = ""
    audience: str = "企业、农民专业合作社、个体工商户"
    result: str = ""
    fee: str = ""
    fee_law: str = "《中华人民共和国行政许可法》第五十八条"
    domain: str = "其他事项"
    apply: str = "licensing-start"  # name of the address where an application is begun
    conditions: tuple[str, ...] = ()
    icon: str = "certificate"


@dataclass(frozen=True)
class Charge:
    """One fee as the guide names it."""

    title: str
    amount: str
    law: str


@dataclass(frozen=True)
class Guide:
    """What a citizen must be told (行政许可法第三十条), for one matter on one day."""

    matter: Matter
    version: ProcedureVersion
    limits: list[dict]
    materials: list[forms.Field]
    validity: str
    charges: list[Charge]

    @property
    def closed(self) -> str:
        return self.version.procedure.closed

    @property
    def fee(self) -> str:
        return "按标准收费" if self.charges else self.matter.fee or "不收费"


@cache
def all_matters() -> tuple[Matter, ...]:
    """The declared ones, room by room, then those that follow from the procedures alone."""
    found: list[Matter] = []
    for app in apps.get_app_configs():
        module = f"{app.name}.matters"
        if app.name.startswith("jinzhi.") and app.name != "jinzhi.casework" and find_spec(module):
            found += import_module(module).MATTERS
    return tuple(found + _undeclared({m.procedure for m in found}))


def _undeclared(known: set[str]) -> list[Matter]:
    newest: dict[str, procedures.Procedure] = {}
    for path in procedures.files():
        one = procedures.parse(procedures.read(path), path.name)
        if one.key not in known and not one.ex_officio:
            newest[one.key] = max(newest.get(one.key, one), one, key=lambda p: (p.valid_from, p.version))
    return [
        Matter(procedure=p.key, slug=p.key.replace("_", "-"), title=p.matter, summary=p.summary)
        for _, p in sorted(newest.items())
    ]


def matter(slug: str) -> Matter | None:
    return next((m for m in all_matters() if m.slug == slug), None)


def of_procedure(key: str) -> Matter | None:
    return next((m for m in all_matters() if m.procedure == key), None)


def in_force(on: date) -> dict[str, ProcedureVersion]:
    """The version of every procedure that applies on that day, by key."""
    held = ProcedureVersion.objects.filter(valid_from__lte=on).exclude(valid_to__lt=on)
    ordered = held.order_by("valid_from", "version").values_list("key", "pk")
    return {key: published(pk) for key, pk in dict(ordered).items()}


def guides(on: date) -> list[Guide]:
    """What can be applied for on that day, in the order of the rooms."""
    versions = in_force(on)
    return [_guide(m, versions[m.procedure], on) for m in all_matters() if m.procedure in versions]


def guide(m: Matter, on: date) -> Guide | None:
    """The guide in force on that day, or None where there is no procedure."""
    version = in_force(on).get(m.procedure)
    return _guide(m, version, on) if version else None


def _guide(m: Matter, version: ProcedureVersion, on: date) -> Guide:
    procedure = version.procedure
    form = forms.get(procedure.form, procedure.form_version)
    materials = [f for s in form.sections if s.kind == "attachments" for f in s.fields]
    return Guide(
        m, version, _limits(procedure, on), materials, _validity(procedure, on), _charges(procedure, on)
    )


def _limits(procedure: procedures.Procedure, on: date) -> list[dict]:
    limits = []
    for clock in procedure.clocks.values():
        value = rules.value(clock.rule, on=on)
        until = "按证书记载的日期" if clock.until else ""
        promised = rules.value(clock.promised, on=on) if clock.promised else None
        limits.append(
            {
                "title": clock.title,
                "limit": until or clocks.limit_text(int(value.value), value.unit),
                "promised": clocks.limit_text(int(promised.value), promised.unit) if promised else "",
                "law": value.basis,
                "owner": clock.owner,
                "mark": value.mark,
            }
        )
    return limits


def _validity(procedure: procedures.Procedure, on: date) -> str:
    if procedure.kind not in ("new", "renewal"):
        return ""
    for matter in filter(None, (procedure.licence, procedure.key.removesuffix("_licence"))):
        try:
            years = rules.value(f"{matter}.validity", on=on)
        except rules.NoRule:
            continue
        return clocks.limit_text(int(years.value), years.unit)
    return ""


def _charges(procedure: procedures.Procedure, on: date) -> list[Charge]:
    found = []
    for fee in procedure.fees:
        try:
            value = rules.value(fee.rule, on=on)
        except rules.NoRule:  # nothing is charged any more
            continue
        if value.value:
            found.append(Charge(fee.title, f"{value.value / 100:.2f} 元", value.basis))
    return found
