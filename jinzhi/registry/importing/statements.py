# ruff: noqa: S608  statements are put together from names of this file; values are bound
"""The SQL of a merge: the stage, what its rows match, what changes, and how it is written.

Three temporary tables: `registry_stage` (records as checked), `registry_match` (what each row was found to be,
and why not), `registry_change` (enterprises whose fields change, with their new values). Nothing else is written
before the judgement is complete.
"""

from collections.abc import Iterable

from jinzhi.registry.facts import KEY_FIELDS
from jinzhi.registry.importing.checking import TEXTS
from jinzhi.registry.importing.fields import DATES, ENTERPRISE
from jinzhi.registry.importing.mapping import Mapping

_MORE = ("key", "initials")
STAGED = ("line", "place", *TEXTS, *_MORE, *DATES, "newest", "facts", "new_enterprise", "new_record")
CREATE_STAGE = f"""CREATE TEMPORARY TABLE registry_stage (
    line bigint, place bigint, {", ".join(f"{c} text NOT NULL DEFAULT ''" for c in (*TEXTS, *_MORE))},
    {", ".join(f"{c} date" for c in (*DATES, "newest"))}, facts jsonb, new_enterprise uuid, new_record uuid
) ON COMMIT DROP"""

# Stage column -> column of the register, for what a mapping may bring.
ENTERPRISE_COLUMNS = {
    "name": "name", "legal_representative": "legal_representative", "address": "address",
    "premises": "premises_address", "place": "place", "industry": "industry", "economic_type": "economic_type",
    "founded_on": "founded_on", "enterprise_status": "status", "enterprise_kind": "kind",
}  # fmt: skip
CERTIFICATE_COLUMNS = {
    "name": "holder_name", "legal_representative": "legal_representative", "address": "address",
    "premises": "premises", "place": "place", "status": "status", "valid_from": "valid_from",
    "valid_to": "valid_to", "issued_on": "issued_on", "agency_name": "agency_name",
}  # fmt: skip
ENTRY_COLUMNS = {
    "title": "title", "facts": "facts", "occurred_on": "occurred_on", "valid_from": "valid_from",
    "valid_to": "valid_to", "agency_name": "agency_name",
}  # fmt: skip
_KEYS = ", ".join(f"'{field}'" for field in KEY_FIELDS)
_ITEM = ("category_code", "category", "detail", "varieties")
_NEW = "id, place, owner_node, version, created_at, updated_at"
_STATED = "coalesce(s.source_on, %(source_on)s::date)"


def _refuse(field: str, value: str, reason: str, where: str, extra: str = "") -> str:
    return f"""UPDATE registry_match AS m SET outcome = 'refused', wrong_field = '{field}',
        wrong_value = {value}, reason = {reason}
        FROM registry_stage AS s {extra} WHERE s.line = m.line AND m.outcome = '' AND {where}"""


# matching


def match(has: set[str], mapping: Mapping) -> list[str]:
    """Which enterprise each row speaks of; joins only what the rows bring."""
    joins, found, reasons = [], [], []
    if has & {"uscc", "org_code"}:
        joins.append(
            """LEFT JOIN registry_enterprise AS o
                ON o.org_code = s.org_code AND NOT o.org_code = '' AND s.org_code <> ''
            LEFT JOIN registry_identifier AS fu ON fu.scheme = 'uscc' AND fu.value = s.uscc AND s.uscc <> ''
            LEFT JOIN registry_identifier AS fo
                ON fo.scheme = 'organization_code' AND fo.value = s.org_code AND s.org_code <> ''"""
        )
        conflict = "o.id IS NOT NULL AND s.uscc <> '' AND o.uscc <> '' AND o.uscc <> s.uscc"
        found += [
            f"WHEN {conflict} THEN NULL",
            "WHEN o.id IS NOT NULL THEN o.id",
            "WHEN fu.id IS NOT NULL THEN fu.enterprise_id",
            "WHEN fo.id IS NOT NULL THEN fo.enterprise_id",
        ]
        reasons.append(
            (
                conflict,
                "uscc",
                "'组织机构代码 ' || s.org_code || ' 已属于“' || o.name || '”（' || o.uscc || '）'",
            )
        )
    numbers = (("registration_number", "'registration_number'", "r"), ("identifier", "%(scheme)s", "n"))
    for column, scheme, n in numbers:
        if column in has:
            joins.append(
                f"""LEFT JOIN registry_identifier AS {n}
                    ON {n}.scheme = {scheme} AND {n}.value = s.{column} AND s.{column} <> ''
                LEFT JOIN registry_enterprise AS {n}e ON {n}e.id = {n}.enterprise_id"""
            )
            found.append(f"WHEN {n}e.org_code = '' OR s.org_code = '' THEN {n}e.id")
            reasons.append(
                (f"{n}.id IS NOT NULL AND {n}.enterprise_id IS DISTINCT FROM f.id", column,
                 f"'编号 ' || s.{column} || ' 已属于另一企业'")
            )  # fmt: skip
    reasons += [
        ("coalesce(k.place, e.place) NOT BETWEEN %(lo)s AND %(hi)s", "uscc", "'该代码已在其他地区登记'"),
        ("e.id IS NULL AND s.place IS NULL", "place",
         "'没有登记过这一家，新建档案需要写明地区'" if mapping.kind != ENTERPRISE else "'缺少地区'"),
    ]  # fmt: skip
    cases = " ".join(f"WHEN {when} THEN {number}" for number, (when, _, _) in enumerate(reasons))
    fields = " ".join(f"WHEN {number} THEN '{field}'" for number, (_, field, _) in enumerate(reasons))
    values = " ".join(f"WHEN {number} THEN s.{field}::text" for number, (_, field, _) in enumerate(reasons))
    words = " ".join(f"WHEN {number} THEN {why}" for number, (_, _, why) in enumerate(reasons))
    return [
        f"""CREATE TEMPORARY TABLE registry_match ON COMMIT DROP AS
        SELECT s.line, s.key, s.new_enterprise, s.newest, NULL::uuid AS record, coalesce(k.id, e.id) AS enterprise,
            k.id IS NOT NULL AS frozen, {"o.id IS NULL" if has & {"uscc", "org_code"} else "true"} AS otherwise,
            e.id IS NULL AND w.number IS NULL AS is_new, true AS describes,
            CASE WHEN w.number IS NULL THEN '' ELSE 'refused' END AS outcome,
            CASE w.number {fields} END AS wrong_field, CASE w.number {values} END AS wrong_value,
            CASE w.number {words} END AS reason
        FROM registry_stage AS s {" ".join(joins)}
        CROSS JOIN LATERAL (SELECT {f"CASE {' '.join(found)} END" if found else "NULL::uuid"} AS id) AS f
        LEFT JOIN registry_enterprise AS e ON e.id = f.id
        LEFT JOIN registry_enterprise AS k ON k.id = e.merged_into_id
        CROSS JOIN LATERAL (SELECT CASE {cases} END AS number) AS w"""
    ]


# Two rows that name one enterprise in two ways: the first counts.
REFUSE_SAME = [
    """UPDATE registry_match AS m SET outcome = 'refused', is_new = false, wrong_field = 'name',
        wrong_value = s.name, reason = '与第 ' || d.first || ' 行是同一家'
    FROM registry_stage AS s, (
        SELECT enterprise, min(line) AS first FROM registry_match
        WHERE outcome = '' AND enterprise IS NOT NULL AND NOT frozen
        AND (SELECT EXISTS (SELECT 1 FROM registry_match WHERE otherwise AND enterprise IS NOT NULL))
        GROUP BY enterprise HAVING count(*) > 1) AS d
    WHERE m.enterprise = d.enterprise AND m.line > d.first AND m.outcome = '' AND NOT m.frozen AND s.line = m.line"""
]

# One row of several describes a holder: the newest by the mapping's date, else the last of the file.
CHOOSE = [
    """UPDATE registry_match AS m SET key = k.key, enterprise = coalesce(m.enterprise, k.enterprise)
        FROM registry_stage AS s, registry_stage AS o, registry_match AS k
        WHERE s.line = m.line AND s.identifier <> '' AND s.org_code = '' AND o.identifier = s.identifier
        AND o.org_code <> '' AND k.line = o.line AND k.outcome = '' AND m.outcome = ''""",
    "ANALYZE registry_match",
    """UPDATE registry_match AS m SET new_enterprise = w.new_enterprise, describes = m.line = w.line,
            is_new = m.enterprise IS NULL AND m.outcome = ''
        FROM (SELECT DISTINCT ON (key) key, new_enterprise, line FROM registry_match WHERE outcome = ''
              ORDER BY key, newest DESC NULLS LAST, line DESC) AS w
        WHERE m.key = w.key""",
]

MATCH_CERTIFICATES = [
    # a holder without any code is known by the certificate it holds
    """UPDATE registry_match AS m SET enterprise = c.holder_id
        FROM registry_stage AS s, registry_certificate AS c
        WHERE s.line = m.line AND m.enterprise IS NULL AND starts_with(m.key, 'certificate:') AND m.outcome = ''
        AND c.number_key = registry_number_key(s.number)""",
    _refuse(
        "number",
        "s.number",
        "CASE WHEN c.place NOT BETWEEN %(lo)s AND %(hi)s THEN '编号已在其他地区登记'"
        " WHEN c.case_number <> '' THEN '这张证书由本系统办理发放，不能用导入修改'"
        " WHEN c.kind <> s.kind THEN '编号已登记为另一种证书'"
        " ELSE '编号已登记在“' || c.holder_name || '”名下' END",
        "c.number_key = registry_number_key(s.number) AND (c.case_number <> '' OR c.kind <> s.kind"
        " OR c.holder_id IS DISTINCT FROM m.enterprise OR c.place NOT BETWEEN %(lo)s AND %(hi)s)",
        ", registry_certificate AS c",
    ),
    """UPDATE registry_match AS m SET record = c.id FROM registry_stage AS s, registry_certificate AS c
        WHERE s.line = m.line AND m.outcome = '' AND c.number_key = registry_number_key(s.number)""",
]

MATCH_ENTRIES = [
    _refuse(
        "source_key",
        "s.source_key",
        "'来源编号已登记在另一家名下'",
        "c.source = %(source)s AND c.source_key = s.source_key AND c.source_key <> ''"
        " AND c.enterprise_id IS DISTINCT FROM m.enterprise",
        ", registry_entry AS c",
    ),
    """UPDATE registry_match AS m SET record = c.id FROM registry_stage AS s, registry_entry AS c
        WHERE s.line = m.line AND m.outcome = '' AND c.source = %(source)s AND c.source_key = s.source_key
        AND c.source_key <> ''""",
]


# judging

ANY_LOCK = """SELECT EXISTS (SELECT 1 FROM registry_fact WHERE state = 'locked' AND removed_at IS NULL
    AND (locked_until IS NULL OR locked_until >= %(today)s))"""
_LOCKED = """EXISTS (SELECT 1 FROM registry_fact AS l WHERE l.enterprise_id = e.id AND l.field = '{column}'
    AND l.state = 'locked' AND l.removed_at IS NULL AND (l.locked_until IS NULL OR l.locked_until >= %(today)s))"""


def _absent(staged: str) -> str:
    return "IS NULL" if staged in (*DATES, "place") else "= ''"


def change(columns: dict[str, str], *, register: bool, locked: bool) -> list[str]:
    """Enterprises whose fields change, with all their new values.

    A register of enterprises replaces what was stated for an earlier day by a source of its rank, and whatever a
    lower one stated (`facts.decide`); name and place only of its own kind. Others fill what is empty and renew what
    they brought themselves. A locked field stays.
    """
    newer = f"({_STATED} IS NULL OR e.source_on IS NULL OR {_STATED} >= e.source_on)"
    wins = "e.source = ANY(%(lower)s) OR (e.source <> ALL(%(higher)s) AND " + newer + ")"
    own = f"({wins})" if register else f"e.source = %(source)s AND {newer}"
    values = []
    for staged, column in columns.items():
        may = f"s.{staged} {_absent(staged).replace('IS NULL', 'IS NOT NULL').replace('= ', '<> ')}"
        kin = " AND (e.source = %(source)s OR e.source = ANY(%(kin)s))" if column in KEY_FIELDS else ""
        may += f" AND (({own}{kin}) OR e.{column} {_absent(staged)})"
        if locked:
            may += f" AND NOT {_LOCKED.format(column=column)}"
        values.append((column, f"CASE WHEN {may} THEN s.{staged} ELSE e.{column} END"))
    values.append(("uscc", "CASE WHEN e.uscc = '' THEN s.uscc ELSE e.uscc END"))
    values.append(("org_code", "CASE WHEN e.org_code = '' THEN s.org_code ELSE e.org_code END"))
    listed = ", ".join(f"{value} AS {column}" for column, value in values)
    differs = " OR ".join(f"c.{column} IS DISTINCT FROM c.old_{column}" for column, _ in values)
    old = ", ".join(f"e.{column} AS old_{column}" for column, _ in values)
    return [
        f"""CREATE TEMPORARY TABLE registry_change ON COMMIT DROP AS
        SELECT * FROM (
            SELECT m.line, e.id, e.place AS held_place, e.version, s.initials, {_STATED} AS source_on, {listed}, {old}
            FROM registry_match AS m JOIN registry_stage AS s ON s.line = m.line
            JOIN registry_enterprise AS e ON e.id = m.enterprise
            WHERE m.outcome = '' AND NOT m.is_new AND NOT m.frozen AND m.describes) AS c
        WHERE {differs}"""
    ]


OTHER_SOURCES = """SELECT DISTINCT e.source FROM registry_match AS m JOIN registry_enterprise AS e ON e.id = m.enterprise
    WHERE e.source <> %(source)s"""


def keep_differing(columns: dict[str, str]) -> str:
    """What this source states otherwise than the one that counts is kept beside it, once."""
    held = "CASE WHEN c.id IS NULL THEN e.{0}::text ELSE c.{0}::text END"  # what will stand after the change
    pairs = ", ".join(f"('{c}', s.{staged}::text, {held.format(c)})" for staged, c in columns.items())
    return f"""INSERT INTO registry_fact (enterprise_id, place, field, value, state, valid_from, source, source_on,
            confidence, rank, batch, reason, actor)
        SELECT e.id, e.place, v.field, v.stated, 'differs', {_STATED}, %(source)s, {_STATED}, 100, %(rank)s, %(batch)s,
            CASE WHEN l.id IS NOT NULL THEN '人工更正锁定至 ' || coalesce(l.locked_until::text, '解除')
                WHEN v.field IN ({_KEYS}) THEN '关键信息来源不一致，须人工核定，不自动覆盖'
                WHEN e.source = ANY(%(higher)s) THEN '来源等级较低'
                ELSE '另一来源的记载，现用 ' || coalesce(nullif(e.source, ''), '登记信息') END, ''
        FROM registry_match AS m JOIN registry_stage AS s ON s.line = m.line
        JOIN registry_enterprise AS e ON e.id = m.enterprise
        LEFT JOIN registry_change AS c ON c.id = e.id
        CROSS JOIN LATERAL (VALUES {pairs}) AS v(field, stated, held)
        LEFT JOIN registry_fact AS l ON l.enterprise_id = e.id AND l.field = v.field AND l.state = 'locked'
            AND l.removed_at IS NULL AND (l.locked_until IS NULL OR l.locked_until >= %(today)s)
        WHERE m.outcome <> 'refused' AND NOT m.is_new AND NOT m.frozen AND m.describes
            AND v.stated <> '' AND v.held <> '' AND v.stated <> v.held
            AND (e.source <> %(source)s OR l.id IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM registry_fact AS f WHERE f.enterprise_id = e.id AND f.field = v.field
                AND f.value = v.stated AND f.source = %(source)s AND f.removed_at IS NULL AND f.state <> 'former')"""


COUNT_ENTERPRISES = """SELECT 'refused', count(*) FROM registry_match WHERE outcome = 'refused'
    UNION ALL SELECT 'created', count(*) FROM registry_match WHERE is_new AND outcome = ''
    UNION ALL SELECT 'changed', count(*) FROM registry_change
    UNION ALL SELECT 'unchanged', (SELECT count(*) FROM registry_match WHERE outcome = '' AND NOT is_new)
        - (SELECT count(*) FROM registry_change)"""
COUNT = "SELECT outcome, count(*) FROM registry_match GROUP BY outcome"
REFUSED = """SELECT line, wrong_field, coalesce(wrong_value, ''), reason FROM registry_match
    WHERE outcome = 'refused' ORDER BY line"""


def _brought(columns: dict[str, str], fields: Iterable[str]) -> dict[str, str]:
    return {s: c for s, c in columns.items() if s in fields}


def judge_certificates(fields: Iterable[str]) -> list[str]:
    """Which certificates are new, change or stay."""
    columns = _brought(CERTIFICATE_COLUMNS, fields)
    differs = " OR ".join(f"c.{c} IS DISTINCT FROM {_certified(s)}" for s, c in columns.items())
    if set(_ITEM) & set(fields):
        differs += f""" OR (s.category <> '' AND NOT EXISTS (
            SELECT 1 FROM registry_certificateitem AS i WHERE {_SAME_ITEM}))"""
    return _judge("registry_certificate", differs)


def _certified(staged: str) -> str:
    """An empty status says nothing of a certificate that is known."""
    return "coalesce(nullif(s.status, ''), c.status)" if staged == "status" else f"s.{staged}"


_SAME_ITEM = "i.certificate_id = c.id AND " + " AND ".join(f"i.{c} = s.{c}" for c in _ITEM)


def _judge(table: str, differs: str) -> list[str]:
    return [
        "UPDATE registry_match SET outcome = 'created' WHERE outcome = '' AND record IS NULL",
        f"""UPDATE registry_match AS m SET outcome = 'changed' FROM registry_stage AS s, {table} AS c
            WHERE s.line = m.line AND m.outcome = '' AND c.id = m.record
            AND ({differs} OR EXISTS (SELECT 1 FROM registry_change AS g WHERE g.line = m.line))""",
        "UPDATE registry_match SET outcome = 'unchanged' WHERE outcome = ''",
    ]


_ENTRY_VALUES = {c: f"s.{c}" for c in ENTRY_COLUMNS} | {"title": "coalesce(nullif(s.title, ''), %(words)s)"}
JUDGE_ENTRIES = _judge(
    "registry_entry",
    " OR ".join(f"c.{c} IS DISTINCT FROM {v}" for c, v in _ENTRY_VALUES.items())
    + " OR c.published IS DISTINCT FROM %(published)s",
)


# writing


def enter_enterprises(kind: str) -> list[str]:
    """Insert what is new."""
    return [
        f"""INSERT INTO registry_enterprise ({_NEW}, name, uscc, org_code, kind, legal_representative, address,
            premises_address, industry, economic_type, founded_on, status, source, source_on, received_on, batch,
            initials, is_demo, remark)
        SELECT m.new_enterprise, s.place, %(node)s, 1, now(), now(), s.name, s.uscc, s.org_code,
            coalesce(nullif(s.enterprise_kind, ''), 'company'), s.legal_representative, s.address, s.premises,
            s.industry, s.economic_type, s.founded_on, coalesce(nullif(s.enterprise_status, ''), 'active'),
            %(source)s, {_STATED}, %(today)s, %(batch)s, s.initials, false, ''
        FROM registry_match AS m JOIN registry_stage AS s ON s.line = m.line
        WHERE m.is_new AND m.outcome {"= ''" if kind == ENTERPRISE else "<> 'refused'"} AND m.describes
        ORDER BY s.org_code"""
    ]


def update_enterprises(columns: dict[str, str], *, register: bool) -> list[str]:
    """Keep what is replaced (for the archive's history and for taking the batch back), then bring what is new."""
    changing = [*columns.values(), "uscc", "org_code"]
    kept = ", ".join(f"'{c}', c.old_{c}" for c in changing)
    pairs = ", ".join(f"('{c}', c.old_{c}::text, c.{c}::text)" for c in changing)
    sets = [f"{c} = c.{c}" for c in changing]
    if register:
        # a row whose name or place is in dispute stays its former source's
        disputed = f"""EXISTS (SELECT 1 FROM registry_fact AS f WHERE f.enterprise_id = e.id AND f.state = 'differs'
            AND f.removed_at IS NULL AND f.source = %(source)s AND f.field IN ({_KEYS}))"""
        sets += [
            f"source = CASE WHEN {disputed} THEN e.source ELSE %(source)s END",
            f"source_on = CASE WHEN {disputed} THEN e.source_on ELSE coalesce(c.source_on, e.source_on) END",
            "received_on = %(today)s",
        ]
    if "name" in changing:
        sets.append("initials = CASE WHEN c.name = e.name THEN e.initials ELSE c.initials END")
    statements = [
        f"""INSERT INTO registry_importchange (place, batch_id, "table", record, version, before)
        SELECT e.place, %(batch)s, 'enterprise', e.id, e.version + 1, jsonb_build_object({kept},
            'source', e.source, 'source_on', e.source_on, 'received_on', e.received_on, 'initials', e.initials)
        FROM registry_change AS c JOIN registry_enterprise AS e ON e.id = c.id""",
        f"""INSERT INTO registry_fact (enterprise_id, place, field, value, state, valid_to, source, source_on,
            confidence, rank, batch, reason, actor)
        SELECT e.id, e.place, v.field, coalesce(v.old, ''), 'former', coalesce(c.source_on, %(today)s), e.source,
            e.source_on, 100, CASE WHEN e.source = %(source)s THEN %(rank)s ELSE 0 END, %(batch)s, '较新的登记', ''
        FROM registry_change AS c JOIN registry_enterprise AS e ON e.id = c.id
        CROSS JOIN LATERAL (VALUES {pairs}) AS v(field, old, new) WHERE v.old IS DISTINCT FROM v.new""",
        f"""UPDATE registry_enterprise AS e SET {", ".join(sets)}, version = e.version + 1, updated_at = now()
        FROM registry_change AS c WHERE e.id = c.id""",
    ]
    if "place" in columns.values():
        statements += [
            f"""UPDATE {table} AS t SET place = c.place FROM registry_change AS c
            WHERE c.place <> c.old_place AND t.enterprise_id = c.id"""
            for table in ("registry_identifier", "registry_enterprisecontact")
        ]
    return statements


def identify(has: set[str]) -> list[str]:
    """Enter numbers of other registers, and note those of enterprises that stood here before."""
    numbers = (("registration_number", "'registration_number'"), ("identifier", "%(scheme)s"))
    return [
        f"""WITH added AS (
            INSERT INTO registry_identifier ({_NEW}, scheme, value, source, enterprise_id)
            SELECT DISTINCT ON (s.{column}) gen_random_uuid(), e.place, %(node)s, 1, now(), now(), {scheme},
                s.{column}, %(source)s, e.id
            FROM registry_match AS m JOIN registry_stage AS s ON s.line = m.line
            JOIN registry_enterprise AS e ON e.id = coalesce(m.enterprise, m.new_enterprise)
            WHERE m.outcome <> 'refused' AND NOT m.frozen AND s.{column} <> ''
            AND NOT EXISTS (SELECT 1 FROM registry_identifier AS n WHERE n.scheme = {scheme} AND n.value = s.{column})
            ORDER BY s.{column}, s.line ON CONFLICT DO NOTHING RETURNING id, place, enterprise_id)
        INSERT INTO registry_importchange (place, batch_id, "table", record, version, before)
        SELECT a.place, %(batch)s, 'identifier', a.id, 1, '{{}}' FROM added AS a
        JOIN registry_enterprise AS e ON e.id = a.enterprise_id WHERE e.batch IS DISTINCT FROM %(batch)s"""
        for column, scheme in numbers
        if column in has
    ]


def write_certificates(fields: Iterable[str]) -> list[str]:
    """Enter new certificates, renew changed ones with what they cover."""
    columns = _brought(CERTIFICATE_COLUMNS, fields)
    kept = ", ".join(f"'{c}', c.{c}" for c in columns.values())
    sets = ", ".join(f"{c} = {_certified(s)}" for s, c in columns.items())
    rows = "registry_match AS m JOIN registry_stage AS s ON s.line = m.line"
    statements = [
        f"""INSERT INTO registry_certificate ({_NEW}, number, kind, holder_id, holder_name, holder_code, status,
            valid_from, valid_to, issued_on, agency_key, agency_name, legal_representative, address, premises,
            case_number, rule_set, source, batch, face_version, is_demo)
        SELECT s.new_record, s.place, %(node)s, 1, now(), now(), s.number, s.kind, e.id, s.name,
            coalesce(nullif(s.uscc, ''), nullif(s.org_code, ''), nullif(s.registration_number, ''),
                     left(s.identifier, 30)),
            coalesce(nullif(s.status, ''), 'valid'), s.valid_from, s.valid_to, s.issued_on, '', s.agency_name,
            s.legal_representative, s.address, s.premises, '', '', %(source)s, %(batch)s, 1, false
        FROM {rows} JOIN registry_enterprise AS e ON e.id = coalesce(m.enterprise, m.new_enterprise)
        WHERE m.outcome = 'created' ORDER BY s.line""",
        f"""INSERT INTO registry_importchange (place, batch_id, "table", record, version, before)
        SELECT c.place, %(batch)s, 'certificate', c.id, c.version + 1, jsonb_build_object({kept}, 'items',
            (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i."order"), '[]') FROM registry_certificateitem AS i
             WHERE i.certificate_id = c.id))
        FROM registry_match AS m JOIN registry_certificate AS c ON c.id = m.record WHERE m.outcome = 'changed'""",
        f"""UPDATE registry_certificate AS c SET {sets}, version = c.version + 1, updated_at = now()
        FROM {rows} WHERE m.outcome = 'changed' AND c.id = m.record""",
    ]
    if set(_ITEM) & set(fields):
        statements += [
            """DELETE FROM registry_certificateitem AS i USING registry_match AS m, registry_stage AS s
            WHERE s.line = m.line AND m.outcome = 'changed' AND s.category <> '' AND i.certificate_id = m.record""",
            f"""INSERT INTO registry_certificateitem ({_NEW}, certificate_id, "order", category_code, category,
                detail_code, detail, varieties)
            SELECT gen_random_uuid(), s.place, %(node)s, 1, now(), now(), coalesce(m.record, s.new_record), 1,
                s.category_code, s.category, '', s.detail, s.varieties
            FROM {rows} WHERE m.outcome IN ('created', 'changed') AND s.category <> ''""",
        ]
    return statements


_ENTRY_LIST = ", ".join(_ENTRY_VALUES)
WRITE_ENTRIES = [
    f"""INSERT INTO registry_entry ({_NEW}, enterprise_id, section, {_ENTRY_LIST}, state, source, source_key, published,
        batch)
    SELECT s.new_record, e.place, %(node)s, 1, now(), now(), e.id, %(section)s, {", ".join(_ENTRY_VALUES.values())},
        '', %(source)s, s.source_key, %(published)s, %(batch)s
    FROM registry_match AS m JOIN registry_stage AS s ON s.line = m.line
    JOIN registry_enterprise AS e ON e.id = coalesce(m.enterprise, m.new_enterprise)
    WHERE m.outcome = 'created' ORDER BY s.line""",
    f"""INSERT INTO registry_importchange (place, batch_id, "table", record, version, before)
    SELECT c.place, %(batch)s, 'entry', c.id, c.version + 1, jsonb_build_object(
        {", ".join(f"'{c}', c.{c}" for c in ENTRY_COLUMNS)}, 'published', c.published)
    FROM registry_match AS m JOIN registry_entry AS c ON c.id = m.record WHERE m.outcome = 'changed'""",
    f"""UPDATE registry_entry AS c SET {", ".join(f"{c} = {v}" for c, v in _ENTRY_VALUES.items())},
        published = %(published)s, version = c.version + 1, updated_at = now()
    FROM registry_match AS m, registry_stage AS s
    WHERE s.line = m.line AND m.outcome = 'changed' AND c.id = m.record""",
]
