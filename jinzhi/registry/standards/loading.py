"""Loading a catalogue of standards: every row is taken or answered with its line, column, value and reason.

Columns: docs/laws-and-standards.md. `accepted + refused = read`, `inserted + updated + unchanged = accepted`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from jinzhi.foundation.codes import tabular
from jinzhi.registry.standards import numbers, services
from jinzhi.registry.standards.models import Replacement, Standard

Unreadable = tabular.Unreadable
COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("标准号", "标准编号"),
    "title": ("名称", "中文名称", "标准名称"),
    "title_en": ("英文名称",),
    "ics": ("ICS", "ICS分类号"),
    "ccs": ("CCS", "CCS分类号", "中标分类", "中国标准分类号"),
    "issued_on": ("发布日期",),
    "effective_on": ("实施日期",),
    "abolished_on": ("废止日期", "作废日期"),
    "transition_until": ("过渡期至",),
    "replaces": ("代替标准", "全部代替标准"),
    "partly_replaces": ("部分代替标准", "部分代替"),
    "renumbered_from": ("原标准号", "改号前"),
    "adopts": ("采用标准", "采标"),
    "issuer": ("发布单位", "发布部门"),
    "text_url": ("文本", "文本地址"),
    "remark": ("备注",),
}
REQUIRED = ("number", "title")
DATES = ("issued_on", "effective_on", "abolished_on", "transition_until")
EXTENTS = {
    "replaces": Replacement.Extent.FULL,
    "partly_replaces": Replacement.Extent.PARTIAL,
    "renumbered_from": Replacement.Extent.RENUMBER,
}
ICS = re.compile(r"\d{2}(\.\d{3}(\.\d{2})?)?")
CCS = re.compile(r"[A-HJ-NP-Z]\d{2}")
DEGREES = {
    "IDT": "IDT",
    "MOD": "MOD",
    "NEQ": "NEQ",
    "EQV": "MOD",
    "等同": "IDT",
    "修改": "MOD",
    "等效": "MOD",
    "非等效": "NEQ",
}
LENGTHS = {"title": 200, "title_en": 300, "issuer": 100, "text_url": 300, "remark": 200}
FIELDS = (
    "family", "bare", "kind", "nature", "year", "title", "title_en", "ics", "ccs", *DATES, "adopts", "issuer",
    "text_url", "remark", "is_demo",
)  # fmt: skip
PIECE = 2000


@dataclass(frozen=True)
class Refusal:
    line: int
    column: str
    value: str
    reason: str


@dataclass
class Loaded:
    read: int = 0
    refused: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    edges: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    errors_file: str = ""

    @property
    def accepted(self) -> int:
        return self.read - self.refused

    def as_dict(self) -> dict[str, Any]:
        return {
            "read": self.read, "accepted": self.accepted, "refused": self.refused, "inserted": self.inserted,
            "updated": self.updated, "unchanged": self.unchanged, "edges": self.edges,
            "errors": [vars(r) for r in self.refusals[:100]], "errors_file": self.errors_file,
        }  # fmt: skip


class Wrong(ValueError):
    """A cell that cannot be taken."""

    def __init__(self, column: str, value: str, reason: str):
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


@dataclass
class Row:
    line: int
    standard: Standard
    edges: list[Replacement]


def load(path: Path, *, demo: bool = False, dry_run: bool = False) -> Loaded:
    """Load a table of standards (CSV, xlsx, Parquet). Raises Unreadable; then nothing is written."""
    try:
        return _load(path, demo=demo, dry_run=dry_run, careful=False)
    except tabular.Ragged:
        return _load(path, demo=demo, dry_run=dry_run, careful=True)


@transaction.atomic
def _load(path: Path, *, demo: bool, dry_run: bool, careful: bool) -> Loaded:
    result = Loaded()
    rows: dict[str, Row] = {}
    for line, cells in _rows(path, careful):
        result.read += 1
        try:
            row = _row(line, cells, demo)
            if row.standard.number in rows:
                first = rows[row.standard.number].line
                raise Wrong("number", cells["number"], f"与第 {first} 行是同一个标准号")
            rows[row.standard.number] = row
        except Wrong as wrong:
            _refuse(result, line, wrong)
    _without_cycles(rows, result)
    _write(list(rows.values()), result)
    if dry_run:
        transaction.set_rollback(True)
    return result


def _refuse(result: Loaded, line: int, wrong: Wrong) -> None:
    result.refused += 1
    result.refusals.append(Refusal(line, COLUMNS[wrong.column][0], wrong.value[:100], wrong.reason))


def _rows(path: Path, careful: bool) -> Iterator[tuple[int, dict[str, str]]]:
    with tabular.opened(path, careful=careful) as table:
        places = _places(table.columns)
        line = 1
        for frame in table.frames:
            for cells in frame.iter_rows():
                line += 1
                if any((c or "").strip() for c in cells):
                    yield line, {name: (cells[place] or "").strip() for name, place in places.items()}


def _places(columns: list[str]) -> dict[str, int]:
    """Which column stands where, by its name or its Chinese title."""
    plain = [c.strip().lower().replace(" ", "") for c in columns]
    found = {}
    for name, titles in COLUMNS.items():
        for title in (name, *titles):
            if title.lower() in plain:
                found[name] = plain.index(title.lower())
                break
    if missing := [COLUMNS[name][0] for name in REQUIRED if name not in found]:
        raise Unreadable(f"缺少列：{'、'.join(missing)}")
    return found


def _row(line: int, cells: dict[str, str], demo: bool) -> Row:
    number = _number("number", cells["number"])
    if not number.year:
        raise Wrong("number", cells["number"], "没有年份")
    title = cells["title"]
    if not title:
        raise Wrong("title", "", "没有名称")
    for name, most in LENGTHS.items():
        if len(cells.get(name, "")) > most:
            raise Wrong(name, cells[name], f"超过 {most} 个字符")
    dates = {name: _date(name, cells.get(name, "")) for name in DATES}
    _in_order(cells, dates)
    standard = Standard(
        number=number.text, family=number.family, bare=number.bare, kind=number.kind, nature=number.nature,
        year=number.year, title=title, title_en=cells.get("title_en", ""), ics=_ics(cells.get("ics", "")),
        ccs=_ccs(cells.get("ccs", "")), adopts=_adopts(cells.get("adopts", "")), issuer=cells.get("issuer", ""),
        text_url=_url(cells.get("text_url", "")), remark=cells.get("remark", ""), is_demo=demo, **dates,
    )  # fmt: skip
    return Row(line, standard, _edges(number.text, cells))


def _number(column: str, text: str) -> numbers.Number:
    try:
        return services.parse(text)
    except numbers.BadNumber as fault:
        raise Wrong(column, text, str(fault)) from None


def _date(column: str, text: str) -> date | None:
    if not text:
        return None
    plain = text.replace("/", "-").replace(".", "-").replace("年", "-").replace("月", "-").replace("日", "")
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S"):
        try:
            found = datetime.strptime(plain, form).date()
        except ValueError:
            continue
        if 1900 <= found.year <= 2100:
            return found
    raise Wrong(column, text, "不是日期，应写作 2012-04-20")


def _in_order(cells: dict[str, str], dates: dict[str, date | None]) -> None:
    issued, effective, abolished = dates["issued_on"], dates["effective_on"], dates["abolished_on"]
    if issued and effective and effective < issued:
        raise Wrong("effective_on", cells["effective_on"], f"实施日期早于发布日期 {issued}")
    first = effective or issued
    if abolished and first and abolished < first:
        raise Wrong("abolished_on", cells["abolished_on"], f"废止日期早于 {first}")


def _parts(text: str) -> list[str]:
    return [part for raw in re.split(r"[;；,，、\n|]+", text) if (part := raw.strip())]


def _ics(text: str) -> list[str]:
    found = _parts(text)
    for one in found:
        if not ICS.fullmatch(one):
            digits = one.replace(".", "")
            hint = (
                f"，是否为 {digits[:2]}.{digits[2:5]}" if digits.isdigit() and len(digits) in (5, 7) else ""
            )
            raise Wrong("ics", one, f"ICS 应写作 67.040 或 67.080.01{hint}")
    return found


def _ccs(text: str) -> str:
    code = text.upper().replace(" ", "")
    if code and not CCS.fullmatch(code):
        raise Wrong("ccs", text, "中标分类应为一个字母（没有 I 和 O）和两位数字，如 X08")
    return code


def _url(text: str) -> str:
    if text and not re.match(r"https?://|/(?!/)", text):
        raise Wrong("text_url", text, "文本地址应以 https:// 开头")
    return text


def _adopts(text: str) -> list[dict[str, str]]:
    found = []
    for part in _parts(text):
        match = re.search(rf"[\s(（]*({'|'.join(DEGREES)})[)）]?$", part, re.I)
        if not match:
            raise Wrong("adopts", part, "应写明采用程度，如 ISO 9001:2015 IDT")
        number = _number("adopts", part[: match.start()])
        found.append({"number": number.text, "degree": DEGREES[match[1].upper()]})
    return found


def _edges(newer: str, cells: dict[str, str]) -> list[Replacement]:
    found: dict[str, Replacement] = {}
    for column, extent in EXTENTS.items():
        for part in _parts(cells.get(column, "")):
            older = _number(column, part)
            if not older.year:
                raise Wrong(column, part, "被代替的标准没有写年份")
            if older.text == newer:
                raise Wrong(column, part, "标准不能代替自己")
            if older.text in found:
                raise Wrong(column, part, "同一个标准写了两次")
            found[older.text] = Replacement(newer=newer, older=older.text, extent=extent)
    return list(found.values())


def _without_cycles(rows: dict[str, Row], result: Loaded) -> None:
    """Refuse rows whose replacements would close a circle, with those the catalogue already has."""
    forward: dict[str, set[str]] = {}
    for newer, older in Replacement.objects.exclude(newer__in=rows).values_list("newer", "older"):
        forward.setdefault(older, set()).add(newer)
    for number in list(rows):
        for edge in rows[number].edges:
            if route := _route(forward, number, edge.older):
                circle = " → ".join([*route, number])
                _refuse(result, rows[number].line, Wrong("replaces", edge.older, f"代替关系成环：{circle}"))
                for taken in rows[number].edges:
                    forward.get(taken.older, set()).discard(number)
                del rows[number]
                break
            forward.setdefault(edge.older, set()).add(number)


def _route(forward: dict[str, set[str]], start: str, goal: str) -> list[str]:
    """A way from `start` to `goal` along what replaced what, or nothing."""
    came: dict[str, str] = {start: ""}
    open_ = [start]
    while open_:
        here = open_.pop()
        if here == goal:
            route = [here]
            while came[route[0]]:
                route.insert(0, came[route[0]])
            return route
        for following in forward.get(here, ()):
            if following not in came:
                came[following] = here
                open_.append(following)
    return []


def write(rows: list[Row]) -> Loaded:
    """Enter standards that are known to be right, or change those that are here (what another node sent)."""
    result = Loaded(read=len(rows))
    _write(rows, result)
    return result


def _write(rows: list[Row], result: Loaded) -> None:
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        names = [r.standard.number for r in piece]
        held = Standard.objects.in_bulk(names, field_name="number")
        edges: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
        for newer, older, extent in Replacement.objects.filter(newer__in=names).values_list(
            "newer", "older", "extent"
        ):
            edges[newer].add((older, extent))
        fresh = [r for r in piece if r.standard.number not in held]
        changed = [
            r for r in piece if r.standard.number in held and _differs(r, held[r.standard.number], edges)
        ]
        Standard.objects.bulk_create([r.standard for r in fresh])
        for r in changed:
            r.standard.pk = held[r.standard.number].pk
        if changed:
            Standard.objects.bulk_update([r.standard for r in changed], FIELDS)
        written = [*fresh, *changed]
        Replacement.objects.filter(newer__in=[r.standard.number for r in written]).delete()
        new = Replacement.objects.bulk_create([e for r in written for e in r.edges])
        result.inserted += len(fresh)
        result.updated += len(changed)
        result.unchanged += len(piece) - len(written)
        result.edges += len(new)


def _differs(row: Row, held: Standard, edges: dict[str, set[tuple[str, str]]]) -> bool:
    if {(e.older, str(e.extent)) for e in row.edges} != edges[row.standard.number]:
        return True
    return any(getattr(row.standard, name) != getattr(held, name) for name in FIELDS)
