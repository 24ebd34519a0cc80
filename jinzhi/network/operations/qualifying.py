"""上岗资格: certificates of network administrators, and who may be put in charge of a network or on duty."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from jinzhi.casework.refusals import Refused
from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.people.models import Account, Agency, Post
from jinzhi.foundation.places import scope
from jinzhi.network.operations.models import Assignment, Qualification

FITTING = {
    Assignment.Position.NETWORK: ("junior", "middle", "senior"),
    Assignment.Position.SECURITY: ("security",),
}


@dataclass(frozen=True)
class Standing:
    """Whether somebody may work in a position on a day: state is valid, grace or none."""

    state: str
    until: date | None
    text: str

    @property
    def fit(self) -> bool:
        return self.state != "none"


def _posted(account: Account, agency: Agency, day: date) -> None:
    held = Post.objects.filter(account=account, agency=agency, valid_from__lte=day).exclude(valid_to__lt=day)
    if not account.is_active or not held.exists():
        raise Refused(f"{account.name}在{agency.short_name}没有有效的任职", "account")


def certify(
    account: Account, agency: Agency, *, kind: str, number: str, score: Decimal, issued_on: date, course: str = "",
    hours: int = 0, by=None, is_demo: bool = False,
) -> Qualification:  # fmt: skip
    """Enter a certificate; its validity comes from the rules of the day of issue. Raises Refused."""
    if issued_on > calendar.today():
        raise Refused("发证日期不能晚于今天", "issued_on")
    _posted(account, agency, calendar.today())
    pass_mark = rules.value("operations.exam_pass", on=issued_on)
    if score < pass_mark.value:
        raise Refused(f"考试成绩 {score} 分，未达到 {pass_mark.shown}，不能发证", "score")
    if score > 100:
        raise Refused("考试成绩不能超过 100 分", "score")
    years = int(rules.value("operations.certificate_validity", on=issued_on).value)
    try:
        with transaction.atomic():
            made = Qualification.objects.create(
                place=agency.place, account=account, kind=kind, number=number.strip(), score=score, course=course,
                hours=hours, issued_on=issued_on, valid_until=add_months(issued_on, 12 * years), is_demo=is_demo,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"证书编号 {number} 已经登记", "number") from None
    history.append(
        "operations", "operations.certified", actor=by.account if by else None, post=by.post if by else None,
        subject=account.username, data={"number": made.number, "kind": kind}, place=agency.place,
    )  # fmt: skip
    return made


def valid(account: Account, position: str, day: date) -> Qualification | None:
    """The certificate for the position that lasts longest, of those valid on the day."""
    held = Qualification.objects.filter(account=account, kind__in=FITTING[Assignment.Position(position)])
    return held.filter(issued_on__lte=day, valid_until__gte=day).order_by("-valid_until").first()


def standing(account: Account, position: str, day: date) -> Standing:
    """Certificate, or the months of grace from the first day in such a position; asked as the system: a certificate
    entered by another bureau counts, too."""
    with scope.acting(scope.SYSTEM):
        held = valid(account, position, day)
        first = Assignment.objects.filter(account=account, position=position).order_by("since").first()
    if held:
        return Standing("valid", held.valid_until, f"{held.get_kind_display()}，有效期至 {held.valid_until}")
    if first is None:
        return Standing("none", None, "没有有效的资格证书")
    until = first.grace_until or first.since
    if first.since <= day <= until:
        return Standing("grace", until, f"尚无有效证书，应在 {until} 前取得")
    return Standing("none", None, f"没有有效的资格证书，宽限期已于 {until} 届满")


def grace(since: date) -> date:
    return add_months(since, int(rules.value("operations.certificate_grace", on=since).value))


def assign(
    account: Account,
    agency: Agency,
    position: str,
    since: date,
    *,
    phone: str = "",
    by=None,
    is_demo: bool = False,
) -> Assignment:
    """Put somebody in charge. Without a certificate once, for the months of grace; afterwards refused."""
    _posted(account, agency, since)
    certain = standing(account, position, since)
    with scope.acting(scope.SYSTEM):
        known = Assignment.objects.filter(account=account, position=position).exists()
    until = None
    if not certain.fit:
        if known:
            raise Refused(f"{account.name}{certain.text}，不能上岗", "account")
        until = grace(since)
    elif certain.state == "grace":
        until = certain.until
    try:
        with transaction.atomic():
            made = Assignment.objects.create(
                place=agency.place, agency=agency.key, position=position, account=account, since=since, phone=phone,
                grace_until=until, is_demo=is_demo,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{account.name}已在此岗位上", "account") from None
    history.append(
        "operations", "operations.assigned", actor=by.account if by else None, post=by.post if by else None,
        subject=account.username, data={"position": position, "grace_until": str(until or "")}, place=agency.place,
    )  # fmt: skip
    return made


def leave(assignment: Assignment, on: date) -> None:
    if on < assignment.since:
        raise Refused("离岗日期不能早于上岗日期", "until")
    assignment.until = on
    assignment.save(update_fields=["until"])


def coverage(day: date) -> tuple[int, int]:
    """(positions held by certified people, positions held) within the scope."""
    held = list(Assignment.objects.filter(since__lte=day).exclude(until__lt=day).select_related("account"))
    return sum(valid(a.account, a.position, day) is not None for a in held), len(held)
