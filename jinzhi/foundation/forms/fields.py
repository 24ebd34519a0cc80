"""One Django form field per question: the only place where a value is judged."""

import re
from datetime import date
from functools import cache, lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from jinzhi.foundation import codes
from jinzhi.foundation.forms.definition import Field

PHONE = re.compile(r"(1\d{10}|0\d{2,3}-?\d{7,8}(-\d{1,6})?|400-?\d{3}-?\d{4})")
# Control characters, halves of surrogate pairs, and marks that turn the direction of what follows.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class Text(forms.CharField):
    def to_python(self, value: Any) -> str:
        if isinstance(value, (dict, list)):
            raise ValidationError("应为文字")
        text = super().to_python(value) or ""  # None only where a field asks for it
        if CONTROL.search(text):
            raise ValidationError("含有不可见的控制字符，请重新输入")
        return text


class Phone(Text):
    def clean(self, value):
        text = super().clean(value).replace(" ", "")
        if text and not PHONE.fullmatch(text):
            raise ValidationError("请填写 11 位手机号，或带区号的固定电话，如 0571-85123456")
        return text


class Code(Text):
    """A number with a check digit; kept in its normal form."""

    def __init__(self, *, scheme: str, **kwargs):
        super().__init__(**kwargs)
        self.scheme = scheme

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return text
        answer = codes.check(self.scheme, text)
        if not answer.valid:
            raise ValidationError([p.message for p in answer.problems if p.level == "error"])
        return answer.normalized


class Day(forms.DateField):
    """A calendar day, kept as an ISO string."""

    def __init__(self, *, on: date, not_future: bool, not_past: bool, **kwargs):
        super().__init__(input_formats=["%Y-%m-%d", "%Y年%m月%d日", "%Y/%m/%d"], **kwargs)
        self.on, self.not_future, self.not_past = on, not_future, not_past

    def to_python(self, value: Any) -> date | None:
        if value not in self.empty_values and not isinstance(value, (str, date)):
            raise ValidationError("请填写日期，如 2026-03-02")
        return super().to_python(value)

    def clean(self, value):
        day = super().clean(value)
        if day is None:
            return None
        if self.not_future and day > self.on:
            raise ValidationError(f"不能晚于今天（{self.on:%Y-%m-%d}）")
        if self.not_past and day < self.on:
            raise ValidationError(f"已于 {day:%Y-%m-%d} 到期，请更新后再填写")
        return day.isoformat()


class Amount(forms.DecimalField):
    """A decimal kept as text, so that nothing is lost in JSON."""

    def clean(self, value):
        number = super().clean(value)
        return None if number is None else format(number, "f")


class Yes(forms.BooleanField):
    def to_python(self, value):
        return value in (True, "true", "True", "on", "1", "是")


class Place(Text):
    """A county of the province, as its six-digit code."""

    def clean(self, value):
        text = super().clean(value)
        if text and text not in dict(place_choices()):
            raise ValidationError("请从列表中选择本省的县（市、区）")
        return text


@cache
def place_choices() -> list[tuple[str, str]]:
    """Counties in force, with the name of their city; read once a process (the pack changes with a restart)."""
    from jinzhi.foundation.places.models import Division

    names = dict(Division.objects.filter(valid_to=None, level="city").values_list("code", "name"))
    counties = Division.objects.filter(valid_to=None, level="county", parent__in=names).order_by("code")
    return [(d.code, f"{names[d.parent]} {d.name}") for d in counties]


def set_choices(field: Field, on: date) -> list[tuple[str, str]]:
    """Items of the dated code set that were in force on that day."""
    items = list(codes.sets.get(field.code_set, on=on).items.values())
    if field.level == "main":
        items = [i for i in items if not i.parent]
    elif field.level == "detail":
        items = [i for i in items if i.parent]
    return [(i.code, f"{i.code} {i.name}") for i in items]


def _not_offered(value: Any) -> ValidationError:
    return ValidationError(f"“{str(value)[:20]}”不在可选范围内")


class Choice(forms.ChoiceField):
    def validate(self, value):
        forms.Field.validate(self, value)
        if value and not self.valid_value(value):
            raise _not_offered(value)


class Choices(forms.MultipleChoiceField):
    def validate(self, value):
        if self.required and not value:
            raise ValidationError(self.error_messages["required"])
        for one in value:
            if not self.valid_value(one):
                raise _not_offered(one)


class SetChoice(forms.ChoiceField):
    """A code of a dated set; the error says on which day it is not in the list."""

    def __init__(self, *, on: date, **kwargs):
        super().__init__(**kwargs)
        self.on = on

    def validate(self, value):
        try:
            super().validate(value)
        except ValidationError as problem:
            if problem.code == "invalid_choice":
                raise ValidationError(
                    f"类别 {str(value)[:20]} 不在 {self.on:%Y-%m-%d} 施行的目录中"
                ) from None
            raise


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def longest(field: Field) -> int:
    """How many characters an answer in words may have."""
    return {"code": 64, "phone": 30, "long_text": max(field.max_length, 2000)}.get(
        field.type, field.max_length
    )


@lru_cache(maxsize=4096)
def build(field: Field, on: date) -> forms.Field:
    """The Django field that cleans this question's answer on that day; made once, since it keeps no state."""
    common: dict[str, Any] = {
        "label": field.label,
        "required": field.required,
        "help_text": field.help,
        "error_messages": {"required": "请填写" if not field.choices else "请选择"},
    }
    match field.type:
        case "integer":
            return forms.IntegerField(min_value=_whole(field.min), max_value=_whole(field.max), **common)
        case "decimal":
            return Amount(min_value=field.min, max_value=field.max, max_digits=18, **common)
        case "date":
            return Day(on=on, not_future=field.not_future, not_past=field.not_past, **common)
        case "choice":
            return Choice(choices=[("", "请选择"), *field.choices], **common)
        case "multi_choice":
            return Choices(choices=field.choices, **common)
        case "code_set":
            return SetChoice(choices=[("", "请选择"), *set_choices(field, on)], on=on, **common)
        case "code":
            return Code(scheme=field.scheme, max_length=longest(field), **common)
        case "phone":
            return Phone(max_length=longest(field), **common)
        case "boolean":
            common["error_messages"] = {"required": "请确认此项"}
            return Yes(**common)
        case "place":
            return Place(
                max_length=6, widget=forms.Select(choices=[("", "请选择"), *place_choices()]), **common
            )
        case "long_text":
            rows = {"rows": field.rows or 4}
            return Text(max_length=longest(field), widget=forms.Textarea(attrs=rows), **common)
        case _:
            return Text(max_length=longest(field), **common)
