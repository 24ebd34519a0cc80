"""What writes the outbox: triggers on the tables of declared datasets, made from the declarations.

They run once a statement, in the writer's transaction and after its row locks, so whatever way a row was
written (a page, an import of a million rows, psql) its change is in the outbox with it and in the order of its
versions. They also refuse a change to a record that another node owns.
"""

import hashlib

from django.apps import apps
from django.db import connection, models

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import BASE, Dataset

DOCUMENTS = "exchange_document"
FOREIGN = "JZ001"  # SQLSTATE of a change to another node's record

_HEAD = """CREATE OR REPLACE FUNCTION {name}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $capture$
DECLARE me exchange_self; other text; origin text := coalesce(current_setting('jinzhi.applying', true), '');
BEGIN
  SELECT * INTO me FROM exchange_self;
  IF NOT FOUND OR NOT me.enabled THEN RETURN NULL; END IF;
"""

_REFUSE = """  IF origin = '' THEN
    SELECT owner_node INTO other FROM {rows} WHERE owner_node <> me.node LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'JZ001', MESSAGE = 'this record belongs to node ' || other,
        DETAIL = other, HINT = '{table}';
    END IF;
  END IF;
"""

# A row that no channel wants (but the one it came from) is not written down: a log of nothing.
_WANTED = """SELECT s.dataset FROM exchange_subscription AS s JOIN exchange_channel AS c ON c.name = s.channel
    WHERE NOT s.ended AND c.peer <> origin"""

_WRITE = (
    """  WITH made AS (
    INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)
    SELECT {dataset}, {schema}, n.id, n.place, n.owner_node, {version}, {op}, {body}
    FROM {source} WHERE {wanted} AND {dataset} IN ("""
    + _WANTED
    + """)
    RETURNING id, made_at, dataset, locality)
  INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality, origin) SELECT made.*, origin FROM made;
  RETURN NULL;
END $capture$"""
)


def body(dataset: Dataset, row: str = "n", make: str = "jsonb_build_object") -> str:
    """SQL for the body of a row of the dataset's table; as jsonb the same text at every node."""
    pairs = ", ".join(f"'{column}', {row}.{column}" for column in dataset.columns)
    return f"{make}({pairs})"


def sent(dataset: Dataset) -> str:
    """The body as the outbox keeps it: text that is sent as it is."""
    return body(dataset, make="json_build_object")


def _functions(table: str, dataset: str, schema: str, made: str, rows: str) -> list[str]:
    """Statements for one table: functions and triggers for insert, update and delete."""
    short = table.removeprefix("exchange_")
    statements = []
    common = {"table": table, "dataset": dataset, "schema": schema, "body": made}
    mine = f"(n.owner_node = me.node OR me.hub) AND ({rows})"
    kinds = {
        "insert": ("new_rows", "new_rows AS n", "n.version", "'u'", mine),
        "update": (
            "old_rows",
            "new_rows AS n JOIN old_rows AS o USING (id)",
            "n.version",
            "CASE WHEN o.owner_node <> n.owner_node THEN 't' ELSE 'u' END",
            f"(o.owner_node = me.node OR me.hub) AND ({rows}) AND n.version > o.version",
        ),
        "delete": ("old_rows", "old_rows AS n", "n.version + 1", "'d'", mine),
    }
    tables = {
        "insert": "NEW TABLE AS new_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
    }
    for kind, (refused, source, version, op, wanted) in kinds.items():
        name = f"exchange_{kind}_{short}"
        statements.append(
            _HEAD.format(name=name)
            + _REFUSE.format(rows=refused, table=table)
            + _WRITE.format(source=source, version=version, op=op, wanted=wanted, **common)
        )
        statements.append(f"DROP TRIGGER IF EXISTS exchange_{kind} ON {table}")
        statements.append(
            f"CREATE TRIGGER exchange_{kind} AFTER {kind.upper()} ON {table}"
            f" REFERENCING {tables[kind]} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    # A writer that forgot: a changed row always has a higher version than before.
    statements.append(f"DROP TRIGGER IF EXISTS exchange_grow ON {table}")
    statements.append(
        f"CREATE TRIGGER exchange_grow BEFORE UPDATE ON {table} FOR EACH ROW"
        f" WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION exchange_grow()"
    )
    return statements


def statements() -> dict[str, list[str]]:
    """SQL by dataset (and for the documents' table) that the owner of the tables runs."""
    found = {DOCUMENTS: _functions(DOCUMENTS, "n.dataset", "n.schema", "n.body", "true")}
    for key, dataset in declared.all().items():
        if dataset.table:
            _check(dataset)
            found[key] = _functions(
                dataset.table, f"'{key}'", str(dataset.schema), sent(dataset), dataset.rows
            )
    return found


def model_of(dataset: Dataset) -> type[models.Model]:
    for model in apps.get_models():
        if model._meta.db_table == dataset.table:
            return model
    raise RuntimeError(f"{dataset.key}: there is no table {dataset.table}")


def _check(dataset: Dataset) -> None:
    known = {field.column for field in model_of(dataset)._meta.concrete_fields}
    if missing := [c for c in (*dataset.columns, *BASE) if c not in known]:
        raise RuntimeError(f"{dataset.key}: {dataset.table} has no column {', '.join(missing)}")


def install() -> list[str]:
    """Bring the triggers to what is declared now; run as the owner of the tables. Answers what was changed."""
    changed = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('exchange_capture') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute("SELECT dataset, digest FROM exchange_capture")
        held = dict(cursor.fetchall())
        for key, lines in statements().items():
            digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
            if held.get(key) == digest:
                continue
            for line in lines:
                cursor.execute(line)
            cursor.execute(
                "INSERT INTO exchange_capture VALUES (%s, %s)"
                " ON CONFLICT (dataset) DO UPDATE SET digest = excluded.digest",
                [key, digest],
            )
            changed.append(key)
    return changed
