"""Pages of signals: the boards, the lists, a card with everything about it, the rules in force."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from jinzhi.casework.actions import Actor
from jinzhi.casework.esupervision import cards as boards
from jinzhi.casework.esupervision import handling, papers, rulebook, scoring, telling
from jinzhi.casework.esupervision.models import Run, Signal
from jinzhi.casework.esupervision.tables import LAMPS, TONES, SignalFilter, SignalTable
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, history
from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.people.access import role_required, staff_required
from jinzhi.foundation.places.models import Division
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import name_path
from jinzhi.web.export import download
from jinzhi.web.lists import list_page

PERIODS = {"month": "本月", "quarter": "本季度", "year": "本年", "all": "全部"}


def actor_of(request) -> Actor:
    return Actor(request.user, request.post, tuple(request.powers))


def place_of(request, code: str) -> int:
    """The place a page is asked for, inside the post's own range; 404 otherwise."""
    own = request.post.agency.place
    if not code:
        return own
    if not code.isdecimal() or len(code) != 6:
        raise Http404("没有这个地区。")
    place = int(code) * 1_000_000
    lo, hi = jurisdiction(place)
    own_lo, own_hi = jurisdiction(own)
    if not own_lo <= lo <= hi <= own_hi:
        raise Http404("这个地区不在您的管辖范围内。")
    return place


def crumbs_of(place: int, own: int) -> list[tuple[str, str]]:
    """The places above, down from one's own."""
    seats = dict.fromkeys(place // width * width for width in (10_000_000_000, 100_000_000, 1_000_000))
    return [(f"{s // 1_000_000:06d}", name_path(s).split(" / ")[-1]) for s in seats if own <= s < place]


def period_of(request, default: str = "month") -> tuple[str, tuple]:
    """The period chosen, with its first and last day."""
    chosen = request.GET.get("period", default)
    chosen = chosen if chosen in PERIODS else default
    today = calendar.today()
    return chosen, scoring.bounds(chosen, today) if chosen != "all" else (None, today)


@require_GET
@role_required("supervisor")
def board(request):
    """Signals of a place by place, agency, matter, person or rule; every number opens its cards."""
    place = place_of(request, request.GET.get("place", ""))
    by = request.GET.get("by", "place")
    by = by if by in boards.BY else "place"
    period, (first, last) = period_of(request)
    signals = boards.within(*jurisdiction(place))
    if first:
        signals = signals.filter(raised_on__range=(first, last))
    is_province, is_city = place % 10_000_000_000 == 0, place % 100_000_000 == 0
    if by == "place" and not is_city:
        by = "agency"
    lines = boards.board(signals, by, 100_000_000 if is_province else 1_000_000)
    context = {
        "by": by, "kinds": {k: v for k, v in boards.BY.items() if k != "place" or is_city}, "period": period,
        "periods": PERIODS, "place": place, "code": f"{place // 1_000_000:06d}", "name": name_path(place).split(" / ")[-1],
        "crumbs": crumbs_of(place, request.post.agency.place), "lines": lines, "totals": boards.totals(signals),
        "last_run": Run.objects.filter(finished_at__isnull=False).first(), "drill": by,
        "first": first, "last": last, "days": f"&raised_on_min={first}&raised_on_max={last}" if first else "",
        "most": max((line.total for line in lines), default=0) or 1, "deeper": _deeper(place), "trend": _trend(place),
    }  # fmt: skip
    if request.GET.get("export") == "xlsx":
        head = [boards.BY[by], "红牌", "黄牌", "提示", "提前办结", "待回复", "申诉中", "撤销"]
        rows = ([x.name, *x.counts.values()] for x in lines)
        return download("xlsx", f"监察总览（{boards.BY[by]}）", head, rows)
    return render(request, "esupervision/board.html", context)


def _deeper(place: int) -> list[tuple[str, str]]:
    if place % 100_000_000:
        return []
    found = Division.objects.filter(valid_to=None, parent=f"{place // 1_000_000:06d}").order_by("code")
    return [(d.code, d.name) for d in found]


HEIGHT = 72  # of the tallest column of the trend


def _trend(place: int) -> list[dict[str, Any]]:
    """Cards of each of the last six months, as the columns of a small picture."""
    signals, day = boards.within(*jurisdiction(place)), calendar.today()
    months: list[tuple[date, int, int]] = []
    for _ in range(6):
        first, last = scoring.bounds("month", day)
        numbers = boards.totals(signals.filter(raised_on__range=(first, last)))
        months.insert(0, (first, numbers["red"], numbers["yellow"]))
        day = first - timedelta(days=1)
    most = max(red + yellow for _, red, yellow in months) or 1
    found = []
    for number, (first, red, yellow) in enumerate(months):
        tall, small = round(HEIGHT * red / most), round(HEIGHT * yellow / most)
        x = 14 + number * 44
        found.append(
            {
                "month": first, "red": red, "yellow": yellow, "x": x, "middle": x + 12, "red_height": tall,
                "yellow_height": small, "red_y": 76 - tall, "yellow_y": 76 - tall - small,
            }
        )  # fmt: skip
    return found


def exported(request, title: str):
    """A download of a list leaves a trace."""

    def record(rows):
        history.append(
            "supervision", "supervision.exported", actor=request.user, post=request.post, subject=title,
            data={"条件": request.GET.urlencode(), "条数": rows.count()}, address=request.META.get("REMOTE_ADDR"),
        )  # fmt: skip

    return record


def _list(request, signals, **words):
    rows = signals.select_related("case", "agency", "post", "account")
    if request.GET.get("export") == "xlsx":
        found = SignalFilter(request.GET, queryset=rows, request=request).qs.order_by("-raised_on", "-id")
        exported(request, "监察信号")(found)
        head = [
            "规则",
            "情形",
            "级别",
            "办件编号",
            "申请人",
            "责任机构",
            "责任人",
            "发生日期",
            "发出日期",
            "状态",
            "事实",
            "依据",
        ]
        return download("xlsx", "监察信号", head, (_cells(s) for s in found.iterator(chunk_size=1000)))
    return list_page(
        request, table=SignalTable, queryset=rows, filters=SignalFilter, template="esupervision/cards.html",
        context=words, on_export=exported(request, "监察信号"),
    )  # fmt: skip


def _cells(s: Signal) -> list[str]:
    case = s.case
    return [
        s.rule, s.title, s.get_colour_display(), case.number if case else "", case.subject_name if case else "",
        s.agency.name, s.account.name if s.account else "", s.happened_on.isoformat(), s.raised_on.isoformat(),
        s.get_status_display(), telling.finding(s), s.law,
    ]  # fmt: skip


@require_safe
@role_required("supervisor", "auditor")
def cards(request):
    """Every signal of the range."""
    return _list(
        request, Signal.objects.all(), heading="监察信号", empty_title="没有监察信号",
        empty_text="每天早上按规则检查全部办件，发现的情形会列在这里。",
    )  # fmt: skip


@require_safe
@staff_required
def mine(request):
    """Cards of one's own bureau: what has to be answered comes first."""
    own = Signal.objects.filter(agency_id=request.post.agency_id).exclude(colour="green")
    return _list(
        request, own, heading="我的红黄牌", own=True, empty_title="没有红黄牌",
        empty_text="本机构的办件没有需要回复的监察信号。",
    )  # fmt: skip


def _signal(request, key: int) -> Signal:
    seen = boards.for_post(request.post, set(request.roles))
    return get_object_or_404(
        seen.select_related("case__procedure", "agency", "post", "account", "step"), pk=key
    )


@require_GET
@staff_required
def card(request, key: int):
    """One signal: the fact with its reasons, who has to answer until when, what was said, what may be done."""
    signal = _signal(request, key)
    today = calendar.today()
    acts = handling.allowed(actor_of(request), signal, today)
    held = signal.handlings.select_related("account", "post__agency").order_by("-id")
    papers_of = {str(d.pk): d for d in GeneratedDocument.objects.filter(subject=papers.subject(signal))}
    limits = []
    if signal.is_card and signal.status != Signal.Status.LIFTED:
        limits = [
            ("回复", telling.due(signal, "esupervision.reply"), signal.replied_on),
            ("申诉", telling.due(signal, "esupervision.appeal"), signal.appealed_on),
        ]
        if signal.appealed_on:
            limits.append(
                ("申诉认定", telling.due(signal, "esupervision.appeal_decision"), signal.decided_on)
            )
        limits.append(("整改", telling.due(signal, "esupervision.correction"), signal.corrected_on))
    known = rulebook.on(signal.case.rule_date if signal.case else signal.raised_on).get(signal.rule)
    context = {
        "signal": signal, "lamp": LAMPS[signal.colour], "tone": TONES[signal.status], "facts": telling.facts(signal),
        "responsible": telling.responsible(signal), "acts": [(a, handling.LABELS[a]) for a in acts], "today": today,
        "handlings": [(h, papers_of.get(str(h.data.get("document", "")))) for h in held], "limits": limits,
        "documents": list(papers_of.values()), "offered": papers.offered(signal), "grounds": handling.GROUNDS,
        "ground": handling.GROUNDS.get(signal.ground, ""), "rule": known, "kept": request.session.pop("kept_handling", {}),
        "events": signal.case.events.order_by("-seq")[:12] if signal.case else [],
        "section": rulebook.SECTIONS.get(known.section, "") if known else "",
    }  # fmt: skip
    return render(request, "esupervision/card.html", context)


@require_POST
@staff_required
def act(request, key: int):
    """One act on a card; a refusal keeps what was typed."""
    signal = _signal(request, key)
    action, text = request.POST.get("action", ""), request.POST.get("text", "")[:4000]
    payload = {"ground": request.POST.get("ground", ""), "kind": request.POST.get("kind", "")}
    try:
        handling.perform(signal.pk, action, actor_of(request), text=text, payload=payload)
    except handling.Refused as refusal:
        messages.error(request, refusal.message)
        request.session["kept_handling"] = {"action": action, "text": text, **payload}
    else:
        messages.success(request, f"已{handling.LABELS[action]}")
    return redirect("supervision-card", signal.pk)


@require_POST
@role_required("supervisor")
def raise_card(request, number: str):
    """A card for what the supervisor found himself on a case of his range."""
    case = get_object_or_404(Case, number=number)
    try:
        signal = handling.raise_by_hand(
            actor_of(request), case, request.POST.get("rule", ""), request.POST.get("text", "")[:4000],
            worse=request.POST.get("worse") == "1",
        )  # fmt: skip
    except handling.Refused as refusal:
        messages.error(request, refusal.message)
        return redirect("work-case", case.number)
    messages.success(request, "已亮牌，责任单位会收到提醒")
    return redirect("supervision-card", signal.pk)


@require_GET
@staff_required
def rules(request):
    """The rules as they hold today, and what they were before."""
    today = calendar.today()
    versions = sorted({(v.valid_from, v.valid_to, v.file) for v in rulebook.versions()}, reverse=True)
    chosen = next((v for v in versions if v[0].isoformat() == request.GET.get("from")), None) or versions[0]
    context = {
        "rules": rulebook.on(chosen[0]).values(), "versions": versions, "chosen": chosen, "today": today,
        "sections": rulebook.SECTIONS, "lamps": LAMPS,
    }  # fmt: skip
    return render(request, "esupervision/rules.html", context)
