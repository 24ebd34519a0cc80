"""What a receiver holds while nothing is sent to it: when sending goes on, it is told what was deleted meanwhile.

A channel's dataset that is disconnected (a partner switched off or limited, a grant that ended) has the keys of the
records then present written down. When it is connected again the present records are sent once more, and of those
written down that are there no longer, a deletion. A few minutes later it is done a second time: writers who were at
work while sending began may have been seen by neither side.
"""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import capture, declared, node, replaying
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.places import scope

OVERLAP = timedelta(minutes=5)  # no writer's transaction is open for longer

_PRESENT = """
INSERT INTO catalogue_held AS h (pause, record, locality, owner_node, version, body)
SELECT %(pause)s, n.id, n.place, n.owner_node, n.version, {keys} FROM {table} AS n
WHERE ({rows}) AND n.place BETWEEN %(lo)s AND %(hi)s ORDER BY n.id
ON CONFLICT (pause, record) DO UPDATE SET version = greatest(h.version, excluded.version)
"""
# Deletions that the relay has not numbered yet: without a subscription it numbers them for nobody.
_PENDING = """
INSERT INTO catalogue_held AS h (pause, record, locality, owner_node, version, body)
SELECT DISTINCT ON (o.record) %(pause)s, o.record, o.locality, o.owner_node, o.version, {keys}
FROM exchange_pending AS p JOIN exchange_outbox AS o ON o.id = p.outbox_id AND o.made_at = p.made_at
WHERE p.dataset = %(dataset)s AND o.op = 'd' AND p.locality BETWEEN %(lo)s AND %(hi)s AND p.target IN ('', %(channel)s)
ORDER BY o.record, o.version DESC
ON CONFLICT (pause, record) DO UPDATE SET version = greatest(h.version, excluded.version)
"""
_GONE = """
WITH gone AS (
  DELETE FROM catalogue_held AS h WHERE h.pause = %(pause)s
    AND NOT EXISTS (SELECT FROM {table} AS n WHERE n.id = h.record AND ({rows}))
  RETURNING h.*),
made AS (
  INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)
  SELECT %(dataset)s, %(schema)s, record, locality, owner_node, version + 1, 'd', body FROM gone ORDER BY record
  RETURNING id, made_at, dataset, locality)
INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality, target) SELECT made.*, %(channel)s FROM made
"""


def _source(one: Dataset) -> tuple[str, str]:
    """(table, condition) of the rows a replay sends."""
    return (one.table, one.rows) if one.table else (capture.DOCUMENTS, f"n.dataset = '{one.key}'")


def _keys(one: Dataset, row: str) -> str:
    """SQL for the key items of a row: what a deletion says of its record."""
    columns = bool(one.table) and row == "n"
    pairs = [f"'{key}', " + (f"n.{key}" if columns else f"{row}.body -> '{key}'") for key in one.key_fields]
    return f"jsonb_build_object({', '.join(pairs)})"


@transaction.atomic
def remember(channel: str, dataset: str) -> int:
    """Before a channel's dataset is disconnected: write down what its receiver has or is about to get."""
    one = declared.get(dataset)
    table, rows = _source(one)
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "SELECT lo, hi FROM exchange_subscription WHERE channel = %s AND dataset = %s AND NOT ended",
            [channel, dataset],
        )
        area = cursor.fetchone()
        if area is None:
            return 0
        cursor.execute(
            "INSERT INTO catalogue_pause (channel, dataset) VALUES (%s, %s)"
            " ON CONFLICT (channel, dataset) DO UPDATE SET paused_at = now(), resumed_at = NULL RETURNING id",
            [channel, dataset],
        )
        said = {
            "pause": cursor.fetchone()[0], "channel": channel, "dataset": dataset, "lo": area[0], "hi": area[1],
        }  # fmt: skip
        cursor.execute(_PRESENT.format(table=table, rows=rows, keys=_keys(one, "n")), said)
        count = cursor.rowcount
        cursor.execute(_PENDING.format(keys=_keys(one, "o")), said)
        return count + cursor.rowcount


@transaction.atomic
def tell(channel: str, dataset: str) -> int:
    """After it is connected again: put the deletions of the meantime into the channel; answers how many."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalogue_pause SET resumed_at = now() WHERE channel = %s AND dataset = %s RETURNING id",
            [channel, dataset],
        )
        row = cursor.fetchone()
        return _tell(cursor, row[0], channel, dataset) if row else 0


def _tell(cursor, pause: int, channel: str, dataset: str) -> int:
    one = declared.get(dataset)
    table, rows = _source(one)
    said = {"pause": pause, "channel": channel, "dataset": dataset, "schema": one.schema}
    cursor.execute(_GONE.format(table=table, rows=rows), said)
    return cursor.rowcount


def finish() -> int:
    """The second look at what was connected again some minutes ago; answers how many deletions it found."""
    found = 0
    with scope.acting(scope.SYSTEM):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, channel, dataset, resumed_at FROM catalogue_pause WHERE resumed_at < %s ORDER BY id",
                [timezone.now() - OVERLAP],
            )
            due = cursor.fetchall()
        for row in due:
            found += _finish(*row)
    return found


@transaction.atomic
def _finish(pause: int, channel: str, dataset: str, resumed_at) -> int:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalogue_pause WHERE id = %s AND resumed_at = %s", [pause, resumed_at])
        if not cursor.rowcount:
            return 0  # paused again meanwhile, or done by another
        found = 0
        if dataset in declared.all() and channel in {one["name"] for one in node.channels()}:
            found = _tell(cursor, pause, channel, dataset)
            replaying.replay(dataset, since=resumed_at - OVERLAP, channel=channel)
        cursor.execute("DELETE FROM catalogue_held WHERE pause = %s", [pause])
        return found


def forget() -> int:
    """What was written down for receivers that did not come back for very long; answers how many records."""
    days = int(rules.value("catalogue.keep_held", on=calendar.today()).value)
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "WITH old AS (DELETE FROM catalogue_pause WHERE resumed_at IS NULL AND paused_at < %s RETURNING id)"
            " DELETE FROM catalogue_held AS h USING old WHERE h.pause = old.id",
            [timezone.now() - timedelta(days=days)],
        )
        return cursor.rowcount
