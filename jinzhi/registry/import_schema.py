# ruff: noqa: S608  no value of a user enters these statements
"""What imports need in the database: the owner's leave to load an empty register without its indexes."""

from django.db import migrations

# The runtime role owns no table. Only an empty register may lose its indexes, and only within the transaction
# that fills it: the statements that make them again are kept in a temporary table and run by the second function.
_KEPT = "pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
FUNCTIONS = migrations.RunSQL(
    (
        f"""CREATE FUNCTION registry_lay_down_indexes() RETURNS SETOF text
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE kept record; BEGIN
            LOCK TABLE registry_enterprise IN ACCESS EXCLUSIVE MODE;
            IF EXISTS (SELECT 1 FROM registry_enterprise) THEN RETURN; END IF;
            FOR kept IN SELECT c.relname, pg_get_indexdef(i.indexrelid) AS made FROM {_KEPT}
                WHERE i.indrelid = 'registry_enterprise'::regclass AND NOT i.indisprimary
                AND NOT EXISTS (SELECT 1 FROM pg_constraint AS n WHERE n.conindid = i.indexrelid)
                ORDER BY c.relname
            LOOP
                EXECUTE format('DROP INDEX %I', kept.relname);
                RETURN NEXT kept.made;
            END LOOP;
        END $$""",
        """CREATE FUNCTION registry_make_index(made text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
            IF made !~ '^CREATE (UNIQUE )?INDEX [a-z_]+ ON public\\.registry_enterprise USING [^;]+$' THEN
                RAISE EXCEPTION 'not an index of the register';
            END IF;
            EXECUTE made;
        END $$""",
        "REVOKE ALL ON FUNCTION registry_lay_down_indexes(), registry_make_index(text) FROM PUBLIC, jinzhi_app,"
        " jinzhi_staff, jinzhi_enterprise, jinzhi_public",
        "GRANT EXECUTE ON FUNCTION registry_lay_down_indexes(), registry_make_index(text) TO jinzhi_system",
    ),
    "DROP FUNCTION IF EXISTS registry_lay_down_indexes(), registry_make_index(text)",
)
