"""SQL that the migration runs: generated search columns and who may see which column.

A name is searched in its plain form (half width, lower case, letters and figures only) by pairs of
characters: 「西湖龙井」 gives 西湖 湖龙 龙井 井. The last character stands alone, so that one character
finds it too, as the beginning of a pair. Beside them stand its pinyin initials in threes (~xhl ~hlj ~lj ~j), its
beginnings (^西 ^西湖), and its county and city (@330106 @3301): a county's official who looks for a word that is
common in the province meets only his own.
"""

import re

from jinzhi.foundation.places import rls

_LETTERS = (
    r"0-9a-z\u00df-\u024f\u0370-\u1fff\u3005-\u3007\u3041-\u30ff"
    r"\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)

PLAIN = re.compile(f"[^{_LETTERS}]+")  # what the plain form leaves out

FUNCTIONS = [
    rf"""CREATE FUNCTION registry_plain(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN regexp_replace(lower(normalize(name, NFKC) COLLATE "C"), '[^{_LETTERS}]+', '', 'g')""",
    # Loops, not queries over generate_series: a query inside a function is started anew for every row, which made
    # loading a register nine times slower than reading it.
    """CREATE FUNCTION registry_grams(name text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    DECLARE
        plain text := registry_plain(name);
        found text[] := '{}';
    BEGIN
        FOR i IN 1 .. length(plain) LOOP found := found || substr(plain, i, 2); END LOOP;
        RETURN array_to_tsvector(found);
    END $$""",
    """CREATE FUNCTION registry_lexemes(name text, initials text, place bigint) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    DECLARE
        plain text := registry_plain(name);
        found text[] := ARRAY['^' || left(plain, 1), '^' || left(plain, 2), '@' || place / 1000000,
            '@' || place / 100000000];
    BEGIN
        FOR i IN 1 .. length(plain) LOOP found := found || substr(plain, i, 2); END LOOP;
        FOR i IN 1 .. length(initials) LOOP found := found || ('~' || substr(initials, i, 3)); END LOOP;
        RETURN array_to_tsvector(found);
    END $$""",
    """CREATE FUNCTION registry_gram_query(wanted text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (SELECT CASE WHEN length(p) = 1 THEN (quote_literal(p) || ':*')::tsquery
                   ELSE (SELECT string_agg(DISTINCT quote_literal(substr(p, i, 2)), ' & ')::tsquery
                         FROM generate_series(1, length(p) - 1) AS i) END
            FROM (SELECT registry_plain(wanted) AS p) AS plain WHERE p <> '')""",
    r"""CREATE FUNCTION registry_number_key(number text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN regexp_replace(upper(normalize(number, NFKC) COLLATE "C"),
                          '[\s_.\u002d\u00b7\u2010-\u2015]+', '', 'g')""",
]
DROP_FUNCTIONS = [
    "DROP FUNCTION IF EXISTS registry_gram_query(text)",
    "DROP FUNCTION IF EXISTS registry_lexemes(text, text, bigint)",
    "DROP FUNCTION IF EXISTS registry_grams(text)",
    "DROP FUNCTION IF EXISTS registry_plain(text)",
    "DROP FUNCTION IF EXISTS registry_number_key(text)",
]

COLUMNS = [
    """ALTER TABLE registry_enterprise
    ADD COLUMN name_plain text GENERATED ALWAYS AS (registry_plain(name)) STORED,
    ADD COLUMN name_grams tsvector GENERATED ALWAYS AS (registry_lexemes(name, initials, place)) STORED""",
    "CREATE INDEX enterprise_name_plain ON registry_enterprise (name_plain text_pattern_ops)",
    "CREATE INDEX enterprise_name_grams ON registry_enterprise USING gin (name_grams)",
    # Common pairs (公司, 有限) must be known as common, or a search for them builds a bitmap of the table.
    "ALTER TABLE registry_enterprise ALTER COLUMN name_grams SET STATISTICS 500",
    # Former names and names others state, among facts of all kinds.
    """ALTER TABLE registry_fact
    ADD COLUMN name_plain text GENERATED ALWAYS AS (CASE WHEN field = 'name' THEN registry_plain(value) END) STORED,
    ADD COLUMN name_grams tsvector
        GENERATED ALWAYS AS (CASE WHEN field = 'name' THEN registry_grams(value) END) STORED""",
    "CREATE INDEX fact_name_grams ON registry_fact USING gin (name_grams) WHERE field = 'name'",
    """ALTER TABLE registry_certificate
    ADD COLUMN number_key text GENERATED ALWAYS AS (registry_number_key(number)) STORED""",
    "CREATE UNIQUE INDEX certificate_number_key ON registry_certificate (number_key text_pattern_ops)",
]
DROP_COLUMNS = [
    "ALTER TABLE registry_certificate DROP COLUMN number_key",
    "ALTER TABLE registry_fact DROP COLUMN name_grams, DROP COLUMN name_plain",
    "ALTER TABLE registry_enterprise DROP COLUMN name_grams, DROP COLUMN name_plain",
]

PUBLIC_ENTERPRISE = (
    "id", "place", "name", "name_plain", "name_grams", "uscc", "org_code", "kind", "legal_representative",
    "address", "premises_address", "industry", "economic_type", "scale", "registered_capital_cents", "founded_on",
    "status", "source", "source_on", "received_on", "initials", "merged_into_id", "is_demo", "updated_at",
)  # fmt: skip
PUBLIC_IDENTIFIER = ("id", "enterprise_id", "scheme", "value", "valid_from", "valid_to", "source")
PUBLIC_CERTIFICATE = (
    "id", "place", "number", "number_key", "kind", "holder_id", "holder_name", "holder_code", "status",
    "status_since", "valid_from", "valid_to", "issued_on", "agency_key", "agency_name",
    "legal_representative", "address", "premises", "source", "face_version", "is_demo", "updated_at",
)  # fmt: skip
PUBLIC_ITEM = (
    "id", "certificate_id", "order", "category_code", "category", "detail_code", "detail", "varieties",
)  # fmt: skip
PUBLIC_CHANGE = (
    "id", "certificate_id", "act", "old_status", "new_status", "effective_on", "ground", "document_number",
    "agency_name",
)  # fmt: skip


def _quoted(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'"{c}"' for c in columns)


_HELD = f"certificate_id IN (SELECT id FROM registry_certificate WHERE holder_id = {rls.ENTERPRISE})"  # noqa: S608


def _open(table: str, columns: tuple[str, ...], enterprise: str):
    """Anybody reads `columns`; the enterprise itself reads its rows whole; only officials write."""
    return rls.scoped(
        table,
        enterprise=enterprise,
        enterprise_writes=False,
        public="true",
        public_columns=_quoted(columns),
    )


POLICIES = [
    _open("registry_enterprise", PUBLIC_ENTERPRISE, f"id = {rls.ENTERPRISE}"),
    _open("registry_identifier", PUBLIC_IDENTIFIER, f"enterprise_id = {rls.ENTERPRISE}"),
    _open("registry_certificate", PUBLIC_CERTIFICATE, f"holder_id = {rls.ENTERPRISE}"),
    _open("registry_certificateitem", PUBLIC_ITEM, _HELD),
    _open("registry_certificatechange", PUBLIC_CHANGE, _HELD),
    rls.scoped("registry_enterprisecontact", enterprise=f"enterprise_id = {rls.ENTERPRISE}"),
    rls.scoped("registry_importbatch"),
    rls.scoped("registry_importrow"),
    rls.scoped("registry_importchange"),
    rls.scoped("registry_importprofile"),
    rls.append_only("registry_certificatechange"),
]
