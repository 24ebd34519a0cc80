"""The registered fields of an enterprise, and whose statement of one counts.

The list of fields stands here alone: pages, imports, comparisons and row security read it.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from django.utils import timezone

from jinzhi.foundation import rules


@dataclass(frozen=True)
class Field:
    """One registered fact: column of registry_enterprise, Chinese title, type, who sees it.

    `key_field`: a conflict about it is a dispute that a person decides; nothing overwrites it.
    """

    key: str
    title: str
    type: str = "text"  # text, code, place, date, money (cents), choice
    public: bool = True
    key_field: bool = False


FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        Field("name", "名称", key_field=True),
        Field("uscc", "统一社会信用代码", "code", key_field=True),
        Field("org_code", "组织机构代码", "code", key_field=True),
        Field("place", "所在地区", "place", key_field=True),
        Field("kind", "类型", "choice"),
        Field("status", "登记状态", "choice"),
        Field("legal_representative", "法定代表人（负责人、经营者）"),
        Field("address", "住所"),
        Field("premises_address", "经营（生产）场所"),
        Field("industry", "行业代码", "code"),  # GB/T 4754
        Field("economic_type", "经济类型", "code"),  # GB/T 12402
        Field("scale", "规模", "choice"),
        Field("registered_capital_cents", "注册资本", "money"),
        Field("founded_on", "成立日期", "date"),
    )
}
PUBLIC_FIELDS = tuple(key for key, field in FIELDS.items() if field.public)
KEY_FIELDS = tuple(key for key, field in FIELDS.items() if field.key_field)


@cache
def _source_words() -> list[dict]:
    return yaml.safe_load((Path(__file__).parent / "source_kinds.yaml").read_text(encoding="utf-8"))


def kind_of(source: str) -> str:
    """registration, licence, certificate, inspection, sampling or self; empty for a source of no known kind."""
    found = (s["kind"] for s in _source_words() if any(word in source for word in s["words"]))
    return next(found, "")


def rank_of(source: str, on: date | None = None) -> int:
    """How much the statement of a source weighs against another's."""
    table = rules.table("registry.source_rank", on or timezone.localdate())
    return int(table.decide(kind=kind_of(source))["rank"])


@dataclass(frozen=True)
class Stated:
    """A value as somebody stated it; `source_on`: the day it is stated for."""

    value: str
    source: str = ""
    source_on: date | None = None
    rank: int = 0
    locked_until: date | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a new statement; `reason` names the rule that chose.

    same: nothing new. chosen: it becomes current. differs: kept beside the current value. former: it was so
    before the current value.
    """

    outcome: str
    reason: str = ""


def decide(field: str, held: Stated, new: Stated, on: date) -> Verdict:
    """Which of two statements of a field is current (business reference 11.3)."""
    if new.value == held.value or not new.value:
        return Verdict("same")
    if held.locked_until and on <= held.locked_until:
        return Verdict("differs", f"人工更正锁定至 {held.locked_until}")
    if not held.value:
        return Verdict("chosen", "原来没有记载")
    newer = (new.source_on or on) >= (held.source_on or date.min)
    own = new.source == held.source or kind_of(new.source) == "registration" == kind_of(held.source)
    if field in KEY_FIELDS and not own:
        return Verdict("differs", "关键信息来源不一致，须人工核定，不自动覆盖")
    if new.rank > held.rank:
        return Verdict("chosen", f"来源等级较高（{new.rank} 高于 {held.rank}）")
    if new.rank < held.rank:
        return Verdict("differs", f"来源等级较低（{new.rank} 低于 {held.rank}）")
    if newer:
        return Verdict("chosen", "同级来源，日期较新")
    if new.source == held.source:
        return Verdict("former", "同一来源的较早记载")
    return Verdict("differs", "同级来源，日期较早")
