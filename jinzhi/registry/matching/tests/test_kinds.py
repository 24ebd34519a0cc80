"""What is the same, what is not, and what a result calls it (business reference 11.3, services G.5)."""

import pytest

from .conftest import of

USCC, ORG = "91330100732000014Q", "732000014"  # the reference's fictional vectors
OTHER = "913301007882999916"


def _uscc(body: str) -> str:
    from jinzhi.foundation.codes.uscc import check_character

    return body + check_character(body)


def test_the_organisation_code_inside_the_credit_code_is_the_same_enterprise(compared):
    counts, pairs = compared([of("a", "杭州甲制造有限公司", ORG)], [of("b", "杭州甲制造有限责任公司", USCC)])
    assert pairs == {("a", "b"): ("changed", "org_code")} and counts["changed"] == 1


def test_an_equal_name_without_a_code_in_the_same_place_is_the_same(compared):
    _, pairs = compared(
        [of("a", "杭州甲制造有限公司", ORG, "杭州市西湖区文一路100号")],
        [of("b", "甲制造（杭州）有限公司", "", "浙江省杭州市西湖区文一路100号")],
    )
    assert pairs == {("a", "b"): ("matched", "name_place")}


def test_two_right_codes_are_never_the_same_however_alike_the_rest_is(compared):
    row = {"name": "杭州甲制造有限公司", "address": "杭州市西湖区文一路100号", "phone": "0571-88888888"}
    counts, pairs = compared([of("a", code=USCC, **row)], [of("b", code=OTHER, **row)])
    assert pairs == {("a", "b"): ("code_differs", "name")} and counts["code_differs"] == 1


def test_two_credit_codes_of_one_organisation_code_wait_for_a_person(compared):
    row = {"name": "杭州甲制造有限公司", "address": "杭州市西湖区文一路100号"}
    branch = _uscc("92330100" + ORG)
    _, pairs = compared([of("a", code=USCC, **row)], [of("b", code=branch, **row)])
    assert {kind for kind, _ in pairs.values()} <= {"suspected", "code_differs"}


def test_a_right_code_with_another_name_says_so(compared):
    _, pairs = compared([of("a", "杭州甲制造有限公司", USCC)], [of("b", "宁波乙贸易有限公司", USCC)])
    assert pairs == {("a", "b"): ("name_differs", "code")}


def test_changes_field_by_field_and_blanks_that_are_no_change(compared):
    left = [
        of("a", "杭州甲制造有限公司", USCC, "杭州市文一路1号", "88888888"),
        of("c", "杭州丙厂", OTHER, "文二路2号"),
    ]
    right = [
        of("b", "杭州甲制造有限公司", USCC, "杭州市文一路9号", "88888888"),
        of("d", "杭州丙厂", OTHER, ""),
    ]
    _, pairs = compared(left, right)
    assert pairs == {("a", "b"): ("changed", "code"), ("c", "d"): ("matched", "code")}


def test_rows_on_one_side_only(compared):
    counts, pairs = compared([of("a", "杭州甲厂", USCC)], [of("b", "宁波丁商行", OTHER)])
    assert pairs == {("a", ""): ("missing_right", ""), ("", "b"): ("missing_left", "")}
    assert counts["missing_left"] == counts["missing_right"] == 1


def test_duplicates_inside_one_side_are_named_and_not_missing(compared):
    left = [of("a", "杭州甲厂", USCC, "文一路1号"), of("a2", "杭州甲厂", USCC, "文一路1号")]
    right = [
        of("b", "杭州甲厂", USCC, "文一路1号"),
        of("d", "丁店", "", "二路5号"),
        of("d2", "丁店", "", "二路5号"),
    ]
    counts, pairs = compared(left, right)
    assert pairs[("a", "a2")] == ("duplicate_left", "code")
    assert pairs[("d", "d2")] == ("duplicate_right", "name_place")
    assert pairs[("a", "b")][0] == pairs[("a2", "b")][0] == "matched"
    assert counts["missing_left"] == 1  # d; d2 is named as its duplicate


def test_a_shop_with_two_licences_matches_both(compared):
    left = [of("a", "Corner Cafe, Inc.", "", "12 N Main Street")]
    right = [of("b", "CORNER CAFE INC", "", "12 N MAIN ST"), of("c", "Corner Cafe Inc", "", "12 N. Main St")]
    _, pairs = compared(left, right)
    assert {pairs["a", "b"][0], pairs["a", "c"][0]} == {"matched"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of("a", "BEN'S DELI & GRILL #12", "", "95 S JEFFERY AVE"), of("b", "Bens Deli and Grill", "", "95 South Jeffery")),
        (of("a", "义乌市华隆進出口有限公司", "", "", "0579-85550000"), of("b", "義烏华隆进出口有限责任公司", "", "", "85550000")),
        (of("a", "杭州华隆食品厂"), of("b", "杭州市华隆食品厂")),
    ],
)  # fmt: skip
def test_spellings_meet(compared, one, other):
    _, pairs = compared([one], [other])
    assert pairs["a", "b"][0] in ("matched", "changed")


def test_a_chain_is_told_apart_by_its_addresses(compared):
    left = [of(f"l{n}", "Subway", "", f"{n}00 W Main St") for n in range(1, 9)]
    right = [of(f"r{n}", "SUBWAY", "", f"{n}00 West Main Street") for n in range(1, 9)]
    _, pairs = compared(left, right)
    assert set(pairs) == {(f"l{n}", f"r{n}") for n in range(1, 9)}


def test_placeholders_are_no_codes(compared):
    left = [of("a", "杭州甲食品厂", "000000000", "文一路1号"), of("c", "杭州乙机械厂", "无", "文二路2号")]
    right = [of("b", "宁波丙茶叶店", "000000000", "人民路3号"), of("d", "温州丁鞋业厂", "无", "中山路4号")]
    counts, _ = compared(left, right)
    assert counts["missing_left"] == counts["missing_right"] == 2


def test_neighbours_in_one_building_are_not_one_enterprise(compared):
    place = "杭州市西湖区文一路100号"
    _, pairs = compared(
        [of("a", "杭州甲食品有限公司", "", place)], [of("b", "杭州乙食品有限公司", "", place)]
    )
    assert pairs.get(("a", "b"), ("suspected",))[0] == "suspected"
