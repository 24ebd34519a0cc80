"""Time limits of a case: started, stopped, paused, resumed, extended; due days and their reasons.

Working-day arithmetic is ordinals (see foundation.calendar). Days inside a pause `[since, until)` are not
consumed and overlapping pauses count once (行政许可法第四十五条). The start day never counts.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from jinzhi.casework import rows
from jinzhi.casework.models import Case, Clock, ClockPause, Step
from jinzhi.casework.procedures import ClockDef
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.calendar.arithmetic import add_months

UNITS = {"workday": "个工作日", "day": "日", "month": "个月", "year": "年", "hour": "小时", "minute": "分钟"}
MOMENTS = {
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
}  # units that end at a moment, not on a day
RUNNING = [Clock.State.RUNNING, Clock.State.PAUSED]


def limit_text(limit: int, unit: str) -> str:
    return f"{limit} {UNITS[unit]}"


def length(clock: Clock) -> str:
    """How long the limit is with its extension, in words."""
    return (
        f"至 {clock.base_due:%Y-%m-%d}"
        if clock.unit == "date"
        else limit_text(clock.limit + clock.extended, clock.unit)
    )


def limit_of(case: Case, rule: str) -> rules.Value:
    """A limit as the rules in force on the day of acceptance set it; before that, those of the case's own date."""
    if case.accepted_on and case.accepted_on != case.rule_date:
        try:
            return rules.value(rule, on=case.accepted_on)
        except (
            rules.NoRule
        ):  # the new rules know no such limit: the procedure begun under the old ones keeps its own
            pass
    return rules.value(rule, on=case.rule_date)


def start(
    case: Case, key: str, title: str, rule: str, on: date, *, step: Step | None = None, owner="agency",
    kind: str = Clock.Kind.LEGAL, at: datetime | None = None, until: date | None = None,
) -> Clock:  # fmt: skip
    """Start the limit that `rule` sets on the case's legally relevant date.

    A limit in hours or minutes counts from the moment `at`; one with `until` ends on that very day, whatever the
    number.
    """
    value = limit_of(case, rule)
    clock = Clock(
        case=case, place=case.place, step=step, key=key, title=title, owner=owner, rule=rule, kind=kind,
        unit="date" if until else value.unit, limit=0 if until else int(value.value),
        law=f"《{value.law}》{value.article}", start_day=on, start_ord=calendar.ordinal(on), base_due=until,
    )  # fmt: skip
    if value.unit in MOMENTS and not until:
        since = at or timezone.make_aware(datetime.combine(on, time.min))
        clock.due_at = since + MOMENTS[value.unit] * clock.limit
    recompute(clock, ())
    rows.insert(clock)
    return clock


def begin(case: Case, key: str, on: date, at: datetime | None = None) -> Clock:
    """Start a limit the case's procedure declares, and the promised one beside it."""
    definition: ClockDef = case.definition.clocks[key]
    until = _found_day(case, definition.until) if definition.until else None
    if definition.since and (found := case.found(definition.since)):
        at = datetime.fromisoformat(found)
        on = timezone.localtime(at).date()
    clock = start(
        case, key, definition.title, rule_of(case, definition), on, owner=definition.owner, at=at, until=until
    )
    if definition.promised:
        start(
            case, f"{key}:promised", f"{definition.title}（承诺）", definition.promised, on,
            owner=definition.owner, kind=Clock.Kind.PROMISED, at=at,
        )  # fmt: skip
    return clock


def rule_of(case: Case, definition: ClockDef) -> str:
    """The parameter that holds the limit; where the case decides which one, that one."""
    found = case.found(definition.by) if definition.by else None
    return f"{definition.rule}.{found}" if found else definition.rule


def applies(case: Case, key: str) -> bool:
    """Whether the limit concerns this case at all (`when`)."""
    wanted = case.definition.clocks[key].when
    return not wanted or bool(case.found(wanted))


def _found_day(case: Case, path: str) -> date:
    return date.fromisoformat(case.found(path))


def named(case: Case, keys: Iterable[str]) -> list[Clock]:
    """The live limits of the case with these keys, and the promised ones that run beside them."""
    wanted = [name for key in keys for name in (key, f"{key}:promised")]
    return list(case.clocks.filter(key__in=wanted, state__in=RUNNING)) if wanted else []


def merged(pauses: Iterable[ClockPause]) -> list[tuple[date, date]]:
    """Finished pauses as disjoint intervals `[since, until)`."""
    spans: list[tuple[date, date]] = []
    for since, until in sorted((p.since, p.until) for p in pauses if p.until):
        if spans and since <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], until))
        else:
            spans.append((since, until))
    return spans


def _workdays(since: date, until: date) -> int:
    """Working days in `[since, until)`."""
    one = timedelta(days=1)
    return max(0, calendar.ordinal(until - one) - calendar.ordinal(since - one))


def recompute(clock: Clock, pauses: Iterable[ClockPause] | None = None) -> None:
    """Set the derived fields from the rows they come from; the caller saves."""
    spans = merged(clock.pauses.all() if pauses is None else pauses)
    first = clock.start_day + timedelta(days=1)  # what is paused before counting starts costs nothing
    spans = [(max(a, first), b) for a, b in spans if b > first]
    total = clock.limit + clock.extended
    if clock.unit == "workday":
        clock.start_ord = calendar.ordinal(clock.start_day)
        clock.paused_ord, end = 0, clock.start_ord + total
        for since, until in spans:
            if calendar.ordinal(since - timedelta(days=1)) >= end + clock.paused_ord:
                break  # the limit was over before: a pause does not bring it back
            clock.paused_ord += _workdays(since, until)
        clock.due_ord = end + clock.paused_ord
        return
    if clock.unit == "date":  # the last day of something: no rolling over, and no pause moves it
        assert clock.base_due is not None, "a day is what it ends on"
        clock.due_ord = calendar.ordinal(clock.base_due)
        return
    lost = sum((b - a).days for a, b in spans)
    if clock.unit in MOMENTS:
        assert clock.due_at is not None, "hours end at a moment"
        clock.due_at += timedelta(days=lost - clock.paused_ord)
        clock.paused_ord, last = lost, timezone.localtime(clock.due_at).date()
    else:
        clock.paused_ord = lost
        last = clock.base_due = _end(clock.start_day, total, clock.unit) + timedelta(days=lost)
    while not calendar.is_workday(last):  # 民法典第二百零三条
        last += timedelta(days=1)
    clock.due_ord = calendar.ordinal(last)


def _end(start_day: date, limit: int, unit: str) -> date:
    """Last day of a limit in calendar units, before rolling over rest days."""
    if unit == "day":
        return start_day + timedelta(days=limit)
    return add_months(start_day, limit * (12 if unit == "year" else 1))


def due_day(clock: Clock) -> date:
    """Last day on which the act is in time (before counting a pause that still lasts)."""
    return calendar.day_of(clock.due_ord)


def has_run_out(clock: Clock, today: date, now: datetime) -> bool:
    """Whether the limit is over: the day it ends on is past, of hours and minutes the moment."""
    if clock.due_at is not None:
        return clock.due_at <= now
    last = clock.base_due if clock.unit == "date" else due_day(clock)
    assert last is not None, "every limit has its day"
    return last < today


def is_over(clock: Clock, day: date) -> bool:
    """Whether the limit ended before that day: it is late, and no pause makes that undone."""
    return day > due_day(clock)


def is_provisional(clock: Clock) -> bool:
    return calendar.is_provisional(due_day(clock))


def stop(clock: Clock, on: date, at: datetime | None = None) -> None:
    """The act the limit is for has been done on that day; of a limit in hours, with `at`, at that moment."""
    if clock.state == Clock.State.PAUSED:
        resume(clock, on)
    last = clock.base_due if clock.unit == "date" and clock.base_due else due_day(clock)
    late = at > clock.due_at if at and clock.due_at else on > last
    clock.state = Clock.State.MISSED if late else Clock.State.MET
    clock.stopped_on = on
    clock.save()


def void(clock: Clock, on: date) -> None:
    """The limit no longer means anything: the case went another way."""
    clock.state, clock.stopped_on = Clock.State.VOID, on
    clock.save()


def pause(
    clock: Clock,
    on: date,
    ground: str,
    law: str,
    notice: str = "",
    *,
    step: Step | None = None,
    told: int | None = None,
) -> ClockPause:
    """The days from `on` do not count until `resume`; `told` is how many days the applicant was told of."""
    clock.state = Clock.State.PAUSED
    clock.save()
    return ClockPause.objects.create(
        clock=clock,
        place=clock.place,
        step=step,
        since=on,
        ground=ground,
        law=law,
        notice=notice,
        told_days=told,
    )


def resume(clock: Clock, on: date, *, step: Step | None = None, ordered: bool = False) -> None:
    """Counting goes on: `on` itself counts again.

    With `step` only what paused for that step ends, with `ordered` only what officials suspended.
    """
    ended = clock.pauses.filter(until=None)
    if step or ordered:
        ended = ended.filter(step=step)
    ended.update(until=on)
    if not clock.pauses.filter(until=None).exists():
        clock.state = Clock.State.RUNNING
    recompute(clock)
    clock.save()


def extend(clock: Clock, by: int) -> None:
    clock.extended += by
    recompute(clock)
    clock.save()


def why(clock: Clock) -> list[str]:
    """The sentences that explain the due day, each checkable by a person with a calendar."""
    if clock.unit == "date":
        return [f"依据{clock.law}，{clock.title}至 {clock.base_due:%Y-%m-%d} 届满。"]
    lines = [f"依据{clock.law}，{clock.title}为 {limit_text(clock.limit, clock.unit)}。"]
    if clock.due_at is not None:
        start_at = clock.due_at - MOMENTS[clock.unit] * clock.limit - timedelta(days=clock.paused_ord)
        lines.append(f"自 {timezone.localtime(start_at):%Y-%m-%d %H:%M} 起计算。")
        return [*lines, f"至 {timezone.localtime(clock.due_at):%Y-%m-%d %H:%M} 届满。"]
    answer = calendar.due(clock.start_day, clock.limit + clock.extended + _extra(clock), clock.unit)
    if clock.extended:
        lines.append(f"经批准延长 {limit_text(clock.extended, clock.unit)}。")
    for p in clock.pauses.all():
        span = f"自 {p.since:%Y-%m-%d} 起" + (f"至 {p.until:%Y-%m-%d} 前" if p.until else "（尚未恢复）")
        lines.append(f"{span}因{p.ground}不计入期限（{p.law}）。")
    if clock.paused_ord:
        unit = "工作日" if clock.unit == "workday" else "日"
        lines.append(f"以上共扣除 {clock.paused_ord} 个{unit}。")
    return lines + list(answer.why)


def _extra(clock: Clock) -> int:
    return clock.paused_ord if clock.unit in ("workday", "day") else 0


_URGENCY = """
UPDATE casework_step s SET due_ord = n.due
  FROM (SELECT s.id, (SELECT min(k.due_ord) FROM casework_clock k WHERE k.case_id = s.case_id AND k.state = 'running'
                         AND (k.step_id IS NULL OR k.step_id = s.id)) AS due
          FROM casework_step s WHERE s.case_id = %s AND s.state = 'open') n
 WHERE n.id = s.id AND s.due_ord IS DISTINCT FROM n.due
"""


def refresh_urgency(case: Case) -> None:
    """Give every open step the ordinal of the most urgent running clock of the case or of the step itself."""
    rows.run(_URGENCY, [case.pk])


def on_notice_confirmed(
    sender, before: calendar.Table, after: calendar.Table, changed: list[date], **_
) -> None:
    """A holiday notice moved days: bring the stored ordinals in line with the days they stand for.

    A working-day limit that began before the first changed day and was not paused since needs nothing: its
    due day moves by itself. A limit that has ended keeps the day it was judged by.
    """
    first = min(changed)
    running = Clock.objects.filter(state__in=[Clock.State.RUNNING, Clock.State.PAUSED])
    concerned = ~Q(unit="workday") | Q(start_day__gte=first) | Q(pauses__until__gt=first)
    cases = set()
    for clock in running.filter(concerned).distinct().prefetch_related("pauses"):
        held = clock.due_ord
        recompute(clock)
        if clock.due_ord != held:
            cases.add(clock.case_id)
        clock.save()
    for case in Case.objects.filter(pk__in=cases):
        refresh_urgency(case)
    _keep_days_of_ended(before, after, first)


def _keep_days_of_ended(before: calendar.Table, after: calendar.Table, first: date) -> None:
    ended = Clock.objects.filter(state__in=[Clock.State.MET, Clock.State.MISSED, Clock.State.VOID])
    moved = []
    for clock in ended.filter(due_ord__gte=before.ordinal(first - timedelta(days=1))):
        day = before.day_of(clock.due_ord)
        clock.due_ord = after.ordinal(day) + (
            not after.is_workday(day)
        )  # a rest day now: the next working day
        clock.start_ord = after.ordinal(clock.start_day)
        moved.append(clock)
    Clock.objects.bulk_update(moved, ["due_ord", "start_ord"], batch_size=500)
