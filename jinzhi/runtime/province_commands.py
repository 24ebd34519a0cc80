"""`jinzhi province …`: a whole network on this machine."""

import json
from typing import Annotated

import typer

from jinzhi.runtime import province

app = typer.Typer(help="在一台机器上运行整个省网（省中心与若干城市节点）。", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="节点代码或名称，如 330100。")]
SHOWN_SIGN_INS = 3


def _say(line: str) -> None:
    typer.echo(f"  · {line}")


@app.command()
def up(
    cities: Annotated[int, typer.Option(help="城市节点数，最多 11。")] = 3,
    ports: Annotated[bool, typer.Option("--ports", help="不用网络命名空间，用本机端口。")] = False,
    base: Annotated[int, typer.Option(help="用端口时的第一个端口。")] = province.BASE_PORT,
) -> None:
    """启动省网；已有的节点接着用，数据保留。"""
    typer.echo(f"金质 Jinzhi · 省网（{cities} 个城市节点）")
    made = province.up(cities, ports, base, _say)
    typer.secho("✓ 已就绪", fg="green")
    for node in made.nodes:
        typer.echo(f"  {node.code} {node.name:<4} {node.url}   演示登录 {node.url}demo/")
        people = province.sign_ins(made, node)
        for line in people if node.hub else people[:SHOWN_SIGN_INS]:
            typer.echo(f"           {line}")
    typer.echo("  jinzhi province status、cut、mend、kill；停止：make province-down")


@app.command()
def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="同时删除各节点的全部数据。")] = False,
) -> None:
    """停止全部节点，拆除线路；数据保留。"""
    if wipe:
        province.wipe(_say)
        typer.secho("✓ 已停止并清空", fg="green")
    else:
        typer.secho(f"✓ 已停止（{province.down(_say)} 个节点）", fg="green")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出。")] = False) -> None:
    """各节点的地址、进程、数据库位置和线路。"""
    said = province.status()
    if as_json:
        typer.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    for node in said["nodes"]:
        line = {"cut": "线路已断", "whole": "线路正常", None: "省中心"}[node["line"]]
        running = "、".join(f"{name} {pid}" for name, pid in node["processes"].items()) or "没有运行"
        typer.echo(f"{node['node']} {node['name']}  {node['url']}  {node['health']}  {line}\n    {running}")


@app.command()
def cut(node: Code) -> None:
    """断开一个城市到省中心的线路。"""
    found = province.cut(node)
    typer.echo(f"✓ {found.code} {found.name}的线路已断开；恢复：jinzhi province mend {found.code}")


@app.command()
def mend(node: Code) -> None:
    """恢复一个城市到省中心的线路。"""
    found = province.mend(node)
    typer.echo(f"✓ {found.code} {found.name}的线路已恢复")


@app.command()
def kill(
    node: Code,
    process: Annotated[str, typer.Argument(help="web、worker、relay、inbox、nats、postgres 或 supervisor。")],
) -> None:
    """强行结束（kill -9）一个节点的一个进程；看护进程会重新启动它。"""
    typer.echo(f"✓ 已结束进程 {province.kill(node, process)}（{process}）")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def run(context: typer.Context, node: Code) -> None:
    """以某个节点的身份执行 jinzhi 命令，如 jinzhi province run 330100 exchange status --json。"""
    made = province.plan()
    raise typer.Exit(province.run_here(made, made.node(node), *context.args))
