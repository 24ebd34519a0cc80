"""Which node this is in the network, and the channels through which its records leave."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.places import scope

EVERYWHERE = (0, 999_999_999_999)


@dataclass(frozen=True)
class Self:
    """This node: `enabled` is false while it is in no network."""

    node: str
    hub: bool
    enabled: bool
    incarnation: UUID | None


def this() -> Self:
    from django.conf import settings

    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute("SELECT node, hub, enabled, incarnation FROM exchange_self")
        row = cursor.fetchone()
    return Self(*row) if row else Self(settings.NODE, False, False, None)


@transaction.atomic
def enable(node: str, hub: bool) -> None:
    """Join a network as `node`; from now on every change of a declared dataset is put into the outbox."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exchange_self (node, hub, enabled) VALUES (%s, %s, true)"
            " ON CONFLICT (one) DO UPDATE SET node = excluded.node, hub = excluded.hub, enabled = true",
            [node, hub],
        )
        cursor.execute("SELECT exchange_partitions(2)")
    if not hub:
        open_channel("up", "hub", "up")
        for one in declared.all().values():
            if one.flow in ("up", "both"):
                subscribe("up", one.key)


def disable() -> None:
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute("UPDATE exchange_self SET enabled = false")


def renew_incarnation() -> UUID:
    """A new life of this database, after it was restored: peers see that numbering began again."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute("UPDATE exchange_self SET incarnation = gen_random_uuid() RETURNING incarnation")
        return cursor.fetchone()[0]


def open_channel(name: str, peer: str, kind: str) -> None:
    """A way out: `up` of a city, `out.<peer>` of the hub (kind: up, city, partner).

    A channel of kind `pull` is numbered like the others and published by nobody: its partner comes for it.
    """
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO exchange_channel (name, peer, kind) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE SET peer = excluded.peer, kind = excluded.kind,"
            " state = 'active', reason = ''",
            [name, peer, kind],
        )


def open_city(node: str) -> str:
    """The hub's channel to a city's node, with the datasets that go down; answers its name."""
    name = f"out.{node}"
    open_channel(name, node, "city")
    own = scope.jurisdiction(int(node) * 10**6)
    for one in declared.all().values():
        if one.down:
            subscribe(name, one.key, lo_hi=EVERYWHERE if one.down == "all" else own)
    return name


def close_channel(name: str, reason: str = "") -> None:
    set_state(name, "paused", reason)


def set_state(name: str, state: str, reason: str = "") -> None:
    """active, paused (by a person) or diverged (the two ends do not agree where they are)."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_channel SET state = %s, reason = %s, changed_at = now() WHERE name = %s",
            [state, reason, name],
        )


def channels() -> list[dict]:
    """Every channel with where it stands: numbered, stored at the hub, acknowledged by the receiver."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, peer, kind, state, reason, numbered, stored, acknowledged, base, stored_at,"
            " acknowledged_at, changed_at FROM exchange_channel ORDER BY name"
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@transaction.atomic
def subscribe(
    channel: str,
    dataset: str,
    fields: list[str] | None = None,
    *,
    lo_hi: tuple[int, int] = EVERYWHERE,
    since=None,
    until=None,
) -> None:
    """Let `dataset` go out through `channel`, only `fields` of it, of places in `lo_hi`, from day to day (both included).

    A subscription is never changed, it ends and another begins: what was numbered under it renders the same.
    """
    one: Dataset = declared.get(dataset)
    if fields is not None and (unknown := set(fields) - set(one.columns)):
        raise ValueError(f"{one.title}没有这些信息项：{'、'.join(sorted(unknown))}")
    if any(one.by_key[f].share == "no" for f in (fields or []) if f in one.by_key):
        raise ValueError("不予共享的信息项不能提供")
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute("SELECT kind FROM exchange_channel WHERE name = %s", [channel])
        if fields is None and cursor.fetchone() in (("partner",), ("pull",)):
            fields = [f.key for f in one.fields if f.share != "no"]
        cursor.execute(
            "SELECT id FROM exchange_subscription WHERE channel = %s AND dataset = %s AND NOT ended"
            " AND fields IS NOT DISTINCT FROM %s::text[] AND (lo, hi) = (%s, %s)"
            " AND (since, until) IS NOT DISTINCT FROM (%s::date, %s::date)",
            [channel, dataset, fields, *lo_hi, since, until],
        )
        if cursor.fetchone():
            return
        unsubscribe(channel, dataset)
        cursor.execute(
            "INSERT INTO exchange_subscription (channel, dataset, fields, lo, hi, since, until)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [channel, dataset, fields, *lo_hi, since, until],
        )


def unsubscribe(channel: str, dataset: str) -> None:
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_subscription SET ended = true WHERE channel = %s AND dataset = %s AND NOT ended",
            [channel, dataset],
        )
