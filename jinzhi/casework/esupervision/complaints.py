"""投诉: received from anybody, accepted or not within days, investigated, answered within days; found true, it is C1.

Anonymous ones are kept and investigated but not answered. Who sent one looks it up with its number and code.
"""

import secrets
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.esupervision import handling
from jinzhi.casework.esupervision.handling import NoPower, Refused
from jinzhi.casework.esupervision.models import Complaint, ComplaintEntry
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, numbering, rules
from jinzhi.foundation.history.chain import sm3
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places.scope import jurisdiction

SUBJECTS = {
    "late": "超过期限不办理", "refused": "符合条件不受理、不许可", "material": "要求法定以外的材料", "fee": "违规收费",
    "attitude": "服务态度", "offline": "要求线下办理", "information": "应当公开的没有公开", "other": "其他",
}  # fmt: skip
SECTIONS = {"late": "C1", "attitude": "C1"}
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def lodge(
    *, text: str, subject: str, agency: Agency | None = None, case: Case | None = None, name: str = "", phone: str = "",
    enterprise_id=None, channel: str = "web", at: datetime | None = None,
) -> tuple[Complaint, str]:  # fmt: skip
    """Take a complaint in; answers it with the code for looking it up. Meant to run as the system."""
    at = at or timezone.now()
    day = timezone.localtime(at).date()
    to = agency or (case.agency if case else None)
    if to is None:
        raise Refused("请选择被投诉的机构", "agency")
    if subject not in SUBJECTS:
        raise Refused("请选择反映的问题", "subject")
    if len(text.strip()) < 10:
        raise Refused("请把具体情况写清楚，至少十个字", "text")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    with transaction.atomic():
        number = numbering.next_number("complaint", to.key, day.year, "TSJB{agency}{year}{n:05d}")
        complaint = Complaint.objects.create(
            number=number, place=to.place, agency=to, case=case, subject=subject, text=text.strip()[:4000],
            name=name.strip()[:40], phone=phone.strip()[:40], enterprise_id=enterprise_id, secret=sm3(code.encode()),
            channel=channel, received_at=at, received_on=day,
        )  # fmt: skip
        ComplaintEntry.objects.create(
            complaint=complaint, place=to.place, at=at, kind="received", text="收到投诉。"
        )
    return complaint, code


def look_up(number: str, code: str) -> Complaint | None:
    """The complaint its sender asks about; runs as the system because its sender has no account."""
    found = Complaint.objects.filter(number=number.strip().upper()).select_related("agency").first()
    if found is None or not secrets.compare_digest(found.secret, sm3(code.strip().upper().encode())):
        return None
    return found


def due(complaint: Complaint) -> date:
    """Until when the next thing has to be done: accepted or not; then answered."""
    if complaint.status == Complaint.Status.RECEIVED:
        rule, start = "esupervision.complaint_acceptance", complaint.received_on
    else:
        rule, start = "esupervision.complaint_result", complaint.accepted_on or complaint.received_on
    limit = rules.value(rule, on=complaint.received_on)
    return calendar.due(start, int(limit.value), limit.unit).date


def is_late(complaint: Complaint, today: date | None = None) -> bool:
    waiting = complaint.status in (Complaint.Status.RECEIVED, Complaint.Status.ACCEPTED)
    return waiting and (today or calendar.today()) > due(complaint)


def may_handle(actor: Actor, complaint: Complaint) -> bool:
    """A supervisor whose range holds the bureau; not the one complained about where a case names him."""
    if actor.post is None or not any(p.role == "supervisor" for p in actor.powers):
        return False
    lo, hi = jurisdiction(actor.post.agency.place)
    return lo <= complaint.place <= hi


def perform(
    key: int, action: str, actor: Actor, *, text: str, finding: str = "", worse: bool = False, at: datetime | None = None
) -> Complaint:  # fmt: skip
    """accept, refuse, transfer or close a complaint. Raises Refused, Complaint.DoesNotExist."""
    at = at or timezone.now()
    day, text = timezone.localtime(at).date(), text.strip()
    with transaction.atomic(), calendar.pinned():
        complaint = Complaint.objects.select_for_update().get(pk=key)
        if not may_handle(actor, complaint):
            raise NoPower("投诉由督查办理")
        if complaint.status in (Complaint.Status.REFUSED, Complaint.Status.CLOSED):
            raise Refused("投诉已办结")
        if len(text) < 4:
            raise Refused("请写明理由或者处理结果，至少四个字", "text")
        if action in ("accept", "refuse"):
            _take(complaint, action, text, day)
        elif action == "close":
            _close(complaint, actor, text, finding, worse, day, at)
        else:
            raise Refused("没有这种办理")
        complaint.save()
        ComplaintEntry.objects.create(
            complaint=complaint,
            place=complaint.place,
            at=at,
            kind=action,
            text=text,
            account=actor.account,
            post=actor.post,
        )
    return complaint


def _take(complaint: Complaint, action: str, text: str, day: date) -> None:
    if complaint.status != Complaint.Status.RECEIVED:
        raise Refused("投诉已经受理")
    complaint.accepted_on = day
    complaint.status = Complaint.Status.ACCEPTED if action == "accept" else Complaint.Status.REFUSED
    if action == "refuse":
        complaint.closed_on, complaint.result = day, text


def _close(
    complaint: Complaint, actor: Actor, text: str, finding: str, worse: bool, day: date, at: datetime
) -> None:
    if complaint.status != Complaint.Status.ACCEPTED:
        raise Refused("请先受理投诉")
    if finding not in Complaint.Finding.values:
        raise Refused("请选择查证结论", "finding")
    complaint.status, complaint.finding, complaint.result = Complaint.Status.CLOSED, finding, text
    complaint.closed_on = day
    if finding == Complaint.Finding.FALSE:
        return
    basis = {"complaint": complaint.number, "finding": Complaint.Finding(finding).label}
    case = complaint.case
    if case and handling.Signal.objects.filter(rule="C1", case=case, cause="").exists():
        case = None  # a second true complaint about the same case is a card of its own
    handling.raise_by_hand(actor, case, "C1", text, agency=complaint.agency, worse=worse, at=at, basis=basis)
