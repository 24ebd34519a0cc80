"""Records of running the network: the ledger, duty and qualification, inspections, planned windows, outages, reports.

Nodes, pulses and alarms are tables of `network`; faults, changes and incidents are cases. An agency is named by its
key, which is the same on every node. `owned_by` is the bureau a thing belongs to, `maintainer` the level that keeps
it running (三层网络、二级维护: the province its backbone, a city its network, a county only the first line).
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from jinzhi.foundation.people.models import Account, Post
from jinzhi.foundation.places.models import Record


class Layer(models.TextChoices):
    BACKBONE = "L1", "省级骨干网"
    CITY = "L2", "市级网"
    COUNTY = "L3", "县级接入网"


class Maintainer(models.TextChoices):
    COUNTY = "county", "县级（一线）"
    CITY = "city", "市级"
    PROVINCE = "province", "省级"
    VENDOR = "vendor", "厂商或服务商"


class Importance(models.TextChoices):
    HIGH = "high", "重要"
    MIDDLE = "middle", "一般"
    LOW = "low", "次要"


class Asset(Record):
    """What every kept thing has: whose it is, who maintains it, a number that is not given twice."""

    number = models.CharField("编号", max_length=40)
    owned_by = models.CharField("归属机构", max_length=30)
    layer = models.CharField("网络层次", max_length=2, choices=Layer.choices)
    maintainer = models.CharField("维护级别", max_length=8, choices=Maintainer.choices)
    note = models.CharField("备注", max_length=300, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        abstract = True


class Equipment(Asset):
    """A device or a system of the network (设备与系统台账)."""

    class Kind(models.TextChoices):
        SERVER = "server", "服务器"
        STORAGE = "storage", "存储备份"
        SWITCH = "switch", "交换机"
        ROUTER = "router", "路由器"
        FIREWALL = "firewall", "防火墙等安全设备"
        CRYPTO = "crypto", "密码设备"
        POWER = "power", "供电与机房环境"
        TERMINAL = "terminal", "终端与外设"
        SYSTEM = "system", "应用系统"

    class State(models.TextChoices):
        IN_USE = "in_use", "在用"
        STANDBY = "standby", "备用"
        REPAIR = "repair", "维修"
        RETIRED = "retired", "报废"

    name = models.CharField("名称", max_length=80)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    model = models.CharField("品牌型号", max_length=80, blank=True)
    serial = models.CharField("序列号", max_length=60, blank=True)
    node = models.CharField("所属节点", max_length=12, blank=True)
    site = models.CharField("安装地点", max_length=80)
    address = models.GenericIPAddressField("IP 地址", null=True, blank=True)
    vlan = models.PositiveSmallIntegerField("VLAN", null=True, blank=True)
    supplier = models.CharField("供应商", max_length=80, blank=True)
    contract = models.CharField("合同编号", max_length=60, blank=True)
    bought_on = models.DateField("启用日期", null=True, blank=True)
    warranty_until = models.DateField("保修至", null=True, blank=True)
    configuration = models.CharField("配置版本", max_length=60, blank=True)
    backup = models.CharField("备份方式", max_length=80, blank=True)
    importance = models.CharField("重要程度", max_length=6, choices=Importance.choices)
    crypto_id = models.CharField("密码设备标识", max_length=60, blank=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.IN_USE)

    class Meta:
        verbose_name = "设备与系统"
        constraints = [models.UniqueConstraint("number", name="equipment_once")]
        indexes = [models.Index(fields=["place", "-id"], name="equipment_place")]

    def __str__(self):
        return f"{self.number} {self.name}"


class Line(Asset):
    """A leased line between two sites (线路)."""

    class State(models.TextChoices):
        IN_USE = "in_use", "在用"
        STANDBY = "standby", "备用"
        ENDED = "ended", "停用"

    name = models.CharField("名称", max_length=80)
    provider = models.CharField("运营商", max_length=60)
    circuit = models.CharField("电路编号", max_length=60, blank=True)
    from_site = models.CharField("起点", max_length=80)
    to_site = models.CharField("终点", max_length=80)
    bandwidth = models.PositiveIntegerField("带宽（Mbps）")
    sla = models.DecimalField("承诺可用率（%）", max_digits=6, decimal_places=3, null=True, blank=True)
    monthly_cents = models.BigIntegerField("月租（分）", null=True, blank=True)
    contract_until = models.DateField("合同至", null=True, blank=True)
    hotline = models.CharField("报障电话", max_length=40, blank=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.IN_USE)

    class Meta:
        verbose_name = "线路"
        constraints = [
            models.UniqueConstraint("number", name="line_once"),
            models.CheckConstraint(condition=Q(bandwidth__gt=0), name="line_bandwidth"),
        ]
        indexes = [models.Index(fields=["place", "-id"], name="line_place")]

    def __str__(self):
        return f"{self.number} {self.name}"


class AddressBlock(Asset):
    """A range of the address plan. Blocks lie in one another, never across each other; see `addresses`."""

    cidr = models.CharField("网段", max_length=43)  # canonical text, e.g. 10.133.0.0/24
    purpose = models.CharField("用途", max_length=80)
    vlan = models.PositiveSmallIntegerField("VLAN", null=True, blank=True)
    gateway = models.GenericIPAddressField("网关", null=True, blank=True)

    class Meta:
        verbose_name = "地址规划"
        constraints = [
            models.UniqueConstraint("number", name="block_number_once"),
            models.UniqueConstraint("cidr", name="block_once"),
        ]
        indexes = [models.Index(fields=["place", "-id"], name="block_place")]

    def __str__(self):
        return self.cidr


class Deadline(Asset):
    """Something that ends on a day and must be renewed before: certificate, domain, filing, licence of a product."""

    class Kind(models.TextChoices):
        TLS = "tls", "站点证书"
        NODE = "node", "节点证书"
        SEAL = "seal", "签章证书"
        DOMAIN = "domain", "域名"
        FILING = "filing", "备案与测评"
        PRODUCT = "product", "软件许可和服务"

    name = models.CharField("名称", max_length=120)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    issuer = models.CharField("颁发机构", max_length=80, blank=True)
    valid_until = models.DateField("到期日期")
    contact = models.CharField("责任人", max_length=40)

    class Meta:
        verbose_name = "证书和域名"
        constraints = [models.UniqueConstraint("number", name="deadline_once")]
        indexes = [
            models.Index(fields=["place", "-id"], name="deadline_place"),
            models.Index(fields=["valid_until"], name="deadline_until"),
        ]

    def __str__(self):
        return f"{self.name}（{self.valid_until} 到期）"


class SparePart(Asset):
    """A part kept in stock; its quantity changes by movements only."""

    name = models.CharField("名称", max_length=80)
    model = models.CharField("规格型号", max_length=80, blank=True)
    site = models.CharField("存放地点", max_length=80)
    quantity = models.PositiveIntegerField("库存", default=0)
    least = models.PositiveIntegerField("最低库存", default=1)

    class Meta:
        verbose_name = "备品备件"
        constraints = [models.UniqueConstraint("number", name="spare_once")]
        indexes = [models.Index(fields=["place", "-id"], name="spare_place")]

    def __str__(self):
        return f"{self.number} {self.name}"


class SpareMovement(models.Model):
    """In and out of stock; never changed."""

    part = models.ForeignKey(SparePart, models.CASCADE, related_name="movements")
    place = models.BigIntegerField()
    change = models.IntegerField("数量")
    reason = models.CharField("用途", max_length=120)
    ticket = models.CharField("故障单", max_length=40, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "备件出入库"
        ordering = ["-id"]


class Qualification(Record):
    """A certificate of a network administrator or security officer (上岗资格)."""

    class Kind(models.TextChoices):
        JUNIOR = "junior", "初级网管"
        MIDDLE = "middle", "中级网管"
        SENIOR = "senior", "高级网管"
        SECURITY = "security", "安全员"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name="人员")
    kind = models.CharField("种类", max_length=8, choices=Kind.choices)
    number = models.CharField("证书编号", max_length=40, unique=True)
    course = models.CharField("培训班", max_length=80, blank=True)
    hours = models.PositiveSmallIntegerField("学时", default=0)
    score = models.DecimalField("考试成绩", max_digits=4, decimal_places=1)
    issued_on = models.DateField("发证日期")
    valid_until = models.DateField("有效期至")  # the last day
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "网管资格"
        constraints = [
            models.CheckConstraint(condition=Q(valid_until__gte=F("issued_on")), name="qualification_period")
        ]
        indexes = [
            models.Index(fields=["account", "-valid_until"], name="qualification_account"),
            models.Index(fields=["place", "-id"], name="qualification_place"),
        ]


class Assignment(Record):
    """A person put in charge of a bureau's network (网管岗位). Without a certificate only until `grace_until`."""

    class Position(models.TextChoices):
        NETWORK = "network", "网络管理员"
        SECURITY = "security", "安全员"

    agency = models.CharField("机构", max_length=30)
    position = models.CharField("岗位", max_length=8, choices=Position.choices)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name="人员")
    phone = models.CharField("值班电话", max_length=40, blank=True)
    since = models.DateField("上岗日期")
    until = models.DateField("离岗日期", null=True, blank=True)
    grace_until = models.DateField(
        "补证期限", null=True
    )  # set where no certificate was held on the first day
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "网管岗位"
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "position", "account"], condition=Q(until=None), name="assignment_once"
            )
        ]
        indexes = [models.Index(fields=["place", "agency"], name="assignment_place")]


class Duty(Record):
    """A turn on the duty roster of a bureau: `[starts, ends)`. Of the main duty there is one at a time."""

    class Kind(models.TextChoices):
        MAIN = "main", "主班"
        SECOND = "second", "备班"

    agency = models.CharField("机构", max_length=30)
    kind = models.CharField("班次", max_length=6, choices=Kind.choices, default=Kind.MAIN)
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name="值班人")
    phone = models.CharField("值班电话", max_length=40)
    starts = models.DateTimeField("开始")
    ends = models.DateTimeField("结束")
    handover = models.CharField("交接事项", max_length=500, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "值班"
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="duty_period"),
            ExclusionConstraint(
                name="duty_one_at_a_time",
                expressions=[
                    ("agency", RangeOperators.EQUAL),
                    (
                        Func(F("starts"), F("ends"), Value("[)"), function="tstzrange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(kind="main"),
            ),
        ]
        indexes = [models.Index(fields=["place", "starts"], name="duty_place")]


class InspectionPlan(Record):
    """What a bureau looks at each day, week or month (巡检计划)."""

    class Cycle(models.TextChoices):
        DAILY = "daily", "每日"
        WEEKLY = "weekly", "每周"
        MONTHLY = "monthly", "每月"

    agency = models.CharField("机构", max_length=30)
    title = models.CharField("名称", max_length=80)
    cycle = models.CharField("周期", max_length=8, choices=Cycle.choices)
    items = models.JSONField("检查项目", default=list)  # sentences
    since = models.DateField("开始执行")
    until = models.DateField("停止执行", null=True, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "巡检计划"
        indexes = [models.Index(fields=["place", "-id"], name="inspection_plan_place")]

    def __str__(self):
        return self.title


class Inspection(Record):
    """One round of a plan: what was found at each item; written once."""

    plan = models.ForeignKey(InspectionPlan, models.PROTECT, related_name="rounds")
    period = models.DateField("周期首日")  # the day, the Monday or the first of the month it is for
    done_at = models.DateTimeField("巡检时间")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    results = models.JSONField("结果", default=list)  # [{"item", "ok", "note"}]
    abnormal = models.PositiveSmallIntegerField("异常项", default=0)
    ticket = models.CharField("故障单", max_length=40, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "巡检记录"
        constraints = [models.UniqueConstraint("plan", "period", name="inspection_once")]
        indexes = [models.Index(fields=["place", "-period"], name="inspection_place")]


class Window(Record):
    """A planned interruption. It counts as agreed only if told long enough before; see `availability`."""

    node = models.CharField("节点", max_length=12)
    starts = models.DateTimeField("开始")
    ends = models.DateTimeField("结束")
    told_at = models.DateTimeField("通知时间", null=True)
    change = models.CharField("变更单", max_length=40, blank=True)
    purpose = models.CharField("事由", max_length=120)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "计划停机"
        constraints = [models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="window_period")]
        indexes = [
            models.Index(fields=["node", "starts"], name="window_node"),
            models.Index(fields=["place", "-id"], name="window_place"),
        ]


class Outage(Record):
    """Time during which a node did not serve, from the monitor or from a fault ticket; `ends` null: still."""

    class Source(models.TextChoices):
        MONITOR = "monitor", "监测"
        TICKET = "ticket", "故障单"

    node = models.CharField("节点", max_length=12)
    layer = models.CharField("网络层次", max_length=2, choices=Layer.choices)
    starts = models.DateTimeField("中断")
    ends = models.DateTimeField("恢复", null=True)
    source = models.CharField("来源", max_length=8, choices=Source.choices)
    ticket = models.CharField("故障单", max_length=40, blank=True)
    cause = models.CharField("原因", max_length=120, blank=True)
    is_demo = models.BooleanField("演示数据", default=False)

    class Meta:
        verbose_name = "中断记录"
        constraints = [
            models.CheckConstraint(condition=Q(ends=None) | Q(ends__gte=F("starts")), name="outage_period"),
            models.UniqueConstraint(
                fields=["node", "source"], condition=Q(ends=None, source="monitor"), name="outage_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["node", "starts"], name="outage_node"),
            models.Index(fields=["place", "-id"], name="outage_place"),
        ]


class Report(Record):
    """The monthly operations report of a bureau: figures frozen when it was issued."""

    agency = models.CharField("机构", max_length=30)
    month = models.DateField("月份")  # its first day
    figures = models.JSONField("数据")
    number = models.CharField("编号", max_length=60, blank=True)
    issued_at = models.DateTimeField("签发时间", auto_now_add=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    document = models.UUIDField("文书", null=True)

    class Meta:
        verbose_name = "运维月报"
        constraints = [models.UniqueConstraint("agency", "month", name="operations_report_once")]
        indexes = [models.Index(fields=["place", "-month"], name="operations_report_place")]
