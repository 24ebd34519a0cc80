"""Questions about divisions: what a code meant on a day, what became of it, what lies inside a place."""

import unicodedata
from datetime import date

from django.db.models import Q
from django.utils import timezone

from jinzhi.foundation.places.models import Division
from jinzhi.foundation.places.scope import jurisdiction

CODE_DIGITS = 6
UNIT = 1_000_000  # a 6-digit code in 12-digit place numbers
ELSEWHERE = 990_000_000_000  # outside the country's divisions; no jurisdiction but the whole holds it
MOVES = 20  # a chain of successors longer than this is a fault of the table


class UnknownPlace(ValueError):
    """Not the code of a division this installation knows."""


def _today() -> date:
    return timezone.localdate()


def _in_force(on: date) -> Q:
    return (Q(valid_from=None) | Q(valid_from__lte=on)) & (Q(valid_to=None) | Q(valid_to__gt=on))


def place_of(code: str | int) -> int:
    """The 12-digit place of a code with 2, 4, 6, 9 or 12 digits.

    >>> place_of("330106")
    330106000000
    >>> place_of("330106001000")
    330106001000
    """
    digits = unicodedata.normalize("NFKC", str(code)).strip()
    if digits.isascii() and digits.isdigit() and len(digits) in (2, 4, 6, 9, 12):
        return int(digits.ljust(12, "0"))
    raise UnknownPlace(f"区划代码“{code}”应为 2、4、6、9 或 12 位数字")


def code_of(place: int) -> str:
    """The 6-digit code of the county, city or province that holds `place`."""
    return f"{place:012d}"[:CODE_DIGITS]


def division(code: str | int, on: date | None = None) -> Division | None:
    """What `code` stood for on the day `on` (today when not given); None when it stood for nothing."""
    code = code_of(place_of(code))
    return Division.objects.filter(_in_force(on or _today()), code=code).first()


def current_successor(code: str | int) -> Division | None:
    """The division that answers today for what `code` once was; None for a code never known.

    Follows mergers, upgrades and changes of code. Where a division was divided among several, or its city
    took it over, the answer is the division that enclosed it.
    """
    code = code_of(place_of(code))
    for _ in range(MOVES):
        if found := division(code):
            return found
        last = Division.objects.filter(code=code).order_by("-valid_to").first()
        if last is None:
            return None
        code = last.successor or last.parent
    raise UnknownPlace(f"区划代码 {code} 的沿革有循环，请核对区划表")


def children(place: int, on: date | None = None) -> list[Division]:
    """Divisions directly below `place` on a day, in code order."""
    return list(Division.objects.filter(_in_force(on or _today()), parent=code_of(place)).order_by("code"))


def inside(place: int, on: date | None = None) -> list[Division]:
    """The division of `place` and all below it on a day, in code order."""
    lo, hi = (code_of(p) for p in jurisdiction(place))
    return list(
        Division.objects.filter(_in_force(on or _today()), code__gte=lo, code__lte=hi).order_by("code")
    )


def name_path(place: int, on: date | None = None, separator: str = " / ") -> str:
    """The names from the province down: 浙江省 / 杭州市 / 西湖区.

    A place whose code is no longer in force is named as it last was.
    """
    if place == ELSEWHERE:
        return "省外或境外"
    on = on or _today()
    codes = list(dict.fromkeys(f"{place:012d}"[:width].ljust(CODE_DIGITS, "0") for width in (2, 4, 6)))
    names: dict[str, str] = {}
    for row in Division.objects.filter(code__in=codes).order_by("valid_from"):
        began = row.valid_from is None or row.valid_from <= on
        if began or row.code not in names:
            names[row.code] = row.name
    return separator.join(names[c] for c in codes if c in names) or code_of(place)


def is_current(place: int) -> bool:
    """Whether the division of `place` is in force today (or it lies outside all divisions)."""
    return place == ELSEWHERE or division(code_of(place)) is not None
