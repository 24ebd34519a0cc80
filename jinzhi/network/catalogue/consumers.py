"""Who may ask for shared data: agencies of the network, and whatever kind another room adds (partners).

A kind knows its names, where it lies, and how a grant reaches it. The partners' room registers itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinzhi.foundation.people.models import Agency

if TYPE_CHECKING:
    from jinzhi.network.catalogue.models import Grant


@dataclass(frozen=True)
class Consumer:
    """One that asks: `audience` is the word of the declaration that lets it."""

    kind: str
    key: str
    name: str
    place: int
    audience: str


@dataclass(frozen=True)
class Kind:
    """`find(key)` answers the consumer or None, `offered()` those to choose from; `deliver` and `stop` connect a grant."""

    key: str
    title: str
    find: Callable[[str], Consumer | None]
    offered: Callable[[], list[tuple[str, str]]]
    deliver: Callable[["Grant", bool], None]
    stop: Callable[["Grant"], None]


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    KINDS[kind.key] = kind


def _agency(key: str) -> Consumer | None:
    found = Agency.objects.filter(key=key).first()
    if found is None or found.level == Agency.Level.PROVINCE:
        return None
    return Consumer("agency", found.key, found.name, found.place, "cities")


def _node(key: str) -> str:
    """The channel of the node an agency works on: counties work on their city's."""
    return f"out.{key[:4]}00"


def _agencies() -> list[tuple[str, str]]:
    return [(a.key, a.name) for a in Agency.objects.exclude(level=Agency.Level.PROVINCE).order_by("key")]


def connect(channel: str, grant: "Grant", existing: bool) -> None:
    """Let a grant's records go out through a channel, if there is one; the present ones too when they are wanted.

    A receiver that had them before is told what was deleted since.
    """
    from jinzhi.foundation.exchange import node, replaying
    from jinzhi.foundation.places import scope
    from jinzhi.network.catalogue import holding

    with scope.acting(scope.SYSTEM):
        if channel not in {one["name"] for one in node.channels()}:
            return
        area = scope.jurisdiction(grant.area)
        node.subscribe(channel, grant.dataset, grant.fields, lo_hi=area, since=grant.since, until=grant.until)
        holding.tell(channel, grant.dataset)
        if existing:
            replaying.replay(grant.dataset, place=area, channel=channel)


def disconnect(channel: str, dataset: str) -> None:
    from jinzhi.foundation.exchange import node
    from jinzhi.foundation.places import scope
    from jinzhi.network.catalogue import holding

    with scope.acting(scope.SYSTEM):
        holding.remember(channel, dataset)
        node.unsubscribe(channel, dataset)


register(
    Kind(
        "agency",
        "市、县局",
        _agency,
        _agencies,
        lambda grant, existing: connect(_node(grant.consumer), grant, existing),
        lambda grant: disconnect(_node(grant.consumer), grant.dataset),
    )
)
