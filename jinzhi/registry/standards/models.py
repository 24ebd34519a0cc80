"""A standard as the catalogue lists it, and what it replaces."""

from django.db import models


class Standard(models.Model):
    """One standard under one number. What it is worth on a day is worked out from the dates and the edges.

    issued_on ≤ effective_on ≤ abolished_on. `transition_until`: the standards it replaces stay usable until that
    day. `title_grams` and `number_key` exist in the database only.
    """

    number = models.CharField("标准号", max_length=60, unique=True)
    family = models.CharField("代号和顺序号", max_length=50, db_index=True)  # without the year
    bare = models.CharField(
        "顺序号", max_length=50, db_index=True
    )  # without /T and /Z too: renumbered standards
    kind = models.CharField("类别", max_length=20)
    nature = models.CharField("性质", max_length=20, blank=True)
    year = models.PositiveSmallIntegerField("年份")
    title = models.CharField("名称", max_length=200)
    title_en = models.CharField("英文名称", max_length=300, blank=True)
    ics = models.JSONField("ICS", default=list)
    ccs = models.CharField("中国标准文献分类", max_length=3, blank=True)
    issued_on = models.DateField("发布日期", null=True)
    effective_on = models.DateField("实施日期", null=True)
    abolished_on = models.DateField("废止日期", null=True)
    transition_until = models.DateField("过渡期至", null=True)
    adopts = models.JSONField("采用", default=list)  # [{"number": "ISO 9001:2015", "degree": "IDT"}]
    issuer = models.CharField("发布单位", max_length=100, blank=True)
    text_url = models.CharField("文本", max_length=300, blank=True)
    remark = models.CharField("备注", max_length=200, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "标准"
        ordering = ["number"]

    def __str__(self):
        return self.number


class Replacement(models.Model):
    """`newer` takes the place of `older` from `effective_on` (null: the day `newer` takes effect).

    Either may be missing from the catalogue, so numbers are kept. Renumbering (GB 1234 → GB/T 1234) replaces wholly.
    """

    class Extent(models.TextChoices):
        FULL = "full", "全部代替"
        PARTIAL = "partial", "部分代替"
        RENUMBER = "renumber", "改号"

    newer = models.CharField("新标准", max_length=60)
    older = models.CharField("被代替标准", max_length=60, db_index=True)
    extent = models.CharField("范围", max_length=10, choices=Extent.choices)
    effective_on = models.DateField("代替日期", null=True)

    class Meta:
        verbose_name = "代替关系"
        constraints = [models.UniqueConstraint("newer", "older", name="replacement_once")]

    def __str__(self):
        return f"{self.newer} → {self.older}"
