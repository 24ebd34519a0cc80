"""Test databases, scopes, a live server and a browser for all tests. See jinzhi/runtime/testing.py."""

import os
import shutil
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase, override_settings

from jinzhi.foundation.places import scope
from jinzhi.runtime import testing
from jinzhi.runtime.postgres import Cluster


def pytest_configure(config):
    config.addinivalue_line("markers", "unscoped: starts in scope NOBODY instead of SYSTEM")


def pytest_collection_finish(session):
    """Tests of one `xdist_group` share a laboratory: a runner that scatters them must not pass for one that does not."""
    if not getattr(session.config.option, "loadgroup", False):
        return
    for item in session.items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError(
                f"--dist loadgroup does not group {item.nodeid}: see pytest in pyproject.toml"
            )


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
        if apps.ready:
            import_module("jinzhi.casework.models").forget_published()  # its keys begin again

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
        KEYS=testing.VAR / "keys",  # where the template of the database was made, and the live server looks
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        STORAGES=settings.STORAGES
        | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        PASSWORD_HASHERS=["jinzhi.runtime.testing.QuickHasher"],
        API_RATE="1000000/m",
    ):
        yield


def _wants_database(request) -> str:
    names = request.fixturenames
    marker = request.node.get_closest_marker("django_db")
    if "transactional_db" in names or "live" in names or (marker and marker.kwargs.get("transaction")):
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


# -- servers of their own


@pytest.fixture
def var():
    """A var/ that does not exist yet, where PostgreSQL can live."""
    folder = testing.open_folder()
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def cluster(var):
    """An embedded server that is not started yet."""
    server = Cluster(var, {"shared_buffers": "16MB"})
    yield server
    server.stop("immediate")
    shutil.rmtree(server.sockets, ignore_errors=True)


# -- browser tests


@pytest.fixture(scope="session")
def _live_server(test_database, django_db_setup):
    kept = {"JINZHI_SECRET_KEY": settings.SECRET_KEY, "JINZHI_FILES": str(settings.MEDIA_ROOT)}
    with testing.live_server(test_database.name, **kept) as address:
        yield address


@pytest.fixture
def live(transactional_db, _live_server) -> str:
    """Address of the real web server, in demonstration mode, on this test's database."""
    return _live_server


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's own loop runs in this thread
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=testing.chromium(), args=testing.BROWSER_FLAGS, chromium_sandbox=False
        )
        yield chromium
        chromium.close()


def _open_page(browser, live, **options):
    context = browser.new_context(base_url=live, locale="zh-CN", timezone_id="Asia/Shanghai", **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.script_errors = []
    page.on("pageerror", lambda error: page.script_errors.append(str(error)))
    page.on("console", lambda line: _note_policy_breach(page, line.text))
    return page


def _note_policy_breach(page, text: str) -> None:
    if "Content Security Policy" in text:
        page.script_errors.append(text)


def _close_page(page) -> None:
    errors = page.script_errors
    page.context.close()
    assert not errors, f"script errors or policy breaches on the page: {errors}"


@pytest.fixture
def page(browser, live):
    """A desktop page whose script errors and content-policy breaches fail the test (`page.script_errors`)."""
    page = _open_page(browser, live, viewport={"width": 1440, "height": 900})
    yield page
    _close_page(page)


@pytest.fixture
def phone(browser, live):
    """The same at 390 px with touch."""
    page = _open_page(browser, live, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    yield page
    _close_page(page)


@pytest.fixture(scope="session")
def accessibility():
    """`accessibility(page)` lists axe-core's WCAG 2.2 AA violations of a page."""
    source = (settings.BASE_DIR / "node_modules/axe-core/axe.min.js").read_text()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

    def violations(page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
        return [f"{v['id']}: {v['help']} · {n['target']}" for v in found for n in v["nodes"]]

    return violations
