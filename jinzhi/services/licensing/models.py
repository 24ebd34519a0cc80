"""Who may not apply again, and until when (行政许可法第七十八、七十九条 and the laws of each licence)."""

from datetime import date

from django.db import models

from jinzhi.foundation.places.models import Record


class Bar(Record):
    """A bar on applying again: of an enterprise and, where the law says so, of the persons behind it."""

    class Ground(models.TextChoices):
        FALSE_MATERIAL = "false_material", "隐瞒有关情况或者提供虚假材料申请许可"
        FRAUD = "fraud", "以欺骗、贿赂等不正当手段取得许可"
        REVOKED = "revoked", "许可证被撤销"
        PUNISHED = "punished", "许可证被吊销"

    licence = models.CharField("证书种类", max_length=40)
    enterprise_id = models.UUIDField("企业", null=True)
    holder_name = models.CharField("被限制人", max_length=200)
    holder_code = models.CharField("代码", max_length=30, blank=True)
    person_name = models.CharField("法定代表人或者责任人员", max_length=80, blank=True)
    person_id = models.CharField("公民身份号码", max_length=18, blank=True)
    ground = models.CharField("事由", max_length=20, choices=Ground.choices)
    scope = models.JSONField("产品范围", default=list, blank=True)  # detail codes; empty: the whole licence
    since = models.DateField("自")
    until = models.DateField("至")  # last day
    law = models.CharField("依据", max_length=160)
    case_number = models.CharField("办件编号", max_length=60, blank=True)
    number = models.CharField("证书编号", max_length=60, blank=True)
    lifted_on = models.DateField("解除日期", null=True, blank=True)
    lifted_reason = models.CharField("解除理由", max_length=200, blank=True)

    class Meta:
        verbose_name = "申请限制"
        indexes = [
            models.Index(fields=["place", "-id"], name="bar_place"),
            models.Index(fields=["enterprise_id"], name="bar_enterprise"),
            models.Index(fields=["person_id"], condition=~models.Q(person_id=""), name="bar_person"),
        ]

    def __str__(self):
        return f"{self.holder_name} {self.get_ground_display()}"

    def holds_on(self, day: date) -> bool:
        return self.since <= day <= self.until and (self.lifted_on is None or day < self.lifted_on)
