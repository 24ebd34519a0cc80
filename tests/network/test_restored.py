"""A node that comes back from an older copy is noticed, stops, and is healed: nothing lost, nothing doubled."""

import json
import shutil
import signal
from datetime import UTC, datetime

import pytest

from jinzhi.runtime import backup, restoring
from jinzhi.runtime.backup import Place
from jinzhi.runtime.restoring import Target
from tests.network.lab import until

pytestmark = pytest.mark.xdist_group("network")


def place_of(node) -> Place:
    return Place(node.cluster, node.var / "files", node.var / "backup", node.code)


def saved(node) -> datetime:
    (node.var / "files").mkdir(exist_ok=True)
    backup.take(place_of(node))
    return datetime.now(UTC)


def brought_back(lab, node, at) -> None:
    """The node stops, its database is restored to an earlier moment, the node starts."""
    lab.keeping.clear()
    names = [name for name in node.running if name != "nats"]
    for name in names:
        node.stop(name, signal.SIGTERM)
    place = place_of(node)
    backup.archived(place)
    node.cluster.stop()
    aside = restoring.move_aside(node.cluster)
    chosen = restoring.choose(place.folder, at)
    restoring.bring_back(node.cluster, chosen, place.wal, Target(at), lambda _: None, aside)
    restoring.new_life(node.cluster)
    shutil.rmtree(aside)
    for name in names:
        node.start(name)
    lab.keeping.set()


def diverged(node, channel) -> bool:
    return node.one("SELECT state FROM exchange_channel WHERE name = %s", [channel]) == "diverged"


def test_a_city_from_an_older_copy_is_stopped_and_healed(lab):
    hangzhou, ningbo = lab.cities
    hangzhou.write(20, "先有")
    lab.settle()
    then = saved(hangzhou)
    hangzhou.write(30, "后写")
    hangzhou.change(15)
    ningbo.write(5, "宁波后写")
    lab.settle()
    before = lab.hub.rows(hangzhou.code)
    brought_back(lab, hangzhou, then)
    assert len(hangzhou.rows(hangzhou.code)) < len(before)
    until(lambda: diverged(hangzhou, "up"), 90, lab.logs)
    alarm = "SELECT level FROM network_alarm WHERE kind = 'diverged' AND cleared_at IS NULL"
    until(lambda: hangzhou.sql(alarm) == [("severe",)], 10, lambda: hangzhou.sql(alarm))
    hangzhou.write(4, "恢复以后")  # people go on working meanwhile
    assert lab.hub.rows(hangzhou.code) == before  # nothing of the older life reached the hub
    healed = json.loads(hangzhou.command("network", "heal", "--json"))
    assert healed["fetched"] >= 30
    lab.settle()
    after = lab.hub.rows(hangzhou.code)
    assert after.items() >= before.items() and len(after) == len(before) + 4
    lab.prove(logs=False)
    hangzhou.write(3, "照常")
    ningbo.change(3)
    lab.settle()
    lab.prove(logs=False)


def test_the_hub_from_an_older_copy_reads_on_from_its_streams(lab):
    hangzhou, ningbo = lab.cities
    lab.settle()
    then = saved(lab.hub)
    hangzhou.write(25, "省中心恢复前")
    ningbo.change(10)
    lab.settle()
    brought_back(lab, lab.hub, then)
    until(lambda: diverged(lab.hub, f"out.{hangzhou.code}"), 90, lab.logs)
    lab.hub.command("network", "heal", "--json")
    hangzhou.write(5, "省中心恢复后")
    lab.settle()
    lab.prove(logs=False)


def test_streams_that_are_gone_are_filled_again(lab):
    """The hub's message store is lost (another disk): what was not yet read comes again from the cities' outboxes."""
    hangzhou, _ = lab.cities
    lab.hub.stop("inbox")
    hangzhou.write(40, "未读")
    until(lambda: not hangzhou.one("SELECT numbered - stored FROM exchange_channel"), 60, lab.logs)
    lab.keeping.clear()
    lab.hub.stop("nats")
    shutil.rmtree(lab.hub.var / "network" / "jetstream")
    lab.hub.start("nats")
    lab.hub.start("inbox")
    lab.keeping.set()
    lab.settle()
    lab.prove(logs=False)


def test_a_full_store_at_the_hub_waits_and_goes_on(lab):
    """The disk quota of the message server is used up: the relays say so, keep what they have, and send it later."""
    hangzhou, _ = lab.cities
    configuration = lab.hub.var / "network" / "nats.conf"
    text = configuration.read_text()
    said = json.loads(text)
    said["jetstream"]["max_file_store"] = 3_000_000
    configuration.write_text(json.dumps(said))
    lab.hub.kill("nats")
    try:
        for _ in range(4):
            hangzhou.write(2000, "满" * 60)
        query = "SELECT count(*) FROM network_alarm WHERE kind = 'stream_full' AND cleared_at IS NULL"
        until(lambda: hangzhou.one(query), 90, lambda: f"{lab.differences()}\n{lab.logs()}")
        assert len(lab.hub.rows(hangzhou.code)) < len(hangzhou.rows(hangzhou.code))
    finally:
        configuration.write_text(text)
        lab.hub.kill("nats")
    lab.settle()
    lab.prove(logs=False)
