"""The law's day: what date it is in China now."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LAW_ZONE = ZoneInfo("Asia/Shanghai")


def today() -> date:
    return datetime.now(LAW_ZONE).date()
