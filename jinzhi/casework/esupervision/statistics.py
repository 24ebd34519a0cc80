"""Figures of a period (services.md B.7): on time, early, late; signals; complaints; ratings; data; by agency or matter."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from jinzhi.casework.esupervision import structure

# Closed cases of the period with the limit for the decision: kept early, kept, missed; working days it took.
_CASES = """
SELECT {group} AS grp, count(*) AS closed,
       count(*) FILTER (WHERE k.state = 'met' AND k.stopped_ord < k.due_ord) AS early,
       count(*) FILTER (WHERE k.state = 'met') AS in_time,
       count(*) FILTER (WHERE k.state = 'missed') AS late,
       count(*) FILTER (WHERE c.outcome = 'granted') AS granted,
       count(*) FILTER (WHERE c.outcome = 'refused') AS refused,
       count(*) FILTER (WHERE c.outcome = 'not_accepted') AS not_accepted,
       count(*) FILTER (WHERE c.channel = 'online') AS online,
       round(avg(k.stopped_ord - k.start_ord - k.paused_ord), 1) AS taken,
       round(avg(k.legal), 1) AS legal, round(avg(k.promised), 1) AS promised
  FROM casework_case c
  JOIN casework_procedureversion p ON p.id = c.procedure_id
  JOIN people_agency a ON a.id = c.agency_id
  LEFT JOIN LATERAL (
    SELECT k.state, k.start_ord, k.due_ord, k.paused_ord, s.ordinal AS stopped_ord, k."limit" + k.extended AS legal,
           (SELECT q."limit" FROM casework_clock q
             WHERE q.case_id = c.id AND q.key = k.key || ':promised' LIMIT 1) AS promised
      FROM casework_clock k
      JOIN unnest(%(versions)s::int[], %(keys)s::text[]) AS d(version, key) ON d.version = c.procedure_id AND d.key = k.key
      JOIN calendar_day s ON s.day = k.stopped_on
     WHERE k.case_id = c.id AND k.owner = 'agency' AND k.unit = 'workday' AND k.state IN ('met', 'missed')
     ORDER BY k.id DESC LIMIT 1) k ON true
 WHERE c.state = 'closed' AND c.closed_on BETWEEN %(first)s AND %(last)s AND c.place BETWEEN %(lo)s AND %(hi)s
 GROUP BY 1
"""
_SIGNALS = """
SELECT {group} AS grp, count(*) FILTER (WHERE g.colour = 'red') AS red,
       count(*) FILTER (WHERE g.colour = 'yellow') AS yellow,
       count(*) FILTER (WHERE g.status = 'lifted') AS lifted,
       count(*) FILTER (WHERE g.rule = 'P2') AS recorrected
  FROM esupervision_signal g JOIN people_agency a ON a.id = g.agency_id
  LEFT JOIN casework_case c ON c.id = g.case_id LEFT JOIN casework_procedureversion p ON p.id = c.procedure_id
 WHERE g.raised_on BETWEEN %(first)s AND %(last)s AND g.place BETWEEN %(lo)s AND %(hi)s AND g.colour IN ('yellow', 'red')
 GROUP BY 1
"""
_VOICES = """
SELECT a.short_name AS grp, 0 AS complaints, 0 AS proven, count(*) AS ratings,
       count(*) FILTER (WHERE r.grade > 2) AS content
  FROM esupervision_satisfaction r JOIN people_agency a ON a.id = r.agency_id
 WHERE r.rated_on BETWEEN %(first)s AND %(last)s AND r.place BETWEEN %(lo)s AND %(hi)s GROUP BY 1
UNION ALL
SELECT a.short_name, count(*), count(*) FILTER (WHERE t.finding IN ('true', 'partly')), 0, 0
  FROM esupervision_complaint t JOIN people_agency a ON a.id = t.agency_id
 WHERE t.received_on BETWEEN %(first)s AND %(last)s AND t.place BETWEEN %(lo)s AND %(hi)s GROUP BY 1
"""
GROUPS = {
    "agency": ("机构", "a.short_name"),
    "level": ("层级", "CASE a.level WHEN 'province' THEN '省级' WHEN 'city' THEN '市级' ELSE '县级' END"),
    "matter": ("事项", "coalesce(p.matter, '（未关联办件）')"),
}
HEAD = (
    "办结", "提前办结", "按期办结", "超期办结", "准予", "不予", "不予受理", "网上申请", "平均用时", "平均法定期限",
    "平均承诺期限",
    "红牌", "黄牌", "撤销", "再次补正", "投诉", "查实", "评价", "满意",
)  # fmt: skip
_COUNTS = (
    "closed", "early", "in_time", "late", "granted", "refused", "not_accepted", "online", "taken", "legal", "promised", "red",
    "yellow", "lifted", "recorrected", "complaints", "proven", "ratings", "content",
)  # fmt: skip
_AVERAGES = ("taken", "legal", "promised")


@dataclass(frozen=True)
class Row:
    """Figures of one agency, level or matter."""

    name: str
    counts: dict

    def rate(self, part: str, of: str) -> float | None:
        """A share in per cent, or None of nothing."""
        return round(100 * self.counts[part] / self.counts[of], 1) if self.counts[of] else None

    @property
    def on_time(self) -> float | None:
        judged = self.counts["in_time"] + self.counts["late"]
        return round(100 * self.counts["in_time"] / judged, 1) if judged else None

    @property
    def early(self) -> float | None:
        judged = self.counts["in_time"] + self.counts["late"]
        return round(100 * self.counts["early"] / judged, 1) if judged else None

    @property
    def online(self) -> float | None:
        return self.rate("online", "closed")

    @property
    def content(self) -> float | None:
        return self.rate("content", "ratings")

    @property
    def proven(self) -> float | None:
        return self.rate("proven", "complaints")

    def cells(self) -> list:
        return [self.name, *(self.counts[key] for key in _COUNTS)]


def report(first: date, last: date, lo: int, hi: int, by: str = "agency") -> list[Row]:
    """Rows of the period, the busiest first."""
    classes = structure.all_rows().get("clock", [])
    decisions = [(version, key) for version, key, kind in classes if kind == structure.DECISION]
    values: dict[str, Any] = {
        "first": first, "last": last, "lo": lo, "hi": hi, "versions": [v for v, _ in decisions],
        "keys": [k for _, k in decisions],
    }  # fmt: skip
    found: dict[str, dict] = {}
    group = GROUPS[by][1]
    statements = [
        _CASES.format(group=group),
        _SIGNALS.format(group=group),
        *([_VOICES] if by == "agency" else []),
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)
            names = [c.name for c in cursor.description]
            for row in cursor.fetchall():
                held = found.setdefault(row[0], dict.fromkeys(_COUNTS, 0) | dict.fromkeys(_AVERAGES))
                for name, value in zip(names[1:], row[1:], strict=True):
                    held[name] = value if name in _AVERAGES else held[name] + value
    rows = [Row(name, counts) for name, counts in found.items()]
    return sorted(rows, key=lambda r: (-r.counts["closed"], r.name))


def total(rows: list[Row]) -> Row:
    """All rows together; averages weighed by the cases they are of."""
    counts: dict = {key: sum(r.counts[key] or 0 for r in rows) for key in _COUNTS if key not in _AVERAGES}
    for key in _AVERAGES:
        weighed = [
            (r.counts[key], r.counts["closed"])
            for r in rows
            if r.counts[key] is not None and r.counts["closed"]
        ]
        whole = sum(n for _, n in weighed)
        counts[key] = round(sum(v * n for v, n in weighed) / whole, 1) if whole else None
    return Row("合计", counts)
