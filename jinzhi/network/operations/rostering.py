"""值班表: who is on duty now, where nobody is, and who may be put on it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.casework.refusals import Refused
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.network.operations import qualifying
from jinzhi.network.operations.models import Assignment, Duty

LONGEST = timedelta(hours=72)  # one turn; a slip of the month is no turn


def put(
    agency: Agency, account: Account, starts: datetime, ends: datetime, *, phone: str, kind: str = "main",
    is_demo: bool = False,
) -> Duty:  # fmt: skip
    """Enter a turn. Raises Refused: not in charge of this network, without certificate, somebody else is on."""
    if ends <= starts:
        raise Refused("结束时间应当晚于开始时间", "ends")
    if ends - starts > LONGEST:
        raise Refused("一个班次最长 72 小时，请分班填写", "ends")
    day = timezone.localtime(starts).date()
    held = Assignment.objects.filter(agency=agency.key, account=account, since__lte=day).exclude(
        until__lt=day
    )
    position = held.order_by("position").values_list("position", flat=True).first()
    if position is None:
        raise Refused(f"{account.name}不在{agency.short_name}的网管岗位上，不能值班", "account")
    standing = qualifying.standing(account, position, timezone.localtime(ends).date())
    if not standing.fit:
        raise Refused(f"{account.name}{standing.text}，不能值班", "account")
    try:
        with transaction.atomic():
            return Duty.objects.create(
                place=agency.place, agency=agency.key, kind=kind, account=account, phone=phone, starts=starts, ends=ends,
                is_demo=is_demo,
            )  # fmt: skip
    except IntegrityError:
        raise Refused("这段时间已经排有主班，请先调整", "starts") from None


def on_duty(agencies: Iterable[str], now: datetime) -> dict[str, list[Duty]]:
    """agency -> the turns running at that moment, the main one first."""
    found: dict[str, list[Duty]] = {key: [] for key in agencies}
    running = Duty.objects.filter(agency__in=found, starts__lte=now, ends__gt=now).select_related("account")
    for duty in running.order_by("kind", "starts"):
        found[duty.agency].append(duty)
    return found


def gaps(agency: str, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Stretches of `[since, until)` without a main turn."""
    turns = Duty.objects.filter(agency=agency, kind="main", starts__lt=until, ends__gt=since).order_by(
        "starts"
    )
    found, reached = [], since
    for starts, ends in turns.values_list("starts", "ends"):
        if starts > reached:
            found.append((reached, starts))
        reached = max(reached, ends)
    if reached < until:
        found.append((reached, until))
    return found
