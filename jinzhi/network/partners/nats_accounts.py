"""What the broker's configuration needs of partners: an account each, with one user, two streams and limits."""

from typing import Any

from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.places import scope
from jinzhi.network.partners import intake, outlet
from jinzhi.network.partners.models import Key, Partner
from jinzhi.network.partners.partnering import keys_in_force


def accounts() -> list[dict[str, Any]]:
    """One account for each key in force of each open partner that uses the message channel.

    Empty `stream_out` or `stream_in`: that direction goes another way.
    """
    found = []
    with scope.acting(scope.SYSTEM):
        for partner in Partner.objects.filter(state__in=("active", "limited")).order_by("code"):
            inward, outward = "jetstream" in partner.accepts, partner.delivery == "jetstream"
            if not (inward or outward):
                continue
            found += [
                {
                    "name": partner.code, "nkey": key.public, "stream_out": f"OUT_{partner.code}" if outward else "",
                    "stream_in": f"IN_{partner.code}" if inward else "", "max_payload": partner.max_payload,
                    "connections": partner.connections,
                }
                for key in keys_in_force(partner) if key.algorithm == Key.Algorithm.NKEY
            ]  # fmt: skip
    return found


def sender(code: str) -> Sender | None:
    """The partner as the border knows it, for its stream IN_<code>; None when it may not send this way now."""
    with scope.acting(scope.SYSTEM):
        partner = Partner.objects.filter(code=code, state__in=("active", "limited")).first()
        return intake.sender(partner) if partner is not None and "jetstream" in partner.accepts else None


def acknowledged(code: str, upto: int) -> None:
    """The partner has acknowledged its stream up to `upto`: every whole batch until there is closed."""
    with scope.acting(scope.SYSTEM):
        partner = Partner.objects.filter(code=code, state__in=("active", "limited")).first()
        if partner is None:
            return
        try:
            here = outlet.standing(partner)
            outlet.acknowledge(partner, min(upto, here["stored"]), [])
        except outlet.Refused:
            return
