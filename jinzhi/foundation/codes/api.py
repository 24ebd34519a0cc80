"""`/api/v1/codes…`: is this code right, and if not, why; many at once; what a code set held on a day. Public."""

import json
from datetime import date
from typing import Annotated, Any

import polars as pl
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import SCHEMES, UnknownScheme, catalogue, check, schemes, vectorised

PREFIX = "/codes"
router = Router(tags=["代码校验"])
MOST = 1_000_000  # codes in one batch
MOST_BYTES = 64 * 1024 * 1024
PAGE = 100


class ProblemAnswer(Schema):
    code: str
    message: str
    level: str


class CodeAnswer(Schema):
    scheme: str
    value: str
    normalized: str
    valid: bool
    problems: list[ProblemAnswer]


class BatchRow(Schema):
    """The answer to one value; `codes` are the reasons, joined by `|`, `message` says them in words."""

    normalized: str
    valid: bool
    codes: str
    message: str


class CodeBatchAnswer(Schema):
    """`valid + invalid = read`; `results` stand in the order of the values."""

    scheme: str
    read: int
    valid: int
    invalid: int
    results: list[BatchRow]


class SchemeHead(Schema):
    key: str
    title: str
    standard: str


class VersionHead(Schema):
    version: str
    title: str
    valid_from: date | None
    valid_to: date | None
    authority: str
    mark: str
    complete: bool


class SetHead(SchemeHead):
    versions: list[VersionHead]


class Directory(Schema):
    schemes: list[SchemeHead]
    sets: list[SchemeHead]


class ItemAnswer(Schema):
    code: str
    name: str
    parent: str
    level: str
    note: str


class SetAnswer(Schema):
    set: str
    title: str
    version: VersionHead
    items: list[ItemAnswer]
    next: str


class Successor(Schema):
    code: str
    kind: str


class LookUp(Schema):
    """`state`: in_force, former, future or unknown on that day; a former code is told with what it became."""

    set: str
    on: date
    code: str
    state: str
    state_name: str
    item: ItemAnswer | None
    version: VersionHead | None
    successors: list[Successor]


class Removed(ItemAnswer):
    successors: list[Successor]


class Renamed(Schema):
    code: str
    old: str
    new: str


class DiffAnswer(Schema):
    old: VersionHead
    new: VersionHead
    same: int
    added: list[ItemAnswer]
    removed: list[Removed]
    renamed: list[Renamed]
    moved: list[Renamed]


On = Annotated[str, Query(max_length=20, description="哪一天（年-月-日），缺省为今天")]
Key = Annotated[str, Path(max_length=60, description="代码集，如 food_category、division")]


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise HttpError(422, f"日期 on 应写作 2026-02-10，现为“{text[:40]}”") from None


def _known(ask, *what) -> Any:
    try:
        return ask(*what)
    except catalogue.NoSuchSet as fault:
        raise HttpError(404, str(fault)) from None


def _version(v: catalogue.Version) -> dict[str, Any]:
    return {name: value for name, value in vars(v).items() if name != "key"}


@router.get("", response=Directory, summary="有哪些代码种类和代码集")
def directory(request: HttpRequest):
    kinds = [{"key": s.key, "title": s.title, "standard": s.standard} for s in SCHEMES.values()]
    sets = [{"key": k, "title": t, "standard": s} for k, t, s in catalogue.sets()]
    return {"schemes": kinds, "sets": sets}


@router.get("/sets/{key}", response=SetAnswer, summary="代码集在某日的内容")
def code_set(
    request: HttpRequest,
    key: Key,
    on: On = "",
    q: Annotated[str, Query(max_length=60, description="代码的开头，或者名称中的词")] = "",
    parent: Annotated[str, Query(max_length=40)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    after: Annotated[str, Query(max_length=40, description="上一页的 next")] = "",
):
    """The items of the version in force on a day, in the order of their codes."""
    version = _known(catalogue.on_day, key, _day(on) or today())
    held = [
        i for c, i in sorted(catalogue.items(key, version).items())
        if c > after and (not parent or i.parent == parent) and (not q or c.startswith(q.upper()) or q in i.name)
    ]  # fmt: skip
    return {
        "set": key, "title": catalogue.title(key), "version": _version(version),
        "items": [vars(i) for i in held[:limit]], "next": held[limit - 1].code if len(held) > limit else "",
    }  # fmt: skip


@router.get("/sets/{key}/versions", response=SetHead, summary="代码集的各个版本")
def code_set_versions(request: HttpRequest, key: Key):
    found = _known(catalogue.versions, key)
    standard = next(s for k, _, s in catalogue.sets() if k == key)
    return {
        "key": key, "title": catalogue.title(key), "standard": standard, "versions": [_version(v) for v in found],
    }  # fmt: skip


@router.get("/sets/{key}/diff", response=DiffAnswer, summary="代码集两个版本的差别")
def code_set_diff(
    request: HttpRequest,
    key: Key,
    old: Annotated[str, Query(max_length=40, description="旧版的名称")],
    new: Annotated[str, Query(max_length=40, description="新版的名称")],
):
    """What was added, removed (with what it became), renamed and moved between two versions."""
    before, after = _known(catalogue.named, key, old), _known(catalogue.named, key, new)
    found = catalogue.diff(key, before, after)
    return {
        "old": _version(before), "new": _version(after), "same": found.same,
        "added": [vars(i) for i in found.added],
        "removed": [vars(i) | {"successors": [{"code": c, "kind": k} for c, k in s]} for i, s in found.removed],
        "renamed": [{"code": b.code, "old": a.name, "new": b.name} for a, b in found.renamed],
        "moved": [{"code": b.code, "old": a.parent, "new": b.parent} for a, b in found.moved],
    }  # fmt: skip


@router.get("/sets/{key}/items/{code}", response=LookUp, summary="一个代码在某日的含义和去向")
def look_up(request: HttpRequest, key: Key, code: Annotated[str, Path(max_length=60)], on: On = ""):
    """A code on a day; one no longer in force stays resolvable."""
    day, wanted = _day(on) or today(), code.replace("\0", "")
    found = _known(catalogue.look_up, key, wanted, day)
    return {
        "set": key, "on": day, "code": wanted, "state": found.state, "state_name": found.word,
        "item": vars(found.item) if found.item else None,
        "version": _version(found.version) if found.version else None,
        "successors": [{"code": c, "kind": k} for c, k in found.successors],
    }  # fmt: skip


BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["values"],
                    "properties": {
                        "values": {"type": "array", "maxItems": MOST, "items": {"type": ["string", "null"]}},
                        "on": {"type": ["string", "null"], "description": "记录所在的日期（年-月-日）"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/{scheme}/batch",
    response=CodeBatchAnswer,
    summary="校验一批代码（至多一百万个）",
    openapi_extra=BATCH_BODY,
)
def batch(request: HttpRequest, scheme: str):
    """Check up to a million codes: `{"values": […], "on": "2026-02-10"}`, 64 MB at most."""
    try:
        schemes.check(scheme, "")
    except UnknownScheme as fault:
        raise HttpError(404, str(fault)) from None
    values, on = _batch(request)
    found = vectorised.frame(scheme, pl.Series(values, dtype=pl.String), on)
    valid = int(found["valid"].sum())
    return {
        "scheme": scheme, "read": found.height, "valid": valid, "invalid": found.height - valid,
        "results": found.to_dicts(),
    }  # fmt: skip


def _batch(request: HttpRequest) -> tuple[list[str | None], date | None]:
    """The values and the day of a body, read from the connection: it may be larger than other requests."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise HttpError(413, f"请求的内容超过 {MOST_BYTES // 1024 // 1024} MB，请分次校验。")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise HttpError(400, "请求的内容不是有效的 JSON。") from None
    values = asked.get("values") if isinstance(asked, dict) else None
    if not isinstance(values, list):
        raise HttpError(422, "应写作 {“values”: [“代码”, …]}")
    if len(values) > MOST:
        raise HttpError(422, f"一次至多校验 {MOST} 个代码，现有 {len(values)} 个")
    if not all(value is None or isinstance(value, str) for value in values):
        raise HttpError(422, "values 中的代码应为文字；数字会丢失开头的 0")
    on = asked.get("on")
    if on is not None and not isinstance(on, str):
        raise HttpError(422, "日期 on 应写作 2026-02-10")
    return [v and v.encode("utf-8", "replace").decode() for v in values], _day(on or "")


@router.get("/{scheme}/{path:value}", response=CodeAnswer, summary="校验一个代码")
def check_code(
    request: HttpRequest,
    scheme: str,
    value: str,
    on: str = Query("", description="记录所在的日期（年-月-日），缺省为今天"),
):
    try:
        return check(scheme, value, _day(on)).as_dict()
    except UnknownScheme as fault:
        raise HttpError(404, str(fault)) from None
