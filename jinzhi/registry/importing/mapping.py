"""Which column is what: written as YAML by an operator, or chosen on the page with guesses made here.

    kind: certificate                 # or enterprise, or a kind of entries: inspection, equipment, award …
    source: 某市许可登记                # where the facts come from; a register keeps to its own facts
    source_on: 2026-11-01             # the day the source states them for (or a field with a column)
    scheme: us-chicago-licence        # whose numbers the field `identifier` holds
    newest_by: valid_from             # several rows of one holder: this date decides which describes it
    sheet: 清单                        # of a workbook; else the first that has content
    fields:
      name: 企业名称                    # a column
      address: {columns: [street, city], join: ", "}
      valid_from: {column: start, dates: ["%d/%m/%Y"]}
      status: {column: state, values: {A: valid, X: cancelled}}
      kind: {constant: food_production}
      place: {from: uscc}             # or {column: …} with codes or names, {constant: 330106 | elsewhere}
    facts:                            # entries only: what is shown of each, name: column
      结果: result

Column names are compared without case and spaces. A value missing from `values` is refused.
"""

from dataclasses import dataclass, field
from datetime import date

import yaml

from jinzhi.registry.importing.fields import (
    CERTIFICATE,
    ENTERPRISE,
    ENTRY_KINDS,
    fields_of,
    required_of,
    title,
)
from jinzhi.registry.importing.headers import plain

_OPTIONS = {"column", "columns", "join", "constant", "values", "dates", "from"}
_TOP = {
    "kind", "source", "source_on", "scheme", "newest_by", "fields", "title", "note", "facts", "sheet",
    "published",
}  # fmt: skip
MOST_FACTS = 60


class BadMapping(ValueError):
    """The mapping cannot be used with this table; says which part and why."""


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from."""

    columns: tuple[int, ...] = ()
    join: str = " "
    constant: str = ""
    values: dict[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    origin: str = ""  # place: "uscc"
    shown: str = ""  # the column name for messages


@dataclass(frozen=True)
class Mapping:
    kind: str
    source: str
    scheme: str
    newest_by: str
    fields: dict[str, Source]
    columns: tuple[str, ...]
    source_on: date | None = None
    facts: dict[str, int] = field(default_factory=dict)
    published: bool = False

    @property
    def is_entry(self) -> bool:
        return self.kind in ENTRY_KINDS


def read_yaml(text: str) -> dict:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise BadMapping(f"对应文件不是有效的 YAML{f'，第 {mark.line + 1} 行' if mark else ''}。") from None
    if not isinstance(raw, dict):
        raise BadMapping("对应文件应当写明 kind 和 fields。")
    return raw


def kinds() -> dict[str, str]:
    """The kinds of import and their Chinese names."""
    return {ENTERPRISE: "企业", CERTIFICATE: "证书及持证企业"} | {
        k: words for k, (_, words) in ENTRY_KINDS.items()
    }


def build(raw: dict, columns: list[str], kind: str = "", duplicates: tuple[str, ...] = ()) -> Mapping:
    """The mapping for a table with these columns; raises BadMapping."""
    kind = kind or str(raw.get("kind", ""))
    if kind not in kinds():
        raise BadMapping(f"kind 应为 {'、'.join(f'{k}（{w}）' for k, w in kinds().items())}。")
    if unknown := set(raw) - _TOP:
        raise BadMapping(f"不认识的项：{'、'.join(sorted(map(str, unknown)))}。")
    known = fields_of(kind)
    given = raw.get("fields") or {}
    if not isinstance(given, dict):
        raise BadMapping("fields 应当写成“字段: 列名”。")
    if unknown := set(given) - set(known):
        raise BadMapping(
            f"没有这样的字段：{'、'.join(sorted(map(str, unknown)))}。可用：{'、'.join(known)}。"
        )
    positions = _positions(columns)
    _once({n for said in given.values() for n in named(said)}, duplicates)
    fields = {
        name: _source(name, said, positions) for name, said in given.items() if said not in (None, "", {})
    }
    if missing := [known[name][0] for name in required_of(kind) if name not in fields]:
        found = "、".join(c for c in columns[:20] if c)
        raise BadMapping(f"没有指定：{'、'.join(missing)}。文件中的列：{found}。")
    newest_by = str(raw.get("newest_by", ""))
    if newest_by and newest_by not in fields:
        raise BadMapping(f"newest_by 所指的 {newest_by} 没有对应的列。")
    return Mapping(
        kind, str(raw.get("source", "") or "")[:60], str(raw.get("scheme", "") or "other")[:40], newest_by,
        fields, tuple(columns), _day(raw.get("source_on")), _facts(raw, positions, duplicates, kind),
        bool(raw.get("published", False)),
    )  # fmt: skip


def named(said: object) -> list[str]:
    """The column names a field's value speaks of."""
    if isinstance(said, str):
        return [said]
    if isinstance(said, dict):
        columns = said.get("columns")
        return [str(c) for c in (columns if isinstance(columns, list) else [said.get("column")]) if c]
    return []


def names_of(raw: dict) -> list[str]:
    """All column names of a mapping, whether or not it can be used."""
    given, facts = raw.get("fields"), raw.get("facts")
    values = [*(given.values() if isinstance(given, dict) else ())]
    values += [*(facts.values() if isinstance(facts, dict) else ())]
    return [name for said in values for name in named(said)]


def _positions(columns: list[str]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for index, name in enumerate(columns):
        positions.setdefault(plain(name), index)
    positions.pop("", None)
    return positions


def _once(names: set[str], duplicates: tuple[str, ...]) -> None:
    twice = {plain(d): d for d in duplicates}
    if unclear := sorted({twice[plain(n)] for n in names if plain(n) in twice}):
        raise BadMapping(
            f"文件有重复的列名：{'、'.join(unclear)}，不知道用哪一列。请在文件中改名，"
            f"或者不用这一列（第二个叫“{unclear[0]} (2)”）。"
        )


def _facts(raw: dict, positions: dict[str, int], duplicates: tuple[str, ...], kind: str) -> dict[str, int]:
    given = raw.get("facts") or {}
    if not given:
        return {}
    if kind not in ENTRY_KINDS:
        raise BadMapping("只有档案条目可以写 facts。")
    if isinstance(given, list):
        given = {str(c): str(c) for c in given}
    if not isinstance(given, dict) or len(given) > MOST_FACTS:
        raise BadMapping("facts 应当写成“名称: 列名”，至多 60 项。")
    _once(set(map(str, given.values())), duplicates)
    if lost := [str(c) for c in given.values() if plain(c) not in positions]:
        raise BadMapping(f"facts 对应的列“{'、'.join(lost)}”不在文件中。")
    return {str(label)[:60]: positions[plain(column)] for label, column in given.items()}


def _day(said: object) -> date | None:
    if not said:
        return None
    try:
        return said if isinstance(said, date) else date.fromisoformat(str(said))
    except ValueError:
        raise BadMapping(f"source_on 应为日期，如 2026-11-01，现为 {str(said)[:40]}。") from None


def _source(name: str, said: object, positions: dict[str, int]) -> Source:
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, dict) or (unknown := set(said) - _OPTIONS):
        extra = f"，不认识 {'、'.join(map(str, unknown))}" if isinstance(said, dict) else ""
        raise BadMapping(f"{title(name)}（{name}）的写法有误{extra}。")
    if "constant" in said:
        return Source(constant=str(said["constant"]))
    if "from" in said:
        if name != "place" or said["from"] != "uscc":
            raise BadMapping("只有 place 可以写 {from: uscc}。")
        return Source(origin="uscc")
    names = named(said)
    values = said.get("values") or {}
    if not names or not isinstance(values, dict):
        raise BadMapping(f"{title(name)}（{name}）的写法有误，应写明 column。")
    lost = [n for n in names if plain(n) not in positions]
    if lost:
        raise BadMapping(f"{title(name)}（{name}）对应的列“{'、'.join(lost)}”不在文件中。")
    dates = said.get("dates") or ()
    return Source(
        columns=tuple(positions[plain(n)] for n in names),
        join=str(said.get("join", " ")),
        values={plain(k): str(v) for k, v in values.items()},
        dates=(dates,) if isinstance(dates, str) else tuple(map(str, dates)),
        shown="、".join(names),
    )


def guess(columns: list[str], kind: str) -> dict[str, str]:
    """Field -> column whose name says it is that field; each column is used once."""
    free = {plain(name): name for name in columns if name}
    found = {}
    for name, (own, synonyms) in fields_of(kind).items():
        for synonym in (own, *synonyms):
            if column := free.pop(plain(synonym), None):
                found[name] = column
                break
    return found


def guessed(columns: list[str], kind: str = "") -> dict:
    """A whole mapping from the column names alone: the kind they fit best, a place told by the code if need be."""
    if not kind:
        kinds_ = (ENTERPRISE, CERTIFICATE)
        fits = {k: len(set(required_of(k)) - set(guess(columns, k)) - {"place"}) for k in kinds_}
        certificate = fits[CERTIFICATE] == 0 or "number" in guess(columns, CERTIFICATE)
        kind = CERTIFICATE if certificate and fits[CERTIFICATE] <= fits[ENTERPRISE] else ENTERPRISE
    fields: dict[str, object] = dict(guess(columns, kind))
    if "place" not in fields and "uscc" in fields:
        fields["place"] = {"from": "uscc"}
    return {"kind": kind, "fields": fields, "source": ""}


def score(raw: dict | None, kind: str = ""):
    """How well a row of names serves as header (see headers.find): by the mapping, else by guesses."""
    wanted = {plain(n) for n in names_of(raw)} if raw else set()

    def known(names: list[str]) -> int:
        if wanted:
            return len(wanted & {plain(n) for n in names})
        if len(names) > 400:
            return 0
        count = max(len(guess(names, k)) for k in ([kind] if kind in kinds() else [ENTERPRISE, CERTIFICATE]))
        return count if count > 1 else 0

    return known
