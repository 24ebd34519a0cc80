"""An agency is merged into another or renamed: what it had open goes on there.

Renaming needs nothing (a case points to the agency, its papers carry the name of the day). After a merger the
open steps of the old agency become the successor's, with their limits as they run. Where the successor answers
for another division, the cases move there with all their papers. Done by the operator on the day of the order.
"""

from django.db import transaction

from jinzhi.casework import actions, rows
from jinzhi.casework.actions import ending
from jinzhi.casework.actions.base import Act, moment
from jinzhi.casework.models import LIVE, PERSONAL, Case, Step
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope


def succeed(old: Agency, new: Agency, order: str) -> int:
    """Give every open case and step of `old` to `new`; answers how many cases. Run as the system, twice if need be."""
    held = Case.objects.filter(state=Case.State.OPEN)
    steps = Step.objects.filter(agency=old, state__in=LIVE)
    keys = set(held.filter(agency=old).values_list("pk", flat=True)) | set(
        steps.values_list("case_id", flat=True)
    )
    for key in sorted(keys):
        with transaction.atomic():
            _move(key, old, new, order)
    return len(keys)


def _move(key, old: Agency, new: Agency, order: str) -> None:
    case = rows.one(Case, "id = %s FOR UPDATE", [key])
    act = Act(case, None, "succeed", actions.SYSTEM, moment(case, None))
    moved = case.steps.filter(agency=old, state__in=LIVE, kind__in=PERSONAL)
    names = list(moved.values_list("name", flat=True))
    moved.update(agency=new, assignee=None)
    if case.agency_id == old.pk:
        case.agency = new
    about = f"，“{'、'.join(names)}”由其继续办理" if names else ""
    act.log(
        "succeed", f"依 {order}，{old.name}的职责由{new.name}承继{about}。", former=old.key, agency=new.key
    )
    lo, hi = scope.jurisdiction(new.place)
    if lo <= case.place <= hi:
        case.save()
    else:
        ending.relocate(case, new.place)
