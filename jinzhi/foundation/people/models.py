"""Agencies, their people and what each post may do.

A person signs in with an account and acts in one post at a time; scope comes from the post's agency,
powers from the post alone, never from a union of all posts.
"""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Func, Q, Value

from . import roles


class Agency(models.Model):
    """A bureau or institution. `place` is what it answers for: its whole range of divisions."""

    class Level(models.TextChoices):
        PROVINCE = "province", "省"
        CITY = "city", "市"
        COUNTY = "county", "县"

    key = models.CharField("机构代号", max_length=30, unique=True)  # e.g. 330106
    name = models.CharField("名称", max_length=60)
    short_name = models.CharField("简称", max_length=30)
    level = models.CharField("层级", max_length=10, choices=Level.choices)
    place = models.BigIntegerField("管辖地点", db_index=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级机构"
    )
    document_word = models.CharField("发文代字", max_length=20)  # 浙市监, 杭西市监 …
    address = models.CharField("办公地址", max_length=120, blank=True)
    phone = models.CharField("电话", max_length=40, blank=True)
    valid_from = models.DateField("设立", null=True, blank=True)
    valid_to = models.DateField("撤销", null=True, blank=True)

    class Meta:
        verbose_name = "机构"
        ordering = ["place"]

    def __str__(self):
        return self.name


class Department(models.Model):
    agency = models.ForeignKey(Agency, models.CASCADE, related_name="departments", verbose_name="机构")
    name = models.CharField("处室", max_length=40)
    order = models.PositiveSmallIntegerField("次序", default=0)

    class Meta:
        verbose_name = "处室"
        ordering = ["agency", "order"]
        constraints = [models.UniqueConstraint("agency", "name", name="department_name")]

    def __str__(self):
        return self.name


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, username, password=None, **fields):
        account = self.model(username=username, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """A sign-in. Staff hold posts; an enterprise account belongs to one enterprise of the registry."""

    class Kind(models.TextChoices):
        STAFF = "staff", "工作人员"
        ENTERPRISE = "enterprise", "企业用户"

    username = models.CharField("用户名", max_length=60, unique=True)
    name = models.CharField("姓名", max_length=40)
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    staff_number = models.CharField("工号", max_length=20, blank=True)
    email = models.EmailField("邮箱", blank=True)
    phone = models.CharField("手机", max_length=20, blank=True)
    enterprise_id = models.UUIDField("所属企业", null=True, blank=True)  # registry.Enterprise, one floor up
    is_active = models.BooleanField("启用", default=True)
    must_change_password = models.BooleanField("须改密码", default=False)  # set by an administrator's reset
    is_demo = models.BooleanField("演示账号", default=False)
    date_joined = models.DateTimeField("建立时间", auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()

    class Meta:
        verbose_name = "账号"

    def __str__(self):
        return self.name or self.username

    def get_full_name(self):
        return self.name

    def get_short_name(self):
        return self.name


class Post(models.Model):
    """An appointment (任职): this person in this agency's department, from one day to another."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="posts", verbose_name="人员")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="posts", verbose_name="机构")
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, verbose_name="处室")
    title = models.CharField("职务", max_length=40)
    is_main = models.BooleanField("主要任职", default=True)
    valid_from = models.DateField("任职起")
    valid_to = models.DateField("任职止", null=True, blank=True)

    class Meta:
        verbose_name = "任职"

    def __str__(self):
        return f"{self.account} · {self.agency.short_name} {self.title}"


class Power(models.Model):
    """What a post may do: a role, in every procedure or in one, at every step of the role or at one."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="powers", verbose_name="任职")
    role = models.CharField("角色", max_length=30)
    procedure = models.CharField("事项流程", max_length=60, blank=True)
    step = models.CharField("环节", max_length=40, blank=True)

    on_behalf: Post | None = None  # set on a delegated power: the post that gave it

    class Meta:
        verbose_name = "权限"
        constraints = [models.UniqueConstraint("post", "role", "procedure", "step", name="power_once")]

    def __str__(self):
        return " · ".join(filter(None, (self.role, self.procedure, self.step)))


class Delegation(models.Model):
    """委托代办: one post acts for another between two days; never delegated further."""

    from_post = models.ForeignKey(
        Post, models.CASCADE, related_name="delegations_given", verbose_name="委托任职"
    )
    to_post = models.ForeignKey(
        Post, models.CASCADE, related_name="delegations_held", verbose_name="受托任职"
    )
    starts = models.DateField("开始")
    ends = models.DateField("结束")
    procedures = models.JSONField("事项", default=list, blank=True)  # keys; empty: every matter of the post
    reason = models.CharField("事由", max_length=200)
    revoked_at = models.DateTimeField("撤销时间", null=True, blank=True)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)

    class Meta:
        verbose_name = "委托"
        constraints = [
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="delegation_period"),
            models.CheckConstraint(condition=~Q(from_post=F("to_post")), name="delegation_to_another"),
            ExclusionConstraint(  # a post is delegated to one other at a time
                name="delegation_no_overlap",
                expressions=[
                    ("from_post", "="),
                    (Func(F("starts"), F("ends"), Value("[]"), function="daterange"), "&&"),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["to_post", "ends"])]  # delegations a post holds today

    @property
    def matters_text(self) -> str:
        """The matters covered, in words."""
        if not self.procedures:
            return "全部事项"
        names = {c.procedure: c.procedure_name for c in roles.steps_provider()}
        return "、".join(names.get(key, key) for key in self.procedures)


class SignIn(models.Model):
    """One attempt to sign in, kept for the auditor (GB/T 22239 AU-1); rows are never changed or removed."""

    class Result(models.TextChoices):
        SIGNED_IN = "signed_in", "登录"
        FAILED = "failed", "失败"
        LOCKED = "locked", "锁定"
        SIGNED_OUT = "signed_out", "退出"

    at = models.DateTimeField("时间", auto_now_add=True, db_index=True)
    username = models.CharField("用户名", max_length=150)
    account = models.ForeignKey(Account, models.PROTECT, null=True, verbose_name="账号")
    result = models.CharField("结果", max_length=20, choices=Result.choices)
    address = models.GenericIPAddressField("来源地址", null=True)
    agent = models.CharField("终端", max_length=200, blank=True)

    class Meta:
        verbose_name = "登录记录"


class ApiKey(models.Model):
    """A key of another system; see `keys`. Only its hash is kept."""

    digest = models.CharField("摘要", max_length=64, unique=True)
    shown = models.CharField("密钥", max_length=16)  # its first characters
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name="机构")
    name = models.CharField("使用单位或系统", max_length=60)
    scopes = models.JSONField("权限", default=list)  # keys of keys.SCOPES
    rate = models.PositiveIntegerField("每分钟次数")
    expires_on = models.DateField("有效期至")  # the last day
    issued_by = models.ForeignKey(Account, models.PROTECT, related_name="+", verbose_name="发放人")
    issued_at = models.DateTimeField("发放时间", auto_now_add=True)
    revoked_at = models.DateTimeField("停用时间", null=True)
    last_used_at = models.DateTimeField("最近使用", null=True)

    class Meta:
        verbose_name = "接口密钥"

    def __str__(self):
        return self.name


class AccessToken(models.Model):
    """A sign-in of a program: the interface knows its bearer by it. Only the hash of the token is kept."""

    digest = models.CharField("摘要", max_length=64, unique=True)  # SHA-256 of the token
    account = models.ForeignKey(Account, models.CASCADE, related_name="+", verbose_name="账号")
    post = models.ForeignKey(Post, models.CASCADE, null=True, related_name="+", verbose_name="任职")
    secret = models.CharField(max_length=64)  # Account.get_session_auth_hash(): a new password ends the token
    created_at = models.DateTimeField("签发", auto_now_add=True)
    expires_at = models.DateTimeField("到期")
    revoked_at = models.DateTimeField("注销", null=True)

    class Meta:
        verbose_name = "接口令牌"
        indexes = [models.Index(fields=["account", "-id"], name="token_account")]
