"""Menu, bell and search of running the network."""

import ipaddress

from django.db.models import Q

from jinzhi.network.models import Alarm
from jinzhi.network.operations.models import Equipment, Line
from jinzhi.web.navigation import Entry, Hit, Reminder, Source

WORKING = ("operator", "operations_manager")
READING = (*WORKING, "supervisor", "administrator")
GROUP = "网络运维"


def _waiting(request) -> int:
    """For those whose daily work it is; others find the number on the console."""
    if not request.roles & set(WORKING):
        return 0
    if not hasattr(request, "alarms_waiting"):
        request.alarms_waiting = list(
            Alarm.objects.filter(cleared_at=None, acknowledged_at=None).values_list("level", flat=True)[:200]
        )
    return len(request.alarms_waiting)


ENTRIES = [
    Entry(
        "网络总览",
        "operations-console",
        "topology-star-3",
        GROUP,
        0,
        roles=(*READING, "approver", "auditor"),
        key="n",
    ),
    Entry("告警", "operations-alarms", "bell-ringing", GROUP, 1, roles=READING, count=_waiting),
    Entry("故障单", "operations-faults", "tool", GROUP, 2, roles=READING),
    Entry("变更", "operations-changes", "replace", GROUP, 3, roles=READING),
    Entry("安全事件", "operations-incidents", "shield-exclamation", GROUP, 4, roles=READING),
    Entry("巡检", "operations-inspections", "clipboard-list", GROUP, 5, roles=READING),
    Entry("值班", "operations-duty", "calendar-user", GROUP, 6, roles=READING),
    Entry("设备台账", "operations-ledgers", "server", GROUP, 7, roles=READING),
    Entry("网管资格", "operations-qualifications", "certificate-2", GROUP, 8, roles=READING),
    Entry("运维月报", "operations-report", "report", GROUP, 9, roles=READING),
]
AUDIT_KINDS = {
    "operations.acknowledged": "确认告警", "operations.ledger": "登记台账", "operations.certified": "登记网管证书",
    "operations.assigned": "网管上岗", "operations.report": "签发运维月报",
}  # fmt: skip


def reminders(request) -> list[Reminder]:
    if request.post is None or not request.roles & set(WORKING):
        return []
    found = []
    if count := _waiting(request):
        severe = request.alarms_waiting.count("severe")
        words = f"{count} 个告警待确认" + (f"，其中严重 {severe} 个" if severe else "")
        found.append(
            Reminder(words, "/office/operations/alarms/?state=waiting", "red" if severe else "yellow", count)
        )
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _find(request, words: str, limit: int) -> list[Hit]:
    """Devices and lines by number, name or address."""
    if request.post is None:
        return []
    found: list[Hit] = []
    for model, key in ((Equipment, "equipment"), (Line, "lines")):
        rows = model.objects.filter(Q(number__istartswith=words) | Q(name__icontains=words))  # type: ignore[attr-defined]
        if model is Equipment and _is_address(words):
            rows = model.objects.filter(address=words)
        found += [
            Hit(f"{r.number} {r.name}", f"/office/operations/ledger/{key}/{r.pk}/")
            for r in rows.order_by("number")[:limit]
        ]
    return found[:limit]


SOURCES = [Source("设备和线路", _find, 60, roles=(*READING,))]
