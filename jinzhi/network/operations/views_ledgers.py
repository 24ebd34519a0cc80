"""The ledgers: list, line, entry and change, stock movements. One set of views for all of them."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jinzhi.casework.actions import Refused
from jinzhi.foundation.people.access import role_required
from jinzhi.foundation.people.models import Agency
from jinzhi.network.operations import entry
from jinzhi.network.operations.ledgers import LEDGERS, Ledger, keep, move
from jinzhi.network.operations.models import SparePart
from jinzhi.network.operations.tables import agency_names, ending, ledger_filter, ledger_table
from jinzhi.network.operations.views import READING, WORKING, actor_of, works
from jinzhi.web.lists import list_page
from jinzhi.web.templatetags.jinzhi import yuan


def _ledger(key: str) -> Ledger:
    if key not in LEDGERS:
        raise Http404("没有这种台账。")
    return LEDGERS[key]


@require_safe
@role_required(*READING)
def rows(request, key: str = "equipment"):
    ledger = _ledger(key)
    return list_page(
        request, table=ledger_table(key), queryset=ledger.model.objects.all(),  # type: ignore[attr-defined]
        filters=ledger_filter(key), template="operations/ledger.html",
        context={
            "heading": "设备和系统台账", "ledger": ledger, "ledgers": LEDGERS.values(), "works": works(request),
            "empty_title": f"没有{ledger.title}记录", "empty_text": f"在这里登记本级维护的{ledger.title}，以及下级的。",
        },
    )  # fmt: skip


def _shown(row, ledger: Ledger) -> list[tuple[str, object]]:
    """Every field of a line with its value in words."""
    found: list[tuple[str, object]] = []
    for name in ("number", "owned_by", "layer", "maintainer", *ledger.fields):
        field = row._meta.get_field(name)
        value = getattr(row, name)
        if field.choices:
            value = getattr(row, f"get_{name}_display")()
        elif name == "owned_by":
            value = agency_names().get(value, value)
        elif name.endswith("_until"):
            value = ending(value)
        elif name == "monthly_cents":
            value = f"{yuan(value)} 元" if value is not None else ""
        found.append((str(field.verbose_name).replace("（分）", ""), "" if value is None else value))
    return found


@require_safe
@role_required(*READING)
def row(request, key: str, row):
    ledger = _ledger(key)
    found = get_object_or_404(ledger.model, pk=row)
    movements = found.movements.select_related("account")[:50] if isinstance(found, SparePart) else None
    context = {
        "ledger": ledger, "row": found, "shown": _shown(found, ledger), "works": works(request), "movements": movements,
    }  # fmt: skip
    return render(request, "operations/ledger_row.html", context)


@role_required(*WORKING)
def edit(request, key: str, row=None):
    """Enter a line, or change one; with `row` the line as it is."""
    ledger = _ledger(key)
    held = get_object_or_404(ledger.model, pk=row) if row else None
    first = (
        {}
        if held
        else {
            "number": entry.next_number(key, request.post.agency.key),
            "maintainer": request.post.agency.level,
        }
    )
    form = entry.ledger_form(key)(request.POST or None, instance=held, initial=first)
    offered = entry.agencies(request.post)
    form.fields["owned_by"].choices = offered  # type: ignore[attr-defined]
    form.fields["owned_by"].initial = held.owned_by if held else request.post.agency.key
    if request.method == "POST" and form.is_valid():
        agency = Agency.objects.get(key=form.cleaned_data["owned_by"])
        try:
            kept = keep(ledger, form.save(commit=False), agency, actor_of(request))
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, f"{kept.number} 已保存。")
            return redirect("operations-ledger-row", key, kept.pk)
    back = (
        reverse("operations-ledger-row", args=[key, held.pk])
        if held
        else reverse("operations-ledger", args=[key])
    )
    context = {"form": form, "ledger": ledger, "row": held, "cancel_url": back}
    return render(request, "operations/ledger_edit.html", context)


@require_POST
@role_required(*WORKING)
def stock(request, row):
    """Parts in and out."""
    part = get_object_or_404(SparePart, pk=row)
    text = request.POST.get("change", "").strip()
    change = int(text) if text.lstrip("-").isdecimal() and len(text) < 9 else 0
    try:
        moved = move(
            part, change, request.POST.get("reason", ""), actor_of(request), request.POST.get("ticket", "")
        )
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"已登记，现有库存 {moved.quantity}。")
    return redirect("operations-ledger-row", "spares", part.pk)
