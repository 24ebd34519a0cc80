"""A column of a file checked against a scheme: counts, and a file of the rows with what is wrong beside them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from jinzhi.foundation.codes import schemes, tabular, vectorised

ADDED = {"normalized": "规范写法", "valid": "校验结论", "codes": "问题代码", "message": "问题说明"}
FORMULAS = "=+@"  # a spreadsheet would run a cell that begins so


class BadQuestion(ValueError):
    """What is asked cannot be done: no such column, no place for the result."""


@dataclass
class Outcome:
    """`valid + invalid = read`; `blank` are among the invalid, `blank_lines` are lines without any cell."""

    scheme: str
    column: str
    on: date | None
    read: int = 0
    valid: int = 0
    warned: int = 0
    blank: int = 0
    blank_lines: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    result_file: str = ""

    @property
    def invalid(self) -> int:
        return self.read - self.valid

    def as_dict(self) -> dict[str, Any]:
        return {
            "scheme": self.scheme, "column": self.column, "on": self.on.isoformat() if self.on else None,
            "read": self.read, "valid": self.valid, "invalid": self.invalid, "warned": self.warned,
            "blank": self.blank, "blank_lines": self.blank_lines,
            "problems": dict(self.problems.most_common()), "result_file": self.result_file,
        }  # fmt: skip


def run(scheme: str, path: Path, column: str, target: Path, on: date | None = None) -> Outcome:
    """Check `column` of the table in `path`; the rows with their answers go to the CSV `target`.

    Raises schemes.UnknownScheme, tabular.Unreadable and BadQuestion; then nothing is left at `target`.
    """
    schemes.check(scheme, "")
    if target.resolve() == path.resolve():
        raise BadQuestion("结果文件不能就是原文件。")
    try:
        try:
            return _run(scheme, path, column, target, on, careful=False)
        except tabular.Ragged:
            return _run(scheme, path, column, target, on, careful=True)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _run(scheme: str, path: Path, column: str, target: Path, on: date | None, *, careful: bool) -> Outcome:
    outcome = Outcome(scheme, column, on, result_file=str(target))
    with tabular.opened(path, careful=careful) as table:
        picked = chosen(column, table.columns)
        outcome.column = picked
        try:
            out = target.open("wb")
        except OSError as fault:
            raise BadQuestion(f"结果文件 {target} 写不了：{fault.strerror}") from None
        with out:
            out.write(b"\xef\xbb\xbf")  # Excel takes a CSV without it for GBK
            header = True
            for frame in _filled(table, outcome):
                answers = vectorised.frame(scheme, frame[picked], on)
                _count(outcome, answers, frame[picked])
                _beside(frame, answers).write_csv(out, include_header=header)
                header = False
            if header:
                out.write((",".join([*table.columns, *ADDED.values()]) + "\n").encode())
    return outcome


def chosen(column: str, names: list[str]) -> str:
    wanted = column.strip()
    if wanted in names:
        return wanted
    same = [n for n in names if n.lower() == wanted.lower()]
    if len(same) == 1:
        return same[0]
    raise BadQuestion(f"没有名为“{wanted[:40]}”的列。文件中的列：{'、'.join(names[:30])}")


def _filled(table: tabular.Pieces, outcome: Outcome) -> Iterator[pl.DataFrame]:
    """The frames under the file's names, without lines that hold nothing; those are counted."""
    for raw in table.frames:
        frame = raw.rename(dict(zip(raw.columns, table.columns, strict=True))).with_columns(
            pl.all().fill_null("")
        )
        filled = frame.filter(pl.any_horizontal(pl.all().str.strip_chars() != ""))
        outcome.blank_lines += frame.height - filled.height
        if filled.height:
            yield filled


def _count(outcome: Outcome, answers: pl.DataFrame, values: pl.Series) -> None:
    outcome.read += answers.height
    outcome.valid += int(answers["valid"].sum())
    outcome.warned += answers.filter(pl.col("valid") & (pl.col("codes") != "")).height
    outcome.blank += int((values.str.strip_chars() == "").sum())
    told = answers.filter(pl.col("codes") != "")["codes"].value_counts()
    for codes, count in told.iter_rows():
        for code in codes.split(vectorised.SEPARATOR):
            outcome.problems[code] += count


def _beside(frame: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    words = pl.when("valid").then(pl.lit("通过")).otherwise(pl.lit("不通过")).alias("valid")
    added = answers.with_columns(words, _harmless("normalized"), _harmless("message"))
    taken = set(frame.columns)
    titles = {key: title if title not in taken else f"{title}（校验）" for key, title in ADDED.items()}
    return pl.concat([frame, added.rename(titles)], how="horizontal")


def _harmless(column: str) -> pl.Expr:
    begins = pl.col(column).str.slice(0, 1).is_in(list(FORMULAS))
    return pl.when(begins).then("'" + pl.col(column)).otherwise(column).alias(column)
