"""What one cell means: a date, a word of a list, a code, a place; or the reason why it is none of them.

Each reader is asked once for each different text of a column (see `checking`).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from jinzhi.foundation.codes import organization_code
from jinzhi.foundation.places import services as places
from jinzhi.foundation.places.models import Division
from jinzhi.registry import kinds, services
from jinzhi.registry.importing.fields import LENGTHS, PAST_ONLY, title
from jinzhi.registry.importing.mapping import Source
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.registry.written import normal

USUAL_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip
LONG_TERM = {"长期", "长期有效", "永久", "99991231", "9999-12-31", "9999/12/31", "9999年12月31日"}
SPREADSHEET_DAY_0 = date(1899, 12, 30)  # a date cell turned into a number counts days from here
SCIENTIFIC = re.compile(r"^\d(?:\.\d+)?E\+?\d{1,2}$", re.IGNORECASE)
REGISTRATION = re.compile(r"^\d{15}$")
_POINT_ZERO = re.compile(r"^(\d+)\.0+$")


@dataclass(frozen=True)
class Problem:
    """Why a row is not accepted: the column as the file calls it, its value, the reason."""

    column: str
    value: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        return {"column": self.column, "value": self.value[:200], "reason": self.reason}


class Bad(ValueError):
    """A value that cannot be taken."""


@dataclass(frozen=True)
class Place:
    """A place of today, and when the code written in the file began and ended."""

    place: int
    code: str = ""
    began: date | None = None
    ended: date | None = None
    name: str = ""
    successor: str = ""


def _choices(*choices: tuple[str, str]) -> dict[str, str]:
    """Keys and Chinese words -> key."""
    return {normal(said): key for key, word in choices for said in (key, word, word.lstrip("已"))}


# What registration organs and other registers call the states of an enterprise.
_STATES = {
    "active": ("在业", "开业", "在营", "正常", "存续在营开业在册", "存续（在营、开业、在册）", "在营（开业）企业", "在册"),
    "cancelled": ("注销企业", "已注销"),
    "revoked": ("吊销企业", "吊销未注销", "吊销，未注销", "已吊销"),
    "moved": ("迁出", "迁移异地", "已迁出企业"),
}  # fmt: skip


class Values:
    """Readers of single values. `range_` is what the person importing may write to."""

    def __init__(self, range_: tuple[int, int] | None = None):
        self.range = range_
        self.today = timezone.localdate()
        states = _choices(*Enterprise.Status.choices)
        states.pop("MERGED", None)
        states |= {normal(w): key for key, words in _STATES.items() for w in words if key in states.values()}
        self.words = {
            "status": _choices(*Certificate.Status.choices),
            "enterprise_status": states,
            "enterprise_kind": _choices(*Enterprise.Kind.choices),
            "kind": _choices(*((k.key, k.name) for k in kinds.kinds().values())),
        }
        self._divisions: list[Division] = []

    def date(self, name: str, text: str, source: Source) -> date | None:
        if name == "valid_to" and text in LONG_TERM:
            return None
        for layout in source.dates or USUAL_DATES:
            try:
                found = datetime.strptime(text, layout).date()
            except ValueError:
                continue
            break
        else:
            if source.dates or not re.fullmatch(r"\d{5}(?:\.\d+)?", text):
                raise Bad(f"“{text}”不是日期，应如 2011-04-16")
            found = SPREADSHEET_DAY_0 + timedelta(days=int(float(text)))
        if not 1900 <= found.year <= 2199:
            raise Bad(f"“{text}”不像是真实的年份")
        if name in PAST_ONLY and found > self.today:
            raise Bad(f"{title(name)}不能晚于今天")
        return found

    def word(self, name: str, text: str) -> str:
        key = self.words[name].get(normal(text))
        if key is None:
            known = "、".join(word for word in self.words[name] if not word.isascii())
            raise Bad(f"不认识“{text}”，可以是：{known}")
        return key

    def code(self, name: str, text: str) -> tuple[str, str]:
        """Which field the code in this column is of, and the code: registers mix them in one column."""
        if SCIENTIFIC.match(text.replace(" ", "")):
            raise Bad("表格软件把代码变成了科学记数，末几位已丢失；请把该列设为文本，从原始数据重新导出")
        whole = _POINT_ZERO.match(text)
        code = normal(whole[1] if whole else text)
        if len(code) == 18 or (name == "uscc" and len(code) not in (8, 9, 15)):
            return "uscc", self._checked("uscc", code)
        if REGISTRATION.match(code):
            return "registration_number", self.registration(code)
        if len(code) == 8:
            self._lost_zero(code)
        return "org_code", self._checked("org_code", code)

    def _checked(self, name: str, code: str) -> str:
        problem = services.code_problems(**{name: code}).get(name)
        if not problem:
            return code
        if code.isdigit() and len(code) == 18 and code.endswith("000"):
            problem += "；末三位为 0，可能被表格软件按数字存储而丢失，请把该列设为文本重新导出"
        if len(code) == 17 and not services.code_problems(uscc=f"0{code}"):
            problem += "；可能丢失了开头的 0"
        raise Bad(problem)

    def _lost_zero(self, code: str) -> None:
        full = f"0{code}"
        if organization_code.check(full).valid:
            raise Bad(
                f"组织机构代码应为 9 位，现有 8 位；可能被表格软件丢掉了开头的 0（{full} 校验正确），请核对"
            )

    def registration(self, text: str) -> str:
        """A registration number 工商注册号; with 15 digits its check digit (mod 11,10) must be right."""
        if SCIENTIFIC.match(text.replace(" ", "")):
            raise Bad("表格软件把注册号变成了科学记数，末几位已丢失；请把该列设为文本后重新导出")
        whole = _POINT_ZERO.match(text)
        code = normal(whole[1] if whole else text)
        if len(code) > LENGTHS["registration_number"]:
            raise Bad("超过 60 字")
        if REGISTRATION.match(code):
            expected = registration_check_digit(code[:14])
            if code[14] != expected:
                raise Bad(f"15 位工商注册号的校验码应为 {expected}，现为 {code[14]}")
        if code and not code.strip("0"):
            raise Bad("全为 0，不是实际的注册号")
        return code

    def identifier(self, text: str) -> str:
        whole = _POINT_ZERO.match(text)
        code = normal(whole[1] if whole else text)
        if len(code) > LENGTHS["identifier"]:
            raise Bad("超过 60 字")
        return code

    def number(self, text: str) -> str:
        if len(text) > LENGTHS["number"]:
            raise Bad(f"超过 {LENGTHS['number']} 字")
        if not normal(text):
            raise Bad("编号没有字母或数字")
        if problem := services.number_looks_wrong(text):
            raise Bad(problem)
        return text

    def place(self, text: str) -> Place:
        found = self._find_place(text)
        if self.range and not self.range[0] <= found.place <= self.range[1]:
            raise Bad(f"{places.name_path(found.place)} 不在您的管辖范围内")
        return found

    def _find_place(self, text: str) -> Place:
        if text == "elsewhere":
            return Place(places.ELSEWHERE)
        whole = _POINT_ZERO.match(text)
        text = whole[1] if whole else text
        try:
            code = places.code_of(places.place_of(text))
        except places.UnknownPlace:
            return self._place_by_name(text)
        today = places.current_successor(code)
        if today is None:
            raise Bad(f"区划代码 {text} 不在区划表中")
        lives = list(Division.objects.filter(code=code).order_by("valid_from"))
        lives.sort(key=lambda d: d.valid_from or date.min)
        last = lives[-1]
        return Place(today.place, code, lives[0].valid_from, last.valid_to, last.name, last.successor)

    def _place_by_name(self, text: str) -> Place:
        """西湖区, 杭州市西湖区 or 浙江省杭州市西湖区: the last name, and where it is not alone the one before."""
        self._divisions = self._divisions or list(Division.objects.filter(valid_to=None))
        found = [d for d in self._divisions if text.endswith(d.name)]
        longest = max((len(d.name) for d in found), default=0)
        found = [d for d in found if len(d.name) == longest]
        if len(found) > 1:
            rest = text[: -len(found[0].name)]
            above = {d.code: d.name for d in self._divisions if d.level in ("province", "city")}
            found = [d for d in found if rest and rest.endswith(above.get(d.parent, "?"))]
        if len(found) != 1:
            raise Bad(f"“{text}”不是区划代码，也没有唯一对应的区县名称")
        return Place(found[0].place)


def registration_check_digit(body: str) -> str:
    """The 15th digit of a registration number from the first 14 (ISO/IEC 7064 MOD 11,10).

    >>> registration_check_digit("11000001300417")
    '3'
    """
    held = 10
    for digit in body:
        held = (held + int(digit)) % 10 or 10
        held = held * 2 % 11
    return str((11 - held) % 10)
