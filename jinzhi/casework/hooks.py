"""Where a domain plugs its own rules into the engine, by name: guards before an act, effects after it.

A room registers functions in its `casework_hooks.py`; procedures name them (`guard:`, `effect:`). Both
receive an `actions.Act` inside the case's transaction, with the case locked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps

_hooks: dict[str, Callable[[Any], None]] = {}


def hook(name: str) -> Callable:
    """Register a guard (raises actions.Refused) or an effect under `name`."""

    def register(function: Callable[[Any], None]) -> Callable[[Any], None]:
        _hooks[name] = function
        return function

    return register


@dataclass(frozen=True)
class StepPage:
    """A step's own page: what its template gets, and how the posted form becomes (reason, payload)."""

    context: Callable[..., dict]
    read: Callable[..., tuple[str, dict]]


_pages: dict[str, StepPage] = {}


def step_page(template: str, context: Callable[..., dict], read: Callable[..., tuple[str, dict]]) -> None:
    """Register the page that a procedure names with `page:`; context(case, step), read(request)."""
    _pages[template] = StepPage(context, read)


def page_of(template: str) -> StepPage:
    return _pages[template]


_previews: dict[str, Callable[..., list[tuple[str, str]]]] = {}


def previews(effect: str) -> Callable:
    """Register what an effect will print or enter, as (label, value) lines shown before the act."""

    def register(function: Callable[..., list[tuple[str, str]]]) -> Callable[..., list[tuple[str, str]]]:
        _previews[effect] = function
        return function

    return register


def preview(effect: str, case: Any) -> list[tuple[str, str]]:
    return _previews[effect](case) if effect in _previews else []


def has_page(template: str) -> bool:
    return template in _pages


def known(name: str) -> bool:
    return name in _hooks


def run(name: str, act: Any) -> None:
    if name:
        _hooks[name](act)


def discover() -> None:
    for app in apps.get_app_configs():
        module = f"{app.name}.casework_hooks"
        if app.name.startswith("jinzhi.") and find_spec(module):
            import_module(module)
