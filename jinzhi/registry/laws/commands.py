"""`jinzhi laws …`: load law texts and open an article."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.registry.laws import services

NAME = "laws"
app = typer.Typer(help="法规文本的装载和查阅。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command(help="装载法规文本；已有的版本不动。")
def load(
    file: Annotated[Path, typer.Argument(help="CSV（可压缩）。", exists=True)], as_json: Json = False
) -> None:
    """Load a table of laws; known versions are left alone."""
    try:
        result = services.load(file)
    except (services.Unreadable, UnicodeDecodeError) as fault:
        typer.secho(f"不能装载：{fault}", fg="red", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(vars(result), ensure_ascii=False))
        return
    typer.echo(f"新装载 {result.added} 部，已有 {result.known} 部，未接受 {len(result.refused)} 部")
    for reason in result.refused[:20]:
        typer.echo(f"  {reason}")


@app.command(help="显示某一天施行的条文。")
def show(title: str, article: str = "", on: str = "", as_json: Json = False) -> None:
    """Print an article as in force on a day."""
    law = services.in_force(title, date.fromisoformat(on) if on else date.today())
    if law is None:
        typer.secho(f"法规库中没有“{title}”的文本", fg="red", err=True)
        raise typer.Exit(1)
    found = services.cited(law, article) if article else list(law.articles.all())
    if as_json:
        rows = [{"article": a.label, "text": a.text} for a in found]
        typer.echo(
            json.dumps(
                {"title": law.title, "published": law.published_on.isoformat(), "articles": rows},
                ensure_ascii=False,
            )
        )
        return
    typer.echo(f"{law.title}（{law.published_on} 公布）")
    for a in found:
        typer.echo(f"{a.label} {a.text}")
