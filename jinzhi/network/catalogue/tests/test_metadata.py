"""Metadata after GB/T 21063 and the guide of 2017: identifiers, mandatory items, what the check sends back."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset, Field
from jinzhi.network.catalogue import metadata

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/identifiers.yaml").read_text(encoding="utf-8"))


def sample(**more) -> Dataset:
    usual = {
        "key": "sample.one", "title": "样例", "summary": "样例数据", "identifier": "330001/A0101",
        "classification": "307001/0001", "fields": (Field("number", "编号", required=True),),
    }  # fmt: skip
    return Dataset(**(usual | more))


@pytest.mark.parametrize("case", CASES["identifiers"], ids=lambda case: case["text"] or "空")
def test_identifiers_of_21063_5(case):
    if case["holds"]:
        assert "/".join(metadata.parse(case["text"])) == case["text"]
    else:
        with pytest.raises(metadata.BadIdentifier):
            metadata.parse(case["text"])


@pytest.mark.parametrize("case", CASES["codes_2017"], ids=lambda case: case["text"])
def test_codes_of_the_guide(case):
    assert bool(metadata.CODE_2017.fullmatch(case["text"])) is case["holds"]


def test_what_is_declared_passes_the_keepers_check():
    assert metadata.faults(list(declared.all().values())) == []


def test_the_six_mandatory_items_are_never_empty():
    for one in declared.all().values():
        core = metadata.core(one, provider="省局")
        mandatory = (
            "信息资源名称",
            "信息资源摘要",
            "信息资源提供方",
            "信息资源分类",
            "信息资源标识符",
            "元数据标识符",
        )
        assert list(core)[:6] == list(mandatory) and len(core) == 12
        assert all(core[name] for name in mandatory), one.key
        assert metadata.IDENTIFIER.fullmatch(core["元数据标识符"])


def test_the_guides_items_are_there():
    said = metadata.guide_2017(declared.get("registry.certificate"), provider="省局")
    assert said["分类"] == {"类": "3", "项": "07", "目": "001", "细目": ""}
    assert said["关联资源代码"] == ["330001/QYJC-0001"] and said["更新周期"] == "实时"
    assert {"名称": "证书编号", "数据类型": "字符型"} in said["信息项"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"identifier": "330I01/A"}, "标识符"),
        ({"identifier": "330000/A"}, "标识符"),
        ({"classification": "4/1"}, "分类代码"),
        ({"summary": ""}, "必填"),
        ({"share": "no", "legal_basis": ""}, "法律依据"),
        ({"share": "sometimes"}, "共享类型"),
        ({"frequency": "偶尔"}, "更新周期"),
        ({"fields": (Field("a", "甲"), Field("a", "乙"))}, "重复"),
    ],
)
def test_the_check_names_what_is_wrong(change, word):
    assert any(word in line for line in metadata.faults([replace(sample(), **change)]))


def test_two_datasets_do_not_share_an_identifier():
    assert any("已用于" in line for line in metadata.faults([sample(), sample(key="sample.two")]))


def test_the_stricter_sharing_counts():
    one = sample(share="conditional", fields=(Field("a", "甲"), Field("b", "乙", share="no", open=True)))
    assert metadata.effective_share(one, one.by_key["a"]) == "conditional"
    assert not metadata.field(one, one.by_key["b"])["open"]
    assert [f.key for f in metadata.offered(one)] == ["a"]
