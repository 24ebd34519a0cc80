"""How a fault, a change, an incident begins: the form examined, the case opened at the bureau that has the place."""

from datetime import datetime

from jinzhi.casework import actions, intake
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.network.operations import nodes

PROCEDURES = {"network_fault": "fault", "network_change": "change", "security_incident": "incident"}


def begin(
    procedure: str,
    data: dict,
    actor: actions.Actor,
    place: int,
    *,
    at: datetime | None = None,
    is_demo: bool = False,
) -> Case:
    """Open the case. Raises actions.Refused naming the first thing that is missing or wrong."""
    version = intake.version_on(procedure, at.date() if at else calendar.today())
    form = forms.get(version.procedure.form, version.procedure.form_version)
    cleaned, problems = forms.examine(form, data, on=at.date() if at else calendar.today())
    if problems:
        first = problems[0]
        raise actions.Refused(f"“{first.label}”：{first.message}", first.path)
    about = cleaned[PROCEDURES[procedure]]
    if about["node"] not in nodes.names():
        raise actions.Refused("请选择质量专网的节点", f"{PROCEDURES[procedure]}.node")
    subject = f"{nodes.name(about['node'])} {about['title']}"
    numbered_at = (
        exchange_node.this().node if about.get("origin") else ""
    )  # the city numbers its county's cases itself
    return intake.begin(
        version,
        cleaned,
        actor,
        place=place,
        subject_name=subject,
        at=at,
        is_demo=is_demo,
        numbered_at=numbered_at,
    )
