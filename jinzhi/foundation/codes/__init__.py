"""Codes of the field: check-digit schemes as pure functions, and dated code sets.

`check(scheme, value)` answers with reasons; `sets.get(name, on=day)` answers the list in force on a day.
"""

from jinzhi.foundation.codes import sets
from jinzhi.foundation.codes.answer import Answer, Problem
from jinzhi.foundation.codes.food_licence import food_licence_check_digit
from jinzhi.foundation.codes.schemes import SCHEMES, Scheme, UnknownScheme, check

__all__ = [
    "SCHEMES",
    "Answer",
    "Problem",
    "Scheme",
    "UnknownScheme",
    "check",
    "food_licence_check_digit",
    "sets",
]
