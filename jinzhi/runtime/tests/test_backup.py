"""A backup brings back what was there, as it is now or as of a moment; a drill proves it or says what differs."""

import json
import tarfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jinzhi.runtime import backup, drill, restoring
from jinzhi.runtime.backup import Place
from jinzhi.runtime.restoring import Target
from jinzhi.runtime.trouble import Trouble

pytestmark = pytest.mark.xdist_group("backup")


@pytest.fixture
def place(cluster, var) -> Place:
    cluster.start()
    with cluster.connect() as connection:
        connection.execute("CREATE TABLE kept (n integer PRIMARY KEY, said text)")
        connection.execute("INSERT INTO kept SELECT g, 'before' FROM generate_series(1, 1000) AS g")
    files = var / "files"
    (files / "ab").mkdir(parents=True)
    (files / "ab" / "abcd").write_bytes(b"paper")
    (var / "keys").mkdir()
    (var / "keys" / "licence.key").write_text("secret")
    (var / "secret_key").write_text("session")
    return Place(cluster, files, var / "backup", "330100")


def write(place, n, said="after"):
    with place.cluster.connect() as connection:
        connection.execute("INSERT INTO kept VALUES (%s, %s)", [n, said])


def rows(cluster):
    with cluster.connect() as connection:
        return connection.execute("SELECT count(*), max(n) FROM kept").fetchone()


def back(place, at=None):
    """Restore in place, as `restore` does for an installation."""
    chosen = restoring.choose(place.folder, at)
    place.cluster.stop()
    aside = restoring.move_aside(place.cluster)
    return restoring.bring_back(place.cluster, chosen, place.wal, Target(at), lambda _: None, aside)


def test_to_a_moment_between_two_writes_and_then_to_the_end(place):
    made = backup.take(place)
    assert Path(made["path"]).is_dir() and made["bytes"] > 100_000
    write(place, 2001)
    time.sleep(0.3)
    between = datetime.now(UTC)
    time.sleep(0.3)
    write(place, 2002)
    backup.archived(place)
    back(place, between)
    assert rows(place.cluster) == (1001, 2001)
    write(place, 3000)  # life goes on, on a new timeline
    backup.archived(place)
    back(place)
    assert rows(place.cluster) == (1002, 3000)


def test_what_was_not_archived_yet_is_taken_from_the_former_data(place):
    backup.take(place)
    write(place, 5000)
    back(place)
    assert rows(place.cluster) == (1001, 5000)


def test_a_moment_after_the_last_write_is_the_end(place):
    backup.take(place)
    write(place, 2001)
    backup.archived(place)
    back(place, datetime.now(UTC))
    assert rows(place.cluster) == (1001, 2001)


def test_a_copy_made_after_a_branching_can_still_be_restored(place):
    backup.take(place)
    early = datetime.now(UTC)
    time.sleep(0.3)
    write(place, 2001)
    second = backup.take(place)
    back(place, early)
    assert rows(place.cluster) == (1000, 1000)
    chosen = restoring.choose(Path(second["path"]))
    place.cluster.stop()
    aside = restoring.move_aside(place.cluster)
    restoring.bring_back(place.cluster, chosen, place.wal, Target(), lambda _: None, aside)
    assert rows(place.cluster) == (1001, 2001)


def test_files_and_keys_come_back_to_an_empty_machine_and_replace_nothing_on_a_living_one(
    place, var, tmp_path
):
    made = backup.take(place)
    with tarfile.open(Path(made["path"]) / "keys.tar") as tar:
        assert {"keys/licence.key", "secret_key"} <= set(tar.getnames())
    assert (Path(made["path"]) / "keys.tar").stat().st_mode & 0o077 == 0
    assert (place.folder / "files" / "ab" / "abcd").read_bytes() == b"paper"
    fresh = tmp_path / "var"
    fresh.mkdir()
    assert restoring._secrets(fresh, Path(made["path"]) / "keys.tar") == ["keys", "secret_key"]
    assert (fresh / "keys" / "licence.key").read_text() == "secret"
    (fresh / "secret_key").write_text("own")
    assert restoring._secrets(fresh, Path(made["path"]) / "keys.tar") == []
    assert (fresh / "secret_key").read_text() == "own"


def test_streams_and_files_of_other_nodes_are_not_among_the_keys(place, var):
    for name in ("node.json", "jetstream/x", "files/330100/ab"):
        path = var / "network" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    made = backup.take(place)
    with tarfile.open(Path(made["path"]) / "keys.tar") as tar:
        assert [n for n in tar.getnames() if n.startswith("network/")] == ["network/node.json"]


def test_old_backups_go_and_with_them_the_wal_only_they_needed(place):
    first = backup.take(place)
    for n in range(3):
        write(place, 2000 + n)
        newest = backup.take(place, keep=2)
    kept = backup.taken(place.folder)
    assert len(kept) == 2 and kept[-1]["path"] == newest["path"]
    assert not Path(first["path"]).exists()
    assert not (place.wal / first["wal_from"]).exists()
    back(place)
    assert rows(place.cluster) == (1003, 2002)


def test_the_drill_proves_a_backup_while_rows_are_written(place):
    backup.take(place)
    write(place, 2001)
    report = drill.run(place, database="postgres")
    assert report["passed"] and report["rows"] == 1001 and report["tables"] == 1
    assert json.loads(place.note.read_text())["drill"]["passed"]
    assert place.cluster.answers() and rows(place.cluster) == (1001, 2001)
    assert not (place.cluster.data.parent / "drill").exists()


def test_the_drill_names_the_table_that_differs(place, monkeypatch):
    backup.take(place)
    real = drill.sums

    def spoiled(connection):
        found = real(connection)
        return found if "drill" not in connection.info.host else found | {"kept": (999, 1)}

    monkeypatch.setattr(drill, "sums", spoiled)
    report = drill.run(place, database="postgres")
    assert not report["passed"] and report["differing"] == ["kept"]


def test_a_damaged_backup_is_refused_and_nothing_is_touched(place):
    made = backup.take(place)
    base = Path(made["path"]) / "base.tar.gz"
    base.write_bytes(base.read_bytes()[:-100] + b"x" * 100)
    with pytest.raises(Trouble, match="已损坏"):
        restoring._verify(restoring.choose(place.folder), lambda _: None)
    assert rows(place.cluster) == (1000, 1000)


def test_a_restore_that_fails_puts_the_former_data_back(place):
    made = backup.take(place)
    base = Path(made["path"]) / "base.tar.gz"
    base.write_bytes(base.read_bytes()[: made["bytes"] // 2])
    with pytest.raises(EOFError):
        back(place)
    place.cluster.start()
    assert rows(place.cluster) == (1000, 1000)


def test_moments_and_folders_that_cannot_be(place, tmp_path):
    made = backup.take(place)
    with pytest.raises(Trouble, match="不能理解"):
        restoring.moment("昨天")
    assert restoring.moment("2026-11-23T10:30:00").utcoffset() == timedelta(hours=8)
    with pytest.raises(Trouble, match="不到更早"):
        restoring.choose(place.folder, datetime.fromisoformat(made["at"]) - timedelta(days=1))
    with pytest.raises(Trouble, match="不是备份目录"):
        restoring.choose(tmp_path)
    with pytest.raises(Trouble, match="节点 330100"):
        restoring._same_node(
            restoring.choose(place.folder), Place(place.cluster, place.files, place.folder, "330200")
        )


def test_a_database_that_was_restored_begins_a_new_life(place, monkeypatch):
    monkeypatch.setattr(restoring.locations, "database", lambda: {"NAME": "postgres"})
    restoring.new_life(place.cluster)  # no such table yet
    with place.cluster.connect() as connection:
        connection.execute("CREATE TABLE exchange_self (incarnation uuid)")
        connection.execute("INSERT INTO exchange_self VALUES (gen_random_uuid())")
        before = connection.execute("SELECT incarnation FROM exchange_self").fetchone()
        restoring.new_life(place.cluster)
        assert connection.execute("SELECT incarnation FROM exchange_self").fetchone() != before
