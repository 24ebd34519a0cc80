"""Acts that follow an outcome the procedure declares: 受理、补正、送审、批准、不予许可、发证……

Their labels, destinations, clocks and documents are data; the classes add what the law asks of each.
"""

from jinzhi.casework import clocks, documents, engine, hooks
from jinzhi.casework.actions.base import Act, Action, Refused, register
from jinzhi.casework.models import Clock, Step, Submission
from jinzhi.foundation import forms


class Follow(Action):
    """Close the step with this outcome and move on."""

    def open_to(self, case, step, actor):
        return (
            super().open_to(case, step, actor)
            and case.definition.step(step.key).outcome(self.key) is not None
        )

    def check(self, act: Act) -> None:
        if act.outcome is None:
            raise Refused(f"“{act.node.name}”环节没有“{self.label}”")
        if act.outcome.reason and not act.reason:
            raise Refused(f"{act.outcome.label}必须说明理由", "reason")
        hooks.run(act.outcome.guard, act)

    def sentence(self, act: Act) -> str:
        text = f"{act.who} 在“{act.node.name}”环节：{act.taken.label}"
        return f"{text}。{act.reason}" if act.reason else f"{text}。"

    def run(self, act: Act) -> None:
        case, step, outcome = act.case, act.here, act.taken
        self.mark(act)
        engine.close_step(
            step, Step.State.DONE, act.at, act.day, action=self.key, opinion=act.reason,
            result=act.payload.get("result", {}), account=act.actor.account, post=act.actor.post,
            on_behalf=act.on_behalf,
        )  # fmt: skip
        for key in outcome.stops:
            for clock in case.clocks.filter(key=key, state__in=[Clock.State.RUNNING, Clock.State.PAUSED]):
                clocks.stop(clock, act.day)
        for key in outcome.starts:
            if not case.clocks.filter(key=key, state__in=[Clock.State.RUNNING, Clock.State.PAUSED]).exists():
                self.start_clock(act, key)  # else an internal return came back here: the limit never stopped
        hooks.run(outcome.effect, act)
        act.documents = [documents.issue(kind, act) for kind in outcome.documents]
        self.tell(act)
        engine.arrive(case, step, outcome.next, act.at, act.day)

    def tell(self, act: Act) -> None:
        """The story: what addresses the applicant in full; of internal steps only that they are done."""
        known = act.here.role == "applicant" or bool(act.taken.mark or act.documents or act.taken.effect)
        papers = [d.number or d.title for d in act.documents]
        act.log(self.key, self.sentence(act), public=known, documents=papers)
        if not known:
            act.log(f"{self.key}.done", f"“{act.node.name}”已完成。")

    def start_clock(self, act: Act, key: str) -> None:
        definition = act.case.definition.clocks[key]
        clocks.start(act.case, key, definition.title, definition.rule, act.day, owner=definition.owner)

    def mark(self, act: Act) -> None:
        """Set the date of the case that this act is."""
        if act.taken.mark:
            setattr(act.case, f"{act.taken.mark}_on", act.day)


@register
class Accept(Follow):
    key, label, style = "accept", "受理", "primary"


@register
class DeemAccepted(Follow):
    """行政许可法第三十二条: silence within the limit counts as acceptance from the day of receipt."""

    key, label = "deem_accepted", "逾期视为受理"

    def open_to(self, case, step, actor):
        return actor.is_system and super().open_to(case, step, actor)

    def mark(self, act: Act) -> None:
        act.case.accepted_on = act.case.received_on

    def start_clock(self, act: Act, key: str) -> None:
        """The decision limit counts from the day of receipt, too."""
        definition = act.case.definition.clocks[key]
        clocks.start(
            act.case, key, definition.title, definition.rule, act.case.received_on, owner=definition.owner
        )

    def sentence(self, act: Act) -> str:
        return (
            f"受理期限届满未作处理，依法自收到申请材料之日（{act.case.received_on:%Y-%m-%d}）起视为受理"
            f"（{act.taken.law}）。"
        )


@register
class Correct(Follow):
    """一次性告知补正: one notice that lists everything."""

    key, label = "correct", "退回补正"

    def check(self, act: Act) -> None:
        super().check(act)
        items = [str(i).strip() for i in act.payload.get("items", []) if str(i).strip()]
        if not items:
            raise Refused("请一次性列出全部需要补正的内容", "items")
        earlier = act.case.steps.filter(key=act.here.key, action=self.key).count()
        if earlier and not act.reason:
            raise Refused("本件已告知过补正；依法应当一次性告知，再次要求补正须说明理由", "reason")
        act.payload["items"] = items
        act.payload["result"] = {"items": items, "again": bool(earlier)}

    def sentence(self, act: Act) -> str:
        items = "；".join(f"{n}. {text}" for n, text in enumerate(act.payload["items"], start=1))
        again = f"（再次补正，理由：{act.reason}）" if act.payload["result"]["again"] else ""
        return f"{act.who} 一次性告知补正{again}：{items}。"


@register
class Resubmit(Follow):
    """The applicant answers a correction notice with a complete new submission."""

    key, label, style, for_applicant = "resubmit", "提交补正材料", "primary", True

    def check(self, act: Act) -> None:
        super().check(act)
        definition = act.case.definition
        form = forms.get(definition.form, definition.form_version)
        data = act.payload.get("data") or {}
        cleaned, problems = forms.examine(form, data, on=act.day)
        if problems:
            raise Refused(
                f"还有 {len(problems)} 处需要填写或更正，首先是“{problems[0].label}”：{problems[0].message}"
            )
        act.payload["data"] = cleaned

    def run(self, act: Act) -> None:
        case = act.case
        number = case.submissions.count() + 1
        Submission.objects.create(
            case=case, place=case.place, number=number, form=case.definition.form,
            form_version=case.definition.form_version, data=act.payload["data"], at=act.at,
            account=act.actor.account,
        )  # fmt: skip
        case.data, case.received_on = act.payload["data"], act.day
        super().run(act)


@register
class CorrectionTimeout(Follow):
    key, label = "lapse", "逾期未补正"

    def open_to(self, case, step, actor):
        return actor.is_system and super().open_to(case, step, actor)

    def sentence(self, act: Act) -> str:
        return f"补正期限届满未补正，按{act.taken.law or '规定'}作撤回申请处理。"


@register
class Pass(Follow):
    key, label, style = "pass", "送审", "primary"


@register
class Conclude(Follow):
    key, label, style = "conclude", "提交核查结论", "primary"


@register
class Approve(Follow):
    key, label, style = "approve", "准予许可", "primary"


@register
class Refuse(Follow):
    """Refusal states its reasons; the document adds the remedies (行政许可法第三十八条)."""

    key, label, style, needs_reason = "refuse", "不予许可", "danger", True


@register
class Issue(Follow):
    key, label, style = "issue", "制证发证", "primary"
