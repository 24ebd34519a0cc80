"""How the catalogue knows partners: who they are, and how a grant reaches the channel they receive by."""

from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction

from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue import consumers, requesting
from jinzhi.network.catalogue.consumers import Consumer, Kind

KIND = "partner"


def find(code: str) -> Consumer | None:
    from jinzhi.network.partners.models import Partner

    with scope.acting(scope.SYSTEM):
        found = Partner.objects.filter(code=code).first()
    return Consumer(KIND, found.code, found.name, found.place, "partners") if found else None


def offered() -> list[tuple[str, str]]:
    from jinzhi.network.partners.models import Partner

    return list(Partner.objects.order_by("code").values_list("code", "name"))


def deliver(grant, existing: bool) -> None:
    """Open the way out; a partner that is not switched on yet gets its grants when it is."""
    if not grant.inward:
        consumers.connect(f"out.{grant.consumer}", grant, existing)


def stop(grant) -> None:
    if not grant.inward:
        consumers.disconnect(f"out.{grant.consumer}", grant.dataset)


def register() -> None:
    consumers.register(Kind(KIND, "外部单位", find, offered, deliver, stop))


@transaction.atomic
def let_deliver(by: Actor | None, partner, dataset: str, fields: list[str], until: date, purpose: str):
    """Let a partner deliver a dataset until a day (inward grant). Raises Refused."""
    from jinzhi.network.catalogue.models import Grant

    if dataset not in declared.all():
        raise Refused(f"没有登记的数据集：{dataset[:80]}。", "dataset")
    one, today = declared.get(dataset), calendar.today()
    if one.flow not in ("in", "both") or one.in_table:
        raise Refused(f"{one.title}不由外部单位提供。", "dataset")
    given = fields or [f.key for f in one.fields if f.share != "no"]
    if unknown := [key for key in given if key not in one.by_key]:
        raise Refused(f"没有登记的信息项：{'、'.join(unknown)[:120]}。", "fields")
    if closed := [one.by_key[key].title for key in given if one.by_key[key].share == "no"]:
        raise Refused(f"不予共享的信息项不能授权：{'、'.join(closed)}。", "fields")
    if missing := [f.title for f in one.fields if f.required and f.key not in given]:
        raise Refused(f"必填的信息项应当包括：{'、'.join(missing)}。", "fields")
    longest = rules.value("catalogue.longest_grant", on=today)
    if not today <= until <= add_months(today, int(longest.value)):
        raise Refused(f"终止日期应在今天以后、{longest.shown}以内。", "until")
    if len(purpose.strip()) < requesting.SHORTEST:
        raise Refused("请写明用途和协议。", "purpose")
    try:
        with transaction.atomic():
            grant = Grant.objects.create(
                place=partner.place, provider_place=int(settings.NODE) * 10**6, dataset=dataset, kind=KIND,
                consumer=partner.code, consumer_name=partner.name, inward=True, purpose=purpose.strip()[:500],
                fields=[f.key for f in one.fields if f.key in given], area=partner.lo, since=today, until=until,
                granted_by=str(by.account if by else "运行维护人员")[:80],
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{partner.name}已有提供{one.title}的有效授权。", "dataset") from None
    history.append(
        "catalogue", "catalogue.inward", actor=by.account if by else "jinzhi", post=by.post if by else None,
        subject=f"grant:{grant.pk}", data={"对方": partner.name, "数据集": one.title, "期限止": str(until)},
        address=by.address if by else None,
    )  # fmt: skip
    return grant


@transaction.atomic
def give(partner, dataset: str, fields: list[str], area: int, until: date, purpose: str):
    """Grant a dataset to a partner by an operator who has the provider's approval at hand; same rules as a request."""
    from jinzhi.network.catalogue.models import Grant

    if dataset not in declared.all():
        raise Refused(f"没有登记的数据集：{dataset[:80]}。", "dataset")
    one, today = declared.get(dataset), calendar.today()
    given = fields or [f.key for f in one.fields if f.share == "unconditional"]
    usual = 0 if one.flow in ("in", "both") and not one.in_table else int(settings.NODE) * 10**6
    wish = requesting.Wish(
        dataset, KIND, partner.code, purpose, tuple(given), today, until, usual if area < 0 else area, purpose
    )
    requesting.judge(wish, today)
    try:
        with transaction.atomic():
            grant = Grant.objects.create(
                place=partner.place, provider_place=int(settings.NODE) * 10**6, dataset=dataset, kind=KIND,
                consumer=partner.code, consumer_name=partner.name, purpose=purpose.strip()[:500],
                fields=[f.key for f in one.fields if f.key in given], area=wish.area, since=today, until=until,
                granted_by="运行维护人员",
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"{partner.name}已有{one.title}的有效授权。", "dataset") from None
    history.append(
        "catalogue", "catalogue.approved", actor="jinzhi", subject=f"grant:{grant.pk}",
        data={"使用方": partner.name, "title": one.title, "期限止": str(until)},
    )  # fmt: skip
    deliver(grant, True)
    return grant
