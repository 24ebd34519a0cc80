"""From slices of somebody's table to records of ours, column by column; rows with problems are set apart.

Codes are checked as whole columns; every other meaning is asked once for each different text of a column and
kept for the following slices. All problems of a row are told at once.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from jinzhi.foundation.codes import vectorised
from jinzhi.registry.importing.fields import CERTIFICATE, DATES, ENTERPRISE, LENGTHS, required_of, title
from jinzhi.registry.importing.headers import plain
from jinzhi.registry.importing.mapping import Mapping
from jinzhi.registry.importing.records import Bad, Place, Problem, Values
from jinzhi.registry.importing.slices import Slice

CODES = ("uscc", "org_code", "registration_number")
TEXTS = (
    "uscc", "org_code", "registration_number", "identifier", "name", "legal_representative", "address",
    "premises", "industry", "economic_type", "enterprise_status", "enterprise_kind", "number", "kind",
    "status", "agency_name", "category_code", "category", "detail", "varieties", "source_key", "title",
)  # fmt: skip
LONGEST_CELL = 32_000  # of a refused row as it is given back; no spreadsheet holds more in a cell
KEPT = 300_000  # different texts of one column remembered between slices
_EMPTY = (
    "/",
    "\\",
    "-",
    "--",
    "—",
    "——",
    "无",
    "空",
    "暂无",
    "null",
    "NULL",
    "Null",
    "None",
    "nan",
    "NaN",
    "N/A",
)
_DITTO = ("同上", "〃", "同前", "”", "″", "″″")
_NAMELESS = {*_EMPTY, "不详", "未知", "未填", "待定", "test", "测试", "企业名称", "名称", "0"}
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\ufeff]"
_UNTIDY = r"[\x00-\x1f\x7f\u200b-\u200f\ufeff\u00a0\u3000]|\s\s|^\s|\s$"
_COMBINING = r"[\u0300-\u036f\u3099\u309a\uf900-\ufaff]"
_ERRORS = re.compile(
    r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|#+)$", re.IGNORECASE
)
_QUOTED_FORMULA = r'^="([^"]*)"$'


@dataclass
class Refusal:
    """A row that was not accepted."""

    line: int
    original: list[str]
    problems: list[dict]

    def __post_init__(self):
        self.original = [c if len(c) <= LONGEST_CELL else f"{c[:LONGEST_CELL]}…" for c in self.original]


@dataclass
class _Column:
    values: pl.Series
    reasons: pl.Series | None = None  # text where a value is wrong


@dataclass
class _Known:
    """What the different texts of a column were found to mean."""

    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


class Checker:
    """Reads the slices of one table by its mapping. `range_` is what the person importing may write to."""

    def __init__(self, mapping: Mapping, range_: tuple[int, int] | None = None):
        self.mapping = mapping
        self.read = Values(range_)
        self._known: dict[str, _Known] = {}

    def check(self, piece: Slice) -> tuple[pl.DataFrame, list[Refusal]]:
        """The good records (columns `line`, `place`, TEXTS, DATES, `facts`) and the refused rows, by line."""
        count = piece.cells.height
        problems: dict[int, list[Problem]] = {}
        record: dict[str, pl.Series] = {}
        raw: dict[str, pl.Series] = {}
        for name in self.mapping.fields:
            if name == "place":
                continue  # may be told by the code
            raw[name] = self._raw(name, piece.cells)
            bad = self._unusable(name, raw[name])
            text = (
                raw[name]
                if bad is None
                else pl.select(pl.when(bad.is_null()).then(raw[name]).otherwise(pl.lit(""))).to_series()
            )
            column = self._codes(name, text, record) if name in CODES else self._column(name, text)
            record[name] = column.values
            self._note(problems, name, raw[name], bad)
            self._note(problems, name, raw[name], column.reasons)
        self._place(piece.cells, record, raw, problems)
        for name in required_of(self.mapping.kind):
            self._required(name, record, raw, problems)
        fits = {name: record[name] for name in record}
        frame = self._frame(piece, fits, count)
        self._agree(frame, raw, problems)
        refusals = [
            Refusal(line, cells, [Problem("", "", why).as_dict()]) for line, cells, why in piece.broken
        ]
        if problems:
            wrong = sorted(problems)
            lines = piece.lines.gather(wrong)
            for index, line, cells in zip(wrong, lines, piece.cells[wrong].rows(), strict=True):
                refusals.append(Refusal(line, list(cells), [p.as_dict() for p in problems[index]]))
            refusals.sort(key=lambda r: r.line)
            keep = pl.Series([True]).new_from_index(0, count).scatter(wrong, False)
            frame = frame.filter(keep)
        return frame, refusals

    # the cells of a field

    def _raw(self, name: str, cells: pl.DataFrame) -> pl.Series:
        source = self.mapping.fields[name]
        if source.constant:
            return pl.Series(name, [source.constant]).new_from_index(0, cells.height)
        parts = [tidy(cells.to_series(index)) for index in source.columns]
        if len(parts) == 1:
            return parts[0].alias(name)
        frame = pl.DataFrame([p.alias(str(i)) for i, p in enumerate(parts)])
        shown = [pl.when(pl.col(c) != "").then(pl.col(c)) for c in frame.columns]
        return frame.select(
            pl.concat_str(shown, separator=source.join, ignore_nulls=True).fill_null("")
        ).to_series()

    def _unusable(self, name: str, raw: pl.Series) -> pl.Series | None:
        """Formulas, error cells, 同上 and characters lost in a former conversion."""
        if self.mapping.fields[name].constant:
            return None
        suspect = raw.str.contains("^[#=]|\ufffd") | raw.is_in(list(_DITTO))
        if not suspect.any():
            return None
        reasons = {}
        for text in raw.filter(suspect).unique():
            if why := unusable(text, title(name)):
                reasons[text] = why
        if not reasons:
            return None
        return raw.replace_strict(list(reasons), list(reasons.values()), default=None, return_dtype=pl.String)

    def _column(self, name: str, text: pl.Series) -> _Column:
        source = self.mapping.fields[name]
        if name != "name":
            text = _without_placeholders(text)
        if name in DATES:
            return self._asked(
                name, text, lambda t: self.read.date(name, self._translated(name, t), source), pl.Date
            )
        if name in self.read.words:
            return self._asked(name, text, lambda t: self.read.word(name, self._translated(name, t)))
        if name == "number":
            return self._asked(name, text, lambda t: self.read.number(self._translated(name, t)))
        if name == "identifier":
            return self._asked(name, text, lambda t: self.read.identifier(self._translated(name, t)))
        if source.values:
            return self._asked(name, text, lambda t: self._translated(name, t))
        return self._text(name, text)

    def _text(self, name: str, text: pl.Series) -> _Column:
        if text.str.contains(_COMBINING).any():
            text = text.str.normalize("NFC")
        limit = LENGTHS.get(name, 300)
        reasons = None
        long = text.str.len_chars() > limit
        if long.any():
            reasons = pl.select(pl.when(long).then(pl.lit(f"超过 {limit} 字"))).to_series()
        if name == "name":
            nameless = text.str.to_lowercase().is_in(list(_NAMELESS))
            nameless |= (text != "") & ~text.str.contains(r"[\p{L}\p{N}]")
            if nameless.any():
                said = pl.select(pl.when(nameless).then(pl.format("“{}”不是名称", text))).to_series()
                reasons = said if reasons is None else pl.select(pl.coalesce(reasons, said)).to_series()
        return _Column(text, reasons)

    def _asked(self, name: str, text: pl.Series, ask: Callable[[str], Any], kind=pl.String) -> _Column:
        known = self._known.setdefault(name, _Known())
        if len(known.values) + len(known.reasons) > KEPT:
            known = self._known[name] = _Known()
        distinct = text.unique()
        for value in distinct:
            if not value or value in known.values or value in known.reasons:
                continue
            try:
                known.values[value] = ask(value)
            except Bad as bad:
                known.reasons[value] = str(bad)
        here = [v for v in distinct if v in known.values]
        empty = None if kind == pl.Date else ""
        values = _replaced(text, here, [known.values[v] for v in here], empty, kind)
        wrong = [v for v in distinct if v in known.reasons]
        reasons = (
            _replaced(text, wrong, [known.reasons[v] for v in wrong], None, pl.String) if wrong else None
        )
        return _Column(values, reasons)

    def _translated(self, name: str, text: str) -> str:
        values = self.mapping.fields[name].values
        if not values:
            return text
        if plain(text) not in values:
            known = "、".join(values).upper()
            raise Bad(f"对应文件没有写明“{text}”是什么（只有 {known}）")
        return values[plain(text)]

    # codes

    def _codes(self, name: str, text: pl.Series, record: dict[str, pl.Series]) -> _Column:
        """A column of codes; those of another kind go to the field they belong to when it is still empty."""
        text = _without_placeholders(text)
        own = text
        if name == "registration_number":
            return self._moved(name, self._asked(name, text, self.read.registration), record)
        scheme, width = ("uscc", 18) if name == "uscc" else ("organization_code", 9)
        usual = (text.str.len_bytes() == width) & text.str.contains("^[0-9A-Z]+$")
        if usual.any():
            found = vectorised.valid(scheme, text.filter(usual))
            right = usual.clone()
            if not found.all():
                right = right.scatter(usual.arg_true().filter(~found), False)
            strange = ~right
        else:
            right, strange = usual, ~usual
        strange &= text != ""
        if not strange.any():
            return self._moved(name, _Column(own), record)
        told = pl.select(pl.when(strange).then(text).otherwise(pl.lit(""))).to_series()
        column = self._asked(name, told, lambda t: "|".join(self.read.code(name, t)))
        values = pl.DataFrame({"own": own, "right": right, "told": column.values})
        kinds = values.select(pl.col("told").str.extract(r"^(\w+)\|", 1)).to_series().fill_null("")
        bare = values["told"].str.replace(r"^\w+\|", "")
        for other in CODES:
            if other != name and (kinds == other).any():
                moved = pl.select(pl.when(kinds == other).then(bare).otherwise(pl.lit(""))).to_series()
                held = record.get(other)
                record[other] = moved if held is None else _first(held, moved)
        mine = values.select(
            pl.when("right").then("own").when(kinds == name).then(bare).otherwise(pl.lit(""))
        ).to_series()
        return self._moved(name, _Column(mine, column.reasons), record)

    @staticmethod
    def _moved(name: str, column: _Column, record: dict[str, pl.Series]) -> _Column:
        if name in record:  # another column held such codes
            column.values = _first(column.values, record[name])
        return column

    # places

    def _place(self, cells: pl.DataFrame, record: dict, raw: dict, problems: dict) -> None:
        source = self.mapping.fields.get("place")
        if source is None:
            return
        if source.origin == "uscc":
            text = record["uscc"].str.slice(2, 6) if "uscc" in record else pl.Series([""] * cells.height)
        else:
            text = self._raw("place", cells)
        raw["place"] = text
        bad = self._unusable("place", text) if not source.origin else None
        if bad is not None:
            self._note(problems, "place", text, bad)
            text = pl.select(pl.when(bad.is_null()).then(text).otherwise(pl.lit(""))).to_series()
        known = self._known.setdefault("place", _Known())
        column = self._asked(
            "place", text, lambda t: self.read.place(self._translated("place", t)), pl.Object
        )
        self._note(problems, "place", text, column.reasons)
        here = [v for v in text.unique() if v in known.values]
        found: list[Place] = [known.values[v] for v in here]
        record["place"] = _replaced(text, here, [p.place for p in found], None, pl.Int64)
        self._judge_codes(text, here, found, record, problems)

    def _judge_codes(
        self, text: pl.Series, here: list[str], found: list[Place], record: dict, problems: dict
    ):
        """A division code is judged on the day of the row: not after it was abolished, not before it began."""
        ended = [(v, p) for v, p in zip(here, found, strict=True) if p.ended]
        for name, both in _days(self.mapping, record):
            day = record[name] if name else pl.Series([self.mapping.source_on]).new_from_index(0, text.len())
            for value, place in ended:
                self._note_days(problems, text, value, day, day >= place.ended, place, "后")
            for value, place in zip(here, found, strict=True):
                if both and place.began:
                    self._note_days(problems, text, value, day, day < place.began, place, "前")

    def _note_days(self, problems, text, value, day, wrong, place: Place, side: str) -> None:
        for index in ((text == value) & wrong.fill_null(False)).arg_true():
            on = day[index]
            if side == "后":
                into = f"，并入 {place.successor}" if place.successor else ""
                why = f"区划代码 {place.code}（{place.name}）已于 {place.ended} 撤销{into}，{on} 时已不存在"
            else:
                why = f"区划代码 {place.code}（{place.name}）自 {place.began} 起设立，{on} 时尚不存在"
            self._add(problems, index, "place", value, why)

    # rows

    def _required(self, name: str, record: dict, raw: dict, problems: dict) -> None:
        if name not in record:
            return
        values = record[name]
        for index in (values.is_null() if values.dtype == pl.Int64 else values == "").arg_true():
            shown = raw[name][index] if name in raw else ""
            if not any(p.column == self._shown(name) for p in problems.get(index, ())):
                self._add(problems, index, name, shown if name != "place" else "", f"缺少{title(name)}")

    def _frame(self, piece: Slice, record: dict[str, pl.Series], count: int) -> pl.DataFrame:
        columns = [piece.lines.alias("line")]
        for name in TEXTS:
            values = record.get(name)
            columns.append(_constant(name, "", count, pl.String) if values is None else values.alias(name))
        for name in ("place", *DATES):
            values, kind = record.get(name), pl.Int64 if name == "place" else pl.Date
            columns.append(_constant(name, None, count, kind) if values is None else values.alias(name))
        columns.append(self._facts(piece.cells))
        return pl.DataFrame(columns)

    def _facts(self, cells: pl.DataFrame) -> pl.Series:
        if not self.mapping.facts:
            return _constant("facts", "{}", cells.height, pl.String)
        labels = list(self.mapping.facts)
        parts = [tidy(cells.to_series(index)).to_list() for index in self.mapping.facts.values()]
        rows = (
            json.dumps({k: v for k, v in zip(labels, row, strict=True) if v}, ensure_ascii=False)
            for row in zip(*parts, strict=True)
        )
        return pl.Series("facts", list(rows), dtype=pl.String)

    def _agree(self, frame: pl.DataFrame, raw: dict, problems: dict) -> None:
        """What can only be judged on several fields together, of rows without other problems."""
        both = (frame["uscc"] != "") & (frame["org_code"] != "")
        if both.any():
            inner = frame["uscc"].str.slice(8, 9)
            for index in self._sound(both & (inner != frame["org_code"]), problems):
                why = f"与统一社会信用代码第 9 至 17 位（{inner[index]}）不一致"
                self._add(problems, index, "org_code", frame["org_code"][index], why)
        late = (frame["valid_to"] < frame["valid_from"]).fill_null(False)
        for index in self._sound(late, problems):
            ends = frame["valid_to"][index].isoformat()
            self._add(problems, index, "valid_to", ends, f"早于有效期起 {frame['valid_from'][index]}")
        if self.mapping.kind == CERTIFICATE:
            return
        nothing = pl.Series([True]).new_from_index(0, frame.height)
        for name in (*CODES, "identifier"):
            nothing &= frame[name] == ""
        for index in self._sound(nothing, problems):
            shown = raw["uscc"][index] if "uscc" in raw else ""
            self._add(problems, index, "uscc", shown, "没有任何代码或编号，无法辨认是哪一家")

    @staticmethod
    def _sound(mask: pl.Series, problems: dict) -> list[int]:
        return [index for index in mask.arg_true() if index not in problems]

    def _note(self, problems: dict, name: str, values: pl.Series, reasons: pl.Series | None) -> None:
        if reasons is None:
            return
        wrong = reasons.is_not_null().arg_true()
        for index, value, why in zip(wrong, values.gather(wrong), reasons.gather(wrong), strict=True):
            self._add(problems, index, name, value, why)

    def _add(self, problems: dict, index: int, name: str, value: str, why: str) -> None:
        problems.setdefault(index, []).append(Problem(self._shown(name), value, why))

    def _shown(self, name: str) -> str:
        source = self.mapping.fields.get(name)
        return (source.shown if source else "") or title(name)


def tidy(cells: pl.Series) -> pl.Series:
    """Text without control characters and superfluous spaces; ="330106" stands for 330106."""
    untidy = cells.str.contains(_UNTIDY)
    if untidy.any():
        clean = (
            cells.str.replace_all(_CONTROL, "").str.replace_all(r"[\s\u00a0\u3000]+", " ").str.strip_chars()
        )
        cells = pl.select(pl.when(untidy).then(clean).otherwise(cells)).to_series()
    if cells.str.starts_with('="').any():
        cells = cells.str.replace(_QUOTED_FORMULA, "${1}")
    if cells.str.starts_with("'").any():  # the sign by which a spreadsheet keeps a number as text
        cells = cells.str.replace(r"^'([0-9A-Za-z])", "${1}")
    return cells


def unusable(text: str, what: str) -> str:
    """Why a cell says nothing: a formula, its error, 同上, lost characters."""
    if _ERRORS.match(text):
        return f"单元格是公式错误 {text}，请在表格软件中更正"
    if text.startswith("="):
        return "单元格是没有算出结果的公式，请在表格软件中打开、保存后再导入"
    if text in _DITTO:
        return f"“{text}”不是{what}，请逐行填写"
    if "\ufffd" in text:
        return "含有转换时丢失的字符（\ufffd），请从原始数据重新导出"
    return ""


def _days(mapping: Mapping, record: dict) -> list[tuple[str, bool]]:
    """The day a row speaks for, and whether codes that did not exist yet are wrong too."""
    if "source_on" in record:
        return [("source_on", True)]
    if mapping.source_on:
        return [("", True)]
    if mapping.kind == CERTIFICATE:
        return [(n, False) for n in ("issued_on", "valid_from") if n in record][:1]
    if mapping.kind == ENTERPRISE:  # founded where the code had gone before: contradicts itself
        return [("founded_on", False)] if "founded_on" in record else []
    return [("occurred_on", False)] if "occurred_on" in record else []


def _without_placeholders(text: pl.Series) -> pl.Series:
    nothing = text.is_in(list(_EMPTY))
    if not nothing.any():
        return text
    return pl.select(pl.when(nothing).then(pl.lit("")).otherwise(text)).to_series().alias(text.name)


def _replaced(text: pl.Series, old: list, new: list, default: object, kind) -> pl.Series:
    if kind == pl.Object:
        return text
    if not old:
        return _constant(text.name, default, text.len(), kind)
    return text.replace_strict(
        pl.Series(old, dtype=pl.String), pl.Series(new, dtype=kind), default=default, return_dtype=kind
    )


def _constant(name: str, value: object, count: int, kind) -> pl.Series:
    return pl.Series(name, [value], dtype=kind).new_from_index(0, count)


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.select(pl.when(one != "").then(one).otherwise(other)).to_series()
