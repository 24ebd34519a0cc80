"""Menu entries of the exchange and the words of what it logs."""

from jinzhi.network.exchange_views import READERS
from jinzhi.network.models import Quarantined
from jinzhi.web.navigation import Entry

GROUP = "数据共享"


def _isolated(request) -> int:
    """For those whose daily work it is; an administrator finds the number on the page."""
    if not request.roles & {"operator", "operations_manager"}:
        return 0
    return Quarantined.objects.filter(state="open")[:100].count()


ENTRIES = [
    Entry("数据交换", "exchange-overview", "arrows-exchange", GROUP, 60, roles=READERS),
    Entry("消息日志", "exchange-received", "list-search", GROUP, 61, roles=READERS),
    Entry("隔离区", "exchange-quarantine", "shield-x", GROUP, 62, roles=READERS, count=_isolated),
    Entry("对账", "exchange-reconciliations", "checklist", GROUP, 63, roles=READERS),
]

AUDIT_KINDS = {
    "exchange.quarantine.read": "查看隔离消息",
    "exchange.quarantine.applied": "重新应用隔离消息",
    "exchange.quarantine.discarded": "作废隔离消息",
    "exchange.exported": "下载消息日志",
    "exchange.resent": "重新发送被拒记录",
    "exchange.reconcile": "发起对账",
    "exchange.reconciliation.signed": "核定对账",
}
