"""Keys that sign licences, what was signed, the lists of ended licences, and links holders gave out."""

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from jinzhi.foundation.places.models import Record
from jinzhi.registry.models import Certificate


class SigningKey(models.Model):
    """The public half of an SM2 key; the private half never enters the database (see keys.py)."""

    class State(models.TextChoices):
        ACTIVE = "active", "使用中"
        RETIRED = "retired", "已停用"  # what it signed in its time stays good
        COMPROMISED = "compromised", "已作废"  # nothing it signed is to be believed

    id = models.CharField(
        "密钥编号", max_length=12, primary_key=True
    )  # beginning of the SM3 of the public key
    public = models.CharField("公钥", max_length=130)  # 04 and both coordinates, hexadecimal
    valid_from = models.DateField("启用")
    valid_to = models.DateField("停用", null=True)  # last day it signed
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ACTIVE)
    note = models.CharField("说明", max_length=200, blank=True)
    created_at = models.DateTimeField("生成时间", auto_now_add=True)

    class Meta:
        verbose_name = "证照签发密钥"
        ordering = ["-created_at"]

    def __str__(self):
        return self.id


class SignedFace(Record):
    """The signed text of one version of a certificate's face, as its QR carries it."""

    certificate = models.ForeignKey(Certificate, models.CASCADE, related_name="signed_faces")
    face_version = models.PositiveSmallIntegerField("证面版次")
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", verbose_name="密钥")
    token = models.TextField("签名文本")
    signed_at = models.DateTimeField("签发时间", default=timezone.now)

    class Meta:
        verbose_name = "证面签名"
        indexes = [models.Index(fields=["place", "-id"], name="signed_face_place")]
        constraints = [models.UniqueConstraint("certificate", "face_version", "key", name="signed_face_once")]

    def __str__(self):
        return f"{self.certificate_id} 第 {self.face_version} 版"


class StatusList(models.Model):
    """A signed list of the licences that ended before their last day; the newest one is published."""

    issued_at = models.DateTimeField("签发时间", db_index=True)
    fresh_until = models.DateTimeField("有效至")
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", verbose_name="密钥")
    body = models.TextField("清单")  # the bytes that were signed
    signature = models.CharField("签名", max_length=120)
    last_change = models.UUIDField(null=True)  # the newest decision it knows of

    class Meta:
        verbose_name = "证照状态清单"

    def __str__(self):
        return f"{self.issued_at:%Y-%m-%d %H:%M}"


class Share(models.Model):
    """A link by which a holder shows a licence to somebody; its secret part is not kept (see sharing.py)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    certificate = models.ForeignKey(Certificate, models.CASCADE, related_name="shares")
    enterprise_id = models.UUIDField("持证人")
    purpose = models.CharField("用途", max_length=100, blank=True)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    created_by = models.CharField("建立人", max_length=60, blank=True)
    expires_at = models.DateTimeField("到期")
    revoked_at = models.DateTimeField("收回", null=True)
    opened = models.PositiveIntegerField("打开次数", default=0)
    opened_at = models.DateTimeField("最近打开", null=True)

    class Meta:
        verbose_name = "证照分享"
        ordering = ["-id"]
        indexes = [models.Index(fields=["enterprise_id", "-id"], name="share_holder")]

    def __str__(self):
        return self.purpose or str(self.id)

    @property
    def open(self) -> bool:
        return self.revoked_at is None and timezone.now() < self.expires_at
