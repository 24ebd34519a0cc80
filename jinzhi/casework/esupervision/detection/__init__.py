"""The rules of e-supervision as statements over whole sets of cases, one for each rule.

`tables` gathers what the statements share (the limits near or past their end, the acts since the last run),
`times`, `acts`, `fees` and `data` hold the rules, `raising` turns what they find into signals.
They read cases, steps, clocks, pauses, events and posts; no table of any domain.
"""

from jinzhi.casework.esupervision.detection import acts, data, fees, times
from jinzhi.casework.esupervision.detection.raising import raise_found
from jinzhi.casework.esupervision.detection.tables import Day, gather

# In the order in which they are run.
STATEMENTS: dict[str, str] = times.STATEMENTS | acts.STATEMENTS | fees.STATEMENTS | data.STATEMENTS

__all__ = ["STATEMENTS", "Day", "gather", "raise_found"]
