"""Public pages of the register: looking up enterprises, their public archives, verifying certificates.

Whoever asks, these pages see with the public's eyes; what officials may see besides is in `views.py`.
"""

from itertools import groupby
from typing import Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jinzhi.foundation.places import scope
from jinzhi.registry import archive_page, sections, services, verifying, written
from jinzhi.registry.searching import finding

LONGEST = 100


@require_safe
def search(request):
    """Look up enterprises by a code or a fragment of the name."""
    q = request.GET.get("q", "").strip()[:LONGEST]
    found = finding.search(q, after=request.GET.get("after", "")[:60], within=scope.PUBLIC)
    if len(found.hits) == 1 and found.hits[0].rank == 0 and "after" not in request.GET:
        return redirect("registry-archive", found.hits[0].link)
    groups = [(finding.RANKS[rank], list(hits)) for rank, hits in groupby(found.hits, lambda h: h.rank)]
    context = {"q": q, "groups": groups, "after": found.after, "wrong": ""}
    if q and not found.hits:
        context["wrong"] = written.looks_wrong(q)
    return render(request, "registry/search.html", context)


@require_safe
def archive(request, code: str):
    """The public archive of an enterprise; a fragment of it for a side panel."""
    panel = request.headers.get("HX-Request") == "true"
    on, wrong = archive_page.day_asked(request.GET.get("as_of"))
    with scope.acting(scope.PUBLIC):
        found = services.archive(code, on=on)
        if found is not None and not panel:
            context = archive_page.context(found, sections.PUBLIC, on) | {
                "link": services.link(found),
                "wrong_day": wrong,
            }
            return render(request, "registry/archive.html", context, status=400 if wrong else 200)
    if found is None:
        if panel:
            raise Http404("没有登记这家企业。")
        context = {"q": code[:LONGEST], "wrong": written.looks_wrong(code), "unknown": True}
        return render(request, "registry/search.html", context, status=404)
    return render(request, "registry/panel.html", {"e": found, "link": services.link(found)})


@require_safe
def verify(request):
    """Type a number, or learn how to scan."""
    number = written.normal(request.GET.get("number", ""))[:60]
    if number and "/" not in number:
        return redirect(reverse("registry-certificate", args=[number]))
    return render(request, "registry/verify.html", {"asked": "number" in request.GET, "number": number})


@require_safe
def certificate(request, number: str):
    """One glance: valid or not, since when, for what; then the details."""
    verdict = verifying.verify(number, request.GET.get("t"))
    context: dict[str, Any] = {"v": verdict, "c": verdict.certificate, "number": written.normal(number)[:60]}
    if verdict.found:
        context |= {"holder": verdict.found["holder"], "link": services.link(verdict.found["holder"])}
        context["covers"] = list(dict.fromkeys(i["category"] for i in verdict.found["certificate"]["items"]))
    return render(request, "registry/certificate.html", context, status=200 if verdict.found else 404)
