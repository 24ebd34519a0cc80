"""Writing code sets: versions from files, maps between versions; what would make old records meaningless is refused."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from django.db import connection, transaction

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import sets, tabular
from jinzhi.foundation.codes.models import CodeItem, CodeMap, CodeSet, CodeVersion

log = logging.getLogger("jinzhi.codes")
LONGEST = {"code": 40, "name": 400, "parent": 40, "level": 20, "note": 400}
ALIASES = {
    "code": ("代码", "编码"),
    "name": ("名称", "description", "title"),
    "parent": ("上级", "上级代码"),
    "level": ("层级", "级别"),
    "note": ("说明", "备注", "notes"),
}


class Refused(ValueError):
    """What is asked would break the set: overlapping validity, a used code deleted, a circle of maps."""


@dataclass
class About:
    """A version to be published."""

    version: str
    valid_from: date
    valid_to: date | None = None
    title: str = ""
    authority: str = ""
    mark: str = ""
    complete: bool = True
    shipped: bool = False


@dataclass
class Loaded:
    """`accepted + refused + doubled = read`."""

    read: int = 0
    accepted: int = 0
    refused: int = 0
    doubled: int = 0
    versions: int = 0
    problems: list[str] = field(default_factory=list)


Cells = dict[str, str]


@transaction.atomic
def publish(key: str, title: str, standard: str, about: About, rows: Iterable[Cells]) -> CodeVersion:
    """A new version, or an unused one replaced. The version before it, still open, ends the day before. Raises Refused."""
    if not key.replace("_", "a").isalnum() or not key.isascii() or key == "division":
        raise Refused(f"“{key[:40]}”不能作代码集的名称：用小写英文字母、数字和下划线，division 已有专用的表")
    if about.valid_to and about.valid_to < about.valid_from:
        raise Refused(f"停用日期 {about.valid_to} 早于启用日期 {about.valid_from}")
    code_set, _ = CodeSet.objects.get_or_create(
        key=key, defaults={"title": title or key, "standard": standard}
    )
    code_set = CodeSet.objects.select_for_update().get(pk=code_set.pk)  # one publisher at a time
    held = code_set.versions.filter(version=about.version).first()
    cells = {row["code"]: row for row in rows}
    if held:
        _replaceable(held, cells)
    _without_overlap(code_set, about, held)
    fields = {name: value for name, value in vars(about).items() if name != "version"}
    version, _ = CodeVersion.objects.update_or_create(
        code_set=code_set, version=about.version, defaults=fields
    )
    version.items.all().delete()
    columns = ("code", "name", "parent", "level", "note")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {CodeItem._meta.db_table} (version_id, {', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in cells.values():
            copy.write_row((version.pk, *(row.get(column, "") for column in columns)))
    if title and (code_set.title, code_set.standard) != (title, standard or code_set.standard):
        CodeSet.objects.filter(pk=code_set.pk).update(title=title, standard=standard or code_set.standard)
    return version


def _replaceable(held: CodeVersion, cells: dict[str, Cells]) -> None:
    """A version that has been in force may gain codes and correct names, but lose none."""
    lost = set(held.items.values_list("code", flat=True)) - cells.keys()
    if not lost:
        return
    few = "、".join(sorted(lost)[:5])
    if held.valid_from <= today():
        raise Refused(f"{held.version} 版已经启用，其中的代码不能删除（{few}）：请另立新版")
    _unmapped(held, lost)


def _unmapped(held: CodeVersion, codes: set[str] | None = None) -> None:
    for side, column in (("older", "older_code"), ("newer", "newer_code")):
        maps = CodeMap.objects.filter(**{side: held})
        if codes is not None:
            maps = maps.filter(**{f"{column}__in": codes})
        if one := maps.first():
            raise Refused(f"{held.version} 版的代码 {getattr(one, column)} 已有对应关系，不能删除")


def _without_overlap(code_set: CodeSet, about: About, held: CodeVersion | None) -> None:
    others = code_set.versions.exclude(version=held.version if held else about.version).order_by("valid_from")
    before = [v for v in others if v.valid_from < about.valid_from]
    if before and before[-1].valid_to is None:  # it ends where the new one begins
        last = before[-1]
        CodeVersion.objects.filter(pk=last.pk).update(valid_to=about.valid_from - timedelta(days=1))
        last.valid_to = about.valid_from - timedelta(days=1)
    for other in others:
        ends = before[-1].valid_to if before and other.pk == before[-1].pk else other.valid_to
        if other.valid_from <= (about.valid_to or date.max) and about.valid_from <= (ends or date.max):
            until = ends or "今"
            raise Refused(f"与 {other.version} 版（{other.valid_from} 至 {until}）的有效期重叠")


@transaction.atomic
def withdraw(key: str, version: str) -> None:
    """Take back a version that has never been in force. Raises Refused."""
    held = CodeVersion.objects.select_for_update().filter(code_set__key=key, version=version).first()
    if held is None:
        raise Refused(f"代码集 {key} 没有 {version} 版")
    if held.valid_from <= today():
        raise Refused(f"{version} 版已于 {held.valid_from} 启用，不能删除，只能停用")
    _unmapped(held)
    held.delete()


# -- files


def load(
    key: str, path: Path, about: About, *, title: str = "", standard: str = "",
    columns: dict[str, str] | None = None, version_column: str = "",
) -> Loaded:  # fmt: skip
    """Load a file of codes. Raises tabular.Unreadable and Refused; then nothing is written.

    `columns`: field -> column where the names differ. `version_column`: one file holds many versions, each row naming
    its own as YYYYMM or YYYY-MM-DD, the day it begins; `about` then gives only the rest.
    """
    try:
        return _load(key, path, about, title, standard, columns or {}, version_column, careful=False)
    except tabular.Ragged:
        return _load(key, path, about, title, standard, columns or {}, version_column, careful=True)


@transaction.atomic
def _load(
    key: str, path: Path, about: About, title: str, standard: str, columns: dict[str, str], version_column: str,
    *, careful: bool,
) -> Loaded:  # fmt: skip
    result = Loaded()
    groups: dict[str, dict[str, Cells]] = {}
    for line, cells, version in _read(path, columns, version_column, careful):
        result.read += 1
        if problem := _problem(cells, version if version_column else None):
            result.refused += 1
            result.problems.append(f"第 {line} 行：{problem}")
            continue
        held = groups.setdefault(version, {})
        former = held.setdefault(cells["code"], cells)
        if former is not cells:
            if former == cells:
                result.doubled += 1
            else:
                result.refused += 1
                result.problems.append(f"第 {line} 行：代码 {cells['code']} 重复而内容不同")
            continue
        result.accepted += 1
    if not groups:
        raise Refused("文件中没有可用的代码")
    _orphans(groups, result)
    starts = {version: _starts(version) or about.valid_from for version in groups}
    ordered = sorted(groups, key=lambda v: starts[v])
    for number, version in enumerate(ordered):
        one = about
        if version_column:
            last = number + 1 == len(ordered)
            ends = about.valid_to if last else starts[ordered[number + 1]] - timedelta(days=1)
            one = About(
                version, starts[version], ends, about.title, about.authority, about.mark, about.complete
            )
        publish(key, title, standard, one, groups[version].values())
        result.versions += 1
    return result


def _orphans(groups: dict[str, dict[str, Cells]], result: Loaded) -> None:
    """Codes whose parent the version does not hold are told; they are kept."""
    missing = Counter(
        cells["parent"]
        for held in groups.values()
        for cells in held.values()
        if cells["parent"] and cells["parent"] not in held
    )
    for parent, count in missing.most_common(20):
        result.problems.append(f"提示：{count} 个代码的上级 {parent} 不在表中")


def _read(path: Path, columns: dict[str, str], version_column: str, careful: bool):
    with tabular.opened(path, careful=careful) as table:
        lower = {c.lower(): n for n, c in reversed(list(enumerate(table.columns)))}
        places = {}
        for name in LONGEST:
            wanted = [columns[name]] if name in columns else [name, *ALIASES[name]]
            for title in wanted:
                if title.lower() in lower:
                    places[name] = lower[title.lower()]
                    break
            if name not in places and (name in columns or name in ("code", "name")):
                raise tabular.Unreadable(f"没有“{wanted[0]}”列。文件中的列：{'、'.join(table.columns[:30])}")
        if version_column and version_column.lower() not in lower:
            raise tabular.Unreadable(f"没有“{version_column}”列。")
        line = 1
        for frame in table.frames:
            for row in frame.iter_rows():
                line += 1
                if not any((c or "").strip() for c in row):
                    continue
                cells = {
                    name: (row[places[name]] or "").strip() if name in places else "" for name in LONGEST
                }
                cells["note"] = "" if cells["note"].startswith("[{") else cells["note"]
                yield (
                    line,
                    cells,
                    (row[lower[version_column.lower()]] or "").strip() if version_column else "",
                )


def _problem(cells: Cells, version: str | None) -> str:
    if not cells["code"]:
        return "没有代码"
    if not cells["name"]:
        return f"代码 {cells['code']} 没有名称"
    for name, most in LONGEST.items():
        if len(cells[name]) > most:
            return f"{ALIASES[name][0]}超过 {most} 个字符"
    if version is not None and _starts(version) is None:
        return f"版本“{version}”应写作 201904 或 2019-04-01"
    return ""


def _starts(version: str) -> date | None:
    try:
        if len(version) == 6 and version.isdigit():
            return date(int(version[:4]), int(version[4:]), 1)
        return date.fromisoformat(version)
    except ValueError:
        return None


# -- maps


@transaction.atomic
def map_codes(key: str, older: str, newer: str, rows: Iterable[tuple[str, str, str]]) -> int:
    """Record what codes of one version became in another: (old code, new code, kind or ""). Raises Refused.

    Without a kind it is worked out: several new codes are a split, several old ones a merger.
    """
    old, new = (_version(key, name) for name in (older, newer))
    if old == new:
        raise Refused("两个版本相同")
    pairs = list(dict.fromkeys((a.strip(), b.strip(), k.strip()) for a, b, k in rows))
    _known(old, {a for a, _, _ in pairs})
    _known(new, {b for _, b, _ in pairs})
    splits, merges = Counter(a for a, _, _ in pairs), Counter(b for _, b, _ in pairs)
    found = []
    for a, b, stated in pairs:
        kind = stated or ("split" if splits[a] > 1 else "merge" if merges[b] > 1 else "1:1")
        if kind not in CodeMap.Kind.values:
            raise Refused(f"{a} → {b}：对应方式“{kind}”应为 {'、'.join(CodeMap.Kind.values)} 之一")
        if kind == "1:1" and splits[a] > 1:
            raise Refused(f"{a} 对应 {splits[a]} 个新代码，是拆分（split），不能写作 1:1")
        if kind == "1:1" and merges[b] > 1:
            raise Refused(f"{merges[b]} 个代码并入 {b}，是合并（merge），不能写作 1:1")
        found.append(CodeMap(older=old, older_code=a, newer=new, newer_code=b, kind=kind))
    CodeMap.objects.filter(older=old, newer=new).delete()
    CodeMap.objects.bulk_create(found)
    _without_circle(old.code_set_id)
    return len(found)


def _version(key: str, name: str) -> CodeVersion:
    held = CodeVersion.objects.filter(code_set__key=key, version=name).first()
    if held is None:
        raise Refused(f"代码集 {key} 没有 {name} 版")
    return held


def _known(version: CodeVersion, codes: set[str]) -> None:
    missing = codes - set(version.items.filter(code__in=codes).values_list("code", flat=True))
    if missing:
        raise Refused(f"{version.version} 版没有代码 {'、'.join(sorted(missing)[:5])}")


def _without_circle(code_set: int) -> None:
    """Following the maps no code comes back to itself."""
    forward: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for a, ac, b, bc in CodeMap.objects.filter(older__code_set_id=code_set).values_list(
        "older_id", "older_code", "newer_id", "newer_code"
    ):
        forward.setdefault((a, ac), []).append((b, bc))
    done: set[tuple[int, str]] = set()
    for start in forward:
        trail: list[tuple[int, str]] = []
        stack = [(start, False)]
        while stack:
            here, leaving = stack.pop()
            if leaving:
                trail.pop()
                done.add(here)
                continue
            if here in trail:
                circle = " → ".join(code for _, code in [*trail[trail.index(here) :], here])
                raise Refused(f"对应关系成环：{circle}")
            if here not in done:
                trail.append(here)
                stack.append((here, True))
                stack += [(following, False) for following in forward.get(here, ())]


# -- what the product ships


def publish_shipped() -> int:
    """The sets of `sets/*.yaml`, so that one question answers for all sets; safe to repeat.

    What an operator loaded stays: a version of the same name is not replaced, and one that follows the last shipped
    version ends it.
    """
    count = 0
    for name in sets.names():
        for one in sets.versions(name):
            rows = [
                {
                    "code": i.code,
                    "name": i.name,
                    "parent": i.parent,
                    "level": "",
                    "note": i.note or "、".join(i.varieties)[:400],
                }
                for i in one.items.values()
            ]
            ends = one.valid_to or _succeeded(name, one)
            about = About(
                one.version, one.valid_from, ends, one.title, one.authority, one.mark, one.complete, True
            )  # fmt: skip
            if not _same(name, about, rows):
                try:
                    _ship(name, one, about, rows)
                except Refused as refused:  # an installation must start all the same
                    log.warning("code set %s %s as shipped: %s", name, one.version, refused)
            count += 1
    return count


@transaction.atomic
def _ship(name: str, one: sets.CodeSet, about: About, rows: list[Cells]) -> None:
    CodeVersion.objects.filter(code_set__key=name, version=one.version, shipped=True).update(
        valid_from=about.valid_from, valid_to=about.valid_to
    )
    publish(name, one.set_title or one.title, one.standard, about, rows)


def _succeeded(name: str, one: sets.CodeSet) -> date | None:
    """Last day of a shipped version that has no end of its own, when another one follows."""
    following = CodeVersion.objects.filter(code_set__key=name, valid_from__gt=one.valid_from)
    first = following.order_by("valid_from").values_list("valid_from", flat=True).first()
    return first - timedelta(days=1) if first else None


def _same(name: str, about: About, rows: list[Cells]) -> bool:
    held = CodeVersion.objects.filter(code_set__key=name, version=about.version).first()
    if held is None:
        return False
    if not held.shipped:
        return True
    if (held.valid_from, held.valid_to) != (about.valid_from, about.valid_to):
        return False
    kept = set(held.items.values_list("code", "name", "parent", "note"))
    return kept == {(r["code"], r["name"], r["parent"], r["note"]) for r in rows}
