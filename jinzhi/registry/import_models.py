"""Imports: batches with their refused rows and what they replaced, and saved ways to read columns."""

from django.db import models

from jinzhi.foundation.places.models import Record


class ImportBatch(Record):
    """One file put in: what it was, how its columns were read, what became of its rows."""

    class State(models.TextChoices):
        READY = "ready", "待导入"
        QUEUED = "queued", "排队中"
        RUNNING = "running", "正在导入"
        DONE = "done", "已导入"
        FAILED = "failed", "未导入"
        CANCELLED = "cancelled", "已取消"
        UNDONE = "undone", "已撤销"

    kind = models.CharField(
        "内容", max_length=20
    )  # enterprise, certificate, or a kind of entries (inspection …)
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("内容摘要", max_length=64)  # files.Blob, kept until some days after the upload
    columns = models.JSONField("列名", default=list)
    mapping = models.JSONField("列对应", default=dict)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.READY)
    stage = models.CharField("进行到", max_length=10, blank=True)  # reading, waiting, merging
    size = models.BigIntegerField("文件字节数", default=0)
    position = models.BigIntegerField("已读字节数", default=0)
    total = models.PositiveIntegerField("行数", default=0)
    created = models.PositiveIntegerField("新增", default=0)
    changed = models.PositiveIntegerField("更新", default=0)
    unchanged = models.PositiveIntegerField("无变化", default=0)
    refused = models.PositiveIntegerField("未接受", default=0)
    dry_run = models.BooleanField("只检查", default=False)
    cancel_asked = models.BooleanField("要求取消", default=False)
    alive_at = models.DateTimeField("最近进展", null=True, blank=True)
    started_by = models.CharField("操作人", max_length=60, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)
    undone_by = models.CharField("撤销人", max_length=60, blank=True)
    undone = models.JSONField("撤销结果", default=dict, blank=True)
    message = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "导入批次"
        ordering = ["-id"]
        indexes = [models.Index(fields=["place", "-id"], name="import_place")]

    def __str__(self):
        return self.file_name

    @property
    def accepted(self) -> int:
        return self.created + self.changed + self.unchanged


class ImportRow(models.Model):
    """A row that was not accepted, with its reasons; `original` holds its cells as they came."""

    place = models.BigIntegerField("地点")
    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField("行号")
    original = models.JSONField("原始内容", default=list)
    problems = models.JSONField("问题", default=list)  # [{"column", "value", "reason"}]

    class Meta:
        verbose_name = "未接受的行"
        ordering = ["line"]
        indexes = [models.Index(fields=["place", "-id"], name="import_row_place")]
        constraints = [models.UniqueConstraint(fields=["batch", "line"], name="import_row_once")]


class ImportChange(models.Model):
    """What an import replaced in one row, so that the batch can be taken back."""

    place = models.BigIntegerField("地点")
    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="replaced", db_index=False)
    table = models.CharField(
        "表", max_length=12
    )  # enterprise, certificate, entry, identifier; entered: see undoing
    record = models.UUIDField("记录")
    version = models.PositiveIntegerField("改后版本")  # a row that has another version was changed later
    before = models.JSONField("原值", default=dict)

    class Meta:
        verbose_name = "导入改动"
        indexes = [
            models.Index(fields=["batch", "table", "record"], name="import_change_batch"),
            models.Index(fields=["record"], name="import_change_record"),  # who changed it later
        ]


class ImportProfile(Record):
    """How the columns of somebody's tables are read, kept under a name for the next file; of the agency's place."""

    name = models.CharField("名称", max_length=60)
    kind = models.CharField("内容", max_length=20)
    mapping = models.JSONField("列对应", default=dict)
    columns = models.JSONField("列名", default=list)
    used_at = models.DateTimeField("最近使用", null=True, blank=True)
    saved_by = models.CharField("保存人", max_length=60, blank=True)

    class Meta:
        verbose_name = "导入方案"
        indexes = [models.Index(fields=["place", "-id"], name="import_profile_place")]
        constraints = [models.UniqueConstraint(fields=["place", "name"], name="import_profile_once")]

    def __str__(self):
        return self.name
