"""Numbers of the food production licence: SC since 2015-10-01, QS before; and its last day."""

from datetime import date

from jinzhi.foundation import codes, numbering
from jinzhi.services.licensing import kinds

KIND = "food_production"
ADDITIVES = "32"  # main category of the list whose licence numbers begin with 2


def sc_category(category: str, detail: str) -> str:
    """The three category digits of an SC number (食品生产许可管理办法第三十条).

    >>> sc_category("01", "0101")
    '101'
    >>> sc_category("32", "3202")
    '202'
    """
    if category == ADDITIVES:
        return f"2{detail[2:4]}"
    return f"1{category}"


def sc_number(category: str, county: str, serial: int) -> str:
    """`SC` + 3 category + 6 division + 4 serial + check digit (GB/T 17710 MOD 11,10)."""
    body = f"{category}{county}{serial:04d}"
    return f"SC{body}{codes.food_licence_check_digit(body)}"


def qs_number(city: str, detail: str, serial: int) -> str:
    """`QS` + 4 region of the accepting organ + 4 product category + 4 serial; no check digit."""
    return f"QS{city}{detail}{serial:04d}"


def next_number(scheme: str, county: str, category: str, detail: str) -> str:
    """The next number of the region, without gaps: the series is locked until the transaction ends."""
    if scheme == "QS":
        return qs_number(county[:4], detail, numbering.take("QS", f"{county[:4]}:{detail}", maximum=9999))
    return sc_number(sc_category(category, detail), county, numbering.take("SC", county, maximum=9999))


def last_day(start: date, on: date) -> date:
    """Last day a licence granted on `start` is valid: 2026-03-02 + 5 years ends 2031-03-01."""
    end = kinds.last_day(KIND, start, on)
    assert end is not None, "a food production licence has its period"
    return end
