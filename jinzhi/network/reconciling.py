"""Reconciliation over the network: asked for by command, page or calendar; healing; statements both ends sign."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings
from django.db import connection

from jinzhi.foundation.exchange import comparing, declared, sending
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.places import scope
from jinzhi.foundation.places.models import Division
from jinzhi.network import alarms, asking, folder, joining, keys, link, nats


class NotConnected(RuntimeError):
    """This node is in no network, or the hub cannot be reached."""


class Wire:
    """One connection in a loop of its own thread, for code that is not asynchronous.

    The thread answers the server's pings while the caller counts millions of rows; a connection that does not is dropped.
    """

    def __init__(self, seconds: float = 10):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="wire", daemon=True)
        self.thread.start()
        try:
            self.nc = self._run(asyncio.wait_for(link.connect("console"), seconds))
        except TimeoutError as error:
            self._end()
            raise NotConnected("连不上省中心的消息服务器") from error

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def ask(
        self, peer: str, what: str, question: dict[str, Any], timeout: float = asking.TIMEOUT
    ) -> dict[str, Any]:
        return self._run(asking.ask(self.nc, peer, what, question, timeout))

    def end_of(self, stream: str, prefix: str) -> int:
        """The last sequence of a stream."""
        return self._run(nats.end_of(self.nc, stream, prefix))[0]

    def close(self) -> None:
        self._run(self.nc.close())
        self._end()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _ready() -> dict[str, Any]:
    said = folder.node()
    if not said:
        raise NotConnected("本节点没有加入网络")
    return said


def pairs(dataset: str = "", peer: str = "") -> list[tuple[str, str, str]]:
    """(dataset, owner, peer) to compare from here: a city its own rows with the hub, and those that come down to it;
    the hub each city's rows with that city."""
    said = _ready()
    found: list[tuple[str, str, str]] = []
    cities = (
        [one["peer"] for one in nodes.channels() if one["kind"] == "city"] if said["role"] == "hub" else []
    )
    for key, one in declared.all().items():
        if dataset not in ("", key):
            continue
        if said["role"] == "hub":
            if one.flow in ("up", "both"):
                found += [(key, city, city) for city in cities]
            if one.down == "all" and one.flow in ("down", "both"):
                found += [(key, said["node"], city) for city in cities]
        else:
            if one.flow in ("up", "both"):
                found.append((key, said["node"], said["hub"]))
            if one.down == "all":
                owners = [said["hub"], *_other_cities(said)] if one.flow in ("up", "both") else [said["hub"]]
                found += [(key, owner, said["hub"]) for owner in owners]
    return [row for row in found if peer in ("", row[2]) or (peer == "hub" and row[2] == said["hub"])]


def _empty(
    dataset: str, owner: str, peer: str, ask: Callable[[dict], dict], held: dict[str, set[str]]
) -> bool:
    """Whether neither end has rows of a third node's: most cities have none of most datasets. `held` remembers."""
    if owner in (folder.node()["node"], peer):
        return False
    if dataset not in held:
        said = ask({"what": "owners", "dataset": dataset, "owner": owner})
        if not said.get("ok"):
            return False
        held[dataset] = {*comparing.owners(dataset), *said["rows"]}
    return owner not in held[dataset]


def _other_cities(said: dict[str, Any]) -> list[str]:
    """Codes of the province's other cities: what they own comes down from the hub too."""
    cities = Division.objects.filter(parent=said["hub"], level="city", valid_to=None)
    return [code for code in cities.values_list("code", flat=True).order_by("code") if code != said["node"]]


def reconcile(
    dataset: str = "", peer: str = "", *, heal: bool = False, say: Callable[[str], None] = lambda line: None
) -> list[dict[str, Any]]:
    """Compare (and repair); one report for each dataset, owner and peer. Raises NotConnected and declared.Undeclared."""
    if dataset:
        declared.get(dataset)
    with scope.acting(scope.SYSTEM):
        found = pairs(dataset, peer)
    if not found:
        raise NotConnected(f"与 {peer} 没有可以核对的数据集" if peer else "没有可以核对的数据集")
    reports = []
    held: dict[str, set[str]] = {}
    with scope.acting(scope.SYSTEM), Wire() as wire:
        for key, owner, other in found:

            def ask(question: dict, other: str = other) -> dict:
                return wire.ask(other, "exchange", question)

            if _empty(key, owner, other, ask, held):
                continue
            try:
                report = comparing.compare(key, owner, ask, other)
            except comparing.NoAnswer as error:
                reports.append({"dataset": key, "owner": owner, "peer": other, "error": str(error)})
                continue
            said = report.as_dict()
            if heal and not report.agreed:
                said["healed"] = comparing.heal(report, ask)
            if report.agreed:
                _sign(wire, report)
            say(
                f"{declared.get(key).title} {owner} ↔ {other}：{report.ours} / {report.theirs}，差异 {report.differing}"
            )
            reports.append(said)
    return reports


def statement(report: comparing.Report) -> str:
    """What both ends sign when they agree."""
    said = {
        "id": report.id, "dataset": report.dataset, "owner": report.owner, "rows": report.ours,
        "digest": report.our_digest,
    }  # fmt: skip
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _sign(wire: Wire, report: comparing.Report) -> None:
    text = statement(report)
    content = asking.statement(text)
    theirs = str(wire.ask(report.peer, "sign", {"statement": text}).get("signature", ""))
    verify = asking.sender_of(report.peer).verify
    if not (verify and verify(content, theirs)):
        theirs = ""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exchange_reconciliation SET our_signature = %s, their_signature = %s WHERE id = %s",
            [keys.sign(content), theirs, report.id],
        )


def heal(say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Bring a node back whose database was restored (or whose hub was): take back what it lost, number on behind the
    stream, send what the other end lacks. Safe to repeat."""
    said = _ready()
    fetched = sent = 0
    rebased = {}
    with scope.acting(scope.SYSTEM), Wire() as wire:
        for key, owner, other in pairs():
            if owner != said["node"]:
                continue

            def ask(question: dict, other: str = other) -> dict:
                return wire.ask(other, "exchange", question)

            report = comparing.compare(key, owner, ask, other)
            if not report.agreed:
                done = comparing.heal(report, ask)
                fetched, sent = fetched + done["fetched"], sent + done["sent"]
                say(f"{declared.get(key).title}：取回 {done['fetched']}，补发 {done['sent']}")
        for channel in nodes.channels():
            if channel["state"] != "diverged":
                continue
            stream = (
                nats.stream_in(said["node"]) if channel["name"] == "up" else nats.stream_out(channel["peer"])
            )
            prefix = f"in.{said['node']}" if channel["name"] == "up" else channel["name"]
            last = wire.end_of(stream, prefix)
            if (
                last < channel["acknowledged"]
            ):  # new numbers would be taken for old ones there, and passed over
                words = f"{stream} 只到第 {last} 号，而对方已收到第 {channel['acknowledged']} 号"
                raise RuntimeError(f"{words}：消息服务器的存储比数据库旧，没有重新编号")
            sending.rebase(channel["name"], last)
            nodes.set_state(channel["name"], "active")
            about = said["node"] if channel["name"] == "up" else channel["peer"]
            alarms.clear_alarm("diverged", about)
            alarms.happened(about, "healed", f"{channel['name']} 从第 {last + 1} 号重新编号")
            rebased[channel["name"]] = last
            say(f"{channel['name']}：从第 {last + 1} 号重新编号")
        if rebased:
            nodes.renew_incarnation()
    return {"fetched": fetched, "sent": sent, "rebased": rebased}


def renew() -> None:
    """A new certificate for this node now. Raises NotConnected, joining.Refused."""
    said = _ready()
    if said["role"] == "hub":
        joining.renew_hub()
        return
    with Wire() as wire:
        answer = wire.ask(said["hub"], "renew", {"request": keys.make_request(said["node"]).decode()})
    if not answer.get("ok"):
        raise joining.Refused(answer.get("error", "省中心没有应答"))
    keys.take_certificate(answer["certificate"].encode())
    joining.note_renewal()


def request(dataset: str, peer: str, heal: bool = False) -> None:
    """Have the comparison made in the background (a page asked for it)."""
    from jinzhi.network import tasks

    tasks.reconcile.defer(dataset=dataset, peer=peer, heal=heal)


def in_network() -> bool:
    return bool(folder.node()) and folder.node().get("node") == settings.NODE
