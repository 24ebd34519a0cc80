"""Acts that bring in other people without moving the case: hand on, ask an opinion, copy, urge, charge."""

from django.utils import timezone

from jinzhi.casework import engine
from jinzhi.casework.actions.base import (
    SIGN,
    Act,
    Action,
    NoPower,
    Refused,
    matching_power,
    register,
    registry,
)
from jinzhi.casework.models import LIVE, PERSONAL, CarbonCopy, Case, Step
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.models import Post, Power


def colleagues(case: Case, step: Step) -> list[Post]:
    """Posts of the step's agency that hold the step's power today, for handing it on."""
    today = calendar.today()
    powers = Power.objects.filter(
        post__agency=step.agency_id, role=step.role, procedure__in=("", case.definition.key), step__in=("", step.key),
        post__valid_from__lte=today, post__account__is_active=True,
    ).exclude(post__valid_to__lt=today)  # fmt: skip
    found = {p.post_id: p.post for p in powers.select_related("post__account", "post__agency")}
    return [found[key] for key in sorted(found)]


@register
class Reassign(Action):
    """转办: another post of the same agency with the same power takes the step over."""

    key, label, needs_reason = "reassign", "转办", True

    def check(self, act: Act) -> None:
        post = act.payload.get("post")
        if post is None or post not in colleagues(act.case, act.here):
            raise Refused("只能转给本机构有本环节权限的在任人员", "post")
        if act.actor.post and post.pk == act.actor.post.pk:
            raise Refused("不能转给自己", "post")
        for key in act.node.not_same_as:
            if act.case.steps.filter(key=key, state=Step.State.DONE, account=post.account).exists():
                raise Refused(
                    f"{post.account} 已办理“{act.case.definition.step(key).name}”，不能再办理本环节", "post"
                )

    def run(self, act: Act) -> None:
        post, step = act.payload["post"], act.here
        step.assignee, step.taken_at = post, None
        step.save(update_fields=["assignee", "taken_at"])
        act.log(
            self.key,
            f"{act.who} 将“{act.node.name}”转由 {post} 办理。理由：{act.reason}",
            public=False,
            post=post.pk,
        )


@register
class AddSign(Action):
    """加签: ask other posts for an opinion, before deciding oneself or before one's own opinion goes on."""

    key, label, needs_reason = "add_sign", "加签", True

    def check(self, act: Act) -> None:
        posts = act.payload.get("posts") or []
        if not posts:
            raise Refused("请选择征求谁的意见", "posts")
        if act.actor.post and any(p.pk == act.actor.post.pk for p in posts):
            raise Refused("不能向自己加签", "posts")
        if act.payload.get("when", "before") not in ("before", "after"):
            raise Refused("请选择在本人办理之前还是之后加签", "when")
        if act.payload.get("when") == "after":
            self._plain_outcome(act)

    def _plain_outcome(self, act: Act) -> None:
        outcome = act.node.outcome(str(act.payload.get("outcome", "")))
        if outcome is not None and registry[outcome.action].by_system:
            raise Refused("这个结果只能由期限届满产生", "outcome")
        if outcome is None or outcome.documents or outcome.effect or outcome.mark:
            raise Refused("后加签只能跟在内部意见之后；作决定、发文书的动作不能再等他人意见", "outcome")

    def run(self, act: Act) -> None:
        step, after = act.here, act.payload.get("when") == "after"
        if after:
            engine.close_step(
                step, Step.State.DONE, act, action=act.payload["outcome"], opinion=act.reason,
                result=step.result | {"then": act.payload["outcome"]}, account=act.actor.account,
                post=act.actor.post, on_behalf=act.on_behalf,
            )  # fmt: skip
        else:
            step.state = Step.State.WAITING
            step.save(update_fields=["state"])
        for post in act.payload["posts"]:
            Step.objects.create(
                case=act.case, place=act.case.place, key=step.key, name=f"加签：{step.name}", kind=SIGN, role=SIGN,
                parent=step.parent, origin=step, agency=post.agency, assignee=post, opened_at=act.at,
                result={"asked": act.reason},
            )  # fmt: skip
        names = "、".join(str(p) for p in act.payload["posts"])
        act.log(
            self.key, f"{act.who} 在“{step.name}”环节请 {names} 出具意见。{act.reason}", public=False,
            posts=[p.pk for p in act.payload["posts"]], when="after" if after else "before",
        )  # fmt: skip


@register
class Opine(Action):
    """出具意见: the answer to a request for an opinion; with the last one the step goes on."""

    key, label, style, needs_reason, at_kinds = "opine", "出具意见", "primary", True, (SIGN,)

    def run(self, act: Act) -> None:
        step = act.here
        origin = step.origin
        assert origin is not None, "an opinion was asked for at a step"
        engine.close_step(
            step, Step.State.DONE, act, action=self.key, opinion=act.reason, account=act.actor.account,
            post=act.actor.post, on_behalf=act.on_behalf,
        )  # fmt: skip
        act.log(self.key, f"{act.who} 对“{origin.name}”出具意见：{act.reason}", public=False)
        if act.case.steps.filter(origin=origin, kind=SIGN, state__in=LIVE).exists():
            return
        if origin.state == Step.State.WAITING:
            origin.state, origin.taken_at = Step.State.OPEN, None
            origin.save(update_fields=["state", "taken_at"])
            return
        outcome = act.case.definition.step(origin.key).outcome(origin.result["then"])
        assert outcome is not None, "it was checked when the opinion was asked for"
        engine.follow(act, origin, outcome)
        act.log(f"{outcome.action}.done", f"“{origin.name}”已完成。")


@register
class CarbonCopyTo(Action):
    """抄送 the case to another post that may see it."""

    key, label = "copy", "抄送"

    def check(self, act: Act) -> None:
        if not act.payload.get("posts"):
            raise Refused("请选择抄送对象", "posts")

    def run(self, act: Act) -> None:
        for post in act.payload["posts"]:
            CarbonCopy.objects.get_or_create(
                case=act.case, step=act.step, post=post,
                defaults={"place": act.case.place, "sent_by": act.actor.post},
            )  # fmt: skip
        names = "、".join(str(p) for p in act.payload["posts"])
        act.log(self.key, f"{act.who} 将本件抄送 {names}。", public=False)


def covers(actor, case: Case) -> bool:
    """Whether the post's agency answers for the place of the case."""
    if actor.post is None:
        return False
    width = engine.WIDTHS[actor.post.agency.level]
    return case.place // width * width == actor.post.agency.place


@register
class Urge(Action):
    """催办: the applicant, a supervisor or an approver asks for speed; whoever has the step sees it."""

    key, label, whole_case = "urge", "催办", True

    def open_to(self, case, step, actor):
        return False  # it concerns the whole case

    def open_on(self, case, actor):
        if case.state != Case.State.OPEN or actor.account is None:
            return False
        if actor.post is None:
            return (
                actor.account.enterprise_id is not None and actor.account.enterprise_id == case.enterprise_id
            )
        return covers(actor, case) and any(p.role in ("supervisor", "approver") for p in actor.powers)

    def check(self, act: Act) -> None:
        if not self.open_on(act.case, act.actor):
            raise NoPower("您不能催办此件")
        waiting = act.case.steps.filter(state=Step.State.OPEN, kind__in=PERSONAL).exclude(role="applicant")
        if not waiting.exists():
            raise Refused("本件正在等待申请人或者期限届满，没有可以催办的环节")
        last = act.case.events.filter(kind=self.key, account=act.actor.account).order_by("-seq").first()
        least = rules.value("casework.urge_interval", on=act.day)
        if last and calendar.workdays_between(timezone.localdate(last.at), act.day) < least.value:
            raise Refused(f"您今天已催办过；同一人每 {least.value} 个工作日可以催办一次")

    def run(self, act: Act) -> None:
        steps = act.case.steps.filter(state=Step.State.OPEN, kind__in=PERSONAL).exclude(role="applicant")
        names = list(steps.values_list("name", flat=True))
        for step in steps:
            step.urged += 1
            step.save(update_fields=["urged"])
        act.log(self.key, f"{act.who} 催办“{'、'.join(names)}”。{act.reason}", steps=names)


@register
class Fee(Action):
    """收费登记: by a dated standard, with its receipt; nothing may be charged where no standard says so."""

    key, label = "fee", "登记收费"

    def open_to(self, case, step, actor):
        return bool(case.definition.fees) and super().open_to(case, step, actor)

    def check(self, act: Act) -> None:
        item = next((f for f in act.case.definition.fees if f.key == act.payload.get("item")), None)
        if item is None:
            raise Refused(
                "本事项没有这项收费；未列入收费标准的不得收费（《中华人民共和国行政许可法》第五十八条）",
                "item",
            )
        try:
            standard = rules.value(item.rule, on=act.case.rule_date)
        except rules.NoRule:
            raise Refused(f"{item.title}在 {act.case.rule_date} 没有收费标准，不得收取", "item") from None
        try:
            amount = int(act.payload.get("amount", ""))
        except (TypeError, ValueError):
            raise Refused("金额应为整数（分）", "amount") from None
        waived = bool(act.payload.get("waived"))
        if amount < 0 or (not waived and amount != standard.value):
            raise Refused(
                f"{item.title}的标准为 {int(standard.value) / 100:.2f} 元（{standard.basis}）", "amount"
            )
        if waived and not str(act.payload.get("authority", "")).strip():
            raise Refused("减免收费须写明批准依据", "authority")
        if not waived and not str(act.payload.get("receipt", "")).strip():
            raise Refused("请填写票据号码", "receipt")
        act.payload |= {"amount": amount, "waived": waived, "standard": standard, "title": item.title}

    def run(self, act: Act) -> None:
        data = act.payload
        facts = {
            "item": data["item"], "amount": data["amount"], "expected": int(data["standard"].value),
            "receipt": str(data.get("receipt", "")), "waived": data["waived"], "authority": str(data.get("authority", "")),
        }  # fmt: skip
        act.case.facts.setdefault("fees", []).append(facts)
        what = "减免" if data["waived"] else f"收取 {data['amount'] / 100:.2f} 元，票据号 {facts['receipt']}"
        act.log(self.key, f"{act.who} 登记{data['title']}：{what}（{data['standard'].basis}）。", **facts)


def holder(case: Case, actor) -> Step | None:
    """The open step of the case that this actor holds."""
    for step in case.steps.filter(state=Step.State.OPEN, kind="user").select_related("agency"):
        if matching_power(actor, case, step):
            return step
    return None
