"""Delegation (委托代办): one post acts for another of the same agency between two days, one step deep."""

from collections.abc import Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import roles
from .acting import Actor, Refused
from .models import Delegation, Post


def candidates(post: Post) -> QuerySet[Post]:
    """Posts of the same agency that `post` may delegate to."""
    today = timezone.localdate()
    return (
        Post.objects.filter(agency=post.agency, valid_from__lte=today, account__is_active=True)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=today))
        .exclude(account=post.account)
        .exclude(powers__role__in=roles.ADMINISTRATION)
        .select_related("account", "agency", "department")
        .order_by("account__name", "id")
        .distinct()
    )


def matters(post: Post) -> list[tuple[str, str]]:
    """(key, name) of the matters in which the post has a power that it may hand over."""
    held = {(p.role, p.procedure) for p in post.powers.all()}
    found = {
        c.procedure: c.procedure_name
        for c in roles.steps_provider()
        if {(c.role, ""), (c.role, c.procedure)} & held
    }
    return sorted(found.items(), key=lambda m: m[1])


@transaction.atomic
def delegate(
    by: Actor, to_post: Post, starts: date, ends: date, reason: str, procedures: Sequence[str] = ()
) -> Delegation:
    """Hand the powers of one's own post to `to_post` from `starts` to `ends`, both included.

    With `procedures` only those of these matters, else of all.
    """
    from_post = by.post
    # Both posts are locked in one order, so that two delegations crossing each other cannot both pass.
    list(Post.objects.select_for_update().filter(pk__in=[from_post.pk, to_post.pk]).order_by("pk"))
    _check_parties(from_post, to_post)
    _check_period(from_post, to_post, starts, ends)
    _check_chain(from_post, to_post, starts, ends)
    if unknown := set(procedures) - {key for key, _ in matters(from_post)}:
        raise Refused(f"您没有这些事项的权限：{'、'.join(sorted(unknown))}", "procedures")
    if len(reason.strip()) < 2:
        raise Refused("请写明委托事由。", "reason")
    try:
        with transaction.atomic():
            given = Delegation.objects.create(
                from_post=from_post, to_post=to_post, starts=starts, ends=ends, reason=reason.strip(),
                procedures=sorted(procedures),
            )  # fmt: skip
    except IntegrityError:
        raise Refused("这段时间内已经有委托，请先撤销或者改换日期。", "starts") from None
    by.record("people.delegation.given", from_post, _words(given), from_post.agency)
    return given


@transaction.atomic
def revoke(by: Actor, delegation: Delegation) -> None:
    """By the one who gave it, or by a security administrator; holds from the next request."""
    if delegation.from_post.account_id != by.account.pk:
        by.needs("security_administrator")
        by.reaches(delegation.from_post.agency)
    if delegation.revoked_at is None:
        delegation.revoked_at = timezone.now()
        delegation.save(update_fields=["revoked_at"])
        by.record(
            "people.delegation.revoked", delegation.from_post, _words(delegation), delegation.from_post.agency
        )


def _check_parties(from_post: Post, to_post: Post) -> None:
    if from_post.account_id == to_post.account_id:
        raise Refused("不能委托给自己。", "to_post")
    if from_post.agency_id != to_post.agency_id:
        raise Refused("只能委托给本机构的人员。", "to_post")
    if not to_post.account.is_active:
        raise Refused(f"{to_post.account}的账号已经停用。", "to_post")
    own = {power.role for power in from_post.powers.all()}
    theirs = {power.role for power in to_post.powers.all()}
    if own & roles.ADMINISTRATION:
        raise Refused("管理类岗位的权限不能委托，请由安全管理员另行授权。")
    if not own:
        raise Refused("您的任职没有可以委托的权限。")
    if theirs & roles.ADMINISTRATION:
        raise Refused(f"{to_post.account}是管理类岗位，不能代办业务。", "to_post")


def _check_period(from_post: Post, to_post: Post, starts: date, ends: date) -> None:
    if starts < timezone.localdate():
        raise Refused("开始日期不能早于今天。", "starts")
    if ends < starts:
        raise Refused("结束日期不能早于开始日期。", "ends")
    for post, whose in ((from_post, "您"), (to_post, str(to_post.account))):
        if post.valid_to and post.valid_to < ends:
            raise Refused(f"{whose}的任职到 {post.valid_to} 为止，委托不能超过这一天。", "ends")
        if post.valid_from > starts:
            raise Refused(f"{whose}的任职从 {post.valid_from} 开始。", "starts")


def _check_chain(from_post: Post, to_post: Post, starts: date, ends: date) -> None:
    """No delegation of a delegation: a stand-in passes nothing on, who is away receives nothing."""
    live = Delegation.objects.filter(revoked_at__isnull=True, starts__lte=ends, ends__gte=starts)
    if (
        held := live.filter(to_post__account=from_post.account_id)
        .select_related("from_post__account")
        .first()
    ):
        raise Refused(f"您在此期间正代{held.from_post.account}办理，受托期间不能再委托他人。", "starts")
    if given := live.filter(from_post__account=to_post.account_id).first():
        raise Refused(
            f"{to_post.account}在 {given.starts} 至 {given.ends} 已把自己的权限委托出去，不能受托。",
            "to_post",
        )


def _words(delegation: Delegation) -> dict:
    return {
        "委托人": str(delegation.from_post),
        "受托人": str(delegation.to_post),
        "事项": delegation.matters_text,
        "期间": f"{delegation.starts} 至 {delegation.ends}",
        "事由": delegation.reason,
    }
