"""What all rules of a run share, as temporary tables of its transaction.

sv_rule      the rules in force, by the case's legally relevant date
sv_touched   cases written to since the last run: whatever happened to a limit or a step, an event tells it
sv_event     acts on them that a rule may ask about
sv_limit     limits of the agency that are near their end or past it, with the day they ran until
sv_class …   what the definitions say (see structure.py)
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from jinzhi.casework.esupervision import rulebook, structure
from jinzhi.foundation import calendar
from jinzhi.foundation.calendar.clock import LAW_ZONE

LOCAL = f"AT TIME ZONE '{LAW_ZONE.key}'"
# Kinds of acts that no rule asks about one by one.
_UNASKED = ("submit", "notice", "urge", "copy", "link", "merged", "decision", "subcase", "countersigned")

_STRUCTURE = {
    "clock": "sv_class (version int, key text, class text)",
    "must": "sv_must (version int, outcome text, step text, name text)",
    "order": "sv_order (version int, first text, second text)",
    "papers": "sv_papers (version int, step text, action text, papers int)",
    "told": "sv_told (version int, step text)",
    "review": "sv_review (version int, step text)",
    "decide": "sv_decide (version int, step text)",
    "hearing": "sv_hearing (version int, step text)",
    "fee": "sv_fee (version int, item text)",
}

_TOUCHED = """
CREATE TEMP TABLE sv_touched ON COMMIT DROP AS
SELECT DISTINCT e.case_id AS id FROM casework_event e WHERE e.recorded_at >= %(since)s
"""

# Work of the house itself (a network fault) is no approval.
_INTERNAL = """
DELETE FROM sv_touched WHERE id IN (SELECT id FROM casework_case WHERE procedure_id = ANY(%(internal)s))
"""

_EVENTS = f"""
CREATE TEMP TABLE sv_event ON COMMIT DROP AS
SELECT e.case_id, e.id, e.seq, e.kind, e.at, (e.at {LOCAL})::date AS day, e.recorded_at, e.public, e.post_id,
       e.account_id, e.data, coalesce(e.data->>'step', '') AS step
  FROM sv_touched t JOIN casework_event e ON e.case_id = t.id
 WHERE (e.at {LOCAL})::date <= %(on)s AND e.kind <> ALL(%(unasked)s) AND NOT starts_with(reverse(e.kind), 'enod.')
"""  # noqa: S608

# How far ahead of its end a limit may be asked about: a tenth of the longest one that runs.
_REACH = """
SELECT max(CASE WHEN unit = 'workday' THEN "limit" + extended WHEN unit = 'hour' THEN "limit" / 8
                ELSE base_due - start_day END)
  FROM casework_clock WHERE state = 'running' AND owner = 'agency'
"""

_LIMITS = f"""
CREATE TEMP TABLE sv_limit ON COMMIT DROP AS
WITH candidate AS (
  SELECT k.id FROM casework_clock k WHERE k.state = 'running' AND k.owner = 'agency' AND k.due_ord <= %(reach)s
  UNION ALL
  SELECT k.id FROM sv_touched t JOIN casework_clock k ON k.case_id = t.id
   WHERE k.owner = 'agency' AND k.state <> 'running'
), held AS (
  SELECT k.*, LEAST(%(on)s, coalesce(k.stopped_on, p.since, %(on)s)) AS ended
    FROM candidate JOIN casework_clock k USING (id)
    LEFT JOIN LATERAL (SELECT min(p.since) AS since FROM casework_clockpause p
                        WHERE p.clock_id = k.id AND p.until IS NULL AND k.state = 'paused') p ON true
   WHERE k.start_day <= %(on)s
)
SELECT k.id, k.case_id, k.step_id, k.key, k.kind, k.unit, k.title, k."limit" + k.extended AS total, k.start_day,
       k.base_due, k.due_at, k.due_ord, k.paused_ord, k.law, k.stopped_on, k.ended, b.ordinal AS before_end,
       k.stopped_on IS NULL AND k.state = 'running' OR k.stopped_on > %(on)s AS running,
       c.procedure_id, c.rule_date, coalesce(x.class, 'other') AS class,
       CASE k.unit WHEN 'date' THEN k.base_due WHEN 'hour' THEN (k.due_at {LOCAL})::date ELSE w.day END AS due_day,
       CASE k.unit WHEN 'date' THEN k.base_due < k.ended
                   WHEN 'hour' THEN k.due_at <= %(moment)s AND (k.stopped_on IS NULL OR k.state = 'missed'
                                    OR k.stopped_on > (k.due_at {LOCAL})::date)
                   ELSE k.due_ord <= b.ordinal END AS over
  FROM held k
  JOIN casework_case c ON c.id = k.case_id
  JOIN calendar_day b ON b.day = k.ended - 1
  LEFT JOIN calendar_day w ON w.ordinal = k.due_ord AND w.is_workday
  LEFT JOIN sv_class x ON x.version = c.procedure_id AND x.key = split_part(k.key, ':promised', 1)
"""  # noqa: S608


@dataclass(frozen=True)
class Day:
    """The day that is supervised, and since when cases are read again."""

    on: date
    since: datetime

    @property
    def moment(self) -> datetime:
        """Up to when hours count: the end of a past day, now on the present one."""
        end = timezone.make_aware(datetime.combine(self.on + timedelta(days=1), time.min), LAW_ZONE)
        return min(end, timezone.now()) if self.on >= calendar.today() else end

    @property
    def written(self) -> datetime:
        """When a pass says that it raised a signal: now, or in the early morning of a past day."""
        if self.on >= calendar.today():
            return timezone.now()
        return timezone.make_aware(datetime.combine(self.on, time(5, 30)), LAW_ZONE)

    @property
    def values(self) -> dict[str, Any]:
        return {
            "on": self.on, "since": self.since, "now": calendar.ordinal(self.on), "moment": self.moment,
            "written": self.written,
            "over": calendar.ordinal(self.on - timedelta(days=1)), "unasked": list(_UNASKED),
        }  # fmt: skip


def gather(day: Day) -> None:
    """Make the temporary tables; the caller has a transaction."""
    values = day.values
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(f"DROP TABLE IF EXISTS {_names()}")  # of an earlier pass in the same transaction
        _fill(cursor, f"sv_rule ({rulebook.COLUMNS})", rulebook.rows())
        facts = structure.all_rows()
        for name, table in _STRUCTURE.items():
            _fill(cursor, table, facts.get(name, []))
        cursor.execute(_TOUCHED, values)
        cursor.execute("CREATE UNIQUE INDEX ON sv_touched (id)")
        cursor.execute(_INTERNAL, {"internal": structure.internal()})
        cursor.execute("ANALYZE sv_touched")
        cursor.execute(_EVENTS, values)
        cursor.execute("CREATE INDEX ON sv_event (case_id)")
        cursor.execute("ANALYZE sv_event")
        cursor.execute(_REACH)
        longest = cursor.fetchone()[0] or 0
        cursor.execute(_LIMITS, values | {"reach": values["now"] + max(2, math.ceil(longest * 0.1) + 1)})
        cursor.execute("ANALYZE sv_limit")


def _names() -> str:
    made = [table.split(" ", 1)[0] for table in _STRUCTURE.values()]
    return ", ".join(f"pg_temp.{name}" for name in ("sv_rule", "sv_touched", "sv_event", "sv_limit", *made))


def _fill(cursor, table: str, rows: list[tuple]) -> None:
    name = table.split(" ", 1)[0]
    cursor.execute(f"CREATE TEMP TABLE {table} ON COMMIT DROP")
    if rows:
        places = ", ".join(["%s"] * len(rows[0]))
        cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
    cursor.execute(f"ANALYZE {name}")
