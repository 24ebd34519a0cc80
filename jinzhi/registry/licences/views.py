"""Public pages of electronic licences: keys, status list, the page that verifies without network."""

import hashlib
import json

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from jinzhi.foundation.places import scope
from jinzhi.registry.licences import keys, status_list
from jinzhi.web.context import site

SHEETS = (
    "tabler/tabler.min.css",
    "web/jinzhi.css",
    "web/public.css",
    "registry/registry.css",
    "licences/licences.css",
)
SCRIPTS = ("licences/sm2.js", "licences/judge.js", "licences/offline.js")


def _open_to_all(answer: HttpResponse) -> HttpResponse:
    """Verifiers of others may read it from their own pages."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@require_safe
@cache_control(public=True, max_age=300)
def published_keys(request):
    return _open_to_all(JsonResponse(keys.published(), json_dumps_params={"ensure_ascii": False}))


@require_safe
@cache_control(public=True, max_age=60)
def published_list(request):
    with scope.acting(scope.SYSTEM):
        answer = status_list.published()
    return _open_to_all(JsonResponse(answer, json_dumps_params={"ensure_ascii": False}))


def _addresses(names: tuple[str, ...]) -> list[str]:
    return [staticfiles_storage.url(name) for name in names]


def _page(request) -> str:
    context = {
        "site": site(),
        "sheets": _addresses(SHEETS),
        "scripts": _addresses(SCRIPTS),
        "keys": reverse("licences-keys"),
        "list": reverse("licences-list"),
    }
    return render_to_string("licences/offline.html", context)


@require_safe
@cache_control(no_cache=True)
def offline(request):
    """The page a phone keeps; the same for everybody."""
    return HttpResponse(_page(request))


@require_safe
@cache_control(no_cache=True)
def worker(request):
    """The service worker; a new one whenever the page or what it loads has changed."""
    page = _page(request)
    assets = _addresses((*SHEETS, *SCRIPTS, "web/mark.svg"))
    context = {
        "version": hashlib.sha256(page.encode()).hexdigest()[:12],
        "page": json.dumps(reverse("licences-offline")),
        "fresh": json.dumps([reverse("licences-keys"), reverse("licences-list")]),
        "assets": json.dumps(assets),
    }
    answer = render(request, "licences/worker.js", context, content_type="text/javascript; charset=utf-8")
    answer.headers["Service-Worker-Allowed"] = "/verify/"
    return answer
