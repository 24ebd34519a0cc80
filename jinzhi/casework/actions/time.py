"""Acts on the clocks of a case: extend with approval, suspend on a legal ground, resume."""

from jinzhi.casework import clocks, documents
from jinzhi.casework.actions.base import Act, Action, Refused, register
from jinzhi.casework.models import Case, Clock

# Grounds of 行政许可法第四十五条; the applicant is told in writing how long it will take.
GROUNDS = ("听证", "招标", "拍卖", "检验", "检测", "检疫", "鉴定", "专家评审")
LAW = "《中华人民共和国行政许可法》第四十五条"


def legal_clock(act: Act) -> Clock:
    """The clock of the case that the step's definition lets extend, running or paused."""
    key = act.node.extend
    clock = act.case.clocks.filter(key=key, state__in=["running", "paused"]).first() if key else None
    if clock is None:
        raise Refused("本件没有可以延长的期限")
    return clock


@register
class Extend(Action):
    """延长: once, before the limit ends, by no more than the law allows, with the head's approval."""

    key, label, needs_reason = "extend", "批准延长期限", True

    def open_to(self, case, step, actor):
        node = case.definition.step(step.key)
        return super().open_to(case, step, actor) and bool(node.extend)

    def check(self, act: Act) -> None:
        clock = legal_clock(act)
        allowed = clocks.limit_of(act.case, act.case.definition.clocks[clock.key].extension)
        if clock.extended:
            raise Refused("期限只能延长一次，本件已延长")
        if act.day > clocks.due_day(clock):
            raise Refused(f"期限已于 {clocks.due_day(clock):%Y-%m-%d} 届满，不能再延长")
        try:
            days = int(act.payload.get("days") or 0)
        except (TypeError, ValueError):
            days = 0
        if not 1 <= days <= int(allowed.value):
            most = clocks.limit_text(int(allowed.value), allowed.unit)
            raise Refused(f"最多可延长 {most}（《{allowed.law}》{allowed.article}）", "days")
        act.payload["days"] = days

    def run(self, act: Act) -> None:
        clock, days = legal_clock(act), act.payload["days"]
        clocks.extend(clock, days)
        act.case.facts["extension"] = {
            "days": days,
            "reason": act.reason,
            "due": clocks.due_day(clock).isoformat(),
        }
        act.documents = [documents.issue("extension_notice", act)]
        text = clocks.limit_text(days, clock.unit)
        act.log(
            self.key,
            f"{act.who} 批准将{clock.title}延长 {text}，至 {clocks.due_day(clock):%Y-%m-%d}。理由：{act.reason}",
            days=days, due=clocks.due_day(clock).isoformat(), reason=act.reason, documents=[act.documents[0].number],
        )  # fmt: skip


@register
class Suspend(Action):
    """The time a test, hearing or expert review takes does not count; told in writing."""

    key, label, needs_reason = "suspend", "暂停计时", True

    def open_to(self, case, step, actor):
        running = case.clocks.filter(step=None, owner="agency", state__in=clocks.RUNNING).exists()
        undecided = case.accepted_on is not None and case.decided_on is None
        return super().open_to(case, step, actor) and undecided and running and not case.definition.internal

    def check(self, act: Act) -> None:
        if act.payload.get("ground") not in GROUNDS:
            raise Refused(f"不计入期限的事由只能是：{'、'.join(GROUNDS)}", "ground")
        if not _running(act):
            raise Refused("本件没有正在计时的期限，或者期限已经届满；届满以后的时间不能扣除")
        days = str(act.payload.get("days") or "").strip()
        if not days.isdecimal() or not 0 < int(days) <= 3660:
            raise Refused("请写明预计需要的日数；依法应当将所需时间书面告知申请人", "days")
        act.payload["days"] = int(days)

    def run(self, act: Act) -> None:
        ground = act.payload["ground"]
        act.case.facts["suspension"] = {
            "ground": ground,
            "reason": act.reason,
            "days": act.payload.get("days"),
        }
        notice = documents.issue("special_procedure_notice", act)
        act.documents = [notice]
        for clock in _running(act):
            clocks.pause(clock, act.day, ground, LAW, notice.number, told=act.payload["days"])
        act.log(
            self.key, f"{act.who} 因{ground}暂停计时，所需时间不计入期限。{act.reason}", ground=ground,
            notice=notice.number, told_days=act.payload["days"],
        )  # fmt: skip


def _running(act: Act) -> list[Clock]:
    """Limits that can be suspended: paused ones too, since overlapping times are counted once but all recorded."""
    live = act.case.clocks.filter(step=None, owner="agency", state__in=clocks.RUNNING).exclude(unit="date")
    return [c for c in live if c.state == Clock.State.PAUSED or not clocks.is_over(c, act.day)]


def suspended(case: Case) -> list[Clock]:
    """Limits that an official has suspended; what a step holds goes on by itself when the step is left."""
    held = case.clocks.filter(step=None, state=Clock.State.PAUSED, pauses__until=None, pauses__step=None)
    return list(held.distinct())


@register
class Resume(Action):
    key, label = "resume", "恢复计时"

    def open_to(self, case, step, actor):
        return super().open_to(case, step, actor) and bool(suspended(case))

    def check(self, act: Act) -> None:
        if not suspended(act.case):
            raise Refused("本件没有暂停的期限")

    def run(self, act: Act) -> None:
        dues = []
        for clock in suspended(act.case):
            clocks.resume(clock, act.day, ordered=True)
            dues.append(f"{clock.title}至 {clocks.due_day(clock):%Y-%m-%d}")
        act.log(self.key, f"{act.who} 恢复计时：{'，'.join(dues)}。")
