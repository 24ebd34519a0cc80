"""`jinzhi codes …`: check codes and show code sets."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation import codes
from jinzhi.foundation.calendar.clock import today
from jinzhi.foundation.codes import batch as batches
from jinzhi.foundation.codes import catalogue, publishing, tabular
from jinzhi.foundation.codes import drift as drifting

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
        for key, title, _ in catalogue.sets():
            held = catalogue.versions(key)
            shown = "、".join(f"{v.version}（{v.valid_from} 起）" for v in held[-6:])
            typer.echo(f"{key}  {title}  {'… ' if len(held) > 6 else ''}{shown}")
        return
    try:
        version = catalogue.on_day(name, _day(on) or today())
    except catalogue.NoSuchSet as fault:
        raise _fail(str(fault), 1) from None
    found = catalogue.items(name, version).values()
    if as_json:
        rows = [{"code": i.code, "name": i.name, "parent": i.parent} for i in found]
        typer.echo(json.dumps({"version": version.version, "items": rows}, ensure_ascii=False))
        return
    typer.echo(version.title)
    for item in found:
        typer.echo(f"{'    ' if item.parent else ''}{item.code} {item.name}")


def _fail(words: str, code: int) -> typer.Exit:
    typer.secho(f"✗ {words}", fg="red", err=True)
    return typer.Exit(code)


@app.command(help="装载一个代码集的版本（CSV、xlsx、Parquet）。")
def load(
    name: Annotated[str, typer.Argument(help="代码集的名称，如 industry。")],
    file: Annotated[Path, typer.Argument(help="至少有“代码”“名称”（code、name）两列。")],
    version: Annotated[str, typer.Option(help="版本，如 2017。")] = "",
    from_: Annotated[str, typer.Option("--from", help="启用日期。")] = "",
    to: Annotated[str, typer.Option(help="停用日期（最后一天），缺省为仍在使用。")] = "",
    title: Annotated[str, typer.Option(help="代码集的中文名称。")] = "",
    standard: Annotated[str, typer.Option(help="标准号。")] = "",
    authority: Annotated[str, typer.Option(help="发布单位。")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="列名不同时：code=列名、name=列名，可多次。")
    ] = None,
    version_column: Annotated[
        str, typer.Option(help="一个文件有多个版本时，写明版本（起始年月）的列。")
    ] = "",
    as_json: Json = False,
) -> None:
    """Load a version of a set, or many from one file; exit 2 when it cannot be."""
    columns = dict(c.split("=", 1) for c in column or [] if "=" in c)
    starts = _day(from_, code=2)
    if not version_column and not (version and starts):
        raise _fail("请写明 --version 和 --from（启用日期），或者 --version-column", 2)
    about = publishing.About(version, starts or date.min, _day(to, code=2), title, authority)
    try:
        result = publishing.load(
            name, file, about, title=title, standard=standard, columns=columns, version_column=version_column
        )
    except (tabular.Unreadable, publishing.Refused) as fault:
        if as_json:
            typer.echo(json.dumps({"error": str(fault)}, ensure_ascii=False))
        raise _fail(str(fault), 2) from None
    if as_json:
        typer.echo(json.dumps(vars(result), ensure_ascii=False))
        return
    typer.echo(
        f"读取 {result.read} 行：接受 {result.accepted}，重复 {result.doubled}，未接受 {result.refused}；"
        f"版本 {result.versions} 个"
    )
    for problem in result.problems[:20]:
        typer.echo(f"  {problem}")


@app.command("map", help="登记两个版本之间的代码对应（列 from、to，可有 kind）。")
def map_(
    name: str,
    file: Path,
    older: Annotated[str, typer.Option(help="旧版。")],
    newer: Annotated[str, typer.Option(help="新版。")],
) -> None:
    """Record which code became which between two versions."""
    try:
        with tabular.opened(file, careful=True) as table:
            places = [table.columns.index(c) if c in table.columns else -1 for c in ("from", "to", "kind")]
            if -1 in places[:2]:
                raise _fail("文件应有 from、to 两列", 2)
            rows = [
                tuple((row[p] or "") if p >= 0 else "" for p in places)
                for frame in table.frames
                for row in frame.iter_rows()
            ]
        count = publishing.map_codes(name, older, newer, [(a, b, k) for a, b, k in rows if a or b])
    except (tabular.Unreadable, publishing.Refused) as fault:
        raise _fail(str(fault), 2) from None
    typer.echo(f"{name} {older} → {newer}：{count} 个对应")


@app.command(help="两个版本的差别。")
def diff(name: str, older: str, newer: str, as_json: Json = False) -> None:
    """What changed between two versions of a set."""
    try:
        found = catalogue.diff(name, catalogue.named(name, older), catalogue.named(name, newer))
    except catalogue.NoSuchSet as fault:
        raise _fail(str(fault), 2) from None
    if as_json:
        rows = {
            "same": found.same,
            "added": [vars(i) for i in found.added],
            "removed": [vars(i) | {"successors": s} for i, s in found.removed],
            "renamed": [{"code": b.code, "old": a.name, "new": b.name} for a, b in found.renamed],
            "moved": [{"code": b.code, "old": a.parent, "new": b.parent} for a, b in found.moved],
        }
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    typer.echo(
        f"未变 {found.same}，新增 {len(found.added)}，删去 {len(found.removed)}，改名 {len(found.renamed)}"
    )
    for item in found.added:
        typer.echo(f"+ {item.code} {item.name}")
    for item, after in found.removed:
        typer.echo(f"- {item.code} {item.name}{_into(after)}")
    for was, now in found.renamed:
        typer.echo(f"~ {now.code} {was.name} → {now.name}")


@app.command(help="文件中的一列与某日施行的代码集相比：有效、已停用、尚未启用、没有。")
def drift(
    name: Annotated[str, typer.Argument(help="代码集，如 division、industry。")],
    file: Path,
    column: Annotated[str, typer.Option(help="代码所在的列。")],
    on: On = "",
    as_json: Json = False,
) -> None:
    """A column of data against a set on a day."""
    try:
        found = drifting.report(name, file, column, _day(on, code=2) or today())
    except (catalogue.NoSuchSet, tabular.Unreadable, batches.BadQuestion) as fault:
        if as_json:
            typer.echo(json.dumps({"error": str(fault)}, ensure_ascii=False))
        raise _fail(str(fault), 2) from None
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    counted = "，".join(f"{catalogue.STATES[s]} {n}" for s, n in found.counts.items())
    typer.echo(f"{found.version} 版，{found.on}：读取 {found.read} 行，空白 {found.blank}，{counted}")
    for one, count in found.values[:30]:
        into = _into(one.successors)
        typer.echo(f"  {one.code} {one.item.name if one.item else ''}  {one.word}  {count} 行{into}")


def _into(successors: list[tuple[str, str]]) -> str:
    return f" → {'、'.join(code for code, _ in successors)}" if successors else ""
