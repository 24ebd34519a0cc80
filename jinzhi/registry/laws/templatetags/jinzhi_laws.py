"""A citation in one text, taken apart for a link: `《行政许可法》第三十二条` -> title and article."""

import re

from django import template

from jinzhi.registry.laws import parsing

register = template.Library()
_ARTICLE = re.compile(r"第[零〇一二两三四五六七八九十百千]+条.*$")


@register.filter
def law_title(citation: str) -> str:
    return _ARTICLE.sub("", str(citation)).strip("《》 ，；")


@register.filter
def law_article(citation: str) -> str:
    found = _ARTICLE.search(str(citation))
    return found[0] if found else ""


@register.filter
def law_anchor(article) -> str:
    """The name of an article within its law's page."""
    return parsing.anchor(article.number, article.suffix)
