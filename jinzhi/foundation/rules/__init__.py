"""Law as dated data: legal parameters and decision tables, read from the rooms' `rules/*.yaml`.

No legal number stands in code; a caller names a key and the legally relevant date. Format: README.md.
"""

from jinzhi.foundation.rules.library import (
    all_parameters,
    all_tables,
    forget,
    history,
    lint,
    table,
    value,
    values,
)
from jinzhi.foundation.rules.tables import DecisionTable, NoDecision
from jinzhi.foundation.rules.values import MARKS, UNITS, NoRule, Parameter, RuleError, Value

__all__ = [
    "MARKS",
    "UNITS",
    "DecisionTable",
    "NoDecision",
    "NoRule",
    "Parameter",
    "RuleError",
    "Value",
    "all_parameters",
    "all_tables",
    "forget",
    "history",
    "lint",
    "table",
    "value",
    "values",
]
