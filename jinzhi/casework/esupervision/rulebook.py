"""The rules in force: which finding raises which signal, by the case's legally relevant date.

They are the decision table `esupervision.signals`; here they become rows for SQL and words for pages.
"""

from dataclasses import dataclass
from datetime import date

from jinzhi.casework.esupervision.models import COLOURS
from jinzhi.foundation import rules

KEY = "esupervision.signals"
SECTIONS = {
    "openness": "政务公开", "procedure": "流程规范", "time": "期限合法", "fees": "收费合理", "satisfaction": "满意度",
    "attitude": "服务态度", "inspection": "监督检查", "liability": "法律责任", "integrity": "廉洁",
}  # fmt: skip
COLUMNS = "rule text, since date, until date, title text, colour text, worse text, threshold numeric, after int, law text"


@dataclass(frozen=True)
class Rule:
    """One rule during one era."""

    key: str
    valid_from: date
    valid_to: date | None
    title: str
    colour: str
    worse: str
    threshold: float
    after: int
    section: str
    scores: str  # card | warning | bonus | none
    law: str
    enabled: bool

    @property
    def colours(self) -> str:
        return COLOURS[self.colour] + (f"，加重为{COLOURS[self.worse]}" if self.worse else "")


def _rule(key: str, version: rules.DecisionTable, then: dict) -> Rule:
    return Rule(key, version.valid_from, version.valid_to, **then)


def versions() -> list[rules.DecisionTable]:
    return [t for t in rules.all_tables() if t.key == KEY]


def everything() -> list[Rule]:
    return [_rule(row["when"]["rule"], v, row["then"]) for v in versions() for row in v.rows]


def on(day: date) -> dict[str, Rule]:
    """The rules in force on a day, by key."""
    table = rules.table(KEY, on=day)
    return {row["when"]["rule"]: _rule(row["when"]["rule"], table, row["then"]) for row in table.rows}


def rows() -> list[tuple]:
    """For SQL, in the order of COLUMNS; only what is switched on."""
    return [
        (r.key, r.valid_from, r.valid_to or date.max, r.title, r.colour, r.worse, r.threshold, r.after, r.law)
        for r in everything()
        if r.enabled
    ]
