"""D1: whether what was recorded is complete, in order and unaltered; P10: recorded as it happened or afterwards."""

# ruff: noqa: S608  (the statements are put together from constants of this package)
from jinzhi.casework.esupervision.detection.raising import HEAD, rule
from jinzhi.casework.esupervision.detection.tables import LOCAL

STATEMENTS = {
    # A gap, a broken chain, a cut-off end; an act before the one it follows by more than `threshold` days, or in
    # the future. Whether each sentence still has its digest is checked in `running`, case by case.
    "D1": f"""
    SELECT {HEAD}, x.case_id, '' AS cause, false AS worse, false AS anew, %(on)s::date AS happened_on,
           NULL::bigint AS step_id,
           jsonb_build_object('reason', CASE WHEN x.gap THEN 'gap' WHEN x.broken THEN 'altered' ELSE 'order' END) AS basis
      FROM (
        SELECT c.id AS case_id, c.rule_date,
               count(e.id) <> c.story_length OR coalesce(max(e.seq), 0) <> c.story_length AS gap,
               coalesce(bool_or(e.previous <> e.former), false)
                 OR coalesce(max(e.hash) FILTER (WHERE e.seq = c.story_length), '') <> c.story_hash AS broken,
               max(e.before - e.at) AS back, max(e.at - e.recorded_at) AS ahead
          FROM sv_touched t JOIN casework_case c ON c.id = t.id
          LEFT JOIN LATERAL (
            SELECT e.*, coalesce(lag(e.hash) OVER w, '') AS former, lag(e.at) OVER w AS before
              FROM casework_event e WHERE e.case_id = c.id WINDOW w AS (ORDER BY e.seq)) e ON true
         GROUP BY c.id, c.rule_date, c.story_length, c.story_hash) x
      {rule("D1", "x.rule_date")}
     WHERE x.gap OR x.broken OR x.back > r.threshold * interval '1 day' OR x.ahead > interval '1 hour'""",
    # Entered into the network more than `threshold` working days after the act, or many acts of different days
    # entered within minutes. What is entered as an old case (补录) with its own power is not meant.
    "P10": f"""
    SELECT {HEAD}, x.id AS case_id, '' AS cause, false AS worse, false AS anew, x.day AS happened_on,
           NULL::bigint AS step_id, jsonb_build_object('lag', x.lag, 'acts', x.acts) AS basis
      FROM (
        SELECT c.id, c.rule_date, max(b.ordinal - a.ordinal) AS lag, max(e.day) AS day, count(*) AS acts,
               count(DISTINCT e.day) AS days, max(e.recorded_at) - min(e.recorded_at) AS span
          FROM sv_event e
          JOIN casework_case c ON c.id = e.case_id AND c.entered_on IS NULL AND NOT c.is_demo
          JOIN calendar_day a ON a.day = e.day
          JOIN calendar_day b ON b.day = (e.recorded_at {LOCAL})::date
         WHERE e.post_id IS NOT NULL
         GROUP BY c.id, c.rule_date) x
      {rule("P10", "x.rule_date")}
     WHERE x.lag > r.threshold OR (x.acts >= r.after AND x.days > 1 AND x.span < interval '10 minutes')""",
}
