"""The supervisor's board: open cases by place with their lamps, and the cases behind each number.

A case's lamp is that of its most urgent running limit of the agency; grey when all of them are paused. The
limits are read from one index in the order of places and cases (`clock_lamps`), so that a province with a
million open cases answers in about a second.
"""

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


# Each case's earliest due ordinal with the length of that limit, in one number: ordinal * 10000 + length.
_NEAR = """
    SELECT k.place, k.case_id,
           min(k.due_ord::bigint * 10000 + LEAST(k."limit" + k.extended, 9999)) FILTER (WHERE k.state = 'running') AS near
      FROM casework_clock k
     WHERE k.state IN ('running', 'paused') AND k.owner = 'agency' AND k.place BETWEEN %(lo)s AND %(hi)s
     GROUP BY k.place, k.case_id
"""
_COLOUR = """
    CASE WHEN n.near IS NULL THEN 'grey'
         WHEN n.near / 10000 <= %(over)s THEN 'red'
         WHEN n.near / 10000 - %(now)s <= %(orange)s THEN 'orange'
         WHEN n.near / 10000 - %(now)s <= floor(mod(n.near, 10000) * %(share)s) THEN 'yellow'
         ELSE 'green' END
"""


def _marks(lo: int, hi: int) -> dict:
    today, marks = calendar.today(), thresholds()
    return {
        "now": calendar.ordinal(today),
        "over": calendar.ordinal(date.fromordinal(today.toordinal() - 1)),
        "orange": marks.orange_days,
        "share": marks.yellow_share,
        "lo": lo,
        "hi": hi,
    }


def by_place(width: int, lo: int, hi: int, names: dict[int, str]) -> list[Row]:
    """Counts grouped by `width` (100000000 = city, 1000000 = county) inside `[lo, hi]`, worst first."""
    lamps = f"""SELECT n.place / %(width)s * %(width)s, {_COLOUR}, count(*) FROM ({_NEAR}) n GROUP BY 1, 2"""  # noqa: S608
    whole = """SELECT c.place / %(width)s * %(width)s, 'none', count(*) FROM casework_case c
                WHERE c.state = 'open' AND c.place BETWEEN %(lo)s AND %(hi)s GROUP BY 1"""
    found: dict[int, dict[str, int]] = {place: {} for place in names}
    with connection.cursor() as cursor:
        for statement in (whole, lamps):  # of all that are open, those without a limit are what is left
            cursor.execute(statement, _marks(lo, hi) | {"width": width})
            for seat, colour, count in cursor.fetchall():
                counts = found.setdefault(seat, {})
                counts[colour] = counts.get(colour, 0) + count
                if colour != "none":
                    counts["none"] = max(0, counts.get("none", 0) - count)
    rows = [
        Row(place, names.get(place, f"{place:012d}"), {c: counts.get(c, 0) for c in COLOURS})
        for place, counts in found.items()
    ]
    return sorted(rows, key=lambda r: (-r.counts["red"], -r.counts["orange"], -r.total, r.place))


def cases(lo: int, hi: int, colour: str = "", limit: int = 200) -> list[tuple]:
    """(case id, colour) of the open cases in a place range, the most urgent first."""
    limited = f"SELECT n.case_id, n.near, {_COLOUR} AS colour FROM ({_NEAR}) n"  # noqa: S608
    sql = limited
    if colour in ("", "none"):
        sql = f"""SELECT c.id AS case_id, l.near, coalesce(l.colour, 'none') AS colour
                    FROM casework_case c LEFT JOIN ({limited}) l ON l.case_id = c.id
                   WHERE c.state = 'open' AND c.place BETWEEN %(lo)s AND %(hi)s"""  # noqa: S608
    sql = f"""SELECT x.case_id, x.colour FROM ({sql}) x WHERE %(colour)s IN ('', x.colour)
               ORDER BY x.near NULLS LAST, x.colour, x.case_id LIMIT %(limit)s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, _marks(lo, hi) | {"colour": colour, "limit": limit})
        return cursor.fetchall()
