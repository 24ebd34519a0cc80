"""Doubts about shared data (疑义): raised by whoever uses it, verified and corrected by whoever keeps the record."""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue import records
from jinzhi.network.catalogue.models import Challenge

ANSWERERS = ("supervisor", "approver", "administrator")


def raise_one(by: Actor, dataset: str, record: Any, field: str, wanted: str, reason: str) -> Challenge:
    """An official who sees the record doubts one item of it. Raises Refused."""
    found = records.read(dataset, record)
    if found is None:
        raise Refused("没有这条记录，或者不在管辖范围内。", "record")
    return enter(
        found,
        field,
        wanted,
        reason,
        place=by.post.agency.place,
        name=f"{by.post.agency.short_name} {by.account}",
    )


def enter(found: records.Found, field: str, wanted: str, reason: str, *, place: int, name: str) -> Challenge:
    """Write a doubt about a record that the one who doubts may see (from a page, or a partner's signed call)."""
    one, wanted = found.dataset, wanted.strip()
    if field not in one.by_key:
        raise Refused("请选择有误的信息项。", "field")
    if not reason.strip():
        raise Refused("请写明理由和依据。", "reason")
    present = records.written(found.body.get(field))
    if wanted == present:
        raise Refused("应为的内容与现有内容相同。", "wanted")
    try:
        with transaction.atomic():
            made = Challenge.objects.create(
                place=place, provider_place=found.row.place, dataset=one.key, record=found.row.pk, title=found.title,
                field=field, present=present, wanted=wanted, reason=reason.strip()[:500], raised_by=name[:120],
                raised_on=calendar.today(),
            )  # fmt: skip
    except IntegrityError:
        raise Refused(f"这条记录的“{one.by_key[field].title}”已有一项疑义在核实。", "field") from None
    return made


def due(row: Challenge) -> date:
    limit = int(rules.value("catalogue.challenge", on=row.raised_on).value)
    return calendar.due(row.raised_on, limit).date


@transaction.atomic
def answer(by: Actor, key: Any, *, accept: bool, text: str) -> Challenge:
    """Answer once; accepting corrects the record here, and the correction travels. Raises Refused."""
    row = Challenge.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise Refused("没有这项疑义，或者不在管辖范围内。")
    lo, hi = scope.jurisdiction(by.post.agency.place)
    if not by.roles & set(ANSWERERS) or not lo <= row.provider_place <= hi:
        raise Refused("由保存这条记录的机构的督查、审批或者系统管理岗位核实。")
    if row.state != Challenge.State.OPEN:
        raise Refused("这项疑义已经答复。")
    if not text.strip():
        raise Refused("请写明核实情况。", "text")
    if accept:
        reason = f"数据疑义更正：{text.strip()}"[:300]
        records.correct(
            row.dataset, row.record, row.field, row.wanted, reason=reason, actor=by.account, post=by.post
        )
    _settle(row, Challenge.State.ACCEPTED if accept else Challenge.State.REFUSED, text, str(by.account))
    title = declared.get(row.dataset).by_key[row.field].title
    history.append(
        "catalogue", "catalogue.challenge_answered", actor=by.account, post=by.post, subject=f"challenge:{row.pk}",
        data={"数据集": row.dataset, "信息项": title, "更正": accept, "答复": row.answer}, address=by.address,
    )  # fmt: skip
    return row


def _settle(row: Challenge, state: Challenge.State, text: str, who: str) -> None:
    row.state, row.answer, row.answered_by, row.answered_on = (
        state,
        text.strip()[:500],
        who[:80],
        calendar.today(),
    )
    row.save()


def settle_corrected() -> int:
    """Close doubts whose record meanwhile says what it should: its own keeper corrected it elsewhere."""
    done = 0
    with scope.acting(scope.SYSTEM):
        for row in Challenge.objects.filter(state=Challenge.State.OPEN).iterator():
            if row.dataset not in declared.all():
                continue
            found = records.read(row.dataset, row.record)
            if found is not None and records.written(found.body.get(row.field)) == row.wanted:
                _settle(row, Challenge.State.ACCEPTED, "收到的新版本已与应为的内容一致。", "系统核对")
                done += 1
    return done
