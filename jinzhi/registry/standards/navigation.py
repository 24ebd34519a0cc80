"""Menu entry of the catalogue of standards and what the search box finds in it."""

from django.urls import reverse

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import services
from jinzhi.web.navigation import Entry, Hit, Source

ENTRIES = [Entry("标准目录", "standards-index", "ruler-2", group="档案", order=50)]


def _find(request, words: str, limit: int) -> list[Hit]:
    """Standards by number or title, with their state today."""
    rows, _ = services.search(words, limit=limit)
    return [
        Hit(
            f"{f.standard.number} {f.standard.title}",
            reverse("standards-standard", args=[f.standard.number]),
            f.word,
        )
        for f in services.standings(rows, today())
    ]


SOURCES = [Source("标准", _find, order=50)]
