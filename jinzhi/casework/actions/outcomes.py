"""Acts that follow an outcome the procedure declares: 受理、补正、送审、批准、不予许可、发证……

Their labels, destinations, clocks and documents are data; the classes add what the law asks of each.
"""

from datetime import date

from django.utils import timezone

from jinzhi.casework import documents, engine, hooks
from jinzhi.casework.actions.base import Act, Action, Refused, register
from jinzhi.casework.actions.time import suspended
from jinzhi.casework.models import Service, Step, Submission
from jinzhi.casework.procedures import Outcome
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import GeneratedDocument


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
        if act.outcome.mark == "decided" and (held := suspended(act.case)):
            grounds = held[0].pauses.filter(until=None, step=None).values_list("ground", flat=True)
            raise Refused(f"期限因{'、'.join(grounds)}暂停计时，尚未恢复；请先恢复计时，再作决定")
        hooks.run(act.outcome.guard, act)

    def sentence(self, act: Act) -> str:
        rest = "（当日为休息日）" if act.taken.mark and not calendar.is_workday(act.day) else ""
        text = f"{act.who} 在“{act.node.name}”环节：{act.taken.label}{rest}"
        return f"{text}。{act.reason}" if act.reason else f"{text}。"

    def run(self, act: Act) -> None:
        step, outcome = act.here, act.taken
        self.mark(act)
        engine.close_step(
            step, Step.State.DONE, act, action=self.key, opinion=act.reason,
            result=act.payload.get("result", {}), account=act.actor.account, post=act.actor.post,
            on_behalf=act.on_behalf,
        )  # fmt: skip
        engine.follow(act, step, outcome, tell=lambda: self.tell(act, outcome))

    def tell(self, act: Act, outcome: Outcome) -> None:
        """The story: what addresses the applicant in full; of internal steps only that they are done."""
        known = act.here.role == "applicant" or bool(outcome.mark or act.documents or outcome.effect)
        papers = [d.number or d.title for d in act.documents]
        act.log(
            self.key, self.sentence(act), public=known, outcome=self.key, documents=papers, **self.facts(act)
        )
        if not known:
            act.log(f"{self.key}.done", f"“{act.node.name}”已完成。")

    def facts(self, act: Act) -> dict:
        """What else the record of the act keeps, for those who read it by machine."""
        return {}

    def mark(self, act: Act) -> None:
        """Set the date of the case that this act is."""
        if act.taken.mark:
            setattr(act.case, f"{act.taken.mark}_on", act.day)


@register
class Accept(Follow):
    """受理: from here the rules of the day of acceptance hold."""

    key, label, style = "accept", "受理", "primary"

    def check(self, act: Act) -> None:
        from jinzhi.casework import migrating  # it needs the acts

        if act.outcome is not None and act.outcome.mark == "accepted":
            migrating.still_open(act)
        if act.outcome is not None and act.outcome.mark == "accepted" and migrating.rules_of_acceptance(act):
            act.here.refresh_from_db()
            act.here.case = act.case
            act.outcome = act.node.outcome(self.key)
        super().check(act)


@register
class DeemAccepted(Follow):
    """行政许可法第三十二条: silence within the limit counts as acceptance from the day of receipt."""

    key, label, by_system = "deem_accepted", "逾期视为受理", True

    def mark(self, act: Act) -> None:
        """The decision limit counts from the day of receipt, too."""
        act.since = act.case.accepted_on = act.case.received_on

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

    def facts(self, act: Act) -> dict:
        return {"items": act.payload["items"], "again": act.payload["result"]["again"]}

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
    key, label, by_system = "lapse", "逾期未补正", True

    def sentence(self, act: Act) -> str:
        return f"补正期限届满未补正，按{act.taken.law or '规定'}作撤回申请处理。"


@register
class Elapse(Follow):
    """A step that only waits is over."""

    key, label, by_system, at_kinds = "elapse", "期满", True, ("timer",)

    def sentence(self, act: Act) -> str:
        return f"“{act.node.name}”期限届满：{act.taken.label}。"


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

    def facts(self, act: Act) -> dict:
        return {"reason": act.reason}


@register
class Issue(Follow):
    key, label, style = "issue", "制证发证", "primary"


@register
class Agree(Follow):
    """会签同意: one member's opinion; the quorum decides."""

    key, label, style = "agree", "同意", "primary"


@register
class Disagree(Follow):
    key, label, style, needs_reason = "disagree", "不同意", "warning", True


@register
class Serve(Follow):
    """登记送达: how and when the document reached its addressee; limits count from that day."""

    key, label, style, at_kinds = "serve", "登记送达", "primary", ("notice",)

    def check(self, act: Act) -> None:
        super().check(act)
        methods = dict(Service.Method.choices)
        method = act.payload.get("method", "direct")
        if method not in methods:
            raise Refused(f"送达方式只能是：{'、'.join(methods.values())}", "method")
        issued = timezone.localtime(act.here.opened_at).date()
        try:
            day = date.fromisoformat(str(act.payload.get("served_on") or act.day.isoformat()))
        except ValueError:
            raise Refused("送达日期应为年-月-日，如 2026-01-31", "served_on") from None
        if not issued <= day <= act.day:
            raise Refused(f"送达日期应在制作文书之日（{issued}）与今天（{act.day}）之间", "served_on")
        if method != "electronic" and not str(act.payload.get("recipient", "")).strip():
            raise Refused("请填写签收人；留置、公告送达的写明见证人或者公告载体", "recipient")
        act.payload |= {"method": method, "served_on": day}

    def run(self, act: Act) -> None:
        data = act.payload
        document = GeneratedDocument.objects.get(pk=act.here.result["document"])
        documents.serve(
            act, document, data["method"], data["served_on"], recipient=str(data.get("recipient", "")).strip(),
            proof=str(data.get("proof", "")).strip(),
        )  # fmt: skip
        act.since = data["served_on"]
        served = {
            "document": document.title, "number": document.number, "served_on": data["served_on"].isoformat(),
            "method": dict(Service.Method.choices)[data["method"]], "recipient": str(data.get("recipient", "")),
            "proof": str(data.get("proof", "")), "servers": str(act.actor.account or ""),
        }  # fmt: skip
        act.documents = [documents.issue("service_receipt", act, served=served)]
        data["result"] = act.here.result | {
            "served_on": data["served_on"].isoformat(),
            "method": data["method"],
        }
        super().run(act)

    def facts(self, act: Act) -> dict:
        return {"served_on": act.payload["served_on"].isoformat(), "method": act.payload["method"]}

    def sentence(self, act: Act) -> str:
        how = dict(Service.Method.choices)[act.payload["method"]]
        to = str(act.payload.get("recipient", "")).strip()
        return f"{act.who} 登记“{act.node.name}”：{act.payload['served_on']:%Y-%m-%d} {how}{f'，{to} 签收' if to else ''}。"
