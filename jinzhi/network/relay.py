"""The relay: from the outbox's channels straight into the hub's streams, exactly once and in order.

Every message carries the sequence it must follow, so the stream itself refuses doubles and gaps. Up to a window
of messages is on the way; acknowledgements come back on a subject of this relay's own and are counted. Whatever goes
wrong, the stream is asked where it is, and sending goes on from there. If its last message is not the one this
node has under that number, the two have lived different lives: the channel stops (`diverged`) until it is healed.
"""

import asyncio
import contextlib
import json
import logging
import signal
import time

from django.db import connection

from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import sending
from jinzhi.network import alarms, folder, keys, link, nats

log = logging.getLogger(__name__)

WINDOW = 4000
CHUNK = 1000
ANSWERED = 250  # every so many messages the stream is asked for an acknowledgement
IDLE = 0.1  # seconds between looks at an empty outbox
LOOK = 1.0  # seconds between looks at a channel that nothing was numbered for
PATIENCE = 3.0  # seconds without an acknowledgement
MARK_EVERY = 0.25  # seconds between notes of progress


class Channel:
    """One way out and the stream at its end."""

    def __init__(self, relay: "Relay", name: str, stream: str):
        self.relay, self.name, self.stream = relay, name, stream
        self.life = 0  # counts up at each new beginning: acknowledgements of an earlier one are not heard
        self.sent = self.stored = self.marked = 0
        self.marked_at = 0.0
        self.heard = asyncio.Event()
        self.wrong = ""
        self.ready = self.full = self.oversized = False
        self.digests: dict[int, list[int]] = {}  # of batches whose trailers have not come yet
        self.acknowledged_at = 0.0

    # -- acknowledgements

    def hear(self, life: int, data: bytes) -> None:
        if life != self.life:
            return
        said = json.loads(data)
        if "error" in said:
            # The first refusal tells why; those behind it only say that it is missing.
            self.wrong = self.wrong or said["error"].get("description", "error")
        elif said.get("seq", 0) > self.stored:
            self.stored = said["seq"]
        self.acknowledged_at = time.monotonic()
        self.heard.set()

    # -- work

    async def run(self) -> None:
        while not self.relay.ending.is_set():
            try:
                if not self.relay.connected.is_set():
                    self.ready = False
                    await self.relay.until(self.relay.connected, 0.5)
                    continue
                if not self.ready and not await self.begin():
                    await asyncio.sleep(1)
                    continue
                seen = self.relay.generation
                if not await self.step() and seen == self.relay.generation:
                    await self.relay.until(self.relay.work, LOOK)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("%s: %s: %s", self.name, type(error).__name__, error)
                self.ready = False
                await asyncio.sleep(0.3)
        await self.mark(True)

    async def begin(self) -> bool:
        """Ask the stream where it is and compare; true when sending may go on."""
        self.life += 1
        standing = await self.relay.database(sending.standing, self.name)
        if standing["state"] != "active":
            return False
        if self.relay.hub:
            first = await self.relay.database(_oldest, self.name)
            await nats.ensure_stream(self.relay.nc, self.stream, f"{self.name}.>", first)
            if standing["kind"] == "partner":
                await nats.ensure_consumer(self.relay.nc, self.stream, standing["peer"])
        last, payload = await nats.end_of(self.relay.nc, self.stream, self.relay.prefix(self.name))
        problem = await self.relay.database(_disagreement, self.name, standing, last, payload)
        if problem:
            await self.relay.database(_diverge, self.name, problem)
            return False
        if last < standing["stored"]:
            log.warning(
                "%s: the stream is at %s, it was at %s; sending again", self.name, last, standing["stored"]
            )
            await self.relay.database(sending.rewind, self.name, last)
        self.sent = self.stored = self.marked = last
        self.digests.clear()
        self.wrong = ""
        self.ready = True
        self.acknowledged_at = time.monotonic()
        await self.relay.database(sending.stored, self.name, last)
        await self.relay.database(alarms.clear_alarm, "diverged", _about(self.name))
        self.oversized = await self.relay.database(_too_large, self.name)
        return True

    async def step(self) -> bool:
        """Send what fits into the window; true when something moved."""
        if self.wrong:
            if "sequence" not in self.wrong:
                self.full = True
                await self.relay.database(_full, self.name, self.wrong)
                await asyncio.sleep(1)
            self.ready = False
            return True
        on_the_way = self.sent - self.stored
        if on_the_way and time.monotonic() - self.acknowledged_at > PATIENCE:
            log.warning("%s: no acknowledgement for %s s", self.name, PATIENCE)
            self.ready = False
            return True
        moved = False
        if on_the_way <= WINDOW - CHUNK:
            if not await self.relay.database(_may_go_on, self.name):
                self.ready = False
                return False
            lot = await self.relay.database(
                sending.messages, self.name, self.sent, CHUNK, keys.sign, self.digests
            )
            if lot and not on_the_way:
                self.acknowledged_at = time.monotonic()
            await self.publish(lot)
            if any(sending.left_out(payload) for _, _, payload in lot):
                self.oversized = await self.relay.database(_too_large, self.name)
            moved = bool(lot)
        await self.mark()
        if not moved and self.sent > self.stored:
            self.heard.clear()
            if not self.wrong and self.sent > self.stored:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.heard.wait(), 0.2)
            return True
        return moved

    async def publish(self, lot: list[tuple[int, str, bytes]]) -> None:
        nc = self.relay.nc
        reply = f"{self.relay.inbox}.{self.name.replace('.', '-')}.{self.life}"
        last = lot[-1][0] if lot else 0
        for count, (seq, subject, payload) in enumerate(lot):
            if seq != self.sent + 1:
                raise RuntimeError(f"numbering has a gap before {seq}")
            # Each must follow the one before it, so the word on one is the word on all before it. The first is asked
            # for too: its refusal says the reason, those behind it could only say that it is missing.
            asked = count % ANSWERED == 0 or seq == last
            expected = {"Nats-Expected-Last-Sequence": str(seq - 1)}
            await nc.publish(subject, payload, reply if asked else "", expected)
            self.sent = seq
            if asked:
                await asyncio.sleep(0)

    async def mark(self, now: bool = False) -> None:
        if self.stored > self.marked and (now or time.monotonic() - self.marked_at > MARK_EVERY):
            self.marked, self.marked_at = self.stored, time.monotonic()
            await self.relay.database(sending.stored, self.name, self.marked)
            if self.full:
                self.full = False
                await self.relay.database(alarms.clear_alarm, "stream_full", _about(self.name))
            if self.oversized:
                self.oversized = await self.relay.database(_too_large, self.name)


def _about(channel: str) -> str:
    """The node an alarm of a channel is about: this city, or the peer the hub sends to."""
    return folder.node()["node"] if channel == "up" else channel.removeprefix("out.")


def _oldest(channel: str) -> int:
    """The first sequence a new stream of this channel should have: the oldest of this life that can still be sent.

    What was numbered before a healing (`base`) does not join on to what came after it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(q.seq) FROM exchange_queue AS q JOIN exchange_channel AS c ON c.name = q.channel"
            " WHERE q.channel = %s AND q.seq > c.base",
            [channel],
        )
        (oldest,) = cursor.fetchone()
        cursor.execute("SELECT numbered FROM exchange_channel WHERE name = %s", [channel])
        (numbered,) = cursor.fetchone()
    return oldest or numbered + 1


def _may_go_on(channel: str) -> bool:
    return sending.standing(channel)["state"] == "active"


def _disagreement(channel: str, standing: dict, last: int, payload: bytes) -> str:
    """Why this node cannot go on behind the stream's last message; "" when it can."""
    if last > standing["numbered"]:
        return f"省中心已有到第 {last} 号的消息，本节点只编到第 {standing['numbered']} 号：本节点数据库可能是恢复的旧状态"
    if last < standing["base"]:
        return f"省中心只到第 {last} 号，本节点从第 {standing['base'] + 1} 号重新编号：需要对账后重新编号"
    if last < standing["stored"]:
        ours = sending.messages(channel, last, 1)
        if not ours or ours[0][0] != last + 1:
            return f"省中心只到第 {last} 号，而其后的已发记录已不再保留：需要对账后重新编号"
    if payload and last > standing["base"]:
        ours = sending.messages(channel, last - 1, 1)
        if ours and ours[0][0] == last and ours[0][2] != payload:
            return f"第 {last} 号消息两端内容不同：两端经历了不同的历史"
    return ""


def _diverge(channel: str, problem: str) -> None:
    log.error("%s diverged: %s", channel, problem)
    if sending.standing(channel)["state"] == "active":
        nodes.set_state(channel, "diverged", problem)
        alarms.happened(_about(channel), "diverged", problem)
    alarms.raise_alarm("diverged", _about(channel), f"{channel}：{problem}", "severe")


def _too_large(channel: str) -> bool:
    """Raise or clear the alarm of records that were too large to be sent; true while there are any."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM exchange_refusal WHERE channel = %s AND code = 'E10' AND state = 'open'",
            [channel],
        )
        (count,) = cursor.fetchone()
    if count:
        alarms.raise_alarm("oversized", _about(channel), f"{channel}：{count} 条记录过大，没有发出")
    else:
        alarms.clear_alarm("oversized", _about(channel))
    return bool(count)


def _full(channel: str, words: str) -> None:
    alarms.raise_alarm("stream_full", _about(channel), f"{channel}：{words}", "severe")


class Relay:
    """The process: numbers, and runs one `Channel` for each way out."""

    def __init__(self) -> None:
        said = folder.node()
        self.hub = said["role"] == "hub"
        self.node = said["node"]
        self.database = link.Database(relay=True)
        self.ending, self.connected, self.work = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.channels: dict[str, tuple[Channel, asyncio.Task]] = {}
        self.inbox = f"_INBOX.{self.node}.relay"
        self.generation = 0  # of numbering: a channel that sees another one looks again

    def prefix(self, channel: str) -> str:
        return f"in.{self.node}" if channel == "up" else channel

    until = staticmethod(link.until)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ending.set)
        numbering = asyncio.create_task(self.keep_numbering())

        async def away() -> None:
            self.connected.clear()

        async def back() -> None:
            self.connected.set()

        connecting = asyncio.create_task(link.connect("relay", disconnected_cb=away, reconnected_cb=back))
        while not connecting.done() and not self.ending.is_set():
            await asyncio.wait(
                [connecting, asyncio.create_task(self.ending.wait())], return_when="FIRST_COMPLETED"
            )
        if not self.ending.is_set():
            self.nc = connecting.result()
            await self.nc.subscribe(f"{self.inbox}.*.*", cb=self.heard)
            self.connected.set()
            while not self.ending.is_set():
                await self.open_channels()
                await self.until(self.ending, 2)
            await asyncio.wait([task for _, task in self.channels.values()] or [numbering], timeout=5)
            await self.nc.close()
        connecting.cancel()
        await asyncio.wait([numbering], timeout=5)
        self.database.close()

    async def heard(self, message) -> None:
        _, name, life = message.subject.rsplit(".", 2)
        if held := self.channels.get(name.replace("-", ".")):
            held[0].hear(int(life), message.data)

    async def open_channels(self) -> None:
        for one in await self.database(nodes.channels):
            name = one["name"]
            if one["kind"] == "pull" or name in self.channels:
                continue
            stream = nats.stream_in(self.node) if name == "up" else nats.stream_out(one["peer"])
            channel = Channel(self, name, stream)
            self.channels[name] = (channel, asyncio.create_task(channel.run()))

    async def keep_numbering(self) -> None:
        """Numbers are given whether or not the hub can be reached."""
        while not self.ending.is_set():
            try:
                taken = await self.database(sending.number, 1000)
            except Exception as error:
                log.error("numbering: %s: %s", type(error).__name__, error)
                taken = 0
                await asyncio.sleep(1)
            if taken:
                self.generation += 1
                self.work.set()
                self.work.clear()
            else:
                await self.until(self.ending, IDLE)


def main() -> None:
    """Relay until told to end."""
    asyncio.run(Relay().run())
