"""The to-do list with 100,000 open cases, scoped and not, and one act; against the raw SQL of the same run."""

import os
import time
from datetime import date

import django

CASES = 100_000
ACTS = 120

# Open cases over all 90 counties, each at its county's window with an acceptance clock.
FILL = f"""
WITH county AS (SELECT id, place, row_number() OVER (ORDER BY place) - 1 AS n FROM people_agency WHERE level = 'county'),
     made AS (SELECT gen_random_uuid() AS id, g, c.id AS agency, c.place
                FROM generate_series(1, {CASES}) g JOIN county c ON c.n = g %% 90),
     cases AS (INSERT INTO casework_case (id, place, owner_node, version, created_at, updated_at, number, procedure_id, title,
                 subject_name, subject_code, agency_id, state, outcome, rule_date, received_on, data, facts, is_demo,
                 story_length, story_hash)
               SELECT id, place, '330000', 1, now(), now(), 'B' || g, %(procedure)s, '食品生产许可', '申请人' || g, '', agency,
                      'open', '', current_date, current_date, '{{}}', '{{}}', true, 0, '' FROM made),
     clocks AS (INSERT INTO casework_clock (case_id, place, key, title, owner, unit, start_day, start_ord, "limit", extended,
                  due_ord, paused_ord, state, rule, law)
                SELECT id, place, 'acceptance', '受理期限', 'agency', 'workday', current_date, %(now)s, 5, 0,
                       %(now)s - 3 + g %% 12, 0, 'running', 'licensing.acceptance', '' FROM made)
INSERT INTO casework_step (case_id, place, key, name, kind, state, role, agency_id, opened_at, action, opinion, result, due_ord)
SELECT id, place, 'accept', '受理', 'user', 'open', 'window_clerk', agency, now(), '', '', '{{}}', %(now)s - 3 + g %% 12 FROM made
"""


def fill() -> None:
    from django.db import connection

    from jinzhi.casework.models import ProcedureVersion
    from jinzhi.foundation import calendar

    procedure = ProcedureVersion.objects.get(key="food_production_licence", version=2).pk
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"procedure": procedure, "now": calendar.ordinal(calendar.today())})


def raw(sql: str, values: list):
    """The same statement straight through psycopg, prepared, rows fetched."""
    from django.db import connection

    driver = connection.connection
    return lambda: driver.execute(sql, values, prepare=True).fetchall()


def captured(action) -> tuple[str, list]:
    """The to-do statement with its values, as the application sends it."""
    from jinzhi.casework import todo

    kept: list = []
    former = todo._select
    todo._select = lambda sql, values: kept.append((sql, list(values))) or former(sql, values)
    action()
    todo._select = former
    return kept[0]


def lists() -> None:
    from measured import line, median

    from jinzhi.casework import todo
    from jinzhi.casework.tests.sample import person
    from jinzhi.foundation.places import scope

    clerk = person("受理员", "window_clerk")
    county = scope.staff(clerk.post.agency.place)

    def page():
        return todo.todo(clerk)

    sql, values = captured(page)
    with scope.acting(county):
        scoped_raw, scoped = median(raw(sql, values)), median(page)
    unscoped = median(page)
    line("to-do", f"raw SQL, county scope, {CASES:,} open cases", scoped_raw, scoped_raw)
    line("to-do", "page of 30, county scope", scoped, scoped_raw)
    line("to-do", "page of 30, no row security", unscoped, scoped_raw)
    with scope.acting(county):
        line("to-do", "counts for menu and home", median(lambda: todo.counts(clerk)), scoped_raw)
    print(f"to-do | scoped against unscoped | {scoped / unscoped:.2f}x")


def acts() -> None:
    from measured import line

    from jinzhi.casework.tests.sample import go, open_case, person
    from jinzhi.foundation.places import scope

    clerk, examiner = person("受理员", "window_clerk"), person("审查员", "examiner")
    cases = [open_case(date(2026, 3, 2)) for _ in range(ACTS)]
    with scope.acting(scope.staff(clerk.post.agency.place)):
        for case in cases[:10]:
            go(case, "first", "accept", clerk)
        began = time.process_time(), time.perf_counter()
        for case in cases[10:]:
            go(case, "first", "accept", clerk)
        accept = (
            (time.process_time() - began[0]) / (ACTS - 10),
            (time.perf_counter() - began[1]) / (ACTS - 10),
        )
        began = time.process_time(), time.perf_counter()
        for case in cases[10:]:
            go(case, "left", "pass", examiner)
        passed = (
            (time.process_time() - began[0]) / (ACTS - 10),
            (time.perf_counter() - began[1]) / (ACTS - 10),
        )
        base = bare(cases)
    line("act", "raw SQL of a plain act (lock, read, 2 inserts, 3 updates)", base, base)
    line("act", "送审 within a branch, CPU", passed[0], base)
    line("act", "送审 within a branch, elapsed", passed[1], base)
    line("act", "受理: fork, stop and start clocks, CPU", accept[0], base)


def bare(cases: list) -> float:
    """What a plain act costs without the application: its statements, prepared, one transaction each."""
    from django.db import connection, transaction

    driver = connection.connection
    step = """INSERT INTO casework_step (case_id, place, key, name, kind, state, role, opened_at, action, opinion, result)
              VALUES (%s, %s, 'x', 'x', 'user', 'open', 'examiner', now(), '', '', '{}') RETURNING id"""
    event = """INSERT INTO casework_event (case_id, place, seq, at, kind, sentence, public, data, previous, hash)
               VALUES (%s, %s, %s, now(), 'x', 'x', true, '{}', '', '')"""
    began = time.perf_counter()
    for case in cases[10:]:
        with transaction.atomic():
            driver.execute(
                "SELECT * FROM casework_case WHERE id = %s FOR UPDATE", [case.pk], prepare=True
            ).fetchall()
            driver.execute(
                "SELECT * FROM casework_step WHERE case_id = %s", [case.pk], prepare=True
            ).fetchall()
            key = driver.execute(step, [case.pk, case.place], prepare=True).fetchone()[0]
            driver.execute(
                "UPDATE casework_step SET state = 'done', closed_at = now() WHERE id = %s",
                [key],
                prepare=True,
            )
            driver.execute(event, [case.pk, case.place, 900], prepare=True)
            driver.execute(
                "UPDATE casework_case SET version = version + 1 WHERE id = %s", [case.pk], prepare=True
            )
            driver.execute("UPDATE casework_step SET due_ord = 1 WHERE id = %s", [key], prepare=True)
    return (time.perf_counter() - began) / (len(cases) - 10)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()
    from measured import analyzed, database

    with database():
        fill()
        analyzed()
        lists()
        acts()


if __name__ == "__main__":
    main()
