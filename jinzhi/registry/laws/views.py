"""The library of laws for everybody; an official sees the same pages within the workbench."""

from datetime import date

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.laws import api, citations, parsing, services
from jinzhi.registry.laws.models import Law
from jinzhi.web.frames import frame

LONGEST = 100
MOST_AFTER = 10_000


def _day(request) -> date:
    try:
        return date.fromisoformat(request.GET.get("on", "").strip())
    except ValueError:
        return today()


def _after(request) -> int:
    text = request.GET.get("after", "")
    return min(int(text), MOST_AFTER) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@require_safe
def index(request):
    """Look for laws and articles; or, with `title`, the text behind a citation."""
    if title := request.GET.get("title", "").strip()[:120]:
        return _cited(request, title)
    q, on, after = request.GET.get("q", "").strip()[:LONGEST], _day(request), _after(request)
    found = services.search(q, on, after=after)
    context = {"q": q, "on": on, "today": today(), "hits": found.hits, "first": after == 0}
    context |= {"after": after + services.PAGE if found.more else 0}
    if not q:
        context["overview"] = services.overview()
    return render(request, "laws/index.html", context | frame(request))


def _cited(request, title: str):
    """The text a step cites as it stood on a day, or the citation alone where the text was not loaded."""
    citation = request.GET.get("article", "").strip()[:60]
    on = _day(request)
    found = services.in_force(title, on)
    cited = services.cited(found, citation) if found else []
    context = {"title": title, "article": citation, "on": on, "law": found, "cited": cited}
    context["anchor"] = parsing.cited_anchor(citation)
    context["parts"] = [(a, _n(a), parsing.paragraphs(a.number, a.suffix, a.text)) for a in cited]
    return render(request, "laws/cited.html", context | frame(request))


def _n(a) -> str:
    return f"{a.number}-{a.suffix}" if a.suffix else str(a.number)


@require_safe
def law(request, key: int):
    """A version with its chapters, articles and the other versions."""
    found = get_object_or_404(Law, pk=key)
    on = _day(request)
    held = services.on_day(found, on) if "on" in request.GET else found
    shown = held or found
    chapters: list[tuple[str, list]] = []
    for a in shown.articles.all():
        if not chapters or chapters[-1][0] != a.chapter:
            chapters.append((a.chapter, []))
        anchor = parsing.anchor(a.number, a.suffix)
        chapters[-1][1].append((a, anchor, _n(a), len(citations.dependents(shown.key, a.number, a.suffix))))
    context = {
        "law": shown, "state": services.state(shown, on), "on": on, "missing": held is None, "chapters": chapters,
        "versions": [(v, services.state(v, on)) for v in services.versions(shown)],
    }  # fmt: skip
    return render(request, "laws/law.html", context | frame(request))


@require_safe
def article(request, key: int, n: str):
    """One article: paragraphs, other versions, and what rests on it."""
    found = get_object_or_404(Law, pk=key)
    place = parsing.article_number(n)
    held = services.article(found, *place) if place else None
    if place is None or held is None:
        raise Http404("这部法规没有这一条。")
    on = _day(request)
    through = services.through_versions(found, *place)
    context = {
        "law": found, "state": services.state(found, on), "a": held, "n": _n(held), "on": on,
        "parts": parsing.paragraphs(held.number, held.suffix, held.text),
        "dependents": citations.dependents(found.key, *place),
        "through": [(v, a, a is not None and a.text == held.text) for v, a in through] if len(through) > 1 else [],
    }  # fmt: skip
    return render(request, "laws/article.html", context | frame(request))


@require_safe
def changes(request, key: int, other: int):
    """Two versions article by article, with what rests on the articles concerned."""
    new, old = get_object_or_404(Law, pk=key), get_object_or_404(Law, pk=other)
    if old.key != new.key:
        raise Http404("这是两部不同的法规。")
    found = services.compare(old, new)
    counts = {word: sum(c.kind == kind for c in found) for kind, word in services.KINDS.items()}
    rows = [(c, services.KINDS[c.kind], api.concerned(old, c)) for c in found if c.kind != "same"]
    context = {"old": old, "new": new, "counts": counts, "rows": rows}
    return render(request, "laws/changes.html", context | frame(request))
