"""The command itself: groups, discovery of the rooms' commands, plain failures."""

import os
import subprocess
import sys

from jinzhi import cli
from jinzhi.runtime import locations


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "jinzhi.cli", *arguments],
        cwd=locations.ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_own_commands_do_not_wait_for_the_rooms():
    assert cli._own_command(["up"])
    assert cli._own_command(["status", "--json"])
    assert not cli._own_command(["codes", "check"])
    assert not cli._own_command(["--help"])


def test_help_shows_the_commands_in_groups_with_those_of_the_rooms():
    text = run("--help", COLUMNS="100").stdout
    for word in ("运行", "数据", "开发", "业务", "doctor", "places"):
        assert word in text


def test_a_command_without_a_database_says_so_in_two_lines(tmp_path):
    answer = run("places", "show", "330106", JINZHI_VAR=str(tmp_path))
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "jinzhi up" in answer.stderr


def test_check_finds_nothing_wrong_in_what_the_rooms_declare():
    answer = run("check")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_migrations_are_complete():
    answer = run("makemigrations", "--check", "--dry-run")
    assert answer.returncode == 0, answer.stdout + answer.stderr
