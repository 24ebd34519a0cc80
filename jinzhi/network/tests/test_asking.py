"""The connection of a command: alive while its owner counts rows, and quick to say that the line is cut."""

import asyncio
import json
import time
from types import SimpleNamespace

import pytest

from jinzhi.network import asking, folder, link, reconciling

from .loops import in_a_loop


class Connection:
    """A connection that counts how often its loop came round, and answers after so many seconds."""

    def __init__(self, seconds: float = 0, is_connected: bool = True):
        self.seconds, self.is_connected, self.rounds = seconds, is_connected, 0

    async def beat(self):
        while True:
            self.rounds += 1
            await asyncio.sleep(0.01)

    async def request(self, subject, content, timeout):
        await asyncio.sleep(self.seconds)
        return SimpleNamespace(data=json.dumps({"ok": True, "subject": subject}))

    async def close(self):
        self.beating.cancel()


@pytest.fixture(autouse=True)
def city(monkeypatch):
    monkeypatch.setattr(folder, "node", lambda: {"node": "330100"})


def test_the_server_hears_from_a_command_that_is_busy(monkeypatch):
    made = Connection()

    async def connect(name):
        made.beating = asyncio.create_task(made.beat())
        return made

    monkeypatch.setattr(link, "connect", connect)
    with reconciling.Wire() as wire:
        before = made.rounds
        time.sleep(0.5)  # a digest of millions of rows in this thread
        assert made.rounds > before + 10
        assert wire.ask("330000", "exchange", {})["subject"] == "ask.330000.330100.exchange"
    assert not wire.thread.is_alive()


def test_who_cannot_connect_is_told_and_leaves_no_thread(monkeypatch):
    async def connect(name):
        await asyncio.sleep(60)

    monkeypatch.setattr(link, "connect", connect)
    with pytest.raises(reconciling.NotConnected):
        reconciling.Wire(seconds=0.1)


def test_a_question_does_not_wait_out_its_time_when_the_line_is_cut():
    began = time.monotonic()
    said = in_a_loop(asking.ask(Connection(600, is_connected=False), "330000", "exchange", {}))
    assert said == {"ok": False, "away": True, "error": "本节点与省中心的连接已断开"}
    assert time.monotonic() - began < 10
