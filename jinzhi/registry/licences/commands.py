"""`jinzhi licences …`: the keys that sign licences, the list of ended ones, checking a QR's text."""

import json
from typing import Annotated

import typer

from jinzhi.registry.licences import keys as store
from jinzhi.registry.licences import payload, status_list
from jinzhi.registry.licences.models import SigningKey

NAME = "licences"
app = typer.Typer(help="电子证照：签发密钥、状态清单、核对二维码。", no_args_is_help=True)
keys = typer.Typer(help="签发密钥：查看、启用、停用。", no_args_is_help=True)
app.add_typer(keys, name="keys")
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
Note = Annotated[str, typer.Option(help="说明，记入日志。")]


def _row(key: SigningKey) -> dict:
    here = store.private_half(key) is not None
    return {
        "id": key.pk,
        "state": str(key.state),
        "valid_from": key.valid_from.isoformat(),
        "valid_to": key.valid_to.isoformat() if key.valid_to else None,
        "private_here": here,
        "note": key.note,
        "public": key.public,
    }


def _say(key: SigningKey) -> None:
    row = _row(key)
    here = "私钥在本机" if row["private_here"] else "私钥不在本机"
    typer.echo(
        f"{row['id']}  {key.get_state_display()}  {row['valid_from']} 至 {row['valid_to'] or '今'}  {here}  {key.note}"
    )


@keys.command("list", help="列出全部密钥：编号、状态、启用停用日期、私钥是否在本机。")
def list_(json_: Json = False) -> None:
    """Every key that ever signed."""
    rows = list(SigningKey.objects.order_by("created_at"))
    if json_:
        typer.echo(json.dumps([_row(key) for key in rows], ensure_ascii=False))
        return
    for key in rows:
        _say(key)


@keys.command("new", help="生成并启用新密钥；以后的证照用它签发，旧密钥仍然公布。")
def new(note: Note = "", json_: Json = False) -> None:
    """A fresh key; those before it are retired by `retire` when every server has it."""
    key = store.new(note=note)
    typer.echo(json.dumps(_row(key), ensure_ascii=False)) if json_ else _say(key)


@keys.command("retire", help="停用密钥：不再用于签发，已签发的仍然有效；--compromised 宣布其全部签名作废。")
def retire(
    key_id: Annotated[str, typer.Argument(help="密钥编号。")],
    compromised: Annotated[
        bool, typer.Option("--compromised", help="私钥泄露：它签过的一律不再可信。")
    ] = False,
    note: Note = "",
    json_: Json = False,
) -> None:
    """Take a key out of use."""
    key = SigningKey.objects.filter(pk=key_id).first()
    if key is None:
        typer.echo(f"没有编号为 {key_id} 的密钥。", err=True)
        raise typer.Exit(1)
    key = store.retire(key, compromised=compromised, note=note)
    typer.echo(json.dumps(_row(key), ensure_ascii=False)) if json_ else _say(key)
    if not SigningKey.objects.filter(state=SigningKey.State.ACTIVE).exists():
        typer.secho("已没有使用中的密钥，请执行 jinzhi licences keys new。", fg="yellow", err=True)


@app.command("status-list", help="立即签发一份新的证照状态清单。")
def issue_list(json_: Json = False) -> None:
    """Sign the list of ended licences now."""
    made = status_list.issue()
    body = json.loads(made.body)
    if json_:
        typer.echo(json.dumps({"key": made.key_id, **body}, ensure_ascii=False))
        return
    typer.echo(
        f"已签发：失效或暂停 {len(body['ended'])} 张，换版 {len(body['faces'])} 张，有效至 {body['fresh_until']}"
    )


@app.command("check", help="核对二维码里的签名文本（网址或 t= 后面的部分）。")
def check(text: Annotated[str, typer.Argument(help="网址或签名文本。")], json_: Json = False) -> None:
    """Whether a QR's text is genuine, and what it says."""
    reading = payload.read(text.rsplit("t=", 1)[-1])
    face = vars(reading.face) if reading.face else {}
    if json_:
        typer.echo(json.dumps({"state": reading.state, "face": face or None}, ensure_ascii=False))
    else:
        words = {
            "genuine": "签名真实",
            "forged": "签名不符，伪造或改动过",
            "malformed": "不是证照二维码",
            "unknown_key": "密钥不明",
            "bad_key": "密钥已作废或当时已停用",
        }
        typer.echo(words[reading.state])
        for name, value in face.items():
            typer.echo(f"  {name}: {value}")
    raise typer.Exit(0 if reading.genuine else 1)
