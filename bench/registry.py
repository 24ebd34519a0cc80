"""Enterprise archives by JSON and HTML against pgbench of the same SQL; two characters in a million names.

One process, no network: what a request costs beyond its SQL. JINZHI_BENCH_NAMES sets the number of names.
"""

import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from datetime import date

import django

NAMES = int(os.environ.get("JINZHI_BENCH_NAMES", "1000000"))
HOLDERS = 20_000  # enterprises with codes, three certificates each
SECONDS = 8

_BRAND = (
    "华兴隆盛源泰丰裕恒昌达通顺安康宁德信义和平福禄寿喜金银铜铁江河湖海山川林森木草花香味鲜甜美乐天地日月星辰"
    "云雨风雪春夏秋冬东西南北中正大小新老明亮光辉煌宏伟永久长青松竹梅兰菊荷莲龙凤麒麟虎豹鹰鹏鸿雁燕百千万亿"
    "元亨利贞诚仁善良优品佳"
)
_CHARACTER = f"substr('{_BRAND}', 1 + floor(random() * {len(_BRAND)})::int, 1)"
_TRADES = "食品 茶叶 水产 粮油 调味品 饮料 酒业 糕点 豆制品 贸易 机械 电子 化工 纺织 服饰 塑料 五金 建材 科技"
_FORMS = "有限公司 有限公司 有限公司 有限责任公司 股份有限公司 厂 合作社 经营部 商行 店"


def _one_of(words: str) -> str:
    return f"split_part('{words}', ' ', 1 + floor(random() * {words.count(' ') + 1})::int)"


_ENTERPRISES = f"""
INSERT INTO registry_enterprise (id, place, owner_node, version, created_at, updated_at, name, uscc, org_code,
    kind, legal_representative, address, premises_address, industry, status, source, is_demo, remark)
SELECT (lpad(to_hex(1700000000000 + i), 12, '0') || '7000' || '8' || substr(md5(i::text), 1, 15))::uuid,
    d.code::bigint * 1000000, '330000', 1, now(), now(),
    CASE WHEN random() < 0.7 THEN d.city ELSE d.name END
        || {_CHARACTER} || {_CHARACTER} || CASE WHEN i % 2 = 0 THEN {_CHARACTER} ELSE '' END
        || {_one_of(_TRADES)}
        || {_one_of(_FORMS)},
    CASE WHEN i <= {HOLDERS} THEN 'U' || lpad(i::text, 17, '0') ELSE '' END, '',
    'company', '负责人' || i, d.name || '某路' || i || '号', '', 'C1399', 'active', '生成', false, ''
FROM generate_series(1, {NAMES}) AS i
JOIN (SELECT row_number() OVER (ORDER BY c.code) AS n, c.code, c.name, left(p.name, 2) AS city
      FROM places_division AS c JOIN places_division AS p ON p.code = c.parent AND p.valid_to IS NULL
      WHERE c.level = 'county' AND c.valid_to IS NULL AND c.code LIKE '33%') AS d ON d.n = 1 + i % 90
"""
_CERTIFICATES = """
WITH held AS (
    INSERT INTO registry_certificate (id, place, owner_node, version, created_at, updated_at, number, kind,
        holder_id, holder_name, holder_code, status, valid_from, valid_to, issued_on, agency_key, agency_name,
        legal_representative, address, premises, case_number, rule_set, source, face_version, is_demo)
    SELECT gen_random_uuid(), e.place, '330000', 1, now(), now(), 'B' || e.uscc || n, 'food_production', e.id,
        e.name, e.uscc, 'valid', '2022-01-01'::date + n, '2027-01-01'::date + n, '2022-01-01', '', '某局', '',
        e.address, e.address, '', '', '生成', 1, false
    FROM registry_enterprise AS e, generate_series(1, 3) AS n WHERE e.uscc <> '' RETURNING id, place),
named AS (
    INSERT INTO registry_identifier (id, place, owner_node, version, created_at, updated_at, scheme, value,
        source, enterprise_id)
    SELECT gen_random_uuid(), place, '330000', 1, now(), now(), 'uscc', uscc, '生成', id
    FROM registry_enterprise WHERE uscc <> '')
INSERT INTO registry_certificateitem (id, place, owner_node, version, created_at, updated_at, certificate_id,
    "order", category_code, category, detail_code, detail, varieties)
SELECT gen_random_uuid(), place, '330000', 1, now(), now(), id, n, '14', '茶叶及相关制品', '1401', '茶叶', '绿茶'
FROM held, generate_series(1, 2) AS n
"""


def fill() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.42)")
        cursor.execute(_ENTERPRISES)
        cursor.execute(_CERTIFICATES)


def code_of(number: int) -> str:
    return f"U{number:017d}"


def pgbench_rate(mode: str) -> float:
    """Transactions a second of one client running the archive's own SQL as the public's role."""
    from django.db import connection

    from jinzhi.registry import queries

    wanted = {
        "id": "'00000000-0000-0000-0000-000000000000'",
        "code": "('U' || lpad(:n::text, 17, '0'))",
        "org": "''",
        "on": f"'{date.today()}'",
    }
    sql = re.sub(r"%\((\w+)\)s", lambda m: wanted[m[1]], queries.archive(False)).replace("%%", "%")
    place = connection.settings_dict
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"\\set n random(1, {HOLDERS})\n{' '.join(sql.split())};\n")
        script.flush()
        command = ["pgbench", "-n", "-c", "1", "-T", str(SECONDS), "-M", mode, "-f", script.name]
        command += ["-h", place["HOST"], "-p", str(place["PORT"]), "-U", place["USER"], place["NAME"]]
        answer = subprocess.run(
            command,
            env=os.environ | {"PGOPTIONS": "-c role=jinzhi_public"},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(re.search(r"tps = ([\d.]+)", answer.stdout)[1])


def request_rate(path: str) -> tuple[float, float]:
    """Requests a second through the whole application, and CPU milliseconds of this process for each."""
    from django.test import Client

    client, chance = Client(), random.Random(1)
    for n in range(1, 30):
        assert client.get(path.format(code_of(n))).status_code == 200
    count, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS:
        client.get(path.format(code_of(chance.randint(1, HOLDERS))))
        count += 1
    return count / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / count


def archives() -> None:
    simple, prepared = pgbench_rate("simple"), pgbench_rate("prepared")
    print(f"archive | pgbench, simple | {simple:.0f}/s | {simple / prepared:.2f}x")
    print(f"archive | pgbench, prepared | {prepared:.0f}/s | 1.00x")
    for title, path in (("JSON", "/api/v1/enterprises/{}"), ("HTML", "/enterprises/{}")):
        rate, cpu = request_rate(path)
        print(
            f"archive | {title} by the application | {rate:.0f}/s, {cpu:.2f} ms CPU | {rate / prepared:.2f}x",
            flush=True,
        )


def fragments(count: int = 200) -> list[str]:
    """Pairs of neighbouring characters from names drawn at random: common ones as often as they occur."""
    from django.db import connection

    chance = random.Random(7)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM registry_enterprise TABLESAMPLE BERNOULLI (1) REPEATABLE (7) LIMIT %s", [count]
        )
        names = [name for (name,) in cursor.fetchall()]
    return [name[n : n + 2] for name in names for n in [chance.randrange(len(name) - 1)]]


def milliseconds(action, words: list[str]) -> list[float]:
    found = []
    for word in words:
        began = time.perf_counter()
        action(word)
        found.append(1000 * (time.perf_counter() - began))
    return sorted(found)


def searches() -> None:
    from django.db import connection

    from jinzhi.foundation.places import scope
    from jinzhi.registry.searching import finding

    words = fragments()

    def without_index(word: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SELECT count(*) FROM registry_enterprise WHERE name LIKE %s", [f"%{word}%"])
            cursor.fetchall()

    base = statistics.median(milliseconds(without_index, words[:5]))
    print(f"search | LIKE over {NAMES:,} names, no index | {base:.0f} ms | 1.000x")
    for title, eyes in (
        ("the public", scope.PUBLIC),
        ("a province's official", scope.staff(330000_000000)),
        ("a county's official", scope.staff(330106_000000)),
    ):
        with scope.acting(eyes):
            milliseconds(finding.search, words[:20])
            took = milliseconds(finding.search, words)
        middle, late = statistics.median(took), took[int(len(took) * 0.95)]
        print(
            f"search | two characters, {title} | {middle:.2f} ms, p95 {late:.1f} ms | {middle / base:.4f}x",
            flush=True,
        )


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "jinzhi.settings", "JINZHI_API_RATE": "100000000/m"}
    django.setup()
    import measured
    from django.conf import settings
    from django.db import connections

    settings.ALLOWED_HOSTS.append("testserver")
    with measured.database():
        connections["default"].settings_dict["CONN_MAX_AGE"] = None  # as the server's pool keeps them
        began = time.perf_counter()
        fill()
        measured.analyzed()
        print(
            f"registry | {NAMES:,} enterprises, {3 * HOLDERS:,} certificates made in {time.perf_counter() - began:.0f} s"
        )
        archives()
        searches()


if __name__ == "__main__":
    main()
