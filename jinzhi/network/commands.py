"""`jinzhi network …` (who is in the network) and `jinzhi exchange …` (what goes through it)."""

import json
import logging
from datetime import date
from typing import Annotated

import typer

from jinzhi.foundation.exchange import declared, documents, quarantine, replaying, standing
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.places import scope
from jinzhi.network import folder, joining, reconciling
from jinzhi.network.models import Alarm, Node

NAME = "network"
app = typer.Typer(help="质量专网：建立省中心、节点入网、状态。", no_args_is_help=True)
exchange = typer.Typer(help="数据交换：状态、对账、重发、隔离区。", no_args_is_help=True)
isolated = typer.Typer(help="隔离区：被拒收的消息。", no_args_is_help=True)
exchange.add_typer(isolated, name="quarantine")
ALSO = {"exchange": exchange}

Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
Dataset = Annotated[str, typer.Option("--dataset", help="数据集，如 registry.enterprise；缺省为全部。")]
Peer = Annotated[str, typer.Option("--peer", help="对方节点；缺省为全部。")]


def _print(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str))


def _fail(error: Exception) -> typer.Exit:
    typer.secho(f"✗ {error}", fg="red", err=True)
    return typer.Exit(1)


@app.command()
def init(
    address: Annotated[str, typer.Option(help="市节点连接消息服务器的地址，主机:端口。")] = "127.0.0.1:4222",
    listen: Annotated[str, typer.Option(help="消息服务器监听的地址；缺省与 --address 相同。")] = "",
    external: Annotated[bool, typer.Option("--external", help="消息服务器由外部集群提供。")] = False,
) -> None:
    """把本安装建成省中心。"""
    try:
        joining.init(address, listen, external)
    except joining.Refused as refused:
        raise _fail(refused) from None
    typer.secho("✓ 省中心已建立", fg="green")


@app.command()
def invite(
    node: Annotated[str, typer.Argument(help="市节点代码，如 330100。")],
    address: Annotated[str, typer.Option(help="该节点连接消息服务器的地址。")] = "",
    url: Annotated[str, typer.Option(help="该节点访问省中心网站的网址。")] = "",
    hours: Annotated[int, typer.Option(help="有效小时数。")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="替换已在网的节点（重装）。")] = False,
) -> None:
    """签发一次性入网凭据，打印在最后一行。"""
    try:
        token = joining.invite(node, address=address, url=url, hours=hours, replace=replace)
    except joining.Refused as refused:
        raise _fail(refused) from None
    typer.echo(f"在节点 {node} 上执行：jinzhi network join <凭据>")
    typer.echo(token)


@app.command()
def join(
    token: Annotated[str, typer.Argument(help="省中心签发的入网凭据。")],
    url: Annotated[str, typer.Option(help="省中心网站的网址；缺省按凭据。")] = "",
) -> None:
    """用凭据加入网络。"""
    try:
        hub = joining.join(token, url)
    except joining.Refused as refused:
        raise _fail(refused) from None
    typer.secho(f"✓ 已加入省中心 {hub}", fg="green")


@app.command()
def leave(
    node: Annotated[str, typer.Argument(help="市节点代码。")],
    retire: Annotated[bool, typer.Option("--retire", help="永久退网。")] = False,
) -> None:
    """暂停一个节点（或使其退网）：连接立即失效。"""
    try:
        joining.leave(node, Node.State.RETIRED if retire else Node.State.SUSPENDED)
    except joining.Refused as refused:
        raise _fail(refused) from None
    typer.echo("✓")


@app.command()
def readmit(node: Annotated[str, typer.Argument(help="市节点代码。")]) -> None:
    """恢复被暂停的节点。"""
    try:
        joining.readmit(node)
    except joining.Refused as refused:
        raise _fail(refused) from None
    typer.echo("✓")


@app.command()
def renew() -> None:
    """立即更换本节点的连接证书（省中心同时更换消息服务器的证书）。到期前三十日会自动更换。"""
    _quiet()
    try:
        reconciling.renew()
    except (joining.Refused, reconciling.NotConnected) as error:
        raise _fail(error) from None
    typer.secho("✓ 证书已更换", fg="green")


@app.command()
def status(as_json: Json = False) -> None:
    """本节点、已知节点和未消除的告警。"""
    said = folder.node()
    nodes = [
        {
            "node": n.code, "name": n.name, "kind": n.kind, "state": n.state, "last_seen": n.last_seen,
            "software": n.software, "certificate_until": n.certificate_until, "health": n.health,
        }
        for n in Node.objects.all()
    ]  # fmt: skip
    alarms = [
        {"kind": a.kind, "node": a.node, "level": a.level, "detail": a.detail, "raised_at": a.raised_at}
        for a in Alarm.objects.filter(cleared_at=None)
    ]
    if as_json:
        _print({"self": said, "nodes": nodes, "alarms": alarms})
        return
    typer.echo(f"本节点：{said.get('node', '未加入网络')}（{said.get('role', '—')}）")
    for n in nodes:
        typer.echo(f"{n['node']} {n['name']} {n['state']} 最近 {n['last_seen'] or '—'} {n['software']}")
    for a in alarms:
        typer.secho(f"! {a['node']} {a['detail']}", fg="yellow")


@app.command()
def heal(as_json: Json = False) -> None:
    """数据库恢复后：取回丢失的记录，重新编号，补发对方缺少的。"""
    _quiet()
    try:
        done = reconciling.heal(lambda line: None if as_json else typer.echo(f"  · {line}"))
    except (reconciling.NotConnected, RuntimeError) as error:
        raise _fail(error) from None
    if as_json:
        _print(done)
    else:
        typer.secho(f"✓ 取回 {done['fetched']} 条，补发 {done['sent']} 条", fg="green")


def _quiet() -> None:
    """asyncio warns of a closed TLS connection at each cut; the processes say it in their own words."""
    logging.getLogger("asyncio").setLevel(logging.ERROR)


@app.command(hidden=True)
def relay() -> None:
    """The relay in the foreground (the supervisor runs it)."""
    _quiet()
    from jinzhi.network import relay as process

    process.main()


@app.command(hidden=True)
def inbox() -> None:
    """The inbox in the foreground (the supervisor runs it)."""
    _quiet()
    from jinzhi.network import inbox as process

    process.main()


# -- exchange


@exchange.command(name="status")
def exchange_status(as_json: Json = False) -> None:
    """每个数据集与对方：已发、已确认、已收、已用、拒收、最早未发（秒）。"""
    rows = standing.status()
    for row in rows:
        row["refused"] = row.pop("refused") + row.pop("refused_there")
    if as_json:
        _print(rows)
        return
    for row in rows:
        waiting = f"，未发 {row['unsent']} 条（{row['oldest_unsent_seconds']} 秒）" if row["unsent"] else ""
        typer.echo(
            f"{row['peer']:8} {row['title']}：发 {row['sent']} 确认 {row['acknowledged']}；"
            f"收 {row['received']} 用 {row['applied']}；拒 {row['refused']}{waiting}"
        )


@exchange.command()
def reconcile(dataset: Dataset = "", peer: Peer = "", heal: bool = False, as_json: Json = False) -> None:
    """与对方逐级核对数量和摘要，指出不同的记录；--heal 同时修复。有差异时退出码为 1。"""
    _quiet()
    try:
        reports = reconciling.reconcile(
            dataset, peer, heal=heal, say=lambda line: None if as_json else typer.echo(line)
        )
    except (reconciling.NotConnected, declared.Undeclared) as error:
        raise _fail(error) from None
    if as_json:
        _print(reports)
    if any(r.get("error") or not r.get("agreed") for r in reports):
        raise typer.Exit(1)


def _places(code: str) -> tuple[int, int]:
    if len(code) != 6 or not code.isdecimal():
        raise ValueError(f"区划代码应为六位数字，收到“{code}”")
    return scope.jurisdiction(int(code) * 10**6)


def _day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"日期应为 2026-11-23 这样的形式，收到“{text}”") from None


@exchange.command()
def replay(
    dataset: Annotated[str, typer.Argument(help="数据集。")],
    record: Annotated[list[str], typer.Option(help="记录标识；可重复。")] = [],  # noqa: B006
    place: Annotated[str, typer.Option(help="只重发这个地区的记录（六位区划代码）。")] = "",
    since: Annotated[str, typer.Option(help="只重发此日以后改动的记录。")] = "",
    channel: Annotated[str, typer.Option(help="只经此通道。")] = "",
    as_json: Json = False,
) -> None:
    """按现状重新发送记录；对方已有的版本不受影响。"""
    try:
        within = _places(place) if place else None
        if since:
            _day(since)
        if channel and channel not in {one["name"] for one in nodes.channels()}:
            raise ValueError(f"没有通道 {channel}")
        count = replaying.replay(
            dataset, records=record or None, place=within, since=since or None, channel=channel
        )
    except (declared.Undeclared, ValueError) as error:
        raise _fail(error) from None
    _print({"replayed": count}) if as_json else typer.echo(f"✓ {count} 条")


@exchange.command()
def offer(as_json: Json = False) -> None:
    """省中心：把新装载的代码集、法规、标准、放假通知发布给各节点。"""
    done = documents.offer()
    if as_json:
        _print(done)
        return
    for key, count in done.items():
        typer.echo(f"{key}：{count}")


@isolated.command(name="list")
def quarantine_list(
    dataset: Dataset = "", peer: Peer = "", state: str = "open", limit: int = 100, as_json: Json = False
) -> None:
    """本节点拒收的，和对方拒收本节点的。"""
    here = quarantine.listed(state=state, peer=peer, dataset=dataset, limit=limit)
    there = quarantine.refusals(state=state, dataset=dataset, limit=limit)
    if as_json:
        _print({"received": here, "sent": there})
        return
    for row in here:
        typer.echo(
            f"收 {row['id']} {row['peer']} {row['dataset']} {row['record']} {row['code']} {row['reason']}"
        )
    for row in there:
        typer.echo(
            f"发 {row['id']} {row['channel']} {row['dataset']} {row['record']} {row['code']} {row['reason']}"
        )


@isolated.command(name="resend")
def quarantine_resend(
    ids: Annotated[list[int] | None, typer.Argument(help="对方拒收的编号；缺省为全部。")] = None,
    dataset: Dataset = "",
    as_json: Json = False,
) -> None:
    """把对方拒收的记录按现状重新发送。"""
    count = quarantine.resend(ids=ids or None, dataset=dataset)
    _print({"resent": count}) if as_json else typer.echo(f"✓ {count} 条")
