"""Figures of the catalogue: what moved, how fast, how good the data is. All from what exchange writes anyway."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.codes import schemes
from jinzhi.foundation.exchange import capture, declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Grant, Quality, Request

DAYS = 30
PARTS = {
    "completeness": "完整性", "validity": "有效性", "timeliness": "及时性", "consistency": "一致性", "uniqueness": "唯一性",
}  # fmt: skip
EXPECTED_DAYS = {"每日": 1, "每周": 7, "每月": 31, "每季度": 92, "每年": 366}

_MOVED = """
SELECT dataset, sum(sent)::bigint, sum(acknowledged)::bigint, sum(refused_there)::bigint, sum(received)::bigint,
  sum(applied)::bigint, sum(refused)::bigint
FROM exchange_tally WHERE day > %s AND (%s = '' OR dataset = %s) GROUP BY dataset
"""
_PEERS = """
SELECT peer, sum(sent)::bigint, sum(acknowledged)::bigint, sum(refused_there)::bigint, sum(received)::bigint,
  sum(applied)::bigint, sum(refused)::bigint, max(day)
FROM exchange_tally WHERE day > %s AND dataset = %s GROUP BY peer ORDER BY peer
"""
_LATENCY = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - made_at)),
  count(*) FILTER (WHERE acknowledged_at - made_at <= interval '1 day'), count(*)
FROM exchange_batch WHERE counts ? %s AND acknowledged_at IS NOT NULL AND made_at > now() - interval '30 days'
"""
_DAILY = """
SELECT day, sum(sent)::bigint, sum(received)::bigint FROM exchange_tally
WHERE day > %s AND dataset = %s GROUP BY day ORDER BY day
"""
_NAMES = ("sent", "acknowledged", "refused_there", "received", "applied", "refused")


def _ask(statement: str, parameters: list) -> list[tuple]:
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def moved(dataset: str = "") -> dict[str, dict[str, int]]:
    """Sums of the last thirty days by dataset."""
    since = calendar.today() - timedelta(DAYS)
    return {
        key: dict(zip(_NAMES, rest, strict=True)) for key, *rest in _ask(_MOVED, [since, dataset, dataset])
    }


def by_peer(dataset: str) -> list[dict[str, Any]]:
    since = calendar.today() - timedelta(DAYS)
    return [dict(zip(("peer", *_NAMES, "last"), row, strict=True)) for row in _ask(_PEERS, [since, dataset])]


def daily(dataset: str) -> list[tuple]:
    """(day, sent, received) of the last thirty days that had any."""
    return _ask(_DAILY, [calendar.today() - timedelta(DAYS), dataset])


def latency(dataset: str) -> tuple[float | None, int, int]:
    """Median seconds from numbering to the receiver's acknowledgement, batches within a day, all batches."""
    ((median, within, every),) = _ask(_LATENCY, [dataset])
    return (float(median) if median is not None else None), within, every


def overview() -> dict[str, Any]:
    """What the catalogue's first page says in numbers."""
    every = list(declared.all().values())
    answered = Request.objects.exclude(answered_on=None).exclude(state=Request.State.WITHDRAWN)
    days = [
        calendar.workdays_between(r.asked_on, r.answered_on)
        for r in answered.order_by("-id")[:200]
        if r.answered_on
    ]
    return {
        "datasets": len(every),
        "shared": sum(one.share != "no" for one in every),
        "open": sum("public" in one.audience for one in every),
        "grants": Grant.objects.filter(state=Grant.State.ACTIVE).count(),
        "answer_days": round(sum(days) / len(days), 1) if days else None,
    }


# -- quality


def _columns(one: Dataset) -> tuple[str, list[str]]:
    """The FROM part and an SQL text expression for each item."""
    if one.table:
        capture.model_of(one)
        source = f"(SELECT * FROM {one.table} AS n WHERE {one.rows} ORDER BY id DESC LIMIT %(most)s) AS n"  # noqa: S608
        return source, [f"n.{f.key}::text" for f in one.fields]
    source = (
        f"(SELECT * FROM exchange_document WHERE dataset = '{one.key}' ORDER BY id DESC LIMIT %(most)s) AS n"  # noqa: S608
    )
    return source, [f"n.body->>'{f.key}'" for f in one.fields]


def measure(one: Dataset) -> Quality:
    """Measure a dataset today: a part that cannot be measured yet is left out of the mean."""
    today = calendar.today()
    most = int(rules.value("catalogue.quality_sample", on=today).value)
    source, texts = _columns(one)
    filled = ", ".join(f"count(nullif({text}, ''))" for text in texts)
    keys = [text for f, text in zip(one.fields, texts, strict=True) if f.key in one.key_fields]
    distinct = f"count(DISTINCT ({', '.join(keys)}))" if keys else "0"
    ((rows, unique, newest, *counts),) = _ask_named(
        f"SELECT count(*), {distinct}, max(n.updated_at), {filled} FROM {source}",  # noqa: S608
        {"most": most},
    )
    parts = {
        "completeness": _completeness(one, rows, counts),
        "validity": _validity(one, source, texts, most) if rows else None,
        "timeliness": _timeliness(one, newest),
        "consistency": _consistency(one),
        "uniqueness": 100 * unique / rows if rows and keys else None,
    }
    measured = [value for value in parts.values() if value is not None]
    score = Decimal(sum(measured) / len(measured)).quantize(Decimal("0.1")) if measured else None
    with scope.acting(scope.SYSTEM):
        held, _ = Quality.objects.update_or_create(
            dataset=one.key, measured_on=today,
            defaults={"records": rows, "score": score,
                      "parts": {k: None if v is None else round(v, 1) for k, v in parts.items()}},
        )  # fmt: skip
    return held


def _ask_named(statement: str, parameters: dict) -> list[tuple]:
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def _completeness(one: Dataset, rows: int, counts: list[int]) -> float | None:
    if not rows:
        return None
    weighed = [(n, f.required) for f, n in zip(one.fields, counts, strict=True)]
    asked = [n for n, required in weighed if required] or [n for n, _ in weighed]
    return 100 * sum(asked) / (rows * len(asked))


def _validity(one: Dataset, source: str, texts: list[str], most: int) -> float | None:
    """Share of values that pass their check digit or code set; without such items, of messages that were accepted."""
    checked = [(f, text) for f, text in zip(one.fields, texts, strict=True) if f.codes or f.scheme]
    if checked:
        good = every = 0
        for f, text in checked:
            found = _ask_named(
                f"SELECT {text}, count(*) FROM {source} WHERE nullif({text}, '') IS NOT NULL GROUP BY 1",  # noqa: S608
                {"most": most},
            )
            for value, n in found:
                every += n
                good += n * (value in f.codes if f.codes else schemes.check(f.scheme, value).valid)
        return 100 * good / every if every else None
    said = moved(one.key).get(one.key)
    if not said or not said["received"]:
        return None
    return 100 * (1 - said["refused"] / said["received"])


def _timeliness(one: Dataset, newest: Any) -> float | None:
    """By the declared cycle: the age of the newest record; for real-time sets, batches acknowledged within a day."""
    if one.frequency == "实时":
        _, within, every = latency(one.key)
        return 100 * within / every if every else None
    expected = EXPECTED_DAYS.get(one.frequency)
    if expected is None or newest is None:
        return None
    age = (calendar.today() - newest.date()).days
    return 100.0 if age <= expected else max(0.0, 100 * (2 - age / expected))


def _consistency(one: Dataset) -> float | None:
    found = _ask(
        "SELECT DISTINCT ON (peer, owner_node) ours, differing FROM exchange_reconciliation"
        " WHERE dataset = %s AND finished_at IS NOT NULL ORDER BY peer, owner_node, started_at DESC",
        [one.key],
    )
    ours = sum(row[0] or 0 for row in found)
    return 100 * (1 - min(1, sum(row[1] or 0 for row in found) / ours)) if ours else None


def measure_all() -> int:
    done = 0
    for one in declared.all().values():
        measure(one)
        done += 1
    return done


def newest_quality() -> dict[str, Quality]:
    """The latest measurement of each dataset."""
    return {q.dataset: q for q in Quality.objects.order_by("dataset", "-measured_on").distinct("dataset")}
