"""Checked messages become rows: one statement a dataset, the highest version of a record wins."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import count
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db import models as django_models

from jinzhi.foundation.exchange import capture, declared
from jinzhi.foundation.exchange.border import Message, Sender
from jinzhi.foundation.exchange.declared import BASE, Dataset

_GONE = "SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::integer[], %(owners)s::text[]) AS r(id, version, owner)"


def apply(messages: list[Message], sender: Sender, *, recover: bool = False) -> tuple[int, int]:
    """Apply messages that passed the border: (rows written, messages that brought nothing new).

    A message that cannot be applied gets its `code` and `reason` set. `recover` lets this node take back records of
    its own that a peer kept while it lost them.
    """
    by_dataset: dict[str, dict[str, Message]] = {}
    ignored = 0
    for message in messages:
        newest = by_dataset.setdefault(message.dataset, {})
        held = newest.get(str(message.record))
        if held is not None:
            ignored += 1
            message.vouched = held.vouched or held.op == "u"
        if held is None or (message.version or 0) >= (held.version or 0):
            newest[str(message.record)] = message
    written = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jinzhi.applying', %s, true)", [sender.node])
        try:
            for key, dataset in declared.all().items():  # those that others refer to first
                if key in by_dataset:
                    lot = list(by_dataset[key].values())
                    done = _apply_set(dataset, lot, sender, recover)
                    written += done
                    ignored += sum(not m.code for m in lot) - done
        finally:
            if not connection.needs_rollback:
                cursor.execute("SELECT set_config('jinzhi.applying', '', true)")
    return written, ignored


def _apply_set(dataset: Dataset, lot: list[Message], sender: Sender, recover: bool) -> int:
    _refuse_by_state(dataset, lot, sender, recover)
    changes = [m for m in lot if not m.code and m.op != "d"]
    gone = [m for m in lot if not m.code and m.op == "d"]
    return _write(dataset, changes, sender) + _delete(dataset, gone)


def _refuse_by_state(dataset: Dataset, lot: list[Message], sender: Sender, recover: bool) -> None:
    """Set refusals that depend on what is here: who owns the row now, what it refers to, whether it was deleted."""
    table = dataset.table if dataset.in_table else capture.DOCUMENTS
    with connection.cursor() as cursor:
        cursor.execute("SELECT node FROM exchange_self")
        (me,) = cursor.fetchone() or ("",)
        ids = [m.record for m in lot]
        cursor.execute(f"SELECT id, owner_node, version FROM {table} WHERE id = ANY(%s)", [ids])
        here = {str(key): (owner, version) for key, owner, version in cursor.fetchall()}
        cursor.execute(
            "SELECT record, version FROM exchange_tombstone WHERE dataset = %s AND record = ANY(%s)",
            [dataset.key, ids],
        )
        dead = {str(key): version for key, version in cursor.fetchall()}
    for m in lot:
        owner, version = here.get(str(m.record), (None, 0))
        if str(m.record) in dead and (m.version or 0) <= dead[str(m.record)]:
            m.version = 0  # deleted since: nothing new
        elif sender.kind != "hub" and m.op == "t" and owner is None and not m.vouched:
            m.refuse("E08", "移交的记录尚未收到")
        elif (
            sender.kind != "hub" and owner is not None and owner != sender.node and (m.version or 0) > version
        ):
            m.refuse("E09", f"记录归 {owner}，{sender.node} 不能改动")
        elif (
            sender.kind == "hub"
            and owner == me
            and m.op != "t"
            and not recover
            and (m.version or 0) > version
        ):
            m.refuse("E08", f"本节点的记录，省级持有更新的第 {m.version} 版：请对账修复")
    for column, parent_key in dataset.references.items():
        _refuse_orphans(dataset, column, declared.get(parent_key), lot)


def _refuse_orphans(dataset: Dataset, column: str, parent: Dataset, lot: list[Message]) -> None:
    wanted = {str(m.body[column]) for m in lot if not m.code and m.op != "d" and m.body.get(column)}
    if not wanted or not parent.in_table or not dataset.in_table:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {parent.table} WHERE id = ANY(%s)", [list(wanted)])
        found = {str(key) for (key,) in cursor.fetchall()}
    if parent.key == dataset.key:
        found |= {str(m.record) for m in lot}
    for m in lot:
        value = m.body.get(column)
        if value and not m.code and m.op != "d" and str(value) not in found:
            m.refuse("E07", f"所属的{parent.title}尚未收到")
            m.waits_for = str(value)


def _write(dataset: Dataset, changes: list[Message], sender: Sender) -> int:
    changes = [m for m in changes if m.version]
    if not changes:
        return 0
    try:
        with transaction.atomic():
            written = _upsert(dataset, changes, sender)
            if dataset.applied and changes:
                dataset.applied([m.body for m in changes])
        return written
    except (IntegrityError, DataError, ValueError, LookupError) as error:
        if len(changes) == 1:
            changes[0].refuse(*_reason(dataset, error))
            return 0
        half = len(changes) // 2  # one bad row does not hold up the others
        return _write(dataset, changes[:half], sender) + _write(dataset, changes[half:], sender)


def _reason(dataset: Dataset, error: Exception) -> tuple[str, str]:
    cause = error.__cause__
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", "") or ""
    if isinstance(error, IntegrityError):
        state = getattr(cause, "sqlstate", "")
        if state == "23505":
            return "E06", f"与已有的另一条{dataset.title}重复（{constraint}）"
        if state == "23503":
            return "E07", f"引用的记录不在本节点（{constraint}）"
        return "E03", f"不合{dataset.title}的约束（{constraint}）"
    return "E03", f"不能写入{dataset.title}：{str(error).splitlines()[0][:120]}"


def _upsert(dataset: Dataset, changes: list[Message], sender: Sender) -> int:
    with connection.cursor() as cursor:
        if dataset.in_table:
            cursor.execute(_table_statement(dataset.key), [_stage_rows(cursor, dataset, changes)])
        else:
            lot = _stage_documents(cursor, dataset, changes)
            cursor.execute(_DOCUMENTS_STATEMENT, [dataset.key, sender.node, dataset.schema, lot])
        return cursor.rowcount


_lots = count(1)
_DOCUMENTS_STAGE = "exchange_stage"


def _stage(cursor, table: str, columns: str, rows: Iterable[tuple]) -> int:
    """Copy a lot into this connection's staging table; answers the lot's number there.

    It costs half of what the database needs to read the same out of JSON. The rows go at the end of the transaction.
    """
    cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{table}"])
    if cursor.fetchone()[0] is None:
        cursor.execute(
            f"CREATE TEMP TABLE {table} (lot bigint, id uuid, version integer, place bigint, owner text, {columns})"
            " ON COMMIT DELETE ROWS"
        )
    lot = next(_lots)
    with connection.wrap_database_errors, cursor.copy(f"COPY pg_temp.{table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row((lot, *row))
    return lot


def _stage_rows(cursor, dataset: Dataset, changes: list[Message]) -> int:
    table, types, structured, loose = _staging(dataset.key)
    names = tuple(types)

    def rows() -> Iterator[tuple]:
        for m in changes:
            values = [m.body.get(name) for name in names]
            for n in structured:
                values[n] = None if values[n] is None else json.dumps(values[n], ensure_ascii=False)
            for n in loose:
                values[n] = str(values[n]) if isinstance(values[n], (dict, list)) else values[n]
            yield (m.record, m.version, m.place, m.owner, *values)

    return _stage(cursor, table, ", ".join(f'"{name}" {kind}' for name, kind in types.items()), rows())


def _stage_documents(cursor, dataset: Dataset, changes: list[Message]) -> int:
    """Documents keep their items only: what a newer schema of the sender added is left out."""

    def rows() -> Iterator[tuple]:
        for m in changes:
            key = "/".join(_words(m.body.get(name)) for name in dataset.key_fields) or str(m.record)
            body = {name: value for name, value in m.body.items() if name in dataset.known}
            yield (m.record, m.version, m.place, m.owner, key[:200], json.dumps(body, ensure_ascii=False))

    return _stage(cursor, _DOCUMENTS_STAGE, "key text, body jsonb", rows())


def _words(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


@cache
def _staging(key: str) -> tuple[str, dict[str, str], list[int], list[int]]:
    """(staging table, types of its columns, positions of those that hold JSON, of those that the border let through)."""
    dataset = declared.get(key)
    every = _types(dataset)
    types = {column: every[column] for column in dataset.columns}
    structured = [n for n, column in enumerate(types) if types[column].startswith("json")]
    loose = [n for n, column in enumerate(types) if column in dataset.carried and n not in structured]
    return f"{_DOCUMENTS_STAGE}_{dataset.table}"[:63], types, structured, loose


def _types(dataset: Dataset) -> dict[str, str]:
    fields = capture.model_of(dataset)._meta.concrete_fields
    return {str(f.column): f.db_type(connection) or "text" for f in fields}


_DOCUMENTS_STATEMENT = f"""
INSERT INTO exchange_document AS t (id, place, owner_node, version, created_at, updated_at, dataset, key, source, schema, body)
SELECT i.id, i.place, i.owner, i.version, now(), now(), %s, i.key, %s, %s, i.body
FROM pg_temp.{_DOCUMENTS_STAGE} AS i WHERE i.lot = %s
ON CONFLICT (id) DO UPDATE SET place = excluded.place, owner_node = excluded.owner_node, version = excluded.version,
  updated_at = now(), key = excluded.key, source = excluded.source, schema = excluded.schema, body = excluded.body
WHERE t.version < excluded.version AND t.dataset = excluded.dataset"""


@cache
def _table_statement(key: str) -> str:
    dataset = declared.get(key)
    columns = [*dataset.columns]
    rest = {}
    for field in capture.model_of(dataset)._meta.concrete_fields:
        if field.column in columns or field.column in BASE:
            continue
        if isinstance(field, django_models.GeneratedField) or field.null:
            continue
        if field.db_default is not django_models.NOT_PROVIDED:
            continue
        rest[field.column] = _literal(field)
    listed = ", ".join(f'"{c}"' for c in columns)
    values = ", ".join(_value(dataset, c) for c in columns)
    extra = "".join(f', "{c}"' for c in rest)
    extra_values = "".join(f", {v}" for v in rest.values())
    sets = ", ".join(f'"{c}" = excluded."{c}"' for c in columns)
    update = f"""DO UPDATE SET place = excluded.place, owner_node = excluded.owner_node, version = excluded.version,
  updated_at = now(), {sets} WHERE t.version < excluded.version"""
    return f"""
INSERT INTO {dataset.table} AS t (id, place, owner_node, version, created_at, updated_at, {listed}{extra})
SELECT i.id, i.place, i.owner, i.version, now(), now(), {values}{extra_values}
FROM pg_temp.{_staging(key)[0]} AS i WHERE i.lot = %s
ON CONFLICT (id) {"DO NOTHING" if dataset.append_only else update}"""


def _value(dataset: Dataset, column: str) -> str:
    """A missing item of an older schema becomes the column's default, not NULL."""
    field = next(f for f in capture.model_of(dataset)._meta.concrete_fields if f.column == column)
    if field.null:
        return f'i."{column}"'
    return f'coalesce(i."{column}", {_literal(field)})'


def _literal(field: django_models.Field) -> str:
    default = field.get_default() if field.has_default() else None
    if field.db_default is not django_models.NOT_PROVIDED and default is None:
        default = getattr(field.db_default, "value", field.db_default)
    if default is None or not isinstance(default, (str, bool, int, float, dict, list)):
        default = "" if isinstance(field, (django_models.CharField, django_models.TextField)) else default
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, (int, float)):
        return str(default)
    if isinstance(default, (dict, list)):
        return "'" + json.dumps(default).replace("'", "''") + "'::jsonb"
    if isinstance(default, str):
        return "'" + default.replace("'", "''") + "'"
    return "NULL"


def _delete(dataset: Dataset, gone: Iterable[Message]) -> int:
    """Rows that their owner deleted; the tombstone keeps a late older version from coming back."""
    gone = [m for m in gone if m.version]
    if not gone:
        return 0
    table = dataset.table if dataset.in_table else capture.DOCUMENTS
    parameters: dict[str, Any] = {
        "dataset": dataset.key, "ids": [m.record for m in gone], "versions": [m.version for m in gone],
        "owners": [m.owner for m in gone],
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} AS t USING ({_GONE}) AS i WHERE t.id = i.id AND t.version < i.version",
                parameters,
            )
            count = cursor.rowcount
            cursor.execute(
                f"INSERT INTO exchange_tombstone (dataset, record, version, owner_node)"
                f" SELECT %(dataset)s, i.id, i.version, i.owner FROM ({_GONE}) AS i"
                " ON CONFLICT (dataset, record) DO UPDATE SET version = greatest(exchange_tombstone.version,"
                " excluded.version), at = now()",
                parameters,
            )
        return count
    except DatabaseError as error:
        if len(gone) == 1:
            gone[0].refuse("E07", f"不能删除{dataset.title}：{str(error).splitlines()[0][:120]}")
            return 0
        return sum(_delete(dataset, [m]) for m in gone)
