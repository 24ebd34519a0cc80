"""What a rule file must look like. Each function answers problems in words; nothing here raises."""

from datetime import date
from itertools import pairwise
from typing import Any

from jinzhi.foundation.rules.tables import ANYTHING
from jinzhi.foundation.rules.values import MARKS, UNITS

FILE_KEYS = {"parameters", "tables"}
PARAMETER_KEYS = {"key", "title", "unit", "values"}
VALUE_KEYS = {"from", "to", "value", "law", "article", "mark", "note"}
TABLE_KEYS = {"key", "title", "from", "to", "law", "article", "mark", "inputs", "outputs", "rows", "note"}


def lint_file(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["文件应为映射，含 parameters 或 tables"]
    problems = _unknown(document, FILE_KEYS)
    problems += [p for section in FILE_KEYS for p in _lists(document, section)]
    if problems:
        return problems
    for entry in document.get("parameters") or []:
        problems += [f"{entry.get('key', '（无 key）')}: {p}" for p in lint_parameter(entry)]
    for entry in document.get("tables") or []:
        problems += [f"{entry.get('key', '（无 key）')}: {p}" for p in lint_table(entry)]
    return problems


def lint_parameter(entry: dict) -> list[str]:
    problems = _unknown(entry, PARAMETER_KEYS) + _texts(entry, ("key", "title", "unit"))
    unit = entry.get("unit")
    if unit and unit not in UNITS:
        problems.append(f"未知单位 {unit}（可用：{'、'.join(UNITS)}）")
    values = entry.get("values")
    if not isinstance(values, list) or not values or not all(isinstance(v, dict) for v in values):
        return [*problems, "values 应为非空列表"]
    for value in values:
        problems += [f"{value.get('from', '（无 from）')}: {p}" for p in _lint_value(value, unit)]
    return problems + _periods(values)


def _lint_value(value: dict, unit: Any) -> list[str]:
    problems = _unknown(value, VALUE_KEYS) + _basis(value)
    if "value" not in value:
        problems.append("缺少 value")
    elif unit in UNITS and not UNITS[unit][1](value["value"]):
        problems.append(f"单位 {unit} 的值应为{UNITS[unit][2]}，现为 {value['value']!r}")
    elif unit in UNITS and isinstance(value["value"], (int, float)) and value["value"] < 0:
        problems.append(f"值不应为负数：{value['value']}")
    return problems


def lint_table(entry: dict) -> list[str]:
    problems = _unknown(entry, TABLE_KEYS) + _texts(entry, ("key", "title")) + _basis(entry)
    for side in ("inputs", "outputs"):
        names = entry.get(side)
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            return [*problems, f"{side} 应为非空的名称列表"]
    rows = entry.get("rows")
    if not isinstance(rows, list) or not rows:
        return [*problems, "rows 应为非空列表"]
    for number, row in enumerate(rows, 1):
        problems += [f"第 {number} 行: {p}" for p in _lint_row(row, entry["inputs"], entry["outputs"])]
    if not problems:
        problems += _unreachable(rows)
    return problems


def _lint_row(row: Any, inputs: list[str], outputs: list[str]) -> list[str]:
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("when"), dict)
        or not isinstance(row.get("then"), dict)
    ):
        return ["应含 when 与 then"]
    problems = [f"when 用了未声明的条件 {name}" for name in row["when"] if name not in inputs]
    problems += [f"then 用了未声明的结果 {name}" for name in row["then"] if name not in outputs]
    problems += [f"then 缺少结果 {name}" for name in outputs if name not in row["then"]]
    return problems + _unknown(row, {"when", "then", "note"})


def _unreachable(rows: list[dict]) -> list[str]:
    """Rows that can never answer because an earlier row accepts the same or anything."""
    problems: list[str] = []
    seen: list[dict] = []
    for number, row in enumerate(rows, 1):
        when = {name: condition for name, condition in row["when"].items() if condition != ANYTHING}
        if any(earlier.items() <= when.items() for earlier in seen if _hashable(earlier) and _hashable(when)):
            problems.append(f"第 {number} 行永远轮不到，前面的行已覆盖")
        seen.append(when)
    return problems


def _hashable(when: dict) -> bool:
    return all(not isinstance(condition, list) for condition in when.values())


def _periods(values: list[dict]) -> list[str]:
    """Values stand oldest first and never two at once; an open end closes where the next begins."""
    problems = []
    dated = [v for v in values if type(v.get("from")) is date]
    for earlier, later in pairwise(dated):
        if later["from"] <= earlier["from"]:
            problems.append(f"日期未按先后排列：{earlier['from']} 之后是 {later['from']}")
        elif type(earlier.get("to")) is date and earlier["to"] >= later["from"]:
            problems.append(
                f"有效期重叠：{earlier['from']} 起的值到 {earlier['to']}，而 {later['from']} 已有新值"
            )
    return problems


def _basis(entry: dict) -> list[str]:
    problems = _texts(entry, ("law", "article"))
    if type(entry.get("from")) is not date:
        problems.append("from 应为日期（年-月-日）")
    if entry.get("to") is not None:
        if type(entry["to"]) is not date:
            problems.append("to 应为日期（年-月-日）")
        elif type(entry.get("from")) is date and entry["to"] < entry["from"]:
            problems.append(f"to {entry['to']} 早于 from {entry['from']}")
    if entry.get("mark") not in MARKS:
        problems.append(f"mark 应为 {'、'.join(MARKS)} 之一，现为 {entry.get('mark')!r}")
    return problems


def _unknown(entry: dict, known: set[str]) -> list[str]:
    return [f"未知的键 {name}" for name in entry if name not in known]


def _lists(document: dict, section: str) -> list[str]:
    entries = document.get(section)
    if entries is None or (isinstance(entries, list) and all(isinstance(e, dict) for e in entries)):
        return []
    return [f"{section} 应为列表"]


def _texts(entry: dict, names: tuple[str, ...]) -> list[str]:
    return [
        f"缺少 {name}" for name in names if not isinstance(entry.get(name), str) or not entry[name].strip()
    ]
