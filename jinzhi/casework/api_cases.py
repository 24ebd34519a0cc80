"""Cases over the interface: opening one, reading it, acting on it. Shapes of answers are in `api_shapes`."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import File, Form, Header, Path, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field, StrictInt, StrictStr

from jinzhi.casework import actions, entering
from jinzhi.casework.api_shapes import CaseAnswer, case_answer
from jinzhi.casework.idempotency import once
from jinzhi.casework.models import CarbonCopy, Case, Step
from jinzhi.foundation import files
from jinzhi.foundation.people.bearer import signed_in
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.roles import READERS

router = Router(auth=signed_in, tags=["cases"])

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00/]+$")]
ActionKey = Annotated[str, Path(max_length=30, pattern=r"^[a-z_]+$")]
Once = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        pattern=r"^[\x21-\x7e]*$",
        description="由调用方生成的唯一编号；同一编号重复发送只办理一次，返回第一次的答复",
    ),
]
Words = Annotated[StrictStr, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class NewCase(Schema):
    """`enterprise`: a code of the applicant (an enterprise's own token needs none). `on` enters an old case."""

    procedure: Annotated[StrictStr, Field(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
    enterprise: Annotated[StrictStr, Field(max_length=60, pattern=r"^[^\x00]*$")] | None = None
    data: dict[str, Any]
    on: date | None = None


class NewAct(Schema):
    """`step` is the key or the id of an open step; acts on the whole case have none."""

    step: StrictInt | StrictStr | None = None
    data: dict[str, Any] = {}
    reason: Words = ""
    on: date | None = None


class Kept(Schema):
    id: UUID
    name: str
    size: int
    kind: str


def actor_of(request: HttpRequest) -> actions.Actor:
    """Who acts: the post of the token with the powers of this moment, or the enterprise's account."""
    account: Any = request.user
    return actions.Actor(account, request.post, tuple(request.powers))  # type: ignore[attr-defined]


def _is_enterprise(request: HttpRequest) -> bool:
    return getattr(request.user, "kind", "") == Account.Kind.ENTERPRISE


@router.post("/cases", response={201: CaseAnswer}, summary="提出申请（立案）")
def open_case(request: HttpRequest, body: NewCase, key: Once = ""):
    """Hand in a complete form; the answer carries the number. An incomplete one is refused field by field."""
    actor = actor_of(request)

    def act() -> tuple[int, dict]:
        case = entering.open_case(actor, body.procedure, body.enterprise, body.data, body.on)
        return 201, case_answer(case, actor)

    asked = {"POST": "/cases", **body.model_dump(mode="json")}
    status, answer = once(_account(request), actor.post, key, asked, act, _again(request))
    return Status(status, answer)


@router.get("/cases/{number}", response=CaseAnswer, summary="办件：状态、待办环节、时限、办理经过")
def read_case(request: HttpRequest, number: Number):
    """Where a case stands. An enterprise sees its own cases and what is public of them."""
    case, actor = _case(request, number), actor_of(request)
    _looked(case, actor)
    return case_answer(case, actor)


@router.post("/cases/{number}/actions/{action}", response=CaseAnswer, summary="办理一个动作")
def act_on_case(request: HttpRequest, number: Number, action: ActionKey, body: NewAct, key: Once = ""):
    """Do one act; GET /cases/{number} tells which are open to this post and what each asks for."""
    actor = actor_of(request)

    def act() -> tuple[int, dict]:
        case = _case(request, number)
        if action not in actions.registry:
            raise Http404(f"没有“{action}”这个动作。")
        done = entering.act(actor, case, action, body.step, body.data, body.reason, body.on)
        seen = Case.objects.filter(pk=case.pk).first()
        return 200, case_answer(seen or done.case, actor, gone=seen is None)

    asked = {"POST": f"/cases/{number}/actions/{action}", **body.model_dump(mode="json")}
    status, answer = once(_account(request), actor.post, key, asked, act, _again(request))
    return Status(status, answer)


@router.post("/attachments", response={201: Kept}, summary="上传材料，取得编号")
def upload(
    request: HttpRequest,
    file: Annotated[UploadedFile, File()],
    kind: Annotated[str, Form(max_length=60, pattern=r"^[A-Za-z0-9_]*$")] = "",
):
    """One file for a form's attachments; its id goes into `data`."""
    account, post = _account(request), actor_of(request).post
    place = post.agency.place if post else 0
    try:
        kept = files.store(
            file, kind=kind, place=place, enterprise_id=account.enterprise_id,
            subject=entering.waiting_room(account), account=account,
        )  # fmt: skip
    except files.Refused as refusal:
        raise actions.Refused(str(refusal), "file") from None
    return Status(201, {"id": kept.pk, "name": kept.name, "size": kept.blob.size, "kind": kept.kind})


def _account(request: HttpRequest) -> Account:
    account = request.user
    assert isinstance(account, Account), "the operation asks for a sign-in"
    return account


def _case(request: HttpRequest, number: str) -> Case:
    if actor_of(request).post is not None and not request.roles & READERS:  # type: ignore[attr-defined]
        raise actions.NoPower("管理类岗位不查看、不办理办件")
    found = Case.objects.select_related("procedure", "agency").filter(number=number).first()
    if found is None:
        raise Http404(f"没有编号为“{number}”的办件，或者不在您的管辖范围内。")
    return found


def _again(request: HttpRequest) -> Callable[[dict], object]:
    """Whether an answer of earlier may be told again: the case is still in sight, or it told nothing of it then."""

    def may_see(answer: dict) -> None:
        if answer["events"]:  # else the act itself took the case out of sight
            _case(request, answer["number"])

    return may_see


def _looked(case: Case, actor: actions.Actor) -> None:
    """Reading takes the step, as opening its page does: whoever sent it can no longer recall it."""
    for step in case.steps.filter(state=Step.State.OPEN, taken_at=None).exclude(role__in=("", "applicant")):
        if actions.may_act(actor, case, step):
            Step.objects.filter(pk=step.pk, taken_at=None).update(taken_at=timezone.now())
    if actor.post is not None:
        CarbonCopy.objects.filter(case=case, post=actor.post, read_at=None).update(read_at=timezone.now())
