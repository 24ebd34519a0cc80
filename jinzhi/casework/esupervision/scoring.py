"""Scores of agencies (services.md B.5): sections of which cards take, bonuses, grades; monthly, quarterly, yearly.

Every number is a dated rule. An agency without a case in the period is 未评, not 100. A published sheet is never
changed: a later correction is a sheet with the next revision, and its reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from jinzhi.casework.esupervision import rulebook, structure
from jinzhi.casework.esupervision.models import Adjustment, Satisfaction, ScoreSheet, Signal
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.models import Agency

UNRATED = "未评"
FIRST, LAST = date(2004, 7, 1), date(2035, 12, 31)  # days that may be asked about: from the first rules on
GRADES = ("优秀", "良好", "合格", "不合格")
MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
DISCIPLINE = {
    "warning": "警告", "demerit": "记过", "serious_demerit": "记大过", "demotion": "降级", "removal": "撤职",
    "dismissal": "开除",
}  # fmt: skip


def bounds(period: str, day: date) -> tuple[date, date]:
    """First and last day of the month, quarter, half-year or year in which `day` lies."""
    months = MONTHS[period]
    first = (day.month - 1) // months * months + 1
    start = date(day.year, first, 1)
    last = first + months - 1
    following = date(day.year + last // 12, last % 12 + 1, 1)
    return start, following - timedelta(days=1)


def _number(key: str, on: date) -> Decimal:
    return Decimal(str(rules.value(f"esupervision.score.{key}", on=on).value))


def grade(total: Decimal | None, on: date) -> str:
    if total is None:
        return UNRATED
    for name, key in zip(GRADES, ("excellent", "good", "qualified"), strict=False):
        if total >= _number(f"grade.{key}", on):
            return name
    return GRADES[-1]


# -- what happened in a month, for all agencies at once

_CASES = """
SELECT x.agency_id, count(DISTINCT x.case_id) FROM (
  SELECT s.agency_id, s.case_id FROM casework_step s
   WHERE s.state = 'open' AND s.kind IN ('user', 'notice', 'sign') AND s.agency_id IS NOT NULL AND s.opened_at < %(end)s
         {only}
  UNION ALL
  SELECT s.agency_id, s.case_id FROM casework_step s
   WHERE s.state <> 'open' AND s.kind IN ('user', 'notice') AND s.agency_id IS NOT NULL AND s.closed_at >= %(start)s
     AND s.opened_at < %(end)s AND s.opened_at >= %(start)s - interval '1 year' {only}
) x WHERE x.case_id NOT IN (SELECT id FROM casework_case WHERE procedure_id = ANY(%(internal)s)) GROUP BY 1
"""
# Cases closed in the month, by the agency that accepted them, and by how much their limits were shortened.
_CLOSED = """
SELECT c.agency_id, count(DISTINCT c.id),
       count(DISTINCT g.case_id), count(DISTINCT d.case_id),
       min(q.share) FILTER (WHERE q.all_promised)
  FROM casework_case c
  LEFT JOIN esupervision_signal g ON g.case_id = c.id AND g.rule = 'T1' AND g.status <> 'lifted'
  LEFT JOIN esupervision_signal d ON d.case_id = c.id AND d.rule = 'D1' AND d.status <> 'lifted'
  LEFT JOIN LATERAL (
    SELECT bool_and(p.id IS NOT NULL) AS all_promised, min(1 - p."limit"::numeric / l."limit") AS share
      FROM casework_clock l
      LEFT JOIN casework_clock p ON p.case_id = l.case_id AND p.key = l.key || ':promised' AND p.unit = l.unit
                                AND p.start_day = l.start_day
     WHERE l.case_id = c.id AND l.kind = 'legal' AND l.step_id IS NULL AND l.owner = 'agency' AND l."limit" > 0) q ON true
 WHERE c.state = 'closed' AND c.closed_on BETWEEN %(first)s AND %(last)s AND c.procedure_id <> ALL(%(internal)s) {only}
 GROUP BY 1
"""


def _month(start: date, end: date, agencies: Iterable[int] | None) -> dict[int, dict]:
    """agency -> what counts in that month."""
    found: dict[int, dict] = defaultdict(
        lambda: {"cases": 0, "closed": 0, "early": 0, "faulty": 0, "promise": None}
    )
    zone = timezone.get_default_timezone()
    values: dict[str, Any] = {
        "start": datetime.combine(start, time.min, zone), "end": datetime.combine(end + timedelta(days=1), time.min, zone),
        "first": start, "last": end, "agencies": list(agencies or ()), "internal": structure.internal(),
    }  # fmt: skip
    with connection.cursor() as cursor:
        only = "AND s.agency_id = ANY(%(agencies)s)" if agencies else ""
        cursor.execute(_CASES.format(only=only), values)
        for agency, count in cursor.fetchall():
            found[agency]["cases"] = count
        cursor.execute(_CLOSED.format(only=only.replace("s.agency", "c.agency")), values)
        for agency, closed, early, faulty, promise in cursor.fetchall():
            found[agency] |= {"closed": closed, "early": early, "faulty": faulty, "promise": promise}
            found[agency]["cases"] = max(found[agency]["cases"], closed)
    return found


def _cards(start: date, end: date) -> dict[int, list[tuple[str, str]]]:
    """agency -> (rule, colour) of the cards of the period that were not lifted, in order."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    cards = Signal.objects.filter(raised_on__range=(start, end), colour__in=["yellow", "red"])
    for agency, rule, colour in (
        cards.exclude(status=Signal.Status.LIFTED).order_by("id").values_list("agency", "rule", "colour")
    ):
        found[agency].append((rule, colour))
    return found


def _sections(
    cards: list[tuple[str, str]], grades: list[int], entered: list[Adjustment], on: date
) -> list[dict]:
    """Each section with what was taken from it and why; none falls below zero."""
    book = rulebook.on(on)
    taken: dict[str, Decimal] = defaultdict(Decimal)
    why: dict[str, list[str]] = defaultdict(list)
    count = Counter((book[r].section, book[r].scores, c) for r, c in cards if r in book)
    for (section, scores, colour), number in sorted(count.items()):
        if scores == "card":
            points = _number(colour, on) * number
            taken[section] += points
            why[section].append(f"{'黄' if colour == 'yellow' else '红'}牌 {number} 张 −{points:g}")
        elif scores == "warning":
            rows = number // int(_number("warnings", on))
            if rows:
                points = _number("warning", on) * rows
                taken[section] += points
                why[section].append(f"预警 {number} 次 −{points:g}")
    bad = sum(1 for g in grades if g <= Satisfaction.Grade.BAD)
    if bad:
        points = (_number("section.satisfaction", on) * bad / len(grades)).quantize(
            Decimal("0.1"), ROUND_HALF_UP
        )
        taken["satisfaction"] += points
        why["satisfaction"].append(f"{len(grades)} 次评价中差评 {bad} 次 −{points:g}")
    for one in entered:
        if one.item in rulebook.SECTIONS:
            taken[one.item] += one.points
            why[one.item].append(f"{one.reason} {-one.points:+g}")
    lines = []
    for key, title in rulebook.SECTIONS.items():
        full = _number(f"section.{key}", on)
        lost = min(full, taken[key])
        lines.append(
            {
                "key": key,
                "title": title,
                "full": float(full),
                "taken": float(lost),
                "score": float(full - lost),
                "why": why[key],
            }
        )
    return lines


def _extras(facts: dict, cards: list[tuple[str, str]], on: date) -> list[dict]:
    """Bonuses and what is taken from the total."""
    found: list[dict] = []
    share = Decimal(facts["early"]) / facts["closed"] if facts["closed"] else Decimal(0)
    steps = int(share / _number("early_share", on))
    if steps:
        points = _number("early_bonus", on) * steps
        found.append({"title": f"提前办结 {facts['early']}/{facts['closed']} 件", "points": float(points)})
    promise = facts["promise"]
    broken = any(rule == "T5" for rule, _ in cards)
    if promise is not None and promise >= _number("promise_share", on) and not broken:
        more = int((promise - _number("promise_share", on)) / _number("promise_step", on))
        points = _number("promise_bonus", on) + more
        found.append({"title": f"承诺期限均缩短 {int(promise * 100)}% 以上", "points": float(points)})
    if facts["faulty"] and facts["closed"]:
        percent = -(-facts["faulty"] * 100 // facts["closed"])
        points = min(_number("data_most", on), Decimal(percent))
        found.append({"title": f"数据不完整 {facts['faulty']} 件", "points": -float(points)})
    return found


def _sheet(agency: Agency, start: date, end: date, facts: dict, cards, grades, entered) -> ScoreSheet:
    sheet = ScoreSheet(
        agency=agency,
        place=agency.place,
        period="month",
        start=start,
        end=end,
        cases=facts["cases"],
        made_at=timezone.now(),
    )
    sections = _sections(cards, grades, entered, end)
    extras = _extras(facts, cards, end)
    conversion = _number("conversion", end)
    sheet.lines = {
        "sections": sections,
        "extras": extras,
        "conversion": float(conversion),
        "rules_on": end.isoformat(),
    }
    if facts["cases"]:
        total = sum((Decimal(str(line["score"])) for line in sections), Decimal(0))
        total += sum((Decimal(str(line["points"])) for line in extras), Decimal(0))
        sheet.total = (total * conversion).quantize(Decimal("0.01"), ROUND_HALF_UP)
    sheet.grade = grade(sheet.total, end)
    return sheet


def compute_month(day: date, agencies: Iterable[Agency] | None = None) -> list[ScoreSheet]:
    """Sheets of the month of `day`, not saved; of every agency, or of these."""
    start, end = bounds("month", day)
    chosen = list(agencies) if agencies is not None else list(Agency.objects.filter(valid_to=None))
    facts = _month(start, end, [a.pk for a in chosen] if agencies is not None else None)
    cards = _cards(start, end)
    grades: dict[int, list[int]] = defaultdict(list)
    for agency, number in Satisfaction.objects.filter(rated_on__range=(start, end)).values_list(
        "agency", "grade"
    ):
        grades[agency].append(number)
    entered: dict[int, list[Adjustment]] = defaultdict(list)
    for one in Adjustment.objects.filter(day__range=(start, end)):
        entered[one.agency_id].append(one)
    return [_sheet(a, start, end, facts[a.pk], cards[a.pk], grades[a.pk], entered[a.pk]) for a in chosen]


def compute_period(period: str, day: date, agencies: Iterable[Agency] | None = None) -> list[ScoreSheet]:
    """Quarter, half-year, year: the mean of the months that were rated, less discipline in the year."""
    if period == "month":
        return compute_month(day, agencies)
    start, end = bounds(period, day)
    chosen = list(agencies) if agencies is not None else list(Agency.objects.filter(valid_to=None))
    months: dict[int, dict[date, ScoreSheet]] = defaultdict(dict)
    held = ScoreSheet.objects.filter(period="month", start__gte=start, end__lte=end, agency__in=chosen)
    for sheet in held.order_by("revision"):  # the latest revision wins
        months[sheet.agency_id][sheet.start] = sheet
    discipline: dict[int, Decimal] = defaultdict(Decimal)
    if period == "year":
        for one in Adjustment.objects.filter(day__range=(start, end), item__startswith="discipline:"):
            discipline[one.agency_id] += one.points
    return [_mean(a, period, start, end, list(months[a.pk].values()), discipline[a.pk]) for a in chosen]


def _mean(
    agency: Agency, period: str, start: date, end: date, months: list[ScoreSheet], discipline: Decimal
) -> ScoreSheet:
    rated = sorted((m for m in months if m.total is not None), key=lambda m: m.start)
    sheet = ScoreSheet(
        agency=agency, place=agency.place, period=period, start=start, end=end, cases=sum(m.cases for m in months),
        made_at=timezone.now(),
    )  # fmt: skip
    sheet.lines = {
        "months": [
            {"start": m.start.isoformat(), "total": float(m.total or 0), "revision": m.revision}
            for m in rated
        ],
        "extras": [{"title": "纪律处分", "points": -float(discipline)}] if discipline else [],
    }
    if rated:
        mean = sum((m.total for m in rated if m.total is not None), Decimal(0)) / len(rated)
        sheet.total = max(Decimal(0), mean - discipline).quantize(Decimal("0.01"), ROUND_HALF_UP)
    sheet.grade = grade(sheet.total, end)
    return sheet


def _rank(sheets: list[ScoreSheet]) -> None:
    """Place among the agencies of the same level; equal scores share it."""
    by_level: dict[str, list[ScoreSheet]] = defaultdict(list)
    for sheet in sheets:
        if sheet.total is not None:
            by_level[sheet.agency.level].append(sheet)
    for some in by_level.values():
        for sheet in some:
            sheet.rank = 1 + sum(1 for other in some if (other.total or 0) > (sheet.total or 0))


@transaction.atomic
def draft(period: str, day: date) -> int:
    """Compute the period again as a draft, for every agency not published yet; answers how many sheets."""
    start, _ = bounds(period, day)
    final = set(
        ScoreSheet.objects.filter(period=period, start=start, state=ScoreSheet.State.PUBLISHED).values_list(
            "agency", flat=True
        )
    )
    sheets = compute_period(period, day)
    _rank(sheets)
    ScoreSheet.objects.filter(period=period, start=start, state=ScoreSheet.State.DRAFT).delete()
    kept = [s for s in sheets if s.agency_id not in final]
    ScoreSheet.objects.bulk_create(kept)
    return len(kept)


class NotPublishable(Exception):
    """The message is for the person."""


@transaction.atomic
def publish(period: str, day: date, *, by=None, post=None, today: date | None = None) -> int:
    """Compute the period a last time and make it final; a period that is not over cannot be."""
    from jinzhi.casework.esupervision import papers

    start, end = bounds(period, day)
    today = today or calendar.today()
    if end >= today:
        raise NotPublishable(f"{end:%Y-%m-%d} 以后才能公布本期考核结果")
    draft(period, day)
    sheets = list(
        ScoreSheet.objects.filter(period=period, start=start, state=ScoreSheet.State.DRAFT).select_related(
            "agency__parent"
        )
    )
    if not sheets:
        raise NotPublishable("本期考核结果已经公布")
    for sheet in sheets:
        sheet.state, sheet.published_at, sheet.published_by = ScoreSheet.State.PUBLISHED, timezone.now(), by
    ScoreSheet.objects.bulk_update(sheets, ["state", "published_at", "published_by"])
    if period == "quarter":
        for sheet in sheets:
            if sheet.grade == GRADES[-1]:
                papers.advise_on_score(sheet, today, post=post)
    return len(sheets)


@transaction.atomic
def correct(agency: Agency, day: date, reason: str, *, by=None) -> list[ScoreSheet]:
    """New revisions of what was published for the periods of `day`, if their numbers have changed."""
    if len(reason.strip()) < 4:
        raise NotPublishable("请写明更正理由")
    made = []
    for period in MONTHS:
        start, _ = bounds(period, day)
        held = ScoreSheet.objects.filter(
            agency=agency, period=period, start=start, state=ScoreSheet.State.PUBLISHED
        )
        latest = held.order_by("-revision").first()
        if latest is None:
            continue
        [sheet] = compute_period(period, day, [agency])
        if (sheet.total, sheet.grade) == (latest.total, latest.grade):
            continue
        sheet.revision = (held.aggregate(most=Max("revision"))["most"] or 0) + 1
        sheet.state, sheet.reason, sheet.rank = ScoreSheet.State.PUBLISHED, reason.strip()[:300], latest.rank
        sheet.published_at, sheet.published_by = timezone.now(), by
        sheet.save()
        made.append(sheet)
    return made


def refresh(on: date) -> None:
    """Drafts of the month that runs and, in its first days, of the one before; each quarter with them."""
    days = [on] if on.day > 5 else [on - timedelta(days=on.day), on]
    for day in days:
        for period in MONTHS:
            draft(period, day)


def latest(period: str, start: date):
    """The sheets of a period that hold, one for each agency: the latest revision."""
    sheets = ScoreSheet.objects.filter(period=period, start=start)
    return sheets.order_by("agency_id", "-revision").distinct("agency_id").select_related("agency")
