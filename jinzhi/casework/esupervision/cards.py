"""Cards as lists and boards: by place, agency, matter and person. Row-level security scopes every statement."""

from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from jinzhi.casework.esupervision.models import Signal
from jinzhi.casework.models import ProcedureVersion
from jinzhi.foundation.people.models import Account, Agency

CARDS = Q(colour__in=["yellow", "red"])
PENDING = Q(status__in=[Signal.Status.OPEN, Signal.Status.REPLIED, Signal.Status.APPEALED])
COLUMNS = {
    "red": Count("pk", filter=Q(colour="red") & ~Q(status="lifted")),
    "yellow": Count("pk", filter=Q(colour="yellow") & ~Q(status="lifted")),
    "blue": Count("pk", filter=Q(colour="blue")),
    "green": Count("pk", filter=Q(colour="green")),
    "waiting": Count("pk", filter=CARDS & Q(status="open", replied_on=None)),
    "appealed": Count("pk", filter=Q(status="appealed")),
    "lifted": Count("pk", filter=Q(status="lifted")),
}
BY = {"place": "地区", "agency": "机构", "matter": "事项", "person": "人员", "rule": "规则"}


@dataclass(frozen=True)
class Line:
    """One row of a board: what it is about, its numbers, and the filter that lists its cards."""

    key: str
    name: str
    counts: dict[str, int] = field(default_factory=dict)
    detail: str = ""

    @property
    def total(self) -> int:
        return self.counts["red"] + self.counts["yellow"]


def within(lo: int, hi: int) -> QuerySet[Signal]:
    return Signal.objects.filter(place__range=(lo, hi))


def for_post(post, roles: set[str]) -> QuerySet[Signal]:
    """What the post may see: a supervisor its range, anybody else the cards of its own bureau."""
    if roles & {"supervisor", "auditor"}:
        return Signal.objects.all()
    return Signal.objects.filter(agency_id=post.agency_id)


def totals(signals: QuerySet[Signal]) -> dict[str, int]:
    return signals.aggregate(**COLUMNS)


def _numbers(row: dict) -> dict[str, int]:
    return {key: row[key] for key in COLUMNS}


def board(signals: QuerySet[Signal], by: str, width: int = 1_000_000) -> list[Line]:
    """Rows of a board, the worst first."""
    lines = _BOARDS[by](signals.order_by(), width)
    return sorted(
        lines, key=lambda line: (-line.counts["red"], -line.counts["yellow"], -line.counts["blue"], line.name)
    )


def _by_agency(signals, width) -> list[Line]:
    rows = {r["agency"]: r for r in signals.values("agency").annotate(**COLUMNS)}
    agencies = Agency.objects.in_bulk(list(rows))
    return [Line(agencies[k].key, agencies[k].short_name, _numbers(r)) for k, r in rows.items()]


def _by_place(signals, width) -> list[Line]:
    """Grouped by the seat of the bureau: a city's row holds its own bureau and its counties'."""
    found: dict[int, dict[str, int]] = {}
    for row in signals.values("place").annotate(**COLUMNS):
        held = found.setdefault(row["place"] // width * width, dict.fromkeys(COLUMNS, 0))
        for key in COLUMNS:
            held[key] += row[key]
    names = {a.place: a for a in Agency.objects.filter(place__in=found)}
    return [
        Line(f"{place // 1_000_000:06d}", names[place].short_name if place in names else str(place), counts)
        for place, counts in found.items()
    ]


def _by_matter(signals, width) -> list[Line]:
    names = dict(ProcedureVersion.objects.order_by("version").values_list("key", "matter"))
    kinds = dict(ProcedureVersion.objects.order_by("version").values_list("key", "name"))
    rows = signals.values("matter").annotate(**COLUMNS)
    return [
        Line(r["matter"], names.get(r["matter"], "（未关联办件）"), _numbers(r), kinds.get(r["matter"], ""))
        for r in rows
    ]


def _by_person(signals, width) -> list[Line]:
    rows = {
        r["account"]: r for r in signals.filter(account__isnull=False).values("account").annotate(**COLUMNS)
    }
    people = Account.objects.in_bulk(list(rows))
    agencies = dict(
        signals.filter(account__isnull=False).order_by("pk").values_list("account", "agency__short_name")
    )
    return [
        Line(str(k), people[k].name, _numbers(r), agencies.get(k, "")) for k, r in rows.items() if k in people
    ]


def _by_rule(signals, width) -> list[Line]:
    titles = dict(signals.order_by("pk").values_list("rule", "title"))
    return [
        Line(r["rule"], titles[r["rule"]], _numbers(r), r["rule"])
        for r in signals.values("rule").annotate(**COLUMNS)
    ]


_BOARDS = {
    "agency": _by_agency, "place": _by_place, "matter": _by_matter, "person": _by_person, "rule": _by_rule,
}  # fmt: skip
