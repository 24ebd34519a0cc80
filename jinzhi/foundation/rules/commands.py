"""`jinzhi rules …`: list, show and lint the dated legal parameters."""

import json
from datetime import date
from typing import Annotated

import typer

from jinzhi.foundation import rules

NAME = "rules"
app = typer.Typer(help="法定参数与决策表。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


def _row(one: rules.Value) -> dict:
    return {
        "key": one.key,
        "title": one.title,
        "value": one.value,
        "unit": one.unit,
        "from": one.valid_from,
        "to": one.valid_to,
        "law": one.law,
        "article": one.article,
        "mark": one.mark,
        "note": one.note,
    }


def _print(rows: list[dict]) -> None:
    typer.echo(json.dumps(rows, ensure_ascii=False, default=str, indent=2))


@app.command("list", help="列出全部参数及其各时期的值。")
def list_(prefix: Annotated[str, typer.Argument(help="键的开头。")] = "", as_json: Json = False) -> None:
    """Every parameter with its values."""
    found = [p for p in rules.all_parameters() if p.key.startswith(prefix)]
    if as_json:
        return _print([_row(one) for p in found for one in p.values])
    for parameter in found:
        typer.echo(f"{parameter.key}  {parameter.title}")
        for one in parameter.values:
            typer.echo(f"    {one.valid_from} 起  {one.shown}  {one.basis}  [{one.mark_title}]")


@app.command(help="显示一个参数某一天的值。")
def show(
    key: str,
    on: Annotated[str, typer.Option(help="查询日期，缺省为今天。")] = "",
    as_json: Json = False,
) -> None:
    """The value of one parameter on one day."""
    try:
        one = rules.value(key, date.fromisoformat(on) if on else date.today())
    except (rules.NoRule, ValueError) as fault:
        typer.secho(f"✗ {fault}", fg="red", err=True)
        raise typer.Exit(1) from None
    if as_json:
        return _print([_row(one)])
    typer.echo(f"{one.title}：{one.shown}  {one.basis}（{one.valid_from} 起，{one.mark_title}）")


@app.command(help="检查全部规则文件。")
def lint(as_json: Json = False) -> None:
    """Check every rule file."""
    problems = rules.lint()
    if as_json:
        _print([{"problem": p} for p in problems])
    else:
        for problem in problems:
            typer.secho(f"✗ {problem}", fg="red")
        if not problems:
            typer.echo(f"✓ {len(rules.all_parameters())} 个参数、{len(rules.all_tables())} 张决策表")
    raise typer.Exit(1 if problems else 0)
