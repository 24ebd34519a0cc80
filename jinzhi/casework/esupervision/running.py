"""One pass of all rules for a day: limits that ran out take their outcome, findings become signals.

Repeating a pass changes nothing. Two at once wait for each other. The cases read again are those written to
since the pass before (and a day more, for transactions that were open then).
"""

import logging
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.casework import events, timers
from jinzhi.casework.esupervision import detection, papers
from jinzhi.casework.esupervision.models import Run
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, rules

log = logging.getLogger(__name__)
LOCK = 0x45534F  # of the passes
OVERLAP = timedelta(days=1)


@dataclass
class Result:
    """What a pass did; `rules` holds new and worsened signals by rule, `slowest` its dearest statements."""

    on: date
    timers: int = 0
    raised: int = 0
    escalated: int = 0
    settled: int = 0
    documents: int = 0
    touched: int = 0
    limits: int = 0
    seconds: float = 0.0
    rules: dict[str, dict[str, int]] = field(default_factory=dict)
    milliseconds: dict[str, int] = field(default_factory=dict)

    def plain(self) -> dict:
        return asdict(self) | {"on": self.on.isoformat()}


def run(
    on: date | None = None, *, since: datetime | None = None, fire: bool = True, verify: bool = True
) -> Result:
    """Supervise the day `on` (default today). Runs as the system.

    Given a day, old cases entered later move by their limits too. `since` reads again all cases written to
    since then, whatever earlier passes read; `fire` False leaves the timers alone.
    """
    day = on or calendar.today()
    result = Result(day)
    if fire:
        result.timers = timers.run(day, old=on is not None)
    started = time.monotonic()
    with transaction.atomic(), calendar.pinned():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        held = Run.objects.create(on=day, started_at=timezone.now(), since=since or _since())
        assert held.since is not None
        _detect(detection.Day(day, held.since), result)
        if verify:
            _verify(day, result)
        result.settled = _settle(day)
        result.documents = papers.advise(day)
        result.seconds = round(time.monotonic() - started, 2)
        held.finished_at, held.counts = timezone.now(), result.plain()
        held.save()
    return result


def _since() -> datetime:
    """Where the pass before began, less a day; the first pass looks back as far as the rules say."""
    before = Run.objects.filter(finished_at__isnull=False).order_by("-started_at").first()
    if before:
        return before.started_at - OVERLAP
    reach = rules.value("esupervision.first_reach", on=calendar.today())
    return timezone.now() - timedelta(days=int(reach.value))


def _detect(day: detection.Day, result: Result) -> None:
    began = time.monotonic()
    detection.gather(day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM sv_touched), (SELECT count(*) FROM sv_limit)")
        result.touched, result.limits = cursor.fetchone()
    result.milliseconds["gather"] = round((time.monotonic() - began) * 1000)
    for key, statement in detection.STATEMENTS.items():
        began = time.monotonic()
        new, worse = detection.raise_found(statement, day)
        result.milliseconds[key] = round((time.monotonic() - began) * 1000)
        if new or worse:
            result.rules[key] = {"raised": new, "escalated": worse}
            result.raised += new
            result.escalated += worse


_ALTERED = """
SELECT r.rule, r.title, r.law, r.colour, r.worse AS worse_colour, c.id AS case_id, '' AS cause, false AS worse,
       false AS anew, %(on)s::date AS happened_on, NULL::bigint AS step_id, '{{"reason": "altered"}}'::jsonb AS basis
  FROM casework_case c JOIN sv_rule r ON r.rule = 'D1' AND c.rule_date BETWEEN r.since AND r.until
 WHERE c.id IN ({})
"""


def _verify(day: date, result: Result) -> None:
    """Compute the digests of the most recently written stories again: a changed sentence shows (D1)."""
    most = int(rules.value("esupervision.verified_per_run", on=day).value)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id FROM sv_touched t JOIN casework_case c ON c.id = t.id ORDER BY c.updated_at DESC LIMIT %s",
            [most],
        )
        keys = [key for (key,) in cursor.fetchall()]
    cases = Case.objects.filter(pk__in=keys).iterator(chunk_size=500)
    broken = [case.pk for case in cases if events.faults(case)]
    if broken:
        listed = ", ".join(f"'{key}'::uuid" for key in broken)
        new, worse = detection.raise_found(_ALTERED.format(listed), detection.Day(day, datetime.now(UTC)))
        result.raised, result.escalated = result.raised + new, result.escalated + worse
        if new:
            held = result.rules.setdefault("D1", {"raised": 0, "escalated": 0})
            held["raised"] += new


# A card nobody appealed against in time stands (期满未申诉，予以认定). Raised (or worsened) before `first` means that
# the working days for it were over the day before.
_SETTLE = """
WITH stand AS (
  UPDATE esupervision_signal s SET status = 'upheld', decided_on = %(on)s
   WHERE s.status IN ('open', 'replied') AND s.colour IN ('yellow', 'red')
     AND coalesce(s.escalated_on, s.raised_on) < %(first)s
  RETURNING s.id, s.place
)
INSERT INTO esupervision_handling (signal_id, place, at, kind, text, data)
SELECT id, place, %(written)s, 'uphold', '申诉期满未申诉，予以认定。', '{}'::jsonb FROM stand
"""


def _settle(day: date) -> int:
    limit = int(rules.value("esupervision.appeal", on=day).value)
    over = calendar.ordinal(day - timedelta(days=1))
    with connection.cursor() as cursor:
        first = calendar.day_of(over - limit + 1)
        written = detection.Day(day, timezone.now()).written
        cursor.execute(_SETTLE, {"on": day, "first": first, "written": written})
        return cursor.rowcount
