"""T1 to T9: limits kept early, near their end, past it. Right to the day by the ordinals of working days."""

# ruff: noqa: S608  (the statements are put together from constants of this package)
from jinzhi.casework.esupervision.detection.raising import HEAD, rule

FACTS = """jsonb_build_object('clock', k.title, 'limit', k.total, 'unit', k.unit, 'start', k.start_day,
    'due', k.due_day, 'paused', k.paused_ord, 'law', k.law, 'clock_id', k.id)"""


def _past(key: str, condition: str, *, worse: str = "false") -> str:
    """A limit that is over: the breach is on the day after its last day."""
    return f"""
    SELECT {HEAD}, k.case_id, split_part(k.key, ':promised', 1) AS cause, {worse} AS worse, false AS anew,
           k.due_day + 1 AS happened_on, k.step_id, {FACTS} AS basis
      FROM (SELECT DISTINCT ON (case_id, key) * FROM sv_limit WHERE over ORDER BY case_id, key, due_ord) k
      {rule(key, "k.rule_date")}
     WHERE {condition}"""


# The shorter limit that the agency has promised is the one that counts for tips and warnings.
_COUNTING = """
    k.running AND NOT k.over AND k.step_id IS NULL AND (k.kind = 'promised' OR NOT EXISTS (
      SELECT 1 FROM casework_clock p WHERE p.case_id = k.case_id AND p.key = k.key || ':promised'
         AND p.state IN ('running', 'paused')))"""

# How much of a limit is used. Days of a finished pause were added to the limit and count on neither side.
_USED = """
    CASE k.unit
      WHEN 'workday' THEN k.total - (k.due_ord - %(now)s) >= r.threshold * k.total
      WHEN 'hour' THEN extract(epoch FROM %(moment)s - (k.due_at - k.total * interval '1 hour'))
                       >= r.threshold * k.total * 3600
      ELSE %(on)s - k.start_day - k.paused_ord >= r.threshold * (k.base_due - k.start_day - k.paused_ord) END"""

STATEMENTS = {
    "T1": f"""
    SELECT {HEAD}, c.id AS case_id, '' AS cause, false AS worse, false AS anew, c.closed_on AS happened_on,
           d.id AS step_id, jsonb_build_object('clock', k.title, 'limit', k."limit" + k.extended, 'unit', k.unit,
             'start', k.start_day, 'done', k.stopped_on, 'due', k.due_day, 'law', k.law, 'clock_id', k.id) AS basis
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("T1", "c.rule_date")}
      JOIN LATERAL (
        SELECT k.*, w.day AS due_day, s.ordinal AS stopped_ord FROM casework_clock k
          JOIN sv_class x ON x.version = c.procedure_id AND x.class = 'decision'
                         AND k.key IN (x.key, x.key || ':promised')
          JOIN calendar_day s ON s.day = k.stopped_on
          LEFT JOIN calendar_day w ON w.ordinal = k.due_ord AND w.is_workday
         WHERE k.case_id = c.id AND k.owner = 'agency' AND k.state IN ('met', 'missed') AND k.unit <> 'date'
         ORDER BY k.kind = 'promised' DESC, k.id DESC LIMIT 1) k ON k.state = 'met' AND k.stopped_ord < k.due_ord
      LEFT JOIN LATERAL (
        SELECT s.id FROM casework_step s JOIN sv_decide v ON v.version = c.procedure_id AND v.step = s.key
         WHERE s.case_id = c.id AND s.state = 'done' ORDER BY s.id DESC LIMIT 1) d ON true
     WHERE c.state = 'closed' AND c.closed_on <= %(on)s AND c.decided_on IS NOT NULL
       AND c.outcome IN ('granted', 'refused', 'done')""",
    "T2": f"""
    SELECT {HEAD}, k.case_id, split_part(k.key, ':promised', 1) AS cause, false AS worse, false AS anew,
           %(on)s::date AS happened_on, NULL::bigint AS step_id, {FACTS} AS basis
      FROM sv_limit k {rule("T2", "k.rule_date")}
     WHERE k.due_ord - %(now)s <= r.threshold AND {_COUNTING}""",
    "T3": f"""
    SELECT {HEAD}, k.case_id, split_part(k.key, ':promised', 1) AS cause, false AS worse, false AS anew,
           %(on)s::date AS happened_on, NULL::bigint AS step_id, {FACTS} AS basis
      FROM sv_limit k {rule("T3", "k.rule_date")}
     WHERE {_USED} AND {_COUNTING}""",
    # The case was in time when the step was not: no limit of the case ended on the same day or before.
    "T4": _past(
        "T4",
        """k.step_id IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM casework_clock l WHERE l.case_id = k.case_id AND l.step_id IS NULL AND l.owner = 'agency'
                AND l.due_ord <= k.due_ord AND l.start_day <= k.due_day
                AND (l.stopped_on IS NULL OR l.stopped_on > k.due_day))""",
    ),
    "T5": _past("T5", "k.step_id IS NULL AND k.kind = 'promised'"),
    "T6": _past("T6", "k.step_id IS NULL AND k.kind = 'legal' AND k.class IN ('decision', 'other')"),
    "T7": _past("T7", "k.step_id IS NULL AND k.kind = 'legal' AND k.class = 'acceptance'"),
    "T8": _past(
        "T8",
        "k.step_id IS NULL AND k.kind = 'legal' AND k.class = 'delivery'",
        worse="k.before_end >= k.due_ord + r.after",
    ),
    "T9": _past(
        "T9",
        "k.step_id IS NULL AND k.kind = 'legal' AND k.class = 'first_review'",
        worse="k.before_end >= k.due_ord + r.after",
    ),
}
