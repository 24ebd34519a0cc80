# ruff: noqa: F401, F811 — fixtures of a neighbour
"""Two people act on one refused message at the same moment: one act counts, and the database agrees with it."""

import json
import threading

import pytest
from django.db import connection
from django.test import Client

from jinzhi.foundation.people.tests import cast
from jinzhi.network.tests.test_exchange_pages import entry, hub, message, run

pytestmark = pytest.mark.django_db(transaction=True)


def together(*jobs):
    barrier = threading.Barrier(len(jobs))
    failed = []

    def go(job):
        try:
            barrier.wait()
            job()
        except Exception as fault:
            failed.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_one_discards_while_another_applies(hub, settings):
    settings.DEMO = True
    one, two = (cast.sign_in(Client(), cast.person(name, "330000", "administrator")) for name in ("甲", "乙"))
    key = entry()
    for number in range(10, 18):  # another record each time: those of another node cannot be deleted here
        payload = message(number).decode()
        run("UPDATE exchange_quarantine SET state = 'open', settled_by = '', payload = %s", [payload])
        together(
            lambda: one.post(f"/office/exchange/quarantine/{key}/discard/", {"reason": "测试"}),
            lambda: two.post(f"/office/exchange/quarantine/{key}/apply/"),
        )
        ((state, who),) = run("SELECT state, settled_by FROM exchange_quarantine")
        there = run("SELECT count(*) FROM registry_enterprise WHERE id = %s", [json.loads(payload)["id"]])
        assert (state, there) in (("discarded", [(0,)]), ("applied", [(1,)]))
        assert who.startswith("甲" if state == "discarded" else "乙")
