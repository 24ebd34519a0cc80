"""Stored contents, attachments, and documents the system makes itself."""

from django.db import models
from django.utils import timezone

from jinzhi.foundation.places.models import Record


class Blob(models.Model):
    """One content, stored once under its SHA-256 however often it is attached."""

    sha256 = models.CharField("SHA-256", max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField("字节数")
    media_type = models.CharField("类型", max_length=80)
    created_at = models.DateTimeField("存入时间", default=timezone.now)

    class Meta:
        verbose_name = "文件内容"
        indexes = [models.Index(fields=["created_at"], name="blob_created")]

    def __str__(self):
        return self.sha256


class Attachment(Record):
    """A file somebody handed in. `subject` says what it belongs to: "draft:<uuid>", "case:<uuid>" …"""

    enterprise_id = models.UUIDField("所属企业", null=True, blank=True)  # registry.Enterprise, one floor up
    subject = models.CharField("归属", max_length=60)
    kind = models.CharField("材料", max_length=60, blank=True)
    name = models.CharField("文件名", max_length=200)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="attachments", verbose_name="内容")
    # Of the content, kept here by a trigger: what other nodes are told of a file stands in one row.
    size = models.PositiveBigIntegerField("字节数", default=0, editable=False)
    media_type = models.CharField("类型", max_length=80, blank=True, editable=False)
    width = models.PositiveIntegerField("宽", null=True, blank=True)
    height = models.PositiveIntegerField("高", null=True, blank=True)
    uploaded_by = models.BigIntegerField("上传账号", null=True, blank=True)
    uploaded_by_name = models.CharField("上传人", max_length=60, blank=True)

    class Meta:
        verbose_name = "附件"
        indexes = [
            models.Index(fields=["place", "-id"], name="attachment_place"),
            models.Index(fields=["subject"], name="attachment_subject"),
        ]

    def __str__(self):
        return self.name

    @property
    def url(self) -> str:
        return f"/files/{self.id}/"

    @property
    def is_image(self) -> bool:
        return self.blob.media_type.startswith("image/")


class GeneratedDocument(Record):
    """A document made from frozen data; `blob` is empty until it has been rendered once.

    `template` is the file name of a Typst template in some room's documents folder; `template_version`
    lets a later layout leave documents already issued alone.
    """

    subject = models.CharField("归属", max_length=60)
    enterprise_id = models.UUIDField("所属企业", null=True, blank=True)
    kind = models.CharField("种类", max_length=60)
    number = models.CharField("文号", max_length=80, blank=True)
    title = models.CharField("标题", max_length=200)
    template = models.CharField("模板", max_length=120)
    template_version = models.PositiveSmallIntegerField("模板版本", default=1)
    data = models.JSONField("内容", default=dict)
    blob = models.ForeignKey(Blob, models.PROTECT, null=True, blank=True, related_name="documents")
    size = models.PositiveBigIntegerField("字节数", default=0, editable=False)  # by the same trigger
    issued_at = models.DateTimeField("签发时间", null=True, blank=True)

    class Meta:
        verbose_name = "文书"
        indexes = [
            models.Index(fields=["place", "-id"], name="document_place"),
            models.Index(fields=["subject"], name="document_subject"),
            models.Index(fields=["enterprise_id", "-id"], name="document_enterprise"),
        ]

    def __str__(self):
        return f"{self.title} {self.number}".strip()

    @property
    def name(self) -> str:
        return f"{self} {self.subject_number}".strip() + ".pdf" if self.subject_number else f"{self}.pdf"

    @property
    def subject_number(self) -> str:
        return str(self.data.get("case", "")) if not self.number else ""

    @property
    def url(self) -> str:
        return f"/files/documents/{self.id}/"
