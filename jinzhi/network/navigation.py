"""Menu entries of the exchange and the words of what it logs."""

from django.conf import settings

from jinzhi.network import cases_views
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
if settings.NODE.endswith("0000"):  # the province sees the cities' cases; a city has its own
    ENTRIES.append(
        Entry("各市办件", "network-cases", "folders", GROUP, 59, roles=cases_views.READERS),
    )

AUDIT_KINDS = {
    "network.cases_exported": "下载各市办件",
    "network.case_read": "查看其他节点的办件",
    "network.file_opened": "打开其他节点的文件",
    "exchange.quarantine.read": "查看隔离消息",
    "exchange.quarantine.applied": "重新应用隔离消息",
    "exchange.quarantine.discarded": "作废隔离消息",
    "exchange.exported": "下载消息日志",
    "exchange.resent": "重新发送被拒记录",
    "exchange.reconcile": "发起对账",
    "exchange.reconciliation.signed": "核定对账",
}
