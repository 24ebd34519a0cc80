"""Row-level security for scoped tables, as migration operations.

Every scoped table carries `place` and is FORCEd, so not even its owner passes by silently. An unset scope
compares with NULL and shows nothing.
"""

from django.db import migrations

# Not wrapped in a sub-select: the planner then knows the range and tells a county (1 % of the rows) from
# the province (all of them). With sub-selects it takes both for 0.5 %, and a provincial search for a common
# word read a million rows by place (177 ms instead of 14). See docs/decisions/0011.
LO = "nullif(current_setting('jinzhi.lo', true), '')::bigint"
HI = "nullif(current_setting('jinzhi.hi', true), '')::bigint"
ENTERPRISE = "(SELECT nullif(current_setting('jinzhi.enterprise', true), '')::uuid)"


def scoped(
    table: str,
    *,
    staff: str = f"place BETWEEN {LO} AND {HI}",
    enterprise: str = "",
    public: str = "",
    public_columns: tuple[str, ...] = (),
    enterprise_writes: bool = True,
) -> migrations.RunSQL:
    """Protect `table`.

    `staff`: what an official sees and writes (default: rows of the places of the post's agency).
    `enterprise`: what a signed-in enterprise sees and writes, e.g. f"enterprise_id = {rls.ENTERPRISE}";
    with `enterprise_writes=False` it only reads (a certificate, its registration).
    `public`: what anybody reads; with `public_columns` only these columns.
    A face without an expression sees no row.
    """
    sql = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY system ON {table} TO jinzhi_system, jinzhi_owner USING (true) WITH CHECK (true)",
    ]
    undo = [f"DROP POLICY IF EXISTS {p} ON {table}" for p in ("system", "staff", "enterprise", "public_read")]
    undo += [
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]
    if staff:
        sql.append(f"CREATE POLICY staff ON {table} TO jinzhi_staff USING ({staff}) WITH CHECK ({staff})")
    if enterprise:
        command, check = ("", f" WITH CHECK ({enterprise})") if enterprise_writes else (" FOR SELECT", "")
        sql.append(
            f"CREATE POLICY enterprise ON {table}{command} TO jinzhi_enterprise USING ({enterprise}){check}"
        )
    if public:
        sql.append(f"CREATE POLICY public_read ON {table} FOR SELECT TO jinzhi_public USING ({public})")
    sql.append(f"REVOKE ALL ON {table} FROM jinzhi_public")
    if public:
        columns = f" ({', '.join(public_columns)})" if public_columns else ""
        sql.append(f"GRANT SELECT{columns} ON {table} TO jinzhi_public")
    return migrations.RunSQL(tuple(sql), tuple(undo))


def reference(table: str) -> migrations.RunSQL:
    """`table` holds no scoped rows; people's faces read it, commands and jobs (system) write it."""
    faces = "jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public"
    return migrations.RunSQL(
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {faces}",
        f"GRANT INSERT, UPDATE, DELETE ON {table} TO {faces}",
    )


def append_only(table: str) -> migrations.RunSQL:
    """Nobody but the owner may change or remove rows of `table` once written."""
    faces = "jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public, jinzhi_system"
    return migrations.RunSQL(
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {faces}",
        f"GRANT UPDATE, DELETE ON {table} TO {faces}",
    )
