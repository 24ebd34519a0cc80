"""Enterprises, what identifies them over time, and the certificates they hold.

The tables know no cases: a certificate keeps the number of the case it came from. Columns that only the
database keeps (name_plain, name_grams, number_key: generated from the name or number) are made in the
migration and read by the SQL in `queries.py`.
"""

from datetime import date

from django.db import models
from django.utils import timezone

from jinzhi.foundation.places.models import Record
from jinzhi.registry.archive_models import Correction, Entry, Fact, Lineage, MergeLog, Suspicion
from jinzhi.registry.import_models import ImportBatch, ImportChange, ImportProfile, ImportRow
from jinzhi.registry.pinyin import initials

__all__ = [
    "Certificate", "CertificateChange", "CertificateItem", "Correction", "Enterprise", "EnterpriseContact",
    "Entry", "Fact", "Identifier", "ImportBatch", "ImportChange", "ImportProfile",
    "ImportRow", "Lineage", "MergeLog", "Suspicion",
]  # fmt: skip


class Enterprise(Record):
    """One organisation that trades: 企业, 个体工商户, 合作社 … One organisation code, one row, for life.

    A change of name or address keeps the row; a merger makes a new one (business reference 11.1).
    """

    class Kind(models.TextChoices):
        COMPANY = "company", "企业"
        INDIVIDUAL = "individual", "个体工商户"
        COOPERATIVE = "cooperative", "农民专业合作社"
        INSTITUTION = "institution", "事业单位"
        OTHER = "other", "其他"

    class Status(models.TextChoices):
        ACTIVE = "active", "存续"
        CANCELLED = "cancelled", "注销"
        REVOKED = "revoked", "吊销"
        MOVED = "moved", "迁出"
        MERGED = "merged", "已并入"

    class Scale(models.TextChoices):  # 统计上大中小微型企业划分办法
        LARGE = "large", "大型"
        MEDIUM = "medium", "中型"
        SMALL = "small", "小型"
        MICRO = "micro", "微型"

    name = models.CharField("名称", max_length=200)
    uscc = models.CharField("统一社会信用代码", max_length=18, blank=True)
    org_code = models.CharField("组织机构代码", max_length=9, blank=True)
    kind = models.CharField("类型", max_length=12, choices=Kind.choices, default=Kind.COMPANY)
    legal_representative = models.CharField("法定代表人（负责人、经营者）", max_length=80, blank=True)
    address = models.CharField("住所", max_length=300, blank=True)
    premises_address = models.CharField("经营（生产）场所", max_length=300, blank=True)
    industry = models.CharField("行业代码", max_length=10, blank=True)  # GB/T 4754
    economic_type = models.CharField("经济类型", max_length=3, blank=True, db_default="")  # GB/T 12402
    scale = models.CharField("规模", max_length=6, choices=Scale.choices, blank=True, db_default="")
    registered_capital_cents = models.BigIntegerField("注册资本（分）", null=True, blank=True)
    founded_on = models.DateField("成立日期", null=True, blank=True)
    status = models.CharField("登记状态", max_length=10, choices=Status.choices, default=Status.ACTIVE)
    source = models.CharField("来源", max_length=60, blank=True)
    source_on = models.DateField("来源日期", null=True, blank=True)
    received_on = models.DateField("收到日期", null=True, blank=True)
    batch = models.UUIDField("批次", null=True, blank=True)  # the import that entered it
    initials = models.TextField("拼音首字母", blank=True, db_default="", editable=False)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, db_index=False, related_name="merged_rows"
    )
    is_demo = models.BooleanField("演示数据", default=False)
    remark = models.TextField("内部备注", blank=True)

    class Meta:
        verbose_name = "企业"
        indexes = [
            models.Index(fields=["place", "-id"], name="enterprise_place"),
            models.Index(
                fields=["status", "-id"], condition=~models.Q(status="active"), name="enterprise_ended"
            ),
            models.Index(
                fields=["merged_into"],
                condition=models.Q(merged_into__isnull=False),
                name="enterprise_merged",
            ),
            models.Index(fields=["batch"], condition=models.Q(batch__isnull=False), name="enterprise_batch"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["uscc"], condition=~models.Q(uscc=""), name="enterprise_uscc"),
            models.UniqueConstraint(
                fields=["org_code"], condition=~models.Q(org_code=""), name="enterprise_org_code"
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        if self.uscc and not self.org_code:
            self.org_code = self.uscc[8:17]
        self.initials = initials(self.name)
        if self._state.adding and self.received_on is None:
            self.received_on = timezone.localdate()
        if (fields := kwargs.get("update_fields")) is not None and "name" in fields:
            kwargs["update_fields"] = {*fields, "initials"}
        super().save(*args, **kwargs)

    @property
    def code(self) -> str:
        """The code people use: the credit code, before 2015 the organisation code."""
        return self.uscc or self.org_code


class Identifier(Record):
    """A number of an enterprise besides its row's two codes: a former code, another register's number.

    Schemes: uscc and organization_code (former ones), registration_number (15 digits), tax_number, or the name
    of a register (us-chicago-licence). `valid_to` is the first day it no longer held.
    """

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="identifiers")
    scheme = models.CharField("编码体系", max_length=40)
    value = models.CharField("编码", max_length=60)
    valid_from = models.DateField("启用", null=True, blank=True)
    valid_to = models.DateField("停用", null=True, blank=True)
    source = models.CharField("来源", max_length=60, blank=True)

    class Meta:
        verbose_name = "企业标识"
        indexes = [
            models.Index(fields=["place", "-id"], name="identifier_place"),
            models.Index(fields=["value"], name="identifier_value"),
        ]
        constraints = [models.UniqueConstraint(fields=["scheme", "value"], name="identifier_once")]

    def __str__(self):
        return f"{self.scheme} {self.value}"


class EnterpriseContact(Record):
    """A person to reach: personal data, never public, every look is recorded."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="contacts")
    name = models.CharField("姓名", max_length=40)
    duty = models.CharField("职务或用途", max_length=40, blank=True)
    phone = models.CharField("电话", max_length=30, blank=True)
    email = models.EmailField("邮箱", blank=True)

    class Meta:
        verbose_name = "企业联系人"
        indexes = [models.Index(fields=["place", "-id"], name="contact_place")]

    def __str__(self):
        return self.name


class Certificate(Record):
    """A licence or certificate as registered; its face is what `face_version` says was last printed.

    `status` is what was decided; that a certificate has run out is worked out from `valid_to` when it is
    read, so no job has to come round first. 撤回, 撤销, 吊销 and 注销 are kept apart
    (行政许可法 distinguishes them: interest of the public, unlawful grant, penalty, formality).
    """

    class Status(models.TextChoices):
        VALID = "valid", "有效"
        EXPIRED = "expired", "已过期"
        SUSPENDED = "suspended", "暂停"
        WITHDRAWN = "withdrawn", "已撤回"
        REVOKED = "revoked", "已撤销"
        PUNISHED = "punished", "已吊销"
        CANCELLED = "cancelled", "已注销"

    ENDED = (Status.WITHDRAWN, Status.REVOKED, Status.PUNISHED, Status.CANCELLED)

    number = models.CharField("证书编号", max_length=60, unique=True)
    kind = models.CharField("证书种类", max_length=40)
    holder = models.ForeignKey(Enterprise, models.PROTECT, related_name="certificates", verbose_name="持证人")
    holder_name = models.CharField("持证人名称", max_length=200)
    holder_code = models.CharField("持证人代码", max_length=30, blank=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.VALID)
    status_since = models.DateField("状态起始", null=True, blank=True)
    valid_from = models.DateField("有效期起", null=True, blank=True)
    valid_to = models.DateField("有效期至", null=True, blank=True)  # last day it holds; null: no end
    issued_on = models.DateField("发证日期", null=True, blank=True)
    agency_key = models.CharField("发证机关代号", max_length=30, blank=True)
    agency_name = models.CharField("发证机关", max_length=60, blank=True)
    legal_representative = models.CharField("法定代表人（负责人）", max_length=80, blank=True)
    address = models.CharField("住所", max_length=300, blank=True)
    premises = models.CharField("生产（经营）地址", max_length=300, blank=True)
    case_number = models.CharField("办件编号", max_length=60, blank=True)
    rule_set = models.CharField("适用规则", max_length=40, blank=True)
    source = models.CharField("来源", max_length=60, blank=True)
    batch = models.UUIDField("批次", null=True, blank=True)  # the import that entered it
    face_version = models.PositiveSmallIntegerField("证面版次", default=1)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "证书"
        indexes = [
            models.Index(fields=["place", "-id"], name="certificate_place"),
            models.Index(fields=["kind", "valid_to"], name="certificate_expiry"),
            models.Index(  # what the signed list of licences.status_list may name
                fields=["number"],
                condition=models.Q(face_version__gt=1) | ~models.Q(status="valid"),
                name="certificate_listed",
            ),
        ]

    def __str__(self):
        return self.number

    def state(self, on: date | None = None) -> str:
        """What the certificate is worth on a day: a Status, or "future" before its first day.

        For a day before the last decision the recorded changes are asked.
        """
        on = on or timezone.localdate()
        status = self.status
        if self.status_since and on < self.status_since:
            last = self.changes.filter(effective_on__lte=on).order_by("-effective_on", "-id").first()
            status = last.new_status if last else self.Status.VALID
        if status in self.ENDED:
            return str(status)
        if self.valid_to and on > self.valid_to:
            return str(self.Status.EXPIRED)
        if self.valid_from and on < self.valid_from:
            return "future"
        return str(status)

    def in_force(self, on: date | None = None) -> bool:
        return self.state(on) == self.Status.VALID

    @property
    def qr_token(self) -> str:
        """The signed text that the QR on the printed face carries (see licences.payload)."""
        from jinzhi.registry.licences import payload

        return payload.token(self)


class CertificateItem(Record):
    """One line of what the certificate covers (for food: category, detail, varieties)."""

    certificate = models.ForeignKey(Certificate, models.CASCADE, related_name="items")
    order = models.PositiveSmallIntegerField("次序", default=0)
    category_code = models.CharField("类别编号", max_length=20, blank=True)
    category = models.CharField("类别", max_length=120)
    detail_code = models.CharField("明细编号", max_length=20, blank=True)
    detail = models.CharField("明细", max_length=200, blank=True)
    varieties = models.TextField("品种", blank=True)

    class Meta:
        verbose_name = "许可明细"
        ordering = ["order", "id"]
        indexes = [models.Index(fields=["place", "-id"], name="item_place")]

    def __str__(self):
        return self.category


class CertificateChange(Record):
    """A decision that changed a certificate's status or its face; never edited."""

    certificate = models.ForeignKey(Certificate, models.CASCADE, related_name="changes")
    act = models.CharField("事项", max_length=20)  # a key of certificates.ACTS
    old_status = models.CharField("原状态", max_length=10)
    new_status = models.CharField("新状态", max_length=10)
    effective_on = models.DateField("生效日期")
    ground = models.CharField("依据", max_length=120, blank=True)
    document_number = models.CharField("文书号", max_length=60, blank=True)
    agency_name = models.CharField("决定机关", max_length=60, blank=True)
    case_number = models.CharField("办件编号", max_length=60, blank=True)
    reason = models.TextField("理由", blank=True)

    class Meta:
        verbose_name = "证书变动"
        ordering = ["effective_on", "id"]
        indexes = [models.Index(fields=["place", "-id"], name="change_place")]
