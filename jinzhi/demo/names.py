"""Made-up names and numbers that look alive and pass their checks; deterministic from the random source."""

from random import Random

from jinzhi.foundation.codes.organization_code import check_character as org_check
from jinzhi.foundation.codes.uscc import check_character as uscc_check

SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏"
    "魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛"
    "郝龚邵万钱严覃武戚莫孔向汤"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文辉玲红玉兰鹏飞波宁云晨宇欣怡梓涵子"
    "轩浩然思远雅琴志远晓东海燕春梅国栋立新永康家豪"
)
BRANDS = (
    "康源|丰禾|绿野|天益|百味|甬江|钱塘|西溪|龙井|兰江|瓯越|金穗|海湾|竹海|青田"
    "|云和|稽山|鉴湖|东白|天目|清溪|合兴|永盛|泰和|正源|惠民|锦绣|江南|鲜道|好"
    "邻|田园|山里人|老街|一品|福满|聚香|恒丰|裕康|三江|五谷|香溢|荷塘|禾润|甘露"
    "|和顺|长青|润丰|新安|瑞禾|晨露"
)
TRADES = (
    ("粮油", ("0101", "0102", "0103")), ("食用油", ("0201",)), ("酿造", ("0301", "0302")), ("肉制品", ("0401",)),
    ("饮料", ("0601",)), ("糕点", ("2401",)), ("茶叶", ("1401",)), ("酒业", ("1501",)), ("豆制品", ("2501",)),
    ("水产", ("2201",)), ("蜂业", ("2601",)), ("炒货", ("1801",)), ("调味品", ("0305",)), ("速冻食品", ("1101",)),
)  # fmt: skip
LETTERS = "ABCDEFGHJKLMNPQRTUWXY"  # of a credit code
FORMS = ("有限公司", "有限责任公司", "股份有限公司")
STREETS = (
    "文一路|人民路|解放路|中山路|建设路|工业园区纬三路|科技大道|滨海大道|东风路|"
    "新华街|环城北路|振兴路|创业路|迎宾大道|康庄路"
)


def person(random: Random) -> str:
    return random.choice(SURNAMES) + "".join(random.choice(GIVEN) for _ in range(random.choice((1, 2, 2))))


def address(random: Random, place_name: str) -> str:
    return f"{place_name}{random.choice(STREETS.split('|'))}{random.randrange(1, 999)}号"


def phone(random: Random) -> str:
    return f"1{random.choice('3578')}{random.randrange(10**9):09d}"


def uscc(random: Random, county: str, serial: int) -> str:
    """A credit code with right outer and inner check characters."""
    body = f"MA2{LETTERS[serial // 10_000 % len(LETTERS)]}{serial % 10_000:04d}"
    head = f"91{county}{body}{org_check(body)}"
    return head + uscc_check(head)


def company(random: Random, county: str) -> tuple[str, tuple[str, ...]]:
    """(name, the food details its trade makes)."""
    trade, details = random.choice(TRADES)
    short = county.removesuffix("区").removesuffix("县").removesuffix("市") if len(county) > 2 else county
    brand = "".join(random.sample(BRANDS.split("|"), 1)) + random.choice("达昌隆茂盛祥瑞泰兴辉宏大")
    return f"{short}{brand}{trade}{random.choice(FORMS)}", details
