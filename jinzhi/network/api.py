"""The hub's door for nodes that want to join: everything else between nodes goes over the message server."""

from typing import Any

from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.throttling import AnonRateThrottle

from jinzhi.network import joining

PREFIX = "/network"
router = Router(tags=["质量专网"])


class Joining(Schema):
    """A node's request: the token it was given, its public keys, its release."""

    token: str
    request: str
    nkey: str
    signing_key: str
    software: str
    schemas: dict[str, int] = {}


class Joined(Schema):
    """The node's certificate, the authority that signed it, the key the hub signs with."""

    certificate: str
    authority: str
    hub_key: str
    hub: str


@router.post(
    "/join",
    response=Joined,
    auth=None,
    throttle=[AnonRateThrottle("30/m")],
    summary="节点凭入网凭据加入质量专网",
)
def join(request, body: Joining) -> Any:
    try:
        return joining.accept(body.dict())
    except joining.Refused as refused:
        raise HttpError(403, str(refused)) from refused
