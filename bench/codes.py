"""Checking codes: our answers one by one and in columns, against python-stdnum one by one.

The columns are polars expressions of the same arithmetic: a bulk import asks for reasons where they say no.
"""

import os
import random
import time
from collections.abc import Callable

import django
import polars as pl
from stdnum.cn import uscc as stdnum_uscc

from jinzhi.foundation.codes import uscc

COUNT = 200_000
WEIGHTS = [pow(3, place, 31) for place in range(17)]


def values(count: int, seed: int = 2026) -> list[str]:
    """Companies' codes, one in ten with a wrong last character."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        inner = f"{chance.randrange(10**8):08d}"
        body = f"91330106{inner}{organization_check(inner)}"
        check = uscc.check_character(body)
        found.append(body + (chance.choice("0123456789") if number % 10 == 0 else check))
    return found


def organization_check(inner: str) -> str:
    from jinzhi.foundation.codes.organization_code import check_character

    return check_character(inner)


def in_columns(codes: list[str]) -> pl.Series:
    """Whether the outer check character is right, for a whole column."""
    code = pl.col("code")
    order = dict(zip(uscc.ALPHABET, range(31), strict=True))

    def value(place: int) -> pl.Expr:
        return code.str.slice(place, 1).replace_strict(order, default=None, return_dtype=pl.Int32)

    total = pl.sum_horizontal(value(place) * weight for place, weight in enumerate(WEIGHTS))
    right = (code.str.len_chars() == 18) & ((total + value(17)) % 31 == 0)
    return pl.DataFrame({"code": codes}).select(right.fill_null(False).alias("right"))["right"]


def rate(action: Callable[[], object], count: int) -> float:
    began = time.process_time()
    action()
    return count / (time.process_time() - began)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()
    codes = values(COUNT)
    ours, theirs = [], []
    stdnum = rate(lambda: theirs.extend(map(stdnum_uscc.is_valid, codes)), COUNT)
    reasons = rate(lambda: ours.extend(uscc.check(code).valid for code in codes), COUNT)
    columns = rate(lambda: in_columns(codes), COUNT)
    if not ours == theirs == in_columns(codes).to_list():
        raise SystemExit("codes | the three ways disagree")
    print(f"codes | python-stdnum, one by one, {COUNT:,} codes | {stdnum:,.0f} /s CPU | 1.0x")
    print(f"codes | with reasons and normalised form | {reasons:,.0f} /s CPU | {reasons / stdnum:.2f}x")
    print(f"codes | in columns (polars) | {columns:,.0f} /s CPU | {columns / stdnum:.1f}x")


if __name__ == "__main__":
    main()
