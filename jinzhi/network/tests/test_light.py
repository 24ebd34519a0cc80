"""Relay and inbox run in every node beside web server and worker: what they load is counted in memory, many times over."""

import subprocess
import sys

import pytest
from django.conf import settings

LOAD = (
    "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'jinzhi.settings'; django.setup();"
    " import jinzhi.network.{name};"
    " print(*sorted({{'polars', 'duckdb', 'pyhanko', 'openpyxl'}} & set(sys.modules)))"
)


@pytest.mark.parametrize("name", ["relay", "inbox"])
def test_libraries_for_imports_comparisons_and_signatures_are_left_to_those_who_need_them(name):
    found = subprocess.run(
        [sys.executable, "-c", LOAD.format(name=name)], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert found.stdout.split() == []
