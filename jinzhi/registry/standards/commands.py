"""`jinzhi standards …`: load a catalogue, ask for a standard, check a list of cited ones."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import loading, services
from jinzhi.registry.standards.numbers import BadNumber

NAME = "standards"
app = typer.Typer(help="标准目录的装载、查询和核对。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[str, typer.Option(help="按哪一天，缺省为今天。")]


def _fail(words: str, code: int) -> typer.Exit:
    typer.secho(f"✗ {words}", fg="red", err=True)
    return typer.Exit(code)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else today()
    except ValueError:
        raise _fail(f"日期应写作 2015-10-01，现为“{text}”", 2) from None


@app.command(help="装载标准目录（CSV、xlsx、Parquet）；逐行检查，不合格的说明原因。")
def load(
    file: Annotated[Path, typer.Argument(help="至少有“标准号”“名称”两列。")],
    demo: Annotated[bool, typer.Option("--demo", help="标为演示数据。")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。")] = False,
    errors: Annotated[Path | None, typer.Option(help="把未接受的行和原因写到这个 CSV。")] = None,
    as_json: Json = False,
) -> None:
    """Load a catalogue; exit 2 when the file cannot be read."""
    try:
        result = loading.load(file, demo=demo, dry_run=dry_run)
    except loading.Unreadable as fault:
        if as_json:
            typer.echo(json.dumps({"error": str(fault)}, ensure_ascii=False))
        raise _fail(f"不能装载：{fault}", 2) from None
    if errors:
        with errors.open("w", encoding="utf-8-sig", newline="") as target:
            lines = csv.writer(target)
            lines.writerow(["行", "列", "内容", "原因"])
            lines.writerows((r.line, r.column, r.value, r.reason) for r in result.refusals)
        result.errors_file = str(errors)
    if as_json:
        typer.echo(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    typer.echo(
        f"{'检查' if dry_run else '读取'} {result.read} 行：新增 {result.inserted}，更新 {result.updated}，"
        f"无变化 {result.unchanged}，未接受 {result.refused}；代替关系 {result.edges} 条"
    )
    for r in result.refusals[:20]:
        typer.echo(f"  第 {r.line} 行 {r.column}“{r.value}”：{r.reason}")


@app.command(help="一个标准在某一天的状态。")
def show(number: str, on: On = "", as_json: Json = False) -> None:
    """A standard on a day; exit 1 when the catalogue does not hold it."""
    from jinzhi.registry.standards import api

    try:
        found = services.find(number, _day(on))
    except BadNumber as fault:
        raise _fail(str(fault), 2) from None
    if found is None:
        raise _fail(f"目录中没有 {number}", 1)
    if as_json:
        typer.echo(json.dumps(api.answer(found), ensure_ascii=False, default=str))
        return
    typer.echo(f"{found.standard.number} {found.standard.title}  {found.word}")
    typer.echo(f"  {found.message}")


@app.command(help="核对一列所引用的标准在某一天是否有效；有失效的，退出码为 1。")
def check(
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER…")], on: On = "", as_json: Json = False
) -> None:
    """Check cited standards on a day."""
    found = services.check_list(numbers, _day(on))
    if as_json:
        rows = [{"cited": c.cited, "number": c.number, "code": c.code, "message": c.message} for c in found]
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for c in found:
            typer.echo(f"{'✓' if c.fine else '✗'} {c.message}{f'（{c.code}）' if c.code else ''}")
    raise typer.Exit(0 if all(c.fine or c.code == "INFO" for c in found) else 1)
