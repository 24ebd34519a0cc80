"""The message server at the hub: its configuration from nodes and partners, streams, consumers, reload.

One account holds the network: the hub may do everything, a city publishes under its own name, pulls from its own
stream and answers questions. Each partner has an account of its own that sees the few subjects exported to it.
What is not listed is refused by the server.
"""

import base64
import json
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.places import scope
from jinzhi.network import folder
from jinzhi.network.models import Node

PAYLOAD = 1_048_576
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Peer:
    """Whoever has streams at the hub."""

    code: str
    nkey: str
    partner: bool = False
    receives: bool = True  # has OUT_<code>
    sends: bool = True  # has IN_<code>
    largest: int = PAYLOAD
    connections: int = 10


def stream_in(peer: str) -> str:
    return f"IN_{peer}"


def stream_out(peer: str) -> str:
    return f"OUT_{peer}"


def cities() -> list[Peer]:
    with scope.acting(scope.SYSTEM):
        found = Node.objects.filter(kind=Node.Kind.CITY, state=Node.State.ACTIVE).exclude(nkey="")
        return [Peer(one.code, one.nkey, connections=12) for one in found]


def partners() -> list[Peer]:
    """Declared by a room's `nats_accounts.accounts()`: dicts of name, nkey, stream_out, stream_in, max_payload, connections."""
    found = []
    for config in apps.get_app_configs():
        if config.name.startswith("jinzhi.") and find_spec(f"{config.name}.nats_accounts"):
            with scope.acting(scope.SYSTEM):
                for one in import_module(f"{config.name}.nats_accounts").accounts():
                    found.append(
                        Peer(
                            one["name"], one["nkey"], True, bool(one.get("stream_out")), bool(one.get("stream_in")),
                            one.get("max_payload") or PAYLOAD, one.get("connections") or 2,
                        )
                    )  # fmt: skip
    return found


def peers() -> list[Peer]:
    return [*cities(), *partners()]


def _city_user(peer: Peer, hub: str) -> dict[str, Any]:
    c = peer.code
    return {
        "nkey": peer.nkey,
        "permissions": {
            "publish": {
                "allow": [
                    f"in.{c}.>",
                    f"ask.{hub}.{c}.>",
                    f"pulse.{c}",
                    f"$JS.API.CONSUMER.MSG.NEXT.{stream_out(c)}.{c}",
                    f"$JS.ACK.{stream_out(c)}.{c}.>",
                    f"$JS.API.STREAM.MSG.GET.{stream_in(c)}",
                ]
            },
            "subscribe": {"allow": [f"_INBOX.{c}.>", f"ask.{c}.>"]},
            "allow_responses": {"max": 1, "expires": "60s"},
        },
    }


def _partner_account(peer: Peer) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the partner's account, what the network's account exports to it)."""
    p = peer.code
    services: list[tuple[str, dict[str, str]]] = []
    if peer.sends:
        services.append((f"in.{p}.>", {}))
    if peer.receives:
        services.append((f"$JS.API.CONSUMER.MSG.NEXT.{stream_out(p)}.{p}", {"response_type": "stream"}))
        services.append((f"$JS.ACK.{stream_out(p)}.{p}.>", {}))
    account = {
        "users": [{"nkey": peer.nkey}],
        "limits": {"max_payload": peer.largest, "max_connections": peer.connections, "max_subscriptions": 50},
        "imports": [{"service": {"account": "JINZHI", "subject": subject}} for subject, _ in services],
    }
    return account, [{"service": s, "accounts": [f"P_{p}"], **more} for s, more in services]


def configuration(said: dict[str, Any], hub_nkey: str, everyone: Iterable[Peer]) -> str:
    """The server's configuration file (JSON is valid in it)."""
    hub = said["node"]
    host, _, port = said["listen"].rpartition(":")
    accounts: dict[str, Any] = {}
    users: list[dict[str, Any]] = [{"nkey": hub_nkey}]
    exports: list[dict[str, Any]] = []
    for peer in everyone:
        if peer.partner:
            if held := accounts.get(f"P_{peer.code}"):  # another key of the same partner
                held["users"].append({"nkey": peer.nkey})
                continue
            accounts[f"P_{peer.code}"], exported = _partner_account(peer)
            exports += exported
        else:
            users.append(_city_user(peer, hub))
    accounts["JINZHI"] = {"jetstream": "enabled", "users": users, "exports": exports}
    where = str(folder.folder())
    made: dict[str, Any] = {
        "server_name": f"jinzhi-{hub}",
        "host": host,
        "port": int(port),
        "pid_file": f"{where}/nats.pid",
        "max_payload": PAYLOAD + 65_536,
        "ping_interval": "2s",
        "ping_max": 2,
        "write_deadline": "2s",
        "jetstream": {
            "store_dir": f"{where}/jetstream",
            "max_memory_store": 67_108_864,
            "max_file_store": int(os.environ.get("JINZHI_NATS_MAX_FILE", 64 * 2**30)),
            "sync_interval": "1s",
        },
        "tls": {
            "cert_file": f"{where}/server.pem",
            "key_file": f"{where}/server.key",
            "ca_file": f"{where}/ca.pem",
            "verify": True,
            "timeout": 3,
        },
        "accounts": accounts,
    }
    if said.get("monitor"):
        made["http"] = said["monitor"]
    return json.dumps(made, indent=1)


def configure() -> bool:
    """Write the configuration anew and let a running server read it; true when it changed. Does nothing at a city."""
    said = folder.node()
    if said.get("role") != "hub" or said.get("external"):
        return False
    from jinzhi.network import keys

    text = configuration(said, keys.make_nkey("node"), peers())
    target = folder.path("nats.conf")
    former = target.read_text() if target.exists() else ""
    if former == text:
        return False
    folder.write("nats.conf", text)
    # A reload gives a new account its users but not what it may import (measured with 2.15.1: "no responders"
    # until the server starts again). Its supervisor starts it at once and everybody reconnects within seconds.
    _tell(signal.SIGTERM if _imports(text) - _imports(former) else signal.SIGHUP)
    return True


def _imports(text: str) -> set[str]:
    """What partners' accounts may import, as comparable texts."""
    try:
        accounts = json.loads(text)["accounts"]
    except (ValueError, KeyError):
        return set()
    return {
        json.dumps([name, one], sort_keys=True)
        for name, account in accounts.items() if name.startswith("P_") for one in account["imports"]
    }  # fmt: skip


def reload() -> None:
    """Tell the running server to read its configuration again."""
    _tell(signal.SIGHUP)


def _tell(number: signal.Signals) -> None:
    try:
        os.kill(int(folder.path("nats.pid").read_text()), number)
    except (OSError, ValueError):
        return


# -- streams and consumers, made by the hub's processes over their connection


def _keep_seconds() -> int:
    return 86_400 * int(rules.value("exchange.keep_sent", on=today()).value)


async def request(nc, subject: str, body: dict | None = None, timeout: float = 5) -> dict[str, Any]:
    """A request to the server's JetStream interface."""
    answer = await nc.request(f"$JS.API.{subject}", json.dumps(body or {}).encode(), timeout=timeout)
    return json.loads(answer.data)


async def ensure_stream(nc, name: str, subject: str, first: int = 0) -> dict[str, Any]:
    """The stream's state; it is made when it is not there, beginning with sequence `first` (0: with 1)."""
    found = await request(nc, f"STREAM.INFO.{name}")
    if "error" not in found:
        return found["state"]
    wanted = {
        "name": name, "subjects": [subject], "storage": "file", "retention": "limits", "discard": "new",
        "max_age": _keep_seconds() * SECOND, "max_msg_size": PAYLOAD + 65_536, "duplicate_window": SECOND,
        "num_replicas": int(os.environ.get("JINZHI_NATS_REPLICAS", "1")), "allow_direct": False,
    }  # fmt: skip
    if first > 1:
        wanted["first_seq"] = first
    made = await request(nc, f"STREAM.CREATE.{name}", wanted)
    if "error" in made:
        raise RuntimeError(f"{name}: {made['error'].get('description')}")
    return made["state"]


async def end_of(nc, stream: str, prefix: str) -> tuple[int, bytes]:
    """(sequence, payload) of a stream's last message; when no message is left, where it is, and b"".

    `prefix`: what this node may publish below. An emptied stream is offered an impossible sequence: its refusal names
    the true one.
    """
    found = await request(nc, f"STREAM.MSG.GET.{stream}", {"last_by_subj": f"{prefix}.>"})
    if "message" in found:
        return found["message"]["seq"], base64.b64decode(found["message"].get("data", ""))
    error = found.get("error", {})
    if error.get("err_code") != 10037:  # no message found
        raise RuntimeError(error.get("description", "no answer"))
    headers = {"Nats-Expected-Last-Sequence": str(1 << 60)}
    answer = await nc.request(f"{prefix}._probe", b"", timeout=3, headers=headers)
    words = json.loads(answer.data).get("error", {}).get("description", "")
    digits = words.rpartition(":")[2].strip()
    if not digits.isdigit():
        raise RuntimeError(words or "no answer")
    return int(digits), b""


async def consumer_at(nc, stream: str, durable: str, position: int) -> None:
    """A pull consumer that goes on behind `position`, whatever a former one had delivered or been acknowledged."""
    await request(nc, f"CONSUMER.DELETE.{stream}.{durable}")
    wanted = {
        "stream_name": stream,
        "config": {
            "durable_name": durable, "ack_policy": "all", "ack_wait": 30 * SECOND, "max_ack_pending": 20_000,
            "deliver_policy": "by_start_sequence", "opt_start_seq": position + 1, "replay_policy": "instant",
        },
    }  # fmt: skip
    made = await request(nc, f"CONSUMER.DURABLE.CREATE.{stream}.{durable}", wanted)
    if "error" in made:
        raise RuntimeError(f"{stream}/{durable}: {made['error'].get('description')}")


async def ensure_consumer(nc, stream: str, durable: str) -> None:
    """A partner's consumer: made once, afterwards its acknowledgements alone move it."""
    wanted = {
        "stream_name": stream,
        "config": {
            "durable_name": durable, "ack_policy": "explicit", "ack_wait": 60 * SECOND, "max_ack_pending": 5000,
            "deliver_policy": "all", "replay_policy": "instant",
        },
    }  # fmt: skip
    if "error" not in await request(nc, f"CONSUMER.INFO.{stream}.{durable}"):
        return
    made = await request(nc, f"CONSUMER.DURABLE.CREATE.{stream}.{durable}", wanted)
    if "error" in made:
        raise RuntimeError(f"{stream}/{durable}: {made['error'].get('description')}")


async def acknowledged(nc, stream: str, durable: str) -> int:
    """The sequence up to which a partner has acknowledged everything."""
    found = await request(nc, f"CONSUMER.INFO.{stream}.{durable}")
    return 0 if "error" in found else int(found["ack_floor"]["stream_seq"])
