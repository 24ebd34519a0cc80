"""`jinzhi codes …`: check codes and show code sets."""

import json
from datetime import date
from typing import Annotated

import typer

from jinzhi.foundation import codes

NAME = "codes"
app = typer.Typer(help="代码校验与代码集。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[str, typer.Option(help="记录所在的日期，缺省为今天。")]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        typer.secho(f"✗ 日期应写作 2026-02-10，现为“{text}”", fg="red", err=True)
        raise typer.Exit(1) from None


@app.command(help="校验一个或多个代码；有不通过的，退出码为 1。")
def check(
    scheme: Annotated[str, typer.Argument(help=f"种类：{'、'.join(codes.SCHEMES)}。")],
    values: Annotated[list[str], typer.Argument(metavar="VALUE…", help="一个或多个代码。")],
    on: On = "",
    as_json: Json = False,
) -> None:
    """Check one or more codes; exit 1 when one is not valid. One value: an object; several: a list."""
    try:
        answers = [codes.check(scheme, value, _day(on)) for value in values]
    except codes.UnknownScheme as fault:
        typer.secho(f"✗ {fault}", fg="red", err=True)
        raise typer.Exit(1) from None
    if as_json:
        found = [answer.as_dict() for answer in answers]
        typer.echo(json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False))
    else:
        for answer in answers:
            _print(answer)
    raise typer.Exit(0 if all(answer.valid for answer in answers) else 1)


def _print(answer: codes.Answer) -> None:
    typer.secho(f"{'✓' if answer.valid else '✗'} {answer.normalized}", fg="green" if answer.valid else "red")
    for problem in answer.problems:
        typer.echo(f"    {'错误' if problem.level == 'error' else '提示'}：{problem.message}")


@app.command("list", help="列出代码集，或者某一天施行的代码集内容。")
def list_(
    name: Annotated[str, typer.Argument(help="代码集，如 food_category。")] = "",
    on: On = "",
    as_json: Json = False,
) -> None:
    """Code sets, or the items of one on a day."""
    if not name:
        for known in codes.sets.names():
            held = "、".join(f"{v.version}（{v.valid_from} 起）" for v in codes.sets.versions(known))
            typer.echo(f"{known}  {held}")
        return
    try:
        found = codes.sets.get(name, _day(on) or date.today())
    except codes.sets.NoSet as fault:
        typer.secho(f"✗ {fault}", fg="red", err=True)
        raise typer.Exit(1) from None
    if as_json:
        rows = [{"code": i.code, "name": i.name, "parent": i.parent} for i in found.items.values()]
        typer.echo(json.dumps({"version": found.version, "items": rows}, ensure_ascii=False))
        return
    typer.echo(found.title)
    for item in found.items.values():
        typer.echo(f"{'    ' if item.parent else ''}{item.code} {item.name}")
