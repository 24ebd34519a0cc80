"""Standards cited in a text: `{% standard_remarks "GB 7718-2004" on %}` lists those not in force that day."""

from django import template

from jinzhi.registry.standards import services

register = template.Library()


@register.inclusion_tag("standards/_remarks.html")
def standard_remarks(text, on):
    return {"remarks": services.remarks(str(text or ""), on), "on": on}


TONES = {"in_force": "green", "partly_replaced": "yellow", "transition": "yellow", "future": "blue"}


@register.filter
def standing_tone(state: str) -> str:
    """The colour of a state's pill."""
    return TONES.get(state, "grey" if state == "unknown" else "red")
