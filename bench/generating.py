"""Registers of made-up enterprises for measuring: right check characters, names as various as real ones.

Written by DuckDB from the row's number alone, so the same number of rows gives the same file. As a program:
`python bench/generating.py ROWS FILE [SEED]`, FILE ending in .csv or .parquet. Columns in the order of `COLUMNS`.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from jinzhi.registry.pinyin import initials

COLUMNS = (
    "统一社会信用代码", "企业名称", "法定代表人", "住所", "区划代码", "行业代码", "成立日期", "登记状态", "企业类型",
)  # fmt: skip
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_BRAND = (
    "华兴隆盛源泰丰裕恒昌达通顺安康宁德信义和平福禄寿喜金银铜铁江河湖海山川林森木草花香味鲜甜美乐天地日月星辰"
    "云雨风雪春夏秋冬东西南北中正大小新老明亮光辉煌宏伟永久长青松竹梅兰菊荷莲龙凤麒麟虎豹鹰鹏鸿雁燕百千万亿"
    "元亨利贞诚仁善良优品佳嘉宝富贵洁净润泽滋养聚汇联合众创智慧博雅文景秀丽欣欣向荣晨曦晓阳旭升腾飞翔越超凡"
    "卓尔迅捷锐锋精工巧匠艺轩阁庭园圃苑堂斋坊居舍楼台桥港湾岛屿溪泉潭渊瀑涛浪波澜清澈透莹晶玉珠宝石翡翠珊瑚"
)
_TRADES = (
    "食品 茶叶 水产 粮油 调味品 饮料 酒业 糕点 豆制品 贸易 机械 电子 化工 纺织 服饰 塑料 五金 建材 科技 农业开发 "
    "网络科技 信息技术 物流 包装 印刷 家具 装饰 工程 检测技术 电梯 压力容器 仪表 汽车配件 轴承 阀门 生物科技 医药 餐饮 "
    "文化传播 广告 电子商务 供应链管理 环保科技 新材料 照明 玩具 鞋业 皮革 眼镜 制冷设备"
)
_FORMS = "有限公司 有限公司 有限公司 有限公司 有限责任公司 股份有限公司 厂 专业合作社 经营部 商行 店"
_SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任"
)
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文辉玲红玉兰鹏飞波宁云晨宇欣怡梓涵子轩浩然思远"
_STREETS = "文一路 人民路 解放路 中山路 建设路 纬三路 科技大道 滨海大道 东风路 新华街 环城北路 振兴路 创业路 迎宾大道"


def counties() -> list[tuple[str, str, str]]:
    """(code, name, the city's name without 市) of the counties of the province pack in use today."""
    path = Path(__file__).parents[1] / "provinces/zhejiang/divisions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    now = [row for row in rows if not row["valid_to"]]
    names = {row["code"]: row["name"] for row in now}
    return [
        (row["code"], row["name"], names[f"{row['code'][:4]}00"].removesuffix("市"))
        for row in now
        if row["code"][:2] == "33" and not row["code"].endswith("00")
    ]


def _one_of(words: str, salt: int, sep: str | None = None, read=None) -> str:
    """SQL that draws a word by the row's number; `read` turns the words into something else, e.g. initials."""
    values = words.split(" ") if sep is None else list(words)
    listed = ", ".join(f"'{read(v) if read else v}'" for v in values)
    return f"[{listed}][1 + (hash(i * 64 + {salt} + $seed) % {len(values)})::int]"


def _name(city: str, county: str, read=None) -> str:
    """SQL of a name in its parts: place, two or three characters, trade, form."""
    first, second, third = (_one_of(_BRAND, salt, "", read) for salt in (1, 2, 3))
    return f"""CASE WHEN hash(i * 7 + 5) % 10 < 7 THEN {city} ELSE {county} END || {first} || {second}
            || CASE WHEN hash(i * 3 + 1) % 2 = 0 THEN {third} ELSE '' END
            || {_one_of(_TRADES, 4, None, read)} || {_one_of(_FORMS, 5, None, read)}"""


def _check(text: str, length: int, weights: list[int], values: str) -> str:
    parts = [f"(strpos('{values}', substr({text}, {n + 1}, 1)) - 1) * {weights[n]}" for n in range(length)]
    return " + ".join(parts)


def statement() -> str:
    """SQL over range(rows) AS t(i) with the list `$counties` and the number `$seed`."""
    org = _check("body", 8, [3, 7, 9, 10, 5, 8, 4, 2], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    uscc = _check("head", 17, [pow(3, n, 31) for n in range(17)], _ALPHABET)
    # `$seed` moves names and people; codes depend on the row alone, so two seeds are two states of a register
    return f"""
    WITH base AS (SELECT i, printf('%08d', 10000000 + i) AS body,
                         county[1 + (hash(i) % len(county))::int] AS c
                    FROM range($rows) AS t(i), (SELECT $counties AS county)),
    coded AS (SELECT *, body || CASE 11 - ({org}) % 11 WHEN 10 THEN 'X' WHEN 11 THEN '0'
                                     ELSE (11 - ({org}) % 11)::varchar END AS org FROM base),
    headed AS (SELECT *, '91' || c.code || org AS head FROM coded)
    SELECT head || substr('{_ALPHABET}', 1 + ((31 - ({uscc}) % 31) % 31)::int, 1) AS "统一社会信用代码",
        {_name("c.city", "c.short")} AS "企业名称",
        {_one_of(_SURNAMES, 6, "")} || {_one_of(_GIVEN, 7, "")} || {_one_of(_GIVEN, 8, "")} AS "法定代表人",
        '浙江省' || c.city || '市' || c.name || {_one_of(_STREETS, 9)}
            || (1 + hash(i * 11 + 3) % 998)::varchar || '号' AS "住所",
        c.code AS "区划代码", 'C1' || (311 + hash(i * 13) % 80)::varchar AS "行业代码",
        (DATE '1985-01-01' + (hash(i * 17) % 14600)::int)::varchar AS "成立日期",
        CASE WHEN hash(i * 19) % 20 = 0 THEN '注销' ELSE '存续' END AS "登记状态", '企业' AS "企业类型",
        org, {_name("c.city_initials", "c.initials", initials)} AS initials, i
    FROM headed"""


def write(rows: int, path: Path, seed: int = 0, where: str = "") -> float:
    """Write the register to .csv or .parquet; seconds it took. `where` narrows by the columns written."""
    started = time.monotonic()
    base = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
    options = "FORMAT csv, HEADER" if path.suffix == ".csv" else "FORMAT parquet, COMPRESSION zstd"
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    base.execute(
        f"COPY (SELECT {listed} FROM ({statement()}) AS r {where}) TO '{path}' ({options})",
        _given(rows, seed),
    )
    return time.monotonic() - started


def _given(rows: int, seed: int) -> dict:
    named = []
    for code, name, city in counties():
        short = name if len(name) == 2 else name.removesuffix("区").removesuffix("县").removesuffix("市")
        named.append(
            {"code": code, "name": name, "short": short, "city": city, "initials": initials(short),
             "city_initials": initials(city)}
        )  # fmt: skip
    return {"rows": rows, "seed": seed, "counties": named}


# What the register's own table holds besides what a file brings; keys grow with the rows, as the application's do.
_TABLE = {
    "id": "(lpad(to_hex(1700000000000 + i), 12, '0') || '70008' || substr(md5(i::varchar), 1, 15))::uuid",
    "place": '("区划代码" || \'000000\')::bigint', "owner_node": "'330000'", "version": "1",
    "created_at": "'2026-01-01 00:00:00+00'", "updated_at": "'2026-01-01 00:00:00+00'", "name": '"企业名称"',
    "uscc": '"统一社会信用代码"', "org_code": "org", "kind": "'company'", "legal_representative": '"法定代表人"',
    "address": '"住所"', "premises_address": "''", "industry": '"行业代码"', "founded_on": '"成立日期"',
    "status": "CASE \"登记状态\" WHEN '存续' THEN 'active' ELSE 'cancelled' END", "source": "'生成'",
    "is_demo": "false", "remark": "''", "initials": "initials",
}  # fmt: skip


def fill(rows: int, more: dict[str, str] | None = None) -> float:
    """Copy the register into registry_enterprise as the owner, past rules and row security; seconds it took.

    The indexes are made afterwards. `more`: further columns of the table with SQL constants.
    """
    from measured import superuser

    started = time.monotonic()
    columns = _TABLE | (more or {})
    base = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
    with tempfile.TemporaryDirectory() as folder, superuser() as owner:
        file = Path(folder) / "rows.csv"
        picked = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        made = f"SELECT {picked} FROM ({statement()}) AS r"
        base.execute(f"COPY ({made}) TO '{file}' (FORMAT csv, FORCE_QUOTE *)", _given(rows, 0))
        indexes = owner.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            owner.execute(f"DROP INDEX {name}")
        command = f"COPY registry_enterprise ({', '.join(columns)}) FROM STDIN (FORMAT csv, HEADER)"
        with owner.cursor().copy(command) as copy, file.open("rb") as content:
            while block := content.read(1 << 20):
                copy.write(block)
        for _, definition in indexes:
            owner.execute(definition)
    return time.monotonic() - started


_INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'registry_enterprise'
    AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = 'registry_enterprise'::regclass)"""


if __name__ == "__main__":
    print(f"{write(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])):.1f} s")
