"""The four tables of every official procedure: cases, steps, clocks, events; and what hangs on them.

Open steps are the tokens of the engine, closed steps are its history. Nothing here decides anything:
transitions live in `engine`, acts in `actions`, time limits in `clocks`.
"""

import json
from functools import cached_property
from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from jinzhi.casework import procedures
from jinzhi.foundation.people.models import Account, Agency, Post
from jinzhi.foundation.places.models import Record


class ProcedureVersion(models.Model):
    """A published procedure; never changed afterwards (a trigger refuses it)."""

    key = models.CharField("流程", max_length=60)
    version = models.PositiveIntegerField("版本")
    name = models.CharField("名称", max_length=80)
    matter = models.CharField("事项", max_length=80)
    rule_set = models.CharField("规则集", max_length=20)
    valid_from = models.DateField("施行")
    valid_to = models.DateField("失效", null=True)  # last day
    definition = models.TextField("定义")  # JSON as text: jsonb would lose the order of steps and outcomes
    digest = models.CharField("摘要", max_length=64)  # SM3 of the definition
    published_at = models.DateTimeField("发布时间", auto_now_add=True)

    class Meta:
        verbose_name = "流程版本"
        constraints = [models.UniqueConstraint("key", "version", name="procedure_once")]

    def __str__(self):
        return f"{self.name} v{self.version}"

    @cached_property
    def procedure(self) -> procedures.Procedure:
        return procedures.parse(json.loads(self.definition), f"{self.key} v{self.version}")


_published: dict[int, ProcedureVersion] = {}


def published(key: int) -> ProcedureVersion:
    """A published version by its primary key; read and parsed once a process, since it never changes."""
    if key not in _published:
        _published[key] = ProcedureVersion.objects.get(pk=key)
    return _published[key]


def forget_published() -> None:
    """Read the versions again: this process turned to another database."""
    _published.clear()


class Case(Record):
    """One matter of one applicant, decided under the rules of its legally relevant date."""

    class State(models.TextChoices):
        OPEN = "open", "办理中"
        CLOSED = "closed", "已办结"

    class Channel(models.TextChoices):
        ONLINE = "online", "网上申请"
        WINDOW = "window", "窗口申请"
        MAIL = "mail", "邮寄申请"
        EX_OFFICIO = "ex_officio", "依职权"
        INTERFACE = "interface", "接口"

    number = models.CharField("办件编号", max_length=40, unique=True)
    procedure = models.ForeignKey(ProcedureVersion, models.PROTECT, verbose_name="流程版本")
    title = models.CharField("标题", max_length=200)
    enterprise_id = models.UUIDField("企业", null=True)
    subject_name = models.CharField("申请人", max_length=200)
    subject_code = models.CharField("申请人代码", max_length=40, blank=True)
    agency = models.ForeignKey(Agency, models.PROTECT, verbose_name="受理机构")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField("结果", max_length=20, blank=True)
    rule_date = models.DateField("适用规则日期")  # the day whose rules decide
    received_on = models.DateField("收到日期")
    accepted_on = models.DateField("受理日期", null=True)
    decided_on = models.DateField("决定日期", null=True)
    closed_on = models.DateField("办结日期", null=True)
    data = models.JSONField("申请内容", default=dict)
    facts = models.JSONField("办理要素", default=dict)  # what steps found out: inspection, items, certificate
    draft = models.UUIDField("草稿", null=True, unique=True)  # a second submission of it finds this case
    applicant = models.ForeignKey(Account, models.PROTECT, null=True, verbose_name="申请账号")
    channel = models.CharField("申请方式", max_length=12, choices=Channel.choices, default=Channel.ONLINE)
    entered_on = models.DateField(
        "补录日期", null=True
    )  # an old case entered later; null for one of its own day
    parent_step = models.ForeignKey(
        "Step", models.PROTECT, null=True, related_name="subcases", verbose_name="上级环节"
    )
    is_demo = models.BooleanField("演示", default=False)
    story_length = models.PositiveIntegerField(default=0, editable=False)  # the end of the chain of events:
    story_hash = models.CharField(max_length=64, blank=True, editable=False)  # a cut-off tail shows
    story_at = models.DateTimeField(null=True, editable=False)  # when the last act was; none goes before it

    class Meta:
        verbose_name = "办件"
        indexes = [
            models.Index(fields=["place", "-id"], name="case_scope"),
            models.Index(fields=["enterprise_id", "-id"], name="case_enterprise"),
            BrinIndex(fields=["closed_on"], name="case_closed"),  # statistics and scores of a month
            models.Index(fields=["place"], condition=Q(state="open"), name="case_open"),  # boards of lamps
        ]

    def __str__(self):
        return self.number

    @property
    def definition(self) -> procedures.Procedure:
        return published(self.procedure_id).procedure

    @property
    def outcome_label(self) -> str:
        return procedures.OUTCOMES.get(self.outcome, "")

    def found(self, path: str) -> Any:
        """What stands at a dotted path: `facts.licence.valid_to`, `data.applicant.county`, `received_on`."""
        value: Any = self
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        return value

    @property
    def chain(self) -> str:
        """Name of the case's hash chain."""
        return f"case:{self.id}"


class Submission(models.Model):
    """What the applicant handed in, each time; never overwritten."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="submissions")
    place = models.BigIntegerField()
    number = models.PositiveSmallIntegerField("次数")
    form = models.CharField("表单", max_length=60)
    form_version = models.PositiveIntegerField("表单版本")
    data = models.JSONField("内容")
    at = models.DateTimeField("时间")
    account = models.ForeignKey(Account, models.PROTECT, null=True)

    class Meta:
        verbose_name = "申请材料"
        ordering = ["number"]
        constraints = [models.UniqueConstraint("case", "number", name="submission_once")]


PERSONAL = ("user", "notice", "sign")  # kinds of steps a person acts at
LIVE = ("open", "waiting")  # states in which a step is not over


class Step(models.Model):
    """One pass through one node. `parent` is the open parallel block it runs in."""

    class State(models.TextChoices):
        OPEN = "open", "待办"
        DONE = "done", "已办"
        RETURNED = "returned", "已退回"
        CANCELLED = "cancelled", "已取消"
        WAITING = "waiting", "等待加签意见"

    case = models.ForeignKey(Case, models.CASCADE, related_name="steps")
    place = models.BigIntegerField()
    key = models.CharField("环节", max_length=40)
    name = models.CharField("环节名称", max_length=40)
    # user | parallel | countersign | decision | timer | subprocess | notice, and sign: an opinion asked for on
    # the way (加签), which belongs to the step in `origin`
    kind = models.CharField(max_length=12, default="user")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    origin = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="opened"
    )  # whose act led here
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    role = models.CharField("角色", max_length=30, blank=True)
    # no index of its own: step_todo begins with it, and a second one misleads the planner under row security
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, related_name="+", db_index=False)
    assignee = models.ForeignKey(Post, models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField("到达")
    taken_at = models.DateTimeField("打开", null=True)  # first looked at by someone who may act
    closed_at = models.DateTimeField("办结", null=True)
    action = models.CharField("动作", max_length=20, blank=True)
    opinion = models.TextField("意见", blank=True)
    result = models.JSONField("结果", default=dict)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    on_behalf = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    due_ord = models.IntegerField("最紧时限", null=True)  # smallest of the case's running clocks
    urged = models.PositiveSmallIntegerField("催办次数", default=0)

    asked: tuple = ()  # what a correction notice asked for, likewise
    act_label: str = ""  # the word for what was done, where presenting.opinions has set it

    class Meta:
        verbose_name = "环节"
        ordering = ["id"]
        indexes = [
            # the to-do list of a post: open steps of an agency and role, most urgent first
            models.Index(
                F("agency"), F("role"), F("due_ord").asc(nulls_last=True), F("id"),
                condition=Q(state="open", kind__in=PERSONAL), name="step_todo",
            ),
            models.Index(fields=["post", "-closed_at", "-id"], condition=Q(closed_at__isnull=False), name="step_done"),
            models.Index(fields=["case", "id"], name="step_case"),
            BrinIndex(fields=["opened_at"], name="step_opened"),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.name}（{self.get_state_display()}）"


class Clock(models.Model):
    """A time limit that runs. Working-day limits keep ordinals, so a new notice moves the date by itself.

    `due_ord` already contains extensions and finished pauses. For other units `base_due` is the computed
    day before rolling over rest days, and `due_ord` the ordinal of the day it rolls to.
    """

    class State(models.TextChoices):
        RUNNING = "running", "计时"
        PAUSED = "paused", "暂停"
        MET = "met", "按时完成"
        MISSED = "missed", "超期完成"
        VOID = "void", "作废"

    class Kind(models.TextChoices):
        LEGAL = "legal", "法定时限"
        PROMISED = "promised", "承诺时限"
        STEP = "step", "环节时限"

    case = models.ForeignKey(Case, models.CASCADE, related_name="clocks")
    place = models.BigIntegerField()
    step = models.ForeignKey(Step, models.CASCADE, null=True, related_name="clocks")
    key = models.CharField("时限", max_length=40)
    title = models.CharField("名称", max_length=40)
    kind = models.CharField("种类", max_length=10, choices=Kind.choices, default=Kind.LEGAL)
    owner = models.CharField(max_length=12, default="agency")
    unit = models.CharField("单位", max_length=10)
    start_day = models.DateField("起算")
    start_ord = models.IntegerField()
    limit = models.PositiveIntegerField("期限")
    extended = models.PositiveIntegerField("延长", default=0)
    base_due = models.DateField(null=True)
    due_at = models.DateTimeField(null=True)  # of a limit in hours
    due_ord = models.IntegerField()
    paused_ord = models.PositiveIntegerField("已扣除", default=0)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.RUNNING)
    stopped_on = models.DateField("停止", null=True)
    rule = models.CharField("规则", max_length=80)
    law = models.CharField("依据", max_length=160)

    class Meta:
        verbose_name = "时限"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["case", "id"], name="clock_case"),
            models.Index(fields=["due_ord"], condition=Q(state="running"), name="clock_running"),
            models.Index(
                fields=["place", "case"],
                include=["due_ord", "limit", "extended", "state"],
                condition=Q(state__in=["running", "paused"], owner="agency"),
                name="clock_lamps",
            ),
        ]

    def __str__(self):
        return f"{self.title} {self.limit}{self.unit}"


class ClockPause(models.Model):
    """An interval that does not count, with its legal ground; `until` is null while it lasts."""

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="pauses")
    step = models.ForeignKey(Step, models.CASCADE, null=True, related_name="+")  # lasts as long as it is open
    place = models.BigIntegerField()
    since = models.DateField("开始")
    until = models.DateField("结束", null=True)
    ground = models.CharField("事由", max_length=40)
    law = models.CharField("依据", max_length=160)
    notice = models.CharField("告知书", max_length=60, blank=True)
    told_days = models.PositiveSmallIntegerField("告知所需日数", null=True)

    class Meta:
        verbose_name = "暂停"
        ordering = ["since", "id"]
        indexes = [models.Index(fields=["clock"], condition=Q(until=None), name="pause_open")]


class Event(models.Model):
    """One sentence of the case's story; append-only and chained with SM3."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="events")
    place = models.BigIntegerField()
    seq = models.PositiveIntegerField()
    at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField(
        "入网时间", default=timezone.now
    )  # when this row was written; later than `at` when entered after
    kind = models.CharField("事项", max_length=30)
    sentence = models.TextField("记述")
    public = models.BooleanField("申请人可见", default=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    on_behalf = models.ForeignKey(Post, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "办件记录"
        ordering = ["seq"]
        constraints = [models.UniqueConstraint("case", "seq", name="event_once")]
        indexes = [BrinIndex(fields=["recorded_at"], name="event_recorded")]  # what came since the last pass


class CarbonCopy(models.Model):
    """抄送: a post is told of a step; it may read, not act."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="copies")
    place = models.BigIntegerField()
    step = models.ForeignKey(Step, models.CASCADE, null=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="+")
    sent_by = models.ForeignKey(Post, models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "抄送"
        constraints = [models.UniqueConstraint("case", "step", "post", name="copy_once")]
        indexes = [models.Index(fields=["post", "-id"], name="copy_post")]


class Draft(models.Model):
    """An application being written: kept on every pause in typing, gone into a case when submitted."""

    id = models.UUIDField(primary_key=True)
    enterprise_id = models.UUIDField()
    account = models.ForeignKey(Account, models.CASCADE)
    procedure = models.ForeignKey(ProcedureVersion, models.PROTECT)
    data = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "草稿"
        indexes = [models.Index(fields=["enterprise_id", "-updated_at"])]


class Service(models.Model):
    """送达: how and when a document reached the one it is addressed to; some limits count from that day."""

    class Method(models.TextChoices):
        DIRECT = "direct", "直接送达"
        MAIL = "mail", "邮寄送达"
        ELECTRONIC = "electronic", "电子送达"
        LEFT = "left", "留置送达"
        ENTRUSTED = "entrusted", "委托送达"
        PUBLIC = "public", "公告送达"

    case = models.ForeignKey(Case, models.CASCADE, related_name="services")
    place = models.BigIntegerField()
    document = models.ForeignKey("files.GeneratedDocument", models.PROTECT, related_name="+")
    method = models.CharField("送达方式", max_length=12, choices=Method.choices)
    served_on = models.DateField("送达日期")
    recipient = models.CharField("受送达人", max_length=80, blank=True)
    proof = models.CharField("凭证", max_length=200, blank=True)  # number of the receipt, parcel or notice
    by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = "送达"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("document", name="served_once")]


class CaseLink(models.Model):
    """Two cases that belong together."""

    class Kind(models.TextChoices):
        RELATED = "related", "相关办件"
        MERGED = "merged", "并入"
        FOLLOWS = "follows", "承接"
        HEARING = "hearing", "听证"

    case = models.ForeignKey(Case, models.CASCADE, related_name="links")
    place = models.BigIntegerField()
    other = models.ForeignKey(Case, models.CASCADE, related_name="linked_from")
    kind = models.CharField("关系", max_length=10, choices=Kind.choices)
    note = models.CharField("说明", max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "关联办件"
        constraints = [models.UniqueConstraint("case", "other", "kind", name="link_once")]


class BulkRun(models.Model):
    """One act on many cases: each in a transaction of its own, so that a run may stop and go on."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, models.PROTECT, related_name="+")
    place = models.BigIntegerField()
    action = models.CharField("动作", max_length=20)
    label = models.CharField(max_length=40)
    reason = models.TextField("理由", blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField("开始", auto_now_add=True)
    finished_at = models.DateTimeField("完成", null=True)
    cancelled_at = models.DateTimeField("取消", null=True)

    class Meta:
        verbose_name = "批量办理"
        indexes = [
            models.Index(fields=["post", "-id"], name="bulk_post"),
            models.Index(fields=["place", "-id"], name="bulk_place"),
        ]


class BulkItem(models.Model):
    """A case of a bulk run and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "待办理"
        DONE = "done", "已办理"
        REFUSED = "refused", "未办理"

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="items")
    place = models.BigIntegerField()
    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    step_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    message = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "批量办理明细"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("run", "step_id", name="bulk_once")]


class Answered(models.Model):
    """What a request with an Idempotency-Key was answered, so that its repetition does nothing."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(
        max_length=64
    )  # of method, path and body: another request may not use the key
    status = models.PositiveSmallIntegerField(default=0)  # 0 while it is being answered
    answer = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "已答复的请求"
        constraints = [models.UniqueConstraint("account", "key", name="answered_once")]
