"""Menu entries of the register, the search box's source, and the words of what it logs."""

from contextlib import nullcontext

from django.urls import reverse

from jinzhi.foundation.places import scope
from jinzhi.registry.archive_views import ARCHIVISTS, waiting
from jinzhi.registry.models import Correction
from jinzhi.registry.searching import finding
from jinzhi.web import navigation
from jinzhi.web.navigation import Entry, Hit, Source


def _doubles(request) -> int:
    return waiting().count()


def _asked(request) -> int:
    return Correction.objects.filter(state=Correction.State.OPEN).count()


ENTRIES = [
    Entry("企业档案", "registry-enterprises", "building-factory-2", group="档案", order=10, key="e"),
    Entry("证书", "registry-certificates", "certificate", group="档案", order=20, key="z"),
    Entry(
        "疑似重复", "registry-duplicates", "copy", group="档案", order=22, roles=ARCHIVISTS, count=_doubles
    ),
    Entry("更正申请", "registry-corrections", "edit", group="档案", order=24, roles=ARCHIVISTS, count=_asked),
    Entry("我的档案", "my-archive", "building-factory-2", group="企业办事", order=20, faces=("enterprise",)),
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
    "enterprise_corrected": "更正企业档案",
    "enterprise_fact_refused": "不采用一项记载",
    "enterprise_merged": "合并企业档案",
    "enterprise_unmerged": "撤销合并",
    "enterprise_split": "登记企业分立",
    "enterprise_merge": "登记企业合并",
    "enterprise_recoded": "变更企业代码",
    "suspicion_decided": "处理疑似重复",
    "correction_answered": "答复更正申请",
    "registry.exported": "导出登记清单",
    "registry.imported": "导入登记数据",
    "registry.import_undone": "撤销导入",
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
    """Enterprises a person may see, by name or code; officials find those of their own place."""
    staff = navigation.face(request) == "staff"
    found = finding.search(words, limit, within=None if staff else scope.PUBLIC).hits
    return [
        Hit(
            hit.name,
            reverse("registry-enterprise", args=[hit.id])
            if staff
            else reverse("registry-archive", args=[hit.link]),
            " · ".join(
                filter(None, (hit.uscc or hit.org_code, hit.note and f"曾用名 {hit.note}", hit.place_name))
            ),
            hit.link,
        )
        for hit in found
    ]


def _find_certificates(request, words: str, limit: int) -> list[Hit]:
    """Certificates whose number begins so, of one's own place for officials."""
    with nullcontext() if navigation.face(request) == "staff" else scope.acting(scope.PUBLIC):
        found = finding.certificates(words, limit)
    return [
        Hit(number, reverse("registry-certificate", args=[number]), holder, number)
        for number, holder in found
    ]


EVERYBODY = ("staff", "enterprise", "public")
SOURCES = [
    Source("企业", _find, order=10, faces=EVERYBODY, key="enterprises"),
    Source("证书", _find_certificates, order=20, faces=EVERYBODY, key="certificates"),
]
