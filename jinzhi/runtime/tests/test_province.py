"""A province on one machine: who is where, lines that hold what they carry while they are cut."""

import os
import socket
import threading
import time

import pytest

from jinzhi.runtime import links, locations, province, supervisor, testing
from jinzhi.runtime.trouble import Trouble


def test_a_plan_names_the_hub_first_and_gives_everyone_an_address_of_its_own():
    for namespaces in (True, False):
        made = province.make_plan(11, namespaces, 8100)
        assert made.hub.code == "330000" and [n.code for n in made.cities] == [
            f"33{c:02d}00" for c in range(1, 12)
        ]
        assert len({node.url for node in made.nodes}) == 12
        assert all(node.line for node in made.cities)
        assert made.node("杭州市").code == made.node("330100").code == "330100" and made.node("hub").hub
    assert len({node.line for node in made.cities}) == 11


@pytest.mark.parametrize("cities", [0, 12, -1])
def test_a_province_has_one_to_eleven_cities(cities):
    with pytest.raises(Trouble, match="1–11"):
        province.make_plan(cities, False, 8100)


def test_what_is_not_there_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "VAR", tmp_path)
    with pytest.raises(Trouble, match="没有启动过"):
        province.status()
    made = province.make_plan(1, False, 8100)
    province._keep(made)
    assert province.plan() == made
    with pytest.raises(Trouble, match="没有节点 331100"):
        province.cut("331100")
    with pytest.raises(Trouble, match="断开的是城市"):
        province.cut("330000")
    with pytest.raises(Trouble, match="没有进程 relay"):
        province.kill("330100", "relay")
    assert province.cut("330100").code == "330100" and links.is_cut(province.lines(), "330100")
    assert [node["line"] for node in province.status()["nodes"]] == [None, "cut"]
    province.mend("330100")
    assert not links.is_cut(province.lines(), "330100")


def test_a_node_sees_nothing_of_this_installation_s_settings(monkeypatch):
    monkeypatch.setenv("JINZHI_DB_NAME", "other")
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/x")
    made = province.make_plan(2, False, 8100)
    seen = province.environment(made, made.cities[0])
    assert "DATABASE_URL" not in seen and "JINZHI_DB_NAME" not in seen
    assert seen["JINZHI_NODE"] == "330100" and seen["JINZHI_VAR"].endswith("province/330100")


def test_a_province_keeps_its_nodes_and_addresses(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "VAR", tmp_path)
    monkeypatch.setattr(links, "namespaces_possible", lambda: True)
    assert not province._chosen_plan(2, True, 8100).namespaces
    province._keep(province.make_plan(2, False, 8300))
    grown = province._chosen_plan(3, False, 8100)
    assert not grown.namespaces and grown.base == 8300 and len(grown.cities) == 3
    assert len(province._chosen_plan(1, True, 8100).cities) == 2  # none is taken away
    with pytest.raises(Trouble, match="8300"):
        province._chosen_plan(2, True, 8400)
    with pytest.raises(Trouble, match="1–11"):
        province._chosen_plan(12, True, 8100)
    province._keep(province.make_plan(2, True, 8100))
    assert province._chosen_plan(2, False, 8100).namespaces
    with pytest.raises(Trouble, match="不能改用端口"):
        province._chosen_plan(2, True, 8100)
    monkeypatch.setattr(links, "namespaces_possible", lambda: False)
    with pytest.raises(Trouble, match="需要 root"):
        province._chosen_plan(2, False, 8100)


def test_nodes_on_ports_of_one_host_do_not_share_sessions():
    """A browser sends a host's cookies to all its ports."""
    made = province.make_plan(2, False, 8100)
    names = {province.environment(made, node)["JINZHI_COOKIES"] for node in made.nodes}
    assert len(names) == 3


@pytest.fixture
def echo():
    """A server that answers every line in capitals."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=[one], daemon=True).start()

    def answer(one):
        while part := one.recv(100):
            one.sendall(part.upper())

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_a_cut_line_holds_what_it_carries_and_delivers_it_when_mended(echo, tmp_path):
    port = testing.free_port()
    links.start_forwarder(tmp_path, "330100", port, ("127.0.0.1", echo))
    try:
        deadline = time.monotonic() + 15
        while True:
            try:
                line = socket.create_connection(("127.0.0.1", port), 1)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        line.settimeout(5)
        line.sendall(b"one")
        assert line.recv(10) == b"ONE"
        links.cut(tmp_path, "330100", False)
        time.sleep(0.3)
        line.sendall(b"two")
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.recv(10)
        links.mend(tmp_path, "330100", False)
        line.settimeout(5)
        assert line.recv(10) == b"TWO"
    finally:
        links.stop_forwarder(tmp_path, "330100")


@pytest.mark.skipif(not links.namespaces_possible(), reason="needs root and network namespaces")
def test_namespaces_hear_each_other_until_the_line_is_cut(tmp_path, monkeypatch):
    import subprocess

    monkeypatch.setattr(links, "BRIDGE", "jz-br-test")
    monkeypatch.setattr(links, "PREFIX", "jzt-")
    monkeypatch.setattr(links, "NETWORK", "10.134.7")
    monkeypatch.setattr(links, "HOST", "10.134.7.1")
    number = os.getpid() % 1000
    hub, city = f"t{number}h", f"t{number}c"
    try:
        links.make_bridge()
        links.make_namespace(hub, 0, hub=True)
        links.make_namespace(city, 1, hub=False)

        def reached():
            command = [*links.inside(city), "bash", "-c", f"echo > /dev/tcp/{links.address(0)}/9"]
            answer = subprocess.run(["timeout", "2", *command], capture_output=True, text=True)
            return "refused" in answer.stderr  # somebody is there and says no

        assert reached()
        links.cut(tmp_path, city, True)
        assert not reached()
        links.mend(tmp_path, city, True)
        assert reached()
    finally:
        links.remove_namespaces([hub, city])


def test_the_supervisor_takes_in_what_rooms_declare_and_lets_go_of_it(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "LOGS", tmp_path)
    wanted = {"relay": (["sleep", "60"], {})}
    monkeypatch.setattr(supervisor, "declared_children", lambda: wanted)
    monkeypatch.setattr(supervisor, "ASK_ROOMS", 0)
    one = supervisor.Supervisor()
    one._ask_rooms()
    assert [c.name for c in one.children] == ["web", "worker", "relay"]
    relay = one.children[-1]
    relay.start()
    first = relay.process
    one._ask_rooms()
    assert one.children[-1] is relay  # unchanged: left alone
    wanted = {"relay": (["sleep", "61"], {})}
    one._ask_rooms()
    assert first.poll() is not None and one.children[-1].command == ["sleep", "61"]
    wanted = {}
    one._ask_rooms()
    assert [c.name for c in one.children] == ["web", "worker"]


def test_a_damaged_declaration_does_not_end_the_web_server(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "LOGS", tmp_path)

    def broken():
        raise ValueError("no such file")

    monkeypatch.setattr(supervisor, "declared_children", broken)
    one = supervisor.Supervisor()
    one._ask_rooms()
    assert [c.name for c in one.children] == ["web", "worker"]
