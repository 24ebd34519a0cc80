"""What other rooms ask of the registry: find, search, read an archive or a certificate, enter an enterprise.

Reads by JSON run one statement of `queries.py` with the eyes of the scope in force; `inner=True` asks for
what only officials of the place and the enterprise itself may see. Deciding about certificates is in
`certificates.py`.
"""

import json
import re
import unicodedata
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.foundation import codes, history
from jinzhi.foundation.places import scope as scopes
from jinzhi.foundation.places.services import ELSEWHERE, is_current, name_path
from jinzhi.registry import kinds, queries
from jinzhi.registry.models import Enterprise, EnterpriseContact, Identifier

PAGE = 20
MOST = 100
PROVINCE = 10_000_000_000  # places in a province's range
LONGEST_NAME = Enterprise._meta.get_field("name").max_length or 0
_NO_ID = "00000000-0000-0000-0000-000000000000"
_LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_SEPARATORS = re.compile(r"[\s\-‐-―_·]+")

RANKS = {0: "代码或编号一致", 1: "名称一致", 2: "名称开头相同", 3: "名称中包含"}


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


@dataclass(frozen=True)
class Hit:
    """One line of a search's answer."""

    rank: int
    id: str
    uscc: str
    org_code: str
    name: str
    status: str
    status_name: str
    place: int
    place_name: str
    is_demo: bool

    @property
    def link(self) -> str:
        """What stands in the address of its page: a code where it has one."""
        return self.uscc or self.org_code or self.id


@dataclass(frozen=True)
class Found:
    """Hits in order, and where the next page begins (empty on the last page)."""

    hits: list[Hit]
    after: str = ""


def link(found: dict) -> str:
    """What stands in the address of an enterprise's page: a code where it has one."""
    return found["uscc"] or found["org_code"] or found["id"]


def _clean(text: str) -> str:
    """Without what PostgreSQL cannot hold (NUL, halves of surrogate pairs), at most a hundred characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode().strip()[:100]


def normal(text: str) -> str:
    """A code or number as it is stored and compared: half width, upper case, nothing between.

    >>> normal("９１33 0106-ma2b")
    '91330106MA2B'
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", _clean(str(text or ""))).upper())


def _code_parameters(text: str) -> dict:
    code = normal(text)[:60]
    if len(code) == 18:
        return {"code": code, "org": "" if looks_wrong(code) else code[8:17]}
    return {"code": code, "org": code if len(code) == 9 else ""}


def _as_uuid(text: object) -> str:
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        return _NO_ID


def find_enterprise(code: str) -> Enterprise | None:
    """The enterprise with this credit code, organisation code, or other number it is or was known by."""
    wanted = _code_parameters(code)
    if not wanted["code"]:
        return None
    found = Enterprise.objects.filter(uscc=wanted["code"]).first()
    if found is None and wanted["org"]:
        by_org = Enterprise.objects.filter(org_code=wanted["org"])
        found = (by_org if wanted["org"] == wanted["code"] else by_org.filter(uscc="")).first()
    return found or Enterprise.objects.filter(identifiers__value=wanted["code"]).first()


def archive_json(key: object, *, inner: bool = False, on: date | None = None) -> str | None:
    """The archive of an enterprise (given itself, its id, or any code of it) as JSON text."""
    if isinstance(key, Enterprise):
        key = key.pk
    parameters = _code_parameters(str(key)) | {"id": _as_uuid(key), "on": on or timezone.localdate()}
    return queries.json_text(queries.archive(inner), parameters)


def archive(key: object, *, inner: bool = False, on: date | None = None) -> dict | None:
    """The archive as a dict: identity, identifiers over time, certificates with items and changes."""
    text = archive_json(key, inner=inner, on=on)
    return json.loads(text) if text else None


def inner_archive(key: object, *, actor=None, post=None, address: str | None = None) -> dict | None:
    """The archive with what only insiders see; that its personal data were read goes into the audit trail."""
    found = archive(key, inner=True)
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


def search(q: str, limit: int = PAGE, *, after: str = "", within: scopes.Scope | None = None) -> Found:
    """Enterprises by either code, any number of theirs, or a fragment of the name (one character is enough).

    Seen with the eyes of `within`, else of the scope in force. `after` is `Found.after` of the page before.
    """
    q = _clean(q)
    if not q:
        return Found([])
    rank, _, last = after.partition(".")
    parameters = _code_parameters(q) | {
        "q": q,
        "rank": int(rank) if rank in {"0", "1", "2", "3"} else -1,
        "last": _as_uuid(last) if last else _LAST_ID,
        "limit": max(1, min(limit, MOST)) + 1,
    }
    with scopes.acting(within) if within else nullcontext():
        narrow = _is_narrow(scopes.current())
        found = queries.rows(queries.search_beginnings(narrow), parameters, prepare=False)
        if wanted := parameters["limit"] - len(found):
            parts = queries.search_parts(narrow)
            found += queries.rows(parts, parameters | {"limit": wanted}, prepare=False)
    hits = [Hit(*row) for row in found[: parameters["limit"] - 1]]
    more = len(found) == parameters["limit"]
    return Found(hits, f"{hits[-1].rank}.{hits[-1].id}" if more else "")


def _is_narrow(eyes: scopes.Scope) -> bool:
    """Whether these eyes see a city or less."""
    return eyes.face == "enterprise" or (eyes.face == "staff" and eyes.hi - eyes.lo < PROVINCE - 1)


def looks_wrong(code: str) -> str:
    """What is wrong with something that has the length of a credit or organisation code; else empty."""
    code = normal(code)
    scheme = {18: "uscc", 9: "organization_code"}.get(len(code))
    return _errors(scheme, code) if scheme else ""


def number_looks_wrong(number: str) -> str:
    """Why a certificate number cannot be right; empty when nothing speaks against it."""
    number = normal(number)
    scheme = kinds.number_scheme(number)
    return _errors(scheme, number) if scheme else ""


def _errors(scheme: str, value: str) -> str:
    return "；".join(p.message for p in codes.check(scheme, value).problems if p.level == "error")


def code_problems(uscc: str = "", org_code: str = "") -> dict[str, str]:
    """Why these codes cannot be entered, by field."""
    problems = {}
    for field, scheme, value in (("uscc", "uscc", uscc), ("org_code", "organization_code", org_code)):
        if value and (errors := _errors(scheme, value)):
            problems[field] = errors
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
    """Keep every number the enterprise is known by as a row of its own."""
    wanted = [
        {"scheme": "uscc", "value": enterprise.uscc, "source": enterprise.source},
        {"scheme": "organization_code", "value": enterprise.org_code, "source": enterprise.source},
        *more,
    ]
    for identifier in wanted:
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
