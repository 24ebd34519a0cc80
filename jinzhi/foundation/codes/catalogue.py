"""Questions about code sets, always with a day: what a code meant, what became of it, how two versions differ.

The divisions are a set too (`division`): their table of `places` knows every change, so each day is a version.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Q

from jinzhi.foundation.codes.models import CodeItem, CodeMap, CodeSet, CodeVersion

DIVISION = "division"
STEPS = 50  # a chain of successors longer than this is a fault of the data


class NoSuchSet(LookupError):
    """No set of that name, or no version in force on that day."""


@dataclass(frozen=True)
class Item:
    code: str
    name: str
    parent: str = ""
    level: str = ""
    note: str = ""


@dataclass(frozen=True)
class Version:
    """A version as everybody sees it; `key` is empty for a day of the divisions."""

    key: int | None
    version: str
    title: str
    valid_from: date | None
    valid_to: date | None
    authority: str = ""
    mark: str = ""
    complete: bool = True

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass
class Found:
    """A code on a day: `state` is in_force, former, future or unknown; `successors` are what it became."""

    code: str
    state: str
    item: Item | None = None
    version: Version | None = None
    successors: list[tuple[str, str]] = field(default_factory=list)  # (code, kind)

    @property
    def word(self) -> str:
        return STATES[self.state]


STATES = {"in_force": "当日有效", "former": "已停用", "future": "尚未启用", "unknown": "没有这个代码"}


# -- sets and versions


def sets() -> list[tuple[str, str, str]]:
    """(key, title, standard) of every set."""
    found = list(CodeSet.objects.values_list("key", "title", "standard"))
    return sorted([*found, (DIVISION, "行政区划", "GB/T 2260")])


def title(key: str) -> str:
    known = {k: t for k, t, _ in sets()}
    if key not in known:
        raise NoSuchSet(f"没有名为“{key[:40]}”的代码集，可用：{'、'.join(known)}")
    return known[key]


def versions(key: str) -> list[Version]:
    """Every version, oldest first. Raises NoSuchSet."""
    title(key)
    if key == DIVISION:
        return _division_versions()
    return [_shown(v) for v in CodeVersion.objects.filter(code_set__key=key).order_by("valid_from")]


def _shown(v: CodeVersion) -> Version:
    return Version(v.pk, v.version, v.title, v.valid_from, v.valid_to, v.authority, v.mark, v.complete)


def _division_versions() -> list[Version]:
    from jinzhi.foundation.places.models import Division

    rows = Division.objects.values_list("valid_from", "valid_to")
    days = sorted({day for row in rows for day in row if day})
    bounds: list[tuple[date | None, date | None]] = []
    for start, end in zip([None, *days], [*days, None], strict=True):
        bounds.append((start, end - timedelta(days=1) if end else None))
    return [
        Version(None, f"{a:%Y-%m}" if a else "1980", "行政区划代码", a, b, "民政部", "public")
        for a, b in bounds
    ]


def on_day(key: str, day: date) -> Version:
    """The version in force on a day. Raises NoSuchSet with the days there are."""
    found = versions(key)
    for version in found:
        if version.holds_on(day):
            return version
    first = found[0].valid_from if found else None
    raise NoSuchSet(
        f"代码集“{title(key)}”在 {day} 没有有效版本" + (f"，最早的版本自 {first} 起" if first else "")
    )


def named(key: str, version: str) -> Version:
    """A version by its name. Raises NoSuchSet."""
    for found in versions(key):
        if found.version == version:
            return found
    raise NoSuchSet(f"代码集“{title(key)}”没有 {version[:40]} 版")


def items(key: str, version: Version) -> dict[str, Item]:
    """The codes of a version, in their order."""
    if key == DIVISION:
        return _divisions(version)
    rows = CodeItem.objects.filter(version_id=version.key).order_by("code")
    return {r[0]: Item(*r) for r in rows.values_list("code", "name", "parent", "level", "note")}


def _divisions(version: Version) -> dict[str, Item]:
    from jinzhi.foundation.places.models import Division

    day = version.valid_from or date(1980, 1, 1)
    held = (Q(valid_from=None) | Q(valid_from__lte=day)) & (Q(valid_to=None) | Q(valid_to__gt=day))
    rows = (
        Division.objects.filter(held).order_by("code").values_list("code", "name", "parent", "level", "note")
    )
    return {r[0]: Item(*r) for r in rows}


# -- one code


def look_up(key: str, code: str, day: date) -> Found:
    """What `code` meant on a day. A code no longer in force stays resolvable, with what it became. Raises NoSuchSet."""
    return look_up_many(key, [code], day)[code]


def look_up_many(key: str, codes: Iterable[str], day: date) -> dict[str, Found]:
    """The same for many codes with few questions to the database."""
    wanted = set(codes)
    known = versions(key)
    held = next((v for v in known if v.holds_on(day)), None)
    found: dict[str, Found] = {}
    now = items(key, held) if held else {}
    for code in wanted & now.keys():
        found[code] = Found(code, "in_force", now[code], held)
    for version in reversed(known):  # the newest meaning before the day, else the first after it
        missing = wanted - found.keys()
        if not missing or version is held or (version.valid_from or date.min) > day:
            continue
        meant = items(key, version)
        for code in missing & meant.keys():
            found[code] = Found(code, "former", meant[code], version)
    for version in known:
        missing = wanted - found.keys()
        if missing and (version.valid_from or date.min) > day:
            meant = items(key, version)
            found |= {c: Found(c, "future", meant[c], version) for c in missing & meant.keys()}
    for code, one in found.items():
        if one.state == "former" and one.version:
            one.successors = successors(key, code, one.version, held, now)
    return found | {code: Found(code, "unknown") for code in wanted - found.keys()}


def successors(
    key: str, code: str, since: Version, until: Version | None, now: dict[str, Item]
) -> list[tuple[str, str]]:
    """What a code of `since` has become in `until`, following the maps between versions."""
    if key == DIVISION:
        return _division_successors(code, now)
    open_, ends = [(since.key, code, "1:1")], []
    seen: set[tuple[int | None, str]] = set()
    while open_ and len(seen) < STEPS * 10:
        version, here, kind = open_.pop(0)
        if (version, here) in seen:
            continue
        seen.add((version, here))
        maps = CodeMap.objects.filter(older_id=version, older_code=here)
        for newer, became, how in maps.values_list("newer_id", "newer_code", "kind"):
            worst = how if kind == "1:1" else kind
            if until and newer == until.key:
                ends.append((became, worst))
            else:
                open_.append((newer, became, worst))
    return sorted(dict.fromkeys(ends))


def _division_successors(code: str, now: dict[str, Item]) -> list[tuple[str, str]]:
    from jinzhi.foundation.places.models import Division

    here = code
    for _ in range(STEPS):
        into = Division.objects.filter(code=here).exclude(successor="").order_by("-valid_to").first()
        if into is None or into.successor == here:
            return []
        here = into.successor
        if here in now:
            return [(here, "merge")]
    return []


# -- two versions


@dataclass
class Diff:
    """What a later version has that an earlier one had not, and the other way round."""

    added: list[Item]
    removed: list[tuple[Item, list[tuple[str, str]]]]  # with what they became
    renamed: list[tuple[Item, Item]]
    moved: list[tuple[Item, Item]]  # under another parent
    same: int


def diff(key: str, old: Version, new: Version) -> Diff:
    """Two versions of a set compared by code."""
    before, after = items(key, old), items(key, new)
    gone = [before[c] for c in before if c not in after]
    both = [(before[c], after[c]) for c in before if c in after]
    renamed = [(a, b) for a, b in both if a.name != b.name]
    moved = [(a, b) for a, b in both if a.parent != b.parent]
    return Diff(
        added=[after[c] for c in after if c not in before],
        removed=[(one, successors(key, one.code, old, new, after)) for one in gone],
        renamed=renamed,
        moved=moved,
        same=sum(a.name == b.name and a.parent == b.parent for a, b in both),
    )
