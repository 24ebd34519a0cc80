"""Putting present rows into the outbox once more: repair, a new channel's first load; ownership that moves."""

from django.db import connection, transaction

from jinzhi.foundation.exchange import capture, declared, node
from jinzhi.foundation.exchange.declared import Dataset

_AGAIN = """
WITH made AS (
  INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)
  SELECT {dataset}, {schema}, n.id, n.place, n.owner_node, n.version, 'u', {body}
  FROM {table} AS n
  WHERE ({rows}) AND (%(hub)s OR n.owner_node = %(me)s)
    AND (%(records)s::uuid[] IS NULL OR n.id = ANY(%(records)s))
    AND (%(lo)s::bigint IS NULL OR n.place BETWEEN %(lo)s AND %(hi)s)
    AND (%(since)s::timestamptz IS NULL OR n.updated_at >= %(since)s)
  ORDER BY n.id
  RETURNING id, made_at, dataset, locality)
INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality, target)
SELECT *, %(channel)s FROM made
"""


def _statement(dataset: Dataset) -> str:
    if dataset.table:
        return _AGAIN.format(
            dataset=f"'{dataset.key}'", schema=dataset.schema, body=capture.sent(dataset), table=dataset.table,
            rows=dataset.rows,
        )  # fmt: skip
    return _AGAIN.format(
        dataset="n.dataset", schema="n.schema", body="n.body", table=capture.DOCUMENTS,
        rows=f"n.dataset = '{dataset.key}'",
    )  # fmt: skip


@transaction.atomic
def replay(
    dataset: str, *, records=None, place: tuple[int, int] | None = None, since=None, channel: str = ""
) -> int:
    """Send present rows again: those named, of a range of places, or changed since; all of them without a choice.

    `channel`: only there, else wherever the dataset goes. Receivers pass over what they have in that version.
    """
    one = declared.get(dataset)
    me = node.this()
    lo, hi = place or (None, None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'UTC'")
        cursor.execute(
            _statement(one),
            {
                "hub": me.hub, "me": me.node, "records": [str(r) for r in records] if records is not None else None,
                "lo": lo, "hi": hi, "since": since, "channel": channel,
            },
        )  # fmt: skip
        return cursor.rowcount


def snapshot(channel: str) -> dict[str, int]:
    """The first load of a channel: every present row of the datasets it subscribes to, parents before children."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dataset, lo, hi FROM exchange_subscription WHERE channel = %s AND NOT ended", [channel]
        )
        wanted = {dataset: (lo, hi) for dataset, lo, hi in cursor.fetchall()}
    return {key: replay(key, place=wanted[key], channel=channel) for key in declared.all() if key in wanted}


@transaction.atomic
def transfer(dataset: str, record, to_node: str, place: int | None = None) -> int:
    """Give a record of this node, and what hangs on it, to another node; answers how many rows moved.

    `place`: where it lies now. From then on only the other node may change them. Raises LookupError when the record
    is not here, PermissionError when it is not this node's.
    """
    me = node.this()
    one = declared.get(dataset)
    table = one.table or capture.DOCUMENTS
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT owner_node FROM {table} WHERE id = %s FOR UPDATE", [record])
        row = cursor.fetchone()
        if row is None:
            raise LookupError(f"没有这条{one.title}")
        if row[0] != me.node:
            raise PermissionError(f"这条{one.title}归 {row[0]}，本节点不能移交")
        return _give(cursor, one, [record], to_node, me.node, place)


def _give(cursor, one: Dataset, records: list, to_node: str, me: str, place: int | None) -> int:
    table = one.table or capture.DOCUMENTS
    cursor.execute(
        f"UPDATE {table} SET owner_node = %s, version = version + 1, updated_at = now(), place = coalesce(%s, place)"
        " WHERE id = ANY(%s) AND owner_node = %s",
        [to_node, place, records, me],
    )
    moved = cursor.rowcount
    for child in declared.all().values():
        if child.key == one.key or not child.table or child.append_only:
            continue
        for column, parent in child.references.items():
            if parent == one.key:
                cursor.execute(
                    f"SELECT id FROM {child.table} WHERE {column} = ANY(%s) AND owner_node = %s",
                    [records, me],
                )
                if below := [key for (key,) in cursor.fetchall()]:
                    moved += _give(cursor, child, below, to_node, me, place)
    return moved
