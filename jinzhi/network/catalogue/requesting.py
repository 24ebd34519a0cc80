"""Asking for shared data and the provider's answer: purpose, fields, period; nothing without an end."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction

from jinzhi.foundation import calendar, history, numbering, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.services import is_current
from jinzhi.network.catalogue import consumers, metadata, registering
from jinzhi.network.catalogue.models import Entry, Grant, Request

CHAIN = "catalogue"
ASKERS = ("supervisor", "administrator", "approver")
ANSWERERS = registering.KEEPERS
SHORTEST = 6  # characters of a purpose: "工作需要" is none


@dataclass(frozen=True)
class Wish:
    """What a consumer asks for; `area` is a 12-digit place, its records and those below it."""

    dataset: str
    kind: str
    consumer: str
    purpose: str
    fields: tuple[str, ...]
    since: date
    until: date | None
    area: int
    legal_basis: str = ""
    existing: bool = True


def provider_name(key: str) -> str:
    return Agency.objects.filter(key=key).values_list("name", flat=True).first() or key


def judge(wish: Wish, today: date) -> tuple[Dataset, consumers.Consumer]:
    """Whether the law of sharing lets this be asked at all. Raises Refused in words, by field."""
    try:
        one = metadata.find(wish.dataset)
    except declared.Undeclared as fault:
        raise Refused(f"{fault}。", "dataset") from None
    consumer = _consumer(wish)
    _fields(one, wish)
    if consumer.key == one.owner:
        raise Refused(f"{consumer.name}就是提供方，不必申请。", "consumer")
    if consumer.audience not in one.audience:
        raise Refused(
            f"{one.title}没有面向{'外部单位' if consumer.audience == 'partners' else '市、县局'}共享。",
            "consumer",
        )
    if one.down == "all" and wish.kind == "agency":
        raise Refused(f"{one.title}按目录向各市下发，不必申请。", "dataset")
    if Entry.objects.filter(pk=one.key, state=Entry.State.SUSPENDED).exists():
        raise Refused(f"{one.title}暂停共享，不能申请。", "dataset")
    if len(wish.purpose.strip()) < SHORTEST:
        raise Refused("请写明具体用途，例如用于哪项职责、哪个系统。", "purpose")
    _period(wish, today)
    _area(one, wish)
    return one, consumer


def _consumer(wish: Wish) -> consumers.Consumer:
    kind = consumers.KINDS.get(wish.kind)
    found = kind.find(wish.consumer) if kind else None
    if found is None:
        raise Refused("没有这个使用方，请先登记。", "consumer")
    return found


def _fields(one: Dataset, wish: Wish) -> None:
    if one.share == "no":
        raise Refused(f"{one.title}不予共享（{one.legal_basis}）。", "dataset")
    if not wish.fields:
        raise Refused("请选择需要的信息项。", "fields")
    if unknown := [key for key in wish.fields if key not in one.by_key]:
        raise Refused(f"没有登记的信息项：{'、'.join(unknown)[:120]}。", "fields")
    if closed := [one.by_key[key].title for key in wish.fields if one.by_key[key].share == "no"]:
        raise Refused(f"不予共享的信息项不能申请：{'、'.join(closed)}（{one.legal_basis}）。", "fields")
    conditional = [
        one.by_key[k].title
        for k in wish.fields
        if metadata.effective_share(one, one.by_key[k]) == "conditional"
    ]
    if conditional and not wish.legal_basis.strip():
        raise Refused(f"{'、'.join(conditional[:4])}为有条件共享，请写明申请的依据。", "legal_basis")


def _period(wish: Wish, today: date) -> None:
    if wish.until is None:
        raise Refused("授权应当有期限，请填写终止日期。", "until")
    if wish.since < today:
        raise Refused("授权不能早于今天。", "since")
    if wish.until < wish.since:
        raise Refused("终止日期早于起始日期。", "until")
    rule = rules.value("catalogue.longest_grant", on=today)
    last = add_months(wish.since, int(rule.value))
    if wish.until > last:
        raise Refused(
            f"一次授权不超过 {rule.shown}，即不晚于 {last}（{rule.basis}）；期满可以重新申请。", "until"
        )


def _area(one: Dataset, wish: Wish) -> None:
    """A place of this province; 0, all places, for sets that others give, too."""
    if wish.area == 0 and one.flow in ("in", "both") and not one.in_table:
        return
    lo, hi = scope.jurisdiction(int(settings.NODE) * 10**6)
    if not lo <= wish.area <= hi or not is_current(wish.area):
        raise Refused("数据范围不是现行的行政区划。", "area")


@transaction.atomic
def ask(by: Actor, wish: Wish) -> Request:
    """Enter a request. An agency asks for itself, the provider's own people enter a partner's letter. Raises Refused."""
    if not by.roles & set(ASKERS):
        raise Refused("由督查、审批或者系统管理岗位提出申请。")
    today = calendar.today()
    one, consumer = judge(wish, today)
    if wish.kind == "agency" and wish.consumer != by.post.agency.key:
        raise Refused("只能为本机构申请。", "consumer")
    if wish.kind != "agency" and by.post.agency.key != one.owner:
        raise Refused("外部单位的申请由提供方收到后登记；市、县局只能为本机构申请。", "consumer")
    return enter(one, consumer, wish, asked_by=by.account.pk, name=str(by.account), by=by)


@transaction.atomic
def enter(
    one: Dataset,
    consumer: consumers.Consumer,
    wish: Wish,
    *,
    asked_by: int | None,
    name: str,
    by: Actor | None = None,
) -> Request:
    """Write a request that was judged (from a page, or from a partner's signed call)."""
    today = calendar.today()
    assert wish.until is not None
    if Grant.objects.filter(
        dataset=one.key, kind=wish.kind, consumer=wish.consumer, inward=False, state=Grant.State.ACTIVE
    ).exists():
        raise Refused(f"{consumer.name}已有这项数据的有效授权；范围要变的，先终止原授权。", "dataset")
    number = numbering.next_number("catalogue_request", one.owner, today.year, "GX{agency}-{year}-{n:04d}")
    try:
        with transaction.atomic():
            made = Request.objects.create(
                number=number, place=consumer.place, provider_place=_place(one.owner), dataset=one.key,
                provider=one.owner, kind=wish.kind, consumer=consumer.key, consumer_name=consumer.name,
                purpose=wish.purpose.strip()[:500], legal_basis=wish.legal_basis.strip()[:300],
                fields=sorted(set(wish.fields), key=list(one.by_key).index), area=wish.area, since=wish.since,
                until=wish.until, existing=wish.existing, asked_by=asked_by, asked_by_name=name[:80], asked_on=today,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{consumer.name}对{one.title}已有一项申请在办。", "dataset") from None
    _log("catalogue.asked", made, by, {"title": one.title, "fields": made.fields, "purpose": made.purpose})
    return made


def _place(agency: str) -> int:
    return Agency.objects.values_list("place", flat=True).get(key=agency)


def _log(kind: str, row: Request | Grant, by: Actor | None, data: dict) -> None:
    history.append(
        CHAIN, kind, actor=by.account if by else row.consumer_name, post=by.post if by else None,
        subject=f"{type(row).__name__.lower()}:{row.pk}", data={"使用方": row.consumer_name, **data},
        address=by.address if by else None,
    )  # fmt: skip


def due(row: Request) -> date:
    """The provider answers by this day."""
    limit = int(rules.value("catalogue.answer", on=row.asked_on).value)
    return calendar.due(row.asked_on, limit).date


def late(row: Request) -> bool:
    return due(row) < (row.answered_on or calendar.today())


@transaction.atomic
def answer(
    by: Actor, key, *, accept: bool, text: str, fields: list[str] | None = None, until: date | None = None
) -> Request:
    """Answer once. The provider may give fewer fields and a shorter time than asked, never more. Raises Refused."""
    row = _locked(key)
    one = declared.get(row.dataset)
    registering.may_keep(by, one)
    if row.asked_by == by.account.pk:
        raise Refused("申请人不能答复自己提出的申请，请由另一人答复。")
    if not text.strip():
        raise Refused("请写明答复意见。", "text")
    row.state = Request.State.APPROVED if accept else Request.State.REFUSED
    row.answer, row.answered_by, row.answered_on = text.strip()[:500], str(by.account)[:80], calendar.today()
    if accept:
        given = _narrowed(row, one, fields, until)
        row.save()
        grant = Grant.objects.create(
            place=row.place, provider_place=row.provider_place, request=row, dataset=row.dataset, kind=row.kind,
            consumer=row.consumer, consumer_name=row.consumer_name, purpose=row.purpose, fields=given[0],
            area=row.area, since=max(row.since, calendar.today()), until=given[1], granted_by=str(by.account)[:80],
        )  # fmt: skip
        consumers.KINDS[row.kind].deliver(grant, row.existing)
    else:
        row.save()
    _log(
        "catalogue.approved" if accept else "catalogue.refused",
        row,
        by,
        {"title": one.title, "answer": row.answer},
    )
    return row


def _locked(key) -> Request:
    row = Request.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise Refused("没有这项申请，或者不在管辖范围内。")
    if row.state != Request.State.OPEN:
        raise Refused(f"这项申请已经{row.get_state_display()}，不能再次办理。")
    return row


def _narrowed(
    row: Request, one: Dataset, fields: list[str] | None, until: date | None
) -> tuple[list[str], date]:
    given = row.fields if fields is None else fields
    if not given:
        raise Refused("没有选择信息项：不同意提供的，请答复不同意。", "fields")
    if extra := set(given) - set(row.fields):
        raise Refused(f"不能授予没有申请的信息项：{'、'.join(sorted(extra))[:100]}。", "fields")
    if closed := [one.by_key[k].title for k in given if k not in one.by_key or one.by_key[k].share == "no"]:
        raise Refused(f"不予共享的信息项不能授权：{'、'.join(closed)}。", "fields")
    last = until or row.until
    if last > row.until:
        raise Refused("授权期限不能长于申请的期限。", "until")
    if last < calendar.today():
        raise Refused("授权期限已经过去，请申请方重新申请。", "until")
    return [k for k in row.fields if k in given], last


@transaction.atomic
def withdraw(by: Actor, key) -> Request:
    """The asking side takes an open request back. Raises Refused."""
    row = _locked(key)
    own = row.consumer == by.post.agency.key if row.kind == "agency" else row.asked_by == by.account.pk
    if not own:
        raise Refused("由申请的机构撤回。")
    row.state, row.answered_on = Request.State.WITHDRAWN, calendar.today()
    row.save()
    _log("catalogue.withdrawn", row, by, {})
    return row


@transaction.atomic
def end(by: Actor, key, reason: str) -> Grant:
    """Provider or consumer ends a grant before its time; delivery stops with the next record. Raises Refused."""
    grant = Grant.objects.select_for_update().filter(pk=key).first()
    if grant is None:
        raise Refused("没有这项授权，或者不在管辖范围内。")
    one = declared.get(grant.dataset)
    if not (grant.kind == "agency" and grant.consumer == by.post.agency.key):
        registering.may_keep(by, one)
    if grant.state != Grant.State.ACTIVE:
        raise Refused("这项授权已经终止。")
    if not reason.strip():
        raise Refused("请写明终止的原因。", "reason")
    close(grant, reason)
    _log("catalogue.ended", grant, by, {"title": one.title, "reason": reason.strip()})
    return grant


def close(grant: Grant, reason: str) -> None:
    grant.state, grant.ended_on, grant.reason = Grant.State.ENDED, calendar.today(), reason.strip()[:300]
    grant.save()
    consumers.KINDS[grant.kind].stop(grant)


def expire() -> int:
    """End grants whose last day is over."""
    done = 0
    with scope.acting(scope.SYSTEM):
        for key in Grant.objects.filter(state=Grant.State.ACTIVE, until__lt=calendar.today()).values_list(
            "pk", flat=True
        ):
            with transaction.atomic():
                grant = Grant.objects.select_for_update().get(pk=key)
                if grant.state == Grant.State.ACTIVE:
                    close(grant, "授权期满")
                    done += 1
    return done
