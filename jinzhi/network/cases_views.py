"""Cases of other nodes: the list, one case with its files, and a file brought here when somebody opens it."""

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.files import views as file_views
from jinzhi.foundation.files.models import Blob
from jinzhi.foundation.files.sniffing import ACCEPTED
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.people.acting import Actor
from jinzhi.foundation.places.services import name_path
from jinzhi.network import cases, cases_tables, exchange_tables, fetching
from jinzhi.web.lists import list_page

READERS = ("supervisor", "approver", "examiner", "auditor")
reader = role_required(*READERS)
KNOWN = frozenset(kind.media_type for kind in ACCEPTED)
GONE = "没有这个文件，或者它不在您的管辖范围内。"


@require_safe
@reader
def index(request):
    return list_page(
        request, table=cases_tables.CasesTable, queryset=cases.cases(), filters=cases_tables.CasesFilter,
        template="network/cases.html", on_export=_exported(request),
    )  # fmt: skip


def _exported(request):
    def record(rows):
        Actor.of(request).record(
            "network.cases_exported", "各市办件", {"条件": request.GET.urlencode()[:500]}
        )

    return record


@require_safe
@reader
def case(request, key):
    found = cases.cases().filter(pk=key).first()
    if found is None:
        raise Http404("没有这个办件，或者它不在您的管辖范围内。")
    Actor.of(request).record("network.case_read", found.body.get("number", ""), {"节点": found.owner_node})
    word, tone = cases_tables.standing(found.body)
    listed = cases.files_of(found)
    context = {
        "case": found, "body": found.body, "word": word, "tone": tone, "place": name_path(found.place),
        "node": exchange_tables.peer_title(found.owner_node),
        "attachments": [one for one in listed if not one.is_document],
        "documents": [one for one in listed if one.is_document],
    }  # fmt: skip
    return render(request, "network/case.html", context)


@require_safe
@reader
def file(request, key):
    """A file of another node. What cannot be brought within the wait goes on when the page asks again."""
    row = cases.file(key)
    if row is None:
        raise Http404(GONE)
    wanted = cases.wanted(row)
    seconds = float(rules.value("network.file_wait", on=timezone.localdate()).value)
    try:
        brought = cases.fetch(wanted, seconds)
        if brought.path:
            return _send(request, row, wanted, brought)
    except cases.NoAnswer as error:
        return _wait(request, row, fetching.here(wanted), str(error), status=503)
    except cases.FileAway as error:
        return _wait(request, row, fetching.here(wanted), str(error), status=502)
    return _wait(request, row, brought, "")


def _send(request, row: Document, wanted: cases.Wanted, brought: cases.Brought) -> HttpResponseBase:
    assert brought.path is not None
    Actor.of(request).record(
        "network.file_opened",
        wanted.name,
        {"节点": row.owner_node, "数据集": declared.get(row.dataset).title},
    )
    media_type = wanted.media_type if wanted.media_type in KNOWN else "application/octet-stream"
    blob = Blob(sha256=brought.path.name, size=brought.size, media_type=media_type, created_at=row.created_at)
    return file_views.send(request, blob, wanted.name, brought.path)


def _wait(request, row: Document, brought: cases.Brought, problem: str, status: int = 200) -> HttpResponse:
    """How far it is: asks again by itself while it moves, by a button when it does not."""
    wanted = cases.wanted(row)
    context = {
        "file": wanted, "brought": brought, "problem": problem, "status": status,
        "node": exchange_tables.peer_title(row.owner_node), "back": row.body.get("subject", "").removeprefix("case:"),
    }  # fmt: skip
    answer = render(request, "network/file_wait.html", context, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
