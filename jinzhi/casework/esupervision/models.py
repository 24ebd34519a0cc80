"""E-supervision (电子监察): signals and how they were handled, complaints, ratings, scores.

Everything here is derived from cases, steps, clocks, pauses, events and services; no domain is named. What was
said and done about a signal is append-only, and a published score sheet is never changed (see 0002).
"""

from django.db import models

from jinzhi.casework.models import Case, Step
from jinzhi.foundation.people.models import Account, Agency, Post


class Run(models.Model):
    """One pass of all rules for a day."""

    on = models.DateField("监察日期")
    started_at = models.DateTimeField("开始")
    finished_at = models.DateTimeField("完成", null=True)
    since = models.DateTimeField("办件变动自", null=True)  # cases written to since then were read
    counts = models.JSONField("结果", default=dict)

    class Meta:
        verbose_name = "监察运行"
        ordering = ["-id"]


COLOURS = {"green": "提前办结", "blue": "提示", "yellow": "黄牌", "red": "红牌"}
RANK = {"green": 0, "blue": 1, "yellow": 2, "red": 3}


class Signal(models.Model):
    """What a rule found: one for each cause in a case. Its colour may rise and never falls.

    `place` is that of the agency which has to answer, so a bureau sees its own and those below it;
    `case_place` is where the matter is. `cause` keeps the same finding on two limits of a case apart.
    """

    class Colour(models.TextChoices):
        GREEN = "green", "提前办结"
        BLUE = "blue", "提示"
        YELLOW = "yellow", "黄牌"
        RED = "red", "红牌"

    class Status(models.TextChoices):
        OPEN = "open", "待回复"
        REPLIED = "replied", "已回复"
        APPEALED = "appealed", "申诉中"
        UPHELD = "upheld", "已认定"
        LIFTED = "lifted", "已撤销"
        NOTED = "noted", "已记录"  # tips and early finishes ask for nothing

    rule = models.CharField("规则", max_length=6)
    cause = models.CharField(max_length=60, blank=True)
    colour = models.CharField("级别", max_length=8, choices=Colour.choices)
    title = models.CharField("情形", max_length=60)
    law = models.CharField("依据", max_length=120, blank=True)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+", verbose_name="办件")
    matter = models.CharField("事项流程", max_length=60, blank=True)
    place = models.BigIntegerField()
    case_place = models.BigIntegerField()
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="责任机构")
    step = models.ForeignKey(Step, models.SET_NULL, null=True, related_name="+", db_index=False)
    step_name = models.CharField("环节", max_length=40, blank=True)
    role = models.CharField("责任岗位", max_length=30, blank=True)
    post = models.ForeignKey(Post, models.SET_NULL, null=True, related_name="+")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+", verbose_name="责任人")
    happened_on = models.DateField("发生日期")
    raised_on = models.DateField("发出日期")
    basis = models.JSONField("事实", default=dict)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.OPEN)
    escalated_on = models.DateField("升级日期", null=True)
    replied_on = models.DateField("回复日期", null=True)
    appealed_on = models.DateField("申诉日期", null=True)
    decided_on = models.DateField("认定日期", null=True)
    corrected_on = models.DateField("整改日期", null=True)
    ground = models.CharField("撤销事由", max_length=20, blank=True)
    is_demo = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField("变动时间")

    class Meta:
        verbose_name = "监察信号"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("rule", "case", "cause", name="signal_once")]
        indexes = [
            models.Index(fields=["place", "-id"], name="signal_place"),
            models.Index(fields=["case"], name="signal_case"),
            # what a bureau still has to answer, and what a supervisor still has to decide
            models.Index(
                fields=["agency", "status"],
                condition=models.Q(status__in=["open", "replied", "appealed"]),
                name="signal_pending",
            ),
            models.Index(fields=["agency", "raised_on"], name="signal_period"),
            models.Index(fields=["changed_at", "id"], name="signal_changes"),  # the higher platform's cursor
        ]

    def __str__(self):
        return f"{self.rule} {self.title}"

    @property
    def is_card(self) -> bool:
        return self.colour in ("yellow", "red")


class Handling(models.Model):
    """One thing done about a signal; rows are never changed."""

    class Kind(models.TextChoices):
        RAISED = "raised", "发出"
        ESCALATED = "escalated", "升级"
        REPLY = "reply", "回复"
        APPEAL = "appeal", "申诉"
        UPHOLD = "uphold", "认定"
        LIFT = "lift", "撤销"
        CORRECT = "correct", "整改"
        URGE = "urge", "催办"
        DOCUMENT = "document", "发出文书"
        REMARK = "remark", "备注"

    signal = models.ForeignKey(Signal, models.PROTECT, related_name="handlings")
    place = models.BigIntegerField()
    at = models.DateTimeField("时间")
    kind = models.CharField("事项", max_length=10, choices=Kind.choices)
    text = models.TextField("内容", blank=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = "监察处理记录"
        ordering = ["id"]


class Complaint(models.Model):
    """投诉: of how a matter was handled; accepted or not within days, answered within days."""

    class Status(models.TextChoices):
        RECEIVED = "received", "待受理"
        ACCEPTED = "accepted", "调查中"
        REFUSED = "refused", "不予受理"
        CLOSED = "closed", "已办结"

    class Finding(models.TextChoices):
        TRUE = "true", "属实"
        PARTLY = "partly", "部分属实"
        FALSE = "false", "不属实"

    number = models.CharField("编号", max_length=40, unique=True)
    place = models.BigIntegerField()
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="被投诉机构")
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+", verbose_name="办件")
    subject = models.CharField("反映的问题", max_length=20)
    text = models.TextField("具体情况")
    name = models.CharField("姓名", max_length=40, blank=True)
    phone = models.CharField("电话", max_length=40, blank=True)
    enterprise_id = models.UUIDField("企业", null=True)
    secret = models.CharField(max_length=64, blank=True)  # SM3 of the code with which its sender looks it up
    channel = models.CharField("渠道", max_length=12, default="web")
    received_at = models.DateTimeField("收到时间")
    received_on = models.DateField("收到日期")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.RECEIVED)
    accepted_on = models.DateField("受理处理日期", null=True)
    closed_on = models.DateField("办结日期", null=True)
    finding = models.CharField("结论", max_length=8, choices=Finding.choices, blank=True)
    result = models.TextField("处理结果", blank=True)

    class Meta:
        verbose_name = "投诉"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["place", "-id"], name="complaint_place"),
            models.Index(fields=["enterprise_id", "-id"], name="complaint_enterprise"),
        ]

    def __str__(self):
        return self.number

    @property
    def is_anonymous(self) -> bool:
        return not self.name


class ComplaintEntry(models.Model):
    """One thing done about a complaint; rows are never changed."""

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="entries")
    place = models.BigIntegerField()
    at = models.DateTimeField("时间")
    kind = models.CharField("事项", max_length=10)
    text = models.TextField("内容", blank=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "投诉处理记录"
        ordering = ["id"]


class Satisfaction(models.Model):
    """好差评 of one closed case; given once, never changed."""

    class Grade(models.IntegerChoices):
        BEST = 5, "非常满意"
        GOOD = 4, "满意"
        FAIR = 3, "基本满意"
        BAD = 2, "不满意"
        WORST = 1, "非常不满意"

    case = models.OneToOneField(Case, models.PROTECT, related_name="+", verbose_name="办件")
    place = models.BigIntegerField()
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="机构")
    enterprise_id = models.UUIDField("企业", null=True)
    grade = models.PositiveSmallIntegerField("评价", choices=Grade.choices)
    comment = models.CharField("说明", max_length=500, blank=True)
    channel = models.CharField("渠道", max_length=12, default="web")
    rated_on = models.DateField("评价日期")
    at = models.DateTimeField("时间")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "好差评"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["place", "-id"], name="satisfaction_place"),
            models.Index(fields=["agency", "rated_on"], name="satisfaction_period"),
        ]

    @property
    def is_bad(self) -> bool:
        return self.grade <= self.Grade.BAD


class FollowUp(models.Model):
    """What was done about a bad rating: 回访, 整改. Rows are never changed."""

    class Kind(models.TextChoices):
        CALL = "call", "回访核实"
        RECTIFY = "rectify", "整改反馈"

    satisfaction = models.ForeignKey(Satisfaction, models.PROTECT, related_name="follow_ups")
    place = models.BigIntegerField()
    kind = models.CharField("事项", max_length=8, choices=Kind.choices)
    text = models.TextField("内容")
    on = models.DateField("日期")
    at = models.DateTimeField("时间")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = "差评处理"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("satisfaction", "kind", name="follow_up_once")]


class Adjustment(models.Model):
    """Points a supervisor enters by hand: discipline, openness, later supervision; never changed."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="机构")
    place = models.BigIntegerField()
    day = models.DateField("日期")
    item = models.CharField("项目", max_length=30)  # a section of the score, or discipline:<kind>
    points = models.DecimalField("扣分", max_digits=5, decimal_places=1)  # taken off; negative adds
    reason = models.CharField("事实和依据", max_length=300)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = "考核登记"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["place", "-id"], name="adjustment_place"),
            models.Index(fields=["agency", "day"], name="adjustment_period"),
        ]


class ScoreSheet(models.Model):
    """The score of an agency for a month, quarter, half-year or year. Published ones are immutable:
    what is found wrong later becomes a sheet of its own with the next `revision` and its reason."""

    class Period(models.TextChoices):
        MONTH = "month", "月度"
        QUARTER = "quarter", "季度"
        HALF = "half", "半年"
        YEAR = "year", "年度"

    class State(models.TextChoices):
        DRAFT = "draft", "试算"
        PUBLISHED = "published", "已公布"

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="机构")
    place = models.BigIntegerField()
    period = models.CharField("周期", max_length=8, choices=Period.choices)
    start = models.DateField("起")
    end = models.DateField("止")
    revision = models.PositiveSmallIntegerField("次", default=1)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DRAFT)
    total = models.DecimalField("得分", max_digits=6, decimal_places=2, null=True)  # null: 未评
    grade = models.CharField("等次", max_length=8)
    rank = models.PositiveSmallIntegerField("名次", null=True)
    cases = models.PositiveIntegerField("办件数", default=0)
    lines = models.JSONField("明细", default=dict)
    reason = models.CharField("更正理由", max_length=300, blank=True)
    published_at = models.DateTimeField("公布时间", null=True)
    published_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField("计算时间")

    class Meta:
        verbose_name = "考核表"
        ordering = ["-start", "place"]
        constraints = [models.UniqueConstraint("agency", "period", "start", "revision", name="score_once")]
        indexes = [
            models.Index(fields=["period", "start", "place"], name="score_period"),
            models.Index(fields=["place", "-start"], name="score_place"),
        ]
