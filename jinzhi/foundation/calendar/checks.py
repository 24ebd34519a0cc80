"""The notices shipped with the product must be plausible for their years."""

from jinzhi.foundation.calendar import notices, plausibility
from jinzhi.foundation.rules import MARKS, RuleError


def check() -> list[str]:
    try:
        shipped = notices.shipped()
    except (KeyError, TypeError, ValueError, RuleError) as fault:
        return [f"calendar/notices: {fault!r}"]
    problems = []
    for notice in shipped:
        found = plausibility.errors(list(notice.holidays), notice.year, notice.kind == "annual")
        if notice.kind == "annual":
            found += _warnings(notice, [n for n in shipped if n.year == notice.year and n.kind == "change"])
        if notice.mark not in MARKS:
            found.append(f"mark 应为 {'、'.join(MARKS)} 之一")
        problems += [f"calendar/{notice.source}: {problem}" for problem in found]
    return problems


def _warnings(notice: notices.Notice, changes: list[notices.Notice]) -> list[str]:
    """Those of the annual notice, unless a later change to it sets right what looked wrong."""
    alone = plausibility.warnings(list(notice.holidays), notice.year)
    changed = [holiday for one in (notice, *changes) for holiday in one.holidays]
    return [warning for warning in alone if warning in plausibility.warnings(changed, notice.year)]
