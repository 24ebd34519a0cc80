"""For a demonstration: look at its cases as if supervision had run all along, so that boards and scores look alive.

Whoever makes the cases calls `demonstrate` (rooms are found by this module's name); if nobody did, the next start does.
"""

from datetime import date, timedelta

from jinzhi.casework.esupervision import running, scoring
from jinzhi.foundation import calendar

BACK = (45, 25, 12, 6, 3, 0)  # working days before today on which the rules look at the demonstration


def demonstrate(today: date | None = None) -> None:
    """Run the rules on a few days up to today, then compute the scores of this month and the last."""
    today = today or calendar.today()
    now = calendar.ordinal(today)
    for back in BACK:
        running.run(calendar.day_of(now - back) if back else today, fire=False, verify=False)
    scoring.draft("month", today.replace(day=1) - timedelta(days=1))
    scoring.refresh(today)
