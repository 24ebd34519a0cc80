"""The steps between an empty machine and an installation ready to serve; quick when nothing is to do."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from jinzhi.runtime import discovery, locations
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.provision import provision
from jinzhi.runtime.trouble import Trouble

Say = Callable[[str], None]


def provide_database() -> bool:
    """Start the embedded server and prepare roles and database; true when it was started here."""
    if locations.external():
        return False
    cluster = Cluster()
    started = cluster.start()
    provision(cluster, locations.database()["NAME"])
    return started


@contextmanager
def as_owner() -> Iterator[None]:
    """Sign in as the owner of the tables for a block: what migrations need and nothing else may."""
    from django.db import connection

    if locations.external() and not os.environ.get("DATABASE_OWNER_URL"):
        raise Trouble("使用外部数据库时，升级表结构需要表的所有者账号。", "设置 DATABASE_OWNER_URL。")
    former = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(locations.database(as_owner=True) | {"NAME": former["NAME"]})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(former)


def pending_migrations() -> int:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(verbosity: int = 0) -> int:
    """Apply what is pending; answers how many migrations there were."""
    from django.core.management import call_command

    from jinzhi.foundation.exchange import capture

    with as_owner():
        if count := pending_migrations():
            call_command("migrate", interactive=False, verbosity=verbosity)
        capture.install()  # declarations may have changed without a migration
    return count


def load() -> Iterator[str]:
    """Run each room's `bootstrap.bootstrap()` in order of its ORDER; demo data is a stage of its own."""
    hooks = [
        (getattr(module, "ORDER", 100), room, module)
        for room, module in discovery.declared("bootstrap")
        if room != "jinzhi.demo"
    ]
    with discovery.system_scope():
        for _, room, module in sorted(hooks, key=lambda hook: hook[:2]):
            module.bootstrap()
            yield room.removeprefix("jinzhi.")


def is_demonstration() -> bool:
    from django.conf import settings

    return settings.DEMO


def load_demonstration() -> None:
    """The demonstration province, unless it is there; then rooms that have a `demonstration` live with it."""
    demo = import_module("jinzhi.demo.bootstrap")
    with discovery.system_scope():
        if demo.loaded():
            return
        demo.bootstrap()
        for _, module in discovery.declared("demonstration"):
            module.demonstrate()


def demonstration_sign_ins(limit: int = 12) -> list[tuple[str, str]]:
    """User names of the demonstration with who they are."""
    from jinzhi.foundation.people.models import Account

    with discovery.system_scope():
        people = Account.objects.filter(is_demo=True, is_active=True).order_by("pk")[:limit]
        return [(p.username, str(p.posts.select_related("agency").first() or p.name)) for p in people]


def static_mark() -> str:
    from django.contrib.staticfiles import finders

    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            state = Path(storage.path(path)).stat()
            digest.update(f"{path}{state.st_mtime_ns}{state.st_size}".encode())
    return digest.hexdigest()


def collect_static() -> bool:
    """Gather and compress the static files when one of them changed."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT) / ".collected"
    mark = static_mark()
    if stamp.exists() and stamp.read_text() == mark:
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(mark)
    return True


def bring_up(say: Say) -> None:
    """All of them in order, telling what is being done."""
    say("外部数据库" if locations.external() else "启动数据库")
    provide_database()
    if count := migrate():
        say(f"升级数据表（{count} 项）")
    say(f"装载省份数据包（{os.environ.get('JINZHI_PROVINCE', 'zhejiang')}）")
    for _ in load():
        pass
    if is_demonstration():
        say("装载演示数据（首次约需一分钟）")
        load_demonstration()
    if collect_static():
        say("整理静态文件")
