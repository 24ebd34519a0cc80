"""The province pack as data: agencies, departments, names in earlier years, who decides what."""

import csv
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from django.conf import settings
from django.db import transaction

from jinzhi.foundation.people.models import Agency, Department
from jinzhi.foundation.places.services import place_of

LEVELS = ("county", "city", "province")


@lru_cache(maxsize=4)
def _read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def province() -> dict:
    """The content of province.yaml."""
    return _read(settings.PROVINCE_DIR / "province.yaml")


def departments() -> dict[str, list[dict]]:
    """Departments by level: name and tasks."""
    return _read(settings.PROVINCE_DIR / "departments.yaml")


def agencies() -> list[dict]:
    """The rows of agencies.csv, upper levels first."""
    with (settings.PROVINCE_DIR / "agencies.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return sorted(rows, key=lambda r: (-LEVELS.index(r["level"]), r["key"]))


def _holds(period: dict, on: date) -> bool:
    return (period.get("from") or date.min) <= on < (period.get("to") or date.max)


def deciding_level(matter: str, on: date, categories: list[str] | tuple[str, ...] = ()) -> str:
    """Level (county, city, province) that decides `matter` on a day: the highest any category asks for."""
    periods = province()["deciding_level"].get(matter, [])
    for period in periods:
        if _holds(period, on):
            levels = [period.get("categories", {}).get(c, period["default"]) for c in categories]
            return max(levels or [period["default"]], key=LEVELS.index)
    raise LookupError(f"省包没有写明 {on} 由哪级机关决定“{matter}”")


def name_on(agency: Agency, on: date) -> str:
    """What the agency was called on a day: 浙江省质量技术监督局 before the bureaus were merged."""
    return _as_of(agency.name, "organ", on)


def document_word_on(agency: Agency, on: date) -> str:
    """The agency's document word on a day: 浙质监 before the bureaus were merged."""
    return _as_of(agency.document_word, "word", on)


def _as_of(today: str, part: str, on: date) -> str:
    names = province()["agency_names"]
    now = next((n[part] for n in names if _holds(n, date.max.replace(year=9998))), "")
    then = next((n[part] for n in names if _holds(n, on)), now)
    return today.replace(now, then) if now else today


def load() -> tuple[int, int]:
    """Make agencies and departments hold what the pack says; answers how many of each it names.

    Nothing is removed, and an address, telephone or department an administrator added stays.
    """
    rows = agencies()
    with transaction.atomic():
        Agency.objects.bulk_create(
            [Agency(place=place_of(r["key"]), **{k: v for k, v in r.items() if k != "parent"}) for r in rows],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["name", "short_name", "level", "place", "document_word"],
        )
        held = Agency.objects.in_bulk([r["key"] for r in rows], field_name="key")
        for r in rows:
            held[r["key"]].parent = held.get(r["parent"])
        Agency.objects.bulk_update(held.values(), ["parent"])
        wanted = [
            Department(agency=held[r["key"]], name=d["name"], order=order)
            for r in rows
            for order, d in enumerate(departments()[r["level"]], start=1)
        ]
        Department.objects.bulk_create(
            wanted, update_conflicts=True, unique_fields=["agency", "name"], update_fields=["order"]
        )
    return len(held), len(wanted)
