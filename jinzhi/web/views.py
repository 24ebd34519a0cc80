"""Pages of the shell itself: the way to one's own home, and the search box of the workbench."""

from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from jinzhi.foundation.people import roles
from jinzhi.foundation.people.middleware import to_sign_in
from jinzhi.foundation.people.models import Account

from . import navigation

QUICK = 5  # hits of each source in the list under the search box


def home(request):
    """The right home for whoever asks: to-do, overview, administrator's desk, an enterprise's matters."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    if request.user.kind == Account.Kind.ENTERPRISE:
        names: tuple[str, ...] = ("my-home", "licensing-my", "people-account")
    elif request.roles & roles.ADMINISTRATION:
        names = ("desk-home",)
    elif request.roles == {"supervisor"}:
        names = ("work-board", "work-home")
    else:
        names = ("work-home", "desk-home")
    for name in names:
        try:
            return redirect(reverse(name))
        except NoReverseMatch:
            continue
    return redirect("people-account")


@require_safe
def search(request):
    """What the rooms find for a word, grouped by source; a fragment for the box, else a page of one's own side."""
    wanted = " ".join(request.GET.get("q", "").split())[:60]
    is_box = request.headers.get("HX-Request") == "true"
    groups = navigation.find(request, wanted, QUICK if is_box else 20) if len(wanted) >= 2 else []
    hits = [hit for group in groups for hit in group.hits]
    if not is_box and len(hits) == 1:
        return redirect(hits[0].url)
    page = "web/search.html" if navigation.face(request) == "staff" else "web/search_public.html"
    template = "web/parts/found.html" if is_box else page
    return render(request, template, {"wanted": wanted, "groups": groups})
