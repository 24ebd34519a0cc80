"""Menu entries of the catalogue, what waits for an answer, and the words of what it logs."""

from django.core.cache import cache
from django.urls import reverse

from jinzhi.foundation import calendar
from jinzhi.network.catalogue import challenging, listing, registering, requesting
from jinzhi.network.catalogue.models import Challenge, Request
from jinzhi.web.navigation import Entry, Hit, Reminder, Source

GROUP = "数据共享"


def _open(request) -> list[Request]:
    """Requests that the post's agency has to answer, read once a page."""
    if request.post is None:
        return []
    if not hasattr(request, "requests_to_answer"):
        key = request.post.agency.key

        def read() -> list[Request]:
            return list(Request.objects.filter(provider=key, state=Request.State.OPEN)[:100])

        # An administrator answers now and then: his pages ask once in half a minute.
        often = request.roles & {"supervisor", "approver"}
        request.requests_to_answer = read() if often else cache.get_or_set(f"requests:{key}", read, 30)
    return request.requests_to_answer


def _to_answer(request) -> int:
    return len(_open(request))


def _doubted(request) -> int:
    """For supervisors and approvers; an administrator finds the number on the page."""
    if not request.roles & {"supervisor", "approver"}:
        return 0
    return Challenge.objects.filter(
        state=Challenge.State.OPEN, provider_place__range=(request.scope.lo, request.scope.hi)
    ).count()


ENTRIES = [
    Entry("共享数据目录", "catalogue-index", "database-share", group=GROUP, order=10),
    Entry(
        "共享申请", "catalogue-requests", "file-import", group=GROUP, order=20,
        roles=(*requesting.ASKERS, "auditor"), count=_to_answer,
    ),
    Entry("数据授权", "catalogue-grants", "key", group=GROUP, order=30, roles=(*requesting.ASKERS, "auditor")),
    Entry(
        "数据疑义", "catalogue-challenges", "help-hexagon", group=GROUP, order=40,
        roles=challenging.ANSWERERS, count=_doubted,
    ),
]  # fmt: skip

AUDIT_KINDS = {
    "catalogue.asked": "提出共享申请",
    "catalogue.approved": "同意共享申请",
    "catalogue.refused": "不同意共享申请",
    "catalogue.withdrawn": "撤回共享申请",
    "catalogue.ended": "终止数据授权",
    "catalogue.inward": "授权外部单位提供数据",
    "catalogue.suspended": "暂停数据共享",
    "catalogue.resumed": "恢复数据共享",
    "catalogue.challenge_answered": "答复数据疑义",
}


def reminders(request) -> list[Reminder]:
    """Requests that this post's agency has to answer, late ones in red."""
    if request.post is None or not request.roles & set(registering.KEEPERS):
        return []
    rows = _open(request)
    if not rows:
        return []
    late = sum(requesting.due(row) < calendar.today() for row in rows)
    words = f"{len(rows)} 项共享申请待答复" + (f"，{late} 项已超过期限" if late else "")
    return [
        Reminder(words, reverse("catalogue-requests") + "?state=open", "red" if late else "yellow", len(rows))
    ]


def _find(request, words: str, limit: int) -> list[Hit]:
    return [
        Hit(
            one.dataset.title, reverse("catalogue-dataset", args=[one.dataset.key]),
            f"{one.dataset.identifier} · {one.share_word}", one.dataset.key,
        )
        for one in listing.search(words)[:limit]
    ]  # fmt: skip


SOURCES = [Source("共享数据", _find, order=60, faces=("staff", "public"), key="datasets")]
