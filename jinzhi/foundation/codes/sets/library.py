"""Reads the code sets and answers which version holds on a day.

The same code may mean different things in two versions, so an item is known by version and code.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinzhi.foundation.rules.library import read_yaml
from jinzhi.foundation.rules.values import MARKS, RuleError

FOLDER = Path(__file__).parent
ITEM_KEYS = {"name", "varieties", "special", "mandatory_from", "batch", "note"}


class NoSet(LookupError):
    """No such code set, or no version in force on that day."""


@dataclass(frozen=True)
class Item:
    code: str
    name: str
    parent: str = ""
    varieties: tuple[str, ...] = ()
    special: bool = False
    mandatory_from: date | None = None
    batch: int | None = None
    note: str = ""


@dataclass(frozen=True)
class CodeSet:
    """One version of a list. `complete`: whether its detail codes are all there."""

    name: str
    version: str
    title: str
    valid_from: date
    valid_to: date | None
    authority: str
    mark: str
    complete: bool
    items: dict[str, Item] = field(repr=False)
    set_title: str = ""
    standard: str = ""

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def main(self) -> list[Item]:
        """The items without a parent, in order."""
        return [item for item in self.items.values() if not item.parent]

    def children(self, code: str) -> list[Item]:
        return [item for item in self.items.values() if item.parent == code]

    def name_of(self, code: str) -> str:
        """Name of an item; of its category when only that is listed; else nothing."""
        item = self.items.get(code) or self.items.get(code[:2])
        return item.name if item else ""


@cache
def versions(name: str) -> tuple[CodeSet, ...]:
    """Every version of a set, oldest first. Raises NoSet."""
    path = FOLDER / f"{name}.yaml"
    if not name.isidentifier() or not path.exists():
        raise NoSet(f"没有名为 {name} 的代码集")
    document = read_yaml(path)
    about = (document.get("title", ""), document.get("standard", ""))
    return tuple(_version(name, entry, *about) for entry in document["versions"])


def _version(name: str, entry: dict[str, Any], set_title: str, standard: str) -> CodeSet:
    items: dict[str, Item] = {}
    _take(items, entry["categories"], "")
    return CodeSet(
        name=name,
        version=str(entry["version"]),
        title=entry["title"],
        valid_from=entry["from"],
        valid_to=entry.get("to"),
        authority=entry["authority"],
        mark=entry["mark"],
        complete=entry["complete"],
        items=items,
        set_title=set_title,
        standard=standard,
    )


def _take(items: dict[str, Item], entries: dict[str, Any], parent: str) -> None:
    """The codes and those below them, as deep as they go."""
    for code, value in entries.items():
        fields = value if isinstance(value, dict) else {"name": value}
        items[code] = _item(code, {k: v for k, v in fields.items() if k != "details"}, parent)
        _take(items, fields.get("details", {}), code)


def _item(code: str, entry: dict[str, Any], parent: str) -> Item:
    if unknown := set(entry) - ITEM_KEYS:
        raise RuleError(f"代码 {code}: 未知的键 {unknown}")
    return Item(code=code, parent=parent, **{**entry, "varieties": tuple(entry.get("varieties", ()))})


def get(name: str, on: date) -> CodeSet:
    """The version of set `name` in force on the day `on`. Raises NoSet."""
    for found in versions(name):
        if found.holds_on(on):
            return found
    raise NoSet(f"代码集 {name} 在 {on} 没有有效版本")


def version(name: str, number: str) -> CodeSet:
    for found in versions(name):
        if found.version == number:
            return found
    raise NoSet(f"代码集 {name} 没有 {number} 版")


def latest(name: str) -> CodeSet:
    return versions(name)[-1]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def forget() -> None:
    versions.cache_clear()


def lint() -> list[str]:
    """Everything wrong with the shipped code sets."""
    problems = []
    for name in names():
        try:
            found = versions(name)
        except (RuleError, KeyError, TypeError, ValueError, AttributeError) as fault:
            problems.append(f"codes/sets/{name}.yaml: {fault!r}")
            continue
        problems += [f"codes/sets/{name}.yaml: {p}" for p in _lint(found)]
    return problems


def _below(code: str, parent: str) -> bool:
    """Longer by its own figures, or of one length with the figures where the parent has noughts (2110 below 2100)."""
    begins = parent if len(code) > len(parent) else parent.rstrip("0")
    return code.startswith(begins) and code != parent


def _lint(found: tuple[CodeSet, ...]) -> list[str]:
    problems = []
    for one in found:
        if one.mark not in MARKS:
            problems.append(f"{one.version} 版的 mark 应为 {'、'.join(MARKS)} 之一")
        for item in one.items.values():
            if item.parent and not _below(item.code, item.parent):
                problems.append(f"{one.version} 版：{item.code} 不在大类 {item.parent} 之下")
            if not isinstance(item.code, str) or not item.name:
                problems.append(f"{one.version} 版：代码 {item.code!r} 应为文字且有名称")
    for earlier, later in pairwise(found):
        if earlier.valid_to is None or earlier.valid_to + timedelta(1) > later.valid_from:
            problems.append(f"{later.version} 版与 {earlier.version} 版的有效期重叠")
    return problems
