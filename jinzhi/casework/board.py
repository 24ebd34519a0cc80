"""The supervisor's board: open cases by place with their lamps, and the cases behind each number."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from jinzhi.casework.lamps import thresholds
from jinzhi.foundation import calendar

COLOURS = ("red", "orange", "yellow", "green", "grey", "none")


@dataclass(frozen=True)
class Row:
    """Open cases of one place (a city or a county), by lamp of the case's most urgent running limit."""

    place: int
    name: str
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def code(self) -> str:
        return f"{self.place // 1_000_000:06d}"

    @property
    def red_text(self) -> str:
        return f"{self.counts['red']} 件"


# The lamp of a case: its most urgent running clock of the agency; paused when all are paused.
_LAMP = """
    SELECT c.place, c.id,
           CASE WHEN k.due_ord IS NULL AND k.paused THEN 'grey' WHEN k.due_ord IS NULL THEN 'none'
                WHEN k.due_ord <= %(over)s THEN 'red'
                WHEN k.due_ord - %(now)s <= %(orange)s THEN 'orange'
                WHEN k.due_ord - %(now)s <= floor(k."limit" * %(share)s) THEN 'yellow' ELSE 'green' END AS colour
      FROM casework_case c
      LEFT JOIN LATERAL (
        SELECT min(k.due_ord) FILTER (WHERE k.state = 'running') AS due_ord,
               bool_or(k.state = 'paused') AS paused,
               (array_agg(k."limit" + k.extended ORDER BY k.due_ord) FILTER (WHERE k.state = 'running'))[1] AS "limit"
          FROM casework_clock k
         WHERE k.case_id = c.id AND k.state IN ('running', 'paused') AND k.owner = 'agency') k ON true
     WHERE c.state = 'open'
"""


def _marks() -> dict:
    today, marks = calendar.today(), thresholds()
    return {
        "now": calendar.ordinal(today),
        "over": calendar.ordinal(date.fromordinal(today.toordinal() - 1)),
        "orange": marks.orange_days,
        "share": marks.yellow_share,
    }


def by_place(width: int, lo: int, hi: int, names: dict[int, str]) -> list[Row]:
    """Counts grouped by `width` (100000000 = city, 1000000 = county) inside `[lo, hi]`, worst first."""
    sql = f"""SELECT x.place / %(width)s * %(width)s AS seat, x.colour, count(*)
                FROM ({_LAMP} AND c.place BETWEEN %(lo)s AND %(hi)s) x GROUP BY 1, 2"""  # noqa: S608
    found: dict[int, dict[str, int]] = {place: {} for place in names}
    with connection.cursor() as cursor:
        cursor.execute(sql, _marks() | {"width": width, "lo": lo, "hi": hi})
        for seat, colour, count in cursor.fetchall():
            found.setdefault(seat, {})[colour] = count
    rows = [
        Row(place, names.get(place, f"{place:012d}"), {c: counts.get(c, 0) for c in COLOURS})
        for place, counts in found.items()
    ]
    return sorted(rows, key=lambda r: (-r.counts["red"], -r.counts["orange"], -r.total, r.place))


def cases(lo: int, hi: int, colour: str = "", limit: int = 200) -> list[tuple]:
    """(case id, colour) of the open cases in a place range, worst first."""
    sql = f"""SELECT x.id, x.colour FROM ({_LAMP} AND c.place BETWEEN %(lo)s AND %(hi)s) x
               WHERE %(colour)s = '' OR x.colour = %(colour)s
               ORDER BY array_position(%(order)s, x.colour), x.id LIMIT %(limit)s"""  # noqa: S608
    values = _marks() | {"lo": lo, "hi": hi, "colour": colour, "limit": limit, "order": list(COLOURS)}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
