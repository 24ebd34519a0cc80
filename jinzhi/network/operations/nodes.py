"""The nodes of the network by their codes: names, places, whose bureau runs them."""

from functools import cache

from django.conf import settings

from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places.models import Division

NODE = 1_000_000  # a node's code is the first six digits of its place
CITY, PROVINCE = 100_000_000, 10_000_000_000


def place_of(code: str) -> int:
    return int(code) * NODE


def code_of(place: int) -> str:
    """The node that keeps the rows of a place: its city's, at the province the hub."""
    return f"{place // CITY * CITY // NODE:06d}"


@cache
def names() -> dict[str, str]:
    """The hub and the cities' nodes of this province, in order."""
    hub = f"{int(settings.NODE) * NODE // PROVINCE * PROVINCE // NODE:06d}"
    cities = Division.objects.filter(valid_to=None, parent=hub, level="city").order_by("code")
    return {hub: "省中心"} | {d.code: d.name for d in cities}


def name(code: str) -> str:
    return names().get(str(code), str(code))


def within(lo: int, hi: int) -> dict[str, str]:
    """The nodes an official has to do with: of the range, else the one that serves it."""
    found = {c: n for c, n in names().items() if lo <= place_of(c) <= hi}
    return found or {c: n for c, n in names().items() if c == code_of(lo)}


def level_of(code: str) -> str:
    return "province" if place_of(code) % PROVINCE == 0 else "city"


def agency_of(code: str) -> Agency | None:
    return Agency.objects.filter(place=place_of(code), valid_to=None).first()
