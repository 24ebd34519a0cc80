"""What a bare machine lacks, and when nothing is to do."""

import shutil
from pathlib import Path

import pytest

from jinzhi.runtime import prepare


@pytest.fixture
def bare(monkeypatch):
    """A machine without any of the programs."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(prepare, "has_postgresql", lambda: False)
    monkeypatch.setattr(prepare, "has_chinese_font", lambda: False)
    monkeypatch.setattr(prepare, "has_venv", lambda: False)


def test_a_browser_is_wanted_for_tests_only(bare):
    assert "chromium" not in prepare.missing_packages("runtime")
    assert {"postgresql", "npm", "chromium", "fonts-noto-cjk"} <= set(prepare.missing_packages("dev"))


def test_somebody_who_may_not_install_is_told_what_to_install(bare, monkeypatch):
    monkeypatch.setattr(prepare.os, "geteuid", lambda: 1000)
    with pytest.raises(prepare.Failed, match=r"sudo apt-get install .*postgresql"):
        prepare.install_packages("runtime")


@pytest.fixture
def venv(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "VENV", tmp_path)
    monkeypatch.setattr(prepare, "PYTHON", Path(shutil.which("sh") or "/bin/sh"))
    return tmp_path


def test_a_development_environment_serves_as_a_runtime_one_but_not_the_other_way_round(venv):
    (venv / ".prepared-dev").write_text(prepare.python_mark("dev"))
    assert prepare.python_ready("dev")
    assert prepare.python_ready("runtime")
    (venv / ".prepared-dev").unlink()
    (venv / ".prepared-runtime").write_text(prepare.python_mark("runtime"))
    assert prepare.python_ready("runtime")
    assert not prepare.python_ready("dev")


def test_a_changed_lock_file_is_noticed(venv):
    (venv / ".prepared-dev").write_text("of an earlier lock file")
    assert not prepare.python_ready("dev")


@pytest.mark.parametrize("name", ["base", "dev", "build"])
def test_every_locked_package_has_hashes_and_no_address(name):
    text = (prepare.ROOT / "requirements" / f"{name}.lock").read_text()
    pinned = [block for block in text.split("\n") if "==" in block]
    assert pinned
    assert all(line.endswith("\\") for line in pinned)
    assert "://" not in text


def test_front_end_packages_have_no_resolved_address():
    assert "resolved" not in (prepare.ROOT / "package-lock.json").read_text()
