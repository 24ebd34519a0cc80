"""What casework shares: a case as the province sees it, without what applicants handed in."""

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

DATASETS = [CASE]
