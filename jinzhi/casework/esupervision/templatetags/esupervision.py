"""`{% load esupervision %}{% satisfaction case %}` on the applicant's page of a closed case: rate once, or the rating.

`{% case_signals case %}` on the officials' case page: its cards, with a link to each.
"""

from django import template

from jinzhi.casework.esupervision import rating
from jinzhi.casework.esupervision.models import Satisfaction, Signal
from jinzhi.casework.esupervision.tables import LAMPS

register = template.Library()


@register.inclusion_tag("esupervision/_satisfaction.html", takes_context=True)
def satisfaction(context, case):
    """The rating of this case, or the form for it; nothing while the case is open or where there is nothing to rate."""
    done = rating.of(case) if case.state == "closed" else None
    return {
        "case": case, "done": done, "may": done is None and rating.may_rate(case), "request": context.get("request"),
        "grades": list(Satisfaction.Grade.choices), "csrf_token": context.get("csrf_token"),
    }  # fmt: skip


@register.inclusion_tag("esupervision/_case_signals.html", takes_context=True)
def case_signals(context, case):
    """Cards of the case that the post acting may see."""
    request = context.get("request")
    found = Signal.objects.filter(case=case).exclude(colour="green").order_by("-id")
    if request is not None and "supervisor" not in request.roles:
        found = found.filter(agency_id=request.post.agency_id)
    return {"signals": [(s, LAMPS[s.colour]) for s in found[:10]]}
