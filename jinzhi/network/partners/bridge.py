"""The front-end database (前置机): bridge tables in a schema of the partner's own, worked off every minute.

The partner adds rows and a line in `batch_in`, sets it ready, and reads the answer there; what is for it lies in
`out_<dataset>` with a line in `batch_out`, which it marks received. Item columns are texts named f_<item>.
"""

import json
import secrets
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.history import chain
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import files, formats, intake, outlet
from jinzhi.network.partners.intake import Header, Refused, Row
from jinzhi.network.partners.models import Batch, Call, Partner

MOST_ROWS = 100_000
KEPT_DAYS = 7  # rows of batches that were received


def schema(partner: Partner) -> str:
    return f"front_{partner.code}"


def table(side: str, dataset: str) -> str:
    return f"{side}_{dataset.replace('.', '_')}"


def role_statements(partner: Partner) -> list[str]:
    """What a database administrator runs once: the partner's role. The password is new each time it is printed."""
    who = f"partner_{partner.code}"
    name = connection.settings_dict["NAME"]
    return [
        f"CREATE ROLE {who} LOGIN NOINHERIT CONNECTION LIMIT {partner.connections} PASSWORD '{secrets.token_urlsafe(18)}';",
        f"ALTER ROLE {who} SET search_path = {schema(partner)};",
        f"ALTER ROLE {who} SET statement_timeout = '60s';",
        f'GRANT CONNECT ON DATABASE "{name}" TO {who};',
        f"SELECT partners_bridge_grant('{partner.code}');",
    ]


@transaction.atomic
def prepare(partner: Partner) -> list[str]:
    """Bring the partner's bridge tables to its grants; answers what was made."""
    made = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT partners_bridge(%s)", [partner.code])
        if cursor.fetchone()[0]:
            made.append(schema(partner))
        for grant in _grants(partner):
            side = "in" if grant.inward else "out"
            cursor.execute(
                "SELECT partners_bridge_table(%s, %s, %s, %s)",
                [partner.code, side, grant.dataset, grant.fields],
            )
            if cursor.fetchone()[0]:
                made.append(table(side, grant.dataset))
        cursor.execute("SELECT partners_bridge_grant(%s)", [partner.code])
    return made


def _grants(partner: Partner) -> list[Grant]:
    return list(
        Grant.objects.filter(kind="partner", consumer=partner.code, state=Grant.State.ACTIVE).order_by(
            "dataset"
        )
    )


def is_prepared(partner: Partner) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema(partner)])
        return cursor.fetchone()[0]


def work_off() -> dict[str, int]:
    """The bridge tables of every partner that uses them; one that fails does not hold up the others."""
    done = {"in": 0, "out": 0}
    with scope.acting(scope.SYSTEM):
        for partner in Partner.objects.filter(state__in=("active", "limited")):
            if "database" not in (*partner.accepts, partner.delivery):
                continue
            with files.alone(partner) as mine:
                if not mine:
                    continue
                try:
                    prepare(partner)
                    done["in"] += take_in(partner)
                    done["out"] += put_out(partner) if partner.delivery == "database" else 0
                except DatabaseError as fault:
                    _log(partner, "前置机数据库", 500, reason=str(fault).splitlines()[0])
    return done


def take_in(partner: Partner) -> int:
    """Work off the batches that are ready, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, dataset, schema, mode, rows FROM {schema(partner)}.batch_in"  # noqa: S608
            " WHERE ready AND state = 'waiting' ORDER BY put_at, number"
        )
        ready = cursor.fetchall()
    for number, dataset, version, mode, rows in ready:
        _one(partner, Header(number, dataset, version, "", rows, mode))
    return len(ready)


def _one(partner: Partner, header: Header) -> None:
    try:
        with transaction.atomic():
            batch = _take(partner, header)
            _answer(partner, header.number, batch)
        _log(partner, f"桥接表批次 {header.number}", 200, rows=batch.rows)
    except Refused as fault:
        batch = intake.refuse_batch(partner, "database", header, fault)
        batch.number = header.number
        _answer(partner, header.number, batch)
        _log(partner, f"桥接表批次 {header.number}", 422, reason=str(fault))


def _take(partner: Partner, header: Header) -> Batch:
    if "database" not in partner.accepts:
        raise Refused("E09", f"{partner.name}没有约定用前置机数据库提交")
    one, grant = intake.check(partner, header)
    if header.rows > MOST_ROWS:
        raise Refused("E10", f"一批不超过 {MOST_ROWS} 条，请分批")
    found = _rows(partner, one, grant, header.number)
    if len(found) != header.rows:
        raise Refused("E01", f"批次声明 {header.rows} 条，表中有 {len(found)} 条")
    content = json.dumps([header.dataset, header.schema, header.mode, found], ensure_ascii=False).encode()
    whole = Header(header.number, header.dataset, header.schema, chain.sm3(content), header.rows, header.mode)
    batch, finished = intake.open_batch(partner, "database", whole)
    if finished:
        return batch
    fields = [name for name in one.by_key if name in grant.fields]
    return intake.run(partner, batch, one, [_row(one, fields, cells) for cells in found], mode=header.mode)


def _rows(partner: Partner, one: declared.Dataset, grant: Grant, number: str) -> list[list[str]]:
    """The batch's rows as texts; nobody adds to the table until this transaction ends."""
    name = f"{schema(partner)}.{table('in', one.key)}"
    fields = ", ".join(f"coalesce(f_{key}, '')" for key in one.by_key if key in grant.fields)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")
        cursor.execute(
            f"SELECT op, key, coalesce(version, ''), coalesce(place, ''), coalesce(changed_at, ''), {fields}"  # noqa: S608
            f" FROM {name} WHERE batch = %s ORDER BY row LIMIT %s",
            [number, MOST_ROWS + 1],
        )
        return [list(row) for row in cursor.fetchall()]


def _row(one: declared.Dataset, fields: list[str], cells: list[str]) -> Row:
    about = dict(zip(formats.ABOUT, cells[:5], strict=True))
    return formats.record(about | dict(zip(fields, cells[5:], strict=True)), one)


def _answer(partner: Partner, number: str, batch: Batch) -> None:
    """Write the answer beside the batch, and the reason beside each refused row."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {schema(partner)}.batch_in SET state = %s, reason = %s, receipts = %s, answered_at = now()"  # noqa: S608
            " WHERE number = %s",
            [batch.state, batch.reason, json.dumps(batch.receipts, ensure_ascii=False), number],
        )
        rejected = batch.receipts.get("R4", {}).get("rejected", [])
        if rejected:
            name = f"{schema(partner)}.{table('in', batch.dataset)}"
            cursor.execute(
                f"WITH ranked AS (SELECT row, row_number() OVER (ORDER BY row) AS n FROM {name} WHERE batch = %s)"  # noqa: S608
                f" UPDATE {name} AS t SET refused_code = r.code, refused_reason = r.reason"
                " FROM ranked JOIN unnest(%s::integer[], %s::text[], %s::text[]) AS r(n, code, reason) USING (n)"
                " WHERE t.batch = %s AND t.row = ranked.row",
                [
                    number,
                    [r["row"] for r in rejected],
                    [r["code"] for r in rejected],
                    [r["reason"] for r in rejected],
                    number,
                ],
            )


# -- outwards


def put_out(partner: Partner) -> int:
    """Take receipts, then write each whole batch behind the last one into the bridge tables."""
    try:
        here = outlet.standing(partner)
    except outlet.Refused:
        return 0
    _take_receipts(partner)
    outlet.number_if_alone()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(last), 0) FROM {schema(partner)}.batch_out")  # noqa: S608
        (written,) = cursor.fetchone()
    after = max(here["acknowledged"], here["base"], written if written <= here["numbered"] else 0)
    count = 0
    while lot := files.next_batch(partner, after):
        trailer, messages = lot
        _write(partner, trailer, messages)
        after, count = trailer["last"], count + 1
    return count


@transaction.atomic
def _write(
    partner: Partner, trailer: dict[str, Any], messages: list[tuple[int, str, dict[str, Any]]]
) -> None:
    home, rows = schema(partner), 0
    columns = {grant.dataset: grant.fields for grant in _grants(partner) if not grant.inward}
    with connection.cursor() as cursor:
        for seq, dataset, said in messages:
            if dataset not in columns:
                continue
            fields = columns[dataset]
            values = [formats.cell(said["body"].get(name)) or None for name in fields]
            names = "".join(f", f_{name}" for name in fields)
            cursor.execute(
                f"INSERT INTO {home}.{table('out', dataset)} (seq, batch, op, id, version, place, changed_at{names})"  # noqa: S608
                f" VALUES (%s, %s, %s, %s, %s, %s, %s{', %s' * len(fields)}) ON CONFLICT (seq) DO NOTHING",
                [
                    seq,
                    trailer["batch"],
                    said["op"],
                    said["id"],
                    said["version"],
                    said["place"],
                    said["at"],
                    *values,
                ],
            )
            rows += 1
        cursor.execute(
            f"INSERT INTO {home}.batch_out (number, first, last, rows, digest, trailer)"  # noqa: S608
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (number) DO NOTHING",
            [trailer["batch"], trailer["first"], trailer["last"], rows, trailer["digest"],
             json.dumps(trailer, ensure_ascii=False)],
        )  # fmt: skip
    Batch.objects.update_or_create(
        partner=partner, outward=True, number=f"{partner.code}-{trailer['batch']:08d}",
        defaults={"place": partner.place, "gateway": "database", "digest": trailer["digest"], "rows": rows,
                  "base": trailer["first"] - 1, "last": trailer["last"], "state": Batch.State.SENT},
    )  # fmt: skip
    _log(partner, f"写入桥接表批次 {trailer['batch']}", 200, rows=rows)


def _take_receipts(partner: Partner) -> None:
    """Batches the partner marked received are acknowledged, those behind an open one too: it says what it has."""
    home = schema(partner)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, last, rows, refused FROM {home}.batch_out WHERE received AND closed_at IS NULL"  # noqa: S608
            f" AND NOT EXISTS (SELECT FROM {home}.batch_out AS o WHERE NOT o.received AND o.number < batch_out.number)"
            " ORDER BY number"
        )
        rows = cursor.fetchall()
    for number, last, count, refused in rows:
        refused = json.loads(refused) if isinstance(refused, str) else refused
        try:
            listed = [(int(r["seq"]), str(r["code"])[:3], str(r.get("reason", ""))) for r in refused]
            with transaction.atomic():
                outlet.acknowledge(partner, last, listed)
                with connection.cursor() as cursor:
                    cursor.execute(
                        f"UPDATE {home}.batch_out SET closed_at = now() WHERE number = %s",  # noqa: S608
                        [number],
                    )
                Batch.objects.filter(
                    partner=partner, outward=True, number=f"{partner.code}-{number:08d}"
                ).update(
                    state=Batch.State.DONE,
                    finished_at=timezone.now(),
                    accepted=count - len(listed),
                    rejected=len(listed),
                )
        except (outlet.Refused, KeyError, TypeError, ValueError) as fault:
            _log(partner, f"桥接表回执 {number}", 422, reason=f"refused 不能读取：{fault}")
            return


def clean_up(partner: Partner) -> int:
    """Rows of batches that were received a week ago are not needed any more."""
    home, gone = schema(partner), 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(max(number), 0) FROM {home}.batch_out"  # noqa: S608
            " WHERE closed_at < now() - make_interval(days => %s)",
            [KEPT_DAYS],
        )
        (last,) = cursor.fetchone()
        for grant in _grants(partner):
            if not grant.inward:
                cursor.execute(f"DELETE FROM {home}.{table('out', grant.dataset)} WHERE batch <= %s", [last])  # noqa: S608
                gone += cursor.rowcount
    return gone


def _log(partner: Partner, what: str, status: int, *, reason: str = "", rows: int = 0) -> None:
    Call.objects.create(
        place=partner.place,
        partner=partner,
        gateway="database",
        what=what[:120],
        status=status,
        reason=reason[:200],
        rows=rows,
    )
    Partner.objects.filter(pk=partner.pk).update(last_seen=timezone.now())
