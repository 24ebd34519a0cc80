# ruff: noqa: S608  statements are put together from names of this file; values are bound
"""Records into the register, as sets: staged by COPY, matched, inserted, updated where something differs.

Rows are matched by code first (a credit code contains its organisation code), then by a number of the
register's own scheme, never by name. What cannot be merged is refused with its reason and leaves no trace.
Everything happens in the caller's transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from django.db import connection
from uuid_utils.compat import uuid7

from jinzhi.foundation.places.models import this_node
from jinzhi.registry.importing.mapping import CERTIFICATE, Mapping

CHUNK = 5000
_TEXTS = (
    "key", "uscc", "org_code", "identifier", "name", "legal_representative", "address", "premises", "industry",
    "enterprise_status", "enterprise_kind", "number", "kind", "status", "agency_name", "category_code",
    "category", "detail", "varieties",
)  # fmt: skip
_DATES = ("founded_on", "valid_from", "valid_to", "issued_on", "newest")
_UUIDS = ("new_enterprise", "new_certificate", "new_item", "new_uscc", "new_org", "new_identifier")
_STAGED = ("line", "place", "original", *_TEXTS, *_DATES, *_UUIDS)

_CREATE = f"""CREATE TEMPORARY TABLE registry_stage (
    line int PRIMARY KEY, place bigint, original text,
    {", ".join(f"{c} text NOT NULL DEFAULT ''" for c in _TEXTS)},
    {", ".join(f"{c} date" for c in _DATES)},
    {", ".join(f"{c} uuid" for c in _UUIDS)},
    enterprise uuid, certificate uuid, is_new boolean NOT NULL DEFAULT false,
    outcome text NOT NULL DEFAULT '', wrong_field text, wrong_value text, reason text
) ON COMMIT DROP"""

# Stage column -> column of the register, for what a mapping may bring.
_ENTERPRISE_COLUMNS = {
    "name": "name", "legal_representative": "legal_representative", "address": "address",
    "premises": "premises_address", "place": "place", "industry": "industry", "founded_on": "founded_on",
    "enterprise_status": "status", "enterprise_kind": "kind",
}  # fmt: skip
_CERTIFICATE_COLUMNS = {
    "name": "holder_name", "legal_representative": "legal_representative", "address": "address",
    "premises": "premises", "place": "place", "status": "status", "valid_from": "valid_from",
    "valid_to": "valid_to", "issued_on": "issued_on", "agency_name": "agency_name",
}  # fmt: skip
_DEFAULTS = {"enterprise_status": "active", "enterprise_kind": "company", "status": "valid"}


@dataclass
class Merged:
    """How many rows became what."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0


def holder_key(record: dict, scheme: str) -> str:
    """What makes two rows the same holder."""
    if org := record.get("org_code") or record.get("uscc", "")[8:17]:
        return f"org:{org}"
    if record.get("identifier"):
        return f"{scheme}:{record['identifier']}"
    return f"certificate:{record.get('number', '')}"


class Merge:
    """One import: `stage` the records, then `merge`, then `refusals`."""

    def __init__(self, mapping: Mapping):
        self.mapping = mapping
        self.cursor = connection.cursor()
        self.cursor.execute("SELECT pg_advisory_xact_lock(hashtext('registry.import'))")
        self.cursor.execute("DROP TABLE IF EXISTS registry_stage")
        self.cursor.execute(_CREATE)

    def stage(self, records: Iterable[tuple[int, str, dict]]) -> None:
        """Copy (line, original cells as JSON, record) into the stage."""
        records = iter(records)
        while chunk := list(islice(records, CHUNK)):  # reading may ask the database: not during a COPY
            with self.cursor.copy(f"COPY registry_stage ({', '.join(_STAGED)}) FROM STDIN") as copy:
                for row in chunk:
                    copy.write_row(self._staged(*row))
        self.cursor.execute("ANALYZE registry_stage")

    def _staged(self, line: int, original: str, record: dict) -> list:
        newest = self.mapping.newest_by
        texts = [record.get(c) or _DEFAULTS.get(c, "") for c in _TEXTS[1:]]
        dates = [record.get(c) for c in _DATES[:-1]] + [record.get(newest) if newest else None]
        key = holder_key(record, self.mapping.scheme)
        return [line, record["place"], original, key, *texts, *dates, *(uuid7() for _ in _UUIDS)]

    def merge(self) -> Merged:
        self._execute(*_PREPARE, *_MATCH_ENTERPRISES)
        if self.mapping.kind == CERTIFICATE:
            self._execute(*_MATCH_CERTIFICATES)
        self._execute(*_CHOOSE, *_ENTER_ENTERPRISES)
        changed = self._update_enterprises()
        self._execute(*_IDENTIFY)
        if self.mapping.kind == CERTIFICATE:
            self._merge_certificates()
        else:
            self._execute("UPDATE registry_stage SET outcome = 'created' WHERE outcome = '' AND is_new")
            self.cursor.execute(
                "UPDATE registry_stage SET outcome = CASE WHEN enterprise = ANY(%s) THEN 'changed'"
                " ELSE 'unchanged' END WHERE outcome = ''",
                [changed],
            )
        self._execute(*_REMOVE_UNUSED)
        self.cursor.execute("SELECT outcome, count(*) FROM registry_stage GROUP BY outcome")
        return Merged(**dict(self.cursor.fetchall()))

    def refusals(self) -> list[tuple[int, str, str, str, str]]:
        """(line, original, field, value, reason) of the rows that could not be merged."""
        self.cursor.execute(
            "SELECT line, original, wrong_field, wrong_value, reason FROM registry_stage"
            " WHERE outcome = 'refused' ORDER BY line"
        )
        return self.cursor.fetchall()

    def _execute(self, *statements: str) -> None:
        values = {"source": self.mapping.source, "scheme": self.mapping.scheme, "node": this_node()}
        for statement in statements:
            self.cursor.execute(statement, values)

    def _own(self) -> str:
        """When a fact of the register may be replaced: by a register of enterprises, or by its own source."""
        return "true" if self.mapping.kind != CERTIFICATE else "e.source = %(source)s"

    def _update_enterprises(self) -> list:
        """Bring what differs; a certificate register only fills what is empty in facts from elsewhere."""
        sets, differs = [], []
        for staged, column in _ENTERPRISE_COLUMNS.items():
            if staged not in self.mapping.fields:
                continue
            given = f"s.{staged} IS NOT NULL" if staged in (*_DATES, "place") else f"s.{staged} <> ''"
            empty = f"e.{column} IS NULL" if staged in (*_DATES, "place") else f"e.{column} = ''"
            value = f"CASE WHEN {given} AND ({self._own()} OR {empty}) THEN s.{staged} ELSE e.{column} END"
            sets.append(f"{column} = {value}")
            differs.append(f"e.{column} IS DISTINCT FROM {value}")
        sets.append("uscc = CASE WHEN e.uscc = '' THEN s.uscc ELSE e.uscc END")
        sets.append("org_code = CASE WHEN e.org_code = '' THEN s.org_code ELSE e.org_code END")
        differs += ["(e.uscc = '' AND s.uscc <> '')", "(e.org_code = '' AND s.org_code <> '')"]
        self.cursor.execute(
            f"""UPDATE registry_enterprise AS e SET {", ".join(sets)}, version = e.version + 1, updated_at = now()
            FROM (SELECT DISTINCT ON (enterprise) * FROM registry_stage WHERE outcome = '' AND NOT is_new
                  ORDER BY enterprise, newest DESC NULLS LAST, line DESC) AS s
            WHERE e.id = s.enterprise AND ({" OR ".join(differs)}) RETURNING e.id""",
            {"source": self.mapping.source},
        )
        return [row[0] for row in self.cursor.fetchall()]

    def _merge_certificates(self) -> None:
        columns = {s: c for s, c in _CERTIFICATE_COLUMNS.items() if s in self.mapping.fields}
        self._execute(_ENTER_CERTIFICATES, *_REFUSE_UNSEEN)
        differs = " OR ".join(f"c.{c} IS DISTINCT FROM s.{s}" for s, c in columns.items())
        self._execute(
            f"""WITH brought AS (
                UPDATE registry_certificate AS c
                SET {", ".join(f"{c} = s.{s}" for s, c in columns.items())},
                    version = c.version + 1, updated_at = now()
                FROM registry_stage AS s
                WHERE s.outcome = '' AND c.id = s.certificate AND ({differs}) RETURNING c.id)
            UPDATE registry_stage SET outcome = 'changed' FROM brought WHERE certificate = brought.id"""
        )
        if {"category", "detail", "varieties", "category_code"} & set(self.mapping.fields):
            self._execute(*_RENEW_ITEMS)
        self._execute("UPDATE registry_stage SET outcome = 'unchanged' WHERE outcome = ''")


def _refuse(field: str, reason: str, where: str, extra: str = "") -> str:
    return f"""UPDATE registry_stage AS s SET outcome = 'refused', wrong_field = '{field}',
        wrong_value = s.{field}, reason = {reason} {extra} WHERE s.outcome = '' AND {where}"""


_PREPARE = [
    "UPDATE registry_stage SET org_code = substr(uscc, 9, 9) WHERE uscc <> '' AND org_code = ''",
    # a row with the number alone and a row with number and code speak of one holder
    """UPDATE registry_stage AS s SET key = o.key, org_code = o.org_code, uscc = o.uscc
        FROM registry_stage AS o
        WHERE s.identifier <> '' AND s.org_code = '' AND o.identifier = s.identifier AND o.org_code <> ''""",
]

_MATCH_ENTERPRISES = [
    """UPDATE registry_stage AS s SET enterprise = e.id FROM registry_enterprise AS e
        WHERE s.uscc <> '' AND e.uscc = s.uscc AND NOT e.uscc = ''""",
    _refuse(
        "uscc",
        "'组织机构代码 ' || s.org_code || ' 已属于“' || e.name || '”（' || e.uscc || '）'",
        "e.org_code = s.org_code AND NOT e.org_code = '' AND s.uscc <> '' AND e.uscc <> '' AND e.uscc <> s.uscc",
        "FROM registry_enterprise AS e",
    ),
    """UPDATE registry_stage AS s SET enterprise = e.id FROM registry_enterprise AS e
        WHERE s.enterprise IS NULL AND s.org_code <> '' AND e.org_code = s.org_code AND NOT e.org_code = ''
        AND (e.uscc = '' OR s.uscc = '')""",
    """UPDATE registry_stage AS s SET enterprise = e.id
        FROM registry_identifier AS n JOIN registry_enterprise AS e ON e.id = n.enterprise_id
        WHERE s.enterprise IS NULL AND s.identifier <> '' AND s.outcome = ''
        AND n.scheme = %(scheme)s AND n.value = s.identifier AND (e.org_code = '' OR s.org_code = '')""",
    _refuse(
        "identifier",
        "'编号 ' || s.identifier || ' 已属于另一企业'",
        "s.identifier <> '' AND n.scheme = %(scheme)s AND n.value = s.identifier"
        " AND n.enterprise_id IS DISTINCT FROM s.enterprise",
        "FROM registry_identifier AS n",
    ),
]

_MATCH_CERTIFICATES = [
    # a holder without any code is known by the certificate it holds
    """UPDATE registry_stage AS s SET enterprise = c.holder_id FROM registry_certificate AS c
        WHERE s.enterprise IS NULL AND s.key LIKE 'certificate:%%' AND s.outcome = ''
        AND c.number_key = registry_number_key(s.number)""",
    _refuse(
        "number",
        "CASE WHEN c.case_number <> '' THEN '这张证书由本系统办理发放，不能用导入修改'"
        " WHEN c.kind <> s.kind THEN '编号已登记为另一种证书'"
        " ELSE '编号已登记在“' || c.holder_name || '”名下' END",
        "c.number_key = registry_number_key(s.number)"
        " AND (c.case_number <> '' OR c.kind <> s.kind OR c.holder_id IS DISTINCT FROM s.enterprise)",
        "FROM registry_certificate AS c",
    ),
    """UPDATE registry_stage AS s SET certificate = c.id FROM registry_certificate AS c
        WHERE s.outcome = '' AND c.number_key = registry_number_key(s.number)""",
]

# One row of several describes a holder: the newest by the mapping's date, else the last of the file.
_CHOOSE = [
    """UPDATE registry_stage AS s SET new_enterprise = w.new_enterprise, is_new = true
        FROM (SELECT DISTINCT ON (key) key, new_enterprise FROM registry_stage
              WHERE outcome = '' AND enterprise IS NULL
              ORDER BY key, newest DESC NULLS LAST, line DESC) AS w
        WHERE s.key = w.key AND s.outcome = '' AND s.enterprise IS NULL""",
]

_ENTER_ENTERPRISES = [
    """INSERT INTO registry_enterprise (id, place, owner_node, version, created_at, updated_at, name, uscc,
            org_code, kind, legal_representative, address, premises_address, industry, founded_on, status,
            source, is_demo, remark)
        SELECT DISTINCT ON (s.key) s.new_enterprise, s.place, %(node)s, 1, now(), now(), s.name, s.uscc,
            s.org_code, s.enterprise_kind, s.legal_representative, s.address, s.premises, s.industry,
            s.founded_on, s.enterprise_status, %(source)s, false, ''
        FROM registry_stage AS s WHERE s.outcome = '' AND s.is_new
        ORDER BY s.key, s.newest DESC NULLS LAST, s.line DESC
        ON CONFLICT DO NOTHING""",
    """UPDATE registry_stage AS s SET enterprise = e.id FROM registry_enterprise AS e
        WHERE s.is_new AND e.id = s.new_enterprise""",
    _refuse("uscc", "'该代码已在其他地区登记'", "s.enterprise IS NULL"),
]

_IDENTIFY = [
    f"""INSERT INTO registry_identifier (id, place, owner_node, version, created_at, updated_at, scheme, value,
            source, enterprise_id)
        SELECT DISTINCT ON (s.{column}) s.{new}, s.place, %(node)s, 1, now(), now(), {scheme}, s.{column},
            %(source)s, s.enterprise
        FROM registry_stage AS s WHERE s.outcome = '' AND s.{column} <> ''
        ORDER BY s.{column}, s.line ON CONFLICT DO NOTHING"""
    for column, new, scheme in (
        ("uscc", "new_uscc", "'uscc'"),
        ("org_code", "new_org", "'organization_code'"),
        ("identifier", "new_identifier", "%(scheme)s"),
    )
]

_ENTER_CERTIFICATES = """WITH entered AS (
    INSERT INTO registry_certificate (id, place, owner_node, version, created_at, updated_at, number, kind,
        holder_id, holder_name, holder_code, status, valid_from, valid_to, issued_on, agency_key, agency_name,
        legal_representative, address, premises, case_number, rule_set, source, face_version, is_demo)
    SELECT s.new_certificate, s.place, %(node)s, 1, now(), now(), s.number, s.kind, s.enterprise, s.name,
        coalesce(nullif(s.uscc, ''), nullif(s.org_code, ''), left(s.identifier, 30)), s.status, s.valid_from,
        s.valid_to, s.issued_on, '', s.agency_name, s.legal_representative, s.address, s.premises, '', '',
        %(source)s, 1, false
    FROM registry_stage AS s WHERE s.outcome = '' AND s.certificate IS NULL
    ORDER BY s.line ON CONFLICT DO NOTHING RETURNING id)
UPDATE registry_stage SET outcome = 'created', certificate = entered.id
FROM entered WHERE new_certificate = entered.id"""

_REFUSE_UNSEEN = [
    _refuse("number", "'编号已在其他地区登记'", "s.certificate IS NULL"),
]

_SAME_ITEM = """i.certificate_id = s.certificate AND i.category_code = s.category_code
    AND i.category = s.category AND i.detail = s.detail AND i.varieties = s.varieties"""
_RENEW_ITEMS = [
    f"""UPDATE registry_stage AS s SET outcome = 'changed' WHERE s.outcome = '' AND s.category <> ''
        AND NOT EXISTS (SELECT 1 FROM registry_certificateitem AS i WHERE {_SAME_ITEM})""",
    """DELETE FROM registry_certificateitem AS i USING registry_stage AS s
        WHERE s.outcome = 'changed' AND s.category <> '' AND i.certificate_id = s.certificate""",
    """INSERT INTO registry_certificateitem (id, place, owner_node, version, created_at, updated_at,
            certificate_id, "order", category_code, category, detail_code, detail, varieties)
        SELECT s.new_item, s.place, %(node)s, 1, now(), now(), s.certificate, 1, s.category_code, s.category,
            '', s.detail, s.varieties
        FROM registry_stage AS s WHERE s.outcome IN ('created', 'changed') AND s.category <> ''""",
]

# An enterprise entered for a row that was refused afterwards goes again.
_UNUSED = """SELECT s.new_enterprise FROM registry_stage AS s WHERE s.is_new
    GROUP BY s.new_enterprise HAVING bool_and(s.outcome = 'refused')"""
_REMOVE_UNUSED = [
    f"DELETE FROM registry_identifier WHERE enterprise_id IN ({_UNUSED})",
    f"DELETE FROM registry_enterprise WHERE id IN ({_UNUSED})",
]
