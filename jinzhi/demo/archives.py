"""What stands in the archives of the demonstration besides certificates: entries, conflicts, doubles."""

from datetime import date, timedelta
from random import Random

from jinzhi.demo.enterprises import SOURCE, Firm
from jinzhi.registry import identity, stating, suspicions
from jinzhi.registry.models import Enterprise, Entry

# section: (title, result words, what is told, who tells)
KINDS = {
    "products": ("食品产品", ("",), {"执行标准": "GB 7718", "规格": "250 克/袋"}, "企业申报"),
    "inspections": ("日常监督检查", ("符合", "基本符合", "不符合"), {"检查项目": "12 项"}, "监督检查"),
    "samples": ("监督抽查", ("合格", "合格", "合格", "不合格"), {"抽样数量": "2 批次"}, "监督抽查"),
    "penalties": ("行政处罚决定", ("罚款",), {"案由": "标签不符合规定"}, "执法办案"),
    "complaints": ("投诉", ("已调解",), {"内容": "食品净含量不足"}, "投诉举报"),
    "equipment": ("在用电梯", ("检验合格", "逾期未检"), {"数量": "1 台"}, "特种设备"),
    "awards": ("质量奖励", ("市级",), {}, "质量管理"),
    "credit": ("质量信用等级", ("A", "B"), {}, "质量信用"),
}
WEIGHTS = (6, 6, 5, 1, 1, 2, 1, 2)


def fill(random: Random, firms: list[Firm], today: date) -> int:
    """Two to six entries for every third enterprise; conflicts and doubles for every fiftieth."""
    entries = []
    for f in random.sample(firms, k=len(firms) // 3):
        for section in random.choices(list(KINDS), WEIGHTS, k=random.randrange(2, 7)):
            title, states, facts, source = KINDS[section]
            entries.append(
                Entry(
                    enterprise=f.row,
                    place=f.row.place,
                    section=section,
                    title=title,
                    facts=facts,
                    state=random.choice(states),
                    occurred_on=today - timedelta(days=random.randrange(5, 1500)),
                    source=f"{source}（演示）",
                    agency_name="属地市场监督管理局",
                    published=section != "complaints" or random.random() < 0.5,
                )
            )
    Entry.objects.bulk_create(entries, batch_size=2000)
    for f in random.sample(firms, k=max(2, len(firms) // 50)):
        told = f.row.address.replace("号", "号后院", 1)
        stating.state(f.row.pk, "address", told, source="企业自报", source_on=today - timedelta(days=60))
    _doubles(random, firms)
    return len(entries)


def _doubles(random: Random, firms: list[Firm]) -> None:
    """Rows entered again without a code, as old paper registers brought them."""
    pairs = []
    for f in random.sample(firms, k=max(2, len(firms) // 50)):
        again = Enterprise.objects.create(
            name=f.row.name.replace("有限公司", "有限责任公司"), place=f.row.place, address=f.row.address,
            legal_representative=f.row.legal_representative, source=SOURCE, is_demo=True,
        )  # fmt: skip
        found = suspicions.compare(suspicions.described(f.row), suspicions.described(again))
        pairs.append(
            {"left_id": f.row.pk, "right_id": again.pk, "score": found["score"], "stage": "名称和地址",
             "evidence": found["evidence"]}
        )  # fmt: skip
    identity.suggest(pairs)
