"""Loads the agencies and departments of the province pack."""

from jinzhi.foundation.people import pack

ORDER = 20


def bootstrap() -> str:
    agencies, departments = pack.load()
    return f"机构 {agencies} 个、处室 {departments} 个"
