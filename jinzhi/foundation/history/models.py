"""Entries of the audit trail and the head of each chain."""

from django.db import models


class AuditEntry(models.Model):
    """One act. Written only by history.append; the database refuses to change or remove it.

    `hash` = SM3 over the canonical JSON of all other columns, `prev` being the hash of the entry before it
    in the same chain. `place` decides whose log shows it; acts of the system itself carry the node's place.
    """

    id = models.BigAutoField(primary_key=True)
    chain = models.CharField("链", max_length=60)
    seq = models.BigIntegerField("序号")
    at = models.DateTimeField("时间")
    kind = models.CharField("行为", max_length=60)
    actor_id = models.BigIntegerField("账号", null=True)
    actor = models.CharField("行为人", max_length=80, blank=True)
    post = models.CharField("任职", max_length=120, blank=True)
    on_behalf = models.CharField("代表", max_length=120, blank=True)
    subject = models.CharField("对象", max_length=200, blank=True)
    data = models.JSONField("内容")
    address = models.CharField("来源地址", max_length=64, blank=True)
    place = models.BigIntegerField("地点")
    prev = models.CharField("前项散列", max_length=64)
    hash = models.CharField("散列", max_length=64)

    class Meta:
        verbose_name = "操作记录"
        constraints = [models.UniqueConstraint("chain", "seq", name="audit_chain_seq")]
        indexes = [
            models.Index("place", models.F("id").desc(), name="audit_place_newest"),  # the log page of a post
            models.Index("subject", "id", name="audit_subject"),  # the history of one thing
            models.Index("actor_id", "id", name="audit_actor"),
        ]

    def __str__(self):
        return f"{self.chain} #{self.seq} {self.kind}"


class Head(models.Model):
    """Last entry of a chain: what is cut off its end is missed here. Its row is the chain's lock."""

    chain = models.CharField("链", max_length=60, primary_key=True)
    seq = models.BigIntegerField("序号", default=0)
    hash = models.CharField("散列", max_length=64, default="")

    class Meta:
        verbose_name = "链首"
