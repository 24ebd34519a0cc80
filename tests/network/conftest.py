"""One laboratory for all fault tests of a run."""

import shutil

import pytest

from jinzhi.runtime import testing
from tests.network.lab import Lab


@pytest.fixture(scope="session")
def _lab(test_database):
    folder = testing.open_folder()
    lab = Lab(folder, test_database.cluster, test_database.name)
    try:
        lab.join()
        lab.settle()
        yield lab
    finally:
        lab.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lab(_lab):
    """Everything runs and agrees before and after each test."""
    _lab.keeping.set()
    yield _lab
    _lab.keeping.set()
    for node in _lab.cities:
        _lab.mend(node)
