"""`/api/v1/enterprises…` and `/api/v1/certificates…`: what is public of the register, to anybody.

A signed-in reader gets the same public face; inner facts are on the pages of the workbench.
"""

from datetime import date
from typing import Annotated

from django.http import Http404, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.foundation.people import keys
from jinzhi.foundation.places import scope
from jinzhi.registry import exports, services, written
from jinzhi.registry.searching import finding

PREFIX = ""
router = Router(tags=["registry"])
router.add_router("/exports", exports.router)
JSON = "application/json; charset=utf-8"


class Match(Schema):
    """One enterprise found; `code` is what GET /enterprises/{code} takes."""

    code: str
    name: str
    uscc: str
    org_code: str
    status: str
    status_name: str
    place: int
    place_name: str | None
    matched: str
    is_demo: bool


class Matches(Schema):
    results: list[Match]
    next: str


class PermittedItem(Schema):
    category_code: str
    category: str
    detail_code: str
    detail: str
    varieties: str


class Change(Schema):
    act: str
    act_name: str
    effective_on: date
    status: str
    ground: str
    document_number: str
    agency: str


class Certificate(Schema):
    number: str
    kind: str
    kind_name: str
    status: str
    status_name: str
    registered_status: str
    status_since: date | None
    valid_from: date | None
    valid_to: date | None
    issued_on: date | None
    agency: str
    holder_name: str
    holder_code: str
    legal_representative: str
    address: str
    premises: str
    items: list[PermittedItem]
    changes: list[Change]
    face_version: int
    source: str
    is_demo: bool
    updated_at: str


class Holder(Schema):
    id: str
    name: str
    uscc: str
    org_code: str
    status: str
    status_name: str
    place_name: str | None


class CertificateAnswer(Certificate):
    holder: Holder


class Identifier(Schema):
    scheme: str
    value: str
    valid_from: date | None
    valid_to: date | None
    source: str


class Fact(Schema):
    """A value besides the row's own: `state` former, chosen or locked; [valid_from, valid_to) is when it held."""

    id: int
    field: str
    title: str
    value: str
    state: str
    state_name: str
    valid_from: date | None
    valid_to: date | None
    source: str
    source_on: date | None
    received_on: date


class LineageLine(Schema):
    """An edge to another enterprise; `direction` to: this one went into the other, from: it came from it."""

    kind: str
    kind_name: str
    on: date
    direction: str
    id: str | None
    name: str | None
    code: str | None


class Entry(Schema):
    """A published entry of a section, the newest twenty of each; `of` counts all."""

    section: str
    title: str
    facts: dict
    state: str
    occurred_on: date | None
    valid_from: date | None
    valid_to: date | None
    source: str
    source_key: str
    agency: str
    of: int


class Enterprise(Schema):
    """`as_of` null: today. `exists` false: not registered yet on that day, the fields are empty."""

    id: str
    as_of: date | None
    exists: bool
    first_known_on: date | None
    name: str
    uscc: str
    org_code: str
    kind: str
    kind_name: str
    status: str
    status_name: str
    legal_representative: str
    address: str
    premises_address: str
    industry: str
    economic_type: str
    scale: str
    scale_name: str
    registered_capital_cents: int | None
    founded_on: date | None
    place: int
    place_name: str | None
    source: str
    source_on: date | None
    received_on: date | None
    is_demo: bool
    updated_at: str
    identifiers: list[Identifier]
    facts: list[Fact]
    lineage: list[LineageLine]
    entries: list[Entry]
    certificates: list[Certificate]


Limit = Annotated[int, Query(ge=1, le=finding.MOST, description="每页条数")]


@router.get("/enterprises", response=Matches, summary="按代码或名称片段查找企业")
def enterprises(
    request,
    q: Annotated[str, Query(max_length=200, description="任一代码，或名称中的两个字以上")],
    limit: Limit = finding.PAGE,
    after: Annotated[str, Query(max_length=60, description="上一页的 next")] = "",
):
    """Enterprises by either code, a former number, or a fragment of the name."""
    found = finding.search(q, limit, after=after, within=scope.PUBLIC)
    results = [
        {"code": hit.link, "matched": finding.RANKS[hit.rank], **_without(hit, "rank", "id")}
        for hit in found.hits
    ]
    return {"results": results, "next": found.after}


AsOf = Annotated[date | None, Query(description="按该日的档案回答（YYYY-MM-DD，不晚于今天）；不填为今天")]


@router.get("/enterprises/{code}", response=Enterprise, summary="企业档案（公开部分）")
def enterprise(request, code: str, as_of: AsOf = None):
    """The public archive, by credit code, organisation code or any number the enterprise is known by.

    One that was merged answers the enterprise it went into. A key with the scope `archive` gets the inner part of
    those in its agency's place, never the contacts.
    """
    if as_of and as_of > timezone.localdate():
        raise HttpError(422, f"as_of {as_of} 晚于今天，档案只能查到今天")
    if (eyes := keys.allowed(request, "archive")) is not None:
        with scope.acting(eyes):
            found = services.archive(code, inner=True, on=as_of)
        if found is not None:
            found.pop("contacts", None)  # personal data are not for programs
            return JsonResponse(found, json_dumps_params={"ensure_ascii": False})
    with scope.acting(scope.PUBLIC):
        text = services.archive_json(code, on=as_of)
    if text is None:
        problems = written.looks_wrong(code)
        raise Http404(f"没有登记“{code[:60]}”。" + (problems and f"{problems}。"))
    return HttpResponse(text, content_type=JSON)


@router.get("/certificates/{number}", response=CertificateAnswer, summary="证书查验")
def certificate(request, number: str):
    """A certificate by its number in any width, case or grouping: what it covers, its state today."""
    with scope.acting(scope.PUBLIC):
        found = services.certificate(number)
    if found is None:
        problems = services.number_looks_wrong(number)
        raise Http404(f"没有登记编号为“{number[:60]}”的证书。" + (problems and f"{problems}。"))
    return {**found["certificate"], "holder": found["holder"]}


def _without(hit: finding.Hit, *fields: str) -> dict:
    return {name: value for name, value in vars(hit).items() if name not in fields}
