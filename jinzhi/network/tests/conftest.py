"""A hub and a city beside it: two folders, one database, a real message server."""

import socket
import subprocess
import time

import pytest

from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import folder, joining, keys, nats, processes, software

HUB, HANGZHOU, NINGBO = "330000", "330100", "330200"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Network:
    """Switches between the folders of the hub and of cities."""

    def __init__(self, root, monkeypatch):
        self.root, self.monkeypatch = root, monkeypatch
        self.address = f"127.0.0.1:{free_port()}"
        self.server = None

    def at(self, code):
        self.monkeypatch.setenv("JINZHI_NETWORK", str(self.root / code))
        return self

    def request(self, code):
        """What a city sends with its token."""
        self.at(code)
        return {
            "request": keys.make_request(code).decode(), "nkey": keys.make_nkey(), "signing_key": keys.make_signing_key(),
            "software": software.version(), "schemas": {},
        }  # fmt: skip

    def join(self, code):
        """Bring a city in, as its command does, without a second database."""
        token = self.at(HUB) and joining.invite(code)
        body = self.request(code) | {"token": token}
        self.at(HUB)
        answer = joining.accept(body)
        self.at(code)
        folder.write("ca.pem", answer["authority"])
        keys.take_certificate(answer["certificate"].encode())
        said = {
            "role": "city",
            "node": code,
            "hub": HUB,
            "nats": self.address,
            "ca": "",
            "hub_key": answer["hub_key"],
        }
        folder.write_node(said)
        return answer

    def start(self):
        self.at(HUB)
        self.server = subprocess.Popen(
            [processes.server(), "--config", str(folder.path("nats.conf"))],
            stdout=subprocess.DEVNULL, stderr=(self.root / "nats.log").open("w"),
        )  # fmt: skip
        host, _, port = self.address.rpartition(":")
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError((self.root / "nats.log").read_text())

    def stop(self):
        if self.server:
            self.server.kill()
            self.server.wait()


@pytest.fixture
def network(db, tmp_path, monkeypatch):
    made = Network(tmp_path, monkeypatch).at(HUB)
    joining.init(made.address)
    nodes.open_channel("up", "hub", "up")
    yield made
    made.stop()


@pytest.fixture
def running(network):
    """The message server with Hangzhou and Ningbo in it."""
    network.join(HANGZHOU)
    network.join(NINGBO)
    network.start()
    return network


__all__ = ["HANGZHOU", "HUB", "NINGBO", "Network", "nats"]
