"""P1 to P9, P11, P12: how the case was handled: steps, notices, suspensions, extensions, who acted."""

# ruff: noqa: S608  (the statements are put together from constants of this package)
from jinzhi.casework.esupervision.detection.raising import HEAD, rule
from jinzhi.casework.esupervision.detection.tables import LOCAL

# What the law itself moves on (an undecided renewal) and what was carried over from another version or system.
_ORDINARY = """NOT EXISTS (SELECT 1 FROM casework_event e WHERE e.case_id = c.id
                            AND (e.kind IN ('lapse_case', 'merge') OR starts_with(e.kind, 'migrat')))"""


def _row(
    case: str = "c.id", *, day: str, step: str = "NULL::bigint", basis: str = "'{}'::jsonb", **more: str
) -> str:
    worse, anew = more.get("worse", "false"), more.get("anew", "false")
    return (
        f"{HEAD}, {case} AS case_id, '' AS cause, {worse} AS worse, {anew} AS anew, {day} AS happened_on,"
        f" {step} AS step_id, {basis} AS basis"
    )


def _last_step(condition: str) -> str:
    return f"(SELECT s.id FROM casework_step s WHERE s.case_id = c.id AND {condition} ORDER BY s.id DESC LIMIT 1)"


_LACKING = "jsonb_build_object('reason', x.lacking)"
_PAUSE = "jsonb_build_object('reason', x.lacking, 'ground', p.ground, 'since', p.since, 'until', p.until, 'told', p.told_days)"

STATEMENTS = {
    "P1": f"""
    SELECT {_row(day="c.closed_on", step="x.step_id", basis="jsonb_build_object('missing', x.missing, 'reversed', x.turned)")}
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("P1", "c.rule_date")}
      JOIN LATERAL (
        SELECT (SELECT string_agg(m.name, '、') FROM sv_must m
                 WHERE m.version = c.procedure_id AND m.outcome = c.outcome AND NOT EXISTS (
                   SELECT 1 FROM casework_step s WHERE s.case_id = c.id AND s.key = m.step AND s.state = 'done')) AS missing,
               (SELECT string_agg(b.name || '早于' || a.name, '、') FROM sv_order o
                  JOIN LATERAL (SELECT min(s.closed_at) AS at, min(s.name) AS name FROM casework_step s
                                 WHERE s.case_id = c.id AND s.key = o.first AND s.state = 'done') a ON true
                  JOIN LATERAL (SELECT min(s.closed_at) AS at, min(s.name) AS name FROM casework_step s
                                 WHERE s.case_id = c.id AND s.key = o.second AND s.state = 'done') b ON true
                 WHERE o.version = c.procedure_id AND b.at < a.at) AS turned,
               {_last_step("s.state = 'done' AND s.role <> 'applicant' AND s.kind = 'user'")} AS step_id) x ON true
     WHERE c.state = 'closed' AND c.closed_on <= %(on)s AND (x.missing IS NOT NULL OR x.turned IS NOT NULL)
       AND {_ORDINARY}""",
    "P2": f"""
    SELECT {_row(day="x.day", step=_last_step("s.action = 'correct'"), worse="x.times >= r.after", anew="true",
                 basis="jsonb_build_object('times', x.times)")}
      FROM (SELECT e.case_id, count(*) AS times, max(e.day) AS day FROM sv_event e WHERE e.kind = 'correct'
             GROUP BY 1 HAVING count(*) > 1) x
      JOIN casework_case c ON c.id = x.case_id
      {rule("P2", "c.rule_date")}
     WHERE x.times >= r.threshold""",
    # Turned away, and soon afterwards accepted by the same agency with the same application.
    "P3": f"""
    SELECT {_row(day="later.accepted_on", basis="jsonb_build_object('other', later.number)",
                 step=_last_step("s.action = 'refuse'"))}
      FROM sv_touched t
      JOIN casework_case later ON later.id = t.id AND later.accepted_on <= %(on)s
      JOIN casework_case c ON c.enterprise_id = later.enterprise_id AND c.id <> later.id
           AND c.outcome = 'not_accepted' AND c.agency_id = later.agency_id AND c.closed_on <= later.received_on
      JOIN casework_procedureversion p ON p.id = c.procedure_id
      JOIN casework_procedureversion q ON q.id = later.procedure_id AND q.key = p.key
      {rule("P3", "c.rule_date")}
     WHERE later.received_on - c.closed_on <= r.threshold AND c.data - 'attachments' = later.data - 'attachments'
       AND coalesce((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(
                       CASE jsonb_typeof(c.data->'attachments') WHEN 'object' THEN c.data->'attachments' END) k), '{{}}')
         = coalesce((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(
                       CASE jsonb_typeof(later.data->'attachments') WHEN 'object' THEN later.data->'attachments'
                       END) k), '{{}}')""",
    # No reason stated; or a licence refused without the written decision that tells the remedies.
    "P4": f"""
    SELECT DISTINCT ON (c.id) {_row(day="e.day", step="s.id", basis=_LACKING)}
      FROM sv_event e JOIN casework_case c ON c.id = e.case_id
      {rule("P4", "c.rule_date")}
      LEFT JOIN LATERAL (SELECT s.id, s.opinion FROM casework_step s WHERE s.case_id = c.id AND s.action = 'refuse'
                            AND s.closed_at <= e.at ORDER BY s.id DESC LIMIT 1) s ON true
      JOIN LATERAL (SELECT CASE
             WHEN coalesce(nullif(trim(e.data->>'reason'), ''), nullif(trim(s.opinion), '')) IS NULL THEN 'reason'
             WHEN c.outcome = 'refused' AND jsonb_typeof(e.data->'documents') = 'array'
                  AND jsonb_array_length(e.data->'documents') = 0
                  AND EXISTS (SELECT 1 FROM sv_decide d WHERE d.version = c.procedure_id AND d.step = e.step)
             THEN 'remedy' END AS lacking) x ON x.lacking IS NOT NULL
     WHERE e.kind = 'refuse' ORDER BY c.id, e.seq""",
    # Not told in writing, or longer than told (working days, 行政许可法第八十二条). A pause that a step of the
    # procedure brings with it is told by the document issued that day, or by the notice that led there.
    "P5": f"""
    SELECT DISTINCT ON (c.id) {_row(day="x.day", basis=_PAUSE)}
      FROM (SELECT p.id FROM sv_touched t JOIN casework_clock k ON k.case_id = t.id
              JOIN casework_clockpause p ON p.clock_id = k.id
            UNION SELECT id FROM casework_clockpause WHERE until IS NULL) i
      JOIN casework_clockpause p ON p.id = i.id AND p.since <= %(on)s
      JOIN casework_clock k ON k.id = p.clock_id AND k.owner = 'agency'
      JOIN casework_case c ON c.id = k.case_id
      {rule("P5", "c.rule_date")}
      JOIN calendar_day a ON a.day = p.since - 1
      JOIN calendar_day b ON b.day = LEAST(%(on)s, coalesce(p.until, %(on)s)) - 1
      JOIN LATERAL (SELECT
             CASE WHEN p.notice = '' AND NOT (p.step_id IS NOT NULL AND (
                         EXISTS (SELECT 1 FROM casework_clockpause q WHERE q.clock_id = p.clock_id AND q.notice <> ''
                                    AND q.ground = p.ground AND q.since <= p.since)
                         OR EXISTS (
                         SELECT 1 FROM casework_event e WHERE e.case_id = c.id AND (e.at {LOCAL})::date <= p.since
                            AND ((e.at {LOCAL})::date = p.since AND jsonb_typeof(e.data->'documents') = 'array'
                                   AND e.data->'documents' <> '[]'
                                 OR EXISTS (SELECT 1 FROM sv_told o
                                             WHERE o.version = c.procedure_id AND o.step = e.data->>'step')))))
                  THEN 'untold' WHEN b.ordinal - a.ordinal > p.told_days THEN 'longer' END AS lacking,
             CASE WHEN p.notice = '' THEN p.since ELSE LEAST(%(on)s, coalesce(p.until, %(on)s)) END AS day) x
        ON x.lacking IS NOT NULL
     ORDER BY c.id, p.since""",
    "P6": f"""
    SELECT DISTINCT ON (c.id) {_row(day="e.day", step=_last_step("s.key = e.step"), basis=_LACKING)}
      FROM sv_event e JOIN casework_case c ON c.id = e.case_id
      {rule("P6", "c.rule_date")}
      JOIN LATERAL (SELECT CASE
             WHEN coalesce(e.data->>'by', e.post_id::text, '') = '' THEN 'approval'
             WHEN coalesce((e.data->>'late')::boolean, false) THEN 'late'
             WHEN NOT e.public OR trim(coalesce(e.data->>'reason', '-')) = ''
                  OR (jsonb_typeof(e.data->'documents') = 'array' AND e.data->'documents' = '[]') THEN 'untold'
             END AS lacking) x ON x.lacking IS NOT NULL
     WHERE e.kind = 'extend' ORDER BY c.id, e.seq""",
    "P7": f"""
    SELECT DISTINCT ON (c.id) {HEAD}, c.id AS case_id, '' AS cause, false AS worse, false AS anew, x.day AS happened_on,
           x.step_id, x.basis
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("P7", "c.rule_date")}
      JOIN LATERAL (
        SELECT e.day, {_last_step("s.key = e.step")} AS step_id,
               jsonb_build_object('reason', 'people', 'people', e.data->'inspectors') AS basis
          FROM sv_event e WHERE e.case_id = c.id AND jsonb_typeof(e.data->'inspectors') = 'number'
           AND (e.data->>'inspectors')::numeric < r.threshold
        UNION ALL
        SELECT (d.closed_at {LOCAL})::date, d.id, jsonb_build_object('reason', 'same', 'steps', a.name || '、' || d.name)
          FROM casework_step a
          JOIN sv_review v ON v.version = c.procedure_id AND v.step = a.key
          JOIN casework_step d ON d.case_id = c.id AND d.account_id = a.account_id AND d.state = 'done'
          JOIN sv_decide y ON y.version = c.procedure_id AND y.step = d.key
         WHERE a.case_id = c.id AND a.state = 'done' AND (d.closed_at {LOCAL})::date <= %(on)s
        UNION ALL
        SELECT (h.closed_at {LOCAL})::date, h.id, jsonb_build_object('reason', 'chair', 'steps', a.name || '、' || h.name)
          FROM (SELECT p.case_id AS id FROM casework_step p WHERE p.case_id = c.id AND p.role = 'hearing_officer'
                UNION SELECT child.id FROM casework_step p JOIN casework_case child ON child.parent_step_id = p.id
                       WHERE p.case_id = c.id AND p.kind = 'subprocess') y
          JOIN casework_step h ON h.case_id = y.id AND h.role = 'hearing_officer' AND h.state = 'done'
          JOIN casework_step a ON a.account_id = h.account_id
          JOIN sv_review v ON v.version = c.procedure_id AND v.step = a.key
         WHERE a.case_id = c.id AND a.state = 'done' AND (h.closed_at {LOCAL})::date <= %(on)s) x ON true
     WHERE c.entered_on IS NULL ORDER BY c.id, x.day""",
    # A hearing was begun or is noted as due, and the decision came without one held.
    "P8": f"""
    SELECT {_row(day="c.decided_on", step=_last_step("s.state = 'done' AND s.role = 'approver'"))}
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("P8", "c.rule_date")}
     WHERE c.decided_on <= %(on)s AND c.outcome NOT IN ('withdrawn', 'terminated', 'merged')
       AND (coalesce(c.facts->>'hearing_due', '') = 'true' OR EXISTS (
             SELECT 1 FROM casework_step s JOIN sv_hearing h ON h.version = c.procedure_id AND h.step = s.key
              WHERE s.case_id = c.id AND s.state <> 'returned'))
       AND NOT EXISTS (
             SELECT 1 FROM casework_step s JOIN sv_hearing h ON h.version = c.procedure_id AND h.step = s.key
              WHERE s.case_id = c.id AND s.state = 'done')""",
    # Signed for an agency that is not the step's, by a post that had ended, on a delegation that did not hold.
    "P9": f"""
    SELECT DISTINCT ON (c.id) {_row(day=f"(s.closed_at {LOCAL})::date", step="s.id", basis=_LACKING)}
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("P9", "c.rule_date")}
      JOIN casework_step s ON s.case_id = c.id AND s.state = 'done' AND s.kind IN ('user', 'notice')
                          AND s.post_id IS NOT NULL AND s.agency_id IS NOT NULL
      JOIN people_post o ON o.id = s.post_id
      LEFT JOIN people_post b ON b.id = s.on_behalf_id
      JOIN LATERAL (SELECT (s.closed_at {LOCAL})::date AS day) d ON true
      JOIN LATERAL (SELECT CASE
             WHEN coalesce(b.agency_id, o.agency_id) <> s.agency_id THEN 'agency'
             WHEN d.day < o.valid_from OR d.day > o.valid_to THEN 'post'
             WHEN b.id IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM people_delegation g WHERE g.from_post_id = b.id AND g.to_post_id = o.id
                  AND d.day BETWEEN g.starts AND g.ends AND (g.revoked_at IS NULL OR g.revoked_at > s.closed_at))
             THEN 'delegation' END AS lacking) x ON x.lacking IS NOT NULL
     WHERE d.day <= %(on)s ORDER BY c.id, s.id""",
    # A granted licence is public (第四十条): no sentence that its applicant may read tells the decision.
    "P11": f"""
    SELECT {_row(day="c.closed_on", step=_last_step("s.state = 'done' AND s.role <> 'applicant'"),
                 basis="jsonb_build_object('reason', 'result')")}
      FROM sv_touched t JOIN casework_case c ON c.id = t.id
      {rule("P11", "c.rule_date")}
     WHERE c.state = 'closed' AND c.closed_on <= %(on)s AND c.outcome = 'granted' AND c.decided_on IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM sv_event e WHERE e.case_id = c.id AND e.public AND e.day >= c.decided_on)""",
    # An act that has to be told in writing, and no paper was made of it.
    "P12": f"""
    SELECT DISTINCT ON (c.id) {_row(day="e.day", step="s.id", basis="jsonb_build_object('act', e.kind, 'step', s.name)")}
      FROM sv_event e JOIN casework_case c ON c.id = e.case_id
      {rule("P12", "c.rule_date")}
      JOIN sv_papers p ON p.version = c.procedure_id AND p.step = e.step AND p.action = e.kind
      LEFT JOIN LATERAL (SELECT s.id, s.name FROM casework_step s WHERE s.case_id = c.id AND s.key = e.step
                            AND s.closed_at <= e.at ORDER BY s.id DESC LIMIT 1) s ON true
     WHERE e.kind <> 'refuse' AND jsonb_typeof(e.data->'documents') = 'array'
       AND jsonb_array_length(e.data->'documents') = 0 ORDER BY c.id, e.seq""",
}  # fmt: skip
