"""What stands behind an archive: facts with their history, entries of the domains, lineage and identity.

The current value of a field stands on the enterprise's row; a `Fact` is a value that is not simply the row's
own (see `facts.py`). Public import path: `jinzhi.registry.models`.
"""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models.functions import Greatest, Least

from jinzhi.foundation.places.models import Record


class Fact(models.Model):
    """A value of one field that another statement replaced, that another source states, or that is locked.

    Valid time is [valid_from, valid_to), null where nobody stated it. `received_at` … `removed_at` is the time
    the register held it so: a row is never rewritten, it is removed and another entered.
    """

    class State(models.TextChoices):
        FORMER = "former", "曾用"  # was current, then replaced
        DIFFERS = "differs", "来源不一致"  # stated by another source, not chosen
        CHOSEN = "chosen", "现用"  # the current value, of another source than the row's
        LOCKED = "locked", "人工更正"  # the current value, by a correction that holds until locked_until
        REFUSED = "refused", "未采用"  # stated and refused: a person decided against it

    enterprise = models.ForeignKey(
        "registry.Enterprise", models.CASCADE, related_name="facts", db_index=False
    )
    place = models.BigIntegerField("地点")
    field = models.CharField("项目", max_length=30)  # a key of facts.FIELDS
    value = models.TextField("内容", blank=True, db_default="")
    state = models.CharField("状态", max_length=8, choices=State.choices)
    valid_from = models.DateField("自", null=True, blank=True)
    valid_to = models.DateField("至", null=True, blank=True)  # first day it no longer held
    source = models.CharField("来源", max_length=60, blank=True, db_default="")
    source_on = models.DateField("来源日期", null=True, blank=True)  # the day the source states it for
    confidence = models.SmallIntegerField("可信度", default=100, db_default=100)
    rank = models.SmallIntegerField("来源等级", default=0, db_default=0)  # survivorship, higher wins
    received_at = models.DateTimeField("收到", db_default=TransactionNow())
    removed_at = models.DateTimeField("撤去", null=True, blank=True)
    batch = models.UUIDField("批次", null=True, blank=True)
    locked_until = models.DateField("锁定至", null=True, blank=True)  # last day
    reason = models.CharField(
        "理由", max_length=300, blank=True, db_default=""
    )  # which rule chose, or why locked
    actor = models.CharField("经办", max_length=60, blank=True, db_default="")

    class Meta:
        verbose_name = "企业事实"
        indexes = [
            models.Index(fields=["enterprise", "field"], name="fact_enterprise"),  # archive, as of
            models.Index(fields=["batch"], condition=models.Q(batch__isnull=False), name="fact_batch"),
            models.Index(  # open conflicts of a place
                fields=["place", "-id"],
                condition=models.Q(state="differs", removed_at__isnull=True),
                name="fact_differs",
            ),
        ]

    def __str__(self):
        return f"{self.field} {self.value}"


class Entry(Record):
    """One fact that a domain or an import contributes to a section of the archive."""

    enterprise = models.ForeignKey(
        "registry.Enterprise", models.CASCADE, related_name="entries", db_index=False
    )
    section = models.CharField("栏目", max_length=30)  # key of a declared sections.Section
    title = models.CharField("标题", max_length=200)
    facts = models.JSONField("内容", default=dict, db_default=models.Value({}, models.JSONField()))
    state = models.CharField("结果", max_length=40, blank=True, db_default="")
    occurred_on = models.DateField("发生日期", null=True, blank=True)
    valid_from = models.DateField("有效期起", null=True, blank=True)
    valid_to = models.DateField("有效期至", null=True, blank=True)  # last day
    source = models.CharField("来源", max_length=60, blank=True, db_default="")
    source_key = models.CharField("来源编号", max_length=120, blank=True, db_default="")
    agency_name = models.CharField("来源机关", max_length=100, blank=True, db_default="")
    published = models.BooleanField("公开", default=False, db_default=False)
    batch = models.UUIDField("批次", null=True, blank=True)

    class Meta:
        verbose_name = "档案条目"
        indexes = [
            models.Index(fields=["enterprise", "section", "-occurred_on"], name="entry_enterprise"),
            models.Index(fields=["place", "-id"], name="entry_place"),
            models.Index(fields=["batch"], condition=models.Q(batch__isnull=False), name="entry_batch"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_key"], condition=~models.Q(source_key=""), name="entry_once"
            )
        ]

    def __str__(self):
        return self.title


class Lineage(Record):
    """An edge between two enterprises: what became of one, where another comes from."""

    class Kind(models.TextChoices):
        MERGE = "merge", "合并"
        SPLIT = "split", "分立"
        RENAME = "rename", "更名"
        MOVE = "move", "迁移"
        DUPLICATE = "duplicate", "重复建档"

    from_enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="successors")
    to_enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="predecessors")
    other_place = models.BigIntegerField("后者地点")  # `place` is the former's
    kind = models.CharField("关系", max_length=10, choices=Kind.choices)
    on = models.DateField("日期")
    reason = models.CharField("理由", max_length=300, blank=True)
    actor = models.CharField("经办", max_length=60, blank=True)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)

    class Meta:
        verbose_name = "企业沿革"
        indexes = [models.Index(fields=["place", "-id"], name="lineage_place")]

    def __str__(self):
        return f"{self.from_enterprise_id} {self.kind} {self.to_enterprise_id}"


class MergeLog(Record):
    """A merge with everything needed to take it back: which rows moved, which values the survivor received."""

    survivor = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="merges")
    merged = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="merged_by")
    other_place = models.BigIntegerField("被并入者地点")  # `place` is the survivor's
    decided_by = models.CharField("经办", max_length=60, blank=True)
    post = models.CharField("任职", max_length=120, blank=True)
    reason = models.CharField("理由", max_length=300)
    fields = models.JSONField("各项取自", default=dict)  # field -> {"from", "old", "new", "rule"}
    moved = models.JSONField("移动的记录", default=dict)  # "app.model.field" -> [keys]
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)
    undone_by = models.CharField("撤销人", max_length=60, blank=True)
    undone_reason = models.CharField("撤销理由", max_length=300, blank=True)

    class Meta:
        verbose_name = "合并记录"
        indexes = [models.Index(fields=["place", "-id"], name="merge_place")]

    def __str__(self):
        return f"{self.merged_id} → {self.survivor_id}"


class Suspicion(Record):
    """Two rows that may be one enterprise, with what speaks for it; a person decides."""

    class State(models.TextChoices):
        OPEN = "open", "待处理"
        MERGED = "merged", "已合并"
        SEPARATE = "separate", "不是同一家"
        LATER = "later", "暂缓"

    left = models.ForeignKey("registry.Enterprise", models.CASCADE, related_name="suspected_left")
    right = models.ForeignKey("registry.Enterprise", models.CASCADE, related_name="suspected_right")
    other_place = models.BigIntegerField("右侧地点")  # `place` is the left's
    score = models.FloatField("分值", default=0)
    stage = models.CharField("发现方法", max_length=40, blank=True)
    evidence = models.JSONField("依据", default=list)  # [{"field", "left", "right", "points", "note"}]
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.CharField("经办", max_length=60, blank=True)
    decided_at = models.DateTimeField("处理时间", null=True, blank=True)
    reason = models.CharField("理由", max_length=300, blank=True)
    log = models.ForeignKey(MergeLog, models.SET_NULL, null=True, blank=True, related_name="suspicions")

    class Meta:
        verbose_name = "疑似重复"
        indexes = [
            models.Index(fields=["place", "-id"], name="suspicion_place"),
            models.Index(fields=["state", "-score", "-id"], name="suspicion_queue"),
        ]
        constraints = [
            models.UniqueConstraint(Least("left", "right"), Greatest("left", "right"), name="suspicion_pair"),
            models.CheckConstraint(
                condition=~models.Q(left=models.F("right")),
                name="suspicion_of_two",
                violation_error_code="same",
            ),
        ]

    def __str__(self):
        return f"{self.left_id} ≈ {self.right_id}"


class Correction(Record):
    """An enterprise says that its archive is wrong; an official answers within the limit of the rule."""

    class State(models.TextChoices):
        OPEN = "open", "待答复"
        ACCEPTED = "accepted", "已更正"
        REFUSED = "refused", "不予更正"

    enterprise = models.ForeignKey("registry.Enterprise", models.CASCADE, related_name="corrections")
    field = models.CharField("项目", max_length=30)  # a key of facts.FIELDS, or "entry"
    entry = models.ForeignKey(Entry, models.SET_NULL, null=True, blank=True, related_name="corrections")
    present = models.TextField("现有内容", blank=True)
    wanted = models.TextField("应为")
    reason = models.CharField("理由和依据", max_length=500)
    asked_by = models.CharField("提出人", max_length=60, blank=True)
    asked_on = models.DateField("提出日期")
    rule = models.CharField("期限规则", max_length=60)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField("答复", max_length=500, blank=True)
    answered_by = models.CharField("答复人", max_length=60, blank=True)
    answered_on = models.DateField("答复日期", null=True, blank=True)

    class Meta:
        verbose_name = "更正申请"
        indexes = [models.Index(fields=["place", "state", "-id"], name="correction_place")]
        constraints = [
            models.UniqueConstraint(
                fields=["enterprise", "field"],
                condition=models.Q(state="open", entry__isnull=True),
                name="correction_open_once",
            )
        ]

    def __str__(self):
        return f"{self.field} {self.wanted}"
