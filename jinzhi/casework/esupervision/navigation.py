"""What e-supervision puts into the menu and the bell: a supervisor's board, a bureau's own cards."""

from django.db.models import Q

from jinzhi.casework.esupervision import complaints, rating, telling
from jinzhi.casework.esupervision.models import Complaint, Satisfaction, Signal
from jinzhi.foundation import calendar
from jinzhi.web.navigation import Entry, Hit, Reminder, Source

ANSWERING = (
    "window_clerk", "examiner", "inspector", "approver", "certificate_clerk", "legal_reviewer", "hearing_officer", "appraiser",
)  # fmt: skip
CARDS = Q(colour__in=["yellow", "red"])
UNANSWERED = CARDS & Q(status="open", replied_on=None)


def _mine(request) -> int:
    if not hasattr(request, "cards_waiting"):
        own = Signal.objects.filter(UNANSWERED, agency_id=request.post.agency_id)
        request.cards_waiting = list(own.only("colour", "raised_on", "escalated_on")[:200])
    return len(request.cards_waiting)


def _appeals(request) -> int:
    if not hasattr(request, "appeals_waiting"):
        request.appeals_waiting = Signal.objects.filter(status="appealed").count()
    return request.appeals_waiting


def _new_complaints(request) -> int:
    if not hasattr(request, "complaints_waiting"):
        waiting = Complaint.objects.filter(status__in=["received", "accepted"])
        request.complaints_waiting = list(waiting.order_by("id")[:200])
    return len(request.complaints_waiting)


ENTRIES = [
    Entry("我的红黄牌", "supervision-mine", "flag", "办件", 6, roles=ANSWERING, count=_mine),
    Entry("电子监察", "supervision-board", "radar", "监督", 1, roles=("supervisor",), key="m"),
    Entry("监察信号", "supervision-cards", "flag", "监督", 2, roles=("supervisor", "auditor"), count=None),
    Entry(
        "投诉",
        "supervision-complaints",
        "message-report",
        "监督",
        3,
        roles=("supervisor",),
        count=_new_complaints,
    ),
    Entry(
        "好差评", "supervision-ratings", "stars", "监督", 4, roles=("supervisor", "window_clerk", "approver")
    ),
    Entry("绩效考核", "supervision-scores", "report-analytics", "监督", 5, roles=("supervisor", "approver")),
    Entry("监察统计", "supervision-statistics", "chart-bar", "监督", 6, roles=("supervisor", "approver")),
    Entry("监察规则", "supervision-rules", "scale", "监督", 7, roles=("supervisor", "auditor", "approver")),
    Entry("我的投诉", "my-complaints", "message-report", "企业办事", 20, faces=("enterprise",)),
]
AUDIT_KINDS = {"supervision.exported": "导出监察数据"}


def reminders(request) -> list[Reminder]:
    if request.post is None:
        return []
    found = []
    if request.roles & set(ANSWERING) and _mine(request):
        found.append(_own_cards(request))
    if request.roles & {"window_clerk", "approver"}:
        found += _bad_ratings(request)
    if "supervisor" in request.roles:
        found += _to_decide(request)
    return found


def _own_cards(request) -> Reminder:
    today = calendar.today()
    cards = request.cards_waiting
    late = sum(1 for c in cards if today > telling.due(c, "esupervision.reply"))
    red = sum(1 for c in cards if c.colour == "red")
    words = (
        f"{len(cards)} 张监察牌待回复"
        + (f"，其中红牌 {red} 张" if red else "")
        + (f"，{late} 张已逾期" if late else "")
    )
    return Reminder(
        words, "/office/supervision/mine/?status=open", "red" if red or late else "yellow", len(cards)
    )


def _bad_ratings(request) -> list[Reminder]:
    bad = Satisfaction.objects.filter(agency_id=request.post.agency_id, grade__lte=2).prefetch_related(
        "follow_ups"
    )
    waiting = [r for r in bad.order_by("-id")[:50] if rating.waiting(r)]
    if not waiting:
        return []
    late = any(calendar.today() > rating.due(r, rating.waiting(r)) for r in waiting)
    return [
        Reminder(
            f"{len(waiting)} 个差评待回访整改",
            "/office/supervision/ratings/",
            "red" if late else "orange",
            len(waiting),
        )
    ]


def _to_decide(request) -> list[Reminder]:
    found = []
    if count := _appeals(request):
        found.append(
            Reminder(f"{count} 件申诉待认定", "/office/supervision/cards/?status=appealed", "orange", count)
        )
    if count := _new_complaints(request):
        late = sum(1 for c in request.complaints_waiting if complaints.is_late(c))
        words = f"{count} 件投诉在办" + (f"，{late} 件已逾期" if late else "")
        found.append(Reminder(words, "/office/supervision/complaints/", "red" if late else "yellow", count))
    return found


def _find(request, words: str, limit: int) -> list[Hit]:
    if not words.upper().startswith("TS"):
        return []
    rows = Complaint.objects.filter(number__startswith=words.upper())[:limit]
    return [Hit(c.number, f"/office/supervision/complaints/{c.pk}/", c.get_status_display()) for c in rows]


SOURCES = [Source("投诉", _find, 8, roles=("supervisor",))]
