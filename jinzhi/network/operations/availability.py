"""可用率 = (约定时间 − 中断时间) / 约定时间. A planned window told long enough before counts on neither side."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Min, Q
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.network.models import NetworkEvent, Node
from jinzhi.network.operations.models import Layer, Outage, Window

Span = tuple[datetime, datetime]
NOTHING = timedelta(0)


def merged(spans: Iterable[Span], since: datetime, until: datetime) -> list[Span]:
    """The spans within `[since, until)` as disjoint ones, in order."""
    found: list[Span] = []
    for starts, ends in sorted((max(a, since), min(b, until)) for a, b in spans):
        if ends <= starts:
            continue
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((starts, ends))
    return found


def without(spans: list[Span], holes: list[Span]) -> list[Span]:
    """What of the spans lies in none of the holes; both disjoint and in order."""
    found: list[Span] = []
    for starts, ends in spans:
        for a, b in holes:
            if b <= starts or a >= ends:
                continue
            if a > starts:
                found.append((starts, a))
            starts = max(starts, b)
        if starts < ends:
            found.append((starts, ends))
    return found


def length(spans: Iterable[Span]) -> timedelta:
    return sum((b - a for a, b in spans), NOTHING)


@dataclass(frozen=True)
class Availability:
    """Of one node in one period. `share` is None where nothing was agreed."""

    agreed: timedelta
    down: timedelta
    outages: int  # separate interruptions that count

    @property
    def share(self) -> Decimal | None:
        if not self.agreed:
            return None
        part = Decimal((self.agreed - self.down) / self.agreed) * 100
        return part.quantize(Decimal("0.001"), ROUND_HALF_UP)

    @property
    def mttr(self) -> timedelta | None:
        """Mean time to restore."""
        return self.down / self.outages if self.outages else None

    @property
    def mtbf(self) -> timedelta | None:
        """Mean time between failures."""
        return (self.agreed - self.down) / self.outages if self.outages else None


def work_out(
    since: datetime,
    until: datetime,
    outages: Iterable[Span],
    windows: Iterable[tuple[datetime, datetime, datetime | None]],
) -> Availability:
    """`windows` are (starts, ends, told at); one that was not told long enough before counts like any outage."""
    notice = timedelta(
        hours=int(rules.value("operations.window_notice", on=timezone.localtime(since).date()).value)
    )
    planned = merged([(a, b) for a, b, told in windows if told and a - told >= notice], since, until)
    down = without(merged(outages, since, until), planned)
    return Availability((until - since) - length(planned), length(down), len(down))


def watched_since(node: str) -> datetime | None:
    """From when something is known of a node: it joined, something happened, it was cut off. None: never."""
    moments = [
        Node.objects.filter(code=node).aggregate(Min("joined_at"))["joined_at__min"],
        NetworkEvent.objects.filter(node=node).aggregate(Min("at"))["at__min"],
        Outage.objects.filter(node=node).aggregate(Min("starts"))["starts__min"],
    ]
    return min((one for one in moments if one), default=None)


def of_node(node: str, since: datetime, until: datetime, now: datetime | None = None) -> Availability:
    """From the records; the future is not counted, an outage that lasts counts until now.

    A node is not promised anything before it was there (`watched_since`): a city that has not joined has no share.

    What was cut off is a county's access (L3), not the node: it counts in that county's faults, not here.
    """
    now = now or timezone.now()
    since, until = max(since, watched_since(node) or until), min(until, now)
    if until <= since:
        return Availability(NOTHING, NOTHING, 0)
    within = Q(starts__lt=until) & (Q(ends=None) | Q(ends__gt=since))
    outages = [
        (o.starts, o.ends or now)
        for o in Outage.objects.filter(within, node=node).exclude(layer=Layer.COUNTY)
    ]
    windows = Window.objects.filter(node=node, starts__lt=until, ends__gt=since).values_list(
        "starts", "ends", "told_at"
    )
    return work_out(since, until, outages, windows)
