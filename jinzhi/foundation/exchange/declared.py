"""What a room shares: datasets with their fields, legal basis and audience, found in its `datasets.py`.

A dataset stands on a table whose rows are `places.models.Record`s, or it has no table and consists of
documents (`documents.publish`). The catalogue of shared data, capture, the checks at the border and
reconciliation all read these declarations.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

TYPES = {
    "text": "字符型",
    "integer": "整数型",
    "decimal": "数值型",
    "date": "日期型",
    "datetime": "日期时间型",
    "boolean": "布尔型",
    "uuid": "标识型",
    "json": "结构型",
}
SHARING = {"unconditional": "无条件共享", "conditional": "有条件共享", "no": "不予共享"}
FLOWS = {"up": "市报省", "down": "省发市", "both": "双向", "in": "外部提供", "out": "向外提供"}
BASE = ("id", "place", "owner_node", "version", "created_at", "updated_at")  # in the envelope, not the body


@dataclass(frozen=True)
class Field:
    """One item (信息项). `scheme` is a check-digit scheme, `codes` a code set the value must be of (E04, E05)."""

    key: str
    title: str
    type: str = "text"
    required: bool = False
    length: int = 0  # characters at most; 0: no bound
    share: str = "unconditional"
    open: bool = False  # may be shown to the public
    codes: frozenset[str] = frozenset()
    scheme: str = ""


@dataclass(frozen=True)
class Dataset:
    """One set of shared data (信息资源).

    `down` says which cities receive what the hub holds: "all", only the one the row's "place" lies in, or "".
    `references` maps a field to the dataset whose record must be there first. `carried` are columns that
    travel with the row but are no items of the catalogue. `applied` is called with the bodies of documents
    that came in, inside the transaction: the room makes its own rows of them (a ValueError refuses them).
    `offered` yields the bodies of what this node could publish; the hub does so.
    """

    key: str
    title: str
    summary: str
    identifier: str  # GB/T 21063.5: prefix of the organ / suffix
    classification: str  # 2017 code of the national guide
    fields: tuple[Field, ...]
    legal_basis: str = ""
    table: str = ""
    into: str = "table"  # where it lands at another node: its own table there, or "document"
    schema: int = 1
    compatible_from: int = 1  # oldest schema whose messages are still understood
    flow: str = "both"
    down: str = ""
    audience: frozenset[str] = frozenset({"province"})
    frequency: str = "实时"
    share: str = "unconditional"
    owner: str = "330000"
    keywords: str = ""
    published_on: str = ""
    references: dict[str, str] = field(default_factory=dict)
    carried: tuple[str, ...] = ()
    append_only: bool = False  # rows that nobody may change once written
    rows: str = "true"  # SQL condition on the row `n`: which rows are shared at all
    key_fields: tuple[str, ...] = ()  # by which a partner knows a record
    applied: Callable[[list[dict]], None] | None = None
    offered: Callable[[], Iterable[dict]] | None = None  # what the hub publishes of it; see documents.offer

    @cached_property
    def by_key(self) -> dict[str, Field]:
        return {one.key: one for one in self.fields}

    @cached_property
    def items(self) -> list[tuple[str, bool, int, Field]]:
        """(key, whether it is text that only its length bounds, that length, the item) of each item."""
        return [
            (one.key, one.type == "text" and not one.codes and not one.scheme, one.length or sys.maxsize, one)
            for one in self.fields
        ]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that travel in the body."""
        return tuple(one.key for one in self.fields) + self.carried

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.columns)

    @property
    def in_table(self) -> bool:
        """Whether rows that arrive here go into the dataset's own table."""
        return bool(self.table) and self.into == "table"


class Undeclared(LookupError):
    """No installed room declares this dataset."""


def _modules() -> Iterable:
    for config in apps.get_app_configs():
        if config.name.startswith("jinzhi.") and find_spec(f"{config.name}.datasets"):
            yield config.name, import_module(f"{config.name}.datasets")


@cache
def all() -> dict[str, Dataset]:
    """Every declared dataset by its key, those that others refer to first."""
    found: dict[str, Dataset] = {}
    for room, module in _modules():
        for one in module.DATASETS:
            if one.key in found:
                raise RuntimeError(f"{room} declares dataset {one.key} a second time")
            found[one.key] = one
    ordered: dict[str, Dataset] = {}

    def place(one: Dataset) -> None:
        if one.key in ordered:
            return
        for parent in one.references.values():
            if parent != one.key:
                place(found[parent])
        ordered[one.key] = one

    for one in found.values():
        place(one)
    return ordered


def get(key: str) -> Dataset:
    try:
        return all()[key]
    except KeyError:
        raise Undeclared(f"没有登记的数据集：{key[:80]}") from None
