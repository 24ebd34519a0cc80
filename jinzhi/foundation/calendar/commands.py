"""`jinzhi calendar …`: due dates, the notices in force, loading the next notice."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation import calendar
from jinzhi.foundation.calendar.api import parse_day, parse_limit

NAME = "calendar"
app = typer.Typer(help="工作日历与期限。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


def _refuse(message: object, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": str(message)}, ensure_ascii=False))
    else:
        typer.secho(f"✗ {message}", fg="red", err=True)
    raise typer.Exit(1) from None


@app.command(help="计算期限的最后一天，并说明为什么是这一天。")
def due(
    day: Annotated[str, typer.Argument(metavar="START", help="起算日，如 2026-02-10。")] = "",
    number: Annotated[str, typer.Argument(metavar="LIMIT", help="期限数，如 10。")] = "",
    of: Annotated[str, typer.Argument(metavar="UNIT", help="workday、day、month 或 year。")] = "",
    start: Annotated[str, typer.Option(help="同 START。")] = "",
    limit: Annotated[str, typer.Option(help="同 LIMIT。")] = "",
    unit: Annotated[str, typer.Option(help="同 UNIT，缺省 workday。")] = "",
    as_json: Json = False,
) -> None:
    """The last day of a legal period and why."""
    try:
        found = calendar.due(parse_day(start or day), parse_limit(limit or number), unit or of or "workday")
    except calendar.CalendarError as fault:
        return _refuse(fault, as_json)
    if as_json:
        answer = {"due": found.date.isoformat(), "provisional": found.provisional, "why": found.why}
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return None
    typer.echo(f"{found.date}{'（暂定）' if found.provisional else ''}")
    for sentence in found.why:
        typer.echo(f"  · {sentence}")
    return None


@app.command(help="列出施行中的放假通知。")
def notices(as_json: Json = False) -> None:
    """The notices in force."""
    from jinzhi.foundation.calendar.models import HolidayNotice

    held = list(HolidayNotice.objects.filter(status="confirmed"))
    if as_json:
        rows = [
            {"year": n.year, "kind": n.kind, "title": n.title, "number": n.number or None, "mark": n.mark}
            | {"issued_on": n.issued_on and n.issued_on.isoformat(), "days": n.ranges}
            for n in held
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for notice in held:
        typer.echo(f"{notice.year}  {notice.title}（{notice.shown_number}）[{notice.mark_title}]")


@app.command(help="录入一年的放假通知（先预览，确认后生效）。")
def load(
    file: Annotated[Path, typer.Argument(help="放假通知正文（UTF-8 文本）。", exists=True, dir_okay=False)],
    year: Annotated[int, typer.Option(help="通知所安排的年份。")],
    confirm: Annotated[bool, typer.Option("--confirm", help="核对无误，使其生效。")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="替换该年已生效的通知。")] = False,
    by: Annotated[str, typer.Option(help="确认人姓名。")] = "",
    as_json: Json = False,
) -> None:
    """Read a holiday notice; without --confirm only shows what it says and would change."""
    from jinzhi.foundation.calendar.loading import NoticeRefused, confirm_notice, preview_notice

    text = file.read_text(encoding="utf-8", errors="replace")
    found = preview_notice(text, year)
    if found.errors:
        return _refuse("\n".join(found.errors), as_json)
    if confirm:
        try:
            confirm_notice(text, year, by, digest=found.digest, replace=replace)
        except NoticeRefused as fault:
            return _refuse(fault, as_json)
    _show(found, confirm, as_json)
    return None


def _show(found, confirmed: bool, as_json: bool) -> None:
    if as_json:
        days = [holiday.as_dict() for holiday in found.holidays]
        answer = {"year": found.year, "number": found.number, "days": days, "warnings": found.warnings}
        answer |= {"workdays": found.workdays, "confirmed": confirmed}
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    typer.echo(f"{found.title}（{found.number or '文号待补'}）：全年 {found.workdays} 个工作日")
    for holiday in found.holidays:
        off = "、".join(f"{a} 至 {b}" if a != b else str(a) for a, b in holiday.off)
        work = f"；{'、'.join(map(str, holiday.work))} 上班" if holiday.work else ""
        typer.echo(f"  {holiday.name}：{off} 放假{work}")
    for warning in found.warnings:
        typer.secho(f"  ! {warning}", fg="yellow")
    typer.echo("✓ 已生效" if confirmed else "核对无误后加 --confirm 使其生效")
