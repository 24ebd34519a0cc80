"""Folders and servers of their own for tests of the runtime."""

import shutil
import tempfile
from pathlib import Path

import pytest

from jinzhi.runtime.postgres import Cluster


def open_folder() -> Path:
    """A short path that PostgreSQL's user can walk to (pytest's own folders are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="jinzhi-test-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def var():
    folder = open_folder()
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def cluster(var):
    server = Cluster(var, {"shared_buffers": "16MB"})
    yield server
    server.stop("immediate")
    shutil.rmtree(server.sockets, ignore_errors=True)
