"""How nodes come into the network: the hub is made once, a city joins with a signed token that works once.

The token names the node, the addresses, the fingerprint of the hub's authority and a last moment; the city checks
all of it, so the answer cannot come from anybody else. Keys never leave the machine they were made on.
"""

import base64
import json
import secrets
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import declared, documents, replaying
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.places import scope, services
from jinzhi.network import alarms, folder, keys, nats, software
from jinzhi.network.models import Invitation, Node

PROVINCE = 10_000_000_000


class Refused(RuntimeError):
    """The network does not take this; the sentence says why."""


def _setting(name: str) -> int:
    return int(rules.value(f"network.{name}", on=timezone.localdate()).value)


def init(address: str, listen: str = "", external: bool = False) -> None:
    """Make this installation the hub: authority, server certificate, keys, configuration. Repeating changes addresses.

    `address`: host:port under which cities reach the message server; `listen`: where it listens (the same, unless a
    forwarder or a firewall stands between). Raises Refused at a city's node.
    """
    said = folder.node()
    if said and said["role"] != "hub":
        raise Refused(f"本节点已作为 {said['node']} 加入网络，不能再建省中心")
    hub = settings.NODE
    place = int(hub) * 10**6
    if place % PROVINCE:
        raise Refused(f"节点 {hub} 不是省级节点，不能建省中心（JINZHI_NODE）")
    host = _host(address)
    listen = listen or address
    keys.make_authority(hub)
    own = _certify_hub(hub, (host, _host(listen)))
    folder.write_node(
        {"role": "hub", "node": hub, "hub": hub, "nats": address, "listen": listen, "external": external}
    )
    with scope.acting(scope.SYSTEM):
        Node.objects.update_or_create(
            code=hub,
            defaults={
                "name": "省中心", "kind": Node.Kind.HUB, "place": place, "address": address,
                "nkey": keys.make_nkey(), "signing_key": keys.make_signing_key(), "state": Node.State.ACTIVE,
                "certificate_serial": f"{own.serial_number:x}"[:60], "certificate_until": own.not_valid_after_utc,
                "software": software.version(), "joined_at": timezone.now(),
            },
        )  # fmt: skip
        nodes.enable(hub, True)
        if not nats.configure():
            nats.reload()  # the certificates are new even where the words are the same
        documents.offer()
    alarms.happened(hub, "init", f"省中心建立，消息服务 {address}")


def _certify_hub(hub: str, hosts: tuple[str, ...]) -> Any:
    """New certificates of the hub's message server and of the hub as a client; answers the latter."""
    names = tuple(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
    server = keys.certify(
        keys.make_request(hub, "server"), f"{hub} server", _setting("certificate_days"), names
    )
    keys.take_certificate(keys.pem_of(server), "server")
    own = keys.certify(keys.make_request(hub), hub, _setting("certificate_days"))
    keys.take_certificate(keys.pem_of(own))
    return own


def renew_hub() -> None:
    """The hub's own certificates anew; a running server shows the new one to whoever connects from now on."""
    said = _hub()
    own = _certify_hub(said["node"], (_host(said["nats"]), _host(said["listen"])))
    nats.reload()
    with scope.acting(scope.SYSTEM):
        Node.objects.filter(code=said["node"]).update(
            certificate_serial=f"{own.serial_number:x}"[:60], certificate_until=own.not_valid_after_utc
        )
    alarms.clear_alarm("certificate", said["node"])
    alarms.happened(said["node"], "renewed", "更换连接证书和消息服务器证书")


def _host(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise Refused(f"地址应为 主机:端口，收到“{address}”")
    return host


# -- invitation, at the hub


def invite(code: str, *, address: str = "", url: str = "", hours: int = 0, replace: bool = False) -> str:
    """A token with which the node `code` may join once. Raises Refused for a code that is no city or is taken.

    `replace`: the node's machine is new; its keys replace the old ones, which stop working.
    """
    said = _hub()
    division = services.division(code) if code.isdigit() and len(code) == 6 else None
    if division is None or division.level != "city" or int(code) // 10_000 != int(said["node"]) // 10_000:
        raise Refused(f"{code} 不是本省的市级节点代码")
    with scope.acting(scope.SYSTEM):
        held = Node.objects.filter(code=code, state=Node.State.ACTIVE).first()
        if held and not replace:
            raise Refused(f"节点 {code}（{division.name}）已在网；重装后重新加入请加 --replace")
        expires = timezone.now() + timedelta(hours=hours or _setting("invitation_hours"))
        jti = secrets.token_hex(12)
        Invitation.objects.create(jti=jti, node=code, replace=replace, expires_at=expires)
        Node.objects.get_or_create(
            code=code,
            defaults={"name": division.name, "kind": Node.Kind.CITY, "place": int(code) * 10**6},
        )
    claims = {
        "node": code, "hub": said["node"], "nats": address or said["nats"], "url": url or settings.PUBLIC_URL,
        "ca": keys.fingerprint(folder.path("ca.pem").read_bytes()), "jti": jti, "until": expires.isoformat(),
    }  # fmt: skip
    content = json.dumps(claims, sort_keys=True).encode()
    return _pack(content) + "." + _pack(base64.b64decode(keys.sign(content)))


def _pack(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hub() -> dict[str, Any]:
    said = folder.node()
    if said.get("role") != "hub":
        raise Refused("本节点不是省中心")
    return said


def claims(token: str) -> tuple[dict[str, Any], bytes, str]:
    """What a token says: (claims, signed bytes, signature in base64). Raises Refused when it is no token."""
    try:
        content, signature = (_unpack(part) for part in token.strip().split("."))
        return json.loads(content), content, base64.b64encode(signature).decode()
    except (ValueError, TypeError) as error:
        raise Refused("入网凭据不完整，请完整复制") from error


# -- joining, at the city


def join(token: str, url: str = "") -> str:
    """Join the network the token is for; answers the hub's code. Nothing is changed unless the hub agrees."""
    said, _, _ = claims(token)
    own = folder.node()
    if own and own.get("ca") not in (None, said["ca"]):
        raise Refused(f"本节点已加入另一个网络（省中心 {own['hub']}）；一个节点只能有一个省中心")
    if own.get("role") == "hub":
        raise Refused("本节点是省中心，不能加入另一个网络")
    if said["node"] != settings.NODE:
        raise Refused(f"凭据是给节点 {said['node']} 的，本节点是 {settings.NODE}（JINZHI_NODE）")
    if datetime.fromisoformat(said["until"]) < datetime.now(UTC):
        raise Refused(f"凭据已于 {said['until'][:16]} 失效，请省中心重新签发")
    body = {
        "token": token.strip(), "request": keys.make_request(said["node"]).decode(), "nkey": keys.make_nkey(),
        "signing_key": keys.make_signing_key(), "software": software.version(), "schemas": software.schemas(),
    }  # fmt: skip
    answer = _post(f"{(url or said['url']).rstrip('/')}/api/v1/network/join", body)
    authority = answer["authority"].encode()
    if keys.fingerprint(authority) != said["ca"]:
        raise Refused("应答者不是凭据所指的省中心（根证书不符），没有加入")
    folder.write("ca.pem", authority)
    keys.take_certificate(answer["certificate"].encode())
    folder.write_node(
        {"role": "city", "node": said["node"], "hub": said["hub"], "nats": said["nats"], "ca": said["ca"],
         "hub_key": answer["hub_key"]}
    )  # fmt: skip
    with scope.acting(scope.SYSTEM):
        _know_self_and_hub(said, answer)
        nodes.enable(said["node"], False)
        replaying.snapshot("up")
    alarms.happened(said["node"], "join", f"加入省中心 {said['hub']}")
    return said["hub"]


def _know_self_and_hub(said: dict, answer: dict) -> None:
    own = {
        "name": (services.division(said["node"]) or said["node"]), "kind": Node.Kind.CITY,
        "place": int(said["node"]) * 10**6, "nkey": keys.make_nkey(), "signing_key": keys.make_signing_key(),
        "state": Node.State.ACTIVE, "certificate_until": keys.certificate_until(), "joined_at": timezone.now(),
        "software": software.version(),
    }  # fmt: skip
    own["name"] = str(own["name"])
    Node.objects.update_or_create(code=said["node"], defaults=own)
    hub = {
        "name": "省中心", "kind": Node.Kind.HUB, "place": int(said["hub"]) * 10**6, "address": said["nats"],
        "signing_key": answer["hub_key"], "state": Node.State.ACTIVE,
    }  # fmt: skip
    Node.objects.update_or_create(code=said["hub"], defaults=hub)


def _post(url: str, body: dict) -> dict:
    if not url.startswith(("http://", "https://")):
        raise Refused(f"省中心的网址不对：{url}")
    request = urllib.request.Request(  # noqa: S310  the scheme is checked above
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            words = json.load(error).get("message", "")
        except ValueError:
            words = ""
        raise Refused(str(words) or f"省中心应答 {error.code}") from error
    except (OSError, ValueError) as error:
        raise Refused(f"连不上省中心 {url}：{error}") from error


# -- accepting, at the hub


def accept(body: dict[str, Any]) -> dict[str, str]:
    """A city's request to join: check the token, sign its certificate, open its channel. Raises Refused."""
    said = _hub()
    token, content, signature = claims(str(body.get("token", "")))
    if not keys.verify(keys.make_signing_key(), content, signature):
        raise Refused("凭据不是本省中心签发的")
    certificate = None
    with scope.acting(scope.SYSTEM), transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(jti=token["jti"]).first()
        if invitation is None or invitation.node != token["node"]:
            raise Refused("凭据不是本省中心签发的")
        if invitation.used_at:
            raise Refused("凭据已经用过，请重新签发")
        if invitation.expires_at < timezone.now():
            raise Refused("凭据已经失效，请重新签发")
        node = Node.objects.select_for_update().get(code=token["node"])
        if node.state == Node.State.ACTIVE and not invitation.replace:
            raise Refused(f"节点 {node.code} 已在网")
        nkey = str(body.get("nkey", ""))
        if not nkey.startswith("U") or len(nkey) != 56 or not nkey.isalnum():
            raise Refused("连接公钥不合规定")
        if Node.objects.filter(nkey=nkey).exclude(pk=node.pk).exists():
            raise Refused("连接公钥已被另一个节点使用")
        if not keys.well_formed(str(body.get("signing_key", ""))):
            raise Refused("签名公钥不合规定")
        if problem := software.too_far(str(body.get("software", ""))):
            raise Refused(problem)
        try:
            certificate = keys.certify(
                str(body.get("request", "")).encode(), node.code, _setting("certificate_days")
            )
        except keys.KeyFault as fault:
            raise Refused(str(fault)) from fault
        invitation.used_at = timezone.now()
        invitation.save()
        _enter(node, nkey, body, certificate)
        channel = nodes.open_city(node.code)
        fresh = not any(one["numbered"] for one in nodes.channels() if one["name"] == channel)
        if fresh:
            replaying.snapshot(channel)
    nats.configure()
    alarms.happened(node.code, "join", f"{node.name}加入网络，软件 {node.software}")
    return {
        "certificate": keys.pem_of(certificate).decode(),
        "authority": folder.path("ca.pem").read_text(),
        "hub_key": keys.make_signing_key(),
        "hub": said["node"],
    }


def _enter(node: Node, nkey: str, body: dict, certificate) -> None:
    node.nkey = nkey
    node.signing_key = str(body.get("signing_key", ""))[:140]
    node.certificate_serial = f"{certificate.serial_number:x}"[:60]
    node.certificate_until = certificate.not_valid_after_utc
    node.software = str(body.get("software", ""))[:30]
    schemas = body.get("schemas")
    node.schemas = (
        {k: v for k, v in schemas.items() if k in declared.all()} if isinstance(schemas, dict) else {}
    )
    node.state = Node.State.ACTIVE
    node.joined_at = timezone.now()
    node.save()


def renewed(code: str, request_pem: str) -> str:
    """A new certificate for a node of the network that asks over its own connection. Raises Refused."""
    with scope.acting(scope.SYSTEM):
        node = Node.objects.get(code=code)
        if node.state != Node.State.ACTIVE:
            raise Refused(f"节点 {code} 不在网")
        try:
            certificate = keys.certify(request_pem.encode(), code, _setting("certificate_days"))
        except keys.KeyFault as fault:
            raise Refused(str(fault)) from fault
        node.certificate_serial = f"{certificate.serial_number:x}"[:60]
        node.certificate_until = certificate.not_valid_after_utc
        node.save()
    alarms.clear_alarm("certificate", code)
    alarms.happened(code, "renewed", "更换连接证书")
    return keys.pem_of(certificate).decode()


def leave(code: str, state: str = Node.State.SUSPENDED) -> None:
    """Suspend or retire a node: its connection is refused from now on, its channel waits (or ends)."""
    _hub()
    with scope.acting(scope.SYSTEM):
        if not Node.objects.filter(code=code, kind=Node.Kind.CITY).update(state=state):
            raise Refused(f"没有节点 {code}")
        now = timezone.now()  # a token in a drawer does not bring the node back
        Invitation.objects.filter(node=code, used_at=None, expires_at__gt=now).update(expires_at=now)
        nodes.set_state(f"out.{code}", "paused", Node.State(state).label)
    nats.configure()
    alarms.happened(code, "left", Node.State(state).label)


def readmit(code: str) -> None:
    """A suspended node may connect again, with the keys it has."""
    _hub()
    with scope.acting(scope.SYSTEM):
        if not Node.objects.filter(code=code, state=Node.State.SUSPENDED).update(state=Node.State.ACTIVE):
            raise Refused(f"节点 {code} 没有被暂停")
        nodes.set_state(f"out.{code}", "active")
    nats.configure()
    alarms.happened(code, "readmitted", "")


def note_renewal() -> None:
    """A city's own record of its new certificate."""
    code = folder.node()["node"]
    with scope.acting(scope.SYSTEM):
        Node.objects.filter(code=code).update(certificate_until=keys.certificate_until())
    alarms.clear_alarm("certificate", code)
    alarms.happened(code, "renewed", "更换连接证书")
