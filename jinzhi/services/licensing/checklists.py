"""On-site checklists and what their scores mean, under the rules of the case's date."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml

from jinzhi.foundation import rules

FOLDER = Path(__file__).parent / "checklists"
BEFORE_2015 = ("FP-2003", "FP-2005", "FP-2010")
VERDICTS = {"pass": "符合规定要求", "rectify": "基本符合，需整改", "fail": "不符合规定要求"}


@dataclass(frozen=True)
class Item:
    key: str
    title: str
    full: int


@dataclass(frozen=True)
class Section:
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Checklist:
    """`options` are the grades an item may get, e.g. full, half, zero, with their words."""

    key: str
    title: str
    mark: str
    options: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def items(self) -> list[Item]:
        return [i for s in self.sections for i in s.items]


@cache
def get(key: str) -> Checklist:
    raw = yaml.safe_load((FOLDER / f"{key}.yaml").read_text(encoding="utf-8"))
    sections = tuple(Section(s["title"], tuple(Item(**i) for i in s["items"])) for s in raw.pop("sections"))
    options = tuple((str(a), str(b)) for a, b in raw.pop("options"))
    return Checklist(**raw, sections=sections, options=options)


def for_rule_set(rule_set: str) -> Checklist:
    return get("site_check_2005" if rule_set in BEFORE_2015 else "site_check_2020")


def points(item: Item, grade: str) -> float:
    """Marks of one item: all, half, or none."""
    return {"full": item.full, "half": item.full / 2, "slight": item.full / 2}.get(grade, 0)


def verdict(checklist: Checklist, grades: dict[str, str], on: date) -> tuple[str, float, int]:
    """(verdict, score, full score) of a complete check under the rules of that day."""
    full = sum(i.full for i in checklist.items)
    score = sum(points(i, grades[i.key]) for i in checklist.items)
    if checklist.key == "site_check_2005":
        most = rules.value("food_production.site_check_2005_general_max", on=on).value
        general = sum(g == "general" for g in grades.values())
        if "zero" in grades.values() or general > most:
            return "fail", score, full
        return ("rectify" if general or "slight" in grades.values() else "pass"), score, full
    rate = rules.value("food_production.site_check_pass_rate", on=on).value
    passed = "zero" not in grades.values() and score >= full * float(rate)
    return ("pass" if passed else "fail"), score, full
