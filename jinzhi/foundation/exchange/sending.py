"""From the outbox to the wire: numbering, rendering, batches with trailers, receipts that come back.

A relay calls `number` (rows get lasting sequence numbers per channel before anything is sent), `messages`
(the same bytes for the same numbers, however often), `stored` (the stream has them) and, when one comes,
`receipt`. One relay at a time: `relay_lock`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from django.db import connection, transaction
from gmssl_pyx import sm3_hash

from jinzhi.foundation.exchange import node

RELAY_LOCK = 0x4A5A_0001  # advisory lock of the one relay
MODULUS = 1 << 128
LARGEST = 1_000_000  # bytes of a message; receivers refuse more, the server's limit is little above
LEFT_OUT = b'"op":"x"'  # stands for a record that is too large to be sent
CONTROL = "_"  # a dataset that begins so is a message between nodes, not a record

_NUMBER = """
WITH taken AS MATERIALIZED (
  DELETE FROM exchange_pending WHERE outbox_id IN (
    SELECT outbox_id FROM exchange_pending ORDER BY outbox_id LIMIT %(limit)s)
  RETURNING *),
wanted AS (
  SELECT c.name AS channel, t.outbox_id, t.made_at, s.id AS subscription, t.dataset
  FROM taken AS t JOIN exchange_subscription AS s ON s.dataset = t.dataset AND NOT s.ended
    AND t.locality BETWEEN s.lo AND s.hi
    AND (s.since IS NULL OR current_date >= s.since) AND (s.until IS NULL OR current_date <= s.until)
  JOIN exchange_channel AS c ON c.name = s.channel
  WHERE CASE WHEN t.target <> '' THEN t.target = c.name
             WHEN c.kind = 'up' THEN t.origin = '' ELSE t.origin <> c.peer END
  UNION ALL
  SELECT c.name, t.outbox_id, t.made_at, NULL, t.dataset
  FROM taken AS t JOIN exchange_channel AS c ON c.name = t.target WHERE left(t.dataset, 1) = '_'),
placed AS (
  SELECT w.*, c.numbered + row_number() OVER (PARTITION BY w.channel ORDER BY w.outbox_id) AS seq, c.batch + 1 AS number
  FROM wanted AS w JOIN exchange_channel AS c ON c.name = w.channel),
queued AS (
  INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)
  SELECT channel, seq, outbox_id, made_at, subscription, number FROM placed),
counted AS (
  SELECT channel, number, dataset, count(*) AS n, min(seq) AS first, max(seq) AS last
  FROM placed GROUP BY channel, number, dataset),
batched AS (
  SELECT channel, number, min(first) AS first, max(last) AS last,
    coalesce(sum(n) FILTER (WHERE left(dataset, 1) <> '_'), 0)::integer AS rows,
    jsonb_object_agg(dataset, n) AS counts, bool_or(left(dataset, 1) <> '_') AS kept
  FROM counted GROUP BY channel, number),
trailers AS (
  INSERT INTO exchange_queue (channel, seq, outbox_id, made_at, subscription, batch)
  SELECT channel, last + 1, NULL, now(), NULL, number FROM batched WHERE kept),
written AS (
  INSERT INTO exchange_batch (channel, number, first, last, rows, counts)
  SELECT channel, number, first, last + kept::integer, rows, counts FROM batched),
moved AS (
  UPDATE exchange_channel AS c SET numbered = b.last + b.kept::integer, batch = b.number
  FROM batched AS b WHERE c.name = b.channel)
SELECT count(*) FROM taken
"""

# What is read is bounded before it is joined, and the join is held in place (OFFSET 0): the queue grows faster than its
# statistics, and a plan made for an empty one reads the whole outbox for every thousand rows.
_RENDER = """
SELECT q.seq, q.batch, o.dataset,
  CASE WHEN o.id IS NOT NULL THEN
    '{"id":"' || o.record || '","dataset":"' || o.dataset || '","schema":' || o.schema || ',"op":"' || o.op::text
    || '","version":' || o.version || ',"owner":"' || o.owner_node || '","place":' || o.locality
    || ',"at":"' || to_char(o.made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","body":'
    || CASE WHEN q.fields IS NULL THEN o.body::text ELSE
         '{' || coalesce((SELECT string_agg(to_json(f)::text || ':' || (o.body->f)::text, ',' ORDER BY f)
           FROM unnest(q.fields) AS f WHERE (o.body->f) IS NOT NULL), '') || '}' END
    || '}' END
FROM (
  SELECT q.seq, q.batch, q.outbox_id, q.made_at, (SELECT s.fields FROM exchange_subscription AS s
    WHERE s.id = q.subscription) AS fields
  FROM exchange_queue AS q WHERE q.channel = %s AND q.seq > %s AND q.seq <= %s ORDER BY q.seq LIMIT %s) AS q
LEFT JOIN LATERAL (
  SELECT * FROM exchange_outbox AS o WHERE o.id = q.outbox_id AND o.made_at = q.made_at OFFSET 0) AS o ON true
ORDER BY q.seq
"""
_LAST = 1 << 62


class AlreadyRelaying(RuntimeError):
    """Another relay of this node holds the lock."""


@contextmanager
def relay_lock() -> Iterator[None]:
    """Be the one relay of this node while the block runs; ends with the connection too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [RELAY_LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyRelaying("本节点已有一个转发进程在运行")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [RELAY_LOCK])


def number(limit: int = 1000) -> int:
    """Give up to `limit` pending rows their places in the channels that want them; answers how many were taken.

    Rows are taken in the order of the outbox; a row whose transaction commits late comes after those that
    were faster, and rows of one record never overtake each other since their writers waited for its lock.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NUMBER, {"limit": limit})
        return cursor.fetchone()[0]


def messages(
    channel: str,
    after: int,
    limit: int,
    sign: Callable[[bytes], str] | None = None,
    digests: dict[int, list[int]] | None = None,
) -> list[tuple[int, str, bytes]]:
    """(sequence, subject, payload) of up to `limit` numbered messages behind `after`, in order.

    `sign` puts the node's signature on a batch's trailer when it is rendered first. `digests` is the caller's memory of
    batches that were begun in an earlier lot ({batch: [first sequence seen, sum, bytes]}); without it they are read again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENDER, [channel, after, _LAST, limit])
        rows = cursor.fetchall()
    prefix = subject_prefix(channel)
    rendered: list[tuple[int, str, bytes]] = []
    begun = {batch: list(held) for batch, held in (digests or {}).items()}  # a lost database repeats the lot
    for seq, batch, dataset, text in rows:
        if dataset is None:
            payload = _trailer(channel, batch, begun.pop(batch, None), sign)
            rendered.append((seq, f"{prefix}._batch", payload))
            continue
        payload = _payload(channel, seq, text)
        held = begun.setdefault(batch, [seq, 0, 0])
        if not dataset.startswith(CONTROL):  # a batch of these alone has no trailer, so they are in no digest
            held[1] = (held[1] + part(payload)) % MODULUS
            held[2] += len(payload)
        rendered.append((seq, f"{prefix}.{dataset}", payload))
    if digests is not None:
        digests.clear()
        digests.update(begun)
    return rendered


def _payload(channel: str, seq: int, text: str) -> bytes:
    """A message's bytes. A record too large for the wire is refused here (E10); a note without a body keeps its number,
    counts in its batch, and is refused by the receiver too, so that both ends see it and what follows goes on."""
    payload = text.encode()
    if len(payload) <= LARGEST:
        return payload
    envelope = json.loads(text[: text.index(',"body":')] + "}")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exchange_refusal (channel, seq, dataset, record, version, code, reason)"
            " VALUES (%s, %s, %s, %s, %s, 'E10', %s) ON CONFLICT (channel, seq) DO NOTHING",
            [
                channel, seq, envelope["dataset"], envelope["id"], envelope["version"],
                f"消息 {len(payload)} 字节，超过上限 {LARGEST} 字节，没有发出",
            ],
        )  # fmt: skip
    note = envelope | {"op": "x", "body": {"left_out": len(payload)}}
    return json.dumps(note, ensure_ascii=False, separators=(",", ":")).encode()


def left_out(payload: bytes) -> bool:
    """Whether a message only stands for a record that is too large."""
    return LEFT_OUT in payload[:200]


def part(payload: bytes) -> int:
    """What one message adds to the digest of its batch: the first 16 bytes of its SM3."""
    return int.from_bytes(sm3_hash(payload)[:16], "big")


def subject_prefix(channel: str) -> str:
    """`in.<this node>` for a city's way up, `out.<peer>` for the hub's ways out."""
    return f"in.{node.this().node}" if channel == "up" else channel


def _trailer(channel: str, batch: int, seen: list[int] | None, sign: Callable[[bytes], str] | None) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT first, last, rows, counts, trailer FROM exchange_batch WHERE channel = %s AND number = %s",
            [channel, batch],
        )
        first, last, rows, counts, text = cursor.fetchone()
        if text:
            return text.encode()
        counts = json.loads(counts) if isinstance(counts, str) else counts
        if seen is None or seen[0] != first:
            cursor.execute(_RENDER, [channel, first - 1, last - 1, last])
            seen = [first, 0, 0]
            for seq, _, dataset, one in cursor.fetchall():
                if dataset.startswith(CONTROL):
                    continue
                payload = _payload(channel, seq, one)
                seen[1] = (seen[1] + part(payload)) % MODULUS
                seen[2] += len(payload)
        me = node.this()
        said = {
            "batch": batch, "channel": channel, "sender": me.node, "first": first, "last": last, "rows": rows,
            "digest": f"{seen[1]:032x}", "counts": counts, "at": datetime.now(UTC).isoformat(),
            "incarnation": str(me.incarnation),
        }  # fmt: skip
        said["signature"] = sign(canonical(said)) if sign else ""
        text = json.dumps(said, ensure_ascii=False)
        cursor.execute(
            "UPDATE exchange_batch SET trailer = %s, digest = %s, bytes = %s"
            " WHERE channel = %s AND number = %s",
            [text, said["digest"], seen[2], channel, batch],
        )
    return text.encode()


def canonical(trailer: dict) -> bytes:
    """The bytes of a trailer that are signed: all but the signature, keys sorted, no spaces."""
    kept = {key: value for key, value in trailer.items() if key != "signature"}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def standing(channel: str) -> dict:
    """Where a channel is: state, reason, base, numbered, stored, acknowledged."""
    found = [one for one in node.channels() if one["name"] == channel]
    if not found:
        raise LookupError(f"没有通道 {channel}")
    return found[0]


@transaction.atomic
def stored(channel: str, seq: int) -> None:
    """The receiving stream holds everything up to `seq`: batches that are complete count as sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_channel SET stored = %s, stored_at = now() WHERE name = %s AND stored < %s"
            " RETURNING peer",
            [seq, channel, seq],
        )
        row = cursor.fetchone()
        if row is None:
            return
        cursor.execute(
            """WITH done AS (
              UPDATE exchange_batch SET stored_at = now()
              WHERE channel = %s AND acknowledged_at IS NULL AND stored_at IS NULL AND last <= %s RETURNING *),
            counted AS (
              SELECT key AS dataset, sum(value::bigint) AS n, sum(bytes * value::bigint / rows)::bigint AS bytes
              FROM done, jsonb_each_text(counts) WHERE left(key, 1) <> '_' GROUP BY key)
            INSERT INTO exchange_tally AS t (day, peer, dataset, sent, bytes_out)
            SELECT current_date, %s, dataset, n, bytes FROM counted
            ON CONFLICT (day, peer, dataset) DO UPDATE
            SET sent = t.sent + excluded.sent, bytes_out = t.bytes_out + excluded.bytes_out""",
            [channel, seq, row[0]],
        )
        cursor.execute(  # a batch of control messages is acknowledged by nobody
            "UPDATE exchange_batch AS b SET acknowledged_at = now() WHERE channel = %s AND acknowledged_at IS NULL"
            " AND last <= %s AND NOT EXISTS (SELECT FROM exchange_queue AS q WHERE q.channel = b.channel"
            " AND q.seq = b.last AND q.outbox_id IS NULL)",
            [channel, seq],
        )
        cursor.execute(  # and what lies before the oldest open batch is acknowledged
            "UPDATE exchange_channel AS c SET acknowledged = greatest(c.acknowledged, least(c.stored, coalesce("
            "(SELECT min(b.first) - 1 FROM exchange_batch AS b WHERE b.channel = c.name AND b.acknowledged_at IS NULL),"
            " c.stored))) WHERE c.name = %s",
            [channel],
        )


@transaction.atomic
def rewind(channel: str, seq: int) -> None:
    """The stream holds less than was thought (it was restored from an older copy): send again from there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_channel SET stored = %s WHERE name = %s AND stored > %s", [seq, channel, seq]
        )


@transaction.atomic
def rebase(channel: str, seq: int) -> None:
    """Go on numbering behind `seq`, the last the stream holds: this node's own numbers are of an older life.

    What was numbered here and never reached the stream under its own number is put back to be numbered anew, as a
    copy for this channel alone: the same row may wait for other channels too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT stored FROM exchange_channel WHERE name = %s FOR UPDATE", [channel])
        (known,) = cursor.fetchone()
        cursor.execute(
            """WITH again AS (
              DELETE FROM exchange_queue WHERE channel = %s AND seq > %s RETURNING seq, outbox_id, made_at),
            copied AS (
              INSERT INTO exchange_outbox (made_at, dataset, schema, record, locality, owner_node, version, op, body)
              SELECT o.made_at, o.dataset, o.schema, o.record, o.locality, o.owner_node, o.version, o.op, o.body
              FROM again JOIN exchange_outbox AS o ON o.id = again.outbox_id AND o.made_at = again.made_at
              ORDER BY again.seq RETURNING id, made_at, dataset, locality)
            INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality, target)
            SELECT id, made_at, dataset, locality, %s FROM copied""",
            [channel, known, channel],
        )
        cursor.execute("DELETE FROM exchange_batch WHERE channel = %s AND last > %s", [channel, known])
        cursor.execute(
            "UPDATE exchange_channel SET base = %s, numbered = %s, stored = %s, acknowledged = %s,"
            " batch = batch + 1000000, changed_at = now() WHERE name = %s",
            [seq, seq, seq, seq, channel],
        )


@transaction.atomic
def receipt(peer: str, body: dict) -> None:
    """What a receiver says of a batch: {batch, last, rows, digest, ok, applied, refused: [[seq, …, code, reason]]}."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.name, b.first, b.last, b.rows, b.digest, b.counts FROM exchange_channel AS c"
            " JOIN exchange_batch AS b ON b.channel = c.name"
            " WHERE c.peer = %s AND b.number = %s AND b.acknowledged_at IS NULL FOR UPDATE OF b",
            [peer, body["batch"]],
        )
        row = cursor.fetchone()
        if row is None:
            return  # told twice, or of a life before this one
        channel, _, last, rows, digest, counts = row
        counts = json.loads(counts) if isinstance(counts, str) else counts
        if last != body["last"]:
            return
        agreed = body["ok"] and body["rows"] == rows and body["digest"] == digest
        cursor.execute(
            "UPDATE exchange_batch SET receipt = %s, applied = %s, refused = %s,"
            " acknowledged_at = CASE WHEN %s THEN now() END WHERE channel = %s AND number = %s",
            [
                json.dumps(body | {"agreed": agreed}), body["applied"], len(body["refused"]), agreed, channel,
                body["batch"],
            ],
        )  # fmt: skip
        if agreed:
            cursor.execute(
                "UPDATE exchange_channel SET acknowledged = greatest(acknowledged, %s), acknowledged_at = now()"
                " WHERE name = %s",
                [last, channel],
            )
        refused = Counter(one[1] for one in body["refused"])
        for dataset, n in counts.items():
            if not dataset.startswith(CONTROL):
                cursor.execute(
                    "INSERT INTO exchange_tally AS t (day, peer, dataset, acknowledged, refused_there)"
                    " VALUES (current_date, %s, %s, %s, %s) ON CONFLICT (day, peer, dataset) DO UPDATE"
                    " SET acknowledged = t.acknowledged + excluded.acknowledged,"
                    " refused_there = t.refused_there + excluded.refused_there",
                    [peer, dataset, n if agreed else 0, refused[dataset]],
                )
        cursor.executemany(
            "INSERT INTO exchange_refusal (channel, seq, dataset, record, version, code, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (channel, seq) DO NOTHING",
            [[channel, *one] for one in body["refused"]],
        )


def send(kind: str, target: str, body: dict) -> None:
    """A control message to `target` (a channel: `up`, `out.<peer>`), in the caller's transaction."""
    if not kind.startswith(CONTROL):
        raise ValueError("control messages begin with an underscore")
    me = node.this()
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH made AS (
              INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)
              VALUES (%s, 1, gen_random_uuid(), 0, %s, 1, 'u', %s) RETURNING id, made_at)
            INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality, target)
            SELECT id, made_at, %s, 0, %s FROM made""",
            [kind, me.node, json.dumps(body, ensure_ascii=False), kind, target],
        )


def channel_to(peer: str) -> str:
    """The channel that leads to a peer from here."""
    return f"out.{peer}" if node.this().hub else "up"


def key_of(dataset: str, key: str):
    """The record key of a document: the same at every node for the same dataset and source number."""
    return uuid5(NAMESPACE_URL, f"jinzhi:{dataset}:{key}")
