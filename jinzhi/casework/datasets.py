"""What casework shares: a case as the province sees it, and of its files that they are there. The contents stay at
the node that has the case and are fetched when somebody opens them (jinzhi.network.files).
"""

from typing import Any

from jinzhi.foundation.exchange.declared import Dataset, Field

CASE = Dataset(
    key="casework.case",
    title="办件信息",
    summary="市、县办理的行政审批和监督办件：编号、事项、申请人、各阶段日期和结果，供省级监察和统计。",
    identifier="330001/BJXX-0001",
    classification="307001/000020",
    table="casework_case",
    rows="(n.facts -> 'internal') IS NULL",  # work of the house itself has datasets of its own
    into="document",  # procedures, agencies and accounts are each node's own: the province keeps a copy to read
    flow="up",
    audience=frozenset({"province", "partners"}),
    share="conditional",
    legal_basis="行政许可法第十条、第三十三条",
    keywords="办件 审批 电子监察",
    published_on="2026-11-23",
    fields=(
        Field("number", "办件编号", required=True, length=40),
        Field("title", "标题", required=True, length=200),
        Field("enterprise_id", "企业", "uuid"),
        Field("subject_name", "申请人", required=True, length=200),
        Field("subject_code", "申请人代码", length=40),
        Field("state", "状态", required=True, length=10),
        Field("outcome", "结果", length=20),
        Field("rule_date", "适用规则日期", "date", required=True),
        Field("received_on", "收到日期", "date", required=True),
        Field("accepted_on", "受理日期", "date"),
        Field("decided_on", "决定日期", "date"),
        Field("closed_on", "办结日期", "date"),
        Field("channel", "申请方式", length=12),
        Field("entered_on", "补录日期", "date"),
        Field("is_demo", "演示", "boolean"),
    ),
)

# Files of a case that is itself shared; of drafts, posts and whatever else holds files nothing is said.
OF_A_CASE = (
    "CASE WHEN n.subject ~ '^case:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN EXISTS (SELECT FROM casework_case AS c"
    " WHERE c.id = substr(n.subject, 6)::uuid AND (c.facts -> 'internal') IS NULL) ELSE false END"
)
_KEPT: dict[str, Any] = {
    "rows": OF_A_CASE, "into": "document", "flow": "up", "audience": frozenset({"province"}), "share": "no",
    "legal_basis": "行政许可法第十条", "keywords": "附件 文书 电子档案", "published_on": "2026-11-23",
}  # fmt: skip

ATTACHMENT = Dataset(
    key="casework.attachment",
    title="办件材料",
    summary="办件的申请材料和现场照片等附件：名称、种类、大小和摘要。内容留在办理机构的节点，省级打开时取回。",
    identifier="330001/BJXX-0002",
    classification="307001/000021",
    table="files_attachment",
    fields=(
        Field("subject", "所属办件", required=True, length=60),
        Field("kind", "材料", length=60),
        Field("name", "文件名", required=True, length=200),
        Field("blob_id", "内容摘要（SHA-256）", required=True, length=64),
        Field("size", "字节数", "integer", required=True),
        Field("media_type", "类型", length=80),
    ),
    **_KEPT,
)

DOCUMENT = Dataset(
    key="casework.document",
    title="办件文书",
    summary="办件过程中制作的通知书、决定书和证照文件：名称、文号、签发时间、大小和摘要。内容留在办理机构的节点，省级打开时取回。",
    identifier="330001/BJXX-0003",
    classification="307001/000022",
    table="files_generateddocument",
    fields=(
        Field("subject", "所属办件", required=True, length=60),
        Field("kind", "种类", required=True, length=60),
        Field("title", "标题", required=True, length=200),
        Field("number", "文号", length=80),
        Field("issued_at", "签发时间", "datetime"),
        Field("blob_id", "内容摘要（SHA-256）", length=64),
        Field("size", "字节数", "integer"),
    ),
    **_KEPT,
)

DATASETS = [CASE, ATTACHMENT, DOCUMENT]
