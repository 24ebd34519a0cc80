"""`jinzhi …`: the operator's commands. The rooms add their own by a commands.py (see runtime.discovery)."""

import json
import os
import subprocess
import sys
import warnings
from typing import Annotated

import typer

from jinzhi.runtime import backup_commands, locations, province_commands
from jinzhi.runtime.trouble import Trouble

app = typer.Typer(
    name="jinzhi",
    help="金质 Jinzhi：省级质量监督管理系统的运行命令。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUNNING, DATA, BUILDING, ROOMS = "运行", "数据", "开发", "业务"
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()


def _manage(context: typer.Context, *command: str) -> None:
    from django.core.management import execute_from_command_line

    _django()
    execute_from_command_line(["jinzhi", *command, *context.args])


def _print(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str))


def _say(line: str) -> None:
    typer.echo(f"  · {line}")


# -- running


@app.command(rich_help_panel=RUNNING)
def up() -> None:
    """启动全部：数据库、升级、数据包、网站与后台任务；已在运行则立即返回。"""
    from jinzhi.runtime import installation, stages

    people: list[tuple[str, str]] = []

    def prepare() -> None:
        _django()
        stages.bring_up(_say)
        if stages.is_demonstration():
            people.extend(stages.demonstration_sign_ins())

    typer.echo("金质 Jinzhi")
    started = installation.up(prepare, _say)
    typer.secho("✓ 已就绪" if started else "✓ 已在运行", fg="green")
    typer.echo(f"  首页      {installation.url()}")
    typer.echo(f"  接口文档  {installation.url('/api/v1/docs')}")
    if os.environ.get("JINZHI_DEMO") == "1":
        typer.echo(f"  演示登录  {installation.url('/demo/')}（选一个身份，无需口令）")
        for username, who in people:
            typer.echo(f"            {username}  {who}")


@app.command(rich_help_panel=RUNNING)
def down() -> None:
    """停止由 up 启动的一切。"""
    from jinzhi.runtime import installation

    ended, stopped = installation.down()
    if not ended and not stopped:
        typer.echo("没有在运行。")
        return
    typer.secho(f"✓ 已停止（{ended} 个进程{'和数据库' if stopped else ''}）", fg="green")


@app.command(rich_help_panel=RUNNING)
def status(as_json: Json = False) -> None:
    """各部分的状态；不适合提供服务时退出码为 1。"""
    from jinzhi.runtime import installation, supervisor
    from jinzhi.runtime.postgres import Cluster

    running = supervisor.state()
    answer = {
        "supervisor": running.get("pid"),
        "processes": running.get("children", {}),
        "postgres": None if locations.external() else Cluster().pid(),
        "url": installation.url() if running else None,
        "health": installation.health(running.get("port", locations.PORT)) if running else {},
    }
    if as_json:
        _print(answer)
    else:
        for title, value in (
            ("看护进程", answer["supervisor"] or "未运行"),
            *((f"  {name}", pid) for name, pid in answer["processes"].items()),
            ("数据库", "外部" if locations.external() else answer["postgres"] or "未运行"),
            ("状态", answer["health"].get("status", "没有应答")),
        ):
            typer.echo(f"{title}：{value}")
    if answer["health"].get("status") != "ok":
        raise typer.Exit(1)


@app.command(rich_help_panel=RUNNING)
def doctor(as_json: Json = False) -> None:
    """检查安装：哪里不对、怎么办；有错误时退出码为 1。"""
    from jinzhi.runtime import doctor as surgery

    _django()
    findings = surgery.examine()
    if as_json:
        _print([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            typer.secho(str(finding), fg=surgery.COLOURS[finding.level])
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


@app.command(rich_help_panel=RUNNING)
def reset(yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False) -> None:
    """停止并清空 var/：数据库、附件、日志全部删除。"""
    from jinzhi.runtime import installation

    if not yes:
        typer.confirm(f"将删除 {locations.VAR} 下的全部数据，不能恢复。继续？", abort=True)
    installation.wipe()
    if locations.external():
        typer.echo("外部数据库没有改动；需要时请由数据库管理员处理。")
    typer.secho("✓ 已清空", fg="green")


@app.command(hidden=True)
def worker() -> None:
    """The background worker in the foreground (the supervisor runs it)."""
    from jinzhi.runtime import worker as background

    _django()
    background.run()


app.add_typer(province_commands.app, name="province", rich_help_panel=RUNNING)


# -- data

app.add_typer(backup_commands.app, name="backup", rich_help_panel=DATA)
app.command(rich_help_panel=DATA)(backup_commands.restore)


@app.command(rich_help_panel=DATA)
def migrate() -> None:
    """升级数据表到本版本。"""
    from jinzhi.runtime import stages

    _django()
    stages.provide_database()
    count = stages.migrate(verbosity=1)
    typer.echo(f"✓ {count} 项" if count else "✓ 已是最新")


@app.command(rich_help_panel=DATA)
def load(demo: Annotated[bool, typer.Option("--demo", help="同时装载演示数据。")] = False) -> None:
    """装载省份数据包、发布流程（可重复执行）。"""
    from jinzhi.runtime import stages

    if demo:
        os.environ["JINZHI_DEMO"] = "1"
    _django()
    from jinzhi.casework.publishing import NotPublishable

    try:
        for title in stages.load():
            typer.echo(f"  ✓ {title}")
    except NotPublishable as fault:
        raise Trouble(str(fault), "流程一经发布不能改动：恢复原文件，或者另立新版本。") from None
    if stages.is_demonstration():
        stages.load_demonstration()
        typer.echo("  ✓ demo")


@app.command(rich_help_panel=DATA)
def postgres(
    action: Annotated[
        str, typer.Argument(help="start、stop、status，或 recreate（清空数据库 jinzhi）。")
    ] = "status",
) -> None:
    """只管内置的 PostgreSQL。"""
    from jinzhi.runtime.postgres import Cluster
    from jinzhi.runtime.provision import provision

    cluster = Cluster()
    if action == "start":
        cluster.start()
        provision(cluster)
    elif action == "stop":
        cluster.stop()
    elif action == "recreate":
        cluster.start()
        with cluster.connect() as connection:
            connection.execute("DROP DATABASE IF EXISTS jinzhi WITH (FORCE)")
        provision(cluster)
    elif action != "status":
        raise Trouble(f"不认识的动作：{action}", "start、stop、status 或 recreate")
    pid = cluster.pid()
    typer.echo(f"PostgreSQL {'运行中，进程 ' + str(pid) if pid else '未运行'} · {cluster.sockets}")


@app.command(rich_help_panel=DATA)
def provision() -> None:
    """打印外部数据库的准备语句，由其管理员以超级用户执行。"""
    from jinzhi.runtime.provision import database_statements, role_statements

    name = locations.database()["NAME"]
    typer.echo(";\n".join(role_statements()) + ";")
    typer.echo(f'CREATE DATABASE "{name}" OWNER {locations.OWNER_ROLE};\n\\connect "{name}"')
    typer.echo(";\n".join(database_statements(name)) + ";")


@app.command(rich_help_panel=DATA, context_settings=PASS_THROUGH)
def psql(context: typer.Context) -> None:
    """以运行角色打开 psql；加 --owner 则以表的所有者。"""
    from jinzhi.runtime.postgres import binaries

    arguments = [a for a in context.args if a != "--owner"]
    config = locations.database(as_owner="--owner" in context.args)
    target = {"PGHOST": config.get("HOST"), "PGPORT": config.get("PORT"), "PGUSER": config.get("USER")}
    target |= {"PGDATABASE": config["NAME"], "PGPASSWORD": config.get("PASSWORD")}
    environment = os.environ | {key: str(value) for key, value in target.items() if value}
    program = "psql" if locations.external() else str(binaries() / "psql")
    raise typer.Exit(subprocess.run([program, *arguments], env=environment).returncode)  # noqa: S603


# -- development


@app.command(rich_help_panel=BUILDING)
def check() -> None:
    """检查规则、表单、流程等声明；有问题时退出码为 1。"""
    from django.core.management import call_command

    from jinzhi.runtime import discovery

    _django()
    call_command("check", fail_level="WARNING")
    problems = [f"{room}: {line}" for room, module in discovery.declared("checks") for line in module.check()]
    for problem in problems:
        typer.secho(f"✗ {problem}", fg="red", err=True)
    if problems:
        raise typer.Exit(1)
    typer.secho("✓ 规则、表单、流程无问题", fg="green")


@app.command(rich_help_panel=BUILDING)
def static() -> None:
    """整理并压缩静态文件（有改动时）。"""
    from jinzhi.runtime import stages

    _django()
    typer.echo("✓ 已整理" if stages.collect_static() else "✓ 没有改动")


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def makemigrations(context: typer.Context) -> None:
    """为改动的模型生成升级脚本（Django 的选项均可用，不需要数据库）。"""
    os.environ["JINZHI_DB_NAME"] = "none"
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    _manage(context, "makemigrations")


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def manage(context: typer.Context) -> None:
    """以表的所有者执行任一 Django 命令。"""
    os.environ["JINZHI_DB_AS"] = "owner"
    _manage(context)


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def shell(context: typer.Context) -> None:
    """Python 交互环境（系统视角、运行角色）。"""
    from jinzhi.runtime import discovery

    _django()
    with discovery.system_scope():
        _manage(context, "shell")


# -- the rooms' own


def _own_command(arguments: list[str]) -> bool:
    """Whether `arguments` name a command of this file: then the rooms need not be imported."""
    named = next((a for a in arguments if not a.startswith("-")), None)
    groups = {group.name for group in app.registered_groups}
    return named in groups | {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}


def _add_rooms() -> None:
    from jinzhi.runtime import discovery

    _django()
    taken: dict[str, str] = {}
    for room, module in discovery.declared("commands"):
        if module.NAME in taken:
            raise RuntimeError(f"{room} and {taken[module.NAME]} both declare `jinzhi {module.NAME}`")
        for name, commands in {module.NAME: module.app, **getattr(module, "ALSO", {})}.items():
            taken[name] = room
            app.add_typer(commands, name=name, rich_help_panel=ROOMS)


def _run_rooms() -> None:
    from django.db import OperationalError, ProgrammingError
    from psycopg.errors import UndefinedTable

    from jinzhi.runtime import discovery

    try:
        with discovery.system_scope():
            app()
    except OperationalError as error:
        raise Trouble(f"数据库没有应答：{str(error).splitlines()[0]}", "先执行 jinzhi up。") from error
    except ProgrammingError as error:
        if isinstance(error.__cause__, UndefinedTable):
            raise Trouble("数据库中还没有本系统的表。", "先执行 jinzhi up。") from error
        raise


def main() -> None:
    """Entry point: own commands first, then those of the rooms, which run in system scope."""
    try:
        if _own_command(sys.argv[1:]):
            app()
        else:
            _add_rooms()
            _run_rooms()
    except Trouble as trouble:
        typer.secho(f"✗ {trouble}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
