"""Whole columns of codes at once, with the very answers of `check`: for imports and for batches of millions.

What is right without a remark is proven in columns; a part of a code (region, kind, date) is judged once for each
value it takes, by the pure functions themselves; only a value of a strange form is asked one by one.
"""

from collections.abc import Callable, Iterable
from datetime import date

import polars as pl

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import citizen_id, food_licence, gtin, organization_code, schemes, uscc
from jinzhi.foundation.codes.answer import Answer
from jinzhi.foundation.codes.normal import LONGEST

SEPARATOR = "|"  # between the reasons of one value
ANSWER = {"normalized": pl.String, "valid": pl.Boolean, "codes": pl.String, "message": pl.String}


def frame(scheme: str, values: pl.Series, on: date | None = None) -> pl.DataFrame:
    """One row for each of `values`: `normalized`, `valid`, `codes` (reasons joined by `|`) and `message`.

    `codes` names warnings too; it is empty where nothing is to be said. `on`: the day of the records
    (default today). The rows say what `codes.check(scheme, value, on)` says. Raises schemes.UnknownScheme.
    """
    schemes.check(scheme, "")  # an unknown scheme is told before a million rows are read
    rows = pl.DataFrame({"value": values.cast(pl.String).fill_null("")}).with_row_index("i")
    judge = _JUDGES.get(scheme)
    if judge is None:
        return _one_by_one(scheme, rows, on).sort("i").select(*ANSWER)
    known, strange = judge(rows, on or today())
    parts = [part.select("i", *ANSWER) for part in known]
    if strange.height:
        parts.append(_one_by_one(scheme, strange, on))
    if not parts:
        return pl.DataFrame(schema=ANSWER)
    return pl.concat(parts).sort("i").select(*ANSWER)


def valid(scheme: str, values: pl.Series, on: date | None = None) -> pl.Series:
    """Only whether each value is valid."""
    return frame(scheme, values, on)["valid"]


Judged = tuple[list[pl.DataFrame], pl.DataFrame]


def _one_by_one(scheme: str, rows: pl.DataFrame, on: date | None) -> pl.DataFrame:
    distinct = rows["value"].unique()
    answers = (schemes.check(scheme, value, on) for value in distinct)
    found = [(a.normalized, a.valid, SEPARATOR.join(p.code for p in a.problems), _words(a)) for a in answers]
    table = pl.DataFrame(found, schema=ANSWER, orient="row").with_columns(value=distinct)
    return rows.join(table, on="value", how="left", maintain_order="none").select("i", *ANSWER)


def _words(answer: Answer) -> str | None:
    return "；".join(p.message for p in answer.problems)


def _split(rows: pl.DataFrame, form: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows whose value is written in this form, and the others."""
    fits = rows["value"].str.contains(f"^(?:{form})$")
    return rows.filter(fits), rows.filter(~fits)


def _lengths(scheme: str, rows: pl.DataFrame, plain: str, *allowed: int) -> Judged:
    """Values of plain characters but of a wrong length, which is all there is to say; and the others."""
    held = rows["value"].str.len_chars()
    wrong = rows["value"].str.contains(f"^{plain}{{1,{LONGEST}}}$") & ~held.is_in(list(allowed))
    told = rows.filter(wrong)
    if not told.height:
        return [], rows
    found = told["value"].str.len_chars().unique()
    words = {n: schemes.check(scheme, "9" * n).problems[0].message for n in found}
    message = pl.col("value").str.len_chars().replace_strict(words, return_dtype=pl.String)
    answers = told.select("i", normalized="value", valid=False, codes=pl.lit("length"), message=message)
    return [answers], rows.filter(~wrong)


def _characters(code: pl.Series, width: int) -> pl.DataFrame:
    """The ASCII codes of the characters, one column (`0`, `1`, …) for each place."""
    fixed = code.cast(pl.Binary).bin.reinterpret(dtype=pl.Array(pl.UInt8, width))
    names = [str(place) for place in range(width)]
    return pl.DataFrame({"c": fixed.arr.to_struct(names)}).unnest("c")


def _values(alphabet: str) -> pl.Series:
    """ASCII code -> value of the character in `alphabet`."""
    return pl.Series([max(alphabet.find(chr(code)), 0) for code in range(128)], dtype=pl.Int32)


def _sum(characters: pl.DataFrame, alphabet: str, weights: Iterable[int]) -> pl.Series:
    """The weighted sum of the leading characters."""
    values = pl.lit(_values(alphabet))
    terms = [values.gather(pl.col(str(place))) * weight for place, weight in enumerate(weights)]
    return characters.select(total=pl.sum_horizontal(terms))["total"]


def _letters(alphabet: str, indexes: pl.Series) -> pl.Series:
    return pl.Series(list(alphabet), dtype=pl.String).gather(indexes)


def _part(keys: pl.Series, judge: Callable[[Answer, str], object]) -> pl.DataFrame:
    """What the pure function says about a part of the code, once for each value the part takes."""
    found = []
    for key in keys.unique():
        answer = Answer("", "", key)
        judge(answer, key)
        codes = SEPARATOR.join(p.code for p in answer.problems) or None
        found.append((key, codes, _words(answer) or None, answer.valid))
    schema = {"key": pl.String, "codes": pl.String, "message": pl.String, "fine": pl.Boolean}
    table = pl.DataFrame(found, schema=schema, orient="row")
    return keys.to_frame("key").join(table, on="key", how="left", maintain_order="left").drop("key")


def _check(
    expected: pl.Series,
    given: pl.Series,
    words: str,
    code: str = "check_digit",
    also: pl.Series | None = None,
) -> pl.DataFrame:
    """A check character in its place among the reasons; `words` holds {expected} and {given}."""
    wrong = (expected != given) & (also if also is not None else True)
    message = words.replace("{expected}", "\0").replace("{given}", "\1")
    table = pl.DataFrame({"wrong": wrong, "e": expected, "g": given})
    order = [pl.col("e") if c == "\0" else pl.col("g") for c in message if c in "\0\1"]
    text = pl.format(message.replace("\0", "{}").replace("\1", "{}"), *order)
    told = table.with_row_index("n").filter("wrong").select("n", message=text)
    rows = table.with_row_index("n").join(told, on="n", how="left", maintain_order="left")
    return rows.select(codes=pl.when("wrong").then(pl.lit(code)), message="message", fine=~pl.col("wrong"))


def _told(rows: pl.DataFrame, normalized: pl.Series, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The answers of `rows` from what each part says, in the order of the parts."""
    count = range(len(parts))
    wide = pl.concat(
        [p.rename({c: f"{c}{n}" for c in p.columns}) for n, p in enumerate(parts)], how="horizontal"
    )
    answers = wide.select(
        valid=pl.all_horizontal([pl.col(f"fine{n}") for n in count]),
        codes=pl.concat_str([pl.col(f"codes{n}") for n in count], separator=SEPARATOR, ignore_nulls=True),
        message=pl.concat_str([pl.col(f"message{n}") for n in count], separator="；", ignore_nulls=True),
    )
    return answers.with_columns(i=rows["i"], normalized=normalized)


def _fixed(wrong: pl.Series, code: str, message: str, level: str = "error") -> pl.DataFrame:
    """One sentence where `wrong`."""
    return pl.DataFrame({"w": wrong}).select(
        codes=pl.when("w").then(pl.lit(code)),
        message=pl.when("w").then(pl.lit(message)),
        fine=~pl.col("w") if level == "error" else pl.lit(True),
    )


# -- the schemes


def _uscc(rows: pl.DataFrame, on: date) -> Judged:
    short, rows = _lengths("uscc", rows, "[0-9A-Z]", 18)
    rows, strange = _split(rows, f"[{uscc.ALPHABET}]{{2}}[0-9]{{6}}[{uscc.ALPHABET}]{{10}}")
    if not rows.height:
        return short, strange
    code = rows["value"]
    characters = _characters(code, 18)
    outer = _sum(characters, uscc.ALPHABET, uscc.WEIGHTS)
    inner = _sum(characters[:, 8:16].rename(lambda n: str(int(n) - 8)), organization_code.ALPHABET,
                 organization_code.WEIGHTS)  # fmt: skip
    expected = _letters(uscc.ALPHABET, (31 - outer % 31) % 31)
    inside = _letters(organization_code.CHECK_BY_REMAINDER, inner % 11)
    parts = [
        _part(code.str.slice(0, 2), uscc.judge_kind),
        _part(code.str.slice(2, 6), uscc.judge_region),
        _inner_of_uscc(code, inside),
        _check(expected, code.str.slice(17, 1), uscc.CHECK_WORDS),
    ]
    return [*short, _told(rows, code, parts)], strange


def _inner_of_uscc(code: pl.Series, expected: pl.Series) -> pl.DataFrame:
    """The organisation code inside: wrong values are told by the pure function, for each value once."""
    wrong = (code.str.slice(16, 1) != expected) | (code.str.slice(8, 9) == "0" * 9)
    numbered = pl.DataFrame({"wrong": wrong}).with_row_index("n")
    told = _part(code.filter(wrong), uscc.judge_inner).with_columns(n=numbered.filter("wrong")["n"])
    return (
        numbered.join(told, on="n", how="left", maintain_order="left")
        .with_columns(pl.col("fine").fill_null(True))
        .select("codes", "message", "fine")
    )


def _organization_code(rows: pl.DataFrame, on: date) -> Judged:
    short, rows = _lengths("organization_code", rows, "[0-9A-Z]", 9)
    rows, strange = _split(rows, "[0-9A-Z]{8}-?[0-9A-Z]")
    if not rows.height:
        return short, strange
    code = rows["value"].str.replace("-", "", literal=True)
    total = _sum(_characters(code, 9), organization_code.ALPHABET, organization_code.WEIGHTS)
    expected = _letters(organization_code.CHECK_BY_REMAINDER, total % 11)
    given = code.str.slice(8, 1)
    usable = given.is_in(list(organization_code.CHECK_ALPHABET))
    parts = [
        _check(expected, given, organization_code.CHECK_WORDS, also=usable),
        _check(expected, given, organization_code.NOT_USED_WORDS, also=~usable),
        _fixed(code == "0" * 9, "placeholder", organization_code.PLACEHOLDER),
    ]
    return [*short, _told(rows, code, parts)], strange


def _citizen_id(rows: pl.DataFrame, on: date) -> Judged:
    short, rows = _lengths("citizen_id", rows, "[0-9A-Z]", 15, 18)
    rows, strange = _split(rows, "[0-9]{17}[0-9X]")
    if not rows.height:
        return short, strange
    code = rows["value"]
    total = _sum(_characters(code, 18), "0123456789", citizen_id.WEIGHTS)
    parts = [
        _part(code.str.slice(6, 8), lambda answer, digits: citizen_id.judge_birth(answer, digits, on)),
        _part(code.str.slice(0, 6), citizen_id.judge_kind),
        _check(_letters(citizen_id.CHECK_BY_REMAINDER, total % 11), code.str.slice(17, 1), uscc.CHECK_WORDS),
    ]
    return [*short, _told(rows, code, parts)], strange


def _gtin(rows: pl.DataFrame, on: date) -> Judged:
    short, rows = _lengths("gtin", rows, "[0-9]", *gtin.NAMES)
    rows, strange = _split(rows, "[0-9]{8}|[0-9]{12,14}")
    if not rows.height:
        return short, strange
    code = rows["value"]
    wide = code.str.zfill(14)
    total = _sum(_characters(wide, 14), "0123456789", [3, 1] * 6 + [3])
    expected, given = _letters("0123456789", (10 - total % 10) % 10), code.str.slice(-1)
    length = code.str.len_chars()
    # a code that stands for all of its prefix and form
    like = pl.select(
        pl.when(pl.lit(length) == 8)
        .then(pl.lit(code).str.slice(0, 3) + "00000")
        .otherwise("0" + pl.lit(wide).str.slice(1, 3) + "0" * 10)
    ).to_series()
    parts = [
        *(
            _check(expected, given, gtin.CHECK_WORDS.replace("{place}", str(n)), also=length == n)
            for n in gtin.NAMES
        ),
        _fixed((code.str.strip_chars("0") == "") & (expected == given), "placeholder", gtin.PLACEHOLDER),
        _part(like, gtin.judge_prefix),
    ]
    return [*short, _told(rows, code, parts)], strange


def _food_licence(rows: pl.DataFrame, on: date) -> Judged:
    rows, strange = _split(rows, "SC[0-9]{14}")
    if not rows.height:
        return [], strange
    code = rows["value"]
    characters = _characters(code.str.slice(2), 14)
    state = pl.Series([10] * rows.height, dtype=pl.Int32)
    for place in range(13):
        state = _MOD_11_10.gather(state * 10 + (characters[str(place)].cast(pl.Int32) - 48))
    expected = _letters("0123456789", (11 - state) % 10)
    parts = [
        _part(code.str.slice(2, 3), food_licence.judge_category),
        _part(code.str.slice(5, 6), food_licence.judge_region),
        _check(expected, code.str.slice(15, 1), food_licence.CHECK_WORDS),
    ]
    return [_told(rows, code, parts)], strange


# P and a digit -> the next P (ISO 7064 MOD 11,10)
_MOD_11_10 = pl.Series([((p + d) % 10 or 10) * 2 % 11 for p in range(11) for d in range(10)], dtype=pl.Int32)

_JUDGES: dict[str, Callable[[pl.DataFrame, date], Judged]] = {
    "uscc": _uscc,
    "organization_code": _organization_code,
    "citizen_id": _citizen_id,
    "gtin": _gtin,
    "food_licence": _food_licence,
}
SCHEMES = tuple(_JUDGES)
