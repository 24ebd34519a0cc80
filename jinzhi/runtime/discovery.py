"""What the installed rooms declare: bootstrap hooks, checks, commands, URLs, API routers.

A room is an installed app under `jinzhi.`; adding one edits nothing here.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.apps import apps


def rooms() -> list[str]:
    return [config.name for config in apps.get_app_configs() if config.name.startswith("jinzhi.")]


def declared(module: str) -> Iterator[tuple[str, ModuleType]]:
    """(room, its `module`) for each room that has one."""
    for room in rooms():
        if find_spec(f"{room}.{module}"):
            yield room, import_module(f"{room}.{module}")


def system_scope() -> AbstractContextManager:
    from jinzhi.foundation.places import scope

    return scope.acting(scope.SYSTEM)
