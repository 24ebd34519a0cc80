"""`jinzhi demo load`: make the demonstration province, of any size."""

import json
import time
from typing import Annotated

import typer

from jinzhi.demo import bootstrap

NAME = "demo"
app = typer.Typer(help="演示数据的生成。", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keeps `load` a command of its own."""


@app.command(help="生成演示数据；已经生成过的不重复生成。")
def load(
    scale: Annotated[float, typer.Option(min=0.01, max=20, help="1 为约 5000 家企业、1500 个办件。")] = 1.0,
    seed: Annotated[int, typer.Option(help="同一种子生成同样的数据。")] = bootstrap.SEED,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False,
) -> None:
    """Generate once; a second time says that it is there."""
    try:
        there = bootstrap.loaded()
    except bootstrap.Unfinished as fault:
        typer.secho(str(fault), fg="red", err=True)
        raise typer.Exit(1) from None
    if there:
        typer.secho("演示数据已经生成过；要重新生成，请先 make reset。", fg="yellow", err=True)
        raise typer.Exit(1)
    started = time.monotonic()
    made = bootstrap.generate(scale, seed=seed, parallel=True) | {
        "seconds": round(time.monotonic() - started, 1)
    }
    typer.echo(json.dumps(made) if as_json else f"已生成：{made}")
