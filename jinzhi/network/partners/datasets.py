"""What other authorities give and what the Yangtze delta shares: documents that keep their source.

None of these has a table of its own: what arrives is kept as it was sent (`exchange.Document`), as a mirror record
of the partner it came from. Yangtze-delta sets go both ways.
"""

from jinzhi.foundation.exchange.declared import Dataset, Field

ORGAN = "330001"
PUBLISHED = "2026-11-23"
INSIDE = frozenset({"province", "cities"})
ALL = INSIDE | {"partners"}
STATES = frozenset({"有效", "暂停", "撤销", "注销", "失效"})


def _inward(key: str, title: str, summary: str, number: int, fields: tuple[Field, ...], **more) -> Dataset:
    usual = {
        "flow": "in", "down": "all", "audience": INSIDE, "frequency": "每日",
        "classification": f"30700{number // 100}/{number:06d}",
        "identifier": f"{ORGAN}/JX-{number:04d}", "into": "document", "published_on": PUBLISHED,
    }  # fmt: skip
    return Dataset(key=key, title=title, summary=summary, fields=fields, **(usual | more))


def _delta(key: str, title: str, summary: str, number: int, fields: tuple[Field, ...], **more) -> Dataset:
    usual = {
        "flow": "both", "down": "all", "audience": ALL, "frequency": "每日", "classification": f"207001/{number:06d}",
        "identifier": f"{ORGAN}/CSJ-{number:04d}", "into": "document", "published_on": PUBLISHED,
        "legal_basis": "长三角市场监管一体化合作协议（启用前核对文号）", "keywords": "长三角 互认",
    }  # fmt: skip
    return Dataset(key=key, title=title, summary=summary, fields=fields, **(usual | more))


LICENCE = _inward(
    "samr.licence", "国家发放的许可证", "总局直接办理的许可证，省内只保存镜像：编号、持证人、项目、有效期和状态。", 101,
    (
        Field("number", "证书编号", required=True, length=60, open=True),
        Field("holder", "持证人", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("items", "许可项目", "json"),
        Field("issuer", "发证机关", required=True, length=100, open=True),
        Field("issued_on", "发证日期", "date", open=True),
        Field("valid_to", "有效期至", "date", open=True),
        Field("state", "状态", required=True, codes=STATES, open=True),
    ),
    key_fields=("number",), legal_basis="行政许可法第四十条", keywords="许可证 总局",
)  # fmt: skip

SPOT_CHECK = _inward(
    "samr.spot_check", "国家监督抽查结果", "总局组织的产品质量国家监督抽查中，本省企业和本省市场上的样品结果。", 102,
    (
        Field("number", "抽样单编号", required=True, length=60),
        Field("product", "产品", required=True, length=120, open=True),
        Field("producer", "标称生产者", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("seller", "被抽样单位", length=200, open=True),
        Field("sampled_on", "抽样日期", "date", required=True),
        Field("result", "结论", required=True, codes=frozenset({"合格", "不合格"}), open=True),
        Field("failed_items", "不合格项目", "json"),
        Field("laboratory", "检验机构", length=200),
    ),
    key_fields=("number",), legal_basis="产品质量法第十五条", keywords="监督抽查",
)  # fmt: skip

RECALL = _inward(
    "samr.recall", "国家召回与风险提示", "总局发布的缺陷产品召回、消费预警和风险提示。", 103,
    (
        Field("number", "编号", required=True, length=60, open=True),
        Field("product", "产品", required=True, length=200, open=True),
        Field("producer", "生产者", length=200, open=True),
        Field("defect", "缺陷", required=True, length=500, open=True),
        Field("measures", "措施", length=500, open=True),
        Field("published_on", "发布日期", "date", required=True, open=True),
    ),
    key_fields=("number",), legal_basis="消费者权益保护法第三十三条", keywords="召回 缺陷产品",
)  # fmt: skip

CERTIFICATION = _inward(
    "cnca.certificate", "认证证书", "强制性产品认证和管理体系等自愿性认证的证书状态。", 201,
    (
        Field("number", "证书编号", required=True, length=60, open=True),
        Field("kind", "认证种类", required=True, length=40, open=True),
        Field("holder", "获证组织", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("scope", "认证范围", length=1000, open=True),
        Field("standard", "依据标准", length=200, open=True),
        Field("body", "认证机构", required=True, length=200, open=True),
        Field("issued_on", "颁证日期", "date", open=True),
        Field("valid_to", "有效期至", "date", open=True),
        Field("state", "状态", required=True, codes=STATES, open=True),
    ),
    key_fields=("number",), legal_basis="认证认可条例第二十五条", keywords="认证 CCC 管理体系",
)  # fmt: skip

LABORATORY = _inward(
    "cnca.laboratory", "检验检测机构资质", "取得资质认定（CMA）或者认可（CNAS）的机构、能力项目和有效期，互认核验用它。", 202,
    (
        Field("number", "证书编号", required=True, length=60, open=True),
        Field("name", "机构名称", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("kind", "种类", required=True, codes=frozenset({"CMA", "CNAS"}), open=True),
        Field("items", "能力项目", "json", required=True),
        Field("valid_from", "有效期起", "date", required=True, open=True),
        Field("valid_to", "有效期至", "date", required=True, open=True),
        Field("state", "状态", required=True, codes=STATES, open=True),
    ),
    key_fields=("number",), legal_basis="检验检测机构资质认定管理办法", keywords="检验机构 CMA CNAS", audience=ALL,
)  # fmt: skip

STANDARD = _inward(
    "sac.standard", "国家标准和行业标准目录", "标准委的国家标准、行业标准目录及废止公告。", 301,
    (
        Field("number", "标准号", required=True, length=60, open=True),
        Field("title", "名称", required=True, length=300, open=True),
        Field("state", "状态", required=True, codes=frozenset({"即将实施", "现行", "废止"}), open=True),
        Field("issued_on", "发布日期", "date", open=True),
        Field("effective_on", "实施日期", "date", open=True),
        Field("abolished_on", "废止日期", "date", open=True),
        Field("replaced_by", "被代替", length=120, open=True),
    ),
    key_fields=("number",), legal_basis="标准化法第十七条", keywords="标准", frequency="每周",
)  # fmt: skip

LEGAL_ENTITY = _inward(
    "faren.registration", "法人登记信息", "省法人库汇集的企业、事业单位、社会组织的登记、变更、注销信息。", 401,
    (
        Field("uscc", "统一社会信用代码", required=True, length=18, scheme="uscc", open=True),
        Field("name", "名称", required=True, length=200, open=True),
        Field("organ", "登记机关", length=100, open=True),
        Field("registered_on", "登记日期", "date", open=True),
        Field("state", "登记状态", required=True, codes=frozenset({"存续", "注销", "吊销", "迁出"}), open=True),
        Field("address", "住所", length=300, open=True),
        Field("legal_representative", "法定代表人", length=80, share="conditional"),
        Field("representative_id", "法定代表人证件号码", length=18, share="no"),
        Field("abnormal", "列入异常名录", "boolean", open=True),
    ),
    key_fields=("uscc",), legal_basis="企业信息公示暂行条例第七条；个人信息保护法第三十四条（证件号码不予共享）",
    keywords="法人 登记", share="conditional", audience=ALL,
)  # fmt: skip

DELTA_RECALL = _delta(
    "yangtze.recall", "长三角缺陷产品召回", "三省一市各自实施的缺陷产品召回。", 1,
    (
        Field("number", "编号", required=True, length=60, open=True),
        Field("product", "产品", required=True, length=200, open=True),
        Field("models", "型号批次", length=500, open=True),
        Field("producer", "生产者", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("defect", "缺陷", required=True, length=500, open=True),
        Field("started_on", "召回开始", "date", required=True, open=True),
        Field("state", "状态", required=True, codes=frozenset({"实施中", "已完成", "已取消"}), open=True),
    ),
    key_fields=("number",),
)  # fmt: skip

DELTA_SAMPLE = _delta(
    "yangtze.failed_sample", "长三角抽检不合格", "三省一市监督抽查和食品抽检的不合格样品，供生产地和销售地核查。", 2,
    (
        Field("number", "抽样单编号", required=True, length=60),
        Field("product", "产品", required=True, length=120, open=True),
        Field("producer", "标称生产者", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("producer_place", "生产地区划代码", length=12, open=True),
        Field("sampled_on", "抽样日期", "date", required=True),
        Field("failed_items", "不合格项目", "json", required=True),
        Field("report", "检验报告编号", required=True, length=60),
        Field("laboratory", "检验机构", required=True, length=200),
    ),
    key_fields=("number",),
)  # fmt: skip

DELTA_REPORT = _delta(
    "yangtze.report", "长三角互认检验报告", "供互认的检验报告和检定证书：项目、出具机构、检验日期、结论和是否撤回。", 3,
    (
        Field("number", "报告编号", required=True, length=60, open=True),
        Field("subject", "样品或者器具", required=True, length=200, open=True),
        Field("holder", "委托单位", required=True, length=200, open=True),
        Field("uscc", "统一社会信用代码", length=18, scheme="uscc", open=True),
        Field("item", "检验项目", required=True, length=120, open=True),
        Field("body", "出具机构", required=True, length=200, open=True),
        Field("body_number", "机构资质证书编号", required=True, length=60, open=True),
        Field("tested_on", "检验日期", "date", required=True, open=True),
        Field("valid_to", "有效期至", "date", open=True),
        Field("result", "结论", required=True, codes=frozenset({"合格", "不合格"}), open=True),
        Field("withdrawn_on", "撤回日期", "date", open=True),
        Field("limits", "限制", length=300, open=True),
    ),
    key_fields=("number",),
)  # fmt: skip

DELTA_RECOGNITION = _delta(
    "yangtze.recognition", "长三角互认结果", "某地对另一地检验报告或者证书的互认结论及其限制。", 4,
    (
        Field("report", "报告编号", required=True, length=60, open=True),
        Field("scope", "互认范围", required=True, length=200, open=True),
        Field("issuing_body", "出具机构", required=True, length=200, open=True),
        Field("recognised_by", "互认机关", required=True, length=100, open=True),
        Field("recognised_on", "互认日期", "date", required=True, open=True),
        Field("valid_to", "有效期至", "date", open=True),
        Field("limits", "限制", length=300, open=True),
    ),
    key_fields=("report", "recognised_by"),
)  # fmt: skip

DATASETS = [
    LICENCE, SPOT_CHECK, RECALL, CERTIFICATION, LABORATORY, STANDARD, LEGAL_ENTITY,
    DELTA_RECALL, DELTA_SAMPLE, DELTA_REPORT, DELTA_RECOGNITION,
]  # fmt: skip
