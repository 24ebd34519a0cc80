"""From the path of an answer (section.row.column) to the input that holds it."""

from django import template

register = template.Library()


@register.filter
def anchor_name(path: str) -> str:
    """`applicant.agent` is the input named `applicant-agent`."""
    return path.replace(".", "-")


@register.filter
def anchor(path: str) -> str:
    """Id of that input; a whole section's error leads to the section."""
    return f"id_{anchor_name(path)}" if "." in path else path
