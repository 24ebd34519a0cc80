"""Persons of the tests, standing in the real agencies of the province pack."""

from datetime import date, timedelta

from django.utils import timezone

from jinzhi.foundation.people.acting import Actor
from jinzhi.foundation.people.models import Account, Agency, Post, Power

PROVINCE, HANGZHOU, WEST_LAKE, NINGBO, BEILUN = "330000", "330100", "330106", "330200", "330206"
PASSWORD = "Quality-2026-supervision"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def agency(key: str) -> Agency:
    return Agency.objects.get(key=key)


def person(username: str, key: str = WEST_LAKE, *roles: str, title="科员", **post) -> Post:
    """A person with one post (more by calling again with the same username) that holds `roles`."""
    account, made = Account.objects.get_or_create(
        username=username, defaults={"name": f"{username}姓名", "kind": Account.Kind.STAFF, "is_demo": True}
    )
    if made:
        account.set_password(PASSWORD)
        account.save()
    fields = {"valid_from": date(2020, 1, 1), "is_main": not account.posts.exists()} | post
    held = Post.objects.create(account=account, agency=agency(key), title=title, **fields)
    for role in roles:
        Power.objects.create(post=held, role=role)
    return held


def actor(post: Post) -> Actor:
    return Actor(post.account, post, frozenset(p.role for p in post.powers.all()), "127.0.0.1")


def day(offset: int) -> date:
    return timezone.localdate() + timedelta(days=offset)


def sign_in(client, post: Post):
    """A signed-in session of a demonstration account (which needs no second factor)."""
    client.force_login(post.account, backend=BACKEND)
    return client
