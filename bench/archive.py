"""Enterprise archives by JSON and HTML against pgbench of the same SQL, among a register of any size.

One process, no network: what a request costs beyond its SQL, today and as of a day. JINZHI_BENCH_ENTERPRISES sets
the size of the register (`--full`: ten million). Those asked for hold certificates, former values and entries.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import date

import django

ENTERPRISES = int(
    os.environ.get("JINZHI_BENCH_ENTERPRISES", "10000000" if "--full" in sys.argv else "1000000")
)
HOLDERS = 20_000  # spread over the register; three certificates, two former values, three entries each
SECONDS = 8
THEN = "2020-06-01"

_HOLDERS = """CREATE TABLE bench_holder AS SELECT row_number() OVER (ORDER BY id) AS n, id, uscc, place, name
    FROM registry_enterprise TABLESAMPLE SYSTEM_ROWS(%s) WHERE uscc <> ''"""
_LINKED = [
    """WITH held AS (
        INSERT INTO registry_certificate (id, place, owner_node, version, created_at, updated_at, number, kind,
            holder_id, holder_name, holder_code, status, valid_from, valid_to, issued_on, agency_key, agency_name,
            legal_representative, address, premises, case_number, rule_set, source, face_version, is_demo)
        SELECT gen_random_uuid(), e.place, '330000', 1, now(), now(), 'B' || e.uscc || c.n, 'food_production', e.id,
            e.name, e.uscc, 'valid', '2018-01-01'::date + c.n, '2028-01-01'::date + c.n, '2018-01-01', '', '某局', '',
            '某路', '某路', '', '', '生成', 1, false
        FROM bench_holder AS e, generate_series(1, 3) AS c(n) RETURNING id, place)
    INSERT INTO registry_certificateitem (id, place, owner_node, version, created_at, updated_at, certificate_id,
        "order", category_code, category, detail_code, detail, varieties)
    SELECT gen_random_uuid(), place, '330000', 1, now(), now(), id, n, '14', '茶叶及相关制品', '1401', '茶叶', '绿茶'
    FROM held, generate_series(1, 2) AS n""",
    """INSERT INTO registry_fact (enterprise_id, place, field, value, state, valid_to, source, received_at)
    SELECT id, place, f, '旧' || f, 'former', '2021-01-01', '生成', '2021-01-02'
    FROM bench_holder, unnest(ARRAY['name', 'address']) AS f""",
    """INSERT INTO registry_entry (id, place, owner_node, version, created_at, updated_at, enterprise_id, section, title,
        occurred_on, published, source)
    SELECT gen_random_uuid(), place, '330000', 1, now(), now(), id, s, '一条', '2019-03-01', true, '生成'
    FROM bench_holder, unnest(ARRAY['samples', 'inspections', 'products']) AS s""",
    "ALTER TABLE bench_holder ADD PRIMARY KEY (n)",
    "GRANT SELECT ON bench_holder TO PUBLIC",
]


def fill() -> list[str]:
    """The register and what hangs on some of it; the codes of those."""
    import generating
    import measured

    generating.fill(ENTERPRISES)
    with measured.superuser() as owner:
        owner.execute("CREATE EXTENSION IF NOT EXISTS tsm_system_rows")
        owner.execute(_HOLDERS.replace("%s", str(HOLDERS)))
        for statement in _LINKED:
            owner.execute(statement)
        owner.commit()
        return [code for (code,) in owner.execute("SELECT uscc FROM bench_holder ORDER BY n").fetchall()]


def pgbench_rate(mode: str, codes: list[str], on: str = "") -> float:
    """Transactions a second of one client running the archive's own SQL as the public's role."""
    from django.db import connection

    from jinzhi.registry import queries

    wanted = {
        "id": "'00000000-0000-0000-0000-000000000000'",
        "code": ":code",
        "org": ":org",
        "on": f"'{on or date.today()}'",
        "known": "'infinity'",
    }
    sql = re.sub(r"%\((\w+)\)s", lambda m: wanted[m[1]], queries.archive(False, bool(on))).replace("%%", "%")
    place = connection.settings_dict
    # one key look-up more than the application's statement, which gets its code from the address
    picks = f"\\set n random(1, {len(codes)})\n"
    sql = sql.replace(":code", "(SELECT uscc FROM bench_holder WHERE n = :n)")
    sql = sql.replace(":org", "(SELECT substr(uscc, 9, 9) FROM bench_holder WHERE n = :n)")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"{picks}{' '.join(sql.split())};\n")
        script.flush()
        command = ["pgbench", "-n", "-c", "1", "-T", str(SECONDS), "-M", mode, "-f", script.name]
        command += ["-h", place["HOST"], "-p", str(place["PORT"]), "-U", place["USER"], place["NAME"]]
        environment = os.environ | {"PGOPTIONS": "-c role=jinzhi_public"}
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(re.search(r"tps = ([\d.]+)", answer.stdout)[1])


def request_rate(path: str, codes: list[str]) -> tuple[float, float]:
    """Requests a second through the whole application, and CPU milliseconds of this process for each."""
    from django.test import Client

    client, chance = Client(), random.Random(1)
    for code in codes[:30]:
        assert client.get(path.format(code)).status_code == 200
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS:
        client.get(path.format(chance.choice(codes)))
        count += 1
    return count / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / count


def archives(codes: list[str]) -> None:
    simple, prepared = pgbench_rate("simple", codes), pgbench_rate("prepared", codes)
    print(f"archive | pgbench, simple | {simple:.0f}/s | {simple / prepared:.2f}x")
    print(f"archive | pgbench, prepared | {prepared:.0f}/s | 1.00x")
    then = pgbench_rate("prepared", codes, THEN)
    print(f"archive | pgbench, prepared, as of a day | {then:.0f}/s | {then / prepared:.2f}x")
    for title, path, base in (
        ("JSON", "/api/v1/enterprises/{}", prepared),
        ("HTML", "/enterprises/{}", prepared),
        ("JSON as of a day", f"/api/v1/enterprises/{{}}?as_of={THEN}", then),
        ("HTML as of a day", f"/enterprises/{{}}?as_of={THEN}", then),
    ):
        rate, cpu = request_rate(path, codes)
        print(
            f"archive | {title} by the application | {rate:.0f}/s, {cpu:.2f} ms CPU | {rate / base:.2f}x",
            flush=True,
        )


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "jinzhi.settings", "JINZHI_API_RATE": "100000000/m"}
    django.setup()
    import measured
    from django.conf import settings
    from django.db import connections

    settings.ALLOWED_HOSTS.append("testserver")
    with measured.database(large=ENTERPRISES > 1_000_000):
        connections["default"].settings_dict["CONN_MAX_AGE"] = None  # as the server's pool keeps them
        began = time.perf_counter()
        codes = fill()
        measured.analyzed()
        print(
            f"archive | {ENTERPRISES:,} enterprises made in {time.perf_counter() - began:.0f} s", flush=True
        )
        archives(codes)


if __name__ == "__main__":
    main()
