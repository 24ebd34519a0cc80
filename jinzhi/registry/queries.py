# ruff: noqa: S608  statements are put together from constants of this file; values are bound
"""The registry's hot reads, one SQL statement each, answering JSON built in PostgreSQL.

Two faces of a statement: the public one names only columns anybody may read (others are not even granted
to the role), the inner one adds what officials in whose place the record lies, and the enterprise itself,
may see. Row-level security decides about rows; the face decides about columns.
"""

from functools import cache

import psycopg
from django.db import connection

from jinzhi.registry import kinds
from jinzhi.registry.models import Certificate, Enterprise

_ELSEWHERE = 990_000_000_000


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def words(expression: str, pairs: list[tuple[str, str]]) -> str:
    """SQL that turns a stored key into its Chinese word."""
    whens = " ".join(f"WHEN {_text(key)} THEN {_text(str(word))}" for key, word in pairs)
    return f"CASE {expression} {whens} ELSE {expression} END"


def place_name(place: str) -> str:
    digits = f"lpad({place}::text, 12, '0')"
    return f"""CASE WHEN {place} = {_ELSEWHERE} THEN '省外或境外' ELSE (
        SELECT string_agg(d.name, ' / ' ORDER BY d.code) FROM (
            SELECT DISTINCT ON (code) code, name FROM places_division
            WHERE code IN (rpad(substr({digits}, 1, 2), 6, '0'), rpad(substr({digits}, 1, 4), 6, '0'),
                           substr({digits}, 1, 6))
            ORDER BY code, valid_from DESC NULLS LAST) AS d) END"""


STATES = [*Certificate.Status.choices, ("future", "尚未生效")]
_ENDED = ", ".join(_text(s) for s in Certificate.ENDED)
_STATE = f"""CASE WHEN c.status IN ({_ENDED}) THEN c.status
    WHEN c.valid_to < %(on)s::date THEN 'expired'
    WHEN c.valid_from > %(on)s::date THEN 'future' ELSE c.status END"""

_ITEMS = """(SELECT coalesce(json_agg(json_build_object(
        'category_code', i.category_code, 'category', i.category, 'detail_code', i.detail_code,
        'detail', i.detail, 'varieties', i.varieties) ORDER BY i."order", i.id), '[]')
    FROM registry_certificateitem AS i WHERE i.certificate_id = c.id)"""


@cache
def _certificate(inner: bool) -> str:
    """JSON of one row of registry_certificate AS c with its state AS s."""
    acts = [(key, act.name) for key, act in kinds.acts().items()]
    kind_names = [(key, kind.name) for key, kind in kinds.kinds().items()]
    more = ", 'id', c.id, 'case_number', c.case_number, 'rule_set', c.rule_set" if inner else ""
    reason = ", 'reason', h.reason" if inner else ""
    changes = f"""(SELECT coalesce(json_agg(json_build_object(
            'act', h.act, 'act_name', {words("h.act", acts)}, 'effective_on', h.effective_on,
            'status', h.new_status, 'ground', h.ground, 'document_number', h.document_number,
            'agency', h.agency_name{reason}) ORDER BY h.effective_on, h.id), '[]')
        FROM registry_certificatechange AS h WHERE h.certificate_id = c.id)"""
    return f"""json_build_object(
        'number', c.number, 'kind', c.kind, 'kind_name', {words("c.kind", kind_names or [("", "")])},
        'status', s.state, 'status_name', {words("s.state", STATES)},
        'registered_status', c.status, 'status_since', c.status_since,
        'valid_from', c.valid_from, 'valid_to', c.valid_to, 'issued_on', c.issued_on,
        'agency', c.agency_name, 'holder_name', c.holder_name, 'holder_code', c.holder_code,
        'legal_representative', c.legal_representative, 'address', c.address, 'premises', c.premises,
        'items', {_ITEMS}, 'changes', {changes},
        'face_version', c.face_version, 'source', c.source, 'is_demo', c.is_demo,
        'updated_at', c.updated_at{more})"""


_SELECTED = f"registry_certificate AS c CROSS JOIN LATERAL (SELECT {_STATE} AS state) AS s"

# A credit code also finds the enterprise known so far only by the organisation code inside it.
BY_ORG = "org_code = %(org)s AND NOT org_code = '' AND (uscc = '' OR %(org)s = %(code)s)"

# An enterprise by its own id, either code, or any number it is or was known by.
_FOUND = f"""(SELECT id FROM (
        SELECT id, 0 AS rank FROM registry_enterprise WHERE id = %(id)s::uuid
        UNION ALL SELECT id, 1 FROM registry_enterprise WHERE uscc = %(code)s AND NOT uscc = ''
        UNION ALL SELECT id, 2 FROM registry_enterprise WHERE {BY_ORG}
        UNION ALL SELECT enterprise_id, 3 FROM registry_identifier WHERE value = %(code)s
    ) AS candidates ORDER BY rank LIMIT 1)"""


@cache
def archive(inner: bool) -> str:
    """One enterprise with identifiers and certificates. Parameters: id, code, org, on."""
    more = (
        """, 'remark', e.remark, 'version', e.version,
        'contacts', (SELECT coalesce(json_agg(json_build_object('name', k.name, 'duty', k.duty,
            'phone', k.phone, 'email', k.email) ORDER BY k.id), '[]')
            FROM registry_enterprisecontact AS k WHERE k.enterprise_id = e.id)"""
        if inner
        else ""
    )
    return f"""SELECT json_build_object(
        'id', e.id, 'name', e.name, 'uscc', e.uscc, 'org_code', e.org_code,
        'kind', e.kind, 'kind_name', {words("e.kind", Enterprise.Kind.choices)},
        'status', e.status, 'status_name', {words("e.status", Enterprise.Status.choices)},
        'legal_representative', e.legal_representative,
        'address', e.address, 'premises_address', e.premises_address,
        'industry', e.industry, 'founded_on', e.founded_on,
        'place', e.place, 'place_name', {place_name("e.place")},
        'source', e.source, 'source_on', e.source_on, 'is_demo', e.is_demo, 'updated_at', e.updated_at,
        'identifiers', (SELECT coalesce(json_agg(json_build_object(
                'scheme', n.scheme, 'value', n.value, 'valid_from', n.valid_from, 'valid_to', n.valid_to,
                'source', n.source) ORDER BY n.valid_from NULLS FIRST, n.id), '[]')
            FROM registry_identifier AS n WHERE n.enterprise_id = e.id),
        'certificates', (SELECT coalesce(json_agg({_certificate(inner)}
                ORDER BY c.valid_to DESC NULLS FIRST, c.id DESC), '[]')
            FROM {_SELECTED} WHERE c.holder_id = e.id){more})::text
    FROM registry_enterprise AS e WHERE e.id = {_FOUND}"""


@cache
def certificate(inner: bool) -> str:
    """One certificate with its holder. Parameters: number, on.

    A number that is not a certificate's own but one its holder is registered under (a licence that gets a
    new record each term) answers the latest certificate of that holder.
    """
    return f"""SELECT json_build_object(
        'certificate', {_certificate(inner)},
        'holder', (SELECT json_build_object('id', e.id, 'name', e.name, 'uscc', e.uscc,
                'org_code', e.org_code, 'status', e.status,
                'status_name', {words("e.status", Enterprise.Status.choices)},
                'place_name', {place_name("e.place")})
            FROM registry_enterprise AS e WHERE e.id = c.holder_id))::text
    FROM {_SELECTED} WHERE c.id = (SELECT id FROM (
        SELECT id, 0 AS rank, NULL::date AS valid_to FROM registry_certificate
            WHERE number_key = registry_number_key(%(number)s)
        UNION ALL
        SELECT t.id, 1, t.valid_to FROM registry_identifier AS n
            JOIN registry_certificate AS t ON t.holder_id = n.enterprise_id
            WHERE n.value = %(number)s AND n.scheme NOT IN ('uscc', 'organization_code')
    ) AS candidates ORDER BY rank, valid_to DESC NULLS FIRST, id DESC LIMIT 1)"""


def rows(statement: str, parameters: dict, *, prepare: bool = True) -> list[tuple]:
    """Run a statement with parameters bound on the server, prepared once for each connection.

    `prepare=False` lets the planner see the values: for searches, where a common pair of characters and a
    rare one want different plans.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, parameters, prepare=prepare).fetchall()


def json_text(statement: str, parameters: dict) -> str | None:
    """The one JSON text a statement answers, or None when it found no row."""
    found = rows(statement, parameters)
    return found[0][0] if found else None
