"""Roles, database, extensions and default privileges: what a superuser prepares before migrations.

Idempotent. On a server of the operator's own its administrator runs the same statements, which
`jinzhi provision` prints.
"""

from contextlib import suppress

import psycopg
from psycopg import sql

from jinzhi.runtime.locations import APP_ROLE, FACES, OWNER_ROLE
from jinzhi.runtime.postgres import Cluster

EXTENSIONS = ("pg_trgm", "btree_gist")
# Under row-level security an index is used only for operators that cannot leak a row they refuse:
# LIKE and @@ raise no errors that show their arguments, so they are marked. See docs/decisions.
LEAKPROOF = ("pg_catalog.textlike(text, text)", "pg_catalog.ts_match_vq(tsvector, tsquery)")


def role_statements() -> list[str]:
    """Roles are common to all databases of a server."""
    faces = ", ".join(FACES)
    create = [
        f"DO $$ BEGIN CREATE ROLE {name} {options}; EXCEPTION WHEN duplicate_object THEN NULL;"
        " WHEN unique_violation THEN NULL; END $$"
        for name, options in (
            (OWNER_ROLE, "LOGIN"),
            (APP_ROLE, "LOGIN NOINHERIT"),
            *((face, "NOLOGIN") for face in FACES),
        )
    ]
    return [
        *create,
        f"ALTER ROLE {APP_ROLE} NOINHERIT NOBYPASSRLS NOSUPERUSER",
        f"GRANT {faces} TO {APP_ROLE}",  # membership lets it SET ROLE; NOINHERIT gives it nothing before
    ]


def database_statements(name: str) -> list[str]:
    """Run inside database `name` as superuser."""
    readers = ", ".join((APP_ROLE, *FACES))
    grant = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER_ROLE} IN SCHEMA public GRANT"
    return [
        f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC',
        f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}',
        # imports are staged in temporary tables, by commands and by officials
        f'GRANT TEMPORARY ON DATABASE "{name}" TO {APP_ROLE}, jinzhi_system, jinzhi_staff',
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE}",
        f"GRANT USAGE ON SCHEMA public TO {readers}",
        f"{grant} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {readers}",
        f"{grant} USAGE, SELECT ON SEQUENCES TO {readers}",
        f"{grant} EXECUTE ON FUNCTIONS TO {readers}",
        f"{grant} USAGE ON TYPES TO {readers}",
        *(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public" for extension in EXTENSIONS),
        *(f"ALTER FUNCTION {function} LEAKPROOF" for function in LEAKPROOF),
    ]


def provision(cluster: Cluster, name: str = "jinzhi") -> None:
    """Bring roles and database `name` of an embedded server to what the software needs."""
    with cluster.connect() as connection:
        for statement in role_statements():
            connection.execute(statement)
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not known:
            create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
            # Somebody else may be faster.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(create.format(sql.Identifier(name), sql.Identifier(OWNER_ROLE)))
    with cluster.connect(name) as connection:
        for statement in database_statements(name):
            connection.execute(statement)


def missing(connection: psycopg.Connection) -> list[str]:
    """What a database lacks, in words for `jinzhi doctor`; works for any role."""
    problems = []
    roles = {
        row[0] for row in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'jinzhi%'")
    }
    if absent := [r for r in (OWNER_ROLE, APP_ROLE, *FACES) if r not in roles]:
        problems.append(f"缺少数据库角色：{'、'.join(absent)}")
    extensions = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
    if absent := [e for e in EXTENSIONS if e not in extensions]:
        problems.append(f"缺少扩展：{'、'.join(absent)}")
    for function in LEAKPROOF:
        row = connection.execute(
            "SELECT proleakproof FROM pg_proc WHERE oid = %s::regprocedure", [function]
        ).fetchone()
        if not row or not row[0]:
            problems.append(f"函数 {function} 未标记 LEAKPROOF，按名称检索在行级权限下会很慢")
    return problems
