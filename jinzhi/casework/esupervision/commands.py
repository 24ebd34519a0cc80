"""`jinzhi supervision …`: run the rules for a day, show a board, compute and publish scores."""

import json
from datetime import date, datetime
from typing import Annotated

import typer
from django.utils import timezone

from jinzhi.casework.esupervision import cards, running, scoring
from jinzhi.casework.esupervision.models import ScoreSheet
from jinzhi.casework.esupervision.telling import period as period_name
from jinzhi.foundation import calendar
from jinzhi.foundation.places.scope import jurisdiction

NAME = "supervision"
app = typer.Typer(help="行政审批电子监察。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[str, typer.Option(metavar="DATE", help="日期，如 2026-03-10；缺省今天。")]


def _fail(message: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": message}, ensure_ascii=False))
    else:
        typer.secho(f"✗ {message}", fg="red", err=True)
    raise typer.Exit(1)


def _day(text: str, as_json: bool) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        _fail(f"{text} 不是存在的日期，应写作 2026-03-10", as_json)
        return None
    if not scoring.FIRST <= day <= scoring.LAST:
        _fail(f"日期应在 {scoring.FIRST} 至 {scoring.LAST} 之间", as_json)
    return day


@app.command(help="按日期运行：先办理到期的时限，再逐条规则检查全部办件。重复运行不产生重复的信号。")
def run(
    on: On = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="重新读取此时以后变动的办件，如 2026-03-01。")
    ] = "",
    timers: Annotated[bool, typer.Option(help="先办理到期的时限。")] = True,
    as_json: Json = False,
) -> None:
    day = _day(on, as_json)
    start = None
    if since:
        try:
            start = datetime.fromisoformat(since)
        except ValueError:
            _fail(f"{since} 不是时间，应写作 2026-03-01 或者 2026-03-01T08:00", as_json)
        if start is not None and timezone.is_naive(start):
            start = timezone.make_aware(start)
    result = running.run(day, since=start, fire=timers)
    if as_json:
        typer.echo(json.dumps(result.plain(), ensure_ascii=False))
        return
    typer.echo(
        f"{result.on}：新信号 {result.raised} 个，加重 {result.escalated} 个，期满认定 {result.settled} 个，"
    )
    typer.echo(f"办理到期时限 {result.timers} 件，发出文书 {result.documents} 份，用时 {result.seconds} 秒")
    for rule, counts in result.rules.items():
        typer.echo(
            f"  {rule}  {counts['raised']}"
            + (f"（加重 {counts['escalated']}）" if counts["escalated"] else "")
        )


@app.command(help="看板：一个地区的红黄牌，按地区、机构、事项、人员或规则。")
def board(
    place: Annotated[str, typer.Option(help="6 位区划代码，如 330100；缺省全部。")] = "",
    by: Annotated[str, typer.Option(help="place、agency、matter、person、rule。")] = "agency",
    as_json: Json = False,
) -> None:
    if by not in cards.BY:
        _fail(f"--by 应为以下之一：{'、'.join(cards.BY)}", as_json)
    if place and not (place.isdecimal() and len(place) == 6):
        _fail(f"地区代码应为 6 位数字，现为“{place}”", as_json)
    lo, hi = jurisdiction(int(place) * 1_000_000) if place else (0, 999_999_999_999)
    signals = cards.within(lo, hi)
    lines = cards.board(signals, by)
    if as_json:
        rows = [{"key": x.key, "name": x.name} | x.counts for x in lines]
        typer.echo(json.dumps({"totals": cards.totals(signals), "lines": rows}, ensure_ascii=False))
        return
    for line in lines:
        typer.echo(
            f"{line.name}  红牌 {line.counts['red']}  黄牌 {line.counts['yellow']}  待回复 {line.counts['waiting']}"
        )


@app.command(help="计算一期考核得分；--publish 公布（公布后不能修改）。")
def score(
    period: Annotated[str, typer.Option(help="month、quarter、half、year。")] = "month",
    on: On = "",
    publish: Annotated[bool, typer.Option("--publish", help="公布。")] = False,
    as_json: Json = False,
) -> None:
    if period not in scoring.MONTHS:
        _fail(f"--period 应为以下之一：{'、'.join(scoring.MONTHS)}", as_json)
    day = _day(on, as_json) or calendar.today()
    try:
        scoring.publish(period, day) if publish else scoring.draft(period, day)
    except scoring.NotPublishable as refusal:
        _fail(str(refusal), as_json)
    start, end = scoring.bounds(period, day)
    sheets = sorted(scoring.latest(period, start), key=lambda s: (s.total is None, -(s.total or 0)))
    if as_json:
        rows = [
            {
                "agency": s.agency.key, "name": s.agency.name, "cases": s.cases, "grade": s.grade, "state": s.state,
                "total": None if s.total is None else float(s.total), "rank": s.rank, "revision": s.revision,
            }
            for s in sheets
        ]  # fmt: skip
        answer = {"period": period, "start": start.isoformat(), "end": end.isoformat(), "results": rows}
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    typer.echo(period_name(ScoreSheet(period=period, start=start)))
    for s in sheets:
        typer.echo(f"{s.agency.short_name}  {'—' if s.total is None else s.total}  {s.grade}  办件 {s.cases}")
