"""What each act asks for in `data` over the interface, as the page's dialog asks it; and its types checked.

Types: text, texts, number, flag, date, choice, choices, form (the whole of `data`).
"""

from typing import Any

from ninja import Schema

from jinzhi.casework import forms_of_acts, hooks
from jinzhi.casework.actions import Refused
from jinzhi.casework.models import Case, Step
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.forms.schema import json_schema

LONGEST = 200  # characters of a text that is not a reason
MOST = 10**12
TYPES = {"one": "choice", "radio": "choice", "many": "choices", "tick": "flag"}
# what a value may be, where it is given; forms and records of a step are judged by their own rules
TEXTS = ("ground", "target", "when", "outcome", "other", "order", "item", "receipt", "authority", "method",
         "served_on", "recipient", "proof", "agency", "yuan")  # fmt: skip
NUMBERS = ("days", "amount", "post")


class Choice(Schema):
    value: str | int
    label: str


class FieldAnswer(Schema):
    """One thing the act asks for; `name` is empty where `data` as a whole is meant."""

    name: str
    label: str
    type: str
    required: bool = True
    choices: list[Choice] = []
    most: int | None = None
    data_schema: dict[str, Any] | None = None


def fields(case: Case, step: Step | None, key: str, described: dict) -> list[FieldAnswer]:
    """What the act asks for; `described` is what its dialog shows (forms_of_acts.describe)."""
    if key == "correct":
        return [FieldAnswer(name="items", label="需要补正的内容，一项一条", type="texts")]
    if key == "resubmit":
        return [FieldAnswer(name="", label="完整的申请表", type="form")]
    if described["page"]:
        return [
            FieldAnswer(
                name="", label="本环节的记录", type="form", data_schema=_record(case, step, described["page"])
            )
        ]
    return [
        FieldAnswer(
            name=i.name, label=i.label, type=TYPES.get(i.kind, i.kind), required=i.required, most=i.most,
            choices=[Choice(value=value, label=text) for value, text in i.options],
        )
        for i in described["inputs"]
    ]  # fmt: skip


def _record(case: Case, step: Step | None, page: str) -> dict[str, Any] | None:
    """The schema of a step's own page, where it draws one of the official forms."""
    form = hooks.page_of(page).context(case, step).get("form")
    return json_schema(form, calendar.today()) if isinstance(form, forms.Form) else None


def _has_page(case: Case, step: Step | None, key: str) -> bool:
    """Whether the act ends a step with a page of its own: a checklist, a report."""
    if step is None or step.kind == "sign":
        return False
    node = case.definition.step(step.key)
    outcome = node.outcome(key)
    return bool(node.page and outcome and outcome.main)


def read(case: Case, step: Step | None, key: str, data: dict[str, Any]) -> dict[str, Any]:
    """The payload of the act. Raises Refused where a type is wrong or somebody named does not exist."""
    if _has_page(case, step, key):
        result = data.get("result", data)  # what the step's own page asks for
        if not isinstance(result, dict):
            raise Refused("result 应为对象", "data.result")
        return {"result": result}
    for name in TEXTS:
        if not isinstance(data.get(name, ""), str) or len(data.get(name, "")) > LONGEST:
            raise Refused(f"{name} 应为不超过 {LONGEST} 字的文字", f"data.{name}")
    for name in NUMBERS:
        if type(data.get(name, 0)) is not int or abs(data.get(name, 0)) > MOST:
            raise Refused(f"{name} 应为整数", f"data.{name}")
    if not isinstance(data.get("waived", False), bool):
        raise Refused("waived 应为 true 或 false", "data.waived")
    _list(data, "items", str)
    _list(data, "posts", int)
    return forms_of_acts.payload_of(key, {k: v for k, v in data.items() if k not in ("result", "data")}, case)


def _list(data: dict[str, Any], name: str, kind: type) -> None:
    value = data.get(name, [])
    if not isinstance(value, list) or len(value) > 50 or not all(type(one) is kind for one in value):
        raise Refused(f"{name} 应为列表，不超过 50 项", f"data.{name}")
    if kind is str and any(len(one) > 1000 for one in value):
        raise Refused(f"{name} 的一项不超过 1000 字", f"data.{name}")
