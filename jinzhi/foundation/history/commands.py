"""`jinzhi audit …`: proves the audit trail and prints the ends of its chains for safe keeping."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jinzhi.foundation import history
from jinzhi.foundation.history.verify import End

NAME = "audit"
app = typer.Typer(help="操作记录的校验。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]


@app.command(help="重算全部散列；有改动、缺失、换序或截断的，退出码为 1。")
def verify(
    chain: Annotated[str, typer.Option(help="只校验这条链。")] = "",
    against: Annotated[Path | None, typer.Option(help="先前用 audit heads --json 抄存的文件。")] = None,
    as_json: Json = False,
) -> None:
    """Recompute every hash; exit 1 when an entry was altered, removed, reordered or cut off."""
    noted = None
    if against:
        noted = {name: End(end["seq"], end["hash"]) for name, end in json.loads(against.read_text()).items()}
    faults = history.verify(chain or None, noted)
    ends = {name: end for name, end in history.heads().items() if not chain or name == chain}
    more = [verifier.size(chain or None) for verifier in history.verifiers]
    chains = len(ends) + sum(n for n, _ in more)
    entries = sum(end.seq for end in ends.values()) + sum(n for _, n in more)
    if as_json:
        answer = {"ok": not faults, "chains": chains, "entries": entries}
        typer.echo(json.dumps(answer | {"faults": [f.as_dict() for f in faults]}, ensure_ascii=False))
    else:
        for fault in faults:
            typer.secho(f"✗ {fault.chain}：{fault.message}", fg="red")
        if not faults:
            typer.echo(f"✓ {chains} 条链、{entries} 条记录完整")
    raise typer.Exit(1 if faults else 0)


@app.command(help="列出每条链的末端；另行抄存，日后用 verify --against 核对。")
def heads(as_json: Json = False) -> None:
    """The end of each chain: keep it elsewhere, and verify --against it later."""
    ends = history.heads()
    if as_json:
        answer = {name: {"seq": end.seq, "hash": end.hash} for name, end in ends.items()}
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    for name, end in ends.items():
        typer.echo(f"{name}  {end.seq}  {end.hash}")
