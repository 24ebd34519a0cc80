"""What other rooms ask of the registry: find, search, read an archive or a certificate, enter an enterprise.

Reads by JSON run one statement of `queries.py` with the eyes of the scope in force; `inner=True` asks for
what only officials of the place and the enterprise itself may see. Deciding about certificates is in
`certificates.py`.
"""

import json
import unicodedata
from datetime import date, datetime, time

from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.foundation import history
from jinzhi.foundation.places.services import ELSEWHERE, is_current, name_path
from jinzhi.registry import kinds, queries
from jinzhi.registry.models import Enterprise, EnterpriseContact, Entry, Identifier
from jinzhi.registry.written import as_uuid, code_parameters, errors, normal

LONGEST_NAME = Enterprise._meta.get_field("name").max_length or 0


class Refused(ValueError):
    """What was handed over cannot be entered; `problems` names the field and what to do, in Chinese."""

    def __init__(self, problems: dict[str, str]):
        self.problems = problems
        super().__init__("；".join(problems.values()))


class AlreadyRegistered(Refused):
    """The code belongs to an enterprise that is registered; `enterprise` is that one."""

    def __init__(self, enterprise: Enterprise):
        self.enterprise = enterprise
        super().__init__({"uscc": f"该代码已登记为“{enterprise.name}”"})


def link(found: dict) -> str:
    """What stands in the address of an enterprise's page: a code where it has one."""
    return found["uscc"] or found["org_code"] or found["id"]


def find_enterprise(code: str) -> Enterprise | None:
    """The enterprise with this credit code, organisation code, or other number it is or was known by."""
    wanted = code_parameters(code)
    if not wanted["code"]:
        return None
    found = Enterprise.objects.filter(uscc=wanted["code"]).first()
    if found is None and wanted["org"]:
        by_org = Enterprise.objects.filter(org_code=wanted["org"])
        found = (by_org if wanted["org"] == wanted["code"] else by_org.filter(uscc="")).first()
    found = found or Enterprise.objects.filter(identifiers__value=wanted["code"]).first()
    if found and found.merged_into_id:
        return Enterprise.objects.filter(pk=found.merged_into_id).first() or found
    return found


def counted(lo: int = 0, hi: int = 10**12) -> dict[str, int]:
    """{"enterprises", "sites"} of the places in a range: a subject counts once however often it was entered.

    A branch counts as a site of its own and rolls up to its enterprise.
    """
    enterprises = Enterprise.objects.filter(place__range=(lo, hi), merged_into=None).count()
    branches = Entry.objects.filter(place__range=(lo, hi), section="branches").count()
    return {"enterprises": enterprises, "sites": enterprises + branches}


def archive_json(
    key: object, *, inner: bool = False, on: date | None = None, known_on: date | None = None
) -> str | None:
    """The archive of an enterprise (given itself, its id, or any code of it) as JSON text.

    `on`: as it was on that day (valid time); `known_on`: as far as the register knew at the end of that day.
    """
    if isinstance(key, Enterprise):
        key = key.pk
    parameters = code_parameters(str(key)) | {"id": as_uuid(key), "on": on or timezone.localdate()}
    dated = on is not None or known_on is not None
    if dated:
        parameters["known"] = _end_of(known_on)
    return queries.json_text(queries.archive(inner, dated), parameters)


def _end_of(day: date | None) -> str:
    """The first moment after a day of the law's clock, as PostgreSQL reads it; no day: the end of time."""
    if day is None:
        return "infinity"
    return timezone.make_aware(datetime.combine(day, time.max), timezone.get_default_timezone()).isoformat()


def archive(
    key: object, *, inner: bool = False, on: date | None = None, known_on: date | None = None
) -> dict | None:
    """The archive as a dict: identity, numbers, facts, lineage, certificates, entries of the sections."""
    text = archive_json(key, inner=inner, on=on, known_on=known_on)
    return json.loads(text) if text else None


def inner_archive(
    key: object,
    *,
    actor=None,
    post=None,
    address: str | None = None,
    on: date | None = None,
    known_on: date | None = None,
) -> dict | None:
    """The archive with what only insiders see; that its personal data were read goes into the audit trail."""
    found = archive(key, inner=True, on=on, known_on=known_on)
    if found and found["contacts"]:
        history.append(
            "personal-data",
            "contacts_read",
            actor=actor,
            post=post,
            subject=f"enterprise:{found['id']}",
            data={"name": found["name"], "contacts": len(found["contacts"])},
            address=address,
        )
    return found


def certificate_json(number: str, *, inner: bool = False, on: date | None = None) -> str | None:
    """A certificate with its holder as JSON text."""
    parameters = {"number": normal(number)[:60], "on": on or timezone.localdate()}
    return queries.json_text(queries.certificate(inner), parameters)


def certificate(number: str, *, inner: bool = False, on: date | None = None) -> dict | None:
    """{"certificate": {…}, "holder": {…}} for a number in any width, case or grouping; None: unknown."""
    text = certificate_json(number, inner=inner, on=on)
    return json.loads(text) if text else None


def number_looks_wrong(number: str) -> str:
    """Why a certificate number cannot be right; empty when nothing speaks against it."""
    number = normal(number)
    scheme = kinds.number_scheme(number)
    return errors(scheme, number) if scheme else ""


def code_problems(uscc: str = "", org_code: str = "") -> dict[str, str]:
    """Why these codes cannot be entered, by field."""
    problems = {}
    for field, scheme, value in (("uscc", "uscc", uscc), ("org_code", "organization_code", org_code)):
        if value and (wrong := errors(scheme, value)):
            problems[field] = wrong
    if uscc and org_code and not problems and uscc[8:17] != org_code:
        problems["org_code"] = f"组织机构代码应与统一社会信用代码第 9 至 17 位一致，即 {uscc[8:17]}"
    return problems


def register_enterprise(
    *,
    name: str,
    place: int,
    uscc: str = "",
    org_code: str = "",
    identifiers: list[dict] | None = None,
    contacts: list[dict] | None = None,
    **fields,
) -> Enterprise:
    """Enter an enterprise with its codes checked.

    Raises Refused (by field) or AlreadyRegistered. One known so far only by the organisation code that the
    credit code contains is the same enterprise: it receives the credit code and the new facts.
    """
    uscc, org_code = normal(uscc), normal(org_code)
    name = " ".join(unicodedata.normalize("NFC", name or "").split())
    problems = code_problems(uscc, org_code)
    if not name:
        problems["name"] = "请填写名称"
    elif len(name) > LONGEST_NAME:
        problems["name"] = f"名称超过 {LONGEST_NAME} 字"
    if place != ELSEWHERE and not is_current(place):
        problems["place"] = f"区划代码 {place} 今天不在用（{name_path(place)}）"
    if problems:
        raise Refused(problems)
    org_code = org_code or uscc[8:17]
    facts = {"name": name, "place": place, "uscc": uscc, "org_code": org_code} | fields
    with transaction.atomic():
        enterprise = _enter(facts)
        _identify(enterprise, identifiers or [])
        for contact in contacts or []:
            EnterpriseContact.objects.create(enterprise=enterprise, place=place, **contact)
    return enterprise


def _enter(facts: dict) -> Enterprise:
    known = Enterprise.objects.select_for_update()
    if facts["uscc"] and (same := known.filter(uscc=facts["uscc"]).first()):
        raise AlreadyRegistered(same)
    same = known.filter(org_code=facts["org_code"]).first() if facts["org_code"] else None
    if same is None:
        try:
            with transaction.atomic():
                return Enterprise.objects.create(**facts)
        except IntegrityError:  # another entered it between our look and our write, or in another place
            raise Refused({"uscc": "该代码刚刚被登记，请刷新后核对"}) from None
    if same.uscc or not facts["uscc"]:
        raise AlreadyRegistered(same)
    for field, value in facts.items():
        setattr(same, field, value)
    same.save()
    return same


def _identify(enterprise: Enterprise, more: list[dict]) -> None:
    """Keep every number besides the row's two codes as a row of its own."""
    for identifier in more:
        value = normal(identifier["value"])
        if not value:
            continue
        key = {"scheme": identifier["scheme"], "value": value}
        rest = {k: v for k, v in identifier.items() if k not in key}
        held, _ = Identifier.objects.get_or_create(
            **key, defaults=rest | {"enterprise": enterprise, "place": enterprise.place}
        )
        if held.enterprise_id != enterprise.pk:
            raise Refused({"identifiers": f"编号 {value} 已属于另一企业"})
