"""Casework at scale: to-do lists, boards, acts, a burst of submissions, the daily supervision, bytes a case.

    .venv/bin/python bench/casework.py            100,000 open and 300,000 closed cases
    .venv/bin/python bench/casework.py --full     1,000,000 open and 10,000,000 closed (some 20 GB in var/bench)

Each figure stands beside the raw SQL, the raw engine or a peer of the same run and machine.
"""

import multiprocessing
import os
import sys
import time
from datetime import date

import django

FULL = "--full" in sys.argv
OPEN, CLOSED = (1_000_000, 10_000_000) if FULL else (100_000, 300_000)
ACTS = 300
USERS = 16
PAGES = 25  # pages each of the users opens


def raw(sql: str, values: list):
    """The same statement straight through psycopg, prepared, rows fetched."""
    from django.db import connection

    connection.ensure_connection()
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


def lists(clerk, approver) -> None:
    from measured import line, median, percentile, times

    from jinzhi.casework import todo
    from jinzhi.foundation.places import scope

    for who, name in ((clerk, "county clerk"), (approver, "city approver")):
        own = scope.staff(who.post.agency.place)

        def page(who=who):
            return todo.todo(who)

        sql, values = captured(page)
        with scope.acting(own):
            base = median(raw(sql, values))
            scoped = times(page)
        unscoped = median(page)
        line("to-do", f"raw SQL, {name}, {OPEN:,} open and {CLOSED:,} closed cases", base, base)
        line("to-do", f"page of 30, {name}, p50", percentile(scoped, 0.5), base)
        line("to-do", f"page of 30, {name}, p95", percentile(scoped, 0.95), base)
        line("to-do", f"page of 30, {name}, no row security, p50", unscoped, base)
        print(
            f"to-do | {name}: scoped against unscoped | {percentile(scoped, 0.5) / unscoped:.2f}x", flush=True
        )
        with scope.acting(own):
            line("to-do", f"counts for menu and home, {name}", median(lambda who=who: todo.counts(who)), base)
            filters = todo.Filters(colour="yellow")
            line("to-do", f"yellow list, {name}", median(lambda who=who, f=filters: todo.todo(who, f)), base)
            line("to-do", f"done by me, {name}", median(lambda who=who: todo.done(who)), base)


def crowd(clerk) -> None:
    """So many users at once, each a process with a connection of its own; full pages over HTTP's own stack."""
    from django.db import connections
    from measured import percentile

    for users in (1, USERS):
        connections.close_all()  # a connection cannot be shared with a forked process
        queue: multiprocessing.Queue = multiprocessing.Queue()
        barrier = multiprocessing.Barrier(users)
        children = [
            multiprocessing.Process(target=_user, args=(clerk.account.pk, barrier, queue))
            for _ in range(users)
        ]
        for child in children:
            child.start()
        found = [t for _ in children for t in queue.get(timeout=300)]
        for child in children:
            child.join()
        print(
            f"to-do | whole page, {users} users on {os.cpu_count()} cores | p50 {percentile(found, 0.5) * 1000:.0f} ms, "
            f"p95 {percentile(found, 0.95) * 1000:.0f} ms | {len(found)} pages", flush=True,
        )  # fmt: skip


def _user(account: int, barrier, queue) -> None:
    from django.db import connections
    from django.test import Client

    from jinzhi.foundation.people.models import Account

    connections.close_all()
    client = Client()
    client.force_login(
        Account.objects.get(pk=account), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    for _ in range(3):
        answer = client.get("/office/todo/")
        if answer.status_code != 200:
            barrier.abort()
            raise RuntimeError(
                f"/office/todo/ answers {answer.status_code} {answer.headers.get('Location', '')}"
            )
    barrier.wait()
    found = []
    for _ in range(PAGES):
        began = time.perf_counter()
        client.get("/office/todo/")
        found.append(time.perf_counter() - began)
    queue.put(found)
    connections.close_all()


def boards() -> None:
    from measured import line, median

    from jinzhi.casework import board
    from jinzhi.foundation.places import scope

    def count():
        return raw(
            "SELECT place / 100000000, count(*) FROM casework_case WHERE state = 'open' GROUP BY 1", []
        )()

    def province():
        return board.by_place(100_000_000, 330000000000, 339999999999, {})

    with scope.acting(scope.staff(330000000000)):
        base = median(count, 3)
        line("board", "raw SQL: open cases by city", base, base)
        line("board", "province by lamp", median(province, 3), base)
    with scope.acting(scope.staff(330106000000)):
        line(
            "board",
            "a county by lamp",
            median(lambda: board.by_place(1_000_000, 330106000000, 330106999999, {}), 10),
            base,
        )


def acts() -> None:
    import peers
    from measured import cpu, line

    from jinzhi.casework import actions
    from jinzhi.casework.tests.sample import at, go, open_case, person
    from jinzhi.foundation.places import scope

    clerk, examiner = person("受理员", "window_clerk"), person("审查员", "examiner")
    day = date(2026, 3, 3)
    cases = [open_case(date(2026, 3, 2)) for _ in range(ACTS + 20)]
    with scope.acting(scope.staff(clerk.post.agency.place)):
        for case in cases:
            go(case, "first", "accept", clerk)
        steps = [(c.pk, c.steps.get(key="left").pk) for c in cases]

        def passed(number: int) -> None:
            actions.perform(steps[number][0], "pass", steps[number][1], examiner, at=at(day))

        for number in range(ACTS, ACTS + 20):
            passed(number)
        own, database = cpu(passed, ACTS)
    base, base_database = cpu(bare(cases), ACTS)
    line("act", "raw SQL of a plain act (lock, read, 3 inserts, 3 updates), CPU of the client", base, base)
    line("act", "送审 within a branch, CPU of the application", own, base)
    line("act", "the same, CPU of the database", database, base_database)
    for name, (theirs, at_database) in peers.measured(ACTS).items():
        line("act", f"{name}, CPU of the application", theirs, base)
        line("act", f"{name}, CPU of the database", at_database, base_database)


def bare(cases: list):
    """What a plain act costs without the application: its statements, prepared, one transaction each."""
    from django.db import connection, transaction

    connection.ensure_connection()
    driver = connection.connection
    step = """INSERT INTO casework_step (case_id, place, key, name, kind, state, role, opened_at, action, opinion, result, urged)
              VALUES (%s, %s, 'x', 'x', 'user', 'open', 'examiner', now(), '', '', '{}', 0) RETURNING id"""
    event = """INSERT INTO casework_event (case_id, place, seq, at, recorded_at, kind, sentence, public, data, previous, hash)
               VALUES (%s, %s, %s, now(), now(), 'x', 'x', true, '{}', '', '')"""

    def run(sql: str, values: list):
        return driver.execute(sql, values, prepare=True)

    def act(number: int) -> None:
        case = cases[number]
        with transaction.atomic():
            run("SELECT * FROM casework_case WHERE id = %s FOR UPDATE", [case.pk]).fetchall()
            run("SELECT * FROM casework_step WHERE case_id = %s", [case.pk]).fetchall()
            key = run(step, [case.pk, case.place]).fetchone()[0]
            run("UPDATE casework_step SET state = 'done', closed_at = now() WHERE id = %s", [key])
            run(event, [case.pk, case.place, 900])
            run(event, [case.pk, case.place, 901])
            run("UPDATE casework_case SET version = version + 1 WHERE id = %s", [case.pk])
            run("UPDATE casework_step SET due_ord = 1 WHERE id = %s", [key])

    return act


def burst(clerk, seconds: int = 10) -> None:
    """Submissions as fast as two processes can make them."""
    from django.db import connections

    connections.close_all()
    queue: multiprocessing.Queue = multiprocessing.Queue()
    children = [
        multiprocessing.Process(target=_submit, args=(n, seconds, queue)) for n in range(os.cpu_count() or 2)
    ]
    for child in children:
        child.start()
    found = [queue.get(timeout=300) for _ in children]
    for child in children:
        child.join()
    many, spent = sum(f[0] for f in found), sum(f[1] for f in found)
    print(
        f"burst | submissions, {len(children)} processes | {many / seconds:.0f}/s | {spent / many * 1000:.1f} ms CPU each",
        flush=True,
    )


def _submit(number: int, seconds: int, queue) -> None:
    from django.db import connections

    from jinzhi.casework import intake
    from jinzhi.casework.actions import SYSTEM
    from jinzhi.foundation.places import scope
    from jinzhi.services.licensing.tests.world import application, enterprise

    connections.close_all()
    with scope.acting(scope.SYSTEM):
        version = intake.version_on("food_production_licence", date(2026, 3, 2))
        data = application(enterprise(uscc="", org_code="", name=f"突发样例{number}"))
        data["applicant"]["code"] = "91330100723456781Y"
        many, began, until = 0, time.process_time(), time.monotonic() + seconds
        while time.monotonic() < until:
            intake.submit(version, data, SYSTEM)
            many += 1
        queue.put((many, time.process_time() - began))
    connections.close_all()


def supervision() -> None:
    from django.db import connection

    from jinzhi.casework.esupervision import running

    connection.ensure_connection()
    for name in ("first", "second"):
        began = time.monotonic()
        running.run(fire=False, verify=False)
        print(
            f"supervision | {name} daily run over {OPEN:,} open cases | {time.monotonic() - began:.1f} s",
            flush=True,
        )


def weight() -> None:
    """Bytes and WAL of a case from its submission to its decision, made by the engine."""
    from measured import superuser

    from jinzhi.casework.tests import every_kind
    from jinzhi.casework.tests.sample import go

    cast, many, day = every_kind.Cast(), 200, date(2026, 3, 2)

    def size() -> tuple[int, int]:
        with superuser() as owner:
            tables = owner.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'casework\\_%' AND relkind = 'r'"
            ).fetchone()[0]
            return int(tables), int(owner.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()[0])

    before = size()
    for _ in range(many):
        case = every_kind.open_case(day, size="small")
        go(case, "accept", "accept", cast.clerk, day)
        go(case, "last", "approve", cast.head, day)
        go(case, "tell", "serve", cast.certifier, day, payload={"recipient": "本人"})
        go(case, "wait", "conclude", cast.certifier, day)
    after = size()
    stored, logged = ((b - a) / many / 1024 for a, b in zip(before, after, strict=True))
    print(f"weight | a case of four acts | {stored:.1f} KiB stored, {logged:.1f} KiB of WAL", flush=True)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()
    from filling import fill
    from measured import database

    from jinzhi.casework.tests import sample
    from jinzhi.foundation.people.models import Account
    from jinzhi.foundation.places import scope

    with database(large=True), scope.acting(scope.SYSTEM):
        clerk = sample.person("受理员", "window_clerk")
        approver = sample.person("审批", "approver", place=sample.CITY, level="city")
        Account.objects.filter(pk=clerk.account.pk).update(is_demo=True)  # signs in without a second factor
        fill(OPEN, CLOSED, clerk)
        lists(clerk, approver)
        crowd(clerk)
        boards()
        acts()
        burst(clerk)
        supervision()
        weight()


if __name__ == "__main__":
    main()
