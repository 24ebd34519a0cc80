"""For a demonstration: look at its cases as if supervision had run all along, so that boards and scores look alive.

Whoever makes the cases calls `demonstrate` (rooms are found by this module's name); if nobody did, the next start
does. Bureaus answer some cards, appeal against a few, applicants rate, two people complain; all by fixed counting.
"""

from datetime import date, datetime, time, timedelta

from django.utils import timezone

from jinzhi.casework.actions import Actor
from jinzhi.casework.esupervision import complaints, handling, rating, running, scoring
from jinzhi.casework.esupervision.models import Signal
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Agency, Post, Power

BACK = (40, 30, 22, 17, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1, 0)  # working days before today
RATED = 240  # closed cases, every second of them
GRADES = (5, 5, 4, 5, 4, 3, 5, 4, 5, 2, 5, 5, 4, 1)


def demonstrate(today: date | None = None) -> None:
    """Run the rules on days up to today, let some cards be answered, then compute the scores."""
    today = today or calendar.today()
    now = calendar.ordinal(today)
    _rate(today)
    _complain()
    for back in BACK:
        day = calendar.day_of(now - back) if back else today
        running.run(day, fire=False, verify=False)
        _answer(day)
    scoring.draft("month", today.replace(day=1) - timedelta(days=1))
    scoring.refresh(today)


def _moment(day: date) -> datetime:
    return min(timezone.make_aware(datetime.combine(day, time(15, 20))), timezone.now())


def _holder(signal: Signal, role: str = "") -> Actor | None:
    """Somebody of the bureau who may speak for it, or a supervisor above it."""
    if role:
        powers = Power.objects.filter(role=role, post__agency__level="province")
    else:
        powers = Power.objects.filter(role=signal.role, post__agency=signal.agency)
    power = powers.select_related("post__account", "post__agency").first()
    return Actor(power.post.account, power.post, tuple(power.post.powers.all())) if power else None


def _answer(day: date) -> None:
    """Of the cards of this day, two in five are answered, one in seven is appealed against and decided."""
    for signal in (
        Signal.objects.filter(raised_on=day, status="open", is_demo=True)
        .select_related("agency")
        .order_by("id")
    ):
        who = _holder(signal)
        if who is None or (signal.pk % 5 > 1 and signal.pk % 7):
            continue
        if signal.pk % 7 or signal.colour == "red":
            text = "核查人员外出，已补录核查结论，今后提前安排。"
            handling.perform(signal.pk, "reply", who, text=text, at=_moment(day))
            continue
        handling.perform(
            signal.pk, "appeal", who, text="当日系统维护，无法提交，附维护通知。", at=_moment(day)
        )
        supervisor = _holder(signal, "supervisor")
        if supervisor and signal.pk % 3 == 0:
            payload = {"ground": "outage"}
            text = "经核实确为系统维护，予以撤销。"
            handling.perform(signal.pk, "lift", supervisor, text=text, payload=payload, at=_moment(day))


def _rate(today: date) -> None:
    cases = Case.objects.filter(is_demo=True, state="closed", closed_on__gte=today - timedelta(days=90))
    for number, case in enumerate(cases.select_related("agency").order_by("id")[:RATED:2]):
        if rating.may_rate(case) and case.closed_on:
            grade = GRADES[number % len(GRADES)]
            comment = "等候时间太长，窗口没有叫号。" if grade <= 2 else ""
            rating.rate(case, grade, comment, channel="demo", at=_moment(case.closed_on))


def _complain() -> None:
    staffed = Agency.objects.filter(level="county", pk__in=Post.objects.values("agency"))
    county = staffed.filter(key="330106").first() or staffed.order_by("key").first()
    if county:
        text = "在窗口提交材料，被要求另外提供与许可无关的证明，跑了三趟。"
        complaints.lodge(text=text, subject="material", agency=county, name="周先生", phone="13800000001")
        complaints.lodge(
            text="打电话咨询进度，多次没有人接听，也没有回复。", subject="attitude", agency=county
        )
