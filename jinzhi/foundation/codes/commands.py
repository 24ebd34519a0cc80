"""`jinzhi codes …`: check codes and show code sets."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation import codes
from jinzhi.foundation.codes import batch as batches
from jinzhi.foundation.codes import tabular

NAME = "codes"
app = typer.Typer(help="代码校验与代码集。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[str, typer.Option(help="记录所在的日期，缺省为今天。")]


def _day(text: str, code: int = 1) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        typer.secho(f"✗ 日期应写作 2026-02-10，现为“{text}”", fg="red", err=True)
        raise typer.Exit(code) from None


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


@app.command(help="校验文件中的一列（CSV、xlsx、Parquet，任何编码），逐行写出结果。")
def batch(
    scheme: Annotated[str, typer.Argument(help=f"种类：{'、'.join(codes.SCHEMES)}。")],
    file: Annotated[Path, typer.Argument(help="CSV（可用 gzip 压缩）、xlsx 或 Parquet。")],
    column: Annotated[str, typer.Option(help="代码所在的列。")],
    out: Annotated[
        Path | None, typer.Option(help="结果文件（CSV），缺省为当前目录下的 <文件名>.checked.csv。")
    ] = None,
    on: On = "",
    as_json: Json = False,
) -> None:
    """Check a column of a file. Exit 0 when the file was checked, 2 when it could not be."""
    target = out or Path(f"{file.name.split('.')[0]}.checked.csv")
    try:
        outcome = batches.run(scheme, file, column, target, _day(on, code=2))
    except (codes.UnknownScheme, tabular.Unreadable, batches.BadQuestion) as fault:
        if as_json:
            typer.echo(json.dumps({"error": str(fault)}, ensure_ascii=False))
        typer.secho(f"✗ {fault}", fg="red", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False))
        return
    typer.echo(
        f"读取 {outcome.read} 行：通过 {outcome.valid}（其中有提示 {outcome.warned}），不通过 {outcome.invalid}"
        f"（其中空白 {outcome.blank}）"
    )
    for code, count in outcome.problems.most_common(12):
        typer.echo(f"    {code}  {count}")
    typer.echo(f"逐行结果：{outcome.result_file}")


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
