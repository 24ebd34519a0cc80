"""`jinzhi backup`, `jinzhi backup drill`, `jinzhi restore`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.runtime import backup as backing
from jinzhi.runtime import drill as drilling
from jinzhi.runtime import restoring

app = typer.Typer(help="备份本节点：数据库、日志归档、附件、密钥；drill 演练恢复。")
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


def _say(line: str) -> None:
    typer.echo(f"  · {line}", err=True)


def _print(said: dict, as_json: bool, line: str, good: bool = True) -> None:
    if as_json:
        typer.echo(json.dumps(said, ensure_ascii=False, indent=1))
    else:
        typer.secho(f"{'✓' if good else '✗'} {line}", fg="green" if good else "red")


@app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option(help="备份目录；给过一次便记住。")] = None,
    keep: Annotated[int, typer.Option(min=1, help="保留最近几份。")] = backing.KEEP,
    as_json: Json = False,
) -> None:
    """备份一次，并从此归档数据库日志（可恢复到任一时刻）。"""
    if context.invoked_subcommand:
        return
    made = backing.take(backing.here(to), _say, keep)
    _print(made, as_json, f"已备份到 {made['path']}（{made['bytes'] // 1_000_000} MB，{made['seconds']} 秒）")


@app.command(name="list")
def listed(as_json: Json = False) -> None:
    """列出已有的备份。"""
    found = backing.taken(backing.here().folder)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for one in found:
        typer.echo(f"{one['at'][:19]}Z  {one['bytes'] // 1_000_000} MB  {one['path']}")
    if not found:
        typer.echo("还没有备份。")


@app.command()
def drill(as_json: Json = False) -> None:
    """恢复演练：在旁边恢复出最新的数据库，与现用的逐表比对；不一致时退出码为 1。"""
    report = drilling.run(backing.here(), _say)
    if report["passed"]:
        line = f"演练通过：{report['tables']} 张表 {report['rows']} 行全部一致，恢复用时 {report['restore_seconds']} 秒"
    else:
        line = f"演练没有通过：不一致的表 {'、'.join(report['differing']) or '无'}，缺附件 {report['files_missing']} 个"
    _print(report, as_json, line, report["passed"])
    if not report["passed"]:
        raise typer.Exit(1)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="备份目录，或其中的一份。")],
    at: Annotated[
        str, typer.Option(help="恢复到哪一时刻，如 2026-11-23T10:30:00（北京时间）；不写为最新。")
    ] = "",
    as_json: Json = False,
) -> None:
    """从备份恢复本节点；原有数据移到一旁，不删除。"""
    done = restoring.restore(source.resolve(), restoring.moment(at) if at else None, _say)
    former = f"；原来的数据在 {done['former']}" if done["former"] else ""
    _print(done, as_json, f"已恢复（{done['seconds']} 秒）{former}。启动：jinzhi up")
