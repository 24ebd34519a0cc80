"""What the pages of a case show, worked out once for officials and applicants alike."""

from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from jinzhi.casework import clocks
from jinzhi.casework.lamps import Lamp, lamp, moment_lamp, thresholds
from jinzhi.casework.models import PERSONAL, Case, Clock, Step
from jinzhi.foundation import calendar, codes, forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.validation import shown
from jinzhi.foundation.places.services import name_path
from jinzhi.foundation.rules import NoRule


@dataclass(frozen=True)
class Shown:
    """One answer as a person reads it; `was` is the former answer where this submission changed it."""

    label: str
    value: str
    was: str = ""
    changed: bool = False
    wide: bool = False
    files: tuple = ()


@dataclass(frozen=True)
class ShownSection:
    title: str
    kind: str
    lines: tuple[Shown, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()


def text_of(field: forms.Field, raw, on: date) -> str:
    """The answer in words: names instead of codes."""
    if raw in (None, "", [], {}):
        return ""
    match field.type:
        case "choice":
            return dict(field.choices).get(raw, str(raw))
        case "multi_choice":
            return "、".join(dict(field.choices).get(v, str(v)) for v in raw)
        case "boolean":
            return "是" if raw else "否"
        case "place":
            return name_path(int(raw) * 1_000_000) if str(raw).isdigit() else str(raw)
        case "code_set":
            item = codes.sets.get(field.code_set, on=on).items.get(raw)
            return f"{raw} {item.name}" if item else str(raw)
    return f"{raw} {field.unit}".strip()


def _line(field: forms.Field, raw, old, compare: bool, on: date) -> Shown:
    changed = compare and raw != old
    was = text_of(field, old, on) or "未填"
    return Shown(
        field.label, text_of(field, raw, on), was if changed else "", changed, field.type == "long_text"
    )


def sections(form: forms.Form, data: dict, on: date, former: dict | None = None) -> list[ShownSection]:
    """The submission section by section; with `former`, what changed against it is marked."""
    attachments = _attachments(form, data)
    compare = former is not None
    found = []
    for section in form.sections:
        part, old = data.get(section.key), (former or {}).get(section.key)
        if section.kind == "table":
            rows = []
            for number, row in enumerate(part or []):
                before = old[number] if old and number < len(old) else {}
                rows.append(
                    tuple(_line(f, row.get(f.key), before.get(f.key), compare, on) for f in section.fields)
                )
            heads = tuple(f.label for f in section.fields)
            found.append(ShownSection(section.title, "table", heads=heads, rows=tuple(rows)))
            continue
        part, old = part or {}, old or {}
        lines = []
        for field in section.fields:
            if not shown(field, data):
                continue
            if section.kind == "attachments":
                files = tuple(attachments[i] for i in part.get(field.key, []) if i in attachments)
                changed = compare and part.get(field.key) != old.get(field.key)
                lines.append(Shown(field.label, "", "", changed, True, files))
            else:
                lines.append(_line(field, part.get(field.key), old.get(field.key), compare, on))
        found.append(ShownSection(section.title, section.kind, tuple(lines)))
    return found


def _attachments(form: forms.Form, data: dict) -> dict[str, Attachment]:
    ids = [
        i
        for s in form.sections
        if s.kind == "attachments"
        for many in (data.get(s.key) or {}).values()
        for i in many
    ]
    found = Attachment.objects.filter(pk__in=ids).select_related("blob") if ids else []
    return {str(a.pk): a for a in found}


@dataclass(frozen=True)
class ShownClock:
    """A time limit with its lamp, its day and the sentences that explain it."""

    clock: Clock
    lamp: Lamp
    due: date
    provisional: bool
    why: list[str]
    limit: str
    used: int
    total: int
    mark: str


STATES = {
    "met": "按时完成",
    "missed": "超期完成",
    "void": "已不适用",
    "running": "计时中",
    "paused": "暂停中",
}


def shown_clocks(case: Case) -> list[ShownClock]:
    """Every limit of the case, running ones first."""
    today, marks, now = calendar.today(), thresholds(), timezone.now()
    found = []
    for clock in case.clocks.prefetch_related("pauses").order_by("id"):
        paused = clock.state == Clock.State.PAUSED
        total = clock.limit + clock.extended
        due = clocks.due_day(clock)
        end = clock.stopped_on or today
        used = max(0, calendar.ordinal(end) - clock.start_ord - clock.paused_ord)
        shown_lamp = (
            lamp(clock.due_ord, total, paused, today, marks)
            if clock.state in ("running", "paused")
            else Lamp("none", None, due)
        )
        if clock.due_at is not None and clock.unit in clocks.MOMENTS:
            whole = clocks.MOMENTS[clock.unit] * clock.limit
            total, used = int(whole.total_seconds()), int((now - clock.due_at + whole).total_seconds())
            if clock.state == Clock.State.RUNNING:
                shown_lamp = moment_lamp(clock.due_at, whole, due, now, marks)
        found.append(
            ShownClock(
                clock,
                shown_lamp,
                due,
                calendar.is_provisional(due),
                clocks.why(clock),
                clocks.length(clock),
                used,
                total,
                _mark(clock, case),
            )
        )
    order = {"running": 0, "paused": 1}
    return sorted(found, key=lambda s: (order.get(s.clock.state, 2), s.clock.due_ord))


def _mark(clock: Clock, case: Case) -> str:
    """How sure the source of the limit is; shown when it is less than verified."""
    try:
        found = clocks.limit_of(case, clock.rule)
    except NoRule:
        return ""
    return "" if found.mark in ("verified", "seen") else found.mark_title


def lane_states(case: Case) -> dict[str, str]:
    """State of each node for the swim-lane: the last pass through it counts."""
    states = {}
    words = {
        "open": "current",
        "waiting": "current",
        "done": "done",
        "returned": "returned",
        "cancelled": "waiting",
    }
    passes = case.steps.exclude(kind__in=("parallel", "countersign", "sign"))
    for key, state in passes.order_by("id").values_list("key", "state"):
        states[key] = words[state]
    return states


def opinions(case: Case) -> list[Step]:
    """Steps somebody has closed, with what they said, oldest first."""
    closed = case.steps.filter(kind__in=PERSONAL, state__in=[Step.State.DONE, Step.State.RETURNED]).order_by(
        "closed_at", "id"
    )
    steps = list(closed.select_related("account", "post__agency", "on_behalf__account"))
    for step in steps:
        outcome = case.definition.step(step.key).outcome(step.action)
        step.asked = step.result.get("items", []) if step.action == "correct" else []
        step.act_label = (
            outcome.label if outcome else {"return": "退回", "recall": "撤回"}.get(step.action, "")
        )
    return steps
