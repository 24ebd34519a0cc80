"""How each act is asked for on the case page: its label, its fields, and reading them back."""

from jinzhi.casework import actions, clocks, documents, engine, hooks
from jinzhi.casework.actions.time import GROUNDS, LAW
from jinzhi.casework.models import Case, Step
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.models import Post

# What the acts that no outcome declares rest on; an outcome names its own article.
LAWS = {"suspend": LAW, "resume": LAW, "copy": "", "return": ""}


def describe(case: Case, step: Step, key: str, own: int) -> dict:
    """Everything the dialog of one act needs; `own` is the post acted in."""
    action = actions.registry[key]
    node = case.definition.step(step.key)
    outcome = node.outcome(key)
    described = {
        "key": key,
        "label": outcome.label if outcome else action.label,
        "style": action.style,
        "main": bool(outcome and outcome.main),
        "reason": action.needs_reason or bool(outcome and outcome.reason),
        "law": outcome.law or node.law if outcome else LAWS.get(key, node.law),
        "page": node.page if outcome and outcome.main else "",
        "phrases": outcome.phrases if outcome else (),
        "preview": hooks.preview(outcome.effect, case) if outcome else [],
        "documents": [],
    }
    if outcome:
        described["documents"] = [documents.kinds()[d].title for d in outcome.documents]
    if key == "copy":
        described["posts"] = [(p.pk, str(p)) for p in readers(case) if p.pk != own]
    if key == "return":
        described["targets"] = [(k, case.definition.step(k).name) for k in node.back]
    if key == "suspend":
        described["grounds"] = GROUNDS
    if key == "extend":
        clock = case.definition.clocks[node.extend]
        allowed = rules.value(clock.extension, on=case.rule_date)
        described["most"] = int(allowed.value)
        described["law"] = f"《{allowed.law}》{allowed.article}"
        described["unit"] = clocks.UNITS[allowed.unit]
    if key == "correct":
        described["again"] = case.steps.filter(key=step.key, action="correct").exists()
    return described


def readers(case: Case) -> list[Post]:
    """Posts that may be sent a copy: in office today, in an agency that answers for the place of the case."""
    today = calendar.today()
    seats = {case.place // width * width for width in engine.WIDTHS.values()}
    posts = Post.objects.filter(agency__place__in=seats, valid_from__lte=today, account__is_active=True)
    posts = posts.exclude(valid_to__lt=today).select_related("account", "agency")
    return list(posts.order_by("-agency__place", "title")[:200])


def read(key: str, request, case: Case) -> tuple[str, dict]:
    """(reason, payload) as posted from the dialog or from a step's own page."""
    post = request.POST
    payload: dict = {}
    if key == "correct":
        payload["items"] = [i for i in post.getlist("items") if i.strip()][:50]
    if key in ("extend", "suspend"):
        payload |= {"days": post.get("days", ""), "ground": post.get("ground", "")}
    if key == "copy":
        chosen = set(post.getlist("posts"))
        payload["posts"] = [p for p in readers(case) if str(p.pk) in chosen]
    if key == "return":
        payload["target"] = post.get("target", "")
    return post.get("reason", "").strip()[:4000], payload


def label(case: Case, step_id: str, key: str) -> str:
    """The word for what was done, for the message after it."""
    step = Step.objects.filter(pk=step_id).first() if step_id.isdecimal() else None
    outcome = case.definition.step(step.key).outcome(key) if step else None
    return outcome.label if outcome else actions.registry[key].label
