"""Acts that the work of the network adds to the engine: escalate, roll back, reopen a fault, regrade an incident."""

from datetime import date

from jinzhi.casework import clocks, engine
from jinzhi.casework.actions.base import Act, Refused, register
from jinzhi.casework.actions.ending import WholeCase
from jinzhi.casework.actions.outcomes import Follow
from jinzhi.casework.models import LIVE, Case, Step
from jinzhi.foundation import calendar, rules

FAULT, INCIDENT = "network_fault", "security_incident"
GRADES = {"1": "特别重大（Ⅰ级）", "2": "重大（Ⅱ级）", "3": "较大（Ⅲ级）", "4": "一般（Ⅳ级）"}
MUST_REPORT = ("1", "2", "3")  # 较大以上
UPWARD = ("1", "2")  # 重大以上


@register
class Escalate(Follow):
    """The level above takes over what this one cannot mend."""

    key, label, style, needs_reason = "escalate", "升级上一级", "warning", True


@register
class Overdue(Follow):
    """A limit ran out: the level above takes over by itself."""

    key, label, by_system = "overdue", "超时升级", True

    def sentence(self, act: Act) -> str:
        to = act.case.facts.get("level_name", "上一级")
        return f"“{act.node.name}”时限届满：{act.taken.label}，转{to}。"


@register
class RollBack(Follow):
    key, label, style, needs_reason = "roll_back", "回退", "danger", True


def _holds(actor, case: Case, *wanted: str) -> bool:
    """One of the roles at a bureau that answers for the place of the case."""
    if actor.post is None:
        return False
    agency = actor.post.agency
    width = engine.WIDTHS[agency.level]
    inside = case.place // width == agency.place // width
    return inside and any(p.role in wanted for p in actor.powers)


@register
class ReopenFault(WholeCase):
    """重开: the same trouble is back within the days that the rules give."""

    key, label, style, needs_reason, on_closed = "reopen_fault", "重开故障单", "warning", True, True

    def open_on(self, case, actor):
        if case.definition.key != FAULT or case.state != Case.State.CLOSED or case.outcome != "done":
            return False
        return _holds(actor, case, "operator") and calendar.today() <= self.until(case)

    @staticmethod
    def until(case: Case) -> date:
        """The last day on which it may be opened again."""
        assert case.closed_on is not None, "it is over"
        limit = rules.value("operations.reopen", on=case.closed_on)
        return calendar.day_of(calendar.ordinal(case.closed_on) + int(limit.value))

    def check(self, act: Act) -> None:
        if act.case.definition.key == FAULT and act.case.closed_on and act.day > self.until(act.case):
            raise Refused(f"办结已超过可以重开的期限（至 {self.until(act.case):%Y-%m-%d}），请另报故障")
        super().check(act)

    def run(self, act: Act) -> None:
        case = act.case
        case.state, case.outcome, case.closed_on, case.decided_on = Case.State.OPEN, "", None, None
        case.facts["reopened"] = case.facts.get("reopened", 0) + 1
        if case.facts.get("level") == "vendor":
            case.facts |= {"level": "province", "level_name": "省级"}
        engine.open_step(act, "handle")
        clocks.begin(case, "restore", act.day, act.at)
        act.log(self.key, f"{act.who} 重开故障单，第 {case.facts['reopened']} 次。{act.reason}")


def grade_of(case: Case) -> str:
    return str(case.facts.get("grade", ""))


def set_grade(act: Act, grade: str) -> None:
    """What the grade means for the duty to report."""
    facts, critical = act.case.facts, act.case.facts.get("reporting") == "critical"
    facts["grade"], facts["grade_name"] = grade, GRADES[grade]
    facts["must_report"] = grade in MUST_REPORT
    facts["must_report_upward"] = critical and grade in UPWARD


def _new_duties(act: Act) -> None:
    """After another grade: limits begin that were not asked for before, those end that are no longer."""
    case = act.case
    for key in ("report", "upward"):
        running = clocks.named(case, [key])
        if (
            clocks.applies(case, key)
            and not running
            and not case.clocks.filter(key=key).exclude(state="void").exists()
        ):
            clocks.begin(case, key, act.day, act.at)
        for clock in running if not clocks.applies(case, key) else ():
            clocks.void(clock, act.day)
    block = case.steps.filter(key="response", state=Step.State.OPEN).first()
    live = case.steps.filter(key="report", state__in=LIVE).exists()
    if block and not live and case.facts["must_report"] and not case.facts.get("record", {}).get("report"):
        engine.open_step(act, "report", parent=block)


def proposal(case: Case) -> dict:
    return case.facts.get("proposed_grade") or {}


@register
class Regrade(WholeCase):
    """调整等级: upwards at once; downwards a second person has to agree."""

    key, label, style, needs_reason = "regrade", "调整事件等级", "warning", True

    asks = (("grade", "调整为", tuple(GRADES.items())),)

    def open_on(self, case, actor):
        judged = case.definition.key == INCIDENT and case.state == Case.State.OPEN and bool(grade_of(case))
        return judged and not proposal(case) and _holds(actor, case, "operator", "operations_manager")

    def check(self, act: Act) -> None:
        super().check(act)
        grade = str(act.payload.get("grade", ""))
        if grade not in GRADES or grade == grade_of(act.case):
            raise Refused("请选择与现等级不同的事件等级", "grade")
        if act.actor.account is None:
            raise Refused("事件等级由人认定")

    def run(self, act: Act) -> None:
        case, grade = act.case, str(act.payload["grade"])
        if grade > grade_of(case):  # a larger number is a lighter grade
            assert act.actor.account is not None, "checked"
            case.facts["proposed_grade"] = {"grade": grade, "by": act.actor.account.pk, "reason": act.reason}
            act.log(
                self.key,
                f"{act.who} 提出将事件等级降为{GRADES[grade]}，待他人复核。{act.reason}",
                public=False,
            )
            return
        former = case.facts["grade_name"]
        set_grade(act, grade)
        _new_duties(act)
        act.log(self.key, f"{act.who} 将事件等级由{former}升为{GRADES[grade]}。{act.reason}", public=False)


class Second(WholeCase):
    """Somebody other than who proposed the lighter grade."""

    def open_on(self, case, actor):
        held = proposal(case) if case.state == Case.State.OPEN else {}
        other = bool(held) and actor.account is not None and held["by"] != actor.account.pk
        return other and _holds(actor, case, "operations_manager")


@register
class ConfirmRegrade(Second):
    key, label, style = "confirm_regrade", "复核同意降级", "warning"

    def run(self, act: Act) -> None:
        held = act.case.facts.pop("proposed_grade")
        set_grade(act, held["grade"])
        _new_duties(act)
        act.log(
            self.key, f"{act.who} 复核同意将事件等级降为{GRADES[held['grade']]}。{act.reason}", public=False
        )


@register
class RefuseRegrade(Second):
    key, label, needs_reason = "refuse_regrade", "复核不同意降级", True

    def run(self, act: Act) -> None:
        held = act.case.facts.pop("proposed_grade")
        act.log(self.key, f"{act.who} 不同意降为{GRADES[held['grade']]}。{act.reason}", public=False)
