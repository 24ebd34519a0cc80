"""`jinzhi partners …`: what operators do without the pages, and the regular work at once."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.places import scope
from jinzhi.network import folder, keys
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import bridge, files, granting, partnering, signatures, watching
from jinzhi.network.partners.models import GATEWAYS, Key, Partner

NAME = "partners"
app = typer.Typer(help="交换伙伴：登记、密钥、授权、启用和前置机。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="伙伴代号，如 cnca。")]
YEAR = 365


def _fail(words: str) -> typer.Exit:
    typer.secho(f"✗ {words}", fg="red", err=True)
    return typer.Exit(1)


def _partner(code: str) -> Partner:
    found = Partner.objects.filter(code=code).first()
    if found is None:
        raise _fail(f"没有伙伴 {code}；jinzhi partners list 列出全部。")
    return found


def _do(act: Callable[[], Any]) -> Any:
    try:
        with scope.acting(scope.SYSTEM):
            return act()
    except Refused as refused:
        raise _fail(refused.message) from None


@app.command("list", help="全部伙伴和状态。")
def show_all(as_json: Json = False) -> None:
    """Every partner with its state and ways."""
    with scope.acting(scope.SYSTEM):
        rows = [
            {"code": p.code, "name": p.name, "state": p.state, "delivery": p.delivery, "accepts": p.accepts,
             "lacks": partnering.what_lacks(p) if not p.is_open else [], "overdue": watching.overdue(p.channel)}
            for p in Partner.objects.order_by("code")
        ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        lacking = f"（{'；'.join(row['lacks'])}）" if row["lacks"] else ""
        typer.echo(f"{row['code']:<10} {row['name']}  {Partner.State(row['state']).label}{lacking}")


@app.command(help="登记一个伙伴（不启用）。")
def add(
    code: Code,
    name: Annotated[str, typer.Option(help="名称。")],
    kind: Annotated[str, typer.Option(help="state、department、bureau、other。")] = "other",
    area: Annotated[int, typer.Option(help="可以提供哪里的记录：12 位区划代码，0 为全国。")] = 0,
    delivery: Annotated[str, typer.Option(help="接收方式：jetstream、http、file、database。")] = "http",
    accepts: Annotated[list[str] | None, typer.Option(help="可用的提交方式，可重复。")] = None,
) -> None:
    """Enter a partner."""
    if kind not in Partner.Kind.values or delivery not in GATEWAYS:
        raise _fail("kind 或者 delivery 不在可选的范围内。")
    made = _do(
        lambda: partnering.create(
            None, code=code, name=name, kind=kind, area=area, delivery=delivery, accepts=accepts or ["http"]
        )
    )
    typer.echo(f"✓ 已登记 {made.name}（{made.code}），未启用")


@app.command(help="改变限额和方式，如 rate=300 max_payload=2000000 delivery=file accepts=http,file。")
def limits(code: Code, changes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…")]) -> None:
    """Change what was agreed."""
    fields: dict[str, Any] = {}
    for change in changes:
        name, _, value = change.partition("=")
        if name in partnering.LIMITS and value.isdigit():
            fields[name] = int(value)
        elif name in ("accepts", "addresses"):
            fields[name] = [one for one in value.split(",") if one]
        elif name in ("delivery", "file_format", "file_encoding"):
            fields[name] = value
        else:
            raise _fail(
                f"不认识 {change}；可改 {'、'.join((*partnering.LIMITS, 'delivery', 'accepts', 'addresses'))}。"
            )
    _do(lambda: partnering.change(None, _partner(code), fields))
    typer.echo("✓ 已改变")


@app.command(help="登记伙伴的公钥（PEM、十六进制或者 Base64 的文件）。")
def key(
    code: Code,
    file: Annotated[Path, typer.Argument(help="公钥文件。")],
    algorithm: Annotated[str, typer.Option(help="ed25519、sm2、nkey。")] = "ed25519",
    note: str = "",
) -> None:
    """Enter a public key."""
    text = file.read_text(encoding="utf-8", errors="replace")
    made = _do(lambda: partnering.add_key(None, _partner(code), algorithm=algorithm, text=text, note=note))
    typer.echo(f"✓ 密钥 {made.key_id}，有效期至 {made.valid_to}")


@app.command(help="停用一个密钥。")
def revoke(code: Code, key_id: str) -> None:
    """Revoke a key."""

    def act() -> None:
        found = Key.objects.filter(partner__code=code, key_id=key_id).first()
        if found is None:
            raise _fail(f"{code} 没有密钥 {key_id}")
        partnering.revoke_key(None, found)

    _do(act)
    typer.echo("✓ 已停用")


@app.command("allow", help="授权伙伴向我方提供一项数据。")
def allow(
    code: Code,
    dataset: str,
    purpose: Annotated[str, typer.Option(help="用途和协议。")],
    days: Annotated[int, typer.Option(help="多少天。")] = YEAR,
) -> None:
    """Let a partner deliver a dataset."""
    until = calendar.today() + timedelta(days)
    _do(lambda: granting.let_deliver(None, _partner(code), dataset, [], until, purpose))
    typer.echo(f"✓ {code} 可以提供 {dataset}，至 {until}")


@app.command(help="向伙伴提供一项数据（协议已经批准的；一般由页面申请和答复）。")
def give(
    code: Code,
    dataset: str,
    purpose: Annotated[str, typer.Option(help="用途和批准文号。")],
    fields: Annotated[str, typer.Option(help="信息项，逗号分隔；不写为全部可以无条件共享的。")] = "",
    area: Annotated[int, typer.Option(help="数据范围，12 位区划代码。")] = -1,
    days: Annotated[int, typer.Option(help="多少天。")] = YEAR,
) -> None:
    """Grant a dataset to a partner."""
    until: date = calendar.today() + timedelta(days)
    made: Grant = _do(
        lambda: granting.give(
            _partner(code), dataset, [f for f in fields.split(",") if f], area, until, purpose
        )
    )
    typer.echo(f"✓ 向 {code} 提供 {declared.get(dataset).title}的 {len(made.fields)} 项信息，至 {until}")


@app.command(help="启用一个伙伴。")
def on(code: Code) -> None:
    """Switch a partner on."""
    _do(lambda: partnering.switch_on(None, _partner(code)))
    typer.echo(f"✓ {code} 已启用")


@app.command(help="停用一个伙伴。")
def off(code: Code, reason: Annotated[str, typer.Option(help="原因。")]) -> None:
    """Switch a partner off."""
    _do(lambda: partnering.switch_off(None, _partner(code), reason))
    typer.echo(f"✓ {code} 已停用")


@app.command(help="现在处理前置机的文件夹和桥接表（后台每分钟处理一次）。")
def exchange(as_json: Json = False) -> None:
    """Work off folders and bridge tables at once."""
    done = files.work_off() | {f"table_{name}": count for name, count in bridge.work_off().items()}
    typer.echo(
        json.dumps(done)
        if as_json
        else f"✓ 收 {done['in'] + done['table_in']} 批，发 {done['out'] + done['table_out']} 批"
    )


@app.command(help="核对各伙伴的确认情况（后台每五分钟一次）。")
def watch(as_json: Json = False) -> None:
    """Limit who does not acknowledge, resume who caught up."""
    done = watching.watch()
    typer.echo(json.dumps(done) if as_json else f"✓ 限制 {done['limited']} 个，恢复 {done['resumed']} 个")


@app.command(help="本机的签名公钥，交给伙伴核对我方的签名。")
def own() -> None:
    """Our own public key."""
    typer.echo(signatures.own_public())


@app.command(help="建立伙伴的桥接表；--role 打印建立数据库角色的语句，由数据库管理员执行。")
def tables(
    code: Code, role: Annotated[bool, typer.Option("--role", help="打印语句，不执行。")] = False
) -> None:
    """Make a partner's bridge tables, or print what makes its role."""
    with scope.acting(scope.SYSTEM):
        partner = _partner(code)
        if role:
            typer.echo("\n".join(bridge.role_statements(partner)))
            return
        made = _do(lambda: bridge.prepare(partner))
    typer.echo(f"✓ 模式 {bridge.schema(partner)}：{'、'.join(made) or '没有变化'}")


@app.command(help="为消息通道签发 TLS 客户端证书：读对方的证书请求，写出证书和根证书。")
def certificate(
    code: Code,
    request: Annotated[Path, typer.Argument(help="对方的证书请求（PEM）。")],
    to: Annotated[Path, typer.Option(help="写到这个文件夹。")] = Path(),
    days: Annotated[int, typer.Option(min=1, max=800, help="有效天数。")] = YEAR,
) -> None:
    """Sign a partner's TLS request as the network's authority (at the hub)."""
    with scope.acting(scope.SYSTEM):
        _partner(code)
    try:
        made = keys.pem_of(keys.certify(request.read_bytes(), code, days))
        authority = folder.path("ca.pem").read_bytes()
    except (keys.KeyFault, OSError) as fault:
        raise _fail(f"{fault}（证书由中心节点签发）") from None
    to.mkdir(parents=True, exist_ok=True)
    (to / f"{code}.pem").write_bytes(made)
    (to / "ca.pem").write_bytes(authority)
    typer.echo(f"✓ {to / f'{code}.pem'}、{to / 'ca.pem'}")
