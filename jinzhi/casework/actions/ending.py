"""Acts on a case as a whole: end it, join it to another, begin it again, give it to another agency."""

from jinzhi.casework import clocks, documents, engine
from jinzhi.casework.actions.asking import covers, holder
from jinzhi.casework.actions.base import Act, Action, NoPower, Refused, register
from jinzhi.casework.models import (
    LIVE,
    PERSONAL,
    CarbonCopy,
    Case,
    CaseLink,
    Clock,
    ClockPause,
    Service,
    Step,
)
from jinzhi.foundation.files.models import Attachment, GeneratedDocument
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope

# Why a procedure ends without a decision; the law behind each is shown beside it.
GROUNDS = {
    "ended": "申请人依法终止、死亡或者丧失行为能力",
    "abolished": "许可事项依法取消或者停止实施",
    "impossible": "因不可抗力等原因，许可事项无法实施",
    "moot": "申请的事项已不存在",
}


class WholeCase(Action):
    whole_case = True

    def open_to(self, case, step, actor):
        return False

    def check(self, act: Act) -> None:
        if not self.open_on(act.case, act.actor):
            raise NoPower("您当前的任职无权办理")


def approves(case: Case, actor) -> bool:
    return covers(actor, case) and any(p.role == "approver" for p in actor.powers)


@register
class Terminate(WholeCase):
    """终止: no decision can be made any more (行政许可法第七十条所列情形等)."""

    key, label, style, needs_reason = "terminate", "终止办理", "danger", True

    def open_on(self, case, actor):
        possible = case.state == Case.State.OPEN and case.decided_on is None and not case.definition.internal
        return possible and approves(case, actor)

    def check(self, act: Act) -> None:
        super().check(act)
        if act.payload.get("ground") not in GROUNDS:
            raise Refused(f"请选择终止的事由：{'、'.join(GROUNDS.values())}", "ground")

    def run(self, act: Act) -> None:
        ground = act.payload["ground"]
        engine.close_everything(act)
        act.case.facts["termination"] = {"ground": GROUNDS[ground], "reason": act.reason}
        if "termination_notice" in documents.kinds():
            act.documents = [documents.issue("termination_notice", act)]
        engine.close_case(act, "terminated")
        act.log(self.key, f"{act.who} 终止办理：{GROUNDS[ground]}。{act.reason}", ground=ground)


def other_case(act: Act) -> Case:
    """The case named in the payload, locked; one outside the scope does not exist."""
    number = str(act.payload.get("other", "")).strip()
    other = Case.objects.select_for_update().filter(number=number).first()
    if other is None or other.pk == act.case.pk:
        raise Refused("没有找到要关联的办件，请核对编号", "other")
    return other


@register
class Link(WholeCase):
    """关联: two cases are shown beside each other."""

    key, label = "link", "关联办件"

    def open_on(self, case, actor):
        return case.state == Case.State.OPEN and holder(case, actor) is not None

    def check(self, act: Act) -> None:
        super().check(act)
        act.payload["case"] = other_case(act)

    def run(self, act: Act) -> None:
        other = act.payload["case"]
        join(act.case, other, CaseLink.Kind.RELATED, act.reason)
        act.log(
            self.key,
            f"{act.who} 将本件与 {other.number} 关联。{act.reason}",
            public=False,
            other=other.number,
        )


def join(case: Case, other: Case, kind: str, note: str = "") -> None:
    CaseLink.objects.get_or_create(
        case=case, other=other, kind=kind, defaults={"place": case.place, "note": note[:200]}
    )


@register
class Merge(WholeCase):
    """并案: the same applicant's second case on the same matter goes on in the first."""

    key, label, style, needs_reason = "merge", "并入另一办件", "warning", True

    def open_on(self, case, actor):
        possible = case.state == Case.State.OPEN and case.decided_on is None and not case.definition.internal
        return possible and holder(case, actor) is not None

    def check(self, act: Act) -> None:
        super().check(act)
        other = act.payload["case"] = other_case(act)
        if other.state != Case.State.OPEN or other.decided_on:
            raise Refused(f"{other.number} 已决定或者已办结，不能并入", "other")
        same = other.enterprise_id and other.enterprise_id == act.case.enterprise_id
        if not same or other.definition.key != act.case.definition.key:
            raise Refused("只有同一申请人的同一事项可以并案", "other")

    def run(self, act: Act) -> None:
        other = act.payload["case"]
        engine.close_everything(act)
        engine.close_case(act, "merged")
        join(act.case, other, CaseLink.Kind.MERGED, act.reason)
        act.log(self.key, f"{act.who} 将本件并入 {other.number} 办理。理由：{act.reason}", other=other.number)
        act.within(other).log("merged", f"{act.case.number} 并入本件办理。", other=act.case.number)
        other.save()


@register
class Reopen(WholeCase):
    """依决定重新办理: a reconsideration decision or a judgment orders the case to be decided again."""

    key, label, style, needs_reason, on_closed = "reopen", "重新办理", "warning", True, True

    def open_on(self, case, actor):
        possible = case.state == Case.State.CLOSED and case.outcome != "merged" and case.definition.reopens
        return bool(possible) and approves(case, actor)

    def check(self, act: Act) -> None:
        super().check(act)
        if not str(act.payload.get("order", "")).strip():
            raise Refused("请填写责令重新办理的决定书或者判决书文号", "order")
        if act.case.facts.get("certificate"):
            raise Refused("本件已颁发证书；请先依法撤销或者撤回证书")

    def run(self, act: Act) -> None:
        case, order = act.case, str(act.payload["order"]).strip()[:60]
        case.state, case.outcome, case.closed_on, case.decided_on = Case.State.OPEN, "", None, None
        engine.open_step(act, case.definition.reopens)
        node = case.definition.step(case.definition.reopens)
        for key in dict.fromkeys(k for o in node.outcomes for k in o.stops):
            clocks.begin(case, key, act.day, act.at)
        act.log(
            self.key, f"{act.who} 依 {order} 重新办理，自“{node.name}”环节开始。{act.reason}", order=order
        )


def relocate(case: Case, place: int) -> None:
    """The case and all that belongs to it now lie in `place`; run as the system, with the case locked."""
    case.place = place
    case.save()
    for table in (Step, Clock, Service, CaseLink):
        table.objects.filter(case=case).update(place=place)
    CarbonCopy.objects.filter(case=case).delete()  # whom it was copied to has it no more
    ClockPause.objects.filter(clock__case=case).update(place=place)
    for papers in (Attachment, GeneratedDocument):
        papers.objects.filter(subject=documents.subject(case)).update(place=place)


@register
class HandOver(WholeCase):
    """移送: another agency has jurisdiction; the limits go on, each agency answers for its own steps."""

    key, label, style, needs_reason = "hand_over", "移送", "warning", True

    def open_on(self, case, actor):
        if actor.is_system:
            return True
        if case.definition.internal:
            return False
        step = holder(case, actor)
        return case.state == Case.State.OPEN and case.parent_step_id is None and step is not None

    def check(self, act: Act) -> None:
        super().check(act)
        agency = act.payload.get("agency")
        if (
            not isinstance(agency, Agency)
            or agency.level != act.case.agency.level
            or agency == act.case.agency
        ):
            raise Refused("请选择与现办理机构同级的另一机构", "agency")
        if agency.valid_to is not None and agency.valid_to <= act.day:
            raise Refused(f"{agency.name}已不再履行职责", "agency")

    def run(self, act: Act) -> None:
        case, agency = act.case, act.payload["agency"]
        former, live = case.agency, list(case.steps.filter(state__in=LIVE, kind__in=PERSONAL).order_by("id"))
        with scope.acting(scope.SYSTEM):  # the rows leave the range of whoever hands them over
            case.agency = agency
            relocate(case, agency.place)
            act.log(
                self.key, f"{act.who} 将本件由 {former.name} 移送 {agency.name}。理由：{act.reason}",
                former=former.key, agency=agency.key,
            )  # fmt: skip
            for step in live:
                step.refresh_from_db()
                if step.kind == "sign":
                    engine.close_step(step, Step.State.CANCELLED, act)
                elif step.role != "applicant":
                    self._renew(act, step)
            case.save()
            clocks.refresh_urgency(case)
        act.gone = True

    @staticmethod
    def _renew(act: Act, step: Step) -> None:
        """The same step again at the agency that has it now; it answers from today."""
        engine.close_step(
            step, Step.State.CANCELLED, act, action="hand_over", opinion=act.reason, account=act.actor.account,
            post=act.actor.post,
        )  # fmt: skip
        engine.open_step(act, step.key, parent=step.parent, origin=step)


@register
class LapseCase(WholeCase):
    """A limit of the whole case is over: the law itself says what follows (行政许可法第五十条)."""

    key, label, by_system = "lapse_case", "期限届满", True

    def open_on(self, case, actor):
        return actor.is_system and case.state == Case.State.OPEN

    def check(self, act: Act) -> None:
        super().check(act)
        deadline = next(
            (d for d in act.case.definition.deadlines if d.clock == act.payload.get("clock")), None
        )
        clock = act.case.clocks.filter(key=act.payload.get("clock"), state="running").first()
        if deadline is None or clock is None or not clocks.has_run_out(clock, act.day, act.at):
            raise Refused("本件没有届满的期限")
        act.payload["deadline"] = deadline

    def run(self, act: Act) -> None:
        case, deadline = act.case, act.payload["deadline"]
        engine.close_everything(act)
        if deadline.mark:
            setattr(case, f"{deadline.mark}_on", act.day)
        act.log(self.key, f"{deadline.label}（{deadline.law}）。", clock=deadline.clock, deemed=True)
        clock = case.clocks.get(key=deadline.clock, state="running")
        clocks.void(clock, act.day)
        engine.proceed(act, deadline)
