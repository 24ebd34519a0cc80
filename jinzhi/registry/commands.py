"""`jinzhi registry …`: import registers of others, look up enterprises and certificates."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import uuid4

import typer
from django.conf import settings

from jinzhi.foundation.places.services import place_of
from jinzhi.registry import services
from jinzhi.registry.importing import jobs, profiles, reading, running, spool, undoing
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.matching import command as comparing
from jinzhi.registry.models import ImportBatch, ImportProfile
from jinzhi.registry.searching import finding

NAME = "registry"
app = typer.Typer(help="企业与证书登记。", no_args_is_help=True)
comparing.register(app)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command("import", help="导入表格：按对应关系读列，逐行检查，合格的一次入库，不合格的说明原因。")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV/TSV（可用 gzip 压缩）、xlsx 或 Parquet。", exists=True, dir_okay=False)
    ],
    profile: Annotated[str, typer.Option(help="保存的导入方案（jinzhi registry profiles）。")] = "",
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="列对应文件（YAML）；都不给则按列名猜。", exists=True, dir_okay=False),
    ] = None,
    kind: Annotated[str, typer.Option(help="enterprise、certificate、inspection …；默认按对应关系。")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。")] = False,
    errors: Annotated[
        Path | None, typer.Option(help="未接受的行连同原因写到这个 CSV；默认在 var/imports/ 下。")
    ] = None,
    json_: Json = False,
) -> None:
    """Import a table; every row is accepted or answered with its line, column, value and reason."""
    errors = errors or spool.folder(
        f"{file.stem}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:6]}.errors.csv"
    )
    try:
        outcome = running.run(
            file,
            _mapping(profile, map_),
            kind=kind,
            dry_run=dry_run,
            errors=errors,
            actor="jinzhi registry import",
        )
    except (reading.Unreadable, mappings.BadMapping, profiles.Unknown, UnicodeDecodeError) as fault:
        _fail("对应文件不是 UTF-8 编码。" if isinstance(fault, UnicodeDecodeError) else str(fault), json_)
    if json_:
        typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False))
        return
    head = "检查" if dry_run else "导入"
    typer.echo(
        f"{head} {outcome.read} 行：接受 {outcome.accepted}（新增 {outcome.inserted}，更新 {outcome.updated}，"
        f"无变化 {outcome.unchanged}），未接受 {outcome.refused}"
    )
    for refusal in outcome.refusals[:20]:
        for p in refusal.problems:
            typer.echo(f"  第 {refusal.line} 行 {p['column']}“{p['value']}”：{p['reason']}")
    if outcome.errors_file:
        typer.echo(f"未接受的行连同原因：{outcome.errors_file}")
    if outcome.batch:
        typer.echo(f"批次 {outcome.batch}（撤销：jinzhi registry undo {outcome.batch}）")


def _mapping(profile: str, map_: Path | None) -> dict | None:
    if profile and map_:
        raise mappings.BadMapping("--profile 和 --map 只能用一个。")
    if map_:
        return mappings.read_yaml(map_.read_text(encoding="utf-8-sig"))
    return profiles.mapping_of(profile) if profile else None


def _fail(words: str, json_: bool) -> NoReturn:
    if json_:
        typer.echo(json.dumps({"error": words}, ensure_ascii=False))
    else:
        typer.secho(f"✗ {words}", fg="red", err=True)
    raise typer.Exit(2)


@app.command(help="撤销一批导入：新增的删去，更新的恢复原值；以后又改过的保留并说明。")
def undo(batch: Annotated[str, typer.Argument(help="批次号。")], json_: Json = False) -> None:
    """Take a batch back."""
    try:
        undone = undoing.undo(batch, actor="jinzhi registry undo")
    except undoing.CannotUndo as fault:
        _fail(str(fault), json_)
    if json_:
        typer.echo(json.dumps(undone.as_dict(), ensure_ascii=False))
        return
    typer.echo(f"已撤销：删去 {undone.removed}，恢复 {undone.restored}，保留 {undone.kept}")
    for words in undone.reasons:
        typer.echo(f"  {words}")


@app.command(help="继续一批中断或取消了的导入。")
def resume(batch: Annotated[str, typer.Argument(help="批次号。")], json_: Json = False) -> None:
    """Go on where the batch stopped."""
    try:
        outcome = jobs.go_on(batch)
    except (jobs.CannotGoOn, reading.Unreadable, mappings.BadMapping) as fault:
        _fail(str(fault), json_)
    typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False))


@app.command("profiles", help="列出保存的导入方案。")
def profiles_(json_: Json = False) -> None:
    """The saved ways to read columns."""
    rows = [
        {"name": p.name, "kind": p.kind, "place": p.place, "fields": sorted(p.mapping.get("fields", {}))}
        for p in ImportProfile.objects.order_by("name")
    ]
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for r in rows:
        typer.echo(f"{r['name']}  {r['kind']}")


@app.command("save-profile", help="把一个列对应文件保存为导入方案。")
def save_profile(
    name: Annotated[str, typer.Argument(help="方案名称。")],
    map_: Annotated[Path, typer.Option("--map", help="列对应文件（YAML）。", exists=True, dir_okay=False)],
) -> None:
    """Keep a mapping under a name."""
    try:
        profiles.save(name, mappings.read_yaml(map_.read_text(encoding="utf-8-sig")), place_of(settings.NODE))
    except (mappings.BadMapping, UnicodeDecodeError) as fault:
        _fail(str(fault), json_=False)
    typer.echo(f"已保存导入方案“{name}”。")


@app.command(help="列出最近的导入。")
def imports(json_: Json = False, limit: int = 20) -> None:
    """The latest imports."""
    rows = [
        {
            "batch": str(b.pk),
            "file": b.file_name,
            "kind": b.kind,
            "state": b.state,
            "at": b.created_at.isoformat(timespec="seconds"),
            "read": b.total,
            "accepted": b.accepted,
            "refused": b.refused,
            "inserted": b.created,
            "updated": b.changed,
            "unchanged": b.unchanged,
        }
        for b in ImportBatch.objects.order_by("-id")[:limit]
    ]
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for r in rows:
        typer.echo(
            f"{r['at']}  {r['file']}  {r['state']}  {r['read']} 行，未接受 {r['refused']}  {r['batch']}"
        )


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
