"""The schemes by name, and the one way to ask them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import (
    citizen_id,
    division,
    food_licence,
    gtin,
    licence_numbers,
    organization_code,
    uscc,
)
from jinzhi.foundation.codes.answer import Answer


@dataclass(frozen=True)
class Scheme:
    """One kind of code. `check(value, on, asked)`: the day matters to some; `asked` when it was given."""

    key: str
    title: str
    standard: str
    check: Callable[[str, date, bool], Answer]


class UnknownScheme(LookupError):
    """No scheme of that name."""


SCHEMES: dict[str, Scheme] = {
    scheme.key: scheme
    for scheme in (
        Scheme(
            "organization_code", "组织机构代码", "GB 11714", lambda v, on, asked: organization_code.check(v)
        ),
        Scheme("uscc", "统一社会信用代码", "GB 32100", lambda v, on, asked: uscc.check(v)),
        Scheme("citizen_id", "公民身份号码", "GB 11643", lambda v, on, asked: citizen_id.check(v, on)),
        Scheme("gtin", "商品条码", "GB 12904", lambda v, on, asked: gtin.check(v)),
        Scheme(
            "food_licence", "食品生产许可证编号", "GB/T 17710", lambda v, on, asked: food_licence.check(v)
        ),
        Scheme(
            "food_licence_qs",
            "食品生产许可证编号（QS）",
            "",
            lambda v, on, asked: food_licence.check_legacy(v),
        ),
        Scheme(
            "special_equipment_licence",
            "特种设备生产许可证编号（TS）",
            "",
            lambda v, on, asked: licence_numbers.check_special_equipment(v),
        ),
        Scheme(
            "measuring_instrument_licence",
            "制造计量器具许可证编号",
            "",
            lambda v, on, asked: licence_numbers.check_measuring_instruments(v),
        ),
        Scheme(
            "type_approval",
            "计量器具型式批准证书编号",
            "",
            lambda v, on, asked: licence_numbers.check_type_approval(v),
        ),
        Scheme("division", "行政区划代码", "GB/T 2260", division.check),
    )
}


def check(scheme: str, value: object, on: date | None = None) -> Answer:
    """Check one value. `on`: the day of the record it stands in (default today). Raises UnknownScheme."""
    try:
        found = SCHEMES[scheme]
    except KeyError:
        known = "、".join(SCHEMES)
        raise UnknownScheme(f"没有名为“{str(scheme)[:40]}”的代码种类，可用：{known}") from None
    return found.check("" if value is None else str(value), on or today(), on is not None)
