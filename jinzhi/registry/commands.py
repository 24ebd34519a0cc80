"""`jinzhi registry …`: import registers of others, look up enterprises and certificates."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.registry import services
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing import reading, running
from jinzhi.registry.matching import command as comparing
from jinzhi.registry.models import ImportBatch
from jinzhi.registry.searching import finding

NAME = "registry"
app = typer.Typer(help="企业与证书登记。", no_args_is_help=True)
comparing.register(app)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command("import", help="导入 CSV 或 Excel：按对应关系读列，逐行检查，合格的入库，不合格的说明原因。")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV（可用 gzip 压缩）或 xlsx。", exists=True, dir_okay=False)],
    map_: Annotated[Path, typer.Option("--map", help="列对应文件（YAML）。", exists=True, dir_okay=False)],
    kind: Annotated[str, typer.Option(help="enterprise 或 certificate；默认按对应文件。")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。")] = False,
    errors: Annotated[Path | None, typer.Option(help="把未接受的行连同原因写到这个 CSV。")] = None,
    json_: Json = False,
) -> None:
    """Import a table; every row is accepted or answered with its line, column, value and reason."""
    try:
        raw = mappings.read_yaml(map_.read_text(encoding="utf-8"))
        outcome = running.run(file, raw, kind=kind, dry_run=dry_run, actor="jinzhi registry import")
    except (reading.Unreadable, mappings.BadMapping, UnicodeDecodeError) as fault:
        words = str(fault) if not isinstance(fault, UnicodeDecodeError) else "对应文件不是 UTF-8 编码。"
        if json_:
            typer.echo(json.dumps({"error": words}, ensure_ascii=False))
        else:
            typer.secho(f"✗ {words}", fg="red", err=True)
        raise typer.Exit(2) from None
    if errors:
        _write_errors(errors, outcome)
    if json_:
        typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False))
        return
    head = "检查" if dry_run else "导入"
    typer.echo(
        f"{head} {outcome.total} 行：新增 {outcome.created}，更新 {outcome.changed}，"
        f"无变化 {outcome.unchanged}，未接受 {outcome.refused}"
    )
    for refusal in outcome.refusals[:20]:
        for p in refusal.problems:
            typer.echo(f"  第 {refusal.line} 行 {p['column']}“{p['value']}”：{p['reason']}")
    if outcome.refused > 20:
        typer.echo(f"  … 共 {outcome.refused} 行未接受，用 --errors FILE 或导入页面取得全部")


def _write_errors(path: Path, outcome: running.Outcome) -> None:
    from jinzhi.web import export

    header, rows = running.refused_rows(outcome.columns, outcome.refusals)
    with path.open("w", encoding="utf-8", newline="") as target:
        target.writelines(export.lines(header, rows))


@app.command(help="列出最近的导入。")
def imports(json_: Json = False, limit: int = 20) -> None:
    """The latest imports."""
    rows = [
        {
            "id": str(b.pk),
            "file": b.file_name,
            "kind": b.kind,
            "at": b.created_at.isoformat(timespec="seconds"),
            "total": b.total,
            "created": b.created,
            "changed": b.changed,
            "unchanged": b.unchanged,
            "refused": b.refused,
        }
        for b in ImportBatch.objects.order_by("-id")[:limit]
    ]
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for r in rows:
        typer.echo(f"{r['at']}  {r['file']}  {r['total']} 行，未接受 {r['refused']}  {r['id']}")


@app.command(help="按代码或名称片段查企业。")
def find(q: Annotated[str, typer.Argument(help="代码或名称片段。")], json_: Json = False) -> None:
    """Enterprises by code or a fragment of the name."""
    hits = finding.search(q).hits
    if json_:
        typer.echo(json.dumps([vars(h) for h in hits], ensure_ascii=False))
        return
    for h in hits:
        typer.echo(f"{h.uscc or h.org_code or '—':<18}  {h.name}  {h.place_name or ''}")


@app.command(help="显示一个企业的档案。")
def show(code: Annotated[str, typer.Argument(help="企业的任一代码。")], json_: Json = False) -> None:
    """The archive of an enterprise."""
    found = services.archive(code)
    if found is None:
        typer.echo(f"没有登记 {code}", err=True)
        raise typer.Exit(1)
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(f"{found['name']}  {found['uscc'] or found['org_code']}  {found['status_name']}")
    for c in found["certificates"]:
        typer.echo(f"  {c['number']}  {c['kind_name']}  {c['status_name']}  至 {c['valid_to'] or '长期'}")
