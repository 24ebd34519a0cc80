"""Test databases, scopes, a live server and a browser for all tests. See jinzhi/runtime/testing.py."""

import os

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase, override_settings

from jinzhi.foundation.places import scope
from jinzhi.runtime import testing


def pytest_configure(config):
    config.addinivalue_line("markers", "unscoped: starts in scope NOBODY instead of SYSTEM")


class TestDatabase:
    """This process's clone of the template."""

    def __init__(self):
        self.use = testing.Use()
        self.cluster = self.use.take()
        self.template = testing.template(self.cluster)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.name = f"jinzhi_test_{os.getpid()}_{worker}"
        self.renew()

    def renew(self, *_):
        """A fresh clone: faster than emptying every table, and what the rooms loaded is back too."""
        connections.close_all()
        testing.clone(self.cluster, self.template, self.name)

    def close(self):
        connections.close_all()
        testing.drop(self.cluster, self.name)
        self.use.give_back()


@pytest.fixture(scope="session")
def test_database(django_db_blocker):
    with django_db_blocker.unblock():
        database = TestDatabase()
        yield database
        database.close()


@pytest.fixture(scope="session")
def django_db_setup(test_database):
    """Points Django at the clone, as the runtime role, in place of pytest-django's own test databases."""
    place = {"NAME": test_database.name, "HOST": str(test_database.cluster.sockets), "PORT": "5432"}
    place |= {"USER": testing.locations.APP_ROLE, "PASSWORD": "", "OPTIONS": {}}
    for config in (connections.settings["default"], connection.settings_dict):
        config.update(place)
    former = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = test_database.renew
    yield
    TransactionTestCase._fixture_teardown = former


@pytest.fixture(scope="session", autouse=True)
def _test_settings(tmp_path_factory):
    with override_settings(
        MEDIA_ROOT=tmp_path_factory.mktemp("files"),
        STORAGES=settings.STORAGES
        | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


def _wants_database(request) -> str:
    names = request.fixturenames
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in names or (marker and marker.kwargs.get("transaction")):
        return "transactional_db"
    return "db" if marker or "db" in names else ""


@pytest.fixture(autouse=True)
def _scope(request):
    """Tests begin in SYSTEM scope (or NOBODY when marked `unscoped`) and leave none behind."""
    begin = scope.NOBODY if request.node.get_closest_marker("unscoped") else scope.SYSTEM
    if database := _wants_database(request):
        request.getfixturevalue(database)
        scope.enter(begin)
    else:
        scope._current.set(begin)
    yield
    scope._current.set(scope.NOBODY)  # the rollback (or the new clone) resets the connection itself
