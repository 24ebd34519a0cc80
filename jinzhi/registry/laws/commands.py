"""`jinzhi laws …`: load law texts, look for words, open an article, compare versions."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.laws import services
from jinzhi.registry.laws.models import Law

NAME = "laws"
app = typer.Typer(help="法规文本的装载、检索和查阅。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
On = Annotated[str, typer.Option(help="按哪一天施行的文本，缺省为今天。")]


def _fail(words: str, code: int) -> typer.Exit:
    typer.secho(f"✗ {words}", fg="red", err=True)
    return typer.Exit(code)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else today()
    except ValueError:
        raise _fail(f"日期应写作 2015-10-01，现为“{text}”", 2) from None


def _law(title: str, on: date) -> Law:
    """The version in force on the day, or the oldest held."""
    law = services.find(title)
    found = law and (services.on_day(law, on) or services.in_force(law.key, on))
    if found is None:
        raise _fail(f"法规库中没有“{title}”的文本", 1)
    return found


@app.command(help="装载法规文本（CSV、xlsx、Parquet）；已有的版本不动。")
def load(
    file: Annotated[
        Path, typer.Argument(help="列：title、publish_date、text_markdown，可有 valid_from、level、region。")
    ],
    as_json: Json = False,
) -> None:
    """Load a table of laws; known versions are left alone."""
    try:
        result = services.load(file)
    except services.Unreadable as fault:
        if as_json:
            typer.echo(json.dumps({"error": str(fault)}, ensure_ascii=False))
        raise _fail(f"不能装载：{fault}", 2) from None
    if as_json:
        typer.echo(json.dumps(vars(result), ensure_ascii=False))
        return
    typer.echo(
        f"读取 {result.read} 部：新装载 {result.added}（{result.articles} 条），已有 {result.known}，"
        f"文件内重复 {result.doubled}，未接受 {len(result.refused)}"
    )
    for reason in result.refused[:20]:
        typer.echo(f"  {reason}")


@app.command(help="显示某一天施行的条文。")
def show(title: str, article: str = "", on: On = "", as_json: Json = False) -> None:
    """Print an article as in force on a day."""
    law = _law(title, _day(on))
    found = services.cited(law, article) if article else list(law.articles.all())
    if as_json:
        rows = [{"article": a.label, "text": a.text} for a in found]
        published = {"published": law.published_on.isoformat(), "valid_from": law.valid_from.isoformat()}
        typer.echo(json.dumps({"title": law.title, **published, "articles": rows}, ensure_ascii=False))
        return
    typer.echo(
        f"{law.title}（{law.published_on} 公布，{law.valid_from} 施行，{services.state(law, _day(on))[1]}）"
    )
    for a in found:
        typer.echo(f"{a.label} {a.text}")


@app.command(help="在名称和条文中检索。")
def search(words: str, on: On = "", limit: int = 20, as_json: Json = False) -> None:
    """Laws and articles that hold the words, in force on a day."""
    found = services.search(words, _day(on), limit=limit).hits
    if as_json:
        rows = [
            {
                "id": h.law.pk,
                "title": h.law.title,
                "article": h.article.label if h.article else "",
                "text": h.snippet,
            }
            for h in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for h in found:
        typer.echo(f"{h.law.title}{h.article.label if h.article else ''}  {h.snippet if h.article else ''}")


@app.command(help="逐条比较一部法规的两个版本。")
def changes(
    title: str, from_: Annotated[str, typer.Option("--from")], to: str = "", as_json: Json = False
) -> None:
    """What changed between the versions in force on two days."""
    old, new = _law(title, _day(from_)), _law(title, _day(to))
    found = [c for c in services.compare(old, new) if c.kind != "same"]
    if as_json:
        rows = [
            {"kind": c.kind, "from": c.old.label if c.old else "", "to": c.new.label if c.new else ""}
            for c in found
        ]
        typer.echo(json.dumps({"from": str(old.published_on), "to": str(new.published_on), "changes": rows},
                              ensure_ascii=False))  # fmt: skip
        return
    typer.echo(f"{old.title} {old.published_on} → {new.published_on}")
    for c in found:
        typer.echo(
            f"{services.KINDS[c.kind]}  {c.old.label if c.old else '—'} → {c.new.label if c.new else '—'}"
        )
