"""Static files: named files of npm packages beside our own, with content hashes in their addresses.

An app serves a file of an npm package by naming it in its AppConfig:
`package_files = {"echarts/echarts.min.js": "echarts/dist/echarts.min.js"}`.
"""

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.base import File
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage


def package_files() -> dict[str, Path]:
    """Address under /static/ -> installed file, for every app that names some."""
    found = {}
    for app in apps.get_app_configs():
        for address, source in getattr(app, "package_files", {}).items():
            path = settings.NODE_MODULES / source
            if path.is_file():
                found[address] = path
    return found


class _PackageStorage(Storage):
    """Reads the named files only; the packages hold thousands that nobody asks for."""

    prefix = ""

    def _open(self, name, mode="rb"):
        return File(package_files()[name].open("rb"), name=name)

    def path(self, name):
        return str(package_files()[name])

    def exists(self, name):
        return name in package_files()

    def get_modified_time(self, name):
        from datetime import UTC, datetime

        return datetime.fromtimestamp(package_files()[name].stat().st_mtime, UTC)


class PackageFinder(BaseFinder):
    def find(self, path, find_all=False, **kwargs):
        found = package_files().get(path)
        if find_all:
            return [str(found)] if found else []
        return str(found) if found else []

    def list(self, ignore_patterns):
        storage = _PackageStorage()
        for address in package_files():
            yield address, storage

    def check(self, **kwargs):
        return []


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashed and compressed; a source map or picture that a package leaves out is no error."""

    manifest_strict = False
    patterns = (  # addresses inside stylesheets; comments that point to source maps are left alone
        (
            "*.css",
            (
                r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))""",
                (r"""(?P<matched>@import\s*["']\s*(?P<url>.*?)["'])""", """@import url("%(url)s")"""),
            ),
        ),
    )

    def stored_name(self, name):
        """Before `collectstatic` has run (tests, a development server) the plain name serves."""
        try:
            return super().stored_name(name)
        except ValueError:
            return name
