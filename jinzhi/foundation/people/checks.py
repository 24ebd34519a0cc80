"""`jinzhi check`: whether the parts of the province pack fit together. Reads files only."""

from datetime import date
from itertools import pairwise
from pathlib import Path

from django.conf import settings

from jinzhi.foundation.people import pack
from jinzhi.foundation.places.bootstrap import rows
from jinzhi.foundation.places.models import Division

NEEDED = ("divisions.csv", "agencies.csv", "departments.yaml", "province.yaml")


def check() -> list[str]:
    if lacking := [n for n in NEEDED if not (settings.PROVINCE_DIR / n).is_file()]:
        return [f"省包 {settings.PROVINCE} 缺少 {'、'.join(lacking)}"]
    divisions = rows(settings.PROVINCE_DIR / "divisions.csv")
    return [*_divisions(divisions), *_agencies(divisions), *_levels(settings.PROVINCE_DIR / "province.yaml")]


def _divisions(divisions: list[Division]) -> list[str]:
    codes = {d.code for d in divisions}
    problems = [
        f"区划 {d.code}：上级 {d.parent} 不在表中" for d in divisions if d.parent and d.parent not in codes
    ]
    problems += [
        f"区划 {d.code}：并入的 {d.successor} 不在表中"
        for d in divisions
        if d.successor and d.successor not in codes
    ]
    problems += [f"区划 {d.code}：层级“{d.level}”有误" for d in divisions if d.level not in pack.LEVELS]
    by_code: dict[str, list[Division]] = {}
    for d in divisions:
        by_code.setdefault(d.code, []).append(d)
    for code, periods in by_code.items():
        periods.sort(key=lambda d: d.valid_from or date.min)
        for earlier, later in pairwise(periods):
            if earlier.valid_to is None or earlier.valid_to > (later.valid_from or date.min):
                problems.append(f"区划 {code}：{earlier.name}与{later.name}的期间重叠")
    return problems


def _agencies(divisions: list[Division]) -> list[str]:
    current = {d.code: d for d in divisions if d.valid_to is None}
    agencies = {r["key"]: r for r in pack.agencies()}
    problems = [f"{d.name}（{code}）没有机构" for code, d in current.items() if code not in agencies]
    problems += [f"机构 {key} 没有对应的现行区划" for key in agencies if key not in current]
    for column, word in (("name", "名称"), ("short_name", "简称"), ("document_word", "发文代字")):
        seen: dict[str, str] = {}
        for key, row in agencies.items():
            if (first := seen.setdefault(row[column], key)) != key:
                problems.append(f"机构 {first} 和 {key} 的{word}都是“{row[column]}”")
    problems += [
        f"机构 {key}：上级 {r['parent']} 不在表中"
        for key, r in agencies.items()
        if r["parent"] and r["parent"] not in agencies
    ]
    problems += [
        f"departments.yaml 没有写{level}级的处室"
        for level in pack.LEVELS
        if not pack.departments().get(level)
    ]
    return problems


def _levels(path: Path) -> list[str]:
    """Each matter's periods follow each other and name known levels."""
    problems = []
    for matter, periods in pack.province().get("deciding_level", {}).items():
        for period in periods:
            levels = [period.get("default"), *period.get("categories", {}).values()]
            problems += [f"{path.name}：{matter} 的层级“{x}”有误" for x in levels if x not in pack.LEVELS]
        for earlier, later in pairwise(periods):
            if earlier.get("to") != later.get("from"):
                problems.append(f"{path.name}：{matter} 的期间在 {earlier.get('to')} 处不相接")
    return problems
