"""Comparisons asked for on the workbench, what they found, and what people decided about it."""

from django.db import models

from jinzhi.foundation.places.models import Record
from jinzhi.registry.matching.results import KINDS


class Comparison(Record):
    """Two registers compared: a file against a file, or our own register against a file."""

    class State(models.TextChoices):
        DRAFT = "draft", "待对应各列"
        WAITING = "waiting", "排队"
        RUNNING = "running", "比对中"
        DONE = "done", "已完成"
        FAILED = "failed", "未完成"
        STOPPED = "stopped", "已取消"

    title = models.CharField("名称", max_length=120)
    left_name = models.CharField("左方", max_length=200)
    right_name = models.CharField("右方", max_length=200)
    left_sha256 = models.CharField("左方内容摘要", max_length=64, blank=True)  # empty: our own register
    right_sha256 = models.CharField("右方内容摘要", max_length=64)
    mapping = models.JSONField("列对应", default=dict)  # {"left": {role: column}, "right": …}
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.DRAFT)
    stage = models.CharField("进行到", max_length=40, blank=True)
    progress = models.PositiveSmallIntegerField("进度", default=0)  # per cent
    cancelled = models.BooleanField("要求取消", default=False)
    left_rows = models.PositiveIntegerField("左方行数", default=0)
    right_rows = models.PositiveIntegerField("右方行数", default=0)
    counts = models.JSONField("各类数量", default=dict)
    changes = models.JSONField("各项变动", default=dict)
    result_sha256 = models.CharField("结果内容摘要", max_length=64, blank=True)
    suggested = models.PositiveIntegerField("送入疑似重复", default=0)
    started_by = models.CharField("操作人", max_length=60, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True)
    message = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "登记数据比对"
        ordering = ["-id"]
        indexes = [models.Index(fields=["place", "-id"], name="comparison_place")]

    def __str__(self):
        return self.title

    @property
    def busy(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)


class Finding(models.Model):
    """One row of a result that may need a decision, with both rows as they were read. Plain agreement is not kept."""

    class Decision(models.TextChoices):
        LEFT = "left", "以左方为准"
        RIGHT = "right", "以右方为准"
        MERGE = "merge", "是同一家，合并"
        IGNORE = "ignore", "不处理"

    place = models.BigIntegerField("地点")
    comparison = models.ForeignKey(Comparison, models.CASCADE, related_name="findings")
    kind = models.CharField("类别", max_length=16, choices=[(k.key, k.title) for k in KINDS.values()])
    left_id = models.CharField("左方标识", max_length=200, blank=True)
    right_id = models.CharField("右方标识", max_length=200, blank=True)
    score = models.FloatField("分值", default=0)
    stage = models.CharField("依据", max_length=20, blank=True)
    left = models.JSONField("左方内容", default=dict)
    right = models.JSONField("右方内容", default=dict)
    decision = models.CharField("处理", max_length=6, choices=Decision.choices, blank=True)
    reason = models.CharField("理由", max_length=300, blank=True)
    decided_by = models.CharField("处理人", max_length=60, blank=True)
    decided_at = models.DateTimeField("处理时间", null=True)

    class Meta:
        verbose_name = "比对发现"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["place", "-id"], name="finding_place"),
            models.Index(fields=["comparison", "kind", "id"], name="finding_kind"),
        ]

    def __str__(self):
        return f"{self.left_id}–{self.right_id}"
