"""What a dated legal parameter is: units and what they hold, marks of certainty, and one value in force."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

MARKS = {
    "verified": "已对照原文",
    "seen": "见过原文",
    "public": "公开资料",
    "memory": "凭记忆，待核",
    "reconstructed": "推定，可配置",
}


class RuleError(ValueError):
    """A rule file that cannot be used; the message names file and key."""


class NoRule(LookupError):
    """No such parameter, or none in force on that day."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


def _month_days(value: Any) -> bool:
    if not _texts(value):
        return False
    try:
        return all(date.fromisoformat(f"2000-{v}") for v in value)
    except ValueError:
        return False


# unit -> (word shown behind the value, what it may hold, that in words)
UNITS: dict[str, tuple[str, Callable[[Any], bool], str]] = {
    "workday": ("个工作日", _whole, "整数"),
    "day": ("日", _whole, "整数"),
    "month": ("个月", _whole, "整数"),
    "year": ("年", _whole, "整数"),
    "hour": ("小时", _whole, "整数"),
    "minute": ("分钟", _whole, "整数"),
    "times": ("次", _whole, "整数"),
    "person": ("人", _whole, "整数"),
    "copy": ("份", _whole, "整数"),
    "item": ("项", _whole, "整数"),
    "cent": ("分（人民币）", _whole, "整数"),
    "byte": ("字节", _whole, "整数"),
    "number": ("", _number, "数"),
    "score": ("分", _number, "数"),
    "percent": ("%", _number, "数"),
    "ratio": ("", _number, "数"),
    "text": ("", _text, "文字"),
    "texts": ("", _texts, "文字列表"),
    "month_days": ("", _month_days, "月-日 列表"),
    "flag": ("", lambda value: isinstance(value, bool), "true 或 false"),
    "date": ("", lambda value: type(value) is date, "日期"),
}


@dataclass(frozen=True)
class Value:
    """One value of a parameter while it is in force: `valid_from` ≤ day ≤ `valid_to` (None: still)."""

    key: str
    value: Any
    unit: str
    valid_from: date
    law: str
    article: str
    mark: str
    title: str
    valid_to: date | None = None
    note: str = ""

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def basis(self) -> str:
        """《行政许可法》第三十二条"""
        return f"《{self.law}》{self.article}"

    @property
    def shown(self) -> str:
        """The value with its unit, as a person reads it."""
        if isinstance(self.value, bool):
            return "是" if self.value else "否"
        if isinstance(self.value, list):
            return "、".join(map(str, self.value))
        word = UNITS[self.unit][0]
        return f"{self.value} {word}".strip() if word[:1] not in ("%", "") else f"{self.value}{word}"

    @property
    def mark_title(self) -> str:
        return MARKS[self.mark]


@dataclass(frozen=True)
class Parameter:
    """A legal parameter with all its values, oldest first."""

    key: str
    title: str
    unit: str
    room: str
    file: str
    values: tuple[Value, ...]

    def on(self, day: date) -> Value | None:
        return next((v for v in self.values if v.holds_on(day)), None)
