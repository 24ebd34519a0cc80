"""How each act is asked for on the case page: its label, its inputs, and reading them back."""

from collections.abc import Callable
from dataclasses import dataclass

from jinzhi.casework import actions, clocks, documents, engine, hooks
from jinzhi.casework.actions import asking, ending
from jinzhi.casework.actions.time import GROUNDS, LAW
from jinzhi.casework.models import Case, Service, Step
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people import roles
from jinzhi.foundation.people.models import Agency, Post

# What the acts that no outcome declares rest on; an outcome names its own article.
LAWS = {
    "suspend": LAW, "resume": LAW, "copy": "", "return": "", "reassign": "", "add_sign": "", "opine": "", "urge": "",
    "link": "", "fee": "《中华人民共和国行政许可法》第五十九条", "terminate": "《中华人民共和国行政许可法》第七十条",
    "hand_over": "《中华人民共和国行政许可法》第三十二条第一款第（二）项", "merge": "", "reopen": "依复议决定或者判决",
}  # fmt: skip
MOST_POSTS = 200


@dataclass(frozen=True)
class Input:
    """One question of an act's dialog. kind: one | many | radio | text | number | date | tick."""

    name: str
    label: str
    kind: str = "text"
    options: tuple = ()
    required: bool = True
    value: str = ""
    most: int | None = None


def describe(case: Case, step: Step | None, key: str, actor: actions.Actor) -> dict:
    """Everything the dialog of one act needs."""
    action = actions.registry[key]
    node = case.definition.step(step.key) if step else None
    outcome = node.outcome(key) if node and step and step.kind != "sign" else None
    described = {
        "key": key,
        "label": outcome.label if outcome else action.label,
        "style": action.style,
        "main": bool(outcome and outcome.main) or key in ("opine", "serve"),
        "extra": outcome is None and key not in ("opine", "return"),
        "reason": action.needs_reason or bool(outcome and outcome.reason),
        "law": (outcome.law or node.law) if outcome and node else LAWS.get(key, node.law if node else ""),
        "page": node.page if outcome and outcome.main and node else "",
        "phrases": outcome.phrases if outcome else (),
        "preview": hooks.preview(outcome.effect, case) if outcome else [],
        "documents": [documents.kinds()[d].title for d in outcome.documents] if outcome else [],
        "inputs": INPUTS[key](case, step, actor)
        if key in INPUTS
        else [Input(n, q, "one", o) for n, q, o in action.asks],
    }
    if key == "correct" and step:
        described["again"] = case.steps.filter(key=step.key, action="correct").exists()
    if key == "extend" and node:
        allowed = clocks.limit_of(case, case.definition.clocks[node.extend].extension)
        described["law"] = f"《{allowed.law}》{allowed.article}"
    return described


def _named(posts: list[Post], own: Post | None) -> tuple:
    """Everybody but oneself, the own bureau first."""
    near = sorted(posts, key=lambda p: own is not None and p.agency_id != own.agency_id)
    return tuple((p.pk, str(p)) for p in near if own is None or p.pk != own.pk)


def _copy(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    return [Input("posts", "抄送给（可多选）", "many", _named(readers(case), actor.post))]


def _return(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    back = case.definition.step(step.key).back
    return [Input("target", "退回到", "radio", tuple((k, case.definition.step(k).name) for k in back))]


def _suspend(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    grounds = tuple((g, g) for g in GROUNDS)
    return [
        Input("ground", "不计入期限的事由", "one", grounds),
        Input("days", "预计所需时间（日）", "number", most=3660),
    ]


def _extend(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    clock = case.definition.clocks[case.definition.step(step.key).extend]
    allowed = clocks.limit_of(case, clock.extension)
    most = int(allowed.value)
    label = f"延长（{clocks.UNITS[allowed.unit]}，最多 {most}）"
    return [Input("days", label, "number", value=str(most), most=most)]


def _reassign(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    return [Input("post", "转给", "one", _named(asking.colleagues(case, step), actor.post))]


def _add_sign(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    node = case.definition.step(step.key)
    plain = tuple(
        (o.action, o.label)
        for o in node.outcomes
        if not (o.documents or o.effect or o.mark or actions.registry[o.action].by_system)
    )
    near = sorted(
        readers(case), key=lambda p: p.agency_id != actor.office.agency_id
    )  # one's own bureau first
    found = [Input("posts", "征求谁的意见（可多选）", "many", _named(near, actor.post))]
    if plain:
        found += [
            Input("when", "何时征求", "radio", (("before", "本人办理之前"), ("after", "本人办理之后"))),
            Input("outcome", "本人的意见（之后征求时填写）", "one", plain, required=False),
        ]
    return found


def _fee(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    standards = []
    for fee in case.definition.fees:
        try:
            value = rules.value(fee.rule, on=case.rule_date)
        except rules.NoRule:
            continue
        standards.append((fee.key, f"{fee.title}（标准 {int(value.value) / 100:.2f} 元）"))
    return [
        Input("item", "收费项目", "one", tuple(standards)), Input("yuan", "金额（元）"),
        Input("receipt", "票据号码", required=False), Input("waived", "减免", "tick", required=False),
        Input("authority", "减免的批准依据", required=False),
    ]  # fmt: skip


def _serve(case: Case, step: Step, actor: actions.Actor) -> list[Input]:
    today = calendar.today().isoformat()
    return [
        Input("method", "送达方式", "one", tuple(Service.Method.choices), value="direct"),
        Input("served_on", "送达日期", "date", value=today),
        Input("recipient", "签收人（留置、公告的写明见证人或者载体）", required=False),
        Input("proof", "凭证（回证、邮单、公告编号）", required=False),
    ]


def _terminate(case: Case, step: Step | None, actor: actions.Actor) -> list[Input]:
    return [Input("ground", "终止的事由", "one", tuple(ending.GROUNDS.items()))]


def _other(case: Case, step: Step | None, actor: actions.Actor) -> list[Input]:
    return [Input("other", "另一办件的编号")]


def _reopen(case: Case, step: Step | None, actor: actions.Actor) -> list[Input]:
    return [Input("order", "责令重新办理的决定书、判决书文号")]


def _hand_over(case: Case, step: Step | None, actor: actions.Actor) -> list[Input]:
    same = Agency.objects.filter(level=case.agency.level, valid_to=None).exclude(pk=case.agency_id)
    return [Input("agency", "移送给", "one", tuple((a.key, a.name) for a in same.order_by("place")))]


INPUTS: dict[str, Callable[..., list[Input]]] = {
    "copy": _copy, "return": _return, "suspend": _suspend, "extend": _extend, "reassign": _reassign,
    "add_sign": _add_sign, "fee": _fee, "serve": _serve, "terminate": _terminate, "link": _other, "merge": _other,
    "reopen": _reopen, "hand_over": _hand_over,
}  # fmt: skip


def readers(case: Case) -> list[Post]:
    """Posts that may be sent a copy: in office today, in an agency that answers for the place of the case."""
    today = calendar.today()
    seats = {case.place // width * width for width in engine.WIDTHS.values()}
    posts = Post.objects.filter(agency__place__in=seats, valid_from__lte=today, account__is_active=True)
    posts = posts.exclude(valid_to__lt=today).exclude(powers__role__in=roles.ADMINISTRATION)
    posts = posts.select_related("account", "agency")
    return list(posts.order_by("-agency__place", "title")[:MOST_POSTS])


def payload_of(key: str, raw: dict, case: Case) -> dict:
    """The payload of an act from what was posted or sent: {name: text or list of texts}, keys made into rows."""
    payload: dict = {}
    if key == "correct":
        payload["items"] = [str(i) for i in raw.get("items") or [] if str(i).strip()][:50]
    for field in ("days", "ground", "target", "when", "outcome", "other", "order", "item", "receipt", "authority",
                  "method", "served_on", "recipient", "proof", "amount"):  # fmt: skip
        if raw.get(field) not in (None, ""):
            payload[field] = raw[field]
    for name, _, options in actions.registry[key].asks:
        if raw.get(name) in dict(options):
            payload[name] = raw[name]
    if "yuan" in raw:
        payload["amount"] = cents(str(raw["yuan"]))
    if raw.get("waived"):
        payload["waived"] = True
    if key in ("copy", "add_sign"):
        chosen = {str(p) for p in raw.get("posts") or []}
        payload["posts"] = [p for p in readers(case) if str(p.pk) in chosen]
    if key == "reassign":
        chosen_post = str(raw.get("post", ""))
        posts = Post.objects.filter(pk=int(chosen_post) if chosen_post.isdecimal() else 0)
        posts = posts.exclude(valid_to__lt=calendar.today()).select_related("account", "agency")
        payload["post"] = posts.first()
    if key == "hand_over":
        payload["agency"] = Agency.objects.filter(key=str(raw.get("agency", ""))).first()
    if isinstance(raw.get("result"), dict):
        payload["result"] = raw["result"]
    if isinstance(raw.get("data"), dict):
        payload["data"] = raw["data"]
    return payload


def cents(yuan: str) -> str:
    """`2200.5` as 220050; anything that is no amount stays as it was typed, for the act to refuse."""
    whole, _, part = yuan.strip().partition(".")
    if whole.isdecimal() and (part == "" or (part.isdecimal() and len(part) <= 2)) and len(whole) < 10:
        return str(int(whole) * 100 + int(part.ljust(2, "0") or 0))
    return yuan


MANY = frozenset({"items", "posts"})


def read(key: str, request, case: Case) -> tuple[str, dict]:
    """(reason, payload) as posted from the dialog."""
    raw = {name: request.POST.getlist(name) if name in MANY else request.POST[name] for name in request.POST}
    return request.POST.get("reason", "").strip()[:4000], payload_of(key, raw, case)


def label(case: Case, step_id: str, key: str) -> str:
    """The word for what was done, for the message after it."""
    step = Step.objects.filter(pk=step_id).first() if step_id.isdecimal() else None
    outcome = case.definition.step(step.key).outcome(key) if step and step.kind != "sign" else None
    return outcome.label if outcome else actions.registry[key].label
