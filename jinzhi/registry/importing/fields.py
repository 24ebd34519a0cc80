"""The fields an import may bring, the column names they are guessed by, and how long they may be."""

ENTERPRISE, CERTIFICATE = "enterprise", "certificate"

# Kind of entry -> (section of the archive, Chinese name)
ENTRY_KINDS: dict[str, tuple[str, str]] = {
    "product": ("products", "产品"),
    "standard": ("standards", "执行标准"),
    "inspection": ("inspections", "监督检查"),
    "sample": ("samples", "抽样检验"),
    "penalty": ("penalties", "行政处罚"),
    "complaint": ("complaints", "投诉举报"),
    "equipment": ("equipment", "特种设备"),
    "instrument": ("instruments", "计量器具"),
    "award": ("awards", "奖项"),
    "credit": ("credit", "质量信用"),
    "branch": ("branches", "分支机构"),
}

# Field -> (Chinese title, column names it is guessed by). Those of all kinds first.
HOLDER_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "name": ("企业名称", ("名称", "企业名称", "单位名称", "持证人", "持证人名称", "生产者", "生产者名称", "被检查单位",
                      "使用单位", "使用单位名称", "市场主体名称", "机构名称", "公司名称", "纳税人名称", "name", "holder",
                      "business name", "doing business as", "legal name", "company", "company name", "enterprise name")),
    "uscc": ("统一社会信用代码", ("统一社会信用代码", "信用代码", "社会信用代码", "统一代码", "社会信用代码注册号",
                          "统一社会信用代码注册号", "代码", "uscc", "credit code", "unified social credit code")),
    "org_code": ("组织机构代码", ("组织机构代码", "机构代码", "组织机构代码证号", "org code", "organization code")),
    "registration_number": ("工商注册号", ("注册号", "工商注册号", "营业执照注册号", "营业执照号", "registration number")),
    "identifier": ("其他编号", ("编号", "license no", "licence no", "account")),
    "legal_representative": ("法定代表人", ("法定代表人", "法人代表", "负责人", "经营者", "法定代表人负责人", "法人",
                                    "法人姓名")),
    "address": ("住所", ("住所", "地址", "注册地址", "企业地址", "单位地址", "住址", "address")),
    "premises": ("生产（经营）地址", ("生产地址", "经营地址", "经营场所", "生产经营地址", "场所", "生产经营场所")),
    "place": ("地区", ("区划代码", "行政区划", "行政区划代码", "区划", "区县", "地区", "所在区县", "所属地区", "所属区县",
                     "区县代码", "县市区", "county", "division code")),
    "industry": ("行业代码", ("行业代码", "国民经济行业", "行业", "国民经济行业代码", "所属行业")),
    "economic_type": ("经济类型", ("经济类型", "经济类型代码", "登记注册类型")),
    "founded_on": ("成立日期", ("成立日期", "注册日期", "设立日期", "开业日期", "成立时间", "登记日期")),
    "enterprise_status": ("登记状态", ("登记状态", "经营状态", "企业状态", "存续状态", "状态")),
    "enterprise_kind": ("企业类型", ("企业类型", "类型", "主体类型", "市场主体类型")),
    "source_on": ("数据日期", ("数据日期", "数据截止日期", "更新日期", "统计日期")),
}  # fmt: skip
CERTIFICATE_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "number": ("证书编号", ("证书编号", "许可证编号", "证号", "编号", "许可证号", "license record id", "certificate no")),
    "kind": ("证书种类", ("证书种类", "证书类型", "许可证类型", "许可类别")),
    "status": ("证书状态", ("状态", "证书状态", "许可证状态", "license status")),
    "valid_from": ("有效期起", ("有效期起", "有效期自", "生效日期", "license start")),
    "valid_to": ("有效期至", ("有效期至", "有效期止", "截止日期", "到期日期", "有效期", "license expiry", "expiration date")),
    "issued_on": ("发证日期", ("发证日期", "签发日期", "发证时间")),
    "agency_name": ("发证机关", ("发证机关", "许可机关", "签发机关")),
    "category_code": ("类别编号", ("类别编号",)),
    "category": ("许可类别", ("食品类别", "类别", "许可范围", "经营项目", "license description")),
    "detail": ("许可明细", ("类别名称", "明细", "许可明细")),
    "varieties": ("品种", ("品种明细", "品种", "business activity")),
}  # fmt: skip
ENTRY_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "source_key": ("来源编号", ("记录编号", "检查编号", "文书号", "案号", "设备编号", "设备代码", "样品编号", "编号",
                           "inspection id", "record id", "device number", "registration number")),
    "title": ("标题", ("标题", "事项", "检查类型", "设备名称", "产品名称", "奖项名称", "inspection type", "title")),
    "occurred_on": ("发生日期", ("发生日期", "日期", "检查日期", "抽样日期", "处罚日期", "决定日期", "inspection date", "date")),
    "valid_from": ("有效期起", ("有效期起", "生效日期")),
    "valid_to": ("有效期至", ("有效期至", "到期日期", "下次检验日期", "expiration date")),
    "agency_name": ("机关", ("机关", "检查机关", "处罚机关", "检验机构", "agency")),
}  # fmt: skip

DATES = ("valid_from", "valid_to", "issued_on", "occurred_on", "founded_on", "source_on")
PAST_ONLY = ("issued_on", "founded_on", "source_on")
LENGTHS = {
    "name": 200, "identifier": 60, "registration_number": 60, "legal_representative": 80, "address": 300,
    "premises": 300, "industry": 10, "economic_type": 10, "number": 60, "agency_name": 60, "category_code": 20,
    "category": 120, "detail": 200, "varieties": 5000, "source_key": 80, "title": 200,
}  # fmt: skip


def fields_of(kind: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The fields a kind of import knows, in the order they are asked for."""
    if kind == CERTIFICATE:
        return CERTIFICATE_FIELDS | HOLDER_FIELDS
    return ENTRY_FIELDS | HOLDER_FIELDS if kind in ENTRY_KINDS else HOLDER_FIELDS


def required_of(kind: str) -> tuple[str, ...]:
    """Fields a row cannot do without."""
    if kind == CERTIFICATE:
        return ("number", "kind", "name", "place")
    return ("name",) if kind in ENTRY_KINDS else ("name", "place")


def title(name: str) -> str:
    return (ENTRY_FIELDS | CERTIFICATE_FIELDS | HOLDER_FIELDS)[name][0]
