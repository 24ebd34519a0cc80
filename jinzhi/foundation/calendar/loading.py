"""Makes holiday notices effective: shows what one would change, confirms it, writes the days."""

import hashlib
import uuid
from dataclasses import astuple, dataclass, field
from datetime import date

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation.calendar import building, plausibility, table
from jinzhi.foundation.calendar.clock import today as today_in_china
from jinzhi.foundation.calendar.models import Day, HolidayNotice, Version
from jinzhi.foundation.calendar.notices import Holiday, Notice
from jinzhi.foundation.calendar.parser import Parsed, parse
from jinzhi.foundation.calendar.signals import notice_confirmed
from jinzhi.foundation.history import append
from jinzhi.foundation.places import scope

CHAIN = "calendar"
TITLE = "国务院办公厅关于{year}年部分节假日安排的通知"


class NoticeRefused(ValueError):
    """The notice cannot take effect; one message per line."""


@dataclass
class Preview:
    """What a notice says and what it would change. Nothing is stored by making one."""

    year: int
    title: str
    number: str
    issued_on: date | None
    holidays: list[Holiday]
    errors: list[str]
    warnings: list[str]
    existing: HolidayNotice | None
    changed: list[tuple[date, str, str]] = field(default_factory=list)  # day, kind before, kind after
    workdays: int = 0
    digest: str = ""

    @property
    def ok(self) -> bool:
        return not self.errors


def preview_notice(text: str, year: int, *, today: date | None = None) -> Preview:
    """Read the text of the notice for `year` and say what is wrong with it and what it would change."""
    parsed = parse(text, year)
    existing = HolidayNotice.objects.filter(
        year=year, kind=HolidayNotice.Kind.ANNUAL, status=HolidayNotice.Status.CONFIRMED
    ).first()
    found = Preview(
        year=year,
        title=TITLE.format(year=year),
        number=parsed.number,
        issued_on=parsed.issued_on,
        holidays=parsed.holidays,
        errors=_errors(parsed, today or today_in_china()),
        warnings=[],
        existing=existing,
        digest=_digest(text, year),
    )
    if found.ok:
        found.warnings = plausibility.warnings(parsed.holidays, year)
        _foresee(found)
    return found


def _errors(parsed: Parsed, today: date) -> list[str]:
    if wrong := plausibility.year_error(parsed.year, parsed.title_year, today):
        return [wrong]
    found = list(parsed.errors)
    if parsed.wrong_weekdays and parsed.years_that_fit:
        fitting = "、".join(f"{year} 年" for year in parsed.years_that_fit)
        found.insert(0, f"所写的星期与 {parsed.year} 年不符，与 {fitting}相符，请核对年份")
    if parsed.holidays:
        found += plausibility.errors(parsed.holidays, parsed.year)
    return found


def _digest(text: str, year: int) -> str:
    return hashlib.sha256(f"{year}\n{text}".encode()).hexdigest()


def _foresee(found: Preview) -> None:
    """Which days change kind, and how many working days the year then has."""
    notice = Notice(found.year, found.title, tuple(found.holidays))
    others = [n for n in _in_force() if (n.year, n.kind) != (found.year, "annual")]
    after = building.build([*others, notice])
    days = table.current()
    for row in after:
        if days.covers(row.day) and days.is_workday(row.day) != row.is_workday:
            found.changed.append((row.day, days.kind_and_note(row.day)[0], row.kind))
    found.workdays = sum(row.is_workday for row in after if row.day.year == found.year)


def _in_force() -> list[Notice]:
    return [
        Notice(
            year=stored.year,
            title=stored.title,
            holidays=tuple(Holiday.from_dict(one) for one in stored.ranges),
            kind=stored.kind,
            number=stored.number,
        )
        for stored in HolidayNotice.objects.filter(status=HolidayNotice.Status.CONFIRMED).order_by("id")
    ]


def confirm_notice(
    text: str,
    year: int,
    by: object = None,
    *,
    post: object = None,
    digest: str = "",
    number: str = "",
    issued_on: date | None = None,
    replace: bool = False,
    today: date | None = None,
) -> HolidayNotice:
    """Make the notice for `year` effective in one transaction; `by` (account or name) confirms, in `post`.

    `digest`: that of the preview the person saw; another text is refused. `replace`: supersede the notice in
    force for the year. Raises NoticeRefused. Sends `notice_confirmed` before the transaction ends.
    """
    if digest and digest != _digest(text, year):
        raise NoticeRefused("通知文字在预览之后改动过，请重新预览")
    with transaction.atomic(), scope.acting(scope.SYSTEM):
        lock()
        found = preview_notice(text, year, today=today)
        if found.errors:
            raise NoticeRefused("\n".join(found.errors))
        if found.existing:
            _supersede(found.existing, replace)
        notice = HolidayNotice.objects.create(
            year=year,
            number=number or found.number,
            issued_on=issued_on or found.issued_on,
            title=found.title,
            text=text,
            ranges=[holiday.as_dict() for holiday in found.holidays],
            mark="seen",
            loaded_by=getattr(by, "name", "") or str(by or ""),
        )
        before = table.read()
        changed = rebuild()
        append(
            CHAIN,
            "calendar.notice.confirmed",
            actor=by,
            post=post,
            subject=str(year),
            data={"notice": notice.pk, "number": notice.number, "changed": [str(day) for day in changed]},
        )
        if changed:
            after = table.current()
            notice_confirmed.send(HolidayNotice, notice=notice, before=before, after=after, changed=changed)
    return notice


def _supersede(existing: HolidayNotice, replace: bool) -> None:
    if not replace:
        loaded = timezone.localdate(existing.loaded_at)
        who = f"由{existing.loaded_by}" if existing.loaded_by else ""
        raise NoticeRefused(
            f"{existing.year} 年的放假通知已于 {loaded} {who}录入生效，如确需更换请选择“替换”"
        )
    existing.status = HolidayNotice.Status.SUPERSEDED
    existing.save(update_fields=["status"])


def lock() -> None:
    """One person at a time changes the calendar."""
    Version.objects.get_or_create(id=1, defaults={"token": uuid.uuid4()})
    Version.objects.select_for_update().get(id=1)


def rebuild() -> list[date]:
    """Write the days from the notices in force; answers the days that became workdays or ceased to be.

    Rows that stay as they are are not touched; ordinals after a change shift in the same statement.
    """
    rows = building.build(_in_force())
    columns = [list(column) for column in zip(*map(astuple, rows), strict=True)]
    former = dict(Day.objects.values_list("day", "is_workday"))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO calendar_day AS held (day, is_workday, ordinal, kind, provisional, note)
            SELECT * FROM unnest(%s::date[], %s::bool[], %s::int[], %s::text[], %s::bool[], %s::text[])
            ON CONFLICT (day) DO UPDATE SET is_workday = excluded.is_workday, ordinal = excluded.ordinal,
              kind = excluded.kind, provisional = excluded.provisional, note = excluded.note
            WHERE (held.is_workday, held.ordinal, held.kind, held.provisional, held.note) IS DISTINCT FROM
              (excluded.is_workday, excluded.ordinal, excluded.kind, excluded.provisional, excluded.note)
            """,
            columns,
        )
        written = cursor.rowcount
    if written:
        token = uuid.uuid4()
        Version.objects.update_or_create(id=1, defaults={"token": token})
        table.written(token)
        transaction.on_commit(table.forget)
    return [r.day for r in rows if former and former.get(r.day) != r.is_workday]


def store(notice: Notice) -> bool:
    """Keep a notice of the product, unless it is held or a person loaded that year's; true if kept."""
    held = HolidayNotice.objects.filter(status=HolidayNotice.Status.CONFIRMED)
    same = held.filter(source=notice.source).first()
    if same:
        values: dict[str, object] = {
            "title": notice.title,
            "number": notice.number,
            "issued_on": notice.issued_on,
        }
        values |= {"mark": notice.mark, "ranges": notice.ranges}
        if all(getattr(same, name) == value for name, value in values.items()):
            return False
        HolidayNotice.objects.filter(pk=same.pk).update(**values)
        return True
    if notice.kind == "annual" and held.filter(year=notice.year, kind="annual").exists():
        return False
    HolidayNotice.objects.create(
        year=notice.year,
        kind=notice.kind,
        number=notice.number,
        issued_on=notice.issued_on,
        title=notice.title,
        ranges=notice.ranges,
        mark=notice.mark,
        source=notice.source,
    )
    return True
