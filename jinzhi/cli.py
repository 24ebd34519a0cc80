"""`jinzhi …`: the operator's commands. The rooms add their own by a commands.py (see runtime.discovery)."""

import os
import sys
import warnings
from typing import Annotated

import typer

from jinzhi.runtime.trouble import Trouble

app = typer.Typer(
    name="jinzhi",
    help="金质 Jinzhi：省级质量监督管理系统的运行命令。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUNNING, DATA, BUILDING = "运行", "数据", "开发"
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def _django(as_owner: bool = False) -> None:
    """Set Django up, signing in to the database as its owner or as the runtime role."""
    import django

    if as_owner:
        os.environ["JINZHI_DB_AS"] = "owner"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jinzhi.settings")
    django.setup()


def _manage(context: typer.Context, *command: str, as_owner: bool = False) -> None:
    from django.core.management import execute_from_command_line

    _django(as_owner)
    execute_from_command_line(["jinzhi", *command, *context.args])


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def makemigrations(context: typer.Context) -> None:
    """Write migrations for changed models (Django's own options apply); needs no database."""
    os.environ["JINZHI_DB_NAME"] = "none"
    warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
    _manage(context, "makemigrations")


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def manage(context: typer.Context) -> None:
    """Any Django command, as the owner of the tables: `jinzhi manage showmigrations`."""
    _manage(context, as_owner=True)


@app.command(rich_help_panel=BUILDING, context_settings=PASS_THROUGH)
def shell(context: typer.Context) -> None:
    """A Python shell in system scope, signed in as the runtime role."""
    from jinzhi.runtime import discovery

    _django()
    with discovery.system_scope():
        _manage(context, "shell")


@app.command(rich_help_panel=DATA)
def postgres(
    action: Annotated[
        str, typer.Argument(help="start、stop、status，或 recreate（清空数据库）。")
    ] = "status",
) -> None:
    """The embedded PostgreSQL alone, with roles and database provided."""
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
    pid = cluster.pid()
    typer.echo(f"PostgreSQL {'运行中，进程 ' + str(pid) if pid else '未运行'} · {cluster.sockets}")


@app.command(rich_help_panel=DATA)
def migrate() -> None:
    """Bring the database's tables to this version."""
    from jinzhi.runtime import stages

    stages.provide_database()
    _django(as_owner=True)
    stages.migrate()


@app.command(rich_help_panel=DATA)
def load() -> None:
    """Load the province pack and publish procedures (safe to repeat)."""
    from jinzhi.runtime import stages

    _django()
    for title in stages.load():
        typer.echo(f"  ✓ {title}")


def main() -> None:
    """Entry point: own commands first, then those of the rooms."""
    try:
        app()
    except Trouble as trouble:
        typer.secho(f"✗ {trouble}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
