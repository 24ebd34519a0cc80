"""`jinzhi registry compare LEFT RIGHT --map MAP.yaml --out RESULT.csv`; hung under the register's commands."""

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command(
        "compare", help="比对两份登记数据：按代码、名称、地址逐级匹配，每一对或落单的行各写一行结果。"
    )(compare)


def compare(
    left: Annotated[Path, typer.Argument(help="左方文件：CSV（可用 gzip 压缩）、Parquet 或 xlsx。")],
    right: Annotated[Path, typer.Argument(help="右方文件。")],
    map_: Annotated[Path, typer.Option("--map", help="列对应文件（YAML），分 left 和 right。")],
    out: Annotated[Path, typer.Option("--out", help="结果写到这个 CSV。")],
    memory: Annotated[str, typer.Option(help="最多使用的内存。")] = "4GB",
    json_: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """Counts by kind on stdout, a row for each pair in the file."""
    from jinzhi.registry.matching import mapping as mappings
    from jinzhi.registry.matching import results, running, sources

    try:
        for path in (left, right, map_):
            if not path.is_file():
                raise sources.BadSide(f"没有文件 {path}。")
        outcome = running.compare_files(
            left, right, mappings.read(_text(map_, mappings.BadMapping)), out, memory
        )
    except (sources.BadSide, mappings.BadMapping, OSError) as fault:
        words = str(fault)
        if json_:
            typer.echo(json.dumps({"error": words}, ensure_ascii=False))
        else:
            typer.secho(f"✗ {words}", fg="red", err=True)
        raise typer.Exit(2) from None
    if json_:
        typer.echo(json.dumps(outcome.counts, ensure_ascii=False))
        return
    typer.echo(f"左方 {outcome.left} 行，右方 {outcome.right} 行，结果写入 {out}")
    for key, count in outcome.counts.items():
        kind = results.KINDS[key]
        typer.echo(f"  {kind.title}（{key}）{count}{'  视为同一企业' if kind.same else ''}")


def _text(path: Path, fault: type[Exception]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise fault("对应文件不是 UTF-8 编码。") from None
