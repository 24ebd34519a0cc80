"""How long the log and the sent rows are kept, and the partitions they lie in.

The log says who sent what to whom, so the rows of the queue (to whom) are kept as long as the log, or as long as a receiver
may ask for them again, whichever is longer.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from jinzhi.foundation import rules

CHUNK = 50_000


def tidy() -> dict[str, int]:
    """Make the partitions of coming months, drop those past keeping, and forget acknowledged queue rows.

    Rows that a receiver has not acknowledged are never dropped, however old: their month stays.
    """
    today = timezone.localdate()
    log_days = int(rules.value("exchange.keep_log", on=today).value)
    sent_days = int(rules.value("exchange.keep_sent", on=today).value)
    kept_days = max(log_days, sent_days)
    with connection.cursor() as cursor:
        cursor.execute("SELECT exchange_partitions(2)")
        forgotten = 0
        while True:
            cursor.execute(
                "DELETE FROM exchange_queue WHERE (channel, seq) IN (SELECT q.channel, q.seq FROM exchange_queue AS q"
                " JOIN exchange_channel AS c ON c.name = q.channel WHERE q.seq <= c.acknowledged AND q.made_at < %s"
                " LIMIT %s)",
                [timezone.now() - timedelta(days=kept_days), CHUNK],
            )
            forgotten += cursor.rowcount
            if cursor.rowcount < CHUNK:
                break
        cursor.execute(
            "SELECT least(min(made_at), (SELECT min(made_at) FROM exchange_pending)) FROM exchange_queue"
        )
        (oldest_needed,) = cursor.fetchone()
        keep_from = today - timedelta(days=kept_days)
        if oldest_needed is not None:
            keep_from = min(keep_from, oldest_needed.date())
        cursor.execute("SELECT exchange_drop_before(%s)", [keep_from])
        (dropped,) = cursor.fetchone()
        cursor.execute(
            "DELETE FROM exchange_batch WHERE acknowledged_at < %s",
            [timezone.now() - timedelta(days=log_days)],
        )
        cursor.execute(
            "DELETE FROM exchange_refusal WHERE state <> 'open' AND told_at < %s",
            [timezone.now() - timedelta(days=log_days)],
        )
        cursor.execute(
            "DELETE FROM exchange_quarantine WHERE state <> 'open' AND settled_at < %s",
            [timezone.now() - timedelta(days=log_days)],
        )
    return {"forgotten": forgotten, "partitions": len(dropped)}
