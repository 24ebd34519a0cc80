"""A province full of cases, set by set: open ones at every kind of step and lamp, closed ones behind them."""

import time
from uuid import UUID

from measured import analyzed, superuser

TABLES = ("casework_case", "casework_step", "casework_clock")

# One open case in n: at the window (6 of 10), with an examiner (3), before the city's approver (1).
MADE = """
CREATE UNLOGGED TABLE made AS
SELECT {key} AS id, g, c.id AS county, c.place, t.id AS city,
       CASE WHEN g %% 10 < 6 THEN 'accept' WHEN g %% 10 < 9 THEN 'document_review' ELSE 'decide' END AS at
  FROM generate_series({first}, {last}) g
  JOIN (SELECT id, place, parent_id, row_number() OVER (ORDER BY place) - 1 AS n, count(*) OVER () AS many
          FROM people_agency WHERE level = 'county') c ON c.n = g %% c.many
  JOIN people_agency t ON t.id = c.parent_id
"""
# Version 7 keys of consecutive milliseconds: as the application makes them, they grow with time.
KEY = "(lpad(to_hex({epoch} + g), 12, '0') || '7' || substr(md5(g::text), 1, 3) || '8' || substr(md5(g::text), 4, 15))::uuid"

CASES = """
INSERT INTO casework_case (id, place, owner_node, version, created_at, updated_at, number, procedure_id, title,
  subject_name, subject_code, agency_id, state, outcome, rule_date, received_on, accepted_on, decided_on, closed_on,
  data, facts, channel, is_demo, story_length, story_hash)
SELECT id, place, '330000', 1, now(), now(), 'B' || g, %(procedure)s, '食品生产许可：样例食品有限公司' || g,
  '样例食品有限公司' || g, '', county, '{state}', '{outcome}', current_date - {age}, current_date - {age},
  {accepted}, {decided}, {decided}, %(data)s, '{{}}', 'online', false, 0, '' FROM made
"""
OPEN_STEPS = """
INSERT INTO casework_step (case_id, place, key, name, kind, state, role, agency_id, opened_at, action, opinion, result,
  due_ord, urged)
SELECT id, place, at, at, 'user', 'open',
  CASE at WHEN 'accept' THEN 'window_clerk' WHEN 'decide' THEN 'approver' ELSE 'examiner' END,
  CASE at WHEN 'decide' THEN city ELSE county END, now(), '', '', '{}', %(now)s - 2 + g / 7 %% 18, 0 FROM made
"""
DONE_STEPS = """
INSERT INTO casework_step (case_id, place, key, name, kind, state, role, agency_id, opened_at, closed_at, action, opinion,
  result, post_id, account_id, urged)
SELECT id, place, 'accept', '受理', 'user', 'done', 'window_clerk', county, now() - '{age} day'::interval,
  now() - '{age} day'::interval - g * interval '1 second', 'accept', '材料齐全', '{{}}', %(post)s, %(account)s, 0
  FROM made WHERE {which}
"""
OPEN_CLOCKS = """
INSERT INTO casework_clock (case_id, place, key, title, kind, owner, unit, start_day, start_ord, "limit", extended,
  due_ord, paused_ord, state, rule, law)
SELECT id, place, 'decision', '许可决定期限', 'legal', 'agency', 'workday', current_date, %(now)s - 18, 20, 0,
  %(now)s - 2 + g / 7 %% 18, 0, 'running', 'food_production.decision', '《食品生产许可管理办法》第二十二条' FROM made
"""
CLOSED_CLOCKS = """
INSERT INTO casework_clock (case_id, place, key, title, kind, owner, unit, start_day, start_ord, "limit", extended,
  due_ord, paused_ord, state, stopped_on, rule, law)
SELECT id, place, 'decision', '许可决定期限', 'legal', 'agency', 'workday', current_date - {age}, %(now)s - 400, 20, 0,
  %(now)s - 380, 0, CASE WHEN g %% 50 = 0 THEN 'missed' ELSE 'met' END, current_date - {age} + 12,
  'food_production.decision', '《食品生产许可管理办法》第二十二条' FROM made
"""
DATA = '{"applicant": {"name": "样例食品有限公司", "code": "91330100MA2XXXXXXX"}, "premises": {"county": "330106"}}'


def fill(opened: int, closed: int, clerk) -> None:
    """Write the cases as the superuser, with indexes made afterwards; `clerk` is who accepted the closed ones."""
    from jinzhi.casework.models import ProcedureVersion
    from jinzhi.foundation import calendar

    latest = ProcedureVersion.objects.filter(key="food_production_licence").order_by("-version").first()
    values = {
        "procedure": latest.pk, "now": calendar.ordinal(calendar.today()), "data": DATA,
        "post": clerk.post.pk, "account": clerk.account.pk,
    }  # fmt: skip
    began = time.monotonic()
    with superuser() as owner:
        owner.execute(
            "SET session_replication_role = replica; SET work_mem = '256MB'; SET synchronous_commit = off"
        )
        owner.execute("SET row_security = off")
        indexes = _drop_indexes(owner)
        _set(owner, values, 1, closed, closed_ones=True)
        _set(owner, values, closed + 1, closed + opened, closed_ones=False)
        for definition in indexes:
            owner.execute(definition)
    analyzed()
    print(
        f"filled | {opened:,} open and {closed:,} closed cases | {time.monotonic() - began:.0f} s", flush=True
    )


def _drop_indexes(owner) -> list[str]:
    found = owner.execute(
        """SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s)
              AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)""", [list(TABLES)],
    ).fetchall()  # fmt: skip
    for name, _ in found:
        owner.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def _set(owner, values: dict, first: int, last: int, *, closed_ones: bool) -> None:
    if last < first:
        return
    epoch = UUID(int=(int(time.time() * 1000) - 40_000_000_000) << 80).int >> 80
    owner.execute("DROP TABLE IF EXISTS made")
    owner.execute(MADE.format(key=KEY.format(epoch=epoch), first=first, last=last).replace("%%", "%"))
    age = "(100 + g % 700)"
    if closed_ones:
        words = {"state": "closed", "outcome": "granted", "age": age, "accepted": f"current_date - {age} + 2"}
        owner.execute(_marks(CASES.format(**words, decided=f"current_date - {age} + 12")), values)
        owner.execute(_marks(DONE_STEPS.format(age=100, which="true")), values)
        owner.execute(_marks(CLOSED_CLOCKS.format(age=age)), values)
        return
    words = {"state": "open", "outcome": "", "age": "10", "accepted": "NULL::date", "decided": "NULL::date"}
    owner.execute(_marks(CASES.format(**words)), values)
    owner.execute(OPEN_STEPS, values)
    owner.execute(_marks(DONE_STEPS.format(age=5, which="at <> 'accept'")), values)
    owner.execute(OPEN_CLOCKS, values)


def _marks(sql: str) -> str:
    """Percent signs of the arithmetic doubled, as the driver wants them; those of values left alone."""
    return sql.replace(" % ", " %% ")
