"""What becomes of a card: the bureau replies or appeals, a supervisor upholds or lifts it, with reasons, in time.

A lifted card stays in the log with its reason and does not score. `perform` is the only way in.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.esupervision import papers, scoring, telling
from jinzhi.casework.esupervision.models import Handling, ScoreSheet, Signal
from jinzhi.foundation import calendar
from jinzhi.foundation.places.scope import jurisdiction

GROUNDS = {
    "force_majeure": "不可抗力",
    "outage": "网络或者系统故障",
    "calendar": "放假通知或者日历更正",
    "mistaken": "事实认定有误",
    "other": "其他正当理由",
}
LABELS = {
    "reply": "回复", "appeal": "申诉", "correct": "报告整改", "uphold": "认定", "lift": "撤销", "urge": "催办",
    "document": "发出文书",
}  # fmt: skip
OPEN = (Signal.Status.OPEN, Signal.Status.REPLIED, Signal.Status.APPEALED)


class Refused(Exception):
    """The act is not possible; the message is for the person, `field` names the input."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.message, self.field = message, field


class NoPower(Refused):
    """This post may not do this here."""


@dataclass
class Act:
    """One act on a signal in progress."""

    signal: Signal
    actor: Actor
    day: date
    at: datetime
    text: str = ""
    payload: dict = field(default_factory=dict)

    def log(self, kind: str, text: str = "", **data) -> None:
        Handling.objects.create(
            signal=self.signal, place=self.signal.place, at=self.at, kind=kind, text=text or self.text,
            account=self.actor.account, post=self.actor.post, data=data,
        )  # fmt: skip


def answers_for(actor: Actor, signal: Signal) -> bool:
    """Whether this post speaks for the bureau: the one who acted, who holds that step's role, or its head."""
    if actor.post is None or not signal.is_card:
        return False
    if actor.post.pk == signal.post_id:
        return True
    held = {p.role for p in actor.powers if _agency(actor, p) == signal.agency_id}
    return signal.role in held or "approver" in held


def _agency(actor: Actor, power) -> int:
    return actor.office.agency_id if power.post_id == actor.office.pk else power.post.agency_id


def supervises(actor: Actor, signal: Signal) -> bool:
    """A supervisor whose range holds the bureau; never of his own act."""
    if actor.post is None or actor.account is None or not any(p.role == "supervisor" for p in actor.powers):
        return False
    lo, hi = jurisdiction(actor.post.agency.place)
    return lo <= signal.place <= hi and signal.account_id != actor.account.pk


def allowed(actor: Actor, signal: Signal, today: date | None = None) -> list[str]:
    """Acts this post may take now, the main one first."""
    if not signal.is_card or signal.status == Signal.Status.LIFTED:
        return []
    found = []
    if answers_for(actor, signal):
        if signal.replied_on is None:
            found.append("reply")
        if _may_appeal(signal, today or calendar.today()):
            found.append("appeal")
        if signal.corrected_on is None and (signal.replied_on or signal.status == Signal.Status.UPHELD):
            found.append("correct")
    if supervises(actor, signal):
        if signal.status in OPEN:
            found.append("uphold")
        found.append("lift")
        if signal.replied_on is None or signal.corrected_on is None:
            found.append("urge")
        if papers.offered(signal):
            found.append("document")
    return found


def _may_appeal(signal: Signal, today: date) -> bool:
    return (
        signal.status in (Signal.Status.OPEN, Signal.Status.REPLIED)
        and signal.appealed_on is None
        and today <= telling.due(signal, "esupervision.appeal")
    )


def perform(
    key: int, action: str, actor: Actor, *, text: str = "", payload: dict | None = None, at: datetime | None = None
) -> Signal:  # fmt: skip
    """Do one act on the signal `key`. Raises Refused (nothing has happened then) and Signal.DoesNotExist."""
    at = at or timezone.now()
    with transaction.atomic(), calendar.pinned():
        signal = Signal.objects.select_for_update().get(pk=key)
        act = Act(signal, actor, timezone.localtime(at).date(), at, text.strip(), payload or {})
        if action not in _ACTS or action not in allowed(actor, signal, act.day):
            raise NoPower(_why_not(signal, action, act.day))
        if action != "urge" and len(act.text) < 4:
            raise Refused(f"请写明{LABELS[action]}的内容，至少四个字", "text")
        _ACTS[action](act)
        signal.save()
    return signal


def _why_not(signal: Signal, action: str, day: date) -> str:
    if signal.status == Signal.Status.LIFTED:
        return "这张牌已撤销，不再办理"
    if action == "appeal" and signal.appealed_on:
        return "已经申诉过，每张牌只能申诉一次"
    if action == "appeal" and day > (last := telling.due(signal, "esupervision.appeal")):
        return f"申诉期限已于 {last:%Y-%m-%d} 届满"
    return f"您当前的任职不能对这张牌办理“{LABELS.get(action, action)}”"


def _reply(act: Act) -> None:
    late = act.day > telling.due(act.signal, "esupervision.reply")
    act.signal.replied_on = act.day
    if act.signal.status == Signal.Status.OPEN:
        act.signal.status = Signal.Status.REPLIED
    act.log(Handling.Kind.REPLY, late=late)


def _appeal(act: Act) -> None:
    act.signal.appealed_on = act.day
    act.signal.replied_on = act.signal.replied_on or act.day
    act.signal.status = Signal.Status.APPEALED
    act.log(Handling.Kind.APPEAL)


def _correct(act: Act) -> None:
    act.signal.corrected_on = act.day
    act.log(Handling.Kind.CORRECT, late=act.day > telling.due(act.signal, "esupervision.correction"))


def _uphold(act: Act) -> None:
    signal = act.signal
    signal.status, signal.decided_on = Signal.Status.UPHELD, act.day
    act.log(Handling.Kind.UPHOLD)
    kinds = [k for k, _ in papers.offered(signal) if k == f"{signal.colour}_card_notice"]
    for kind in kinds:
        papers.issue(kind, signal, act.day, account=act.actor.account, post=act.actor.post, opinion=act.text)


def _lift(act: Act) -> None:
    signal, ground = act.signal, act.payload.get("ground", "")
    if ground not in GROUNDS:
        raise Refused(f"请选择撤销事由：{'、'.join(GROUNDS.values())}", "ground")
    signal.status, signal.decided_on, signal.ground = Signal.Status.LIFTED, act.day, ground
    act.log(Handling.Kind.LIFT, ground=ground)
    published = ScoreSheet.objects.filter(
        agency=signal.agency, period="month", state=ScoreSheet.State.PUBLISHED, start__lte=signal.raised_on,
        end__gte=signal.raised_on,
    ).exists()  # fmt: skip
    if published:  # what was published stays; the correction is a sheet of its own
        signal.save()
        reason = f"{signal.rule} {signal.title}（{signal.raised_on:%Y-%m-%d}）经查证撤销：{GROUNDS[ground]}"
        scoring.correct(signal.agency, signal.raised_on, reason, by=act.actor.account)


def _urge(act: Act) -> None:
    last = act.signal.handlings.filter(kind=Handling.Kind.URGE, account=act.actor.account).last()
    if last and timezone.localtime(last.at).date() == act.day:
        raise Refused("您今天已催办过这张牌")
    act.log(Handling.Kind.URGE, act.text or "请尽快回复并报告整改情况。")


def _document(act: Act) -> None:
    kind = act.payload.get("kind", "")
    if kind not in dict(papers.offered(act.signal)):
        raise Refused("请选择要发出的文书", "kind")
    papers.issue(kind, act.signal, act.day, account=act.actor.account, post=act.actor.post, opinion=act.text)


_ACTS = {
    "reply": _reply, "appeal": _appeal, "correct": _correct, "uphold": _uphold, "lift": _lift, "urge": _urge,
    "document": _document,
}  # fmt: skip


def raise_by_hand(
    actor: Actor, case, rule: str, text: str, *, agency=None, worse: bool = False, at: datetime | None = None,
    basis: dict | None = None,
) -> Signal:  # fmt: skip
    """A card for what a supervisor found himself, or a complaint found true (C1). Raises Refused."""
    from jinzhi.casework.esupervision import rulebook

    at = at or timezone.now()
    day = timezone.localtime(at).date()
    known = rulebook.on(case.rule_date if case else day).get(rule)
    if known is None or not known.enabled or known.colour in ("green", "blue"):
        raise Refused("请选择规则", "rule")
    if len(text.strip()) < 4:
        raise Refused("请写明查明的事实，至少四个字", "text")
    colour = known.worse if worse and known.worse else known.colour
    to = agency or case.agency
    with transaction.atomic():
        if case and Signal.objects.filter(rule=rule, case=case, cause="").exists():
            raise Refused("本件这条规则已经亮过牌", "rule")
        signal = Signal.objects.create(
            rule=rule, colour=colour, title=known.title, law=known.law, case=case, place=to.place, agency=to,
            matter=case.definition.key if case else "", case_place=case.place if case else to.place, happened_on=day,
            raised_on=day, basis={"text": text.strip(), **(basis or {})}, changed_at=at,
            is_demo=bool(case and case.is_demo),
        )  # fmt: skip
        Act(signal, actor, day, at, text.strip()).log(Handling.Kind.RAISED, colour=colour)
    return signal
