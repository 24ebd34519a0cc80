# ruff: noqa: S608  statements are put together from names of this file; values are bound
"""Taking a batch back: what it entered goes, what it changed gets its former values again.

A row that was changed after the batch keeps its values, and what others refer to by now stays; both are told. The
former values come from what the batch noted when it replaced them.
"""

from dataclasses import asdict, dataclass, field
from uuid import UUID

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import history
from jinzhi.foundation.places import scope
from jinzhi.registry.importing.statements import CERTIFICATE_COLUMNS, ENTERPRISE_COLUMNS, ENTRY_COLUMNS
from jinzhi.registry.models import Certificate, Enterprise, ImportBatch

NAMED = 20  # reasons told one by one
_DATES = {"founded_on", "source_on", "received_on", "valid_from", "valid_to", "issued_on", "occurred_on"}
_ENTERPRISE = (
    *ENTERPRISE_COLUMNS.values(),
    "uscc",
    "org_code",
    "source",
    "source_on",
    "received_on",
    "initials",
)
_TABLES = {
    "enterprise": ("registry_enterprise", _ENTERPRISE),
    "certificate": ("registry_certificate", tuple(CERTIFICATE_COLUMNS.values())),
    "entry": ("registry_entry", (*ENTRY_COLUMNS, "published")),
}


# A row no one has changed since the batch entered it, or whose changes were all taken back.
_AS_ENTERED = """(t.version = 1 OR EXISTS (SELECT 1 FROM registry_importchange AS i WHERE i.batch_id = %(b)s
    AND i."table" = 'entered' AND i.record = t.id AND i.version = t.version))"""

_EARLIER = "coalesce(({0}.before->>'_from')::integer, {0}.version - 1)"  # the version a change was made to


class CannotUndo(ValueError):
    """The batch cannot be taken back; says why."""


@dataclass
class Undone:
    """What became of the batch: rows removed, rows restored, rows that had to stay (and why)."""

    batch: str
    removed: int = 0
    restored: int = 0
    kept: int = 0
    reasons: list[str] = field(default_factory=list)

    def as_dict(self) -> dict:
        return asdict(self)


def undo(key: object, *, actor=None, post=None) -> Undone:
    """Take a batch back; raises CannotUndo. All in one transaction."""
    try:
        wanted = UUID(str(key))
    except ValueError:
        raise CannotUndo(f"“{str(key)[:60]}”不是批次号。") from None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('registry.import'))")
        batch = ImportBatch.objects.select_for_update().filter(pk=wanted).first()
        if batch is None:
            raise CannotUndo(f"没有批次 {wanted}。")
        if batch.state == ImportBatch.State.UNDONE:
            raise CannotUndo("这一批已经撤销过了。")
        if batch.state != ImportBatch.State.DONE:
            raise CannotUndo(f"这一批的状态是“{batch.get_state_display()}”，没有写入，不需要撤销。")
        undone = Undone(str(wanted))
        with scope.acting(scope.SYSTEM):  # what refers to a row may lie in another place
            _Taking(undone).back()
        batch.state, batch.undone_at, batch.undone_by = "undone", timezone.now(), str(actor or "")[:60]
        batch.undone = {k: v for k, v in undone.as_dict().items() if k != "batch"}
        batch.save()
        history.append(
            "registry", "registry.import_undone", actor=actor, post=post, subject=f"import:{wanted}",
            data={"removed": undone.removed, "restored": undone.restored, "kept": undone.kept},
        )  # fmt: skip
    return undone


class _Taking:
    def __init__(self, undone: Undone):
        self.undone = undone
        self.cursor = connection.cursor()
        self.batch = undone.batch

    def back(self) -> None:
        for table in ("entry", "certificate", "enterprise"):
            self._tell_changed(table)
            self._restore(table)
        self._run(
            "DELETE FROM registry_identifier AS i USING registry_importchange AS h WHERE h.batch_id = %(b)s"
            " AND h.\"table\" = 'identifier' AND i.id = h.record"
        )
        self._remove_entries()
        self._remove_certificates()
        self._remove_enterprises()
        self._run("DELETE FROM registry_importchange WHERE batch_id = %(b)s")

    def _run(self, statement: str, **more) -> int:
        self.cursor.execute(statement, {"b": self.batch} | more)
        return self.cursor.rowcount

    def _keep(self, names: list[str], count: int, why: str) -> None:
        self.undone.kept += count
        room = NAMED - len(self.undone.reasons)
        self.undone.reasons += [f"{name}：{why}" for name in names[: max(room, 0)]]

    def _tell_changed(self, key: str) -> None:
        """Rows that a later import or an official changed keep what they have now."""
        table, _ = _TABLES[key]
        name = {"enterprise": "name", "certificate": "number", "entry": "title"}[key]
        self.cursor.execute(
            f"""SELECT t.{name}, (SELECT b.file_name || '（' || b.id || '）' FROM registry_importchange AS l
                JOIN registry_importbatch AS b ON b.id = l.batch_id WHERE l.record = t.id AND l.batch_id <> %(b)s
                AND l.version > h.version ORDER BY l.version LIMIT 1)
            FROM registry_importchange AS h JOIN {table} AS t ON t.id = h.record
            WHERE h.batch_id = %(b)s AND h."table" = %(key)s AND t.version <> h.version""",
            {"b": self.batch, "key": key},
        )
        for name_, later in self.cursor.fetchall():
            self._keep([name_], 1, f"以后又由{later}改过" if later else "以后又改过")

    def _restore(self, key: str) -> None:
        table, columns = _TABLES[key]
        if key == "enterprise":
            self._run(
                "UPDATE registry_fact SET removed_at = now()"
                " WHERE batch = %(b)s AND state = 'differs' AND removed_at IS NULL"
            )
        self.cursor.execute(
            'SELECT before FROM registry_importchange WHERE batch_id = %(b)s AND "table" = %(key)s LIMIT 1',
            {"b": self.batch, "key": key},
        )
        if not (found := self.cursor.fetchone()):
            return
        held = found[0]
        given = [
            c
            for c in columns
            if f'"{c}"' in (held if isinstance(held, str) else "") or (isinstance(held, dict) and c in held)
        ]
        sets = ", ".join(f"{c} = {_value(c)}" for c in given)
        ripe = f"""FROM registry_importchange AS h WHERE h.batch_id = %(b)s AND h."table" = '{key}'
            AND t.id = h.record AND t.version = h.version"""
        if key == "certificate":
            self._restore_items()
        count = self._run(
            f"UPDATE {table} AS t SET {sets}, version = t.version + 1, updated_at = now() {ripe}"
        )
        self.undone.restored += count
        self._tie_to_earlier(table, key)
        if key == "enterprise":
            self._run(
                """UPDATE registry_fact AS f SET removed_at = now() FROM registry_importchange AS h, registry_enterprise AS t
                WHERE h.batch_id = %(b)s AND h."table" = 'enterprise' AND t.id = h.record AND t.version = h.version + 1
                AND f.enterprise_id = t.id AND f.batch = %(b)s AND f.removed_at IS NULL"""
            )
            for child in ("registry_identifier", "registry_enterprisecontact"):
                self._run(
                    f"""UPDATE {child} AS c SET place = t.place FROM registry_importchange AS h, registry_enterprise AS t
                    WHERE h.batch_id = %(b)s AND h."table" = 'enterprise' AND t.id = h.record
                    AND c.enterprise_id = t.id AND c.place <> t.place"""
                )

    def _tie_to_earlier(self, table: str, key: str) -> None:
        """A restored row is again what the import before this one left, so that import can be taken back as well.

        Versions only grow; the note of the earlier import follows. An import that entered the row has no note of
        it: it gets one, of the table `entered`.
        """
        restored = f"""registry_importchange AS h JOIN {table} AS t ON t.id = h.record AND t.version = h.version + 1
            WHERE h.batch_id = %(b)s AND h."table" = '{key}'"""
        self._run(
            f"""UPDATE registry_importchange AS l SET version = r.version,
                before = l.before || jsonb_build_object('_from', {_EARLIER.format("l")})
            FROM (SELECT t.id, t.version, {_EARLIER.format("h")} AS earlier FROM {restored}) AS r
            WHERE l.record = r.id AND l.version = r.earlier AND l.batch_id <> %(b)s"""
        )
        self._run(
            f"""INSERT INTO registry_importchange (place, batch_id, "table", record, version, before)
            SELECT t.place, t.batch, 'entered', t.id, t.version, '{{}}'::jsonb FROM {restored}
            AND {_EARLIER.format("h")} = 1 AND EXISTS (SELECT 1 FROM registry_importbatch AS b WHERE b.id = t.batch)"""
        )

    def _restore_items(self) -> None:
        ripe = """registry_importchange AS h JOIN registry_certificate AS t ON t.id = h.record AND t.version = h.version
            WHERE h.batch_id = %(b)s AND h."table" = 'certificate' AND h.before ? 'items'"""
        self._run(f"DELETE FROM registry_certificateitem WHERE certificate_id IN (SELECT t.id FROM {ripe})")
        self._run(
            f"""INSERT INTO registry_certificateitem SELECT i.* FROM {
                ripe.replace(
                    "WHERE",
                    "CROSS JOIN LATERAL jsonb_populate_recordset(NULL::registry_certificateitem, h.before->'items')"
                    " AS i WHERE",
                    1,
                )
            }"""
        )

    def _remove_entries(self) -> None:
        self.undone.removed += self._run(
            f"DELETE FROM registry_entry AS t WHERE t.batch = %(b)s AND {_AS_ENTERED}"
        )
        self._tell_rest("registry_entry", "title", "以后又改过")

    def _remove_certificates(self) -> None:
        free = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {table} AS r WHERE r.{column} = t.id)"
            for table, column in _referring(Certificate)
            if table != "registry_certificateitem"
        )
        ripe = f"t.batch = %(b)s AND {_AS_ENTERED} {f'AND {free}' if free else ''}"
        self._run(
            "DELETE FROM registry_certificateitem WHERE certificate_id IN"
            f" (SELECT t.id FROM registry_certificate AS t WHERE {ripe})"
        )
        self.undone.removed += self._run(f"DELETE FROM registry_certificate AS t WHERE {ripe}")
        self._tell_rest("registry_certificate", "number", "以后又改过或已有人引用")

    def _remove_enterprises(self) -> None:
        """Enterprises the batch entered go when nothing else has come to refer to them."""
        own = {"registry_identifier", "registry_fact"}
        free = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {table} AS r WHERE r.{column} = t.id)"
            for table, column in _referring(Enterprise)
            if table not in own
        )
        ripe = f"t.batch = %(b)s AND {_AS_ENTERED} AND {free}"
        for table in own:
            self._run(
                f"DELETE FROM {table} WHERE enterprise_id IN (SELECT t.id FROM registry_enterprise AS t WHERE {ripe})"
            )
        self.undone.removed += self._run(f"DELETE FROM registry_enterprise AS t WHERE {ripe}")
        self._tell_rest("registry_enterprise", "name", "以后又改过，或已有证书、办件等引用")

    def _tell_rest(self, table: str, name: str, why: str) -> None:
        self.cursor.execute(f"SELECT count(*) FROM {table} WHERE batch = %(b)s", {"b": self.batch})
        count = self.cursor.fetchone()[0]  # type: ignore[index]
        if count:
            self.cursor.execute(
                f"SELECT {name} FROM {table} WHERE batch = %(b)s ORDER BY id LIMIT {NAMED}", {"b": self.batch}
            )
            self._keep([row[0] for row in self.cursor.fetchall()], count, why)


def _value(column: str) -> str:
    said = f"h.before->>'{column}'"
    if column in _DATES:
        return f"({said})::date"
    if column == "place":
        return f"({said})::bigint"
    if column == "facts":
        return "h.before->'facts'"
    if column == "published":
        return f"({said})::boolean"
    return f"coalesce({said}, '')"


def _referring(model) -> list[tuple[str, str]]:
    """Tables and columns that may hold the key of a row, in every room: foreign keys, and bare keys by name."""
    found = {
        (r.related_model._meta.db_table, r.field.column)
        for r in model._meta.related_objects
        if r.related_model._meta.managed
    }
    if model is Enterprise:
        for other in apps.get_models():
            if other._meta.managed and not other._meta.proxy and other is not Enterprise:
                found |= {
                    (other._meta.db_table, f.column)
                    for f in other._meta.local_fields
                    if f.column == "enterprise_id" and f.get_internal_type() in ("UUIDField", "ForeignKey")
                }
    return sorted(found)
