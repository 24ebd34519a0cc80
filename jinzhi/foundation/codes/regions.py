"""Which six-digit division codes exist or existed: the product's table first, python-stdnum's for the rest.

Only existence and names are asked here; whether a code may be used is the caller's decision.
"""

import re
import threading
import time
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db import DatabaseError
from stdnum import numdb

PROVINCES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省",
    "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
    "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区",
}  # fmt: skip
CENTRAL = "100000"
RECHECK_SECONDS = 60.0
_ERA = re.compile(r"(?:\[(\d*)-(\d*)\])?([^,\[]+)")


@dataclass(frozen=True)
class Period:
    """A code under one name. Years where only years are known; `None` is open."""

    name: str
    first: date | None = None
    last: date | None = None
    successor: str = ""

    def held_on(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day < self.last)


def province(code: str) -> str:
    """Name of the province of a division code, or nothing."""
    return PROVINCES.get(code[:2], "")


def periods(code: str) -> tuple[Period, ...]:
    """The lives of a six-digit code, oldest first; empty when it is not known to have existed."""
    own = _own_table()
    return own.get(code) or _stdnum_periods(code)


def name(code: str) -> str:
    """The last name a code had."""
    known = periods(code)
    return known[-1].name if known else ""


@lru_cache(maxsize=4096)
def _stdnum_periods(code: str) -> tuple[Period, ...]:
    if code[2:] == "0000":
        return (Period(PROVINCES[code[:2]]),) if code[:2] in PROVINCES else ()
    found = [props["county"] for _, props in numdb.get("cn/loc").info(code) if "county" in props]
    if not found or code[:2] not in PROVINCES:
        return ()
    lives = []
    for first, last, title in _ERA.findall(found[0]):
        lives.append(
            Period(
                title,
                date(int(first), 1, 1) if first else None,
                date(int(last) + 1, 1, 1) if last else None,
            )
        )
    return tuple(lives)


_lock = threading.Lock()
_table: dict[str, tuple[Period, ...]] = {}
_read_at: float | None = None


def _own_table() -> dict[str, tuple[Period, ...]]:
    """places.Division by code; empty while there is no such table or no database."""
    global _table, _read_at
    if _read_at is not None and time.monotonic() - _read_at < RECHECK_SECONDS:
        return _table
    with _lock:
        try:
            _table = _read()
        except DatabaseError:
            _table = {}
        _read_at = time.monotonic()
    return _table


def _read() -> dict[str, tuple[Period, ...]]:
    from jinzhi.foundation.places.models import Division

    found: dict[str, list[Period]] = {}
    for row in Division.objects.order_by("code", "valid_from").values_list(
        "code", "name", "valid_from", "valid_to", "successor"
    ):
        code, title, first, last, successor = row
        found.setdefault(code, []).append(Period(title, first, last, successor))
    return {code: tuple(lives) for code, lives in found.items()}


def forget() -> None:
    """Read the table again at the next question."""
    global _read_at
    _read_at = None
