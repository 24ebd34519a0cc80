"""Keyset pages: the next page starts after the last row seen, so page 1,000 costs what page 1 costs."""

import base64
import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, QuerySet

SIZE = 50
EXACT_UP_TO = 10_000  # beyond this a count is the planner's estimate


@dataclass
class Page:
    """Rows of one page with the cursors of its neighbours (empty: there is none)."""

    rows: list
    after: str = ""
    before: str = ""


def page(queryset: QuerySet, order: tuple[str, ...], *, after="", before="", size: int = SIZE) -> Page:
    """One page in `order`, e.g. ("-at", "-id"); the last field must be unique, none nullable."""
    backward = bool(before) and not after
    cursor = _read(before if backward else after, order)
    asked = _reversed(order) if backward else order
    rows_of = queryset.order_by(*asked)
    if cursor:
        try:
            rows_of = rows_of.filter(_beyond(asked, cursor))
            rows = list(rows_of[: size + 1])
        except (ValueError, TypeError, OverflowError, ValidationError):  # a cursor somebody made up
            cursor, backward = None, False
            rows = list(queryset.order_by(*order)[: size + 1])
    else:
        backward = False
        rows = list(queryset.order_by(*order)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backward:
        rows.reverse()
    if not rows:
        return Page([])
    has_next, has_previous = (True, more) if backward else (more, bool(cursor))
    return Page(
        rows,
        after=_write(rows[-1], order) if has_next else "",
        before=_write(rows[0], order) if has_previous else "",
    )


def _reversed(order):
    return tuple(f[1:] if f.startswith("-") else f"-{f}" for f in order)


def _beyond(order, values) -> Q:
    """Rows after `values` in lexicographic `order`; the bound on the first field alone is what an index can go to."""
    condition = Q()
    equal = Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        step = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{field}__{step}": value})
        equal &= Q(**{field: value})
    if len(order) > 1:
        first = order[0].lstrip("-")
        condition &= Q(**{f"{first}__{'lte' if order[0].startswith('-') else 'gte'}": values[0]})
    return condition


def _value(row, name: str):
    for part in name.lstrip("-").split("__"):
        row = getattr(row, part)
    if isinstance(row, datetime | date):
        return row.isoformat()
    return str(row) if isinstance(row, UUID) else row


def _write(row, order) -> str:
    text = json.dumps([_value(row, name) for name in order], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, order) -> list | None:
    if not cursor or len(cursor) > 600:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == len(order)
    return values if fits and all(_plain(value) for value in values) else None


def _plain(value) -> bool:
    """A value that the database can compare with: text without NUL, a finite number, yes or no."""
    if isinstance(value, str):
        return "\x00" not in value
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def about(queryset: QuerySet, exact_up_to: int = 0) -> int:
    """How many rows: exact up to 10,000 (or `exact_up_to`), beyond that what the planner expects."""
    exact_up_to = exact_up_to or EXACT_UP_TO
    counted = queryset.order_by()[: exact_up_to + 1].count()
    if counted <= exact_up_to:
        return counted
    sql, parameters = queryset.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return max(int(plan[0]["Plan"]["Plan Rows"]), exact_up_to)
