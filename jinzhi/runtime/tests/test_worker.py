"""Background jobs run as the runtime role in system scope."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from jinzhi.runtime import health, worker

seen = []


@app.task(name="jinzhi.runtime.tests.look")
def look():
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        seen.append(cursor.fetchone())


def _run_once():
    try:
        worker.run(once=True)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_deferred_job_runs_in_system_scope():
    look.defer()
    # In a thread of its own: a browser test before this one leaves its event loop running in the main thread.
    with ThreadPoolExecutor(1) as other:
        other.submit(_run_once).result()
    assert seen == [("jinzhi_app", "jinzhi_system")]


@pytest.mark.django_db
def test_a_silent_worker_degrades_health_and_a_lively_one_does_not():
    assert health.database_and_worker() == ("ok", "absent")
    reported = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES"
    with connection.cursor() as cursor:
        cursor.execute(f"{reported} (now() - interval '1 hour')")
        assert health.database_and_worker() == ("ok", "silent")
        cursor.execute(f"{reported} (now())")
        assert health.database_and_worker() == ("ok", "ok")
