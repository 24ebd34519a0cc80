"""Yangtze-delta recognition on the workbench: what the neighbours sent, and the check of a report."""

from datetime import date

from django.shortcuts import render
from django.views.decorators.http import require_safe

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.views import peer_names
from jinzhi.network.partners import recognition

SETS = ("yangtze.recall", "yangtze.failed_sample", "yangtze.report", "yangtze.recognition")
SHOWN = 60
ROLES = ("supervisor", "approver", "examiner", "inspector", "window_clerk", "administrator")


@require_safe
@role_required(*ROLES)
def index(request):
    """Records of the delta's sets, wherever they lie: shared without condition, so every official may read them."""
    key = request.GET.get("set", "")
    key = key if key in SETS else SETS[0]
    q = request.GET.get("q", "").strip().replace("\0", "")[:60]
    one = declared.get(key)
    with scope.acting(scope.SYSTEM):
        rows = Document.objects.filter(dataset=key)
        if q:
            rows = rows.filter(body__icontains=q)
        found = list(rows.order_by("-updated_at")[:SHOWN])
    items = [f for f in one.fields if f.type != "json"][:6]
    context = {
        "sets": [(k, declared.get(k).title) for k in SETS], "chosen": key, "q": q, "d": one, "items": items,
        "rows": [
            {"row": row, "cells": [(f.title, row.body.get(f.key)) for f in items],
             "source": row.source or row.owner_node}
            for row in found
        ],
        "names": peer_names(), "cut": len(found) == SHOWN,
    }  # fmt: skip
    return render(request, "partners/delta.html", context)


@require_safe
@role_required(*ROLES)
def check(request):
    """Does a report count here on a day?"""
    number = request.GET.get("report", "").strip().replace("\0", "")[:60]
    try:
        on = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        on = calendar.today()
    context = {
        "number": number, "on": on, "verdict": recognition.of(number, on) if number else None,
        "rule": rules.value(recognition.RULE, on=on),
    }  # fmt: skip
    return render(request, "partners/recognition.html", context)
