"""The catalogue's pages: what is shared, one dataset with its figures, a record's way, doubts."""

from django import forms
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import FLOWS, SHARING
from jinzhi.foundation.people.access import reader_required, role_required, staff_required
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue import (
    challenging,
    consumers,
    lineage,
    listing,
    measuring,
    metadata,
    records,
    registering,
    requesting,
)
from jinzhi.network.catalogue.models import Challenge, Grant, Request
from jinzhi.web.forms import PlainWords
from jinzhi.web.frames import frame

LONGEST = 100
DAYS_SHOWN = 30


def _dataset(key: str) -> declared.Dataset:
    try:
        return metadata.find(key)
    except declared.Undeclared as fault:
        raise Http404(str(fault)) from None


def peer_names() -> dict[str, str]:
    """Node and partner codes in words."""
    names = dict(Agency.objects.exclude(level=Agency.Level.COUNTY).values_list("key", "short_name"))
    with scope.acting(scope.SYSTEM):  # who exchanges with the province is no secret among officials
        for kind in consumers.KINDS.values():
            if kind.key != "agency":
                names |= dict(kind.offered())
    return names | {"hub": "省级中心"}


@require_safe
def index(request):
    """Every dataset by words, sharing, provider and direction, with what moved in thirty days."""
    q = request.GET.get("q", "").strip()[:LONGEST]
    chosen = {name: request.GET.get(name, "")[:30] for name in ("share", "provider", "flow")}
    found = listing.search(q, **chosen)
    shown = frame(request)
    context = {
        "q": q, **chosen, "sharing": SHARING, "flows": FLOWS, "providers": listing.providers(),
        "asked": bool(q or any(chosen.values())),
    }  # fmt: skip
    rows: list[dict] = [{"one": one} for one in found]
    if shown["inside"]:
        moved, quality = measuring.moved(), measuring.newest_quality()
        for row in rows:
            key = row["one"].dataset.key
            row |= {"moved": moved.get(key), "quality": quality.get(key)}
        context["overview"] = measuring.overview()
    return render(request, "catalogue/index.html", context | {"rows": rows} | shown)


@require_safe
def dataset(request, key: str):
    """One dataset: metadata, items, and for officials who uses it, what moved and how good it is."""
    one = _dataset(key)
    found = listing.listed(one)
    shown = frame(request)
    context = {
        "d": one, "found": found, "items": [metadata.field(one, f) for f in one.fields],
        "core": metadata.core(one, provider=found.provider, updated=found.updated_on),
        "guide": metadata.guide_2017(one, provider=found.provider), "flow": FLOWS.get(one.flow, one.flow),
        "references": [declared.get(k) for k in sorted(set(one.references.values()))],
        "withheld": metadata.withheld(one), "services": metadata.services(one),
    }  # fmt: skip
    if shown["inside"]:
        context |= _inside(request, one)
    return render(request, "catalogue/dataset.html", context | shown)


def _inside(request, one: declared.Dataset) -> dict:
    quality = measuring.newest_quality().get(one.key)
    median, within, every = measuring.latency(one.key)
    daily = measuring.daily(one.key)
    return {
        "grants": Grant.objects.filter(dataset=one.key, state=Grant.State.ACTIVE).order_by("consumer"),
        "requests": Request.objects.filter(dataset=one.key, state=Request.State.OPEN).count(),
        "challenges": Challenge.objects.filter(dataset=one.key, state=Challenge.State.OPEN).count(),
        "peers": measuring.by_peer(one.key), "names": peer_names(), "median": _duration(median), "within": within,
        "batches": every, "quality": quality, "daily": _bars(daily), "days": daily,
        "parts": [(word, (quality.parts or {}).get(part)) for part, word in measuring.PARTS.items()] if quality else [],
        "may_ask": bool(request.roles & set(requesting.ASKERS)) and one.share != "no",
        "may_keep": request.post.agency.key == one.owner and bool(request.roles & set(registering.KEEPERS)),
        "may_read": bool(request.roles & set(READERS)),
    }  # fmt: skip


READERS = (
    "supervisor",
    "approver",
    "examiner",
    "inspector",
    "window_clerk",
    "records_clerk",
    "auditor",
    "certificate_clerk",
)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} 秒"
    return f"{seconds / 60:.0f} 分钟" if seconds < 7200 else f"{seconds / 3600:.1f} 小时"


def _bars(daily: list[tuple]) -> list[dict]:
    """Thirty days as heights of a small picture of 30 by 100."""
    by_day = {day: sent + received for day, sent, received in daily}
    most = max(by_day.values(), default=0)
    today = calendar.today()
    bars = []
    for n in range(DAYS_SHOWN):
        day = today.fromordinal(today.toordinal() - DAYS_SHOWN + 1 + n)
        height = round(38 * by_day.get(day, 0) / most, 1) if most else 0
        bars.append(
            {"x": n * 10, "y": 40 - height, "height": height, "day": day, "count": by_day.get(day, 0)}
        )
    return bars if most else []


# -- a record's way


@require_safe
@reader_required
def lineage_page(request, key: str):
    """A record found by its number, and its way to whoever has it."""
    one = _dataset(key)
    q = request.GET.get("q", "").strip()[:LONGEST]
    found = records.find(one.key, q) if q else []
    context = {"d": one, "q": q, "found": found, "names": peer_names(), "bare": True}
    if len(found) == 1:
        record = found[0]
        context |= {
            "record": record, "line": lineage.of(one.key, record.row.pk),
            "body": [(f, records.written(record.body.get(f.key))) for f in one.fields],
            "doubts": Challenge.objects.filter(dataset=one.key, record=record.row.pk).order_by("-id")[:10],
        }  # fmt: skip
    return render(request, "catalogue/lineage.html", context)


# -- doubts


class ChallengeForm(PlainWords, forms.Form):
    field = forms.ChoiceField(label="有误的信息项")
    wanted = forms.CharField(label="应为", max_length=2000, required=False, help_text="应当为空的，不填。")
    reason = forms.CharField(
        label="理由和依据", max_length=500, widget=forms.Textarea(attrs={"rows": 3, "wide": True})
    )

    def __init__(self, *args, record: records.Found, **kwargs):
        super().__init__(*args, **kwargs)
        choice = self.fields["field"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [
            (f.key, f"{f.title}：{records.written(record.body.get(f.key))[:40] or '（空）'}")
            for f in record.dataset.fields
        ]


@reader_required
def challenge(request, key: str, record):
    """Say that an item of a record is wrong."""
    one = _dataset(key)
    found = records.read(one.key, record)
    if found is None:
        raise Http404("没有这条记录。")
    form = ChallengeForm(request.POST or None, record=found)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = challenging.raise_one(Actor.of(request), one.key, record, **said)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        else:
            due = challenging.due(made)
            messages.success(request, f"疑义已送保存这条记录的机构核实，{due.month}月{due.day}日前答复。")
            return redirect(f"{reverse('catalogue-challenges')}#c{made.pk}")
    context = {"form": form, "d": one, "record": found, "save_word": "提出疑义"}
    context["cancel_url"] = f"{reverse('catalogue-lineage', args=[one.key])}?q={record}"
    return render(request, "catalogue/challenge.html", context)


@require_safe
@staff_required
def challenges(request):
    """Doubts this post raised or has to verify, open ones first."""
    wanted = request.GET.get("state", "")
    rows = Challenge.objects.order_by("-id")
    if wanted in Challenge.State.values:
        rows = rows.filter(state=wanted)
    lo, hi = request.scope.lo, request.scope.hi
    may = bool(request.roles & set(challenging.ANSWERERS))
    shown: list[dict] = []
    for row in rows[:200]:
        one = declared.all().get(row.dataset)
        item = one.by_key.get(row.field) if one else None
        shown.append(
            {
                "row": row, "dataset": one, "item": item.title if item else row.field, "due": challenging.due(row),
                "late": row.state == "open" and challenging.due(row) < calendar.today(),
                "may_answer": may and row.state == "open" and lo <= row.provider_place <= hi,
            }
        )  # fmt: skip
    shown.sort(key=lambda one: one["row"].state != "open")
    context = {"rows": shown, "states": Challenge.State.choices, "state": wanted}
    return render(request, "catalogue/challenges.html", context)


@require_POST
@role_required(*challenging.ANSWERERS)
def answer_challenge(request, key):
    try:
        row = challenging.answer(
            Actor.of(request),
            key,
            accept=request.POST.get("accept") == "1",
            text=request.POST.get("text", ""),
        )
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(
            request, "记录已更正，新的版本会送到各使用方。" if row.state == "accepted" else "已答复核实无误。"
        )
    return redirect("catalogue-challenges")


# -- keeping


@require_POST
@role_required(*registering.KEEPERS)
def suspend(request, key: str):
    one = _dataset(key)
    stop = request.POST.get("suspended") == "1"
    try:
        registering.suspend(Actor.of(request), one.key, suspended=stop, reason=request.POST.get("reason", ""))
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"{one.title}{'暂停' if stop else '恢复'}受理共享申请。")
    return redirect("catalogue-dataset", one.key)


@require_POST
@role_required(*registering.KEEPERS)
def measure(request, key: str):
    one = _dataset(key)
    try:
        registering.may_keep(Actor.of(request), one)
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        found = measuring.measure(one)
        messages.success(request, f"已按 {found.records} 条记录测算。")
    return redirect("catalogue-dataset", one.key)
