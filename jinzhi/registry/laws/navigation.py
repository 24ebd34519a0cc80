"""Menu entry of the library of laws and what the search box finds in it."""

from django.urls import reverse

from jinzhi.registry.laws import parsing, services
from jinzhi.web.navigation import Entry, Hit, Source

ENTRIES = [Entry("法规库", "laws-index", "books", group="档案", order=60, key="f")]


def _find(request, words: str, limit: int) -> list[Hit]:
    """Laws by name and articles by text, as in force today."""
    found = []
    for hit in services.search(words, limit=limit).hits:
        url = reverse("laws-law", args=[hit.law.pk])
        if hit.article is None:
            found.append(Hit(hit.law.title, url, hit.law.level))
        else:
            place = parsing.anchor(hit.article.number, hit.article.suffix)
            found.append(Hit(f"{hit.law.title}{hit.article.label}", f"{url}#{place}", hit.snippet))
    return found


SOURCES = [Source("法规", _find, order=60)]
