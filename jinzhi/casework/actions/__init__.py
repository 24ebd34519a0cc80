"""Everything that can be done to a case. `perform` is the only way in; see base."""

from jinzhi.casework.actions import asking, ending, movement, outcomes, time
from jinzhi.casework.actions.base import (
    SYSTEM,
    Act,
    Action,
    Actor,
    AlreadyDone,
    NoPower,
    Refused,
    matching_power,
    may_act,
    perform,
    registry,
)

__all__ = [
    "SYSTEM",
    "Act",
    "Action",
    "Actor",
    "AlreadyDone",
    "NoPower",
    "Refused",
    "asking",
    "ending",
    "matching_power",
    "may_act",
    "movement",
    "outcomes",
    "perform",
    "registry",
    "time",
]
