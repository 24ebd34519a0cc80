"""What the check digits promise, for any code: every single wrong character is found."""

import re
import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean
from stdnum.cn import uscc as stdnum_uscc
from stdnum.iso7064 import mod_11_2, mod_11_10

from jinzhi.foundation import codes
from jinzhi.foundation.codes import citizen_id, food_licence, gtin, organization_code, regions, uscc
from jinzhi.foundation.codes.normal import LONGEST

DIGITS = string.digits
TODAY = date(2026, 11, 22)


def digits(length):
    return st.text(DIGITS, min_size=length, max_size=length)


def organization_codes():
    bodies = st.text(organization_code.ALPHABET, min_size=8, max_size=8).filter(lambda b: b.strip("0"))
    return bodies.map(lambda body: body + organization_code.check_character(body))


@st.composite
def usccs(draw):
    inner = "I"
    while set(inner) & set("IOSVZ"):
        body = draw(st.text(uscc.ALPHABET, min_size=8, max_size=8).filter(lambda b: b.strip("0")))
        inner = body + organization_code.check_character(body)
    body = draw(st.sampled_from(["91", "11", "12", "51", "93"])) + draw(digits(6)) + inner
    return body + uscc.check_character(body)


def citizen_ids():
    born = st.dates(date(1900, 1, 1), date(2026, 1, 1)).map(lambda day: f"{day:%Y%m%d}")
    bodies = st.builds(lambda region, day, seq: region + day + seq, digits(6), born, digits(3))
    return bodies.map(lambda body: body + citizen_id.check_character(body))


def gtins():
    bodies = st.sampled_from([7, 11, 12, 13]).flatmap(digits).filter(lambda b: b.strip("0"))
    return bodies.map(lambda body: body + gtin.check_digit(body))


def food_licences():
    regional = st.sampled_from(sorted(regions.PROVINCES)).flatmap(lambda p: digits(4).map(lambda d: p + d))
    category = st.sampled_from(sorted(food_licence.categories()))
    bodies = st.builds(lambda c, r, s: c + r + s, category, regional, digits(4))
    return bodies.map(lambda body: f"SC{body}{codes.food_licence_check_digit(body)}")


ALPHABETS = {
    "organization_code": (organization_codes(), organization_code.ALPHABET, 0),
    "uscc": (usccs(), uscc.ALPHABET, 0),
    "citizen_id": (citizen_ids(), DIGITS, 0),
    "gtin": (gtins(), DIGITS, 0),
    "food_licence": (food_licences(), DIGITS, 2),
}
EACH = pytest.mark.parametrize("scheme", ALPHABETS)


@pytest.fixture(autouse=True)
def without_database(monkeypatch):
    """The arithmetic needs no table of divisions."""
    monkeypatch.setattr(regions, "_own_table", dict)


@EACH
@given(data=st.data())
def test_a_right_code_is_valid(scheme, data):
    code = data.draw(ALPHABETS[scheme][0])
    answer = codes.check(scheme, code, TODAY)
    assert answer.valid, answer.problems
    assert answer.normalized == code


@EACH
@given(data=st.data())
def test_every_single_wrong_character_is_found(scheme, data):
    made, alphabet, first = ALPHABETS[scheme]
    code = data.draw(made)
    place = data.draw(st.integers(first, len(code) - 1))
    wrong = data.draw(st.sampled_from([c for c in alphabet if _differs(scheme, c, code[place])]))
    answer = codes.check(scheme, code[:place] + wrong + code[place + 1 :], TODAY)
    assert not answer.valid and answer.errors[0].message


def _differs(scheme, one, other):
    """Whether the check can tell two characters apart: of 36 characters modulo 11, not all."""
    if scheme != "organization_code":
        return one != other
    return (int(one, 36) - int(other, 36)) % 11 != 0


def test_the_organisation_code_cannot_tell_some_letters_from_digits():
    assert codes.check("organization_code", "X00000019").valid
    assert codes.check("organization_code", "000000019").valid


@EACH
@given(data=st.data())
def test_how_a_right_code_is_typed_does_not_matter_but_is_told(scheme, data):
    code = data.draw(ALPHABETS[scheme][0])
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in code)
    typed = data.draw(
        st.sampled_from([code.lower(), full_width, " ".join(code), f" {code}\n", f"{code[:4]}-{code[4:]}"])
    )
    answer = codes.check(scheme, typed, TODAY)
    assert answer.valid and answer.normalized == code
    assert typed == code or all(
        p.code.startswith("normalized_") or p.level == "warning" for p in answer.problems
    )
    assert typed == code or answer.problems or scheme == "organization_code"


@pytest.mark.parametrize("scheme", codes.SCHEMES)
@given(value=st.text(max_size=80) | st.text(DIGITS + "SCQSX-", max_size=20))
def test_no_text_breaks_a_check(scheme, value):
    answer = codes.check(scheme, value, TODAY)
    assert answer.valid == (not answer.errors)
    for problem in answer.problems:
        assert re.search(r"[\u4e00-\u9fff]", problem.message)
    assert set(answer.as_dict()) == {"scheme", "value", "normalized", "valid", "problems"}


@pytest.mark.parametrize("scheme", codes.SCHEMES)
def test_a_huge_value_is_answered_shortly(scheme):
    answer = codes.check(scheme, "9" * 10_000)
    assert not answer.valid and answer.problems[0].code == "length"
    assert len(str(answer.as_dict())) < 1000
    assert len(answer.normalized) <= LONGEST + 1


def test_an_unknown_scheme_is_named():
    with pytest.raises(codes.UnknownScheme, match="uscc"):
        codes.check("passport", "1")


@given(digits(13))
def test_the_licence_check_digit_is_iso_7064_mod_11_10(body):
    p = 10
    for c in body:
        p = ((p + int(c)) % 10 or 10) * 2 % 11
    assert codes.food_licence_check_digit(body) == str((11 - p) % 10)
    assert mod_11_10.is_valid(body + codes.food_licence_check_digit(body))


@given(digits(17))
def test_the_citizen_check_character_follows_the_weights_of_the_standard(body):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    expected = "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]
    assert citizen_id.check_character(body) == expected
    assert mod_11_2.is_valid(body + expected)


@given(usccs())
def test_stdnum_agrees_on_companies(code):
    assert stdnum_uscc.is_valid(code)


@given(gtins())
def test_stdnum_agrees_on_article_numbers(code):
    assert ean.is_valid(code)


@pytest.mark.parametrize(("first_two", "why"), [("N2", "letters in front"), ("Y1", "letters in front")])
def test_departments_with_a_letter_are_known_here_and_not_to_stdnum(first_two, why):
    body = first_two + "330106" + "72345678" + organization_code.check_character("72345678")
    code = body + uscc.check_character(body)
    assert codes.check("uscc", code).valid and not stdnum_uscc.is_valid(code), why


def test_adjacent_exchange_can_pass_the_licence_check_digit():
    """Known weakness of MOD 11,10: the number must also be looked up."""
    assert codes.check("food_licence", "SC11464010500015").valid
    assert codes.check("food_licence", "SC11464001500015").valid


@pytest.mark.parametrize("body", ["", "123", "12345678901234", "12345678901a3", "１２３４５６７８９０１２３"])
def test_a_check_digit_is_only_made_of_thirteen_digits(body):
    with pytest.raises(ValueError, match="13 位"):
        codes.food_licence_check_digit(body)
