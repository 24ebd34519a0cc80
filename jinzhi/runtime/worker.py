"""The background worker: runs queued jobs and defers the periodic ones, in system scope."""

from django.core.management import call_command

from jinzhi.runtime import discovery

CONCURRENCY = 2


def run() -> None:
    with discovery.system_scope():  # every job starts from this context
        call_command("procrastinate", "worker", f"--concurrency={CONCURRENCY}")
