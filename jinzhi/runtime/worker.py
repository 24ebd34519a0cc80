"""The background worker: runs queued jobs and defers the periodic ones, in system scope."""

from django.core.management import call_command

from jinzhi.runtime import discovery

CONCURRENCY = 2


def run(once: bool = False) -> None:
    """Work until told to end, or (`once`) until no job is left."""
    options = [f"--concurrency={CONCURRENCY}", *(["--one-shot"] if once else [])]
    with discovery.system_scope():  # every job starts from this context
        call_command("procrastinate", "worker", *options)
