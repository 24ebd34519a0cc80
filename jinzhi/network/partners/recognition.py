"""Mutual recognition (互认) in the Yangtze delta: does a report of another province count here?

Services reference F.4: the issuing body was accredited for the item on the day of the test, the report is not
withdrawn, and it is not older than the rule allows; else it is refused, with every reason.
"""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.places import scope

REPORTS, BODIES = "yangtze.report", "cnca.laboratory"
RULE = "partners.recognition_age"


@dataclass(frozen=True)
class Accreditation:
    """What a body may test, and from when to when it may."""

    number: str
    items: tuple[str, ...]
    valid_from: date
    valid_to: date
    state: str

    def covers(self, item: str, on: date) -> bool:
        return self.state == "有效" and self.valid_from <= on <= self.valid_to and item in self.items


@dataclass(frozen=True)
class Report:
    number: str
    item: str
    body: str
    body_number: str
    tested_on: date
    result: str
    valid_to: date | None = None
    withdrawn_on: date | None = None
    limits: str = ""


@dataclass(frozen=True)
class Verdict:
    """`reasons`: every ground of refusal; none: recognised until `valid_to`."""

    report: str
    scope: str
    issuing_body: str
    tested_on: date
    valid_to: date | None
    limits: str
    reasons: list[str] = field(default_factory=list)

    @property
    def recognised(self) -> bool:
        return not self.reasons

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"recognised": self.recognised}


def judge(report: Report, held: list[Accreditation], on: date) -> Verdict:
    """The check of a report on a day. `held`: accreditations under the number the report cites."""
    reasons = []
    if report.tested_on > on:
        reasons.append(f"检验日期 {report.tested_on} 晚于核验日期")
    if not held:
        reasons.append(f"没有机构资质证书 {report.body_number} 的记录，不能确认出具机构的资质")
    elif not any(one.covers(report.item, report.tested_on) for one in held):
        reasons.append(_why_not(report, held))
    if report.withdrawn_on and report.withdrawn_on <= on:
        reasons.append(f"报告已于 {report.withdrawn_on} 撤回")
    limit = rules.value(RULE, on=on)
    last = add_months(report.tested_on, int(limit.value))
    until = min(last, report.valid_to) if report.valid_to else last
    if on > last:
        reasons.append(f"检验至今超过 {limit.shown}（{limit.basis}）")
    elif report.valid_to and on > report.valid_to:
        reasons.append(f"报告的有效期已于 {report.valid_to} 届满")
    return Verdict(report.number, report.item, report.body, report.tested_on, until, report.limits, reasons)


def _why_not(report: Report, held: list[Accreditation]) -> str:
    able = [one for one in held if report.item in one.items]
    if not able:
        return f"出具机构的资质不包括“{report.item}”"
    in_time = [one for one in able if one.valid_from <= report.tested_on <= one.valid_to]
    if not in_time:
        one = able[0]
        return f"检验当日（{report.tested_on}）不在机构资质的有效期内（{one.valid_from} 至 {one.valid_to}）"
    return f"出具机构的资质{in_time[0].state}"


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None


def _items(value: Any) -> tuple[str, ...]:
    """Items as texts, whether listed as texts or as objects with a name."""
    if isinstance(value, dict):
        value = list(value.values())
    return tuple(str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in value or [])


def of(number: str, on: date) -> Verdict | None:
    """The check of a report that was exchanged; None when no such report came.

    Withdrawn or failed, wherever it came from: where several sent one under the same number, the stricter counts.
    """
    with scope.acting(scope.SYSTEM):
        reports = list(
            Document.objects.filter(dataset=REPORTS, body__number=number).values_list("body", flat=True)[:10]
        )
        verdicts = [
            judge(_report(body), accreditations(str(body.get("body_number", ""))), on) for body in reports
        ]
    return max(verdicts, key=lambda one: len(one.reasons), default=None)


def _report(body: dict[str, Any]) -> Report:
    return Report(
        body["number"], body["item"], body["body"], body["body_number"], date.fromisoformat(body["tested_on"]),
        body["result"], _day(body.get("valid_to")), _day(body.get("withdrawn_on")), body.get("limits") or "",
    )  # fmt: skip


def accreditations(number: str) -> list[Accreditation]:
    """What is known of a body's certificate."""
    rows = Document.objects.filter(dataset=BODIES, body__number=number).values_list("body", flat=True)[:20]
    return [
        Accreditation(
            body["number"], _items(body["items"]), date.fromisoformat(body["valid_from"]),
            date.fromisoformat(body["valid_to"]), body["state"],
        )
        for body in rows
    ]  # fmt: skip
