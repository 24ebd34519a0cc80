"""Cut lines, killed processes, full disks: what was written arrives once, in order, and soon after the fault is over."""

import os
import signal
import time
from random import Random

import pytest

from tests.network.lab import Writer, until

pytestmark = pytest.mark.xdist_group("network")
SOON = 5.0  # seconds until data flow again after a line returns
RANDOM_SECONDS = float(os.environ.get("JINZHI_FAULT_SECONDS", "12"))
SEED = int(os.environ.get("JINZHI_FAULT_SEED", "20261123"))


def arrives(lab, node, other, seconds=SOON):
    """A row written now at `node` is seen at `other`; answers after how long."""
    mark = f"企业{time.monotonic_ns()}-"
    node.write(1, mark)
    query = "SELECT count(*) FROM registry_enterprise WHERE name = %s"
    return until(
        lambda: other.one(query, [f"{mark}1"]),
        seconds,
        lambda: f"{mark}\n{lab.differences()}\n{lab.logs()}",
        0.05,
    )


def test_a_row_goes_to_the_hub_and_on_to_the_other_city(lab):
    hangzhou, ningbo = lab.cities
    arrives(lab, hangzhou, lab.hub)
    arrives(lab, ningbo, hangzhou)
    arrives(lab, lab.hub, ningbo)
    lab.settle()
    lab.prove()


@pytest.mark.parametrize("outage", [1, 12])
def test_after_a_cut_of_any_length_rows_flow_within_five_seconds(lab, outage):
    hangzhou, _ = lab.cities
    lab.cut(hangzhou)
    hangzhou.write(50)
    time.sleep(outage)
    hangzhou.change(20)
    lab.hub.write(5)
    before = len(lab.hub.rows(hangzhou.code))
    lab.mend(hangzhou)
    took = until(lambda: len(lab.hub.rows(hangzhou.code)) > before, SOON, lab.logs, 0.05)
    assert took < SOON
    arrives(lab, hangzhou, lab.hub)
    arrives(lab, lab.hub, hangzhou)
    lab.settle()
    lab.prove()


@pytest.mark.parametrize(
    "victim",
    ["city relay", "city inbox", "city postgres", "hub nats", "hub relay", "hub inbox", "hub postgres"],
)
def test_kill_9_in_the_middle_of_traffic(lab, victim):
    where, name = victim.split()
    node = lab.hub if where == "hub" else lab.cities[0]
    writers = [Writer(city, seed) for seed, city in enumerate(lab.cities)]
    for writer in writers:
        writer.start()
    time.sleep(0.7)
    node.kill(name)
    time.sleep(1.5)
    node.kill(name)  # again, while it is coming back or just back
    time.sleep(1)
    for writer in writers:
        writer.end()
    lab.settle()
    lab.prove()


def test_everything_stops_and_comes_back_in_any_order(lab):
    random = Random(SEED)
    lab.keeping.clear()
    writers = [Writer(city, 10 + seed) for seed, city in enumerate(lab.cities)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    parts = [(node, name) for node in lab.nodes for name in list(node.running)]
    random.shuffle(parts)
    for node, name in parts:
        node.stop(name, random.choice((signal.SIGKILL, signal.SIGTERM)))
    for node in lab.nodes:
        node.kill("postgres")
    random.shuffle(parts)
    nodes = list(lab.nodes)
    random.shuffle(nodes)
    for node in nodes:
        node.cluster.start()
    for node, name in parts:
        node.start(name)
        time.sleep(random.random() * 0.5)
    lab.keeping.set()
    for writer in writers:
        writer.end()
    lab.settle()
    lab.prove()


def test_two_relays_of_one_node_are_one_too_many(lab):
    hangzhou = lab.cities[0]
    hangzhou.start("second relay", hangzhou.commands["relay"])
    try:
        hangzhou.write(200)
        lab.settle()
        lab.prove()
    finally:
        hangzhou.stop("second relay")


def test_at_random(lab):
    """Cuts and kills of whatever there is, for JINZHI_FAULT_SECONDS (more in bench runs), from JINZHI_FAULT_SEED."""
    random = Random(SEED)
    writers = [Writer(city, 20 + seed) for seed, city in enumerate([*lab.cities, *lab.cities])]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + RANDOM_SECONDS
    kinds = [(n, p) for n in lab.nodes for p in ("relay", "inbox", "postgres")] + [(lab.hub, "nats")]
    while time.monotonic() < deadline:
        if random.random() < 0.4:
            city = random.choice(lab.cities)
            lab.cut(city)
            time.sleep(random.uniform(0.2, 6))
            lab.mend(city)
        else:
            node, name = random.choice(kinds)
            node.kill(name)
        time.sleep(random.uniform(0.1, 2))
    for writer in writers:
        writer.end()
    lab.settle(120)
    lab.prove()
