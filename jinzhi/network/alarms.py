"""Alarms: raised by whatever notices, cleared when the cause is gone, looked after in operations."""

from django.db.models import Case, F, Value, When
from django.utils import timezone

from jinzhi.foundation.places import scope
from jinzhi.network.models import Alarm, NetworkEvent

# What may go wrong, for people. Other rooms may raise kinds of their own.
KINDS = {
    "diverged": "两端编号不一致",
    "silent": "节点失联",
    "offline": "连不上省中心",
    "unsent": "积压未发",
    "batch": "批次核对不符",
    "trailer": "批次尾不能读取",
    "clock_skew": "时钟偏差",
    "incarnation": "数据库恢复或重建",
    "gap": "消息缺失",
    "stream_full": "消息服务器空间不足",
    "oversized": "记录过大不能发出",
    "refused_connection": "连接被拒绝",
    "certificate": "证书将到期",
    "disk": "磁盘空间不足",
    "quarantine": "隔离区有待处理消息",
    "partner_silent": "伙伴长期不确认",
    "partner_limited": "伙伴积压限制",
    "version": "软件版本相差过大",
    "backup": "备份过久",
}


# For order_by: what is severe first. The levels' own names do not sort by gravity.
GRAVITY = Case(When(level="severe", then=Value(0)), When(level="warning", then=Value(1)), default=Value(2))


def _place(node: str) -> int:
    return int(node) * 10**6 if node.isdigit() and len(node) == 6 else 0


def raise_alarm(kind: str, node: str, detail: str = "", level: str = "warning") -> Alarm:
    """Raise an alarm, or count it once more when it is open already."""
    with scope.acting(scope.SYSTEM):
        alarm, made = Alarm.objects.get_or_create(
            kind=kind, node=node, cleared_at=None,
            defaults={"detail": detail[:400], "level": level, "place": _place(node)},
        )  # fmt: skip
        if not made:
            Alarm.objects.filter(pk=alarm.pk).update(
                times=F("times") + 1, last_at=timezone.now(), detail=detail[:400], level=level
            )
        return alarm


def clear_alarm(kind: str, node: str) -> bool:
    """The cause is gone; true when there was an open alarm."""
    with scope.acting(scope.SYSTEM):
        return bool(
            Alarm.objects.filter(kind=kind, node=node, cleared_at=None).update(cleared_at=timezone.now())
        )


def happened(node: str, kind: str, detail: str = "") -> None:
    """Note a change of state in the history of a node."""
    with scope.acting(scope.SYSTEM):
        NetworkEvent.objects.create(node=node, kind=kind, detail=detail[:300])
