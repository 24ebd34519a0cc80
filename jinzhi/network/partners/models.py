"""Partners of exchange, their keys, the batches that came and went, and a short log of their calls.

Everything is set up by the province's administrators; `place` is the province's, so nobody else reads these rows.
"""

from django.db import models
from uuid_utils.compat import uuid7

CODE = r"[a-z][0-9a-z]{1,11}"  # also the owner of the partner's records and part of its subjects

GATEWAYS = {"jetstream": "消息通道", "http": "签名接口", "file": "前置机文件", "database": "前置机数据库"}


class Partner(models.Model):
    """One counterparty. `lo`–`hi` are the places whose records it may send; a new one is switched off."""

    class Kind(models.TextChoices):
        STATE = "state", "国家机关"
        DEPARTMENT = "department", "省级部门"
        BUREAU = "bureau", "外省市局"
        OTHER = "other", "其他单位"

    class State(models.TextChoices):
        PREPARED = "prepared", "未启用"
        ACTIVE = "active", "启用"
        SUSPENDED = "suspended", "停用"
        LIMITED = "limited", "积压限制"  # it does not acknowledge: nothing more is sent until it does

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("地点")
    code = models.CharField("代号", max_length=12, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类别", max_length=12, choices=Kind.choices, default=Kind.OTHER)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PREPARED)
    state_reason = models.CharField("原因", max_length=200, blank=True)
    lo = models.BigIntegerField("数据范围起", default=0)
    hi = models.BigIntegerField("数据范围止", default=999_999_999_999)
    contact = models.CharField("联系人", max_length=60, blank=True)
    phone = models.CharField("电话", max_length=40, blank=True)
    delivery = models.CharField("接收方式", max_length=10, choices=list(GATEWAYS.items()), default="http")
    accepts = models.JSONField("可用的提交方式", default=list)  # keys of GATEWAYS
    file_format = models.CharField(
        "文件格式", max_length=4, choices=[("csv", "CSV"), ("xml", "XML")], default="csv"
    )
    file_encoding = models.CharField(
        "文件编码", max_length=8, default="UTF-8", choices=[("UTF-8", "UTF-8"), ("GB18030", "GB 18030")]
    )
    max_payload = models.PositiveIntegerField("单个请求上限（字节）", default=1_000_000)
    rate = models.PositiveIntegerField("每分钟请求数", default=120)
    connections = models.PositiveSmallIntegerField("同时连接数", default=4)
    max_unacknowledged = models.PositiveIntegerField("未确认消息上限", default=100_000)
    addresses = models.JSONField("允许的来源地址", default=list, blank=True)  # CIDR; empty: any
    offers = models.JSONField(
        "协议内提供的数据集", default=list, blank=True
    )  # from the province pack, for the set-up
    wants = models.JSONField("协议内需要的数据集", default=list, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    activated_at = models.DateTimeField("启用时间", null=True)
    last_seen = models.DateTimeField("最近交换", null=True)

    class Meta:
        verbose_name = "交换伙伴"
        indexes = [models.Index(fields=["place", "-id"], name="partner_place")]

    def __str__(self):
        return self.name

    @property
    def channel(self) -> str:
        return f"out.{self.code}"

    @property
    def tone(self) -> str:
        return {"prepared": "grey", "active": "green", "suspended": "grey", "limited": "red"}[self.state]

    @property
    def is_open(self) -> bool:
        """May speak to the gateways: one that is limited may, or it could never acknowledge."""
        return self.state in (self.State.ACTIVE, self.State.LIMITED)


class Key(models.Model):
    """A public key of a partner. Several may be in force while they are changed."""

    class Algorithm(models.TextChoices):
        ED25519 = "ed25519", "Ed25519"
        SM2 = "sm2", "SM2（国密）"
        NKEY = "nkey", "NKey（消息通道）"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("地点")
    partner = models.ForeignKey(Partner, models.CASCADE, related_name="keys", verbose_name="伙伴")
    key_id = models.CharField("密钥编号", max_length=16)
    algorithm = models.CharField("算法", max_length=10, choices=Algorithm.choices)
    public = models.CharField("公钥", max_length=200)
    valid_from = models.DateField("启用")
    valid_to = models.DateField("有效期至")
    note = models.CharField("说明", max_length=100, blank=True)
    added_by = models.CharField("登记人", max_length=80)
    revoked_at = models.DateTimeField("停用时间", null=True)
    last_used_at = models.DateTimeField("最近使用", null=True)

    class Meta:
        verbose_name = "伙伴密钥"
        indexes = [models.Index(fields=["place", "-id"], name="partner_key_place")]
        constraints = [models.UniqueConstraint("partner", "key_id", name="partner_key_once")]

    def __str__(self):
        return self.key_id


class Nonce(models.Model):
    """A request's number that was used: a second request with it is a replay. Also counts a minute's requests."""

    id = models.BigAutoField(primary_key=True)
    place = models.BigIntegerField("地点")
    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+")
    nonce = models.CharField("随机数", max_length=64)
    at = models.DateTimeField("时间")

    class Meta:
        verbose_name = "请求随机数"
        indexes = [
            models.Index(fields=["place", "-id"], name="partner_nonce_place"),
            models.Index(fields=["partner", "at"], name="partner_nonce_minute"),
        ]
        constraints = [models.UniqueConstraint("partner", "nonce", name="partner_nonce_once")]

    def __str__(self):
        return self.nonce


class Batch(models.Model):
    """A batch that came in, or went out as a file or into bridge tables; its receipts R1 to R4 as they were written."""

    class State(models.TextChoices):
        OPEN = "open", "处理中"
        DONE = "done", "已处理"
        REFUSED = "refused", "整批拒收"
        SENT = "sent", "待回执"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    place = models.BigIntegerField("地点")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="batches", verbose_name="伙伴")
    gateway = models.CharField("方式", max_length=10, choices=list(GATEWAYS.items()))
    outward = models.BooleanField("向外", default=False)
    number = models.CharField("批次号", max_length=60)
    dataset = models.CharField("数据集", max_length=60, blank=True)
    schema = models.PositiveSmallIntegerField("结构版本", default=1)
    digest = models.CharField("散列", max_length=64)
    rows = models.PositiveIntegerField("条数", default=0)
    accepted = models.PositiveIntegerField("接受", default=0)
    rejected = models.PositiveIntegerField("拒收", default=0)
    base = models.BigIntegerField("起始序号", default=0)  # position of the stream before its first row
    last = models.BigIntegerField("截止序号", default=0)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.OPEN)
    reason = models.CharField("原因", max_length=300, blank=True)
    receipts = models.JSONField("回执", default=dict)
    started_at = models.DateTimeField("开始", auto_now_add=True)
    finished_at = models.DateTimeField("结束", null=True)

    class Meta:
        verbose_name = "交换批次"
        indexes = [
            models.Index(fields=["place", "-id"], name="partner_batch_place"),
            models.Index(fields=["partner", "-id"], name="partner_batch_newest"),
        ]
        constraints = [models.UniqueConstraint("partner", "outward", "number", name="partner_batch_once")]

    def __str__(self):
        return self.number

    @property
    def tone(self) -> str:
        return {"open": "yellow", "done": "green", "refused": "red", "sent": "yellow"}[self.state]


class Call(models.Model):
    """One exchange with a partner, kept a while: what it asked through which gateway, and what came of it."""

    id = models.BigAutoField(primary_key=True)
    place = models.BigIntegerField("地点")
    partner = models.ForeignKey(Partner, models.CASCADE, null=True, related_name="calls", verbose_name="伙伴")
    claimed = models.CharField("自称", max_length=40, blank=True)  # where the partner is unknown
    at = models.DateTimeField("时间", auto_now_add=True)
    gateway = models.CharField("方式", max_length=10)
    what = models.CharField("内容", max_length=120)
    status = models.PositiveSmallIntegerField("结果")  # as in HTTP
    reason = models.CharField("说明", max_length=200, blank=True)
    rows = models.PositiveIntegerField("条数", default=0)
    bytes = models.PositiveIntegerField("字节", default=0)
    address = models.CharField("来源地址", max_length=64, blank=True)

    class Meta:
        verbose_name = "交换记录"
        indexes = [
            models.Index(fields=["place", "-id"], name="partner_call_place"),
            models.Index(fields=["partner", "-id"], name="partner_call_newest"),
        ]

    def __str__(self):
        return self.what
