"""A side of a comparison read into DuckDB: CSV in the usual encodings, packed or not, Parquet, xlsx."""

import csv
import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinzhi.registry.importing import reading
from jinzhi.registry.matching.mapping import ROLES, SIDES

SHOWN = 5


class BadSide(ValueError):
    """A side cannot be compared; says what is wrong with it."""


def columns_of(path: Path, name: str = "") -> list[str]:
    """The column names of a table, of whatever format."""
    if _is_parquet(path):
        import polars as pl

        try:
            return list(pl.scan_parquet(path).collect_schema().names())
        except Exception:
            raise BadSide(f"{name or path.name} 不是完好的 Parquet 文件。") from None
    try:
        with _suffixed(path) as seen:
            return list(reading.open_table(seen, name or path.name).columns)
    except reading.Unreadable as fault:
        raise BadSide(str(fault)) from None


def load(connection: Any, side: str, path: Path, roles: dict[str, list[str]], name: str = "") -> int:
    """Read the file into `<l|r>_raw`; the number of rows. Ids must be there, and each only once."""
    shown = name or path.name
    columns = columns_of(path, shown)
    missing = sorted({c for wanted in roles.values() for c in wanted if c not in columns})
    if missing:
        have = "、".join(c for c in columns[:30] if c)
        raise BadSide(f"{SIDES[side]} {shown} 没有列“{'”“'.join(missing)}”。现有的列：{have}。")
    letter = side[0]
    chosen = ", ".join(f"{_joined(roles.get(role, []))} AS {role}" for role in ROLES)
    made = None
    try:
        if _is_parquet(path):
            _fill(connection, letter, chosen, f"read_parquet({_text(str(path))})")
        elif not _filled_directly(connection, letter, chosen, path):
            made = _copied(path, shown, len(columns))
            _fill(connection, letter, chosen, _csv_call(made))
    finally:
        if made:
            made.unlink(missing_ok=True)
    return checked(connection, side, shown)


def checked(connection: Any, side: str, shown: str) -> int:
    """Refuse an empty side, rows without an id, an id that occurs twice, a side without a single name."""
    table = f"{side[0]}_raw"
    rows, without, names = connection.execute(
        f"SELECT count(*), count(*) FILTER (id = ''), count(*) FILTER (name <> '') FROM {table}"
    ).fetchall()[0]
    if not rows:
        raise BadSide(f"{SIDES[side]} {shown} 没有数据行。")
    if without:
        raise BadSide(f"{SIDES[side]} {shown} 有 {without} 行没有标识（id）。")
    if not names:
        raise BadSide(f"{SIDES[side]} {shown} 的名称列全是空的。")
    twice = connection.execute(
        f"SELECT id, count(*) FROM {table} GROUP BY id HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT {SHOWN}"
    ).fetchall()
    if twice:
        listed = "、".join(f"{value}（{count} 次）" for value, count in twice)
        raise BadSide(f"{SIDES[side]} {shown} 的标识（id）有重复：{listed}。请换一列，或先去掉重复的行。")
    return int(rows)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


@contextmanager
def _suffixed(path: Path) -> Iterator[Path]:
    """A stored upload has no suffix, and openpyxl reads workbooks by a path with one only."""
    with path.open("rb") as file:
        book = file.read(2) == b"PK"
    if not book or path.suffix == ".xlsx":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "table.xlsx"
        link.symlink_to(path.resolve())
        yield link


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _joined(columns: list[str]) -> str:
    """The cells of the columns as one text without line breaks and blanks around."""
    if not columns:
        return "''"
    quoted = ['"' + column.replace('"', '""') + '"' for column in columns]
    cells = ", ".join(f"nullif(trim(CAST({q} AS varchar)), '')" for q in quoted)
    return rf"trim(regexp_replace(coalesce(concat_ws(' ', {cells}), ''), '[\s]+', ' ', 'g'))"


def _fill(connection: Any, letter: str, chosen: str, source: str) -> None:
    connection.execute(
        f"CREATE OR REPLACE TABLE {letter}_raw AS"
        f" SELECT row_number() OVER () AS n, * FROM (SELECT {chosen} FROM {source})"
    )


def _csv_call(path: Path, packed: bool = False) -> str:
    options = (
        "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', strict_mode = true"
    )
    return f"read_csv({_text(str(path))}, {options}{', compression = ' + _text('gzip') if packed else ''})"


def _filled_directly(connection: Any, letter: str, chosen: str, path: Path) -> bool:
    """Large files are read by DuckDB itself where that gives the same: UTF-8, commas, every row as wide as the head."""
    import duckdb

    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as raw:
            line = raw.readline(1_000_000).decode("utf-8")
        names = next(csv.reader([line]), [""])
        if max(",\t;|", key=line.count) != "," or any(
            c != c.strip() or not c or c[0] == "\ufeff" for c in names
        ):
            return False
        _fill(connection, letter, chosen, _csv_call(path, packed))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, duckdb.Error):
        return False
    return True


def _copied(path: Path, shown: str, width: int) -> Path:
    """The table as UTF-8 CSV in a temporary file."""
    with (
        _suffixed(path) as seen,
        tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False, encoding="utf-8", newline="") as target,
    ):
        made = Path(target.name)
        try:
            table = reading.open_table(seen, shown)
            writer = csv.writer(target)
            writer.writerow([c or f"_{i}" for i, c in enumerate(table.columns)])
            for line, cells in table.rows:
                if any(c.strip() for c in cells[width:]):
                    raise BadSide(
                        f"{shown} 第 {line} 行有 {len(cells)} 格，表头有 {width} 列，请检查逗号和引号。"
                    )
                writer.writerow([*cells[:width], *[""] * (width - len(cells))])
        except BaseException as fault:
            made.unlink(missing_ok=True)
            if isinstance(fault, reading.Unreadable):
                raise BadSide(str(fault)) from None
            if isinstance(fault, UnicodeDecodeError):
                raise BadSide(f"{shown} 的编码前后不一致。") from None
            raise
    return made
