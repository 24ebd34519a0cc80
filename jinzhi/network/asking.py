"""Questions between nodes over the same connection: digests and rows for reconciliation, files by hash, attachment
of a consumer, renewal of a certificate. Subject: ask.<asked>.<asker>.<what>; the server lets each asker use its own name only.
"""

import asyncio
import json
import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps

from jinzhi.foundation.exchange import comparing
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.places import scope
from jinzhi.network import folder, joining, keys
from jinzhi.network.files import FileAway, piece
from jinzhi.network.models import Node

log = logging.getLogger(__name__)
TIMEOUT = 900.0  # a digest of ten million rows takes its time
LONG = frozenset({"exchange", "sign"})  # questions that may count millions of rows


def sender_of(peer: str) -> Sender:
    """Who a peer is: what its account says, with the key its batches are signed by. Raises LookupError."""
    with scope.acting(scope.SYSTEM):
        node = Node.objects.filter(code=peer).first()
    if node is None:
        raise LookupError(f"没有节点 {peer}")
    lo, hi = scope.jurisdiction(node.place)
    key = node.signing_key  # without one, no signature is good
    return Sender(
        peer, "hub" if node.kind == Node.Kind.HUB else "city", lo, hi,
        verify=lambda content, signature: keys.verify(key, content, signature),
    )  # fmt: skip


def partner_sender(code: str) -> Sender | None:
    """Who a partner is, as the room of partners declares it (`nats_accounts.sender(code)`)."""
    for config in apps.get_app_configs():
        if config.name.startswith("jinzhi.") and find_spec(f"{config.name}.nats_accounts"):
            declared = import_module(f"{config.name}.nats_accounts")
            if hasattr(declared, "sender") and (found := declared.sender(code)):
                return found
    return None


def partner_acknowledged(code: str, upto: int) -> None:
    """Tell the room of partners what one has acknowledged (`nats_accounts.acknowledged(code, upto)`)."""
    for config in apps.get_app_configs():
        if config.name.startswith("jinzhi.") and find_spec(f"{config.name}.nats_accounts"):
            declared = import_module(f"{config.name}.nats_accounts")
            if hasattr(declared, "acknowledged"):
                declared.acknowledged(code, upto)


def answer(what: str, asker: str, data: bytes) -> dict[str, Any]:
    """What this node says; never raises."""
    try:
        question = json.loads(data or b"{}")
        if not isinstance(question, dict):
            raise TypeError("not an object")
        sender = sender_of(asker)
        if what == "exchange":
            return comparing.answer(question, sender)
        if what == "file":
            return {"ok": True} | piece(question, sender)
        if what == "renew":
            return {"ok": True, "certificate": joining.renewed(asker, str(question["request"]))}
        if what == "sign":  # the other end signs a reconciliation it agrees with
            return {"ok": True, "signature": _agree(str(question["statement"]), sender)}
    except (KeyError, TypeError, ValueError) as error:
        return {"ok": False, "error": f"问题不完整：{error}"}
    except (joining.Refused, FileAway, LookupError, PermissionError) as error:
        return {"ok": False, "error": str(error)}
    except Exception as error:
        log.exception("ask %s by %s", what, asker)
        return {"ok": False, "error": type(error).__name__}
    return {"ok": False, "error": "不认识的问题"}


def statement(text: str) -> bytes:
    """The bytes of a reconciliation's statement that are signed; they can be nothing else, no batch and no invitation."""
    return b"jinzhi reconciliation\n" + text.encode()


def _agree(text: str, asker: Sender) -> str:
    """This node's signature under a statement, if it has the same rows. Raises PermissionError otherwise."""
    said = json.loads(text)
    if not isinstance(said, dict) or said.keys() != {"id", "dataset", "owner", "rows", "digest"}:
        raise ValueError("statement")
    question = {
        "what": "digests",
        "level": "dataset",
        "dataset": str(said["dataset"]),
        "owner": str(said["owner"]),
    }
    found = comparing.answer(question, asker)
    if not found["ok"]:
        raise PermissionError(found["error"])
    if found["rows"] != [[said["rows"], said["digest"]]]:
        raise PermissionError("本节点现在的数量或摘要与声明不同，不签名")
    return keys.sign(statement(text))


async def ask(nc, peer: str, what: str, question: dict[str, Any], timeout: float = TIMEOUT) -> dict[str, Any]:
    """Ask a node; {"ok": False, "away": True, "error": …} when it does not answer, or this node's line is cut."""
    me = folder.node()["node"]
    content = json.dumps(question, ensure_ascii=False).encode()
    asked = asyncio.ensure_future(nc.request(f"ask.{peer}.{me}.{what}", content, timeout=timeout))
    try:
        while not asked.done():
            await asyncio.wait([asked], timeout=1)
            if not (asked.done() or nc.is_connected):
                return {"ok": False, "away": True, "error": "本节点与省中心的连接已断开"}
        return json.loads(asked.result().data)
    except Exception as error:
        return {"ok": False, "away": True, "error": f"节点 {peer} 没有应答（{type(error).__name__}）"}
    finally:
        asked.cancel()
