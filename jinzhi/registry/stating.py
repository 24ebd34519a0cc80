"""Statements about an enterprise: taken, kept beside the current value, corrected by hand, settled.

The rules of who wins are in `facts.decide`; imports apply the same set-based. Every writer locks the
enterprise's row first.
"""

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.places.services import ELSEWHERE, is_current
from jinzhi.registry.facts import FIELDS, Stated, Verdict, decide, rank_of
from jinzhi.registry.models import Enterprise, EnterpriseContact, Entry, Fact, Identifier
from jinzhi.registry.services import Refused, code_problems
from jinzhi.registry.written import normal

CURRENT = (Fact.State.CHOSEN, Fact.State.LOCKED)


def text(enterprise: Enterprise, field: str) -> str:
    """The current value as facts keep it."""
    value = getattr(enterprise, field)
    return "" if value is None else str(value)


def parse(field: str, value: str) -> Any:
    """A fact's text as the column takes it. Raises Refused in words."""
    kind, value = FIELDS[field].type, value.strip()
    column: Any = Enterprise._meta.get_field(field)
    try:
        if kind == "date":
            return date.fromisoformat(value) if value else None
        if kind in ("place", "money"):
            number = int(value) if value else None
            if kind == "money" and number is not None and not 0 <= number < 2**63:
                raise ValueError
            if kind == "place" and (number is None or (number != ELSEWHERE and not is_current(number))):
                raise Refused({"value": f"区划代码 {value or '（空）'} 今天不在用"})
            return number
    except ValueError:
        raise Refused({"value": f"“{value[:40]}”不是有效的{FIELDS[field].title}"}) from None
    if column.choices and value and value not in dict(column.choices):
        raise Refused({"value": f"“{value[:40]}”不是{FIELDS[field].title}的选项"})
    if field in ("uscc", "org_code"):
        value = normal(value)
        if wrong := code_problems(**{field: value}):
            raise Refused({"value": next(iter(wrong.values()))})
    if field == "name" and not value:
        raise Refused({"value": "名称不能为空"})
    if "\0" in value or (column.max_length and len(value) > column.max_length):
        raise Refused({"value": f"{FIELDS[field].title}超过 {column.max_length} 字，或者有不能保存的字符"})
    return value


def locked(key: Any) -> Enterprise:
    """The enterprise with its row locked; Refused where these eyes do not see it or it was merged."""
    found = Enterprise.objects.select_for_update().filter(pk=key).first()
    if found is None:
        raise Refused({"enterprise": "没有这家企业，或者不在管辖范围内"})
    if found.merged_into_id:
        raise Refused({"enterprise": f"“{found.name}”已并入另一家企业"})
    return found


def held(enterprise: Enterprise, field: str) -> tuple[Stated, Fact | None]:
    """The current value with its provenance, and the fact row that keeps it where there is one."""
    row = enterprise.facts.filter(field=field, state__in=CURRENT, removed_at=None).order_by("-id").first()
    value = text(enterprise, field)
    if row is not None and row.value == value:
        return Stated(value, row.source, row.source_on, row.rank, row.locked_until), row
    source = enterprise.source
    return Stated(value, source, enterprise.source_on, rank_of(source)), None


@transaction.atomic
def state(
    key: Any,
    field: str,
    value: str,
    *,
    source: str,
    source_on: date | None = None,
    confidence: int = 100,
    actor: object = None,
    batch: object = None,
) -> Verdict:
    """Hear what a source states of a field, and let the rule decide what becomes of it."""
    enterprise, on = locked(key), calendar.today()
    new = Stated(str(parse(field, value) or ""), source, source_on, rank_of(source, on))
    current, row = held(enterprise, field)
    verdict = decide(field, current, new, on)
    beside = enterprise.facts.filter(field=field, source=source, state=Fact.State.DIFFERS, removed_at=None)
    if not new.value or beside.filter(value=new.value).exists():
        return verdict
    beside.update(removed_at=timezone.now())
    about = {"confidence": confidence, "actor": str(actor or "")[:60], "batch": batch}
    if verdict.outcome == "chosen":
        _replace(enterprise, field, current, row, new, on, former_until=source_on or on, **about)
        _keep(enterprise, field, new, Fact.State.CHOSEN, reason=verdict.reason, valid_from=source_on, **about)
    elif verdict.outcome == "former":
        until = current.source_on or on
        _keep(enterprise, field, new, Fact.State.FORMER, reason=verdict.reason, valid_from=source_on,
              valid_to=until, **about)  # fmt: skip
    elif verdict.outcome == "differs":
        _keep(
            enterprise, field, new, Fact.State.DIFFERS, reason=verdict.reason, valid_from=source_on, **about
        )
    return verdict


@transaction.atomic
def correct(
    key: Any,
    field: str,
    value: str,
    *,
    reason: str,
    actor: object,
    post: object = None,
    since: date | None = None,
    source: str = "人工更正",
) -> Fact:
    """Fix a value by hand: it holds against every source until the lock of the rule runs out.

    `since`: the day from which the new value is true (a change); None: the old one was an error and never held.
    """
    today = calendar.today()
    if not (reason := reason.strip()):
        raise Refused({"reason": "请写明理由和依据"})
    if since and since > today:
        raise Refused({"since": f"{since} 晚于今天"})
    enterprise = locked(key)
    if field in ("uscc", "org_code") and text(enterprise, field):
        raise Refused({"field": "代码的变更请用“代码变更”办理"})
    new = Stated(str(parse(field, value) or ""), source, since, rank_of("登记"))
    current, row = held(enterprise, field)
    if new.value == current.value:
        raise Refused({"value": "与现在的内容相同"})
    months = int(rules.value("registry.correction.lock", today).value)
    about = {"actor": str(actor or "")[:60], "reason": reason[:300]}
    _replace(enterprise, field, current, row, new, today, former_until=since, **about)
    fact = _keep(enterprise, field, new, Fact.State.LOCKED, valid_from=since,
                 locked_until=add_months(today, months), **about)  # fmt: skip
    enterprise.facts.filter(field=field, value=new.value, state=Fact.State.DIFFERS, removed_at=None).update(
        removed_at=timezone.now()
    )
    history.append(
        "registry",
        "enterprise_corrected",
        actor=actor,
        post=post,
        subject=f"enterprise:{enterprise.pk}",
        data={
            "name": enterprise.name,
            "field": field,
            "from": current.value,
            "to": new.value,
            "reason": reason,
        },
    )
    return fact


@transaction.atomic
def settle(fact: Fact, accept: bool, *, reason: str, actor: object, post: object = None) -> None:
    """Decide a conflict: take the differing value (locked), or refuse it; both with a reason."""
    locked(fact.enterprise_id)
    fact = Fact.objects.select_for_update().get(pk=fact.pk)
    if fact.state != Fact.State.DIFFERS or fact.removed_at:
        raise Refused({"fact": "这一项不一致已经处理过了"})
    if not reason.strip():
        raise Refused({"reason": "请写明理由"})
    if accept:
        correct(fact.enterprise_id, fact.field, fact.value, reason=reason, actor=actor, post=post,
                since=fact.source_on, source=fact.source)  # fmt: skip
        return
    Fact.objects.filter(pk=fact.pk).update(removed_at=timezone.now())
    Fact.objects.create(
        enterprise_id=fact.enterprise_id, place=fact.place, field=fact.field, value=fact.value,
        state=Fact.State.REFUSED, source=fact.source, source_on=fact.source_on, rank=fact.rank,
        confidence=fact.confidence, reason=reason[:300], actor=str(actor or "")[:60],
    )  # fmt: skip
    history.append(
        "registry",
        "enterprise_fact_refused",
        actor=actor,
        post=post,
        subject=f"enterprise:{fact.enterprise_id}",
        data={"field": fact.field, "value": fact.value, "source": fact.source, "reason": reason},
    )


def _replace(enterprise, field, current, row, new, on, *, former_until, reason="", actor="", **more) -> None:
    """Put the new value on the row and keep the old one; without a day since when, it never held.

    A field that was empty leaves a former value of no duration: what the register knew, not what was so.
    """
    never = former_until is None or not current.value
    end = on if never else former_until
    begin = end if never else current.source_on
    if begin and begin > end:
        begin = end
    Fact.objects.create(
        enterprise=enterprise, place=enterprise.place, field=field, value=current.value,
        state=Fact.State.FORMER, valid_from=begin, valid_to=end, source=current.source,
        source_on=current.source_on, rank=current.rank, batch=more.get("batch"), reason=reason, actor=actor,
    )  # fmt: skip
    if row is not None:
        Fact.objects.filter(pk=row.pk).update(removed_at=timezone.now())
    setattr(enterprise, field, parse(field, new.value))
    enterprise.save(update_fields=[field])
    if field == "place":
        for model in (Fact, Identifier, EnterpriseContact, Entry):  # they are read where the enterprise is
            model.objects.filter(enterprise=enterprise).update(place=enterprise.place)


def _keep(enterprise, field, stated: Stated, kind: str, **more) -> Fact:
    return Fact.objects.create(
        enterprise=enterprise, place=enterprise.place, field=field, value=stated.value, state=kind,
        source=stated.source, source_on=stated.source_on, rank=stated.rank, **more,
    )  # fmt: skip
