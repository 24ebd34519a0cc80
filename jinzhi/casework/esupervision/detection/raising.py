"""From what a statement finds to signals: who has to answer, once for each cause, a colour that only rises."""

from django.db import connection

from jinzhi.casework.esupervision.detection.tables import LOCAL, Day

# A statement selects: the rule's row `r`, case_id, cause, worse (whether it has got worse), anew (whether a new act
# of the same cause opens a lifted signal again), happened_on, step_id (or null: whoever had the case then), basis.
HEAD = "r.rule, r.title, r.law, r.colour, r.worse AS worse_colour"


def rule(key: str, day: str) -> str:
    """The row of the rule that was in force on the case's legally relevant date."""
    return f"JOIN sv_rule r ON r.rule = '{key}' AND {day} BETWEEN r.since AND r.until"


_RANK = "array_position(ARRAY['green','blue','yellow','red'], {})"

_RAISE = f"""
WITH found AS ({{statement}}),
judged AS (
  SELECT f.*, CASE WHEN f.worse AND f.worse_colour <> '' THEN f.worse_colour ELSE f.colour END AS shown FROM found f
), fresh AS MATERIALIZED (
  SELECT j.* FROM judged j
    LEFT JOIN esupervision_signal s ON s.rule = j.rule AND s.case_id = j.case_id AND s.cause = j.cause
   WHERE s.id IS NULL OR ({_RANK.format("s.colour")} < {_RANK.format("j.shown")} AND (s.status <> 'lifted' OR j.anew))
), written AS (
  INSERT INTO esupervision_signal (rule, cause, colour, title, law, case_id, matter, place, case_place, agency_id,
         step_id, step_name, role, post_id, account_id, happened_on, raised_on, basis, status, ground, is_demo,
         version, changed_at)
  SELECT n.rule, n.cause, n.shown, n.title, n.law, c.id, p.key, a.place, c.place, a.id, w.id, coalesce(w.name, ''),
         coalesce(w.role, ''), w.post_id, w.account_id, n.happened_on, %(on)s, n.basis,
         CASE WHEN n.shown IN ('green', 'blue') THEN 'noted' ELSE 'open' END, '', c.is_demo, 1, clock_timestamp()
    FROM fresh n
    JOIN casework_case c ON c.id = n.case_id
    JOIN casework_procedureversion p ON p.id = c.procedure_id
    LEFT JOIN LATERAL (
      SELECT s.id, s.name, s.role, s.agency_id, coalesce(s.post_id, s.assignee_id) AS post_id,
             coalesce(s.account_id, q.account_id) AS account_id
        FROM casework_step s LEFT JOIN people_post q ON q.id = s.assignee_id
       WHERE s.case_id = n.case_id
         AND CASE WHEN n.step_id IS NOT NULL THEN s.id = n.step_id
                  ELSE s.kind IN ('user', 'notice') AND s.role <> 'applicant'
                       AND s.opened_at < (n.happened_on + 1)::timestamp {LOCAL}
                       AND (s.closed_at IS NULL OR s.closed_at >= n.happened_on::timestamp {LOCAL}) END
       ORDER BY s.opened_at, s.id LIMIT 1) w ON true
    JOIN people_agency a ON a.id = coalesce(w.agency_id, c.agency_id)
  ON CONFLICT (rule, case_id, cause) DO UPDATE
     SET colour = excluded.colour, basis = excluded.basis, escalated_on = excluded.raised_on, status = 'open',
         replied_on = NULL, appealed_on = NULL, decided_on = NULL, ground = ''
   WHERE {_RANK.format("esupervision_signal.colour")} < {_RANK.format("excluded.colour")}
  RETURNING id, place, colour, version
), said AS (
  INSERT INTO esupervision_handling (signal_id, place, at, kind, text, data)
  SELECT id, place, %(written)s, CASE version WHEN 1 THEN 'raised' ELSE 'escalated' END, '',
         jsonb_build_object('colour', colour)
    FROM written WHERE colour IN ('yellow', 'red')
)
SELECT count(*) FILTER (WHERE version = 1), count(*) FILTER (WHERE version > 1) FROM written
"""  # noqa: S608


def raise_found(statement: str, day: Day) -> tuple[int, int]:
    """Run one rule; answers how many signals are new and how many got worse."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISE.format(statement=statement), day.values)
        return cursor.fetchone()
