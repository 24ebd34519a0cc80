"""Pages of bulk runs: start one from the to-do list, watch it, stop it, let it go on."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from jinzhi.casework import actions, bulk
from jinzhi.casework.models import BulkRun
from jinzhi.foundation.people.access import reader_required

SHOWN = 100  # refused lines on the page


def _own(request, key: int) -> BulkRun:
    return get_object_or_404(
        BulkRun.objects.select_related("account", "post__agency"), pk=key, post=request.post
    )


@require_POST
@reader_required
def start(request):
    steps = [int(s) for s in request.POST.getlist("steps")[: bulk.MOST + 1] if s.isdecimal() and len(s) < 16]
    actor = actions.Actor(request.user, request.post, tuple(request.powers))
    try:
        run = bulk.begin(
            actor, request.POST.get("action", ""), steps, request.POST.get("reason", "").strip()[:2000]
        )
    except actions.Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("work-todo")
    return redirect("work-bulk", run.pk)


@require_GET
@reader_required
def show(request, key: int):
    run = _own(request, key)
    counts = bulk.progress(run)
    refused = run.items.filter(state="refused").select_related("case")[:SHOWN]
    over = bool(run.finished_at or run.cancelled_at)
    context = {"run": run, "counts": counts, "refused": refused, "over": over}
    return render(request, "casework/_bulk.html" if request.htmx else "casework/bulk.html", context)


@require_POST
@reader_required
def change(request, key: int):
    run = _own(request, key)
    if request.POST.get("to") == "resume":
        bulk.resume(run)
    else:
        bulk.cancel(run)
    return redirect("work-bulk", run.pk)
