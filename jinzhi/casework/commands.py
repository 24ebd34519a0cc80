"""`jinzhi procedures …`: what is published, and whether the definitions in the rooms are sound."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.casework import bpmn, dmn, reading
from jinzhi.casework.intake import NotInForce, version_on
from jinzhi.casework.lint import lint_files
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.publishing import NotPublishable, publish_all
from jinzhi.foundation import calendar

NAME = "procedures"
app = typer.Typer(help="办理流程的发布和检查。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command("list", help="列出已发布的流程版本。")
def list_(as_json: Json = False) -> None:
    rows = [
        {
            "key": v.key,
            "version": v.version,
            "name": v.name,
            "valid_from": v.valid_from.isoformat(),
            "valid_to": v.valid_to.isoformat() if v.valid_to else None,
            "law": v.procedure.law,
        }
        for v in ProcedureVersion.objects.order_by("key", "version")
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        until = row["valid_to"] or "今"
        typer.echo(f"{row['key']} 第 {row['version']} 版  {row['name']}  {row['valid_from']} 至 {until}")


@app.command(help="检查各业务目录中的流程定义。")
def lint() -> None:
    problems = lint_files()
    for problem in problems:
        typer.secho(f"✗ {problem}", fg="red")
    if not problems:
        typer.echo("✓ 流程定义无问题")
    raise typer.Exit(1 if problems else 0)


Key = Annotated[str, typer.Argument(help="流程代号，如 food_production_licence。")]
On = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="取这一天施行的版本，缺省为今天。")]
Number = Annotated[int | None, typer.Option("--version", help="指定版本。")]


def _version(key: str, on: datetime | None, number: int | None) -> ProcedureVersion:
    """The version asked for; ends the command with a sentence where there is none."""
    versions = ProcedureVersion.objects.filter(key=key)
    if not versions.exists():
        raise _stop(f"没有名为“{key}”的办理流程。")
    if number is not None:
        found = versions.filter(version=number).first()
        if found is None:
            raise _stop(f"{key} 没有第 {number} 版。")
        return found
    try:
        return version_on(key, on.date() if on else calendar.today())
    except NotInForce as fault:
        raise _stop(fault.message) from None


def _stop(message: str) -> typer.Exit:
    typer.secho(message, fg="red", err=True)
    return typer.Exit(1)


@app.command(help="显示一个流程：环节、时限、依据。")
def show(key: Key, on: On = None, version: Number = None, as_json: Json = False) -> None:
    found = _version(key, on, version)
    if as_json:
        typer.echo(found.definition)
        return
    told = reading.read(found)
    until = found.valid_to or "今"
    typer.echo(f"{found.name} 第 {found.version} 版（{found.rule_set}）  {found.valid_from} 至 {until}")
    typer.echo(f"依据：{told.procedure.law}")
    if told.procedure.closed:
        typer.echo(f"已停止受理：{told.procedure.closed}")
    typer.echo("\n环节")
    for row in told.steps:
        typer.echo(f"{'  ' * (row.indent + 1)}{row.step.name}（{row.kind}）{row.who}  {row.limit_text}")
        for label, text in row.outcomes:
            typer.echo(f"{'  ' * (row.indent + 2)}{label}：{text}")
    typer.echo(f"\n时限（{told.on} 的规则）")
    for limit in told.limits:
        basis = limit.value.basis if limit.value else ""
        promised = f"，承诺 {limit.promised}" if limit.promised else ""
        typer.echo(f"  {limit.title}：{limit.length}{promised}  {basis}")


@app.command(help="导出一个流程：BPMN 2.0，或者它的判定表（DMN）。")
def export(
    key: Key,
    on: On = None,
    version: Number = None,
    as_bpmn: Annotated[bool, typer.Option("--bpmn", help="BPMN 2.0 文件（缺省）。")] = False,
    as_dmn: Annotated[bool, typer.Option("--dmn", help="判定表的 DMN 文件。")] = False,
    output: Annotated[Path | None, typer.Option(help="写入这个文件；DMN 有多个时写入这个目录。")] = None,
) -> None:
    if as_bpmn and as_dmn:
        raise _stop("--bpmn 和 --dmn 只能选一个。")
    found = _version(key, on, version)
    day = on.date() if on else reading.day_of(found)
    if not as_dmn:
        _write(bpmn.xml(found.procedure, day), output)
        return
    tables = bpmn.tables(found.procedure, day)
    if not tables:
        raise _stop(f"{found.name} 第 {found.version} 版没有判定表。")
    for name, table in tables.items():
        folder = output is not None and (len(tables) > 1 or output.is_dir())
        _write(dmn.xml(table), output / f"{name}.dmn" if folder and output else output)


def _write(text: str, path: Path | None) -> None:
    if path is None:
        typer.echo(text, nl=False)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    typer.echo(f"已写入 {path}")


@app.command(help="发布新的流程版本（启动时也会自动发布）。")
def publish() -> None:
    try:
        published = publish_all()
    except NotPublishable as fault:
        typer.secho(str(fault), fg="red", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"新发布 {len(published)} 个版本" if published else "没有新的版本")
