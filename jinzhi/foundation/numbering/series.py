"""Takes numbers. The row of a series is locked until the caller's transaction ends: no gap, no double."""

import string
from typing import Any

from django.db import connection

LARGEST = 2_147_483_647

_TAKE = """
INSERT INTO numbering_series AS held (series, agency, year, last) VALUES (%s, %s, %s, 1)
ON CONFLICT (series, agency, year) DO UPDATE SET last = held.last + 1 WHERE held.last < %s
RETURNING last
"""


class NumberingError(ValueError):
    """No number can be given; the message is for the person who asked."""


def take(series: str, scope_key: str, *, year: int = 0, maximum: int = LARGEST) -> int:
    """The next number of `series` for `scope_key`, beginning with 1.

    Must be called in a transaction (raises NumberingError outside one): a number taken by a transaction that
    fails is given again. Raises NumberingError when `maximum` has been reached.
    """
    if not connection.in_atomic_block:
        raise NumberingError("取号必须在事务中进行，否则失败时会留下空号")
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [series, scope_key, year, maximum])
        row = cursor.fetchone()
    if row is None:
        when = f" {year} 年" if year else ""
        raise NumberingError(f"{scope_key}{when}“{series}”的编号已用到 {maximum}，不能再取")
    return row[0]


def next_number(series: str, agency: str, year: int, pattern: str, **parts: Any) -> str:
    """The next official number, formatted.

    `pattern` names `{n}` (with its width: `{n:04d}` ends at 9999) and may name `{agency}`, `{year}` and
    `parts`, e.g. `"{word}食许受〔{year}〕{n}号"`. Same transaction rules as `take`.
    """
    maximum = _maximum(pattern)
    number = take(series, agency, year=year, maximum=maximum)
    return pattern.format(**{"agency": agency, "year": year, **parts, "n": number})


def _maximum(pattern: str) -> int:
    """Largest number that fits the width of `{n}` in the pattern."""
    formats = [spec for _, name, spec, _ in string.Formatter().parse(pattern) if name == "n"]
    if len(formats) != 1:
        raise NumberingError(f"编号格式“{pattern}”中应有一个 {{n}}")
    width = (formats[0] or "").rstrip("d").lstrip("0")
    return 10 ** int(width) - 1 if width.isdigit() else LARGEST


def last(series: str, agency: str, year: int = 0) -> int:
    """The last number given; 0 when none was."""
    from jinzhi.foundation.numbering.models import Series

    return (
        Series.objects.filter(series=series, agency=agency, year=year).values_list("last", flat=True).first()
        or 0
    )


def void(
    series: str, agency: str, year: int, number: int, reason: str, *, by: object = "", text: str = ""
) -> None:
    """Record that a number already given carries no document. It is not given again."""
    from jinzhi.foundation.numbering.models import Voided

    held = _held(series, agency, year)
    if not 1 <= number <= held.last:
        raise NumberingError(f"{number} 号尚未发出，不能作废")
    if held.voided.filter(first__lte=number, last__gte=number).exists():
        raise NumberingError(f"{number} 号已作废")
    Voided.objects.create(
        series=held, first=number, last=number, text=text, reason=_reason(reason), by=str(by)
    )


def skip_to(series: str, agency: str, year: int, number: int, reason: str, *, by: object = "") -> None:
    """Let the next number be `number`, e.g. after numbers given on paper; what is skipped is recorded."""
    from jinzhi.foundation.numbering.models import Series, Voided

    if not connection.in_atomic_block:
        raise NumberingError("调整编号必须在事务中进行")
    Series.objects.get_or_create(series=series, agency=agency, year=year, defaults={"last": 0})
    held = _held(series, agency, year)
    if number <= held.last + 1:
        raise NumberingError(f"下一个编号已是 {held.last + 1}，编号只能向前调整")
    Voided.objects.create(
        series=held, first=held.last + 1, last=number - 1, reason=_reason(reason), by=str(by)
    )
    Series.objects.filter(pk=held.pk).update(last=number - 1)


def _held(series: str, agency: str, year: int) -> Any:
    from jinzhi.foundation.numbering.models import Series

    try:
        return Series.objects.select_for_update().get(series=series, agency=agency, year=year)
    except Series.DoesNotExist:
        raise NumberingError(f"{agency} {year or ''}“{series}”还没有发过编号") from None


def _reason(reason: str) -> str:
    if not reason.strip():
        raise NumberingError("请写明原因")
    return reason.strip()
