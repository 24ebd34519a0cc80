"""Code sets are dated: a code is asked together with a day."""

from datetime import date

import pytest

from jinzhi.foundation.codes import food_licence, sets


def test_the_shipped_sets_are_well_formed():
    assert sets.lint() == []


@pytest.mark.parametrize(
    ("on", "version", "categories"),
    [(date(2007, 3, 1), "2006", 28), (date(2018, 1, 1), "2016", 32), (date(2026, 11, 22), "2020", 32)],
)
def test_the_food_categories_in_force_depend_on_the_day(on, version, categories):
    found = sets.get("food_category", on)
    assert (found.version, len(found.main())) == (version, categories)


def test_one_code_means_different_things_in_two_versions():
    former, now = sets.version("food_category", "2006"), sets.version("food_category", "2020")
    assert former.items["27"].name == "特殊膳食食品" and now.items["27"].name == "保健食品"
    assert former.items["0401"].name == "肉制品" and now.items["0401"].name == "热加工熟肉制品"


def test_details_belong_to_their_category_and_name_their_varieties():
    now = sets.latest("food_category")
    assert [item.code for item in now.children("01")] == ["0101", "0102", "0103", "0104"]
    assert now.items["0103"].varieties == ("普通挂面", "花色挂面", "手工面")
    assert all(now.children(item.code) for item in now.main())
    assert now.complete and not sets.version("food_category", "2006").complete


def test_special_foods_are_flagged():
    assert [i.code for i in sets.latest("food_category").items.values() if i.special] == ["27", "28", "29"]


def test_licence_numbers_use_three_digit_categories():
    found = food_licence.categories()
    assert found["101"] == "粮食加工品" and found["131"] == "其他食品" and "132" not in found
    assert [code for code in found if code[0] == "2"] == ["201", "202", "203"]


def test_no_list_before_the_first_and_no_list_of_that_name():
    with pytest.raises(sets.NoSet, match="2001-01-01"):
        sets.get("food_category", date(2001, 1, 1))
    with pytest.raises(sets.NoSet, match="没有名为"):
        sets.get("../secrets", date(2026, 1, 1))
