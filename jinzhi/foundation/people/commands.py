"""`jinzhi people …`: the first administrators of an installation, and help for somebody locked out."""

import json
from typing import Annotated, Any

import typer
from allauth.mfa.models import Authenticator
from axes.utils import reset as reset_failures
from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import history

from . import roles, services
from .acting import CHAIN
from .models import Account, Agency, Post, Power

NAME = "people"
OPERATOR = "命令行"
app = typer.Typer(help="机构、人员和登录。", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]
Username = Annotated[str, typer.Argument(help="用户名。")]


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


@app.command("open", help="开通一个机构的首位管理人员账号。")
def open_(
    username: Username,
    name: Annotated[str, typer.Option(help="姓名。")],
    agency: Annotated[str, typer.Option(help="机构代号，如 330000。")],
    title: Annotated[str, typer.Option(help="职务。")],
    role: Annotated[list[str], typer.Option(help=f"角色，可以多个：{' '.join(sorted(roles.GRANTABLE))}。")],
    json_: Json = False,
) -> None:
    """Open a staff account with one post and its roles; prints a password to be changed at first sign-in.

    This is how an installation gets its first system and security administrator; afterwards they work
    on the desk, where nobody can serve himself.
    """
    held = Agency.objects.filter(key=agency).first()
    if held is None:
        raise _stop(f"没有代号为 {agency} 的机构，请先运行 jinzhi load。")
    if unknown := set(role) - roles.GRANTABLE:
        raise _stop(f"没有这样的角色：{'、'.join(sorted(unknown))}。")
    if why := roles.clash(set(role)):
        raise _stop(f"{why}。")
    username = username.strip().lower()
    if Account.objects.filter(username__iexact=username).exists():
        raise _stop(f"用户名“{username}”已经有人使用。")
    password = services.initial_password()
    with transaction.atomic():
        account = Account(username=username, name=name, kind=Account.Kind.STAFF, must_change_password=True)
        account.set_password(password)
        account.save()
        post = Post.objects.create(account=account, agency=held, title=title, valid_from=timezone.localdate())
        Power.objects.bulk_create(Power(post=post, role=key) for key in sorted(set(role)))
        data = {"用户名": username, "任职": str(post), "角色": "、".join(roles.name(r) for r in role)}
        _record("people.account.opened", account, data, held)
    answer = {"username": username, "password": password, "agency": held.name, "roles": sorted(set(role))}
    if json_:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        typer.echo(f"已开通 {name}（{username}）\n一次性密码：{password}\n首次登录须改密码并设置动态口令。")


@app.command(help="重置密码、第二因素和失败次数：用于最后一名管理员被锁在外面时。")
def reset(username: Username, json_: Json = False) -> None:
    """A new password, the second factor and failed tries cleared: for a last administrator locked out."""
    account = Account.objects.filter(username__iexact=username.strip()).first()
    if account is None:
        raise _stop(f"没有用户名为“{username}”的账号。")
    password = services.initial_password()
    with transaction.atomic():
        account.set_password(password)
        account.must_change_password = True
        account.save(update_fields=["password", "must_change_password"])
        Authenticator.objects.filter(user=account).delete()
        reset_failures(username=account.username.lower())
        _record("people.password.reset", account, {"动态口令": "一并重置"})
    if json_:
        typer.echo(json.dumps({"username": account.username, "password": password}))
    else:
        typer.echo(f"{account} 的一次性密码：{password}")


@app.command("list", help="列出任职、人员和角色。")
def list_(
    agency: Annotated[str, typer.Option(help="机构代号，不写则全部。")] = "",
    role: Annotated[str, typer.Option(help="只列有这个角色的。")] = "",
    json_: Json = False,
) -> None:
    """Posts with their people and roles."""
    posts = Post.objects.select_related("account", "agency").prefetch_related("powers")
    if agency:
        posts = posts.filter(agency__key=agency)
    if role:
        posts = posts.filter(powers__role=role).distinct()
    rows: list[dict[str, Any]] = [
        {
            "username": post.account.username,
            "name": post.account.name,
            "agency": post.agency.key,
            "title": post.title,
            "roles": sorted({power.role for power in post.powers.all()}),
            "valid_from": post.valid_from.isoformat(),
            "valid_to": post.valid_to and post.valid_to.isoformat(),
            "active": post.account.is_active,
        }
        for post in posts.order_by("agency__place", "id")
    ]
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        names = "、".join(roles.name(key) for key in row["roles"])
        typer.echo(f"{row['agency']}  {row['username']}  {row['name']}  {row['title']}  {names}")


def _record(kind: str, account: Account, data: dict, agency: Agency | None = None) -> None:
    place = agency.place if agency else None
    history.append(CHAIN, kind, actor=OPERATOR, subject=account, data=data, place=place)
