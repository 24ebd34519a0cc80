"""好差评: one rating of each closed case by its applicant; a bad one is called back about and put right in time."""

from datetime import date, datetime
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.esupervision.handling import NoPower, Refused
from jinzhi.casework.esupervision.models import FollowUp, Satisfaction
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.places.scope import jurisdiction

SALT = "esupervision.rating"
RULES = {"call": "esupervision.bad_rating_call", "rectify": "esupervision.bad_rating_rectify"}


def of(case: Case) -> Satisfaction | None:
    return Satisfaction.objects.filter(case=case).first()


def may_rate(case: Case) -> bool:
    """Once, when the case is over; what the applicant itself took back is not rated."""
    return (
        case.state == Case.State.CLOSED and case.outcome not in ("withdrawn", "merged") and of(case) is None
    )


def rate(
    case: Case, grade: int, comment: str = "", *, account=None, channel: str = "web", at: datetime | None = None
) -> Satisfaction:  # fmt: skip
    """Keep the rating; a second one is refused. Runs in the applicant's own scope, or as the system for a link."""
    at = at or timezone.now()
    if grade not in Satisfaction.Grade.values:
        raise Refused("请选择评价等级", "grade")
    if case.state != Case.State.CLOSED:
        raise Refused("办件办结后才能评价")
    if grade <= Satisfaction.Grade.BAD and len(comment.strip()) < 4:
        raise Refused("请说明不满意的原因，便于改进，至少四个字", "comment")
    if not may_rate(case):
        raise Refused("本件已经评价过，每个办件评价一次")
    try:
        with transaction.atomic():
            return Satisfaction.objects.create(
                case=case, place=case.agency.place, agency=case.agency, enterprise_id=case.enterprise_id, grade=grade,
                comment=comment.strip()[:500], channel=channel, rated_on=timezone.localtime(at).date(), at=at, account=account,
            )  # fmt: skip
    except IntegrityError:
        raise Refused("本件已经评价过，每个办件评价一次") from None


def link(case: Case) -> str:
    """Address of the rating page for a text message or the window's QR code; needs no sign-in."""
    return f"/rate/{signing.dumps(str(case.pk), salt=SALT, compress=True)}/"


def case_of(token: str) -> UUID | None:
    try:
        return UUID(signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError):
        return None


def due(rating: Satisfaction, kind: str) -> date:
    limit = rules.value(RULES[kind], on=rating.rated_on)
    return calendar.due(rating.rated_on, int(limit.value), limit.unit).date


def waiting(rating: Satisfaction) -> str:
    """What has to be done next about a bad rating: call, rectify, or nothing."""
    done = {f.kind for f in rating.follow_ups.all()}
    return next((k for k in RULES if rating.is_bad and k not in done), "")


def follow_up(key: int, kind: str, actor: Actor, text: str, *, at: datetime | None = None) -> FollowUp:
    """Register the call back, then what was put right; by the bureau rated or a supervisor above it."""
    at = at or timezone.now()
    with transaction.atomic():
        rating = Satisfaction.objects.prefetch_related("follow_ups").get(pk=key)
        if actor.post is None or not _concerns(actor, rating):
            raise NoPower("差评由被评价的机构回访整改")
        if kind != waiting(rating):
            raise Refused("请先登记回访，再登记整改；登记过的不能更改")
        if len(text.strip()) < 4:
            raise Refused("请写明回访或者整改的情况，至少四个字", "text")
        return FollowUp.objects.create(
            satisfaction=rating, place=rating.place, kind=kind, text=text.strip()[:2000], on=timezone.localtime(at).date(),
            at=at, account=actor.account, post=actor.post,
        )  # fmt: skip


def _concerns(actor: Actor, rating: Satisfaction) -> bool:
    roles = {p.role for p in actor.powers}
    if actor.office.agency_id == rating.agency_id and roles & {"window_clerk", "approver", "supervisor"}:
        return True
    lo, hi = jurisdiction(actor.office.agency.place)
    return "supervisor" in roles and lo <= rating.place <= hi
