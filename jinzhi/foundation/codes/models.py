"""Code sets in the database: lists in dated versions, their codes, and which code became which.

A code is known by set, version and code: the same code may mean different things in two versions.
"""

from django.db import models


class CodeSet(models.Model):
    key = models.SlugField("代码集", max_length=40, unique=True)
    title = models.CharField("名称", max_length=100)
    standard = models.CharField("标准", max_length=100, blank=True)

    class Meta:
        verbose_name = "代码集"
        ordering = ["key"]

    def __str__(self):
        return self.title


class CodeVersion(models.Model):
    """One version, in force from `valid_from` to `valid_to` (the last day; null: still). Versions never overlap."""

    code_set = models.ForeignKey(CodeSet, models.CASCADE, related_name="versions")
    version = models.CharField("版本", max_length=40)
    title = models.CharField("名称", max_length=200, blank=True)
    valid_from = models.DateField("启用日期")
    valid_to = models.DateField("停用日期", null=True)
    authority = models.CharField("发布单位", max_length=100, blank=True)
    mark = models.CharField("核对程度", max_length=20, blank=True)
    shipped = models.BooleanField("随系统提供", default=False)
    complete = models.BooleanField("内容完整", default=True)

    class Meta:
        verbose_name = "代码集版本"
        ordering = ["code_set", "valid_from"]
        constraints = [
            models.UniqueConstraint("code_set", "version", name="code_version_once"),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                name="code_version_period",
            ),
        ]

    def __str__(self):
        return f"{self.code_set_id} {self.version}"

    def holds_on(self, day) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class CodeItem(models.Model):
    version = models.ForeignKey(CodeVersion, models.CASCADE, related_name="items", db_index=False)
    code = models.CharField("代码", max_length=40)
    name = models.CharField("名称", max_length=400)
    parent = models.CharField("上级", max_length=40, blank=True)
    level = models.CharField("层级", max_length=20, blank=True)
    note = models.CharField("说明", max_length=400, blank=True)

    class Meta:
        verbose_name = "代码"
        ordering = ["code"]
        constraints = [models.UniqueConstraint("version", "code", name="code_item_once")]

    def __str__(self):
        return f"{self.code} {self.name}"


class CodeMap(models.Model):
    """What a code of one version became in another: 1:1, a split into several, a merger of several, or about."""

    class Kind(models.TextChoices):
        SAME = "1:1", "一一对应"
        SPLIT = "split", "拆分"
        MERGE = "merge", "合并"
        APPROX = "approx", "大致对应"

    older = models.ForeignKey(CodeVersion, models.PROTECT, related_name="maps_from")
    older_code = models.CharField("原代码", max_length=40)
    newer = models.ForeignKey(CodeVersion, models.PROTECT, related_name="maps_to")
    newer_code = models.CharField("新代码", max_length=40)
    kind = models.CharField("对应", max_length=10, choices=Kind.choices)

    class Meta:
        verbose_name = "代码对应"
        constraints = [
            models.UniqueConstraint("older", "older_code", "newer", "newer_code", name="code_map_once")
        ]

    def __str__(self):
        return f"{self.older_code} → {self.newer_code}"
