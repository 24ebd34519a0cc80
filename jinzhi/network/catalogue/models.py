"""What is asked for, granted and doubted about shared data; the datasets themselves are declared, not stored."""

from django.db import models
from uuid_utils.compat import uuid7

TONES = {
    "open": "yellow", "approved": "green", "refused": "red", "withdrawn": "grey", "active": "green", "ended": "grey",
    "accepted": "green", "published": "green", "suspended": "red",
}  # fmt: skip


class Entry(models.Model):
    """A declared dataset as the catalogue's keeper knows it: since when, and when its metadata last changed."""

    class State(models.TextChoices):
        PUBLISHED = "published", "已发布"
        SUSPENDED = "suspended", "暂停共享"

    dataset = models.CharField("数据集", max_length=60, primary_key=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PUBLISHED)
    reason = models.CharField("暂停原因", max_length=200, blank=True)
    fingerprint = models.CharField("元数据散列", max_length=64)
    registered_on = models.DateField("登记日期")
    updated_on = models.DateField("元数据更新日期")

    class Meta:
        verbose_name = "目录条目"

    def __str__(self):
        return self.dataset


class Request(models.Model):
    """A request for access (共享申请). `consumer` is an agency's key or a partner's code."""

    class State(models.TextChoices):
        OPEN = "open", "待答复"
        APPROVED = "approved", "同意"
        REFUSED = "refused", "不同意"
        WITHDRAWN = "withdrawn", "已撤回"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField("申请编号", max_length=40, unique=True)
    place = models.BigIntegerField("申请方地点")
    provider_place = models.BigIntegerField("提供方地点")
    dataset = models.CharField("数据集", max_length=60)
    provider = models.CharField("提供方", max_length=30)  # key of the agency
    kind = models.CharField("使用方类别", max_length=10)  # a key of consumers.KINDS
    consumer = models.CharField("使用方", max_length=30)
    consumer_name = models.CharField("使用方名称", max_length=80)
    purpose = models.CharField("用途", max_length=500)
    legal_basis = models.CharField("依据", max_length=300, blank=True)
    fields = models.JSONField("信息项")
    area = models.BigIntegerField("数据范围")  # records of this place and below
    since = models.DateField("期限起")
    until = models.DateField("期限止")
    existing = models.BooleanField("需要存量数据", default=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    asked_by = models.BigIntegerField("申请账号", null=True)
    asked_by_name = models.CharField("申请人", max_length=80)
    asked_on = models.DateField("申请日期")
    answer = models.CharField("答复", max_length=500, blank=True)
    answered_by = models.CharField("答复人", max_length=80, blank=True)
    answered_on = models.DateField("答复日期", null=True)

    class Meta:
        verbose_name = "共享申请"
        indexes = [
            models.Index(fields=["place", "-id"], name="catalogue_request_place"),
            models.Index(fields=["dataset", "-id"], name="catalogue_request_dataset"),
            models.Index(
                fields=["provider"], condition=models.Q(state="open"), name="catalogue_request_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "kind", "consumer"],
                condition=models.Q(state="open"),
                name="catalogue_request_once",
            )
        ]

    def __str__(self):
        return self.number

    @property
    def tone(self) -> str:
        return TONES[self.state]


class Grant(models.Model):
    """An authorisation (授权): these fields, for this purpose, from day to day. `inward`: the other side delivers."""

    class State(models.TextChoices):
        ACTIVE = "active", "有效"
        ENDED = "ended", "已终止"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("使用方地点")
    provider_place = models.BigIntegerField("提供方地点")
    request = models.OneToOneField(
        Request, models.PROTECT, null=True, related_name="grant", verbose_name="申请"
    )
    dataset = models.CharField("数据集", max_length=60)
    kind = models.CharField("对方类别", max_length=10)
    consumer = models.CharField("对方", max_length=30)
    consumer_name = models.CharField("对方名称", max_length=80)
    inward = models.BooleanField("由对方提供", default=False)
    purpose = models.CharField("用途", max_length=500)
    fields = models.JSONField("信息项")
    area = models.BigIntegerField("数据范围")
    since = models.DateField("期限起")
    until = models.DateField("期限止")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ACTIVE)
    granted_by = models.CharField("授权人", max_length=80)
    ended_on = models.DateField("终止日期", null=True)
    reason = models.CharField("终止原因", max_length=300, blank=True)

    class Meta:
        verbose_name = "数据授权"
        indexes = [
            models.Index(fields=["place", "-id"], name="catalogue_grant_place"),
            models.Index(fields=["kind", "consumer"], name="catalogue_grant_consumer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "kind", "consumer", "inward"],
                condition=models.Q(state="active"),
                name="catalogue_grant_once",
            )
        ]

    def __str__(self):
        return f"{self.consumer_name} {self.dataset}"

    @property
    def tone(self) -> str:
        return TONES[self.state]


class Challenge(models.Model):
    """A doubt (疑义): a consumer says that a shared value is wrong; the provider corrects it or says why not."""

    class State(models.TextChoices):
        OPEN = "open", "待核实"
        ACCEPTED = "accepted", "已更正"
        REFUSED = "refused", "核实无误"
        WITHDRAWN = "withdrawn", "已撤回"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("提出方地点")
    provider_place = models.BigIntegerField("提供方地点")  # of the record: its own bureau verifies
    dataset = models.CharField("数据集", max_length=60)
    record = models.UUIDField("记录")
    title = models.CharField("记录名称", max_length=120, blank=True)
    field = models.CharField("信息项", max_length=60)
    present = models.TextField("现有内容", blank=True)
    wanted = models.TextField("应为", blank=True)
    reason = models.CharField("理由和依据", max_length=500)
    raised_by = models.CharField("提出人", max_length=120)
    raised_on = models.DateField("提出日期")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField("答复", max_length=500, blank=True)
    answered_by = models.CharField("答复人", max_length=80, blank=True)
    answered_on = models.DateField("答复日期", null=True)

    class Meta:
        verbose_name = "数据疑义"
        indexes = [
            models.Index(fields=["place", "-id"], name="catalogue_challenge_place"),
            models.Index(fields=["dataset", "-id"], name="catalogue_challenge_set"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "record", "field"],
                condition=models.Q(state="open"),
                name="catalogue_challenge_once",
            )
        ]

    def __str__(self):
        return f"{self.dataset} {self.field}"

    @property
    def tone(self) -> str:
        return TONES[self.state]


class Quality(models.Model):
    """What a measurement of a dataset found; five parts of a hundred each, and their mean."""

    dataset = models.CharField("数据集", max_length=60)
    measured_on = models.DateField("测算日期")
    records = models.BigIntegerField("记录数")
    score = models.DecimalField("得分", max_digits=5, decimal_places=1, null=True)
    parts = models.JSONField("分项")

    class Meta:
        verbose_name = "数据质量"
        constraints = [models.UniqueConstraint("dataset", "measured_on", name="catalogue_quality_day")]

    def __str__(self):
        return f"{self.dataset} {self.measured_on}"
