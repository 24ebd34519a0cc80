"""Standards cited in a text: `{% standard_remarks "GB 7718-2004" on %}` lists those not in force that day."""

from datetime import date

from django import template

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import services

register = template.Library()


@register.inclusion_tag("standards/_remarks.html")
def standard_remarks(cited, on=None):
    """`cited`: a text, or a row of an archive's section (its title and facts). A text without a number costs nothing."""
    day = on if isinstance(on, date) else today()
    return {"remarks": services.remarks(_text(cited), day)}


def _text(cited) -> str:
    facts = getattr(cited, "facts", None)
    if facts is None:
        return str(cited or "")
    return "\n".join([str(cited.title), *(str(value) for _, value in facts)])


TONES = {"in_force": "green", "partly_replaced": "yellow", "transition": "yellow", "future": "blue"}


@register.filter
def standing_tone(state: str) -> str:
    """The colour of a state's pill."""
    return TONES.get(state, "grey" if state == "unknown" else "red")
