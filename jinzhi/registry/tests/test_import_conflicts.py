"""Registers that state different things of one enterprise: the rule chooses, the other statement stands beside it."""

from itertools import permutations

import pytest

from jinzhi.registry import services
from jinzhi.registry.importing import running, undoing
from jinzhi.registry.models import Enterprise, Fact

from .conftest import WESTLAKE

pytestmark = pytest.mark.django_db(transaction=True)
CODE = "91330100723456781Y"


@pytest.fixture
def bring(tmp_path):
    def run(
        source: str, day: str, *, name="杭州甲食品有限公司", address="", kind="enterprise", place="330106"
    ):
        file = tmp_path / f"{source}{day}.csv"
        file.write_text(
            f"代码,名称,住所,区划,证号\n{CODE},{name},{address},{place},许可0001\n", encoding="utf-8"
        )
        mapping = {
            "kind": kind, "source": source, "source_on": day,
            "fields": {"uscc": "代码", "name": "名称", "address": "住所", "place": "区划"},
        }  # fmt: skip
        if kind == "certificate":
            mapping["fields"] |= {"number": "证号", "kind": {"constant": "food_production"}}
        return running.run(file, mapping)

    return run


def address() -> str:
    return Enterprise.objects.get(uscc=CODE).address


def differing() -> list[tuple[str, str, str]]:
    open_ = Fact.objects.filter(state="differs", removed_at=None).order_by("field", "value")
    return [(f.field, f.value, f.source) for f in open_]


STATEMENTS = {
    "registration": ("登记机关名录", "2020-01-01", "登记路1号"),
    "licence": ("许可登记簿之外的许可名单", "2021-01-01", "许可路2号"),
    "self": ("企业自报名录", "2022-01-01", "自报路3号"),
}


@pytest.mark.parametrize("order", permutations(STATEMENTS))
def test_the_source_of_the_higher_rank_counts_in_whatever_order_they_come(bring, order):
    for key in order:
        source, day, where = STATEMENTS[key]
        bring(source, day, address=where)
    ranked = max(STATEMENTS.values(), key=lambda s: running_rank(s[0]))
    assert address() == ranked[2]
    known = {v for f, v, _ in differing() if f == "address"} | set(
        Fact.objects.filter(field="address", state="former").values_list("value", flat=True)
    )
    assert known == {s[2] for s in STATEMENTS.values()} - {ranked[2]}


def running_rank(source: str) -> int:
    from jinzhi.registry import facts

    return facts.rank_of(source)


def test_a_licence_list_with_another_address_shows_it_beside_the_registered_one(bring):
    bring("登记机关名录", "2020-01-01", address="登记路1号")
    first = bring("某市许可名单", "2021-01-01", address="许可路2号", kind="certificate")
    assert address() == "登记路1号" and differing() == [("address", "许可路2号", "某市许可名单")]
    again = bring("某市许可名单", "2021-01-01", address="许可路2号", kind="certificate")
    assert len(differing()) == 1 and again.unchanged == 1
    archive = services.archive(CODE, inner=True)
    assert "许可路2号" in str(archive) and archive["address"] == "登记路1号"
    with_public = services.archive(CODE)
    assert with_public["address"] == "登记路1号"
    undoing.undo(first.batch)
    assert differing() == []


def test_a_name_stated_by_another_kind_of_source_is_a_dispute_and_overwrites_nothing(bring):
    bring("登记机关名录", "2020-01-01", name="杭州甲食品有限公司")
    bring("某市许可名录", "2024-01-01", name="杭州乙食品有限公司")
    assert Enterprise.objects.get(uscc=CODE).name == "杭州甲食品有限公司"
    assert ("name", "杭州乙食品有限公司", "某市许可名录") in differing()


def test_the_same_source_brings_itself_up_to_date_without_a_conflict(bring):
    bring("登记机关名录", "2020-01-01", name="杭州甲食品有限公司", address="登记路1号")
    outcome = bring("登记机关名录", "2021-01-01", name="杭州丙食品有限公司", address="登记路9号")
    assert outcome.updated == 1 and address() == "登记路9号" and differing() == []
    assert Enterprise.objects.get(uscc=CODE).place == WESTLAKE


def test_a_dispute_outlasts_a_second_run_of_the_source_that_replaced_the_rest(bring):
    bring("某市许可名录", "2020-01-01", name="杭州甲食品有限公司", address="许可路1号")
    for _ in range(2):
        bring("登记机关名录", "2021-01-01", name="杭州乙食品有限公司", address="登记路2号")
        held = Enterprise.objects.get(uscc=CODE)
        assert (held.name, held.address) == ("杭州甲食品有限公司", "登记路2号")
        assert differing() == [("name", "杭州乙食品有限公司", "登记机关名录")]
