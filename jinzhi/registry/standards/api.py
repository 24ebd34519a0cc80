"""`/api/v1/standards…`: standards of the catalogue as they stood on a day, and checks of cited ones. Public."""

from datetime import date
from typing import Annotated, Any

from django.http import Http404
from ninja import Field, Path, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import StrictBool

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import services
from jinzhi.registry.standards.numbers import BadNumber

PREFIX = "/standards"
router = Router(tags=["标准"])


class StandardHead(Schema):
    """A standard in a list, with its state on the day asked about."""

    number: str
    title: str
    kind: str
    kind_name: str
    state: str
    state_name: str
    effective_on: date | None
    is_demo: bool


class StandardList(Schema):
    on: date
    results: list[StandardHead]
    next: str


class EdgeAnswer(Schema):
    number: str
    extent: str
    extent_name: str
    on: date | None


class Adopted(Schema):
    number: str
    degree: str


class StandardAnswer(StandardHead):
    """`in_force`: may be relied on that day. `current`: what stands at the end of the chain of replacements."""

    on: date
    in_force: bool
    message: str
    valid_from: date | None
    valid_to: date | None
    transition_until: date | None
    title_en: str
    nature: str
    nature_name: str
    ics: list[str]
    ccs: str
    issued_on: date | None
    abolished_on: date | None
    issuer: str
    text_url: str
    remark: str
    adopts: list[Adopted]
    replaces: list[EdgeAnswer]
    replaced_by: list[EdgeAnswer]
    current: list[str]
    warnings: list[str]


class Question(Schema):
    numbers: list[Annotated[str, Field(max_length=200)]] = Field(max_length=services.MOST_CHECKED)
    on: Annotated[str, Field(max_length=20)] = ""
    by_standard: StrictBool = False


class Answered(Schema):
    """`code`: empty when in force; STD-01 (STD-02 cited by a standard) when not; INFO, UNKNOWN, BAD."""

    cited: str
    number: str
    in_force: bool | None
    code: str
    message: str


class Answers(Schema):
    on: date
    results: list[Answered]


On = Annotated[str, Query(max_length=20, description="哪一天（年-月-日），缺省为今天")]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else today()
    except ValueError:
        raise HttpError(422, f"日期 on 应写作 2015-10-01，现为“{text}”") from None


def head(found: services.Standing) -> dict[str, Any]:
    s = found.standard
    return {
        "number": s.number, "title": s.title, "kind": s.kind, "kind_name": services.numbers.KINDS[s.kind],
        "state": found.state, "state_name": found.word, "effective_on": s.effective_on, "is_demo": s.is_demo,
    }  # fmt: skip


def _edge(number: str, edge: services.Edge) -> dict[str, Any]:
    return {"number": number, "extent": edge.extent, "extent_name": edge.word, "on": edge.on}


def answer(found: services.Standing) -> dict[str, Any]:
    s = found.standard
    warnings, current = [], [s.number]
    try:
        current = services.chain(s.number)[1]
    except services.Cycle as fault:
        warnings.append(str(fault))
    return head(found) | {
        "on": found.on, "in_force": found.valid, "message": found.message, "valid_from": found.since,
        "valid_to": found.until, "transition_until": found.transition_until, "title_en": s.title_en,
        "nature": s.nature, "nature_name": services.numbers.NATURES[s.nature], "ics": s.ics, "ccs": s.ccs,
        "issued_on": s.issued_on, "abolished_on": s.abolished_on, "issuer": s.issuer, "text_url": s.text_url,
        "remark": s.remark, "adopts": s.adopts,
        "replaces": [_edge(e.older, e) for e in found.replaces],
        "replaced_by": [_edge(e.newer, e) for e in found.replaced_by],
        "current": current, "warnings": warnings,
    }  # fmt: skip


@router.get("", response=StandardList, summary="标准目录")
def standards(
    request,
    q: Annotated[str, Query(max_length=100, description="标准号的开头，或者名称中的词")] = "",
    on: On = "",
    ics: Annotated[str, Query(max_length=12)] = "",
    kind: Annotated[
        str, Query(max_length=20, description="national、industry、local、group、enterprise …")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=services.MOST)] = services.PAGE,
    after: Annotated[str, Query(max_length=60, description="上一页的 next")] = "",
):
    """Standards by number or words of the title, each with its state on the day."""
    day = _day(on)
    words = [text.replace("\0", "") for text in (q, ics, kind, after)]
    rows, following = services.search(words[0], ics=words[1], kind=words[2], after=words[3], limit=limit)
    return {"on": day, "results": [head(s) for s in services.standings(rows, day)], "next": following}


@router.post("/check", response=Answers, summary="核对一批所引用的标准在某日是否有效")
def check(request, question: Question):
    """Whether each cited standard was in force on the day, and what replaced it."""
    day = _day(question.on)
    found = services.check_list(
        [n.replace("\0", "") for n in question.numbers], day, by_standard=question.by_standard
    )
    rows = [
        {
            "cited": c.cited,
            "number": c.number,
            "in_force": c.found.valid if c.found and c.found.state != "unknown" else None,
            "code": c.code,
            "message": c.message,
        }
        for c in found
    ]
    return {"on": day, "results": rows}


@router.get("/{path:number}", response=StandardAnswer, summary="一个标准在某日的状态和代替关系")
def standard(
    request,
    number: Annotated[str, Path(max_length=200, description="标准号；不写年份时答当日有效的版本")],
    on: On = "",
):
    """A standard by its number in any width, case or spacing; without its year, the edition in force that day."""
    day = _day(on)
    try:
        found = services.find(number.replace("\0", ""), day)
    except BadNumber as fault:
        raise HttpError(422, str(fault)) from None
    if found is None:
        raise Http404(f"标准目录中没有 {services.parse(number.replace(chr(0), '')).text}。")
    return answer(found)
