"""Loads the divisions: the country's provinces and the pack's table with its history."""

import csv
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db import transaction

from jinzhi.foundation.places.models import Division

ORDER = 10
PROVINCES = Path(__file__).with_name("provinces.csv")
FIELDS = ("name", "level", "parent", "valid_to", "successor", "note")


def rows(path: Path) -> list[Division]:
    """The divisions of a table; its columns are the fields of Division."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Division(**{**row, **{f: _day(row[f]) for f in ("valid_from", "valid_to")}})
            for row in csv.DictReader(lines)
        ]


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def bootstrap() -> str:
    """Make the table of divisions equal to the files; safe to repeat."""
    pack = rows(settings.PROVINCE_DIR / "divisions.csv")
    own = {d.code for d in pack}
    wanted = [d for d in rows(PROVINCES) if d.code not in own] + pack
    with transaction.atomic():
        Division.objects.bulk_create(
            wanted, update_conflicts=True, unique_fields=["code", "valid_from"], update_fields=FIELDS
        )
        periods = {(d.code, d.valid_from) for d in wanted}
        stale = [pk for pk, *period in Division.objects.values_list("pk", "code", "valid_from")
                 if tuple(period) not in periods]  # fmt: skip
        Division.objects.filter(pk__in=stale).delete()
    return f"行政区划 {len(wanted)} 条"
