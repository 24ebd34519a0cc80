"""`jinzhi up`, `down` and what happens between them, on an installation of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from jinzhi.runtime import installation, locations, testing
from jinzhi.runtime.postgres import Cluster, binaries

pytestmark = pytest.mark.xdist_group("installation")
PATIENCE = 40  # seconds; the machine may be busy with other tests


class Installation:
    def __init__(self):
        self.folder = testing.open_folder()
        self.var = self.folder / "var"
        self.port = testing.free_port()

    def run(self, *command, **environment):
        kept = testing.environment("jinzhi") | {"JINZHI_VAR": str(self.var), "JINZHI_PORT": str(self.port)}
        return subprocess.run(
            [sys.executable, "-m", "jinzhi.cli", *command],
            env=kept | {"JINZHI_DEMO": "0"} | environment,
            cwd=locations.ROOT,
            capture_output=True,
            text=True,
        )

    def state(self):
        return json.loads((self.var / "run" / "supervisor.json").read_text())

    def health(self):
        return installation.health(self.port, timeout=15)

    def processes(self):
        mark = f"JINZHI_SUPERVISED_BY={self.var}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found


def eventually(question):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.1)
    pytest.fail("it did not become true")


@pytest.fixture(scope="module")
def running():
    here = Installation()
    answer = here.run("up")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    yield here
    here.run("down")
    shutil.rmtree(here.folder)


def test_up_returns_when_it_is_healthy_and_prints_the_address(running):
    assert running.health()["status"] == "ok"
    again = running.run("up")
    assert again.returncode == 0
    assert f"http://127.0.0.1:{running.port}/" in again.stdout


def test_a_second_up_changes_nothing_and_is_quick(running):
    before = running.state()
    began = time.monotonic()
    answer = running.run("up")
    assert "已在运行" in answer.stdout
    assert time.monotonic() - began < 15
    assert running.state() == before


def test_status_and_doctor_find_nothing_wrong(running):
    status = running.run("status", "--json")
    assert status.returncode == 0
    assert json.loads(status.stdout)["health"]["status"] == "ok"
    findings = json.loads(running.run("doctor", "--json").stdout)
    assert not [finding for finding in findings if finding["level"] == "error"]


@pytest.mark.parametrize("name", ["worker", "web"])
def test_a_killed_child_is_started_again(running, name):
    former = running.state()["children"][name]
    os.kill(former, signal.SIGKILL)
    eventually(lambda: running.state()["children"].get(name) not in (None, former))
    eventually(lambda: running.health().get("status") == "ok")


def test_a_killed_database_comes_back_with_its_rows_and_the_site_with_it(running):
    cluster = Cluster(running.var)
    with cluster.connect("jinzhi") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        rows = connection.execute("SELECT count(*) FROM kept").fetchone()
    os.kill(cluster.pid(), signal.SIGKILL)
    eventually(lambda: running.health().get("status") == "ok" and cluster.answers())
    with cluster.connect("jinzhi") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == rows


def test_a_killed_supervisor_takes_its_children_along_and_up_starts_afresh(running):
    os.kill(running.state()["pid"], signal.SIGKILL)
    eventually(lambda: not running.processes())
    assert running.run("up").returncode == 0
    assert running.health()["status"] == "ok"


def test_down_ends_everything_it_started_and_nothing_else(running):
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        assert running.run("down").returncode == 0
        assert running.processes() == []
        assert Cluster(running.var).pid() is None
        assert bystander.poll() is None
        assert "没有在运行" in running.run("down").stdout
    finally:
        bystander.kill()
        bystander.wait()


def test_a_taken_port_is_named_before_anything_is_started():
    here = Installation()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        here.port = other.getsockname()[1]
        answer = here.run("up")
    assert answer.returncode == 1
    assert f"端口 {here.port} 已被其他程序占用" in answer.stderr
    assert re.search(r"JINZHI_PORT=\d+ make up", answer.stderr)
    assert not (here.var / "postgres").exists()
    shutil.rmtree(here.folder)


def test_a_server_of_the_operator_s_own_is_prepared_by_the_printed_statements(cluster):
    here = Installation()
    cluster.start()
    url = f"postgresql://{{}}@{quote(str(cluster.sockets), safe='')}/province?application_name=jinzhi"
    environment = {
        "DATABASE_URL": url.format(locations.APP_ROLE),
        "DATABASE_OWNER_URL": url.format(locations.OWNER_ROLE),
    }
    statements = here.run("provision", **environment).stdout
    psql = [binaries() / "psql", "-h", cluster.sockets, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-q"]
    subprocess.run([*psql, "postgres"], input=statements, text=True, check=True)
    answer = here.run("up", **environment)
    try:
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert here.health()["status"] == "ok"
        assert not (here.var / "postgres").exists()
        findings = json.loads(here.run("doctor", "--json", **environment).stdout)
        assert not [finding for finding in findings if finding["level"] == "error"]
    finally:
        here.run("down", **environment)
        shutil.rmtree(here.folder)
    assert cluster.pid()  # not ours to stop


def test_reset_asks_before_it_wipes():
    here = Installation()
    here.var.mkdir(parents=True)
    (here.var / "kept").touch()
    assert here.run("reset").returncode != 0
    assert (here.var / "kept").exists()
    assert here.run("reset", "--yes").returncode == 0
    assert not (here.var / "kept").exists()
    shutil.rmtree(here.folder)
