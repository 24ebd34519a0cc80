# ruff: noqa: S608  statements are put together from constants of this file; values are bound
"""The registry's hot reads, one SQL statement each, answering JSON built in PostgreSQL.

Two faces of a statement: the public one names only columns anybody may read (others are not even granted
to the role), the inner one adds what officials in whose place the record lies, and the enterprise itself,
may see. Row-level security decides about rows; the face decides about columns.
"""

from functools import cache

import psycopg
from django.db import connection

from jinzhi.registry import facts, kinds
from jinzhi.registry.models import Certificate, Enterprise, Fact, Lineage

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

# An enterprise by its own id, either code, or any number it is or was known by; one merged answers its survivor.
_CANDIDATES = f"""(SELECT id FROM (
        SELECT id, 0 AS rank FROM registry_enterprise WHERE id = %(id)s::uuid
        UNION ALL SELECT id, 1 FROM registry_enterprise WHERE uscc = %(code)s AND NOT uscc = ''
        UNION ALL SELECT id, 2 FROM registry_enterprise WHERE {BY_ORG}
        UNION ALL SELECT enterprise_id, 3 FROM registry_identifier WHERE value = %(code)s
    ) AS candidates ORDER BY rank LIMIT 1)"""
FOUND = f"(SELECT coalesce(t.merged_into_id, t.id) FROM registry_enterprise AS t WHERE t.id = {_CANDIDATES})"
# What a field was on the day: among former values the one replaced next after it; of what the register only
# learned after `known`, the value it then replaced. Nothing found: the row's own.
_THEN = """LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(d.field, d.value) AS v FROM (
            SELECT DISTINCT ON (x.field) x.field, x.value FROM registry_fact AS x
            WHERE x.enterprise_id = e.id AND x.state = 'former' AND (x.received_at >= %(known)s::timestamptz
                OR ((x.removed_at IS NULL OR x.removed_at >= %(known)s::timestamptz)
                    AND x.valid_to > %(on)s::date AND (x.valid_from IS NULL OR x.valid_from < x.valid_to)))
            ORDER BY x.field, (x.received_at >= %(known)s::timestamptz),
                CASE WHEN x.received_at < %(known)s::timestamptz THEN x.valid_to END, x.received_at, x.id
        ) AS d) AS f ON true
    CROSS JOIN LATERAL (
        SELECT coalesce((CASE WHEN f.v ? 'founded_on' THEN nullif(f.v->>'founded_on', '')
                ELSE e.founded_on::text END)::date,
            least(e.source_on, (SELECT min(least(x.valid_from, x.source_on)) FROM registry_fact AS x
                WHERE x.enterprise_id = e.id AND x.removed_at IS NULL))) AS day) AS began
    CROSS JOIN LATERAL (SELECT coalesce(began.day <= %(on)s::date, true) AS there) AS n"""

_STATE_THEN = _STATE.replace("c.status", "w.status")
_SELECTED_THEN = f"""registry_certificate AS c CROSS JOIN LATERAL (SELECT CASE
        WHEN c.status_since <= %(on)s::date OR c.status_since IS NULL THEN c.status
        ELSE coalesce((SELECT h.new_status FROM registry_certificatechange AS h
            WHERE h.certificate_id = c.id AND h.effective_on <= %(on)s::date
            ORDER BY h.effective_on DESC, h.id DESC LIMIT 1), 'valid') END AS status) AS w
    CROSS JOIN LATERAL (SELECT {_STATE_THEN} AS state) AS s"""
_ISSUED_THEN = " AND coalesce(c.issued_on, c.valid_from, %(on)s::date) <= %(on)s::date"

NUMERIC = {"place": "bigint", "registered_capital_cents": "bigint"}
ENTRIES_SHOWN = 20  # newest of each section


def _then(field: str) -> str:
    """The value of a field on the day."""
    then = f"f.v->>'{field}'"
    if kind := NUMERIC.get(field):
        return f"CASE WHEN f.v ? '{field}' THEN ({then})::{kind} ELSE e.{field} END"
    own = f"e.{field}::text"
    if field in ("name", "uscc", "org_code"):
        return f"CASE WHEN f.v ? '{field}' THEN {then} ELSE {own} END"
    if field == "founded_on":
        return f"CASE WHEN f.v ? '{field}' THEN nullif({then}, '') ELSE {own} END"
    return f"CASE WHEN NOT n.there THEN '' WHEN f.v ? '{field}' THEN {then} ELSE {own} END"


def _facts(inner: bool, dated: bool) -> str:
    more = (
        ", 'reason', x.reason, 'actor', x.actor, 'confidence', x.confidence, 'locked_until', x.locked_until"
        if inner
        else ""
    )
    when = (
        " AND x.received_at < %(known)s::timestamptz"
        " AND (x.removed_at IS NULL OR x.removed_at >= %(known)s::timestamptz)"
        if dated
        else " AND x.removed_at IS NULL"
    )
    titles = words("x.field", [(key, field.title) for key, field in facts.FIELDS.items()])
    return f"""(SELECT coalesce(json_agg(json_build_object(
            'id', x.id, 'field', x.field, 'title', {titles}, 'value', x.value, 'state', x.state,
            'state_name', {words("x.state", Fact.State.choices)}, 'valid_from', x.valid_from, 'valid_to', x.valid_to,
            'source', x.source, 'source_on', x.source_on,
            'received_on', (x.received_at AT TIME ZONE 'Asia/Shanghai')::date{more})
            ORDER BY x.field, x.valid_to DESC NULLS FIRST, x.id DESC), '[]')
        FROM registry_fact AS x WHERE x.enterprise_id = e.id{when})"""


def _entries(inner: bool, dated: bool) -> str:
    when = " AND coalesce(y.occurred_on, y.valid_from) <= %(on)s::date" if dated else ""
    more = ", 'published', y.published" if inner else ""
    return f"""(SELECT coalesce(json_agg(json_build_object(
            'section', y.section, 'title', y.title, 'facts', y.facts, 'state', y.state, 'occurred_on', y.occurred_on,
            'valid_from', y.valid_from, 'valid_to', y.valid_to, 'source', y.source, 'source_key', y.source_key,
            'agency', y.agency_name, 'of', y.of{more})
            ORDER BY y.section, y.nth), '[]')
        FROM (SELECT z.*, row_number() OVER (PARTITION BY z.section ORDER BY z.occurred_on DESC NULLS LAST, z.id DESC)
                AS nth, count(*) OVER (PARTITION BY z.section) AS of
            FROM (SELECT y.id, {", ".join(f"y.{c}" for c in _ENTRY)} FROM registry_entry AS y
                WHERE y.enterprise_id = e.id{when}) AS z) AS y
        WHERE y.nth <= {ENTRIES_SHOWN})"""


_ENTRY = (
    "section", "title", "facts", "state", "occurred_on", "valid_from", "valid_to", "source", "source_key",
    "agency_name", "published",
)  # fmt: skip

_LINEAGE = f"""(SELECT coalesce(json_agg(json_build_object(
            'kind', l.kind, 'kind_name', {words("l.kind", Lineage.Kind.choices)}, 'on', l.on,
            'direction', CASE WHEN l.from_enterprise_id = e.id THEN 'to' ELSE 'from' END, 'id', o.id, 'name', o.name,
            'code', coalesce(nullif(o.uscc, ''), nullif(o.org_code, ''), o.id::text)) ORDER BY l.on, l.id), '[]')
        FROM registry_lineage AS l LEFT JOIN registry_enterprise AS o
            ON o.id = CASE WHEN l.from_enterprise_id = e.id THEN l.to_enterprise_id ELSE l.from_enterprise_id END
        WHERE (l.from_enterprise_id = e.id OR l.to_enterprise_id = e.id) AND l.undone_at IS NULL"""


def _identifiers(value: dict[str, str], dated: bool) -> str:
    """The row's own two codes, then every other number of the enterprise."""
    own = "n.scheme IN ('uscc', 'organization_code') AND n.value IN (e.uscc, e.org_code)"
    when = " AND (n.valid_from IS NULL OR n.valid_from <= %(on)s::date)" if dated else ""
    return f"""(SELECT coalesce(json_agg(json_build_object(
                'scheme', i.scheme, 'value', i.value, 'valid_from', i.valid_from, 'valid_to', i.valid_to,
                'source', i.source) ORDER BY i.rank, i.valid_from NULLS FIRST, i.value), '[]')
            FROM (SELECT 0 AS rank, 'uscc' AS scheme, {value["uscc"]} AS value, NULL::date AS valid_from,
                    NULL::date AS valid_to, e.source
                UNION ALL SELECT 1, 'organization_code', {value["org_code"]}, NULL, NULL, e.source
                UNION ALL SELECT 2, n.scheme, n.value, n.valid_from, n.valid_to, n.source
                FROM registry_identifier AS n WHERE n.enterprise_id = e.id AND NOT ({own}){when}) AS i
            WHERE i.value <> '')"""


@cache
def archive(inner: bool, dated: bool = False) -> str:
    """One enterprise with numbers, facts, lineage, certificates and entries.

    Parameters: id, code, org, on; `dated` (as of the day `on`) also known, the end of what the register knew.
    """
    value = {key: _then(key) if dated else f"e.{key}" for key in facts.FIELDS}
    more = (
        """, 'remark', e.remark, 'version', e.version,
        'contacts', (SELECT coalesce(json_agg(json_build_object('name', k.name, 'duty', k.duty,
            'phone', k.phone, 'email', k.email) ORDER BY k.id), '[]')
            FROM registry_enterprisecontact AS k WHERE k.enterprise_id = e.id)"""
        if inner
        else ""
    )
    selected, issued = (_SELECTED_THEN, _ISSUED_THEN) if dated else (_SELECTED, "")
    day = "NULL, 'exists', true, 'first_known_on', NULL"
    if dated:
        day = "%(on)s::date, 'exists', n.there, 'first_known_on', began.day"
    status_name = words(value["status"], Enterprise.Status.choices)
    if dated:
        status_name = f"CASE WHEN NOT n.there THEN '尚未登记' ELSE {status_name} END"
    return f"""SELECT json_build_object(
        'id', e.id, 'as_of', {day}, 'name', {value["name"]}, 'uscc', {value["uscc"]}, 'org_code', {value["org_code"]},
        'kind', {value["kind"]}, 'kind_name', {words(value["kind"], Enterprise.Kind.choices)},
        'status', {value["status"]}, 'status_name', {status_name},
        'legal_representative', {value["legal_representative"]},
        'address', {value["address"]}, 'premises_address', {value["premises_address"]},
        'industry', {value["industry"]}, 'founded_on', {value["founded_on"]},
        'economic_type', {value["economic_type"]}, 'scale', {value["scale"]},
        'scale_name', {words(value["scale"], Enterprise.Scale.choices)},
        'registered_capital_cents', {value["registered_capital_cents"]},
        'place', {value["place"]}, 'place_name', {place_name("p.place")},
        'source', e.source, 'source_on', e.source_on, 'received_on', e.received_on,
        'is_demo', e.is_demo, 'updated_at', e.updated_at,
        'identifiers', {_identifiers(value, dated)},
        'facts', {_facts(inner, dated)},
        'lineage', {_LINEAGE}{" AND l.on <= %(on)s::date" if dated else ""}),
        'entries', {_entries(inner, dated)},
        'certificates', (SELECT coalesce(json_agg({_certificate(inner)}
                ORDER BY c.valid_to DESC NULLS FIRST, c.id DESC), '[]')
            FROM {selected} WHERE c.holder_id = e.id{issued}){more})::text
    FROM registry_enterprise AS e {_THEN if dated else ""}
    CROSS JOIN LATERAL (SELECT {value["place"]} AS place) AS p
    WHERE e.id = {FOUND}"""


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


_PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"
_PLAN_AS_USUAL = "SET plan_cache_mode = auto"


def rows(statement: str, parameters: dict, *, prepare: bool = True) -> list[tuple]:
    """Run a statement with parameters bound on the server, prepared once for each connection.

    `prepare=False` lets the planner see the values: for searches, where a common pair of characters and a
    rare one want different plans.
    """
    connection.ensure_connection()
    base = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(base) as cursor:
        if not prepare:
            return cursor.execute(statement, parameters, prepare=False).fetchall()
        # planning a statement of thirty tables costs ten times its run: one round trip carries the setting too
        with base.pipeline():
            base.execute(_PLAN_ONCE)
            cursor.execute(statement, parameters, prepare=True)
            base.execute(_PLAN_AS_USUAL)
        return cursor.fetchall()


def json_text(statement: str, parameters: dict) -> str | None:
    """The one JSON text a statement answers, or None when it found no row."""
    found = rows(statement, parameters)
    return found[0][0] if found else None
