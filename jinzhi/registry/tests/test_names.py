"""The normal form of enterprise names: the worked examples, and what must hold of any text."""

from itertools import combinations
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jinzhi.registry import names

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "names.yaml").read_text(encoding="utf-8"))
BRAND = st.text("甲乙丙丁华隆源盛鑫佳", min_size=2, max_size=4)
TRADE = st.sampled_from(["食品", "机械制造", "电子商务", "茶叶", "新材料科技"])
FORM = st.sampled_from(["有限公司", "股份有限公司", "厂", "商行"])


@pytest.mark.parametrize("spellings", CASES["same"], ids=lambda s: s[0])
def test_spellings_of_one_name_are_equal(spellings):
    assert len({names.plain(name) for name in spellings}) == 1


@pytest.mark.parametrize("different", CASES["apart"], ids=lambda s: s[1])
def test_different_names_stay_apart(different):
    for one, other in combinations(different, 2):
        assert names.plain(one) != names.plain(other)


@pytest.mark.parametrize("alike", CASES["same_core"], ids=lambda s: s[0])
def test_the_core_sets_region_form_and_shop_number_aside(alike):
    assert len({names.normal_form(name).core for name in alike}) == 1


@pytest.mark.parametrize("case", CASES["parts"], ids=lambda c: c["name"])
def test_parts(case):
    found = names.normal_form(case["name"])
    expected = {key: value for key, value in case.items() if key != "name"}
    assert {key: getattr(found, key) for key in expected} == expected


@given(st.text(max_size=60))
def test_any_text_has_a_normal_form(text):
    found = names.normal_form(text)
    assert found.plain == names.plain(text)
    assert (found.region + found.trade_name + found.industry + found.form) == found.plain


@given(BRAND, TRADE, FORM)
def test_width_case_space_and_brackets_do_not_matter(brand, trade, form):
    name = f"杭州{brand}{trade}{form}"
    wide = name.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    bracketed = f"{brand}（杭州）{trade}{form}"
    assert (
        names.plain(name)
        == names.plain(wide)
        == names.plain(f" {name[:3]}　{name[3:]} ")
        == names.plain(bracketed)
        == names.plain("浙江省杭州市" + name[2:]).removeprefix("浙江")
    )


@given(BRAND, BRAND, TRADE, FORM)
def test_two_trade_names_are_never_one(one, other, trade, form):
    same = names.plain(f"杭州{one}{trade}{form}") == names.plain(f"杭州{other}{trade}{form}")
    assert same == (one == other)


@settings(deadline=None)  # the first name reads the tables
@given(st.text(alphabet=list(names.traditional()[0]), min_size=1, max_size=12))
def test_no_traditional_character_is_left(text):
    assert not set(names.plain(text)) & set(names.traditional()[0])
