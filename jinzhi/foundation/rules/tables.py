"""Decision tables: the first row whose conditions all hold answers.

A condition is a literal, a list (any of), `-` (anything) or a comparison such as `">= 3"`, `"< 0.5"`.
"""

import operator
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

_COMPARISON = re.compile(r"(>=|<=|!=|>|<)\s*(.+)")
_OPERATORS = {">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt}
ANYTHING = "-"


class NoDecision(LookupError):
    """No row of the table answers these facts."""


def _operand(text: str) -> Any:
    """A number or a date where the text is one, else the text itself."""
    try:
        return Decimal(text)
    except InvalidOperation:
        pass
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def holds(condition: Any, fact: Any) -> bool:
    if isinstance(condition, list):
        return any(holds(one, fact) for one in condition)
    if condition == ANYTHING:
        return True
    if isinstance(condition, str) and (match := _COMPARISON.fullmatch(condition.strip())):
        operand = _operand(match[2])
        known = Decimal(str(fact)) if isinstance(fact, float) else fact
        try:
            return bool(_OPERATORS[match[1]](known, operand))
        except TypeError:
            return False
    return (
        type(fact) is type(condition) and fact == condition if isinstance(fact, bool) else fact == condition
    )


@dataclass(frozen=True)
class DecisionTable:
    key: str
    title: str
    valid_from: date
    valid_to: date | None
    law: str
    article: str
    mark: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: tuple[dict, ...]
    room: str = ""
    file: str = ""

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def decide(self, **facts: Any) -> dict[str, Any]:
        """The outputs of the first row that fits; every input must be given, nothing else may be."""
        if missing := [name for name in self.inputs if name not in facts]:
            raise NoDecision(f"决策表“{self.title}”缺少条件：{'、'.join(missing)}")
        if unknown := [name for name in facts if name not in self.inputs]:
            raise NoDecision(f"决策表“{self.title}”没有这些条件：{'、'.join(unknown)}")
        for row in self.rows:
            if all(holds(condition, facts[name]) for name, condition in row["when"].items()):
                return dict(row["then"])
        given = "，".join(f"{name}={fact}" for name, fact in facts.items())
        raise NoDecision(f"决策表“{self.title}”没有适用于这些条件的行：{given}")
