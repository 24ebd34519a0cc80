"""`/api/v1/partner…`: the signed interface of partners. How to sign and a worked example: docs/partners.md."""

from datetime import date
from typing import Annotated, Any

from ninja import Path, Query, Router
from ninja.errors import HttpError

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.people.acting import Refused as NotAsked
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue import challenging, records, requesting
from jinzhi.network.catalogue.models import Challenge, Grant, Request
from jinzhi.network.partners import intake, outlet, pushing, recognition, signatures
from jinzhi.network.partners.api_shapes import (
    MOST_MESSAGES,
    Acknowledged,
    Acknowledgement,
    BatchAnswer,
    Doubt,
    DoubtAnswer,
    Me,
    Messages,
    OpenDoubt,
    OwnKey,
    Push,
    Recognition,
    Replay,
    Replayed,
    RequestAnswer,
    Wanted,
)
from jinzhi.network.partners.gate import Signed, recorded
from jinzhi.network.partners.models import Batch, Partner

PREFIX = "/partner"
router = Router(tags=["partner"], auth=Signed())
HTTP = {"E09": 403, "E06": 409, "E10": 413}


def _refused(fault: intake.Refused) -> HttpError:
    return HttpError(HTTP.get(fault.code, 422), f"{fault.code} {fault.message}")


@router.get("/key", response=OwnKey, auth=None, summary="本机的签名公钥")
def key(request):
    """Public; partners check our signatures with it."""
    return {"algorithm": "ed25519", "public": signatures.own_public()}


@router.get("/me", response=Me, summary="本单位的授权、限额和通道位置")
@recorded("查询自身状态")
def me(request):
    """What this partner may send and receive, its limits, and where its channel is."""
    partner: Partner = request.auth.partner
    grants = Grant.objects.filter(kind="partner", consumer=partner.code, state=Grant.State.ACTIVE).order_by(
        "dataset"
    )
    try:
        here = outlet.standing(partner)
        channel = {
            name: here[name] for name in ("state", "reason", "base", "numbered", "stored", "acknowledged")
        }
    except outlet.Refused:
        channel = None
    return {
        "code": partner.code, "name": partner.name, "state": partner.state, "max_payload": partner.max_payload,
        "rate_per_minute": partner.rate, "connections": partner.connections, "places": [partner.lo, partner.hi],
        "delivery": partner.delivery, "accepts": partner.accepts, "channel": channel,
        "grants": [
            {"dataset": g.dataset, "title": declared.get(g.dataset).title, "direction": "in" if g.inward else "out",
             "fields": g.fields, "area": g.area, "since": g.since, "until": g.until}
            for g in grants if g.dataset in declared.all()
        ],
    }  # fmt: skip


def _json_schema(one: Dataset, names: list[str]) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "text": {"type": "string"}, "integer": {"type": "integer"}, "decimal": {"type": ["number", "string"]},
        "date": {"type": "string", "format": "date"}, "datetime": {"type": "string", "format": "date-time"},
        "boolean": {"type": "boolean"}, "uuid": {"type": "string", "format": "uuid"}, "json": {"type": ["object", "array"]},
    }  # fmt: skip
    properties = {}
    for item in one.fields:
        if item.key in names:
            said = {"title": item.title, **kinds[item.type]}
            if item.length:
                said["maxLength"] = item.length
            if item.codes:
                said["enum"] = sorted(item.codes)
            properties[item.key] = said
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": one.title, "type": "object",
        "properties": properties, "additionalProperties": False,
        "required": [f.key for f in one.fields if f.required and f.key in names],
    }  # fmt: skip


@router.get("/datasets/{key}", response=dict[str, Any], summary="一项数据的结构（JSON Schema）")
@recorded("查询数据结构")
def structure(request, key: Annotated[str, Path(max_length=80)]):
    """The JSON Schema of a body as this partner sends or receives it."""
    partner: Partner = request.auth.partner
    grant = Grant.objects.filter(
        kind="partner", consumer=partner.code, dataset=key, state=Grant.State.ACTIVE
    ).first()
    if grant is None or key not in declared.all():
        raise HttpError(404, f"没有 {key[:60]} 的有效授权")
    one = declared.get(key)
    return {
        "dataset": key, "identifier": one.identifier, "schema": one.schema, "key_items": list(one.key_fields),
        "body": _json_schema(one, grant.fields),
    }  # fmt: skip


def _batch(held: Batch, repeated: bool) -> dict[str, Any]:
    return {
        "batch": held.number, "dataset": held.dataset, "state": held.state, "rows": held.rows, "accepted": held.accepted,
        "rejected": held.rejected, "repeated": repeated, "reason": held.reason, "receipts": held.receipts,
    }  # fmt: skip


@router.post("/batches", response=BatchAnswer, summary="提交一批记录")
@recorded("提交批次")
def push(request, sent: Push):
    """Taken as a whole and answered at once; the same number with the same content gets the first answer again."""
    partner: Partner = request.auth.partner
    request.moved = (len(sent.rows), len(request.body))
    try:
        held, repeated = pushing.push(partner, sent.model_dump(by_alias=True))
    except intake.Refused as fault:
        raise _refused(fault) from None
    return _batch(held, repeated)


@router.get("/batches/{number}", response=BatchAnswer, summary="一批的回执")
@recorded("查询回执")
def receipts(request, number: Annotated[str, Path(max_length=60)]):
    """The receipts of a batch this partner sent, whatever way it came."""
    held = Batch.objects.filter(
        partner=request.auth.partner, outward=False, number=number.replace("\0", "")
    ).first()
    if held is None:
        raise HttpError(404, f"没有收到过批次 {number}")
    return _batch(held, True)


@router.get("/messages", response=Messages, summary="取消息")
@recorded("取消息")
def messages(
    request,
    after: Annotated[
        int | None, Query(ge=0, le=2**62, description="从哪个序号以后取；不写时为已确认的序号")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_MESSAGES)] = 500,
):
    """Records and batch trailers in order. Keep them, then acknowledge; asking again gives the same bytes."""
    partner: Partner = request.auth.partner
    outlet.number_if_alone()
    try:
        start, found, here = outlet.page(partner, after, limit)
    except outlet.Refused as fault:
        raise HttpError(fault.status, fault.message) from None
    last = found[-1][0] if found else start
    request.moved = (len(found), sum(len(text) for _, _, text in found))
    return {
        "after": start, "next": last, "more": last < here["numbered"], "acknowledged": here["acknowledged"],
        "numbered": here["numbered"],
        "messages": [{"seq": seq, "dataset": dataset, "payload": text} for seq, dataset, text in found],
    }  # fmt: skip


@router.post("/acknowledgements", response=Acknowledged, summary="确认收到")
@recorded("确认收到")
def acknowledge(request, said: Acknowledgement):
    """Closes every whole batch up to the sequence; a batch is acknowledged with its trailer."""
    partner: Partner = request.auth.partner
    try:
        closed = outlet.acknowledge(
            partner, said.upto, [(one.seq, one.code, one.reason) for one in said.refused], said.digests
        )
        here = outlet.standing(partner)
    except outlet.Refused as fault:
        raise HttpError(fault.status, fault.message) from None
    request.moved = (len(closed), len(request.body))
    return {"acknowledged": here["acknowledged"], "batches": closed}


@router.post("/replays", response=Replayed, summary="申请重发全量")
@recorded("申请重发")
def replay(request, said: Replay):
    """The present state of a granted dataset comes through the channel once more."""
    partner: Partner = request.auth.partner
    try:
        if outlet.waiting(partner):
            raise outlet.Refused("上一次重发还没有编号完，请稍后再申请", 409)
        return {"dataset": said.dataset, "records": outlet.again(partner, said.dataset)}
    except outlet.Refused as fault:
        raise HttpError(fault.status, fault.message) from None


@router.post("/requests", response=RequestAnswer, summary="申请共享数据")
@recorded("申请共享数据")
def ask(request, said: Wanted):
    """Judged as on the pages; a person of the provider answers within the limit."""
    partner: Partner = request.auth.partner
    today = calendar.today()
    wish = requesting.Wish(
        said.dataset, "partner", partner.code, said.purpose, tuple(said.fields), said.since or today, said.until,
        said.area, said.legal_basis, said.existing,
    )  # fmt: skip
    try:
        one, consumer = requesting.judge(wish, today)
        row = requesting.enter(one, consumer, wish, asked_by=None, name=f"{partner.name}（接口）")
    except NotAsked as fault:
        raise HttpError(422, fault.message) from None
    return _request(row)


def _request(row) -> dict[str, Any]:
    return {
        "number": row.number, "dataset": row.dataset, "state": row.state, "answer_due": requesting.due(row),
        "answer": row.answer,
    }  # fmt: skip


@router.get("/requests", response=list[RequestAnswer], summary="本单位的共享申请")
@recorded("查询共享申请")
def asked(request):
    """This partner's requests, the newest first."""
    rows = Request.objects.filter(kind="partner", consumer=request.auth.partner.code).order_by("-id")[:100]
    return [_request(row) for row in rows]


@router.post("/challenges", response=DoubtAnswer, summary="提出数据疑义")
@recorded("提出数据疑义")
def doubt(request, said: Doubt):
    """About a record and an item that were granted to this partner."""
    partner: Partner = request.auth.partner
    grant = Grant.objects.filter(
        kind="partner", consumer=partner.code, dataset=said.dataset, inward=False, state=Grant.State.ACTIVE
    ).first()
    if grant is None or said.field not in grant.fields:
        raise HttpError(403, "只能就授权取得的数据和信息项提出疑义")
    found = records.read(said.dataset, said.record)
    if found is None or not grant_covers(grant, found.row.place):
        raise HttpError(404, "没有这条记录")
    try:
        row = challenging.enter(
            found, said.field, said.wanted, said.reason, place=partner.place, name=f"{partner.name}（接口）"
        )
    except NotAsked as fault:
        raise HttpError(422, fault.message) from None
    return {"id": str(row.pk), "state": row.state, "answer_due": challenging.due(row)}


@router.get("/challenges", response=list[OpenDoubt], summary="对本单位记录的疑义")
@recorded("查询数据疑义")
def doubts(request):
    """Open doubts of ours about records of this partner."""
    partner: Partner = request.auth.partner
    mine = Document.objects.filter(owner_node=partner.code)
    rows = Challenge.objects.filter(state=Challenge.State.OPEN, record__in=mine.values("pk")).order_by("id")[
        :200
    ]
    return [
        {
            "id": str(row.pk), "dataset": row.dataset, "record": str(row.record), "title": row.title, "field": row.field,
            "present": row.present, "wanted": row.wanted, "reason": row.reason, "raised_on": row.raised_on,
            "answer_due": challenging.due(row),
        }
        for row in rows
    ]  # fmt: skip


def grant_covers(grant: Grant, place: int) -> bool:
    lo, hi = scope.jurisdiction(grant.area)
    return lo <= place <= hi


@router.get("/recognitions/{report}", response=Recognition, summary="互认核验")
@recorded("互认核验")
def recognise(request, report: Annotated[str, Path(max_length=60)], on: date | None = None):
    """The mutual-recognition check of a report that was exchanged in the Yangtze delta."""
    found = recognition.of(report.replace("\0", ""), on or calendar.today())
    if found is None:
        raise HttpError(404, f"没有收到过报告 {report}")
    return found.as_dict()
