"""Batches of codes: whole columns with all reasons, and a file through the command, against a python-stdnum loop.

Sizes: JINZHI_BENCH_CODES (default 1,000,000). One code in ten is wrong in its last character.
"""

import csv
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

COUNT = int(os.environ.get("JINZHI_BENCH_CODES", "1000000"))
LOOP = 100_000  # what the loops are measured on


def usccs(count: int, seed: int = 2026) -> list[str]:
    """Companies' codes of a hundred registering organs."""
    from jinzhi.foundation.codes import organization_code, uscc

    chance = random.Random(seed)
    regions = [f"33{chance.randrange(1, 12):02d}{chance.randrange(1, 30):02d}" for _ in range(100)]
    found = []
    for number in range(count):
        inner = f"{chance.randrange(10**8):08d}"
        body = f"91{chance.choice(regions)}{inner}{organization_code.check_character(inner)}"
        found.append(body + (chance.choice("0123456789") if number % 10 == 0 else uscc.check_character(body)))
    return found


def gtins(count: int, seed: int = 2026) -> list[str]:
    from jinzhi.foundation.codes import gtin

    chance = random.Random(seed)
    found = []
    for number in range(count):
        body = f"69{chance.randrange(10**10):010d}"
        found.append(body + (chance.choice("0123456789") if number % 10 == 0 else gtin.check_digit(body)))
    return found


def rate(action: Callable[[], object], count: int) -> float:
    """How many in a second of the clock."""
    began = time.perf_counter()
    action()
    return count / (time.perf_counter() - began)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()
    import polars as pl
    from stdnum import ean
    from stdnum.cn import uscc as stdnum_uscc

    from jinzhi.foundation import codes
    from jinzhi.foundation.codes import batch, vectorised

    for scheme, made, theirs in (("uscc", usccs, stdnum_uscc.is_valid), ("gtin", gtins, ean.is_valid)):
        values = made(COUNT)
        few, column = values[:LOOP], pl.Series(values)
        said: list[bool] = []
        loop = rate(lambda: said.extend(map(theirs, few)), LOOP)  # noqa: B023  called at once
        alone = rate(lambda: [codes.check(scheme, value) for value in few], LOOP)  # noqa: B023
        answers = vectorised.frame(scheme, column)
        columns = rate(lambda: vectorised.frame(scheme, column), COUNT)  # noqa: B023
        if scheme == "uscc" and said != answers["valid"][:LOOP].to_list():
            raise SystemExit("codes | the two ways disagree")
        print(f"codes | {scheme}: python-stdnum loop, {LOOP:,} | {loop:,.0f} /s | 1.0x", flush=True)
        print(
            f"codes | {scheme}: one by one with reasons | {alone:,.0f} /s | {alone / loop:.2f}x", flush=True
        )
        print(
            f"codes | {scheme}: a column of {COUNT:,} with reasons | {columns:,.0f} /s | {columns / loop:.1f}x",
            flush=True,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "codes.csv"
            with path.open("w", encoding="gb18030", newline="") as file:
                csv.writer(file).writerows(
                    [["名称", "代码"], *([f"企业{n}", v] for n, v in enumerate(values))]
                )
            whole = rate(lambda: batch.run(scheme, path, "代码", Path(folder) / "out.csv"), COUNT)  # noqa: B023
        print(
            f"codes | {scheme}: a GB 18030 file of {COUNT:,}, results written | {whole:,.0f} /s | {whole / loop:.1f}x",
            flush=True,
        )


if __name__ == "__main__":
    main()
