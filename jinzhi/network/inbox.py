"""The inbox: what peers sent is read from the streams and taken into the database; questions are answered; pulses go out.

At the hub one reader for each peer's stream, at a city one for its own. The position in the database is the truth:
before reading, the consumer is set to go on behind it. A lot is acknowledged after its transaction has been committed.
"""

import asyncio
import contextlib
import json
import logging
import signal
import time
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import border, comparing, receiving
from jinzhi.foundation.exchange.border import Sender
from jinzhi.network import alarms, asking, folder, joining, keys, link, nats, pulse
from jinzhi.network.models import Node

log = logging.getLogger(__name__)

LOT = 1000
Lot = list[tuple[Any, border.Message]]  # a message as it came and as it reads
WAIT = 2.0  # seconds a request for messages stays open
BEAT = 5.0  # seconds between heartbeats


class Reader:
    """Reads one stream into the database, in order, without gaps."""

    def __init__(self, inbox: "Inbox", sender: Sender, stream: str, durable: str):
        self.inbox, self.sender, self.stream, self.durable = inbox, sender, stream, durable
        self.queue: asyncio.Queue = asyncio.Queue()
        self.reply = f"_INBOX.{inbox.node}.read.{stream}"
        self.attached = False
        self.life = self.position = self.expected = 0

    async def run(self) -> None:
        await self.inbox.nc.subscribe(f"{self.reply}.*", cb=self.queue.put)
        found: Lot = []
        while not self.inbox.ending.is_set():
            try:
                if not self.inbox.connected.is_set():
                    self.attached = False
                    await self.inbox.until(self.inbox.connected, 0.5)
                    continue
                if not self.attached:
                    await self.attach()
                    found = await self.next()
                following = asyncio.create_task(self.next())  # comes and is read while this lot is written
                try:
                    await self.take(found)
                    found = await following
                finally:
                    following.cancel()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("%s: %s: %s", self.stream, type(error).__name__, error)
                self.attached = False
                await asyncio.sleep(0.3)

    async def attach(self) -> None:
        """Set the consumer behind the position that the database has."""
        position = await self.inbox.database(receiving.position, self.stream)
        if self.inbox.hub:
            state = await nats.ensure_stream(
                self.inbox.nc, self.stream, f"in.{self.sender.node}.>", position + 1
            )
            await nats.consumer_at(self.inbox.nc, self.stream, self.durable, position)
        else:
            said = await asking.ask(
                self.inbox.nc, self.sender.node, "attach", {"position": position}, timeout=5
            )
            if not said.get("ok"):
                raise RuntimeError(said.get("error"))
            state = said["state"]
        await self.judge(position, state)
        self.life += 1
        while not self.queue.empty():
            self.queue.get_nowait()
        self.position = position
        self.expected = max(position + 1, state["first_seq"] if state["messages"] else 0)
        self.attached = True

    async def judge(self, position: int, state: dict) -> None:
        """A stream that holds less than was read, or no longer holds what was not read, is said."""
        about = self.sender.node
        if state["last_seq"] < position:
            words = f"{self.stream} 只到第 {state['last_seq']} 号，已读到第 {position} 号：消息服务器是恢复的旧状态，等待对方补发"
            await self.inbox.database(alarms.raise_alarm, "gap", about, words, "warning")
        elif state["messages"] and state["first_seq"] > position + 1:
            words = f"{self.stream} 第 {position + 1} 至 {state['first_seq'] - 1} 号消息已不在，请对账补齐"
            await self.inbox.database(alarms.raise_alarm, "gap", about, words, "severe")
        else:
            await self.inbox.database(alarms.clear_alarm, "gap", about)

    async def next(self) -> Lot:
        """The next lot, each message with how it reads."""
        found = await self.fetch()
        numbered = [(int(one.reply.split(".")[5]), one.data) for one in found]
        return list(zip(found, await self.inbox.reading(receiving.read, self.sender, numbered), strict=True))

    async def fetch(self) -> list:
        """Up to a lot of messages; empty when none came while waiting."""
        wanted = {"batch": LOT, "expires": int(WAIT * 1e9)}
        mine = f"{self.reply}.{self.life}"
        await self.inbox.nc.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}", json.dumps(wanted).encode(), mine
        )
        found: list = []
        until = time.monotonic() + WAIT + 1
        while len(found) < LOT:
            try:
                message = self.queue.get_nowait()
            except asyncio.QueueEmpty:
                # Once something came, what follows comes at once: a short pause ends the lot.
                patience = 0.02 if found else until - time.monotonic()
                try:
                    message = await asyncio.wait_for(self.queue.get(), max(patience, 0.001))
                except TimeoutError:
                    if not found:
                        raise RuntimeError("no answer to a request for messages") from None
                    break
            if message.subject != mine and not message.reply:
                continue  # the end of an earlier request
            if status := (message.headers or {}).get("Status"):
                if status in ("404", "408"):
                    if not found:
                        return []
                    break
                if status == "100":
                    continue
                raise RuntimeError((message.headers or {}).get("Description", status))
            found.append(message)
        return found

    async def take(self, found: Lot) -> None:
        """Take a lot in: what was taken before is passed over, and nothing is taken before what goes before it.

        A message out of order is the tail of an earlier request: the consumer is set anew behind the position.
        """
        if not found:
            return
        fresh: list[border.Message] = []
        last = None
        for message, said in found:
            if said.seq > self.expected:
                break
            last = message
            if said.seq == self.expected:
                fresh.append(said)
                self.expected += 1
        if fresh:
            await self.receive(fresh)
        if last is not None:
            await self.inbox.nc.publish(last.reply, b"+ACK")
        self.inbox.applied += len(fresh)
        if last is not found[-1][0]:
            raise RuntimeError(f"a message out of order, {self.expected} is expected")

    async def receive(self, fresh: list[border.Message]) -> None:
        """Take a lot in; one that fails as a whole is taken message by message, and what fails alone is set aside."""
        try:
            await self.heed(await self.inbox.database(receiving.receive, self.sender, self.stream, fresh))
        except Exception:
            log.exception("%s: a lot of %s messages cannot be taken at once", self.stream, len(fresh))
            for one in fresh:
                if one.seq <= self.position:
                    continue
                try:
                    await self.heed(
                        await self.inbox.database(receiving.receive, self.sender, self.stream, [one])
                    )
                except Exception as error:
                    await self.inbox.database(
                        receiving.set_aside, self.sender, self.stream, one.seq, one.raw, error
                    )
                    self.position = one.seq

    async def heed(self, outcome: receiving.Outcome) -> None:
        self.position = max(self.position, outcome.last)
        await self.inbox.heed(self.sender, outcome)


class Inbox:
    """The process: readers, answers, pulses."""

    def __init__(self) -> None:
        said = folder.node()
        self.hub, self.node, self.hub_code = said["role"] == "hub", said["node"], said["hub"]
        self.database = link.Database()
        self.reading = link.Database()
        self.counts = link.Database()  # a question about millions of rows holds up neither what arrives …
        self.answers = link.Database()  # … nor a heartbeat or a file
        self.ending, self.connected = asyncio.Event(), asyncio.Event()
        self.readers: dict[str, tuple[Reader, asyncio.Task]] = {}
        self.applied = 0
        self.heard_from: dict[str, float] = {}
        self.offsets: dict[str, float] = {}
        self.silent: set[str] = set()
        self.away_at = time.monotonic()
        self.offline: bool | None = (
            None  # whether this city's alarm is raised; None: from before this process
        )

    until = staticmethod(link.until)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ending.set)

        async def away() -> None:
            self.connected.clear()
            self.away_at = time.monotonic()

        async def back() -> None:
            self.connected.set()

        connecting = asyncio.create_task(link.connect("inbox", disconnected_cb=away, reconnected_cb=back))
        ending = asyncio.create_task(self.ending.wait())
        await asyncio.wait([connecting, ending], return_when="FIRST_COMPLETED")
        if not self.ending.is_set():
            self.nc = connecting.result()
            self.connected.set()
            await self.nc.subscribe(f"ask.{self.node}.>", cb=self.asked)
            if self.hub:
                await self.nc.subscribe("pulse.*", cb=self.beaten)
            beating = asyncio.create_task(self.keep_beating())
            looks = 0
            while not self.ending.is_set():
                with contextlib.suppress(Exception):
                    await self.open_readers()
                    if self.hub and looks % 5 == 0:
                        await self.hear_partners()
                looks += 1
                await self.until(self.ending, 2)
            tasks = [task for _, task in self.readers.values()]
            for task in [*tasks, beating]:
                task.cancel()
            await asyncio.gather(*tasks, beating, return_exceptions=True)
            await self.nc.close()
        connecting.cancel()
        for one in (self.database, self.reading, self.counts, self.answers):
            one.close()

    async def open_readers(self) -> None:
        """A reader for each peer that sends; those that left the network are ended."""
        wanted = await self.database(_senders, self.hub, self.hub_code, self.node)
        for stream in [name for name in self.readers if name not in wanted]:
            self.readers.pop(stream)[1].cancel()
        for stream, (sender, durable) in wanted.items():
            if stream in self.readers:
                self.readers[stream][0].sender = sender
            else:
                reader = Reader(self, sender, stream, durable)
                self.readers[stream] = (reader, asyncio.create_task(reader.run()))

    async def hear_partners(self) -> None:
        """What partners acknowledged in their streams counts as their word for whole batches."""
        for peer in await self.database(nats.partners):
            if peer.receives:
                upto = await nats.acknowledged(self.nc, nats.stream_out(peer.code), peer.code)
                if upto:
                    await self.database(asking.partner_acknowledged, peer.code, upto)

    async def heed(self, sender: Sender, outcome: receiving.Outcome) -> None:
        """Act on control messages and on what was noticed."""
        for kind, body in outcome.control:
            if kind == "_replay" and sender.kind != "partner":
                with contextlib.suppress(ValueError):  # keys that are none
                    await self.database(comparing.replay_asked, body, sender.node)
            else:
                await self.database(alarms.raise_alarm, "control", sender.node, f"不认识的控制消息 {kind}")
        for kind, detail in outcome.alarms:
            await self.database(alarms.raise_alarm, kind, sender.node, detail)
        if outcome.refused:
            words = f"拒收 {outcome.refused} 条来自 {sender.node} 的消息，见隔离区"
            await self.database(alarms.raise_alarm, "quarantine", sender.node, words, "notice")

    # -- questions

    async def asked(self, message) -> None:
        asyncio.create_task(self.say(message))  # noqa: RUF006  it answers or fails by itself

    async def say(self, message) -> None:
        _, _, asker, what = message.subject.split(".", 3)
        if what == "attach" and self.hub:
            said = await self.attach_peer(asker, message.data)
        elif what == "heal" and not self.hub:
            said = {"ok": False, "error": "请在市节点执行"}
        else:
            database = self.counts if what in asking.LONG else self.answers
            said = await database(asking.answer, what, asker, message.data)
        await message.respond(json.dumps(said, ensure_ascii=False, default=str).encode())

    async def attach_peer(self, peer: str, data: bytes) -> dict:
        """A city says where it is in its stream; its consumer goes on there."""
        try:
            position = int(json.loads(data)["position"])
            stream = nats.stream_out(peer)
            state = await nats.ensure_stream(self.nc, stream, f"out.{peer}.>", position + 1)
            await nats.consumer_at(self.nc, stream, peer, position)
            return {"ok": True, "state": {key: state[key] for key in ("messages", "first_seq", "last_seq")}}
        except Exception as error:
            return {"ok": False, "error": str(error)}

    # -- pulses

    async def keep_beating(self) -> None:
        last_renewal = 0.0
        while not self.ending.is_set():
            try:
                facts = await self.answers(pulse.facts, self.applied)
                self.applied = 0
                if self.hub:
                    await self.answers(pulse.keep, self.node, facts)
                    await self.look_for_silent()
                    if time.monotonic() - last_renewal > 3600:
                        last_renewal = time.monotonic()
                        await self.renew_hub()
                elif not self.connected.is_set():
                    await self.say_offline(time.monotonic() - self.away_at > await self.answers(_patience))
                else:
                    await self.say_offline(False)
                    await self.nc.publish(f"pulse.{self.node}", json.dumps(facts, default=str).encode())
                    await self.answers(pulse.keep, self.node, facts)
                    if time.monotonic() - last_renewal > 3600:
                        last_renewal = time.monotonic()
                        await self.renew()
            except Exception as error:
                log.warning("pulse: %s", error)
            await self.until(self.ending, BEAT)

    async def say_offline(self, offline: bool) -> None:
        """A city's own people see that its line is cut and that what they do waits here."""
        if offline and not self.offline:
            words = f"{round(time.monotonic() - self.away_at)} 秒连不上省中心，本节点照常工作，数据在此等待，恢复后自动补发"
            await self.answers(alarms.raise_alarm, "offline", self.node, words, "severe")
            await self.answers(alarms.happened, self.node, "offline", words)
        elif not offline and self.offline is not False and self.connected.is_set():
            await self.answers(alarms.clear_alarm, "offline", self.node)
            if self.offline:
                await self.answers(alarms.happened, self.node, "online", "恢复连接")
        else:
            return
        self.offline = offline

    async def beaten(self, message) -> None:
        code = message.subject.partition(".")[2]
        try:
            facts = json.loads(message.data)
            self.heard_from[code] = time.monotonic()
            if code in self.silent:
                self.silent.discard(code)
                await self.answers(pulse.returned, code)
            await self.answers(pulse.keep, code, facts)
        except Exception as error:
            log.warning("pulse of %s: %s", code, error)

    async def look_for_silent(self) -> None:
        patience = await self.answers(_patience)
        for code in await self.answers(_active_cities):
            since = time.monotonic() - self.heard_from.setdefault(code, time.monotonic())
            if since > patience and code not in self.silent:
                self.silent.add(code)
                await self.answers(pulse.lost, code, round(since))

    async def renew_hub(self) -> None:
        """The hub's certificates and its message server's are renewed by the hub itself."""
        if any(_ends_soon(keys.certificate_until(name)) for name in ("node", "server")):
            await self.answers(joining.renew_hub)

    async def renew(self) -> None:
        """A certificate that will soon end is replaced over the connection that it still opens."""
        if not _ends_soon(keys.certificate_until()):
            return
        request = await self.answers(keys.make_request, self.node)
        said = await asking.ask(self.nc, self.hub_code, "renew", {"request": request.decode()}, timeout=10)
        if said.get("ok"):
            await self.answers(keys.take_certificate, said["certificate"].encode())
            await self.answers(joining.note_renewal)
        else:
            await self.answers(alarms.raise_alarm, "certificate", self.node, said.get("error", ""))


def _patience() -> int:
    """Seconds without a word after which a node counts as away."""
    return int(rules.value("network.silent_after", on=timezone.localdate()).value)


def _ends_soon(until: datetime | None) -> bool:
    days = int(rules.value("network.renew_before", on=timezone.localdate()).value)
    return until is not None and until - timezone.now() <= timedelta(days=days)


def _active_cities() -> list[str]:
    return list(
        Node.objects.filter(kind="city", state="active", last_seen__isnull=False).values_list(
            "code", flat=True
        )
    )


def _senders(hub: bool, hub_code: str, node: str) -> dict[str, tuple[Sender, str]]:
    """stream -> (who sends into it, the consumer's name)."""
    if not hub:
        return {nats.stream_out(node): (asking.sender_of(hub_code), node)}
    found = {nats.stream_in(p.code): (asking.sender_of(p.code), "inbox") for p in nats.cities()}
    for peer in nats.partners():
        if peer.sends and (sender := asking.partner_sender(peer.code)):
            found[nats.stream_in(peer.code)] = (sender, "inbox")
    return found


def main() -> None:
    """Read until told to end."""
    asyncio.run(Inbox().run())
