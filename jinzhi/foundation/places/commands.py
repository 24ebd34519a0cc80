"""`jinzhi places …`: look at divisions and their history."""

import json
from datetime import date, datetime
from typing import Annotated

import typer

from jinzhi.foundation.places import services
from jinzhi.foundation.places.models import Division

NAME = "places"
app = typer.Typer(help="行政区划及其沿革。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="按哪一天的区划，默认今天。")]


def as_dict(division: Division) -> dict:
    return {
        "code": division.code,
        "name": division.name,
        "level": division.level,
        "parent": division.parent,
        "valid_from": division.valid_from and division.valid_from.isoformat(),
        "valid_to": division.valid_to and division.valid_to.isoformat(),
        "successor": division.successor,
        "note": division.note,
    }


def _period(row: dict) -> str:
    return f"{row['valid_from'] or '1980 年以前'} 至 {row['valid_to'] or '今'}"


@app.command("list", help="列出某一天的区划及其下级。")
def list_(
    code: Annotated[str, typer.Argument(help="上级区划代码，如 330100。")] = "330000",
    on: On = None,
    json_: Json = False,
) -> None:
    """The division and everything inside it on a day."""
    found = services.inside(services.place_of(code), on.date() if on else None)
    if json_:
        typer.echo(json.dumps([as_dict(d) for d in found], ensure_ascii=False))
        return
    for d in found:
        typer.echo(f"{d.code}  {'  ' * ('province', 'city', 'county').index(d.level)}{d.name}")


@app.command(help="显示一个代码的各个时期，以及今天由哪里承接。")
def show(code: Annotated[str, typer.Argument(help="区划代码。")], json_: Json = False) -> None:
    """Every period of a code, and what answers for it today."""
    try:
        place = services.place_of(code)
    except services.UnknownPlace as unknown:
        typer.echo(str(unknown), err=True)
        raise typer.Exit(2) from None
    periods = Division.objects.filter(code=services.code_of(place)).order_by("valid_from")
    rows = sorted(map(as_dict, periods), key=lambda r: r["valid_from"] or "")
    if not rows:
        typer.echo(f"区划表中没有 {code}", err=True)
        raise typer.Exit(1)
    now = services.current_successor(code)
    answer = {
        "code": rows[0]["code"],
        "place": place,
        "path": services.name_path(place, _last_day(rows)),
        "periods": rows,
        "today": as_dict(now) if now else None,
    }
    if json_:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    typer.echo(answer["path"])
    for row in rows:
        typer.echo(f"  {row['name']}  {_period(row)}  {row['note']}")
    if now and now.code != rows[0]["code"]:
        typer.echo(f"  今归：{now.code} {now.name}")


def _last_day(rows: list[dict]) -> date | None:
    return date.fromisoformat(rows[-1]["valid_from"]) if rows[-1]["valid_from"] else None
