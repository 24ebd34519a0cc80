"""From a row of somebody's table to a record of ours, or to the reasons why not."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from jinzhi.foundation.places import services as places
from jinzhi.foundation.places.models import Division
from jinzhi.registry import kinds, services, written
from jinzhi.registry.importing.mapping import CERTIFICATE, REQUIRED, Mapping, title
from jinzhi.registry.models import Certificate, Enterprise

USUAL_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S")
DATES = ("valid_from", "valid_to", "issued_on", "founded_on")
PAST_ONLY = ("issued_on", "founded_on")
LONG_TERM = {"长期", "长期有效", "永久", "99991231", "9999-12-31"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LENGTHS = {
    "name": 200, "identifier": 60, "legal_representative": 80, "address": 300, "premises": 300, "industry": 10,
    "number": 60, "agency_name": 60, "category_code": 20, "category": 120, "detail": 200, "varieties": 5000,
}  # fmt: skip


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


def _choices(*choices: tuple[str, str]) -> dict[str, str]:
    """Keys and Chinese words -> key."""
    return {written.normal(said): key for key, word in choices for said in (key, word, word.lstrip("已"))}


class Reader:
    """Reads the rows of one table by its mapping. `range_` is what the person importing may write to."""

    def __init__(self, mapping: Mapping, range_: tuple[int, int] | None = None):
        self.mapping = mapping
        self.range = range_
        self.today = timezone.localdate()
        self.words = {
            "status": _choices(*Certificate.Status.choices),
            "enterprise_status": _choices(*Enterprise.Status.choices),
            "enterprise_kind": _choices(*Enterprise.Kind.choices),
            "kind": _choices(*((k.key, k.name) for k in kinds.kinds().values())),
        }
        self._places: dict[str, int] = {}
        self._codes: dict[tuple[str, str], str] = {}
        self._readers: dict[str, Callable[[str, str], object]] = {
            **dict.fromkeys(DATES, self._date),
            **dict.fromkeys(self.words, self._word),
            "uscc": self._code,
            "org_code": self._code,
            "number": self._number,
            "identifier": lambda name, text: written.normal(text),
            "place": lambda name, text: self._place(text),
        }

    def read(self, cells: list[str]) -> tuple[dict, list[Problem]]:
        """The record and the problems of one row; a record with problems is not to be used."""
        width = len(self.mapping.columns)
        if len(cells) != width:
            return {}, [Problem("", "", f"本行有 {len(cells)} 格，表头有 {width} 列，请检查逗号和引号")]
        record: dict = {}
        problems: list[Problem] = []
        for name in self.mapping.fields:
            if name == "place":
                continue  # may be told by the code
            raw = self._raw(name, cells)
            try:
                record[name] = self._value(name, raw)
            except Bad as bad:
                problems.append(self._problem(name, raw, str(bad)))
        self._read_place(cells, record, problems)
        for name in REQUIRED[self.mapping.kind]:
            if record.get(name) in ("", None) and not any(p.column == self._column(name) for p in problems):
                problems.append(self._problem(name, "", f"缺少{title(name)}"))
        if not problems:
            problems += self._agree(record)
        return record, problems

    def _raw(self, name: str, cells: list[str]) -> str:
        source = self.mapping.fields[name]
        if source.constant:
            return source.constant
        parts = [" ".join(_CONTROL.sub("", cells[index]).split()) for index in source.columns]
        return source.join.join(part for part in parts if part)

    def _value(self, name: str, raw: str) -> object:
        source = self.mapping.fields[name]
        text = raw
        if source.values and text:
            key = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
            if key not in source.values:
                known = "、".join(source.values).upper()
                raise Bad(f"对应文件没有写明“{text}”是什么（只有 {known}）")
            text = source.values[key]
        if reader := self._readers.get(name):
            return reader(name, text) if text else (None if name in DATES else "")
        limit = _LENGTHS.get(name)
        if limit and len(text) > limit:
            raise Bad(f"超过 {limit} 字")
        return unicodedata.normalize("NFC", text)

    def _read_place(self, cells: list[str], record: dict, problems: list[Problem]) -> None:
        source = self.mapping.fields.get("place")
        if source is None:
            return
        raw = (record.get("uscc") or "")[2:8] if source.origin == "uscc" else self._raw("place", cells)
        if not raw:
            return
        try:
            record["place"] = self._place(raw)
        except Bad as bad:
            problems.append(self._problem("place", raw, str(bad)))

    def _column(self, name: str) -> str:
        source = self.mapping.fields.get(name)
        return (source.shown if source else "") or title(name)

    def _problem(self, name: str, value: str, reason: str) -> Problem:
        return Problem(self._column(name), value, reason)

    def _date(self, name: str, text: str) -> date | None:
        if name == "valid_to" and text in LONG_TERM:
            return None
        for layout in self.mapping.fields[name].dates or USUAL_DATES:
            try:
                found = datetime.strptime(text, layout).date()
            except ValueError:
                continue
            if not 1900 <= found.year <= 2199:
                raise Bad(f"“{text}”不像是真实的年份")
            if name in PAST_ONLY and found > self.today:
                raise Bad(f"{title(name)}不能晚于今天")
            return found
        raise Bad(f"“{text}”不是日期，应如 2011-04-16")

    def _word(self, name: str, text: str) -> str:
        key = self.words[name].get(written.normal(text))
        if key is None:
            known = "、".join(word for word in self.words[name] if not word.isascii())
            raise Bad(f"不认识“{text}”，可以是：{known}")
        return key

    def _code(self, name: str, text: str) -> str:
        code = written.normal(text)
        if problem := services.code_problems(**{name: code}).get(name):
            raise Bad(problem)
        return code

    def _number(self, name: str, text: str) -> str:
        if len(text) > _LENGTHS["number"]:
            raise Bad(f"超过 {_LENGTHS['number']} 字")
        if not written.normal(text):
            raise Bad("编号没有字母或数字")
        if problem := services.number_looks_wrong(text):
            raise Bad(problem)
        return text

    def _place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = _find_place(text)
        place = self._places[text]
        if self.range and not self.range[0] <= place <= self.range[1]:
            raise Bad(f"{places.name_path(place)} 不在您的管辖范围内")
        return place

    def _agree(self, record: dict) -> list[Problem]:
        """What can only be judged on several fields together."""
        uscc, org = record.get("uscc", ""), record.get("org_code", "")
        if uscc and org and uscc[8:17] != org:
            return [self._problem("org_code", org, f"与统一社会信用代码第 9 至 17 位（{uscc[8:17]}）不一致")]
        begins, ends = record.get("valid_from"), record.get("valid_to")
        if begins and ends and ends < begins:
            return [self._problem("valid_to", ends.isoformat(), f"早于有效期起 {begins}")]
        if self.mapping.kind == CERTIFICATE:
            return []
        if not (uscc or org or record.get("identifier")):
            return [self._problem("uscc", "", "没有任何代码或编号，无法辨认是哪一家")]
        return []


def _find_place(text: str) -> int:
    if text == "elsewhere":
        return places.ELSEWHERE
    try:
        code = places.code_of(places.place_of(text))
    except places.UnknownPlace:
        return _place_by_name(text)
    today = places.current_successor(code)
    if today is None:
        raise Bad(f"区划代码 {text} 不在区划表中")
    return today.place


def _place_by_name(text: str) -> int:
    """西湖区, 杭州市西湖区 or 浙江省杭州市西湖区: the last name, and where it is not alone the one before."""
    named = Division.objects.filter(valid_to=None)
    found = [d for d in named if text.endswith(d.name)]
    longest = max((len(d.name) for d in found), default=0)
    found = [d for d in found if len(d.name) == longest]
    if len(found) > 1:
        rest = text[: -len(found[0].name)]
        above = {d.code: d.name for d in named if d.level in ("province", "city")}
        found = [d for d in found if rest and rest.endswith(above.get(d.parent, "?"))]
    if len(found) != 1:
        raise Bad(f"“{text}”不是区划代码，也没有唯一对应的区县名称")
    return found[0].place
