"""People, posts and powers: what administrators may do to them, and what nobody may.

System administrators open accounts and make appointments; security administrators grant powers, reset
passwords and second factors. Nobody serves himself, nobody reaches beyond his own agency's range, the
three kinds of administrator never meet in one person, and none of them does business.
"""

import secrets
from datetime import timedelta

from allauth.mfa.models import Authenticator
from axes.utils import reset as reset_failures
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from . import roles
from .acting import Actor, Refused, changes
from .models import Account, Agency, Delegation, Department, Post, Power

ACCOUNT_FIELDS = ("name", "staff_number", "phone", "email")
POST_FIELDS = ("department", "title", "is_main", "valid_from", "valid_to")
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def initial_password() -> str:
    """A random first password; shown once, to be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


@transaction.atomic
def open_account(by: Actor, *, username: str, agency: Agency, post: dict, **fields) -> tuple[Account, str]:
    """A staff account with its first appointment; answers it with the password to hand over."""
    by.needs("administrator")
    by.reaches(agency)
    _only(fields, ACCOUNT_FIELDS)
    username = username.strip().lower()
    if Account.objects.filter(username__iexact=username).exists():
        raise Refused(f"用户名“{username}”已经有人使用。", "username")
    account = Account(username=username, kind=Account.Kind.STAFF, must_change_password=True, **fields)
    password = initial_password()
    account.set_password(password)
    account.save()
    held = _appoint(account, agency, post)
    by.record("people.account.opened", account, {"用户名": username, "任职": str(held)}, agency)
    return account, password


@transaction.atomic
def change_account(by: Actor, account: Account, **fields) -> Account:
    by.needs("administrator")
    _reach_account(by, account)
    _only(fields, ACCOUNT_FIELDS)
    done = changes(account, fields)
    if done:
        account.save(update_fields=list(fields))
        by.record("people.account.changed", account, done)
    return account


@transaction.atomic
def set_active(by: Actor, account: Account, active: bool, reason: str) -> None:
    """Disable on the day somebody leaves (never delete), or enable again."""
    by.needs("administrator")
    _reach_account(by, account, whole=True)
    if by.is_self(account):
        raise Refused("不能停用或者启用自己的账号。")
    if account.is_active != active:
        account.is_active = active
        account.save(update_fields=["is_active"])
        kind = "people.account.enabled" if active else "people.account.disabled"
        by.record(kind, account, {"理由": reason})


@transaction.atomic
def appoint(by: Actor, account: Account, agency: Agency, **post) -> Post:
    by.needs("administrator")
    by.reaches(agency)
    if by.is_self(account):
        raise Refused("不能给自己任职。")
    held = _appoint(account, agency, post)
    by.record("people.post.appointed", held, _period(held), agency)
    return held


def _period(post: Post) -> dict:
    return {"任职起": str(post.valid_from), "任职止": str(post.valid_to or "")}


def _appoint(account: Account, agency: Agency, fields: dict) -> Post:
    _only(fields, POST_FIELDS)
    post = Post(account=account, agency=agency, **fields)
    _check_post(post)
    if post.is_main:
        Post.objects.filter(account=account, is_main=True).update(is_main=False)
    post.save()
    return post


@transaction.atomic
def change_post(by: Actor, post: Post, **fields) -> Post:
    """Changes department, title and dates. Another agency means another appointment: powers do not move."""
    by.needs("administrator")
    by.reaches(post.agency)
    if by.is_self(post.account):
        raise Refused("不能变更自己的任职。")
    _only(fields, POST_FIELDS)
    done = changes(post, fields)
    _check_post(post)
    if done:
        if post.is_main:
            Post.objects.filter(account=post.account, is_main=True).exclude(pk=post.pk).update(is_main=False)
        post.save(update_fields=list(fields))
        by.record("people.post.changed", post, done, post.agency)
    return post


@transaction.atomic
def end_post(by: Actor, post: Post) -> Post:
    """End it at once: yesterday was the last day. One that began today keeps its day, not its powers."""
    yesterday = timezone.localdate() - timedelta(days=1)
    last_day = max(post.valid_from, yesterday)
    change_post(by, post, valid_to=last_day)
    if last_day > yesterday:
        Power.objects.filter(post=post).delete()
    return post


def _check_post(post: Post) -> None:
    if post.valid_to and post.valid_to < post.valid_from:
        raise Refused("任职止不能早于任职起。", "valid_to")
    department: Department | None = post.department
    if department and department.agency_id != post.agency_id:
        raise Refused(f"{department.name}不是{post.agency.short_name}的处室。", "department")


@transaction.atomic
def grant(by: Actor, post: Post, role: str, procedure: str = "", step: str = "") -> Power:
    """Give a post a power; the rules of separation are checked under a lock on the person."""
    by.needs("security_administrator")
    by.reaches(post.agency)
    if by.is_self(post.account):
        raise Refused("不能给自己授权，请由另一名安全管理员办理。")
    if role not in roles.GRANTABLE:
        raise Refused("没有这个角色。", "role")
    _known_step(role, procedure, step)
    Account.objects.select_for_update().get(pk=post.account_id)
    _keep_apart(post, role)
    try:
        with transaction.atomic():
            power = Power.objects.create(post=post, role=role, procedure=procedure, step=step)
    except IntegrityError:
        raise Refused("这项权限已经授予。") from None
    by.record("people.power.granted", post, {"权限": describe(power)}, post.agency)
    return power


@transaction.atomic
def revoke(by: Actor, power: Power) -> None:
    by.needs("security_administrator")
    by.reaches(power.post.agency)
    if by.is_self(power.post.account):
        raise Refused("不能撤销自己的权限，请由另一名安全管理员办理。")
    by.record("people.power.revoked", power.post, {"权限": describe(power)}, power.post.agency)
    power.delete()


def describe(power: Power) -> str:
    """A power in words: 审查 · 食品生产许可 · 材料审查."""
    choices = {(c.procedure, c.step): c for c in roles.steps_provider()}
    known = choices.get((power.procedure, power.step))
    procedure = next(
        (c.procedure_name for c in choices.values() if c.procedure == power.procedure), power.procedure
    )
    step = known.step_name if known else power.step
    return " · ".join(filter(None, (roles.name(power.role), procedure or "全部事项", step)))


def _known_step(role: str, procedure: str, step: str) -> None:
    if not procedure and not step:
        return
    if role in roles.ADMINISTRATION:
        raise Refused("管理类角色不按事项授权。", "procedure")
    choices = roles.steps_provider()
    if not any(c.procedure == procedure and step in ("", c.step) for c in choices):
        raise Refused("没有这个事项流程或者环节。", "procedure")
    if step and not any(c.procedure == procedure and c.step == step and c.role == role for c in choices):
        raise Refused(f"这个环节不由{roles.name(role)}办理。", "step")


def _keep_apart(post: Post, role: str) -> None:
    """Separation within the post, and of the three administrators within the person."""
    held = {p.role for p in post.powers.all()}
    if why := roles.clash(held | {role}):
        raise Refused(why, "role")
    today = timezone.localdate()
    if role in roles.ADMINISTRATION:
        elsewhere = Power.objects.filter(
            Q(post__valid_to__isnull=True) | Q(post__valid_to__gte=today),
            post__account=post.account_id,
            role__in=roles.ADMINISTRATION - {role},
        )
        if other := elsewhere.first():
            raise Refused(
                f"{post.account}在另一任职上是{roles.name(other.role)}员，三员不能由一人兼任。", "role"
            )
        if Delegation.objects.filter(to_post=post, revoked_at__isnull=True, ends__gte=today).exists():
            raise Refused("该任职正受托代办业务，不能授予管理类角色。", "role")


@transaction.atomic
def reset_password(by: Actor, account: Account) -> str:
    """A new random password to hand over; every session of the account ends with the old one."""
    by.needs("security_administrator")
    _reach_account(by, account)
    if by.is_self(account):
        raise Refused("请在“账号与安全”里修改自己的密码。")
    password = initial_password()
    validate_password(password, account)
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    reset_failures(username=account.username.lower())
    by.record("people.password.reset", account, {})
    return password


@transaction.atomic
def reset_second_factor(by: Actor, account: Account) -> None:
    """Somebody lost his phone: he must set the second factor up again at the next sign-in."""
    by.needs("security_administrator")
    _reach_account(by, account)
    if by.is_self(account):
        raise Refused("不能重置自己的动态口令，请由另一名安全管理员办理。")
    Authenticator.objects.filter(user=account).delete()
    by.record("people.second_factor.reset", account, {})


@transaction.atomic
def unlock(by: Actor, account: Account) -> None:
    by.needs("security_administrator")
    _reach_account(by, account)
    reset_failures(username=account.username.lower())
    by.record("people.account.unlocked", account, {})


def _reach_account(by: Actor, account: Account, whole: bool = False) -> None:
    """At least one post of the account, with `whole` every valid one, lies within the actor's range."""
    if account.kind != Account.Kind.STAFF:
        raise Refused("企业账号不在这里管理。")
    posts = list(account.posts.select_related("agency"))
    today = timezone.localdate()
    inside = [post for post in posts if _reaches(by, post.agency)]
    beyond = [p for p in posts if p not in inside and (p.valid_to is None or p.valid_to >= today)]
    if not inside:
        raise Refused("该人员不在您的管辖范围内。")
    if whole and beyond:
        raise Refused(f"{account}还在{beyond[0].agency.name}任职，请由共同的上级机构办理。")


def _reaches(by: Actor, agency: Agency) -> bool:
    try:
        by.reaches(agency)
    except Refused:
        return False
    return True


def _only(fields: dict, allowed: tuple[str, ...]) -> None:
    if extra := set(fields) - set(allowed):
        raise ValueError(f"fields that may not be set here: {sorted(extra)}")
