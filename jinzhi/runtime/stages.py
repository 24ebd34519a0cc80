"""The steps between an empty machine and a database ready to serve; each is quick when nothing is to do."""

from collections.abc import Iterator

from jinzhi.runtime import discovery, locations
from jinzhi.runtime.postgres import Cluster
from jinzhi.runtime.provision import provision


def provide_database() -> bool:
    """Start the embedded server and prepare roles and database; true when it was started here."""
    if locations.external():
        return False
    cluster = Cluster()
    started = cluster.start()
    provision(cluster, locations.database()["NAME"])
    return started


def pending_migrations() -> int:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate(verbosity: int = 1) -> int:
    """Apply what is pending (signed in as the owner); answers how many there were."""
    from django.core.management import call_command

    if count := pending_migrations():
        call_command("migrate", interactive=False, verbosity=verbosity)
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
