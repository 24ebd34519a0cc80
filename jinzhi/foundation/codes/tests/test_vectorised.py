"""Columns of codes are answered as each code alone is."""

import random
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinzhi.foundation import codes
from jinzhi.foundation.codes import regions, vectorised
from jinzhi.foundation.codes.tests.test_properties import ALPHABETS

DAYS = st.sampled_from([date(2006, 5, 1), date(2015, 10, 1), date(2026, 11, 22)])


@pytest.fixture(autouse=True)
def without_database(monkeypatch):
    monkeypatch.setattr(regions, "_own_table", dict)


def said(scheme, values, on):
    """What the pure function says of each value."""
    for value in values:
        answer = codes.check(scheme, value, on)
        yield (
            answer.normalized,
            answer.valid,
            "|".join(p.code for p in answer.problems),
            "；".join(p.message for p in answer.problems),
        )


def spoilt(code, data):
    """A right code as people write it: mostly wrong in one place, or in another width, case or grouping."""
    how = data.draw(st.integers(0, 7))
    place = data.draw(st.integers(0, len(code) - 1))
    if how <= 2:
        other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return code[:place] + other + code[place + 1 :]
    if how == 3:
        return code[:place] + code[place + 1 :]
    if how == 4:
        return data.draw(st.sampled_from([code.lower(), f" {code}", f"{code[:8]}-{code[8:]}", f"{code}\n"]))
    if how == 5:
        return "".join(chr(ord(c) + 0xFEE0) for c in code)
    return code


@pytest.mark.parametrize("scheme", vectorised.SCHEMES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_column_is_answered_as_its_values_are(scheme, data):
    made = data.draw(st.lists(ALPHABETS[scheme][0], max_size=8))
    values = [spoilt(code, data) for code in made]
    values += data.draw(st.lists(st.text(max_size=30) | st.text("0123456789SCX", max_size=19), max_size=4))
    on = data.draw(DAYS)
    found = vectorised.frame(scheme, pl.Series(values, dtype=pl.String), on)
    assert found.rows() == list(said(scheme, values, on))


@pytest.mark.parametrize("scheme", codes.SCHEMES)
def test_every_scheme_may_be_asked_for_a_column(scheme):
    values = [None, "", "x", "330106", "9" * 200]
    found = vectorised.frame(scheme, pl.Series(values, dtype=pl.String))
    assert found.rows() == list(said(scheme, values, None))
    assert vectorised.frame(scheme, pl.Series([], dtype=pl.String)).height == 0


@pytest.mark.parametrize("scheme", vectorised.SCHEMES)
def test_a_thousand_random_figures_of_every_length(scheme):
    chance = random.Random(7)
    alphabet = "0123456789" if scheme in ("gtin", "citizen_id") else "0123456789ABCDXYN"
    lead = "SC" if scheme == "food_licence" else ""
    values = [
        lead + "".join(chance.choices(alphabet, k=chance.choice([8, 9, 12, 13, 14, 18]))) for _ in range(1000)
    ]
    values += [lead + "".join(chance.choices("0123456789", k=14)) for _ in range(500)] + [
        "0" * n for n in range(20)
    ]
    on = date(2026, 11, 22)
    assert vectorised.frame(scheme, pl.Series(values), on).rows() == list(said(scheme, values, on))


def test_an_unknown_scheme_is_told_before_anything_is_read():
    with pytest.raises(codes.UnknownScheme):
        vectorised.frame("passport", pl.Series(["1"]))
