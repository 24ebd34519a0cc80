"""Acts against the stream: return to an earlier step, take one's own act back, withdraw the application."""

from jinzhi.casework import engine
from jinzhi.casework.actions.base import Act, Action, Refused, enters_old, register
from jinzhi.casework.models import LIVE, PERSONAL, Case, Step

FINAL = ("notice", "subprocess")  # what has left the house is not taken back


@register
class Return(Action):
    """退回 to an earlier declared step. Across a fork the sibling branches are closed, and it says so."""

    key, label, style, needs_reason = "return", "退回", "warning", True

    def open_to(self, case, step, actor):
        return super().open_to(case, step, actor) and bool(case.definition.step(step.key).back)

    def check(self, act: Act) -> None:
        target = act.payload.get("target", "")
        if target not in act.node.back:
            names = "、".join(act.case.definition.step(k).name for k in act.node.back)
            raise Refused(f"请选择退回到哪个环节：{names}", "target")

    def run(self, act: Act) -> None:
        target = act.payload["target"]
        engine.close_step(
            act.here, Step.State.RETURNED, act, action=self.key, opinion=act.reason,
            account=act.actor.account, post=act.actor.post, on_behalf=act.on_behalf,
        )  # fmt: skip
        closed = engine.send_back(act, act.here, target)
        name = act.case.definition.step(target).name
        also = f"，同时取消“{'、'.join(closed)}”" if closed else ""
        act.log(
            self.key,
            f"{act.who} 由“{act.node.name}”退回“{name}”{also}。理由：{act.reason}",
            public=False,
            target=target,
            closed=closed,
        )


@register
class Recall(Action):
    """撤回 one's own act while nobody has looked at what followed from it."""

    key, label, whole_case = "recall", "撤回送审", True

    def open_to(self, case, step, actor):
        return False  # it happens at a step that is done, see `recallable`

    def open_on(self, case, actor):
        return self.recallable(case, actor) is not None

    @staticmethod
    def recallable(case: Case, actor) -> Step | None:
        """The actor's last act on the case, if what it opened is untouched and issued nothing."""
        done = case.steps.filter(state=Step.State.DONE, kind__in=PERSONAL)
        last = done.order_by("-closed_at", "-id").first()
        if (
            last is None
            or last.kind != "user"
            or actor.post is None
            or last.post_id != actor.post.pk
            or last.account_id != actor.account.pk
        ):
            return None
        outcome = case.definition.step(last.key).outcome(last.action)
        if outcome is None or outcome.documents or outcome.effect or outcome.mark:
            return None
        opened = case.steps.filter(origin=last)
        if last.parent and last.parent.state != Step.State.OPEN and not opened.exists():
            return None  # its block was closed by somebody else, not joined by this act
        untouched = opened.filter(state=Step.State.OPEN, taken_at=None).exclude(kind__in=FINAL)
        if untouched.count() != opened.count():
            return None
        return last

    def check(self, act: Act) -> None:
        last = self.recallable(act.case, act.actor)
        if last is None:
            raise Refused("后续环节已有人办理或已送达文书，不能撤回")
        act.step = last
        act.outcome = act.node.outcome(last.action)

    def run(self, act: Act) -> None:
        last = act.here
        for step in act.case.steps.filter(origin=last, state__in=LIVE):
            engine.cancel(act, step)
        block = last.parent
        while block is not None and block.state != Step.State.OPEN:  # joined by this act, perhaps several
            block.state, block.closed_at = Step.State.OPEN, None
            block.save()
            block = block.parent
        engine.open_step(act, last.key, parent=last.parent)
        Step.objects.filter(pk=last.pk).update(state=Step.State.RETURNED)
        act.log(self.key, f"{act.who} 撤回“{last.name}”环节的送审，重新办理。", public=False)


@register
class Withdraw(Action):
    """The applicant withdraws the application before a decision; the case ends."""

    key, label, style, needs_reason, for_applicant = "withdraw", "撤回申请", "warning", True, True
    whole_case = True

    def open_to(self, case, step, actor):
        return False  # it concerns the whole case

    def open_on(self, case, actor):
        own = actor.account.enterprise_id if actor.account else None
        applicant = own is not None and own == case.enterprise_id
        return self.possible(case) and (applicant or enters_old(actor, case))

    @staticmethod
    def possible(case: Case) -> bool:
        return case.state == Case.State.OPEN and case.decided_on is None and case.definition.withdrawable

    def check(self, act: Act) -> None:
        own = act.actor.account.enterprise_id if act.actor.account else None
        if (own is None or own != act.case.enterprise_id) and not enters_old(act.actor, act.case):
            raise Refused("只有申请人可以撤回申请")
        if not self.possible(act.case):
            raise Refused("已作出决定，不能撤回申请")

    def run(self, act: Act) -> None:
        engine.close_everything(act)
        engine.close_case(act, "withdrawn")
        act.log(self.key, f"{act.who} 撤回申请，办件终止。理由：{act.reason}")
