"""What running the network shares: tickets go up so that the province sees all of them, answers to those it took come
down, the ledger and the outages go up. All stay inside the network.
"""

from typing import Any

from jinzhi.foundation.exchange.declared import Dataset, Field

BASIS = "质量专网建设规划（三层网络、二级维护）"
_KEPT: dict[str, Any] = {
    "legal_basis": BASIS, "flow": "up", "audience": frozenset({"province"}), "share": "no", "published_on": "2026-11-23",
    "keywords": "网络 运维",
}  # fmt: skip

TICKET = Dataset(
    key="operations.ticket", title="网络运维工单",
    summary="市、县的网络故障、变更和安全事件：现状、级别、时限和结果，供省级掌握和接办。",
    identifier="330001/YWXX-0001", classification="307001/000501", key_fields=("number",), into="document",
    fields=(
        Field("number", "编号", required=True, length=40),
        Field("procedure", "流程", required=True, length=60),
        Field("title", "内容", required=True, length=200),
        Field("agency", "机构", required=True, length=30),
        Field("node", "节点", length=12),
        Field("state", "状态", required=True, length=10),
        Field("outcome", "结果", length=20),
        Field("priority", "优先级", length=4),
        Field("grade", "事件等级", length=20),
        Field("level", "处置级别", length=10),
        Field("received_on", "受理日期", "date", required=True),
        Field("closed_on", "办结日期", "date"),
        Field("began", "发生时间", "datetime"),
        Field("restored", "恢复时间", "datetime"),
        Field("impact", "影响范围", length=10),
        Field("urgency", "紧急程度", length=10),
        Field("symptom", "详细情况", length=2000),
        Field("reporter", "报障人", length=80),
    ), **_KEPT,
)  # fmt: skip

ANSWER = Dataset(
    key="operations.answer", title="省级接办故障的答复", summary="省级对市级上报故障的接办、原因、解决办法和恢复时间。",
    identifier="330001/YWXX-0002", classification="307001/000502", key_fields=("ticket",), into="document",
    fields=(
        Field("ticket", "市级故障单", required=True, length=40),
        Field("number", "省级故障单", required=True, length=40),
        Field("taken_by", "接办人", length=80),
        Field("result", "处置记录", "json"),
    ), **(_KEPT | {"flow": "down", "down": "place", "audience": frozenset({"cities"})}),
)  # fmt: skip

_ASSET = (
    Field("number", "编号", required=True, length=40),
    Field("owned_by", "归属机构", required=True, length=30),
    Field("layer", "网络层次", required=True, length=2),
    Field("maintainer", "维护级别", required=True, length=8),
    Field("note", "备注", length=300),
    Field("is_demo", "演示数据", "boolean"),
)

EQUIPMENT = Dataset(
    key="operations.equipment", title="网络设备与系统台账", summary="各级维护的设备和应用系统。", identifier="330001/YWXX-0003",
    classification="307001/000503", table="operations_equipment",
    fields=(
        *_ASSET,
        Field("name", "名称", required=True, length=80),
        Field("kind", "类别", required=True, length=10),
        Field("model", "品牌型号", length=80),
        Field("serial", "序列号", length=60),
        Field("node", "所属节点", length=12),
        Field("site", "安装地点", required=True, length=80),
        Field("address", "IP 地址", length=43),
        Field("vlan", "VLAN", "integer"),
        Field("supplier", "供应商", length=80),
        Field("contract", "合同编号", length=60),
        Field("bought_on", "启用日期", "date"),
        Field("warranty_until", "保修至", "date"),
        Field("configuration", "配置版本", length=60),
        Field("backup", "备份方式", length=80),
        Field("importance", "重要程度", required=True, length=6),
        Field("crypto_id", "密码设备标识", length=60),
        Field("state", "状态", required=True, length=8),
    ), **_KEPT,
)  # fmt: skip

LINE = Dataset(
    key="operations.line", title="网络线路台账", summary="各级租用的线路。", identifier="330001/YWXX-0004",
    classification="307001/000504", table="operations_line",
    fields=(
        *_ASSET,
        Field("name", "名称", required=True, length=80),
        Field("provider", "运营商", required=True, length=60),
        Field("circuit", "电路编号", length=60),
        Field("from_site", "起点", required=True, length=80),
        Field("to_site", "终点", required=True, length=80),
        Field("bandwidth", "带宽", "integer", required=True),
        Field("sla", "承诺可用率", "decimal"),
        Field("monthly_cents", "月租", "integer"),
        Field("contract_until", "合同至", "date"),
        Field("hotline", "报障电话", length=40),
        Field("state", "状态", required=True, length=8),
    ), **_KEPT,
)  # fmt: skip

OUTAGE = Dataset(
    key="operations.outage", title="节点中断记录", summary="节点中断的起止、来源和原因，用于可用率。",
    identifier="330001/YWXX-0005",
    classification="307001/000505", table="operations_outage", rows="n.source = 'ticket'",
    fields=(
        Field("node", "节点", required=True, length=12),
        Field("layer", "网络层次", required=True, length=2),
        Field("starts", "中断", "datetime", required=True),
        Field("ends", "恢复", "datetime"),
        Field("source", "来源", required=True, length=8),
        Field("ticket", "故障单", length=40),
        Field("cause", "原因", length=120),
        Field("is_demo", "演示数据", "boolean"),
    ), **_KEPT,
)  # fmt: skip

DATASETS = [TICKET, ANSWER, EQUIPMENT, LINE, OUTAGE]
