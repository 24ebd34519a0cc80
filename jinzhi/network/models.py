"""The nodes of the network as the hub (and each node of itself) knows them, what they report, what happened.

Officials read nodes of their range and the node that serves them; only the system writes.
"""

from django.db import models


class Node(models.Model):
    """One node: the hub, a city's. `nkey` is the public key it connects with, `signing_key` the one it signs batches with."""

    class Kind(models.TextChoices):
        HUB = "hub", "省中心"
        CITY = "city", "市节点"

    class State(models.TextChoices):
        INVITED = "invited", "待加入"
        ACTIVE = "active", "在网"
        SUSPENDED = "suspended", "暂停"
        RETIRED = "retired", "退网"

    code = models.CharField("节点", max_length=12, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    place = models.BigIntegerField("地点")
    address = models.CharField("地址", max_length=120, blank=True)
    nkey = models.CharField("连接公钥", max_length=80, blank=True)
    signing_key = models.CharField("签名公钥", max_length=140, blank=True)  # SM2, hexadecimal
    certificate_serial = models.CharField("证书序号", max_length=60, blank=True)
    certificate_until = models.DateTimeField("证书有效期至", null=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.INVITED)
    software = models.CharField("软件版本", max_length=30, blank=True)
    schemas = models.JSONField("结构版本", default=dict)
    incarnation = models.CharField("数据库标识", max_length=36, blank=True)
    joined_at = models.DateTimeField("加入时间", null=True)
    last_seen = models.DateTimeField("最近心跳", null=True)
    health = models.JSONField("最近状态", default=dict)

    class Meta:
        verbose_name = "节点"
        ordering = ["code"]
        indexes = [models.Index(fields=["place"], name="node_place")]

    def __str__(self):
        return self.name


class Pulse(models.Model):
    """What a node reported, one row a minute: lag, queues, disk, versions (`pulse.facts`). Kept for 90 days."""

    node = models.CharField("节点", max_length=12)
    at = models.DateTimeField("时间")
    facts = models.JSONField("状态")

    class Meta:
        verbose_name = "心跳"
        indexes = [
            models.Index(fields=["node", "-at"], name="pulse_node"),
            models.Index(fields=["at"], name="pulse_at"),
        ]

    def __str__(self):
        return f"{self.node} {self.at}"


class NetworkEvent(models.Model):
    """A change of state: joined, link lost or returned, diverged, healed, renewed, upgraded."""

    node = models.CharField("节点", max_length=12)
    at = models.DateTimeField("时间", auto_now_add=True)
    kind = models.CharField("事件", max_length=30)
    detail = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "网络事件"
        db_table = "network_event"
        indexes = [models.Index(fields=["node", "-id"], name="network_event_node")]

    def __str__(self):
        return f"{self.node} {self.kind}"


class Alarm(models.Model):
    """Something that a person must look at, open until the cause is gone; one open alarm for each kind and node."""

    class Level(models.TextChoices):
        NOTICE = "notice", "提示"
        WARNING = "warning", "警告"
        SEVERE = "severe", "严重"

    kind = models.CharField("种类", max_length=30)
    node = models.CharField("节点", max_length=30)
    place = models.BigIntegerField("地点")
    level = models.CharField("级别", max_length=10, choices=Level.choices, default=Level.WARNING)
    detail = models.CharField("说明", max_length=400, blank=True)
    raised_at = models.DateTimeField("发生时间", auto_now_add=True)
    last_at = models.DateTimeField("最近一次", auto_now=True)
    times = models.PositiveIntegerField("次数", default=1)
    cleared_at = models.DateTimeField("恢复时间", null=True)
    acknowledged_by = models.CharField("确认人", max_length=80, blank=True)
    acknowledged_at = models.DateTimeField("确认时间", null=True)
    note = models.CharField("处理说明", max_length=300, blank=True)
    escalated_to = models.CharField("上报至", max_length=10, blank=True)  # county, city, province, vendor

    class Meta:
        verbose_name = "告警"
        ordering = ["-id"]
        indexes = [models.Index(fields=["place", "-id"], name="alarm_place")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "node"], condition=models.Q(cleared_at__isnull=True), name="alarm_open_once"
            )
        ]

    def __str__(self):
        return f"{self.node} {self.kind}"


class Invitation(models.Model):
    """A token for one node to join once; only its number is kept."""

    jti = models.CharField("编号", max_length=40, primary_key=True)
    node = models.CharField("节点", max_length=12)
    replace = models.BooleanField("替换原节点", default=False)
    made_at = models.DateTimeField("签发时间", auto_now_add=True)
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True)

    class Meta:
        verbose_name = "入网凭据"

    def __str__(self):
        return self.node


# -- views of the exchange's log, for list pages; what an official sees of them is in the views


class Received(models.Model):
    """A message that arrived and what became of it."""

    received_at = models.DateTimeField("收到")
    stream = models.CharField("通道", max_length=40)
    seq = models.BigIntegerField("序号")
    peer = models.CharField("来自", max_length=30)
    dataset = models.CharField("数据集", max_length=60)
    record = models.UUIDField("记录", null=True)
    version = models.IntegerField("版本", null=True)
    op = models.CharField("操作", max_length=1)
    bytes = models.IntegerField("字节")
    outcome = models.CharField("结果", max_length=10)
    code = models.CharField("代码", max_length=3)

    class Meta:
        managed = False
        db_table = "exchange_received"
        verbose_name = "收到的消息"

    def __str__(self):
        return f"{self.stream} {self.seq}"


class Sent(models.Model):
    """A record's message to one peer and how far it came. `id` is the outbox's: one row for each channel."""

    made_at = models.DateTimeField("发出")
    channel = models.CharField("通道", max_length=40)
    seq = models.BigIntegerField("序号")
    peer = models.CharField("发往", max_length=30)
    batch = models.BigIntegerField("批次")
    dataset = models.CharField("数据集", max_length=60)
    record = models.UUIDField("记录")
    version = models.IntegerField("版本")
    op = models.CharField("操作", max_length=1)
    outcome = models.CharField("状态", max_length=12)
    code = models.CharField("代码", max_length=3)
    refusal = models.BigIntegerField("拒收", null=True)

    class Meta:
        managed = False
        db_table = "exchange_sent"
        verbose_name = "发出的消息"

    def __str__(self):
        return f"{self.channel} {self.seq}"


class Quarantined(models.Model):
    """A message refused here."""

    received_at = models.DateTimeField("收到")
    peer = models.CharField("来自", max_length=30)
    kind = models.CharField("对方类别", max_length=10)
    stream = models.CharField("通道", max_length=40)
    seq = models.BigIntegerField("序号")
    dataset = models.CharField("数据集", max_length=60)
    record = models.UUIDField("记录", null=True)
    version = models.IntegerField("版本", null=True)
    code = models.CharField("代码", max_length=3)
    reason = models.TextField("原因")
    payload = models.TextField("消息")
    state = models.CharField("状态", max_length=10)
    settled_at = models.DateTimeField("处理时间", null=True)
    settled_by = models.CharField("处理", max_length=80)

    class Meta:
        managed = False
        db_table = "exchange_quarantine"
        verbose_name = "隔离的消息"

    def __str__(self):
        return f"{self.peer} {self.code}"


class RefusedThere(models.Model):
    """A message of ours that a peer refused."""

    channel = models.CharField("通道", max_length=40)
    seq = models.BigIntegerField("序号")
    peer = models.CharField("对方", max_length=30)
    dataset = models.CharField("数据集", max_length=60)
    record = models.UUIDField("记录", null=True)
    version = models.IntegerField("版本", null=True)
    code = models.CharField("代码", max_length=3)
    reason = models.TextField("原因")
    told_at = models.DateTimeField("告知时间")
    state = models.CharField("状态", max_length=10)

    class Meta:
        managed = False
        db_table = "exchange_refused"
        verbose_name = "对方拒收"

    def __str__(self):
        return f"{self.peer} {self.code}"


class Reconciliation(models.Model):
    """A comparison of both ends."""

    id = models.UUIDField(primary_key=True)
    peer = models.CharField("对方", max_length=30)
    dataset = models.CharField("数据集", max_length=60)
    owner_node = models.CharField("记录归属", max_length=12)
    started_at = models.DateTimeField("开始")
    finished_at = models.DateTimeField("完成", null=True)
    ours = models.BigIntegerField("本方", null=True)
    theirs = models.BigIntegerField("对方", null=True)
    differing = models.BigIntegerField("差异", null=True)
    state = models.CharField("结果", max_length=10)
    report = models.JSONField("报告")
    our_signature = models.TextField("本方签名")
    their_signature = models.TextField("对方签名")
    signed_by = models.CharField("核定人", max_length=80)

    class Meta:
        managed = False
        db_table = "exchange_reconciliation"
        verbose_name = "对账"

    def __str__(self):
        return f"{self.dataset} {self.peer}"
