"""Words and records the pages of a licensing case show."""

from django import template

from jinzhi.registry.kinds import kind_name
from jinzhi.services.licensing import records as made

register = template.Library()
register.filter("certificate_kind", kind_name)


@register.simple_tag
def records(case) -> list:
    """The records made at the steps of the case, as (name of the step, sections)."""
    return made.shown(case)


@register.filter
def either(wanted) -> str:
    """The answers under which a question is asked, as the page's script reads them."""
    return "|".join(str(w) for w in wanted) if isinstance(wanted, list) else str(wanted)
