"""Menu entries of the register, the search box's source, and the words of what it logs."""

from django.urls import reverse

from jinzhi.registry import written
from jinzhi.registry.models import Certificate
from jinzhi.registry.searching import finding
from jinzhi.web.navigation import Entry, Hit, Source

ENTRIES = [
    Entry("企业档案", "registry-enterprises", "building-factory-2", group="档案", order=10, key="e"),
    Entry("证书", "registry-certificates", "certificate", group="档案", order=20, key="z"),
    Entry(
        "导入登记数据",
        "registry-import",
        "table-import",
        group="档案",
        order=30,
        roles=("administrator", "certificate_clerk"),
    ),
]

AUDIT_KINDS = {
    "contacts_read": "查阅企业联系人",
    "registry.exported": "导出登记清单",
    "registry.imported": "导入登记数据",
    "certificate_suspend": "暂停证书",
    "certificate_resume": "恢复证书",
    "certificate_withdraw": "撤回许可",
    "certificate_revoke": "撤销许可",
    "certificate_punish": "吊销许可证",
    "certificate_cancel": "注销许可证",
    "certificate_renew": "延续许可",
    "certificate_alter": "变更许可",
    "certificate_reissue": "补发许可证",
}


def _find(request, words: str, limit: int) -> list[Hit]:
    """Enterprises of one's own place, by name or code."""
    return [
        Hit(hit.name, reverse("registry-enterprise", args=[hit.id]), hit.uscc or hit.org_code)
        for hit in finding.search(words, limit).hits
    ]


def _find_certificates(request, words: str, limit: int) -> list[Hit]:
    """Certificates of one's own place whose number begins so."""
    found = Certificate.objects.filter(number__startswith=written.normal(words)).order_by("number")[:limit]
    return [Hit(c.number, reverse("registry-certificate", args=[c.number]), c.holder_name) for c in found]


SOURCES = [Source("企业", _find, order=10), Source("证书", _find_certificates, order=20)]
