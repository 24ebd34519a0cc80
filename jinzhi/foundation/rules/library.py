"""Finds, reads and keeps the rule files of all rooms. Read once per process; safe between threads."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps

from jinzhi.foundation.rules import linter
from jinzhi.foundation.rules.tables import DecisionTable
from jinzhi.foundation.rules.values import NoRule, Parameter, RuleError, Value


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is ten times as fast
    """YAML in which a key given twice is an error, and one that is no text (`on`, `off`, `01` unquoted)."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if doubled := {key for key in keys if keys.count(key) > 1}:
        raise yaml.YAMLError(f"键重复：{'、'.join(map(str, doubled))}{node.start_mark}")
    if wrong := [key for key in keys if not isinstance(key, str)]:
        raise yaml.YAMLError(f"键 {wrong[0]!r} 不是文字，请加引号{node.start_mark}")
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """The document of a YAML file; raises RuleError with the file's name."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as fault:
        raise RuleError(f"{path.name}: 不是有效的 YAML：{fault}") from fault


@dataclass(frozen=True)
class Library:
    parameters: dict[str, Parameter]
    tables: dict[str, tuple[DecisionTable, ...]]


def rule_files() -> Iterator[tuple[str, Path]]:
    """(room, file) of every `rules/*.yaml` of an installed room."""
    for config in apps.get_app_configs():
        if config.name.startswith("jinzhi."):
            room = config.name.removeprefix("jinzhi.")
            for path in sorted((Path(config.path) / "rules").glob("*.yaml")):
                yield room, path


def read(files: Iterator[tuple[str, Path]] | list[tuple[str, Path]]) -> Library:
    """A library from these files; raises RuleError on the first file that is not right."""
    parameters: dict[str, Parameter] = {}
    tables: dict[str, list[DecisionTable]] = {}
    for room, path in files:
        document = read_yaml(path)
        if problems := linter.lint_file(document):
            raise RuleError(f"{room}/{path.name}: {problems[0]}")
        for entry in document.get("parameters") or []:
            if entry["key"] in parameters:
                raise RuleError(
                    f"{room}/{path.name}: {entry['key']} 已在 {parameters[entry['key']].file} 中定义"
                )
            parameters[entry["key"]] = _parameter(entry, room, path.name)
        for entry in document.get("tables") or []:
            tables.setdefault(entry["key"], []).append(_table(entry, room, path.name))
    return Library(parameters, {key: _in_order(versions) for key, versions in tables.items()})


def _parameter(entry: dict, room: str, file: str) -> Parameter:
    rows = entry["values"]
    values = []
    for number, row in enumerate(rows):
        following = rows[number + 1]["from"] - timedelta(days=1) if number + 1 < len(rows) else None
        values.append(
            Value(
                key=entry["key"],
                title=entry["title"],
                unit=entry["unit"],
                value=row["value"],
                valid_from=row["from"],
                valid_to=row.get("to") or following,
                law=row["law"],
                article=row["article"],
                mark=row["mark"],
                note=row.get("note", ""),
            )
        )
    return Parameter(entry["key"], entry["title"], entry["unit"], room, file, tuple(values))


def _table(entry: dict, room: str, file: str) -> DecisionTable:
    return DecisionTable(
        key=entry["key"],
        title=entry["title"],
        valid_from=entry["from"],
        valid_to=entry.get("to"),
        law=entry["law"],
        article=entry["article"],
        mark=entry["mark"],
        inputs=tuple(entry["inputs"]),
        outputs=tuple(entry["outputs"]),
        rows=tuple(entry["rows"]),
        room=room,
        file=file,
    )


def _in_order(versions: list[DecisionTable]) -> tuple[DecisionTable, ...]:
    ordered = sorted(versions, key=lambda version: version.valid_from)
    for earlier, later in pairwise(ordered):
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise RuleError(f"{later.room}/{later.file}: 决策表 {later.key} 的有效期与前一版重叠")
    return tuple(ordered)


_lock = threading.Lock()
_library: Library | None = None


def library() -> Library:
    global _library
    if _library is None:
        with _lock:
            if _library is None:
                _library = read(rule_files())
    return _library


def forget() -> None:
    """Read the files again at the next question (for tests and editors of rules)."""
    global _library
    _library = None


def value(key: str, on: date) -> Value:
    """The value of `key` in force on the day `on`; raises NoRule with a sentence that names both."""
    parameter = _known(key)
    if found := parameter.on(on):
        return found
    first = parameter.values[0].valid_from
    reason = f"最早的规定自 {first} 起" if on < first else "当日没有有效的规定"
    raise NoRule(f"参数“{parameter.title}”（{key}）在 {on} 无值：{reason}")


def values(prefix: str, on: date) -> dict[str, Value]:
    """All values in force on `on` whose key begins with `prefix`, by key."""
    found = {p.key: p.on(on) for p in library().parameters.values() if p.key.startswith(prefix)}
    return {key: one for key, one in found.items() if one}


def history(key: str) -> list[Value]:
    """Every value `key` has had, oldest first."""
    return list(_known(key).values)


def table(key: str, on: date) -> DecisionTable:
    versions = library().tables.get(key)
    if not versions:
        raise NoRule(f"没有名为 {key} 的决策表")
    for version in versions:
        if version.holds_on(on):
            return version
    raise NoRule(f"决策表“{versions[0].title}”（{key}）在 {on} 没有有效版本")


def all_parameters() -> list[Parameter]:
    """Every parameter, by room and key."""
    return sorted(library().parameters.values(), key=lambda p: (p.room, p.file, p.key))


def all_tables() -> list[DecisionTable]:
    """Every version of every decision table, by room and key."""
    found = (version for versions in library().tables.values() for version in versions)
    return sorted(found, key=lambda t: (t.room, t.key, t.valid_from))


def _known(key: str) -> Parameter:
    try:
        return library().parameters[key]
    except KeyError:
        raise NoRule(f"没有名为 {key} 的参数") from None


def lint(files: list[tuple[str, Path]] | None = None) -> list[str]:
    """Everything wrong with the rule files, one sentence each; empty when all is right."""
    files = list(rule_files()) if files is None else files
    problems = []
    for room, path in files:
        try:
            problems += [f"{room}/{path.name}: {p}" for p in linter.lint_file(read_yaml(path))]
        except RuleError as fault:
            problems.append(f"{room}/{fault}")
    if not problems:
        try:
            read(files)  # keys defined twice, versions of tables that overlap
        except RuleError as fault:
            problems.append(str(fault))
    return problems
