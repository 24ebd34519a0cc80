"""Words of the register for its templates: `{% load registry %}`."""

from django import template

register = template.Library()

SCHEMES = {
    "uscc": "统一社会信用代码",
    "organization_code": "组织机构代码",
    "registration_number": "工商注册号",
}


@register.filter
def scheme_name(scheme: str) -> str:
    """The Chinese name of a coding scheme, or its own key for a scheme of another register."""
    return SCHEMES.get(scheme, scheme)
