"""Standard numbers as people write them."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jinzhi.registry.standards import numbers

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/numbers.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["given"])
def test_a_number_is_read_as_the_reference_says(case):
    if "error" in case:
        with pytest.raises(numbers.BadNumber, match=case["error"]):
            numbers.parse(case["given"], now=CASES["now"])
        return
    found = numbers.parse(case["given"], now=CASES["now"])
    for name in ("text", "kind", "nature", "year", "family"):
        if name in case:
            assert getattr(found, name) == case[name], name


@given(st.text(max_size=90) | st.text("GBTZDQ/ .-—0123456789ISO:", max_size=30))
def test_any_text_is_a_number_or_told_why_not(text):
    try:
        found = numbers.parse(text, now=2026)
    except numbers.BadNumber as fault:
        assert str(fault)
    else:
        assert numbers.parse(found.text, now=2026) == found, "the form shown is read as itself"
    list(numbers.find(text))


def test_numbers_are_found_in_a_sentence():
    text = "产品执行 Q/XHL 0012S-2023，标签符合GB 7718-2011、GB28050－2011；检验按 GB/T 5009.1。电话 0571-88"
    assert [n.text for n in numbers.find(text)] == [
        "Q/XHL 0012S-2023", "GB 7718-2011", "GB 28050-2011", "GB/T 5009.1",
    ]  # fmt: skip


def test_one_number_with_another_nature_is_the_same_standard_renumbered():
    assert numbers.parse("GB 1234-1999").bare == numbers.parse("GB/T 1234-1999").bare
