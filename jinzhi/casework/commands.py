"""`jinzhi procedures …`: what is published, and whether the definitions in the rooms are sound."""

import json
from typing import Annotated

import typer

from jinzhi.casework.lint import lint_files
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.publishing import NotPublishable, publish_all

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


@app.command(help="发布新的流程版本（启动时也会自动发布）。")
def publish() -> None:
    try:
        published = publish_all()
    except NotPublishable as fault:
        typer.secho(str(fault), fg="red", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"新发布 {len(published)} 个版本" if published else "没有新的版本")
