"""How the supervisor looks after one child."""

import sys
import time

import pytest

from jinzhi.runtime import processes, supervisor


@pytest.fixture(autouse=True)
def _logs(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor.locations, "LOGS", tmp_path)


def test_a_child_that_keeps_dying_is_tried_less_and_less_often():
    child = supervisor.Child("short", [sys.executable, "-c", ""], {})
    pauses = []
    for _ in range(8):
        child.again_at = 0
        child.look_after()
        child.process.wait()
        child.look_after()
        pauses.append(child.pause)
    assert pauses == sorted(pauses)
    assert pauses[0] < 2
    assert pauses[-1] == supervisor.LONGEST_PAUSE


def test_what_a_child_prints_is_kept_in_its_log(tmp_path):
    child = supervisor.Child("talker", [sys.executable, "-c", "print('你好')"], {})
    child.look_after()
    child.process.wait()
    deadline = time.monotonic() + 5
    while "你好" not in (tmp_path / "talker.log").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "talker.log").read_text() == "你好\n"


def test_only_marked_processes_are_ours():
    child = supervisor.Child("sleeper", ["sleep", "60"], {})
    child.look_after()
    try:
        assert child.process.pid in processes.ours()
    finally:
        child.kill()
        child.process.wait()
    assert child.process.pid not in processes.ours()
