"""The embedded server: starts, survives, stops."""

import os
import signal
import subprocess

import pytest

from jinzhi.runtime import locations
from jinzhi.runtime.postgres import Cluster, binaries
from jinzhi.runtime.trouble import Trouble

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands folders to another user")


def test_rows_survive_a_killed_server_and_the_restart_needs_no_help(cluster):
    assert cluster.start()
    with cluster.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(cluster.pid(), signal.SIGKILL)
    assert cluster.start()
    with cluster.connect() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_running_server_is_left_alone_and_a_stop_is_clean(cluster):
    cluster.start()
    pid = cluster.pid()
    assert not cluster.start()
    assert cluster.pid() == pid
    assert cluster.stop()
    assert cluster.pid() is None
    assert not cluster.stop()
    state = subprocess.run(
        [binaries(cluster.data) / "pg_controldata", cluster.data], capture_output=True, text=True
    ).stdout
    assert "shut down" in state
    assert "in production" not in state


def test_the_server_listens_on_its_private_socket_only_and_keeps_checksums(cluster):
    cluster.start()
    with cluster.connect() as connection:
        settings = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                [["listen_addresses", "data_checksums", "fsync", "server_encoding", "lc_collate"]],
            ).fetchall()
        )
    assert settings == {
        "listen_addresses": "",
        "data_checksums": "on",
        "fsync": "on",
        "server_encoding": "UTF8",
        "lc_collate": "C",
    }
    for folder in (cluster.data, cluster.sockets):
        assert folder.stat().st_mode & 0o777 == 0o700


@root_only
def test_the_server_never_runs_as_root(cluster):
    cluster.start()
    assert cluster.data.stat().st_uid != 0
    status = (cluster.data / "postmaster.pid").stat()
    assert status.st_uid != 0


def test_a_path_too_long_for_a_socket_moves_the_socket_and_still_starts(var):
    deep = var / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    cluster = Cluster(deep, {"shared_buffers": "16MB"})
    assert len(f"{cluster.sockets}/.s.PGSQL.5432") <= 107
    try:
        assert cluster.start()
    finally:
        cluster.stop("immediate")
        cluster.sockets.rmdir()


@root_only
def test_a_folder_closed_to_the_servers_user_moves_the_data(var):
    var.mkdir(parents=True)
    assert locations.database_home(var) == var
    var.parent.chmod(0o700)
    moved = locations.database_home(var)
    assert moved.parent == moved.parents[0] and str(moved).startswith("/var/lib/jinzhi-")
    assert locations.socket_directory(var).is_relative_to(moved)


@root_only
def test_a_socket_folder_prepared_by_somebody_else_is_refused(cluster):
    cluster.sockets.mkdir(parents=True)
    os.chown(cluster.sockets, 12345, 12345)
    with pytest.raises(Trouble, match="属于另一个用户"):
        cluster.start()


def test_data_made_by_another_version_is_not_touched(cluster, monkeypatch):
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Trouble, match="PostgreSQL 9"):
        cluster.start()


def test_missing_binaries_are_named_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("JINZHI_PG_BIN", str(tmp_path))
    with pytest.raises(Trouble, match="apt install postgresql"):
        binaries()
